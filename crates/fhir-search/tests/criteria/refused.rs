//! Parameters and modifiers that criteria cannot have, by name and with the reason.

use fhir_search::Criteria;
use fhir_search::table::{self, Kind};

use crate::errors::fail;

#[test]
fn parameters() {
    let not_one = |name: &str| {
        format!(
            "search parameter {name} is not supported in criteria: it is not a condition on one resource's elements"
        )
    };
    for name in [
        "_content", "_filter", "_has", "_list", "_query", "_text", "_type",
    ] {
        fail(&[(&format!("Patient?{name}=x"), 8, &not_one(name))]);
    }
    for name in [
        "_contained",
        "_containedType",
        "_count",
        "_cursor",
        "_elements",
        "_fields",
        "_format",
        "_include",
        "_maxresults",
        "_offset",
        "_revinclude",
        "_score",
        "_sort",
        "_summary",
        "_total",
    ] {
        let message =
            format!("{name} is about the result of a search and cannot be used in criteria");
        fail(&[(&format!("Patient?{name}=x"), 8, &message)]);
    }
    let computed = "it is computed from priority, for sorting";
    let of = |name: &str, reason: &str| {
        format!("search parameter {name} is not supported in criteria: {reason}")
    };
    fail(&[
        (
            "Patient?adress-state=CA",
            8,
            r#"unknown search parameter "adress-state" for Patient (did you mean "address-state"?)"#,
        ),
        (
            "Patient?zzzzzz=1",
            8,
            r#"unknown search parameter "zzzzzz" for Patient"#,
        ),
        (
            "Patient?_lastupdated=2013",
            8,
            r#"unknown search parameter "_lastupdated" for Patient (did you mean "_lastUpdated"?)"#,
        ),
        (
            "Patient?_compartmnt=Patient/1",
            8,
            r#"unknown search parameter "_compartmnt" for Patient (did you mean "_compartment"?)"#,
        ),
        (
            "Patient?_id=1&value-quantity=5",
            14,
            r#"unknown search parameter "value-quantity" for Patient"#,
        ),
        (
            "Observation?subject.name=x",
            12,
            r#"chained search parameter "subject.name" is not supported in criteria"#,
        ),
        (
            "Observation?subject:Patient.name=x",
            12,
            r#"chained search parameter "subject:Patient.name" is not supported in criteria"#,
        ),
        (
            "Patient?_has:Observation:patient:code=1",
            8,
            &not_one("_has"),
        ),
        (
            "Location?near=1",
            9,
            &of("near", "it needs a position to measure the distance from"),
        ),
        (
            "MedicationRequest?priority-order=1",
            18,
            &of("priority-order", computed),
        ),
        (
            "ServiceRequest?priority-order=1",
            15,
            &of("priority-order", computed),
        ),
        (
            "ProjectMembership?profile-type=1",
            18,
            &of(
                "profile-type",
                "it is computed, for sorting, from the resource that profile refers to",
            ),
        ),
        (
            "*?_id=1",
            2,
            r#"criteria for * may only use _compartment, not "_id""#,
        ),
        (
            "*?status=x",
            2,
            r#"criteria for * may only use _compartment, not "status""#,
        ),
        (
            "*?_lastUpdated=gt2013",
            2,
            r#"criteria for * may only use _compartment, not "_lastUpdated""#,
        ),
    ]);
}

/// The modifiers that criteria can have, and no others, on each kind of parameter; the hint says which.
#[test]
fn modifiers() {
    let all = [
        "not",
        "missing",
        "exact",
        "contains",
        "text",
        "identifier",
        "Patient",
        "above",
        "below",
        "in",
        "not-in",
        "of-type",
        "iterate",
        "foo",
        "Missing",
        "",
    ];
    for (parameter, value, fitting, hint) in [
        (
            "Patient?name",
            "x",
            &["exact", "contains"][..],
            "name may have :exact, :contains, :not and :missing",
        ),
        (
            "Patient?identifier",
            "x",
            &["text"],
            "identifier may have :text, :not and :missing",
        ),
        (
            "Patient?gender",
            "x",
            &[],
            "gender may have :not and :missing",
        ),
        (
            "Patient?deceased",
            "true",
            &[],
            "deceased may have :not and :missing",
        ),
        (
            "Patient?phone",
            "x",
            &[],
            "phone may have :not and :missing",
        ),
        (
            "Observation?subject",
            "x",
            &["identifier", "Patient"],
            "subject may have :identifier, a resource type, :not and :missing",
        ),
        (
            "Patient?general-practitioner",
            "x",
            &["identifier"],
            "general-practitioner may have :identifier, a resource type, :not and :missing",
        ),
        (
            "Bundle?composition",
            "x",
            &[],
            "composition may have a resource type, :not and :missing",
        ),
        (
            "PlanDefinition?depends-on",
            "x",
            &[],
            "depends-on may have :not and :missing",
        ),
        (
            "ValueSet?url",
            "http://x/a",
            &["above", "below"],
            "url may have :above, :below, :not and :missing",
        ),
        (
            "Patient?birthdate",
            "2000",
            &[],
            "birthdate may have :not and :missing",
        ),
        (
            "RiskAssessment?probability",
            "1",
            &[],
            "probability may have :not and :missing",
        ),
        (
            "Observation?value-quantity",
            "1",
            &[],
            "value-quantity may have :not and :missing",
        ),
        (
            "Patient?_project",
            "x",
            &[],
            "_project may have :not and :missing",
        ),
        ("Patient?_id", "x", &[], "_id may have :not"),
        (
            "Patient?_compartment",
            "x",
            &[],
            "_compartment may have :not",
        ),
        (
            "Observation?code-value-quantity",
            "x$1",
            &[],
            "code-value-quantity may have :not",
        ),
    ] {
        let (kind, name) = parameter.split_once('?').unwrap();
        for modifier in all {
            let value = if modifier == "missing" { "true" } else { value };
            let text = format!("{parameter}:{modifier}={value}");
            let fits = modifier == "not"
                || (modifier == "missing" && hint.ends_with(":missing"))
                || fitting.contains(&modifier);
            let Err(error) = Criteria::parse(kind, &text) else {
                assert!(fits, "{text}");
                continue;
            };
            assert!(!fits, "{text}: {error}");
            let expected = match modifier {
                "in" | "not-in" | "of-type" => format!(
                    "modifier :{modifier} of search parameter {name} is not supported in criteria: it needs a terminology"
                ),
                "iterate" => format!(
                    "modifier :iterate of search parameter {name} is not supported in criteria: it is about the result of a search"
                ),
                "foo" | "Missing" | "" => {
                    format!(r#"unknown modifier ":{modifier}" of search parameter {name}"#)
                }
                "above" | "below" if has_hierarchy(kind, name) => format!(
                    "modifier :{modifier} of search parameter {name} is not supported in criteria: it needs a hierarchy of codes or resources"
                ),
                _ => format!("modifier :{modifier} does not fit search parameter {name}"),
            };
            assert_eq!(error.message, expected, "{text}");
            assert_eq!(error.offset, parameter.len(), "{text}");
            assert_eq!(error.hint.as_deref(), Some(hint), "{text}");
        }
    }
}

/// Codes and resources can be above and below each other, which no document says.
fn has_hierarchy(kind: &str, name: &str) -> bool {
    let parameter = table::parameter(kind, name);
    let is = |kind| matches!(kind, Kind::Token | Kind::Reference);
    name != "_id" && parameter.is_some_and(|found| is(found.kind))
}

/// A resource type as a modifier must be one that the elements can refer to.
#[test]
fn types() {
    for (text, fits) in [
        ("Observation?subject:Group=1", true),
        ("Observation?subject:Organization=1", false),
        ("Condition?patient:Patient=1", true),
        ("Condition?patient:Group=1", false),
        ("Provenance?target:Basic=1", true),
        ("Observation?subject:Patient=Group/1", false),
        ("Observation?subject:Patient=Patient/1", true),
        ("Observation?subject:Patient=http://x/Patient/1", true),
        ("Observation?subject:Patient=http://x/Group/1", false),
        ("Observation?subject:Patient=urn:uuid:1", false),
        ("Observation?subject:Patient=%x", true),
        ("Bundle?composition:Composition=1", true),
    ] {
        let kind = text.split('?').next().unwrap();
        assert_eq!(Criteria::parse(kind, text).is_ok(), fits, "{text}");
    }
    fail(&[(
        "Observation?subject:Patient=Group/1",
        28,
        "search parameter subject: expected a reference to a Patient",
    )]);
}
