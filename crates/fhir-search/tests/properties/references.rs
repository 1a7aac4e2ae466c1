//! References, tokens and their containment, on documents with every kind of wrong shape.

use fhir_search::{has_irregular_references, referenced_patients};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::{Document, predicate};

/// JSON that looks like a resource in places, with every kind of wrong shape.
fn document() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        4 => prop::sample::select(vec!["Patient/1", "Patient/2", "Patient/1/_history/2", "#p", "#", "Group/1", "s", "c", "phone", "p", "x"])
            .prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<u8>().prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "subject",
        "performer",
        "reference",
        "code",
        "coding",
        "system",
        "value",
        "identifier",
        "telecom",
        "meta",
        "account",
        "accounts",
        "tag",
        "contained",
        "id",
        "status",
        "active",
        "gender",
        "link",
        "other",
    ]);
    let inner = scalar.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    });
    inner.prop_map(|mut document| {
        let mut members = document
            .as_object_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        members.insert("resourceType".to_owned(), Value::from("Patient"));
        Value::Object(members)
    })
}

/// Documents in the shape that the criteria below look for, before somebody breaks them.
fn shaped() -> impl Strategy<Value = Value> {
    let reference = prop::sample::select(vec![
        "Patient/1",
        "Patient/2",
        "Patient/1/_history/2",
        "#p",
        "Group/1",
        "http://x/Patient/1",
    ])
    .prop_map(|text| serde_json::json!({ "reference": text }));
    let coding = (
        prop::sample::select(vec!["s", "t", ""]),
        prop::sample::select(vec!["c", "d", ""]),
    )
        .prop_map(|(system, code)| {
            let mut members = Map::new();
            if !system.is_empty() {
                members.insert("system".to_owned(), Value::from(system));
            }
            if !code.is_empty() {
                members.insert("code".to_owned(), Value::from(code));
                members.insert("value".to_owned(), Value::from(code));
            }
            Value::Object(members)
        });
    let list = |item: BoxedStrategy<Value>| prop::collection::vec(item, 0..3);
    (reference.boxed(), list(coding.boxed()), document()).prop_map(|(reference, codings, rest)| {
        let mut document = serde_json::json!({
            "resourceType": "Observation",
            "contained": [{ "resourceType": "Patient", "id": "p" }],
            "identifier": codings,
            "code": { "coding": codings },
            "meta": { "tag": codings, "accounts": [reference] },
            "subject": reference,
            "performer": [reference, rest["subject"]],
            "status": rest["status"],
        });
        if let Some(value) = rest.get("meta") {
            document["meta"] = value.clone();
        }
        document
    })
}

const CRITERIA: [&str; 16] = [
    "Observation?subject=Patient/1",
    "Observation?subject=1",
    "Observation?performer=p,Patient/2",
    "Observation?patient:not=1",
    "Observation?code=s|c",
    "Observation?code=|c",
    "Observation?identifier=s|,c",
    "Observation?identifier:not=t|d",
    "Observation?_tag=s|c&status=c",
    "Observation?_compartment=Patient/1",
    "Observation?_compartment=1",
    "Observation?subject:missing=false",
    "Patient?link=Patient/1",
    "Patient?phone=c",
    "Patient?telecom=s|c",
    "Patient?active=true",
];

/// As [`has_irregular_references`], member by member.
fn has_one(value: &Value) -> bool {
    match value {
        Value::Array(array) => array.iter().any(has_one),
        Value::Object(object) => object.iter().any(|(key, member)| match member {
            Value::String(text) => {
                key == "reference" && (text.starts_with('#') || text.contains("/_history/"))
            }
            member => has_one(member),
        }),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn containment(random in document(), shaped in shaped()) {
        for json in [random, shaped] {
            let document = Document::new(&json.to_string());
            for text in CRITERIA {
                let predicate = predicate(text);
                let found = document.holds(&predicate);
                prop_assert_eq!(document.holds(&predicate.negated()), found.map(|found| !found));
            }
            let patients = referenced_patients("Observation", document.value());
            prop_assert!(patients.len() <= 3, "{patients:?}");
            let text = json.to_string();
            let irregular = text.contains(r##""reference":"#"##) || text.contains("_history");
            prop_assert!(irregular || !has_irregular_references(document.value()));
            prop_assert_eq!(has_irregular_references(document.value()), has_one(&json));
        }
    }
}
