//! The syntax of criteria, their errors, and what variables can and cannot do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::HashMap;

use fhir_search::{BindError, Binding, Bindings, Criteria, Predicate};
use serde_json::json;

struct Values(HashMap<&'static str, Binding>);

impl Bindings for Values {
    fn get(&self, name: &str) -> Option<Binding> {
        self.0.get(name).cloned()
    }
}

fn values() -> Values {
    let text = |text: &str| Binding::String(text.to_owned());
    let reference = |text: &str| Binding::Reference(text.to_owned());
    Values(HashMap::from([
        ("profile", reference("Practitioner/p1")),
        ("patient", reference("Patient/1")),
        ("state", text("CA")),
        ("states", text(r"CA,NY,a\,b")),
        ("patients", text("Patient/1,Patient/2")),
        ("evil", text("x&_id=1")),
        ("org", text("o1")),
        ("org_parent", text("o2")),
        ("empty", text("")),
        ("hole", text("a,,b")),
        ("slash", text(r"a\b")),
        ("nul", text("a\0b")),
        ("mark", text("\u{301}")),
        ("broken", reference("nothing")),
    ]))
}

fn parse(text: &str) -> Criteria {
    let kind = text.split('?').next().unwrap();
    Criteria::parse(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn bind(text: &str) -> Predicate {
    parse(text)
        .bind(&values())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn meaning() {
    for (text, expected) in [
        ("Patient?_id=1", r#"id "1""#),
        ("Patient?_id=Patient/1,2", r#"id "1", "2""#),
        ("Patient?_id=%patient", r#"id "1""#),
        ("Patient?_id=%patient.id", r#"id "1""#),
        ("Patient?_id=%profile", "false"),
        ("Patient?_id:not=%profile", "true"),
        ("Patient?_id=%patients", r#"id "1", "2""#),
        ("Patient?gender=male", r#"token(gender:text) "male""#),
        (
            "Patient?gender:not=male,other",
            r#"not token(gender:text) "male", "other""#,
        ),
        ("Patient?active=true", r#"token(active:boolean) "true""#),
        (
            "Patient?identifier=urn:mrn|42",
            r#"token(identifier*:Identifier) "urn:mrn"|"42""#,
        ),
        (
            "Patient?identifier=urn:mrn|",
            r#"token(identifier*:Identifier) "urn:mrn"|"#,
        ),
        (
            "Patient?identifier=|42,7",
            r#"token(identifier*:Identifier) "7" or token(identifier*:Identifier) |"42""#,
        ),
        (
            "Patient?phone=555",
            r#"token(telecom*[system="phone"]:ContactPoint) "555""#,
        ),
        ("Patient?_tag=s|c", r#"token(meta.tag*:Coding) "s"|"c""#),
        ("Patient?_security=R", r#"token(meta.security*:Coding) "R""#),
        (
            "Patient?_profile=http://x",
            r#"equals(meta.profile*:text) "http://x""#,
        ),
        (
            "Patient?_source=http://x",
            r#"equals(meta.source:text) "http://x""#,
        ),
        (
            "Patient?_project=a,Project/b",
            r#"equals(meta.project:text) "a", "b""#,
        ),
        (
            "Patient?deceased=true",
            "true(deceasedBoolean:truth, deceasedDateTime:truth)",
        ),
        (
            "Patient?deceased=false",
            "nottrue(deceasedBoolean:truth, deceasedDateTime:truth)",
        ),
        (
            "Patient?name=J%C3%BCrg",
            r#"starts(name*:HumanName) "jurg""#,
        ),
        (
            "Patient?address-state=%state",
            r#"starts(address*.state:text) "ca""#,
        ),
        (
            "Patient?address-state=%states",
            r#"starts(address*.state:text) "a,b", "ca", "ny""#,
        ),
        (
            "Patient?birthdate:missing=true",
            "not present(birthDate:text)",
        ),
        ("Patient?birthdate:missing=false", "present(birthDate:text)"),
        (
            "Condition?patient:missing=false",
            r#"present(subject:Reference); of "Patient""#,
        ),
        (
            "Patient?general-practitioner=%profile",
            r#"reference(generalPractitioner*:Reference) "Practitioner/p1""#,
        ),
        (
            "Patient?general-practitioner=p1",
            r#"reference(generalPractitioner*:Reference); id "p1"; of "Organization", "Practitioner", "PractitionerRole""#,
        ),
        (
            "Observation?subject=http://x/fhir/Patient/1",
            r#"reference(subject:Reference) "http://x/fhir/Patient/1""#,
        ),
        (
            "Condition?patient=Patient/1",
            r#"reference(subject:Reference) "Patient/1""#,
        ),
        ("Condition?patient=Group/1", "false"),
        ("Condition?patient:not=Group/1", "true"),
        (
            "Observation?subject=Patient/%patient.id",
            r#"reference(subject:Reference) "Patient/1""#,
        ),
        (
            "Observation?subject=%patients",
            r#"reference(subject:Reference) "Patient/1", "Patient/2""#,
        ),
        (
            "Organization?identifier=%org_parent",
            r#"token(identifier*:Identifier) "o2""#,
        ),
        (
            "Organization?identifier=%org,%org_parent",
            r#"token(identifier*:Identifier) "o1", "o2""#,
        ),
        (
            "Organization?identifier=%evil",
            r#"token(identifier*:Identifier) "x&_id=1""#,
        ),
        (
            "Organization?identifier=urn:x|%org",
            r#"token(identifier*:Identifier) "urn:x"|"o1""#,
        ),
        (
            "Patient?gender=a&gender=b",
            r#"token(gender:text) "a" and token(gender:text) "b""#,
        ),
        (
            "Patient?_compartment=Patient/1",
            r#"id "1" or reference(link*.other:Reference, meta.account:Reference, meta.accounts*:Reference) "Patient/1""#,
        ),
        (
            "Observation?_compartment=%patient",
            r#"reference(subject:Reference, performer*:Reference, meta.account:Reference, meta.accounts*:Reference) "Patient/1""#,
        ),
        (
            "Observation?_compartment=Organization/o",
            r#"reference(meta.account:Reference, meta.accounts*:Reference) "Organization/o""#,
        ),
        (
            "Organization?_compartment=Organization/o",
            r#"id "o" or reference(meta.account:Reference, meta.accounts*:Reference) "Organization/o""#,
        ),
        (
            "Patient?_compartment:not=Patient/1",
            r#"not id "1" and not reference(link*.other:Reference, meta.account:Reference, meta.accounts*:Reference) "Patient/1""#,
        ),
        (
            "PlanDefinition?depends-on=http://x|1",
            r#"equals(relatedArtifact*[type="depends-on"].resource:text, library*:text) "http://x|1""#,
        ),
        ("ValueSet?url=http://x", r#"equals(url:text) "http://x""#),
    ] {
        assert_eq!(bind(text).to_string(), expected, "{text}");
    }
}

#[test]
fn all_types() {
    let criteria = Criteria::parse("*", "*?_compartment=%patient").unwrap();
    assert_eq!(criteria.variables().collect::<Vec<_>>(), ["patient"]);
    let patient = criteria.bind_for("Patient", &values()).unwrap();
    assert!(
        patient
            .to_string()
            .starts_with(r#"id "1" or reference(link"#),
        "{patient}"
    );
    let organization = criteria.bind_for("Organization", &values()).unwrap();
    assert!(
        organization
            .to_string()
            .starts_with("reference(meta.account:"),
        "{organization}"
    );
    assert!(matches!(
        criteria.bind(&values()),
        Err(BindError::Type { .. })
    ));
    assert!(matches!(
        parse("Patient?_id=1").bind_for("Device", &values()),
        Err(BindError::Type { .. })
    ));
}

/// What containment asks for follows the arrays of the element tree.
#[test]
fn containment() {
    fn documents(predicate: &Predicate, into: &mut Vec<serde_json::Value>) {
        match predicate {
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().for_each(|part| documents(part, into))
            }
            Predicate::Not(inner) => documents(inner, into),
            Predicate::Match(found) => into.extend(found.contains.iter().cloned()),
            Predicate::Constant(_) | Predicate::Id(_) => {}
        }
    }
    let accounts = [
        json!({"meta": {"account": {"reference": "Patient/1"}}}),
        json!({"meta": {"accounts": [{"reference": "Patient/1"}]}}),
    ];
    for (text, expected) in [
        ("Patient?gender=male", vec![json!({"gender": "male"})]),
        ("Patient?active=true", vec![json!({"active": true})]),
        (
            "Patient?identifier=s|v",
            vec![json!({"identifier": [{"system": "s", "value": "v"}]})],
        ),
        (
            "Patient?identifier=s|",
            vec![json!({"identifier": [{"system": "s"}]})],
        ),
        ("Patient?identifier=|v", vec![]),
        ("Patient?gender=|male", vec![json!({"gender": "male"})]),
        (
            "Observation?code=c",
            vec![json!({"code": {"coding": [{"code": "c"}]}})],
        ),
        (
            "Patient?phone=5",
            vec![json!({"telecom": [{"value": "5", "system": "phone"}]})],
        ),
        ("Patient?phone=email|5", vec![]),
        ("Patient?name=x", vec![]),
        (
            "Observation?subject=1",
            ["Device", "Group", "Location", "Patient"]
                .map(|kind| json!({"subject": {"reference": format!("{kind}/1")}}))
                .to_vec(),
        ),
        ("Provenance?target=1", vec![]),
        (
            "Observation?_compartment=Patient/1",
            vec![
                json!({"subject": {"reference": "Patient/1"}}),
                json!({"performer": [{"reference": "Patient/1"}]}),
                accounts[0].clone(),
                accounts[1].clone(),
            ],
        ),
    ] {
        let mut found = Vec::new();
        documents(&bind(text), &mut found);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn errors() {
    for (kind, text, offset, message) in [
        (
            "Patient",
            "Patient?adress-state=CA",
            8,
            r#"unknown search parameter "adress-state" for Patient (did you mean "address-state"?)"#,
        ),
        (
            "Patient",
            "Patient?zzzzzz=1",
            8,
            r#"unknown search parameter "zzzzzz" for Patient"#,
        ),
        (
            "Patient",
            "Observation?status=x",
            0,
            r#"the criteria is for Observation, but its entry is for "Patient""#,
        ),
        (
            "*",
            "Patient?_id=1",
            0,
            r#"the criteria is for Patient, but its entry is for "*""#,
        ),
        (
            "Pateint",
            "Pateint?_id=1",
            0,
            r#"unknown resource type "Pateint" (did you mean "Patient"?)"#,
        ),
        (
            "Patient",
            "Patient",
            7,
            "? is missing after the resource type",
        ),
        ("Patient", "", 0, "? is missing after the resource type"),
        ("Binary", "Binary?_id=1", 0, "Binary has no criteria"),
        ("Patient", "Patient?", 8, "a search parameter is empty"),
        (
            "Patient",
            "Patient?_id=1&",
            14,
            "a search parameter is empty",
        ),
        ("Patient", "Patient?=1", 8, "a search parameter has no name"),
        (
            "Patient",
            "Patient?:not=1",
            8,
            "a search parameter has no name",
        ),
        (
            "Patient",
            "Patient?gender",
            14,
            r#"= is missing after search parameter "gender""#,
        ),
        ("Patient", "Patient?gender=", 15, "a value is empty"),
        ("Patient", "Patient?gender=a,,b", 17, "a value is empty"),
        (
            "Patient",
            r"Patient?gender=a\",
            16,
            r"\ must be followed by , | $ or \",
        ),
        (
            "Patient",
            "Patient?gender=%zz%1",
            18,
            "% starts neither an encoded character nor a variable",
        ),
        (
            "Patient",
            "Patient?gender=%00",
            15,
            "a NUL character is not allowed",
        ),
        (
            "Patient",
            "Patient?%x=1",
            8,
            "a variable can only be part of a value",
        ),
        (
            "Patient",
            "Patient?gender:exact=a",
            14,
            "modifier :exact of search parameter gender is not supported in criteria",
        ),
        (
            "Patient",
            "Patient?gender:foo=a",
            14,
            r#"unknown modifier ":foo" of search parameter gender"#,
        ),
        (
            "Observation",
            "Observation?subject:Patient=1",
            19,
            "modifier :Patient of search parameter subject is not supported in criteria",
        ),
        (
            "Observation",
            "Observation?subject:identifier=1",
            19,
            "modifier :identifier of search parameter subject is not supported in criteria",
        ),
        (
            "Observation",
            "Observation?subject.name=x",
            12,
            r#"chained search parameter "subject.name" is not supported in criteria"#,
        ),
        (
            "Observation",
            "Observation?subject:Patient.name=x",
            12,
            r#"chained search parameter "subject" is not supported in criteria"#,
        ),
        (
            "Patient",
            "Patient?_has:Observation:patient:code=1",
            8,
            "search parameter _has is not supported in criteria: it is not a condition on one resource's elements",
        ),
        (
            "Patient",
            "Patient?_text=x",
            8,
            "search parameter _text is not supported in criteria: it is not a condition on one resource's elements",
        ),
        (
            "Patient",
            "Patient?_sort=name",
            8,
            "_sort is about the result of a search and cannot be used in criteria",
        ),
        (
            "Patient",
            "Patient?birthdate=1990",
            8,
            "search parameter birthdate is a date parameter; criteria of this kind are not supported by this version, except with :missing",
        ),
        (
            "Observation",
            "Observation?code-value-quantity=a$1",
            12,
            "search parameter code-value-quantity is composite; criteria of this kind are not supported",
        ),
        (
            "Location",
            "Location?near=1",
            9,
            "search parameter near is special; criteria of this kind are not supported",
        ),
        (
            "Bundle",
            "Bundle?message=x",
            7,
            "search parameter message is not supported in criteria: its expression computes a value: Bundle.entry[0].resource",
        ),
        (
            "Patient",
            "Patient?gender=s|male",
            15,
            "search parameter gender: it searches a code, which has no system",
        ),
        (
            "Patient",
            "Patient?gender=%a|%b",
            15,
            "search parameter gender: it searches a code, which has no system",
        ),
        (
            "Patient",
            "Patient?active=yes",
            15,
            "search parameter active: expected true or false",
        ),
        (
            "Patient",
            "Patient?active:missing=yes",
            23,
            "search parameter active: expected true or false",
        ),
        (
            "Patient",
            "Patient?active:missing=true,false",
            28,
            "active:missing takes one value, true or false",
        ),
        (
            "Patient",
            "Patient?identifier=|",
            19,
            "search parameter identifier: expected code, system|code, |code or system|",
        ),
        (
            "Patient",
            "Patient?identifier=a|b|c",
            19,
            r"search parameter identifier: expected at most one |; one inside a system or code is written \|",
        ),
        (
            "Patient",
            "Patient?identifier=a|%b|c",
            19,
            r"search parameter identifier: expected at most one |; one inside a system or code is written \|",
        ),
        (
            "Patient",
            "Patient?name=%CC%81",
            13,
            "search parameter name: expected a text with at least one letter, digit or sign",
        ),
        (
            "Observation",
            "Observation?subject=Pateint/1",
            20,
            r#"search parameter subject: "Pateint" is not a resource type (did you mean Patient?)"#,
        ),
        (
            "Observation",
            "Observation?subject=Patient/1/_history/2",
            20,
            "search parameter subject: expected a reference without a version",
        ),
        (
            "Observation",
            "Observation?subject=a/b/c",
            20,
            "search parameter subject: expected Type/id, an id or an absolute URL",
        ),
        (
            "Observation",
            "Observation?subject=Patient/",
            20,
            "search parameter subject: expected Type/id, an id or an absolute URL",
        ),
        (
            "Patient",
            "Patient?_id=Device/1",
            12,
            "search parameter _id: the id of a Patient is expected",
        ),
        (
            "Patient",
            "Patient?_id=a b",
            12,
            "search parameter _id: expected Type/id, an id or an absolute URL",
        ),
        (
            "Patient",
            "Patient?_compartment:missing=true",
            8,
            "modifier :missing of search parameter _compartment is not supported in criteria",
        ),
        (
            "*",
            "*?_id=1",
            2,
            r#"criteria for * may only use _compartment, not "_id""#,
        ),
        (
            "*",
            "*?status=x",
            2,
            r#"criteria for * may only use _compartment, not "status""#,
        ),
    ] {
        let error = Criteria::parse(kind, text).expect_err(text);
        assert_eq!(
            (error.message.as_str(), error.offset),
            (message, offset),
            "{text}"
        );
    }
}

#[test]
fn binding_errors() {
    let value = |variable: &str, parameter: &str, expected: &str| BindError::Value {
        variable: variable.to_owned(),
        parameter: parameter.to_owned(),
        expected: expected.to_owned(),
    };
    for (text, expected) in [
        (
            "Patient?gender=%nothing",
            BindError::Undefined {
                variable: "nothing".to_owned(),
            },
        ),
        (
            "Patient?gender=%org_parent_x",
            BindError::Undefined {
                variable: "org_parent_x".to_owned(),
            },
        ),
        (
            "Patient?gender=x%states",
            value("states", "gender", "one value, without a comma"),
        ),
        (
            "Patient?identifier=s|%states",
            value("states", "identifier", "one value, without a comma"),
        ),
        (
            "Patient?gender=%empty",
            value("empty", "gender", "a value that is not empty"),
        ),
        (
            "Patient?active=%state",
            value("state", "active", "true or false"),
        ),
        (
            "Patient?name=%mark",
            value(
                "mark",
                "name",
                "a text with at least one letter, digit or sign",
            ),
        ),
        (
            "Observation?subject=%evil",
            value("evil", "subject", "Type/id, an id or an absolute URL"),
        ),
        (
            "Observation?subject=Patient/%profile",
            value("profile", "subject", "Type/id, an id or an absolute URL"),
        ),
        (
            "Observation?subject=%state.id",
            value("state", "subject", "a reference, Type/id"),
        ),
        (
            "Observation?subject=%broken",
            value("broken", "subject", "a reference, Type/id"),
        ),
        (
            "Patient?name=x%nul",
            value("nul", "name", "a text without NUL"),
        ),
        (
            "Patient?name=%nul",
            value(
                "nul",
                "name",
                "a list of values (a NUL character is not allowed)",
            ),
        ),
        (
            "Patient?name=%hole",
            value("hole", "name", "a list of values (a value is empty)"),
        ),
        (
            "Patient?name=%slash",
            value(
                "slash",
                "name",
                r"a list of values (\ must be followed by , | $ or \)",
            ),
        ),
    ] {
        let error = parse(text).bind(&values()).expect_err(text);
        assert_eq!(error, expected, "{text}");
    }
    let error = parse("Observation?subject=%evil")
        .bind(&values())
        .unwrap_err();
    assert!(!error.to_string().contains("_id=1"), "{error}");
}

#[test]
fn limits() {
    let long = format!("Patient?gender={}", "a".repeat(1 << 19));
    assert!(
        Criteria::parse("Patient", &long)
            .unwrap_err()
            .message
            .contains("longer")
    );
    let longest = format!("Patient?gender={}", "a".repeat((1 << 19) - 15));
    assert!(Criteria::parse("Patient", &longest).is_ok());
    let many = format!("Patient?gender={}", vec!["a"; 10_001].join(","));
    assert_eq!(
        Criteria::parse("Patient", &many).unwrap_err().message,
        "more than 10000 values"
    );
    let spread = format!(
        "Patient?{}",
        vec![format!("gender={}", vec!["a"; 100].join(",")); 101].join("&")
    );
    assert_eq!(
        Criteria::parse("Patient", &spread).unwrap_err().message,
        "more than 10000 values"
    );
    let parameters = format!("Patient?{}", vec!["gender=a"; 1_001].join("&"));
    assert_eq!(
        Criteria::parse("Patient", &parameters).unwrap_err().message,
        "more than 1000 parameters"
    );
    let name = format!("Patient?{}=1", "x".repeat(1_000_000));
    let error = Criteria::parse("Patient", &name).unwrap_err();
    assert!(error.message.len() < 200, "{}", error.message.len());
    // 10,000 ids of four types on one path: too many documents, still exact.
    let ids: Vec<String> = (0..10_000).map(|id| id.to_string()).collect();
    let Predicate::Match(found) = bind(&format!("Observation?subject={}", ids.join(","))) else {
        panic!("one match expected");
    };
    assert!(found.contains.is_empty() && found.references);
}
