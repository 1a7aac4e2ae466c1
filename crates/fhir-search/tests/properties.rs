//! Properties: the parser survives anything, tests survive their text form, containment never grants more than the
//! exact test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fhir_search::{
    Binding, Criteria, Filter, Leaf, Path, Predicate, Step, Test, TestOp, Token, TokenSystem,
    has_irregular_references, referenced_patients,
};
use proptest::prelude::*;
use serde_json::{Map, Value};
use support::{Always, Document, Nothing};

/// Text that is nearly criteria.
fn nearly_criteria() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Patient?".to_owned()),
        Just("*?".to_owned()),
        "(_id|name|gender|identifier|link|_compartment|_tag|birthdate|phone|deceased)(:not|:missing|:exact|:x)?=",
        Just("&".to_owned()),
        Just(",".to_owned()),
        Just("|".to_owned()),
        Just("\\".to_owned()),
        "%[0-9a-fA-F]{2}",
        "%[a-z_.-]{0,9}",
        "(Patient|Device|true|false|male|http://x|urn:)/?",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any::<String>(), 0..4)
}

fn token() -> impl Strategy<Value = Token> {
    let system = prop_oneof![
        Just(TokenSystem::Any),
        Just(TokenSystem::None),
        any::<String>().prop_map(TokenSystem::Is),
    ];
    (any::<Option<String>>(), system).prop_filter_map("a system or a code", |(code, system)| {
        let code = if matches!(system, TokenSystem::Is(_)) {
            code
        } else {
            Some(code?)
        };
        Some(Token { code, system })
    })
}

fn path() -> impl Strategy<Value = Path> {
    let filter = prop_oneof![
        ("[a-z][A-Za-z0-9]{0,5}", any::<String>())
            .prop_map(|(member, value)| Filter::Where { member, value }),
        Just(Filter::First),
    ];
    let step = (
        "[a-z_][A-Za-z0-9_]{0,8}",
        any::<bool>(),
        prop::option::of(filter),
    )
        .prop_map(|(member, many, filter)| Step {
            member,
            many,
            filter,
        });
    let leaf = prop::sample::select(vec![
        Leaf::Boolean,
        Leaf::Number,
        Leaf::Text,
        Leaf::Coding,
        Leaf::CodeableConcept,
        Leaf::Identifier,
        Leaf::ContactPoint,
        Leaf::HumanName,
        Leaf::Address,
        Leaf::Reference,
        Leaf::Object,
        Leaf::Truth,
    ]);
    (prop::collection::vec(step, 1..4), leaf).prop_map(|(steps, leaf)| Path { steps, leaf })
}

fn test() -> impl Strategy<Value = Test> {
    let op = prop_oneof![
        texts().prop_map(|types| TestOp::Present { types }),
        prop::collection::vec(token(), 0..4).prop_map(TestOp::Token),
        (texts(), texts(), texts()).prop_map(|(targets, ids, types)| TestOp::Reference {
            targets,
            ids,
            types
        }),
        texts().prop_map(TestOp::StartsWith),
        texts().prop_map(TestOp::Equals),
        any::<bool>().prop_map(TestOp::Truth),
    ];
    (prop::collection::vec(path(), 1..4), op).prop_map(|(paths, op)| Test::new(paths, op))
}

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

const CRITERIA: [(&str, &str); 16] = [
    ("Observation", "Observation?subject=Patient/1"),
    ("Observation", "Observation?subject=1"),
    ("Observation", "Observation?performer=p,Patient/2"),
    ("Observation", "Observation?patient:not=1"),
    ("Observation", "Observation?code=s|c"),
    ("Observation", "Observation?code=|c"),
    ("Observation", "Observation?identifier=s|,c"),
    ("Observation", "Observation?identifier:not=t|d"),
    ("Observation", "Observation?_tag=s|c&status=c"),
    ("Observation", "Observation?_compartment=Patient/1"),
    ("Observation", "Observation?_compartment=1"),
    ("Observation", "Observation?subject:missing=false"),
    ("Patient", "Patient?link=Patient/1"),
    ("Patient", "Patient?phone=c"),
    ("Patient", "Patient?telecom=s|c"),
    ("Patient", "Patient?active=true"),
];

fn predicate(kind: &str, text: &str) -> Predicate {
    Criteria::parse(kind, text).unwrap().bind(&Nothing).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(text in nearly_criteria(), value in any::<String>()) {
        for kind in ["Patient", "*"] {
            match Criteria::parse(kind, &text) {
                Ok(criteria) => {
                    prop_assert!(criteria.variables().count() <= text.matches('%').count());
                    for binding in [Binding::String(value.clone()), Binding::Reference("Patient/1".to_owned())] {
                        if let Ok(predicate) = criteria.bind_for("Patient", &Always(binding)) {
                            prop_assert!(!predicate.to_string().is_empty());
                        }
                    }
                }
                Err(error) => {
                    prop_assert!(error.offset <= text.len() && text.is_char_boundary(error.offset), "{error}");
                    prop_assert!(!error.message.is_empty());
                }
            }
        }
    }

    #[test]
    fn text_form(test in test()) {
        let text = test.to_string();
        prop_assert_eq!(text.parse::<Test>().unwrap(), test);
    }

    #[test]
    fn reading_tests_never_panics(text in "(token|starts|present|reference)\\([a-z*\\[\\]=\".:]{0,20}\\)?[ \"|,;a-z]{0,20}", any in any::<String>()) {
        for text in [text, any] {
            if let Ok(test) = text.parse::<Test>() {
                prop_assert_eq!(test.to_string().parse::<Test>().unwrap(), test);
            }
        }
    }

    #[test]
    fn containment(random in document(), shaped in shaped()) {
        for json in [random, shaped] {
            let document = Document::new(&json.to_string());
            for (kind, text) in CRITERIA {
                let predicate = predicate(kind, text);
                let found = document.holds(&predicate);
                prop_assert_eq!(document.holds(&predicate.negated()), found.map(|found| !found));
            }
            let patients = referenced_patients("Observation", document.value());
            prop_assert!(patients.len() <= 3, "{patients:?}");
            let text = json.to_string();
            let irregular = text.contains(r##""reference":"#"##) || text.contains("_history");
            prop_assert!(irregular || !has_irregular_references(document.value()));
        }
    }
}
