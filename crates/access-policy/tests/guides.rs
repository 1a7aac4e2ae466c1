//! Every document of Medplum's access guides, as JSON of our own wording, and what it means.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use access_policy::{EffectiveAccess, Interaction, IpVerdict, Severity, validate};
use common::{Documents, allowed, fields, literal, literal_for, predicates};
use fhir_search::Predicate;

const ALL: &str = "read vread search history create update delete";
const READ: &str = "read vread search history";
const EVERY_ROW: [Predicate; 1] = [Predicate::Constant(true)];

macro_rules! guide {
    ($name:literal) => {
        include_str!(concat!("guides/", $name, ".json"))
    };
}

/// The access of a membership that has only this policy.
fn under(policy: &str) -> EffectiveAccess {
    let id = serde_json::from_str::<serde_json::Value>(policy).unwrap()["id"].clone();
    let membership = serde_json::json!({
        "resourceType": "ProjectMembership",
        "id": "m",
        "profile": { "reference": "Practitioner/gp" },
        "accessPolicy": { "reference": format!("AccessPolicy/{}", id.as_str().unwrap()) },
    });
    Documents::default()
        .with(&[policy])
        .resolve(&membership.to_string())
        .unwrap()
}

#[test]
fn every_document_validates() {
    for (name, text) in [
        ("resource-type", guide!("resource-type")),
        ("criteria", guide!("criteria")),
        ("readonly", guide!("readonly")),
        ("readonly-rest", guide!("readonly-rest")),
        ("interactions", guide!("interactions")),
        ("write-only-sandbox", guide!("write-only-sandbox")),
        ("readonly-fields", guide!("readonly-fields")),
        ("compartment", guide!("compartment")),
        ("general-practitioner", guide!("general-practitioner")),
        ("parameterized", guide!("parameterized")),
        (
            "parameterized-membership",
            guide!("parameterized-membership"),
        ),
        ("healthcare-partnership", guide!("healthcare-partnership")),
        ("patient-access-template", guide!("patient-access-template")),
        ("caregiver-membership", guide!("caregiver-membership")),
        ("multi-tenant", guide!("multi-tenant")),
        ("multi-tenant-membership", guide!("multi-tenant-membership")),
        ("ip-allow-list", guide!("ip-allow-list")),
        ("write-constraint", guide!("write-constraint")),
    ] {
        assert_eq!(validate(text), [], "{name}");
    }
    let findings = validate(guide!("hidden-fields"));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
}

#[test]
fn resource_type() {
    let access = under(guide!("resource-type"));
    assert_eq!(allowed(&access, "Patient"), ALL);
    assert_eq!(
        predicates(&access, "Patient", Interaction::Search),
        EVERY_ROW
    );
    assert_eq!(allowed(&access, "Observation"), "");
    assert_eq!(allowed(&access, "StructureDefinition"), READ);
}

#[test]
fn criteria() {
    let access = under(guide!("criteria"));
    assert_eq!(
        predicates(&access, "Patient", Interaction::Update),
        [literal("Patient?address-state=CA")]
    );
    let grants = access.entries_for("Patient", Interaction::Search).unwrap();
    assert_eq!(
        grants[0].entry.criteria().as_deref(),
        Some("Patient?address-state=CA")
    );
    assert_eq!(
        grants[0].entry.origin.to_string(),
        "AccessPolicy/criteria resource[0]"
    );
}

#[test]
fn readonly() {
    let access = under(guide!("readonly"));
    assert_eq!(allowed(&access, "Patient"), READ);

    let access = under(guide!("readonly-rest"));
    assert_eq!(allowed(&access, "Patient"), ALL);
    assert_eq!(allowed(&access, "Observation"), READ);
    assert_eq!(allowed(&access, "ProjectMembership"), "");
}

#[test]
fn interactions() {
    let access = under(guide!("interactions"));
    assert_eq!(
        access.entries[0].interactions(),
        access.entries[1].interactions()
    );
    assert_eq!(allowed(&access, "Patient"), READ);
    assert_eq!(
        allowed(&under(guide!("write-only-sandbox")), "Patient"),
        "read create"
    );
}

#[test]
fn readonly_and_hidden_fields() {
    let access = under(guide!("readonly-fields"));
    let grants = access.entries_for("Patient", Interaction::Update).unwrap();
    assert_eq!(fields(grants[0].entry.readonly()), "address,name");
    assert!(grants[0].entry.hidden().is_empty());

    let access = under(guide!("hidden-fields"));
    let grants = access.entries_for("Patient", Interaction::Search).unwrap();
    assert_eq!(fields(grants[0].entry.hidden()), "address,name");
    assert!(grants[0].entry.readonly().is_empty());
}

#[test]
fn compartment() {
    let access = under(guide!("compartment"));
    assert_eq!(
        predicates(&access, "Observation", Interaction::Search),
        [literal("Observation?_compartment=Patient/xyz")]
    );
    assert_eq!(access.compartment, None);
}

#[test]
fn general_practitioner() {
    let access = under(guide!("general-practitioner"));
    assert_eq!(
        predicates(&access, "Patient", Interaction::Search),
        [literal("Patient?general-practitioner=Practitioner/gp")]
    );
}

#[test]
fn parameterized_with_two_instances() {
    let access = Documents::default()
        .with(&[guide!("parameterized")])
        .resolve(guide!("parameterized-membership"))
        .unwrap();
    assert_eq!(
        predicates(&access, "Patient", Interaction::Search),
        [
            literal("Patient?organization=Organization/abc"),
            literal("Patient?organization=Organization/def"),
        ]
    );
    assert_eq!(
        predicates(&access, "DiagnosticReport", Interaction::Search),
        [
            literal("DiagnosticReport?performer=Organization/abc"),
            literal("DiagnosticReport?performer=Organization/def"),
        ]
    );
    let policies: Vec<&str> = access.policies.iter().map(|policy| &**policy).collect();
    assert_eq!(policies, ["123"]);
}

#[test]
fn healthcare_partnership() {
    let access = under(guide!("healthcare-partnership"));
    assert_eq!(access.compartment.as_deref(), Some("Organization/abc-123"));
    assert_eq!(allowed(&access, "Patient"), READ);
    assert_eq!(
        predicates(&access, "Patient", Interaction::Search),
        [literal("Patient?_compartment=Organization/abc-123")]
    );
}

#[test]
fn patient_access_template() {
    let access = Documents::default()
        .with(&[guide!("patient-access-template")])
        .resolve(
            r#"{"resourceType":"ProjectMembership","profile":{"reference":"Patient/homer"},
                "accessPolicy":{"reference":"AccessPolicy/patient-access-policy-template"}}"#,
        )
        .unwrap();
    for resource_type in [
        "Patient",
        "Observation",
        "Immunization",
        "DocumentReference",
    ] {
        assert_eq!(allowed(&access, resource_type), ALL);
        assert_eq!(
            predicates(&access, resource_type, Interaction::Search),
            [literal(&format!(
                "{resource_type}?_compartment=Patient/homer"
            ))]
        );
    }
    assert_eq!(allowed(&access, "Communication"), "read search create");
    assert_eq!(allowed(&access, "Practitioner"), READ);
    assert_eq!(predicates(&access, "Slot", Interaction::Create), EVERY_ROW);
    assert_eq!(
        predicates(&access, "Task", Interaction::Search),
        [literal("Task?focus=Patient/homer")]
    );
    assert_eq!(allowed(&access, "Encounter"), "");
}

#[test]
fn caregiver_access() {
    let access = Documents::default()
        .with(&[guide!("patient-access-template")])
        .resolve(guide!("caregiver-membership"))
        .unwrap();
    assert_eq!(
        predicates(&access, "Observation", Interaction::Search),
        [
            literal("Observation?_compartment=Patient/xyz"),
            literal("Observation?_compartment=Patient/uvw"),
        ]
    );
    // The first entry that grants everything ends the list.
    assert_eq!(
        predicates(&access, "Organization", Interaction::Search),
        EVERY_ROW
    );
}

#[test]
fn multi_tenant() {
    let access = Documents::default()
        .with(&[guide!("multi-tenant")])
        .resolve(guide!("multi-tenant-membership"))
        .unwrap();
    assert_eq!(access.compartment.as_deref(), Some("Organization/a"));
    for (resource_type, criteria) in [
        ("Organization", "Organization?_id=a"),
        ("Practitioner", "Practitioner?_compartment=Organization/a"),
        ("Questionnaire", "Questionnaire?_compartment=Organization/a"),
        ("Patient", "Patient?organization=Organization/a"),
    ] {
        assert_eq!(
            predicates(&access, resource_type, Interaction::Search),
            [literal_for(resource_type, criteria)]
        );
    }
}

#[test]
fn ip_allow_list() {
    let access = under(guide!("ip-allow-list"));
    let verdict = |address: &str| access.ip_verdict(Some(address.parse().unwrap()));
    assert_eq!(
        verdict("203.0.113.99").to_string(),
        "allowed by AccessPolicy/office ipAccessRule[0]"
    );
    assert_eq!(
        verdict("198.51.100.7").to_string(),
        "allowed by AccessPolicy/office ipAccessRule[1]"
    );
    assert_eq!(
        verdict("198.51.100.70").to_string(),
        "blocked by AccessPolicy/office ipAccessRule[2]"
    );
    assert_eq!(
        verdict("2001:db8::1").to_string(),
        "blocked by AccessPolicy/office ipAccessRule[2]"
    );
    assert!(matches!(access.ip_verdict(None), IpVerdict::Blocked(_)));
}

#[test]
fn write_constraint() {
    let access = under(guide!("write-constraint"));
    let grants = access
        .entries_for("Observation", Interaction::Update)
        .unwrap();
    let expressions: Vec<&str> = grants[0]
        .entry
        .constraints()
        .iter()
        .map(|constraint| constraint.expression().source())
        .collect();
    assert_eq!(
        expressions,
        [
            "%before.exists() implies %before.status != 'final'",
            "status = 'final' implies subject.exists()",
        ]
    );
}
