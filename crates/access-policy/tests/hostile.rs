//! Hostile documents: never a panic, always an answer, and parsing agrees with validation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use access_policy::{AccessPolicy, Interaction, Project, ProjectMembership, has_errors, validate};
use common::Documents;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Property names that documents use, and some they do not.
const NAMES: [&str; 38] = [
    "resourceType",
    "id",
    "meta",
    "name",
    "_name",
    "resource",
    "criteria",
    "compartment",
    "basedOn",
    "readonly",
    "interaction",
    "hiddenFields",
    "readonlyFields",
    "writeConstraint",
    "ipAccessRule",
    "value",
    "action",
    "reference",
    "project",
    "profile",
    "admin",
    "active",
    "accessPolicy",
    "access",
    "policy",
    "parameter",
    "valueString",
    "valueReference",
    "superAdmin",
    "link",
    "exportedResourceType",
    "expression",
    "language",
    "description",
    "redonly",
    "",
    "a b",
    "\u{0}",
];

const TEXTS: [&str; 30] = [
    "AccessPolicy",
    "ProjectMembership",
    "Project",
    "Patient",
    "*",
    "Binary",
    "AccessPolicy/a",
    "Project/p",
    "Patient/%x",
    "%x",
    "%",
    "%.id",
    "Patient?_id=%x",
    "Patient?_id=%",
    "Patient?_id=%zz,\\",
    "Patient?_compartment=%x.id",
    "*?_compartment=%patient",
    "Patient?address-state:not=CA&_tag=|x",
    "name.family",
    "value[x]",
    "..",
    "10.0.0.0/8",
    "allow",
    "read",
    "text/fhirpath",
    "%before.exists() implies %before.status != 'final'",
    "%x.where(a",
    "((",
    "\u{0}",
    "ä\u{202e}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => "(Patient|Observation|\\*)\\?[a-z_:%&=,|\\\\.0-9-]{0,40}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        8 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..6).prop_map(
                |members| {
                    let members: Map<String, Value> = members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect();
                    Value::from(members)
                }
            ),
        ]
    })
}

/// An object with some of the named properties at random values.
fn object(required: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let parts: Vec<_> = required
        .into_iter()
        .map(|(name, strategy)| {
            (
                Just(name),
                prop_oneof![
                    6 => strategy.prop_map(Some),
                    2 => Just(None),
                    1 => value().prop_map(Some),
                ],
            )
        })
        .collect();
    parts
        .prop_map(|members| {
            let members: Map<String, Value> = members
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect();
            Value::from(members)
        })
        .boxed()
}

fn texts(choices: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::collection::vec(prop::sample::select(choices), 0..4)
        .prop_map(|items| json!(items))
        .boxed()
}

fn one(choices: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::sample::select(choices).prop_map(Value::from).boxed()
}

fn list(item: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(item, 0..4)
        .prop_map(Value::from)
        .boxed()
}

fn reference(choices: &'static [&'static str]) -> BoxedStrategy<Value> {
    one(choices)
        .prop_map(|reference| json!({ "reference": reference }))
        .boxed()
}

/// Mostly well-formed policies.
fn policy() -> BoxedStrategy<Value> {
    let entry = object(vec![
        (
            "resourceType",
            one(&["Patient", "Observation", "*", "User", "Binary"]),
        ),
        (
            "criteria",
            one(&[
                "Patient?_id=%x",
                "Patient?address-state=CA",
                "Patient?general-practitioner=%profile",
                "Observation?_compartment=%patient",
                "*?_compartment=Patient/%x",
                "User?_project=p",
                "Patient?active=%x",
                "Patient?identifier=%x|%y",
                "Patient?organization=%x",
                "Patient?family=%x,%y",
                "Observation?subject=Patient/%x.id",
            ]),
        ),
        (
            "interaction",
            texts(&["read", "search", "create", "update", "delete"]),
        ),
        (
            "hiddenFields",
            texts(&["name", "name.family", "subject", "value[x]", "text"]),
        ),
        ("readonly", any::<bool>().prop_map(Value::from).boxed()),
    ]);
    // Most entries are for the type that their criteria name.
    let entry = (entry, prop::bool::weighted(0.9))
        .prop_map(|(mut entry, agree)| {
            let criteria = entry["criteria"]
                .as_str()
                .and_then(|text| text.split_once('?'));
            if let Some((resource_type, _)) = criteria.filter(|_| agree) {
                entry["resourceType"] = json!(resource_type);
            }
            entry
        })
        .boxed();
    let rule = object(vec![
        ("value", one(&["*", "10.", "10.0.0.0/8", "::1"])),
        ("action", one(&["allow", "block"])),
    ]);
    object(vec![
        ("resourceType", Just(json!("AccessPolicy")).boxed()),
        ("resource", list(entry)),
        ("ipAccessRule", list(rule)),
        (
            "compartment",
            reference(&["Organization/1", "%x", "Organization/%x"]),
        ),
    ])
}

/// Mostly well-formed memberships of the policy `a` and the project `p`.
fn membership() -> BoxedStrategy<Value> {
    let parameter = object(vec![
        ("name", one(&["x", "patient", "y", "profile"])),
        (
            "valueString",
            one(&[
                "1",
                "1,2",
                "a=b&c",
                "Organization/1",
                "%x",
                "\"'\\",
                "s3cr3t",
                "s3cr3t,s3cr3t|\\,&",
                "s3cr3t\\",
            ]),
        ),
    ]);
    let access = object(vec![
        ("policy", reference(&["AccessPolicy/a"])),
        ("parameter", list(parameter)),
    ]);
    object(vec![
        ("resourceType", Just(json!("ProjectMembership")).boxed()),
        ("profile", reference(&["Patient/1", "Practitioner/2"])),
        ("project", reference(&["Project/p"])),
        ("access", list(access)),
        ("admin", any::<bool>().prop_map(Value::from).boxed()),
    ])
}

/// Validation and the three parsers agree on whether the document is refused.
fn check(text: &str) {
    let findings = validate(text);
    let accepted = AccessPolicy::parse(text).is_ok()
        || ProjectMembership::parse(text).is_ok()
        || Project::parse(text).is_ok();
    assert_eq!(accepted, !has_errors(&findings), "{text}");
    for finding in findings {
        let said = finding.to_string();
        assert!(!said.contains('\0') && !said.contains("s3cr3t"), "{said}");
    }
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,200}|[\\[\\]{}\",:a-z0-9\\\\ ]{0,200}") {
        check(&text);
    }

    #[test]
    fn any_tree(document in value()) {
        check(&document.to_string());
    }

    #[test]
    fn near_policies(document in policy()) {
        check(&document.to_string());
    }

    #[test]
    fn near_memberships(document in membership()) {
        check(&document.to_string());
    }

    #[test]
    fn resolution_answers(policy in policy(), membership in membership()) {
        let mut policy = policy;
        policy["id"] = json!("a");
        policy["resourceType"] = json!("AccessPolicy");
        let project = r#"{"resourceType":"Project","id":"p"}"#;
        let documents = Documents::default().with(&[&policy.to_string(), project]);
        let membership = membership.to_string();
        if ProjectMembership::parse(&membership).is_ok() {
            match documents.resolve(&membership) {
                Ok(access) => {
                    for resource_type in ["Patient", "Observation", "User", "Binary"] {
                        for interaction in Interaction::ALL {
                            prop_assert!(access.entries_for(resource_type, interaction).is_ok());
                            prop_assert!(access.project_scope(resource_type, interaction).is_ok());
                        }
                    }
                    prop_assert_eq!(access.fingerprint(), documents.resolve(&membership).unwrap().fingerprint());
                }
                Err(error) => {
                    let said = format!("{error} {error:?} {:?}", error.hint());
                    prop_assert!(!said.contains("s3cr3t"), "{said}");
                }
            }
        }
    }
}

#[test]
fn deep_and_truncated_documents() {
    for open in ["[", "{\"a\":"] {
        check(&open.repeat(1_000_000));
    }
    let text = include_str!("guides/patient-access-template.json");
    for (end, _) in text.char_indices() {
        check(&text[..end]);
    }
}
