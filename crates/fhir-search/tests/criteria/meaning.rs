//! What criteria come to: the predicate that users read, and what containment asks for.

use fhir_search::{BindError, Condition, Criteria, Predicate};
use serde_json::json;

use crate::values::{bind, parse, values};

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
            "not present(birthDate:date)",
        ),
        ("Patient?birthdate:missing=false", "present(birthDate:date)"),
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
        (
            "Condition?patient=Group/1",
            "reference(subject:Reference) \"Group/1\"; of \"Patient\"",
        ),
        (
            "Condition?patient:not=Group/1",
            "not reference(subject:Reference) \"Group/1\"; of \"Patient\"",
        ),
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

/// An index is asked for the code alone first: a system is in most rows.
#[test]
fn codes_before_systems() {
    for (text, expected) in [
        (
            "Patient?identifier=s|v",
            Some(vec![json!({"identifier": [{"value": "v"}]})]),
        ),
        (
            "Patient?identifier=s|v,t|v,s|w",
            Some(vec![
                json!({"identifier": [{"value": "v"}]}),
                json!({"identifier": [{"value": "w"}]}),
            ]),
        ),
        (
            "Patient?identifier=s|v,t|",
            Some(vec![
                json!({"identifier": [{"system": "t"}]}),
                json!({"identifier": [{"value": "v"}]}),
            ]),
        ),
        ("Patient?identifier=v", None),
        ("Patient?identifier=s|", None),
        ("Patient?gender=male", None),
    ] {
        let predicate = bind(text);
        let Predicate::Test(test) = &predicate else {
            panic!("{text}: {predicate:?}");
        };
        let lookups = test.lookups();
        let mut contained = lookups.iter().filter_map(|lookup| match &lookup.condition {
            Condition::Contains(found) => Some((found.clone(), lookup.decides)),
            _ => None,
        });
        let narrow = contained.next().filter(|(_, decides)| !decides);
        assert_eq!(narrow.map(|(found, _)| found), expected, "{text}");
        assert!(lookups.iter().any(|lookup| lookup.decides), "{text}");
    }
}

/// What containment asks for follows the arrays of the element tree; and whether it decides.
#[test]
fn containment() {
    fn documents(predicate: &Predicate, into: &mut Vec<serde_json::Value>, decides: &mut bool) {
        match predicate {
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().for_each(|part| documents(part, into, decides))
            }
            Predicate::Not(inner) => documents(inner, into, decides),
            Predicate::Test(test) => {
                let mut lookups = test.lookups();
                lookups.sort_by_key(|lookup| !lookup.decides);
                let contained = lookups.iter().find_map(|lookup| match &lookup.condition {
                    Condition::Contains(found) => Some((found, lookup.decides)),
                    _ => None,
                });
                if let Some((found, decided)) = contained {
                    into.extend(found.iter().cloned());
                    *decides &= decided;
                }
            }
            Predicate::Constant(_)
            | Predicate::Id(_)
            | Predicate::ResourceType(_)
            | Predicate::TypeAgrees
            | Predicate::SecurityContext => {}
        }
    }
    let accounts = [
        json!({"meta": {"account": {"reference": "Patient/1"}}}),
        json!({"meta": {"accounts": [{"reference": "Patient/1"}]}}),
    ];
    for (text, decides, expected) in [
        ("Patient?gender=male", true, vec![json!({"gender": "male"})]),
        ("Patient?active=true", true, vec![json!({"active": true})]),
        (
            "Patient?identifier=s|v",
            true,
            vec![json!({"identifier": [{"system": "s", "value": "v"}]})],
        ),
        (
            "Patient?identifier=s|",
            true,
            vec![json!({"identifier": [{"system": "s"}]})],
        ),
        (
            "Patient?identifier=|v",
            false,
            vec![json!({"identifier": [{"value": "v"}]})],
        ),
        (
            "Patient?gender=|male",
            true,
            vec![json!({"gender": "male"})],
        ),
        (
            "Observation?code=c",
            true,
            vec![json!({"code": {"coding": [{"code": "c"}]}})],
        ),
        (
            "Patient?phone=5",
            true,
            vec![json!({"telecom": [{"value": "5", "system": "phone"}]})],
        ),
        ("Patient?phone=email|5", true, vec![]),
        ("Patient?name=x", true, vec![]),
        (
            "Patient?given:exact=Ann",
            true,
            vec![json!({"name": [{"given": ["Ann"]}]})],
        ),
        (
            "Patient?name:exact=Ann",
            true,
            ["family", "text"]
                .map(|part| json!({"name": [{part: "Ann"}]}))
                .into_iter()
                .chain(["given", "prefix", "suffix"].map(|part| json!({"name": [{part: ["Ann"]}]})))
                .collect(),
        ),
        (
            "Observation?subject=1",
            true,
            ["Device", "Group", "Location", "Patient"]
                .map(|kind| json!({"subject": {"reference": format!("{kind}/1")}}))
                .to_vec(),
        ),
        ("Provenance?target=1", true, vec![]),
        (
            "Observation?subject:identifier=s|v",
            true,
            vec![json!({"subject": {"identifier": {"system": "s", "value": "v"}}})],
        ),
        (
            "Observation?subject:Patient=1",
            true,
            vec![json!({"subject": {"reference": "Patient/1"}})],
        ),
        (
            "Bundle?composition=Composition/1",
            false,
            vec![json!({"entry": [{"resource": {"resourceType": "Composition", "id": "1"}}]})],
        ),
        (
            "Observation?_compartment=Patient/1",
            true,
            vec![
                json!({"subject": {"reference": "Patient/1"}}),
                json!({"performer": [{"reference": "Patient/1"}]}),
                accounts[0].clone(),
                accounts[1].clone(),
            ],
        ),
        ("Patient?birthdate=1990", true, vec![]),
        ("Observation?value-quantity=5", true, vec![]),
        // No unit is so rare that it would help.
        (
            "Observation?value-quantity=5|http://unitsofmeasure.org|mg",
            true,
            vec![],
        ),
        ("Invoice?totalgross=5||EUR", true, vec![]),
        (
            "Observation?component-code-value-concept=s|c$d",
            true,
            vec![json!({"component": [{
                "code": {"coding": [{"system": "s", "code": "c"}]},
                "valueCodeableConcept": {"coding": [{"code": "d"}]},
            }]})],
        ),
        (
            "Observation?component-code-value-quantity=c$gt5",
            false,
            vec![json!({"component": [{"code": {"coding": [{"code": "c"}]}}]})],
        ),
        (
            "DocumentReference?relationship=replaces$1",
            true,
            vec![json!({"relatesTo": [{
                "code": "replaces",
                "target": {"reference": "DocumentReference/1"},
            }]})],
        ),
        (
            "Observation?combo-code-value-concept=c$d",
            true,
            vec![
                json!({"code": {"coding": [{"code": "c"}]}}),
                json!({"valueCodeableConcept": {"coding": [{"code": "d"}]}}),
                json!({"component": [{
                    "code": {"coding": [{"code": "c"}]},
                    "valueCodeableConcept": {"coding": [{"code": "d"}]},
                }]}),
            ],
        ),
    ] {
        let mut found = Vec::new();
        let mut decided = true;
        documents(&bind(text), &mut found, &mut decided);
        assert_eq!(found, expected, "{text}");
        assert_eq!(decided, decides, "{text}");
    }
}
