//! Every line is an AuditEvent of FHIR R4: what is in it exists there, with the right type and number, and what must be in
//! it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use audit_event::{Actor, Entity, Event, Kind, Outcome, TOKEN};
use fhir_model::{Kind as TypeKind, TypeId};
use proptest::prelude::*;
use serde_json::Value;

/// What R4 requires of an AuditEvent (minimum 1), as path of the owner and its members.
const REQUIRED: [(&str, &[&str]); 6] = [
    ("AuditEvent", &["type", "recorded", "agent", "source"]),
    ("AuditEvent.agent", &["requestor"]),
    ("AuditEvent.source", &["observer"]),
    ("AuditEvent.entity.detail", &["type", "value[x]"]),
    ("AuditEvent.type", &["system", "code"]),
    ("AuditEvent.agent.network", &["address", "type"]),
];

fn resource(line: &str) -> Value {
    let json = line.strip_prefix(TOKEN).expect("begins with the token");
    serde_json::from_str(json).expect("is JSON")
}

/// Checks a value against its type; `path` is without indexes.
fn check(value: &Value, type_id: TypeId, path: &str) {
    if type_id.kind() == TypeKind::Primitive {
        match type_id.name() {
            "boolean" => assert!(value.is_boolean(), "{path}"),
            _ => assert!(
                value.as_str().is_some_and(|text| !text.is_empty()),
                "{path}: {value}"
            ),
        }
        return;
    }
    let members = value
        .as_object()
        .unwrap_or_else(|| panic!("{path} is no object"));
    assert!(!members.is_empty(), "{path} is empty");
    for (owner, required) in REQUIRED.iter().filter(|(owner, _)| *owner == path) {
        for name in *required {
            let is_there = match name.strip_suffix("[x]") {
                Some(choice) => members.keys().any(|member| member.starts_with(choice)),
                None => members.contains_key(*name),
            };
            assert!(is_there, "{owner} has no {name}: {value}");
        }
    }
    for (name, member) in members {
        if path == "AuditEvent" && name == "resourceType" {
            assert_eq!(member, "AuditEvent");
            continue;
        }
        let at = format!("{path}.{name}");
        let (element, member_type) = match type_id.element(name).filter(|found| !found.is_choice())
        {
            Some(element) => (element, element.types()[0]),
            None => type_id
                .choice_of(name)
                .unwrap_or_else(|| panic!("R4 has no {at}")),
        };
        assert_eq!(element.repeats(), member.is_array(), "{at}");
        if let Some(reference) = member.get("reference").and_then(Value::as_str) {
            let kind = TypeId::named(reference.split('/').next().unwrap()).expect("a known type");
            let allowed = element.references();
            assert!(
                allowed.is_empty() || allowed.contains(&kind),
                "{at}: {reference}"
            );
        }
        match member.as_array() {
            None => check(member, member_type, &at),
            Some(several) => {
                assert!(!several.is_empty(), "{at} is empty");
                several.iter().for_each(|one| check(one, member_type, &at));
            }
        }
    }
}

fn check_line(line: &str) -> Value {
    assert!(
        line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "{line}"
    );
    assert!(line.len() < 64 * 1024, "{} bytes", line.len());
    let resource = resource(line);
    check(
        &resource,
        TypeId::named("AuditEvent").unwrap(),
        "AuditEvent",
    );
    let agents = resource["agent"].as_array().unwrap();
    assert!(!agents.is_empty());
    let requestors = agents
        .iter()
        .filter(|agent| agent["requestor"] == true)
        .count();
    assert_eq!(requestors, 1, "{line}");
    resource
}

fn alice() -> Actor {
    Actor {
        membership: Some("ProjectMembership/m1".to_owned()),
        profile: Some("Practitioner/alice".to_owned()),
        role: "clinic_app".to_owned(),
        session_role: "clinic_app".to_owned(),
        application: "clinic web".to_owned(),
        address: "203.0.113.7".parse::<IpAddr>().ok(),
        database: "clinic".to_owned(),
    }
}

#[test]
fn an_update_by_a_member() {
    let actor = alice();
    let mut event = Event::new(Kind::Update, Outcome::Success, &actor);
    event.recorded = 1_772_323_199_000_001;
    event.policies.push("AccessPolicy/by-state".to_owned());
    let entity = Entity {
        resource_type: Some("Patient".to_owned()),
        id: Some("p1".to_owned()),
        relation: Some("public.patient".to_owned()),
        ..Entity::default()
    };
    event.entities.push(
        entity
            .with("entry", "AccessPolicy/by-state resource[0]")
            .with("transaction", "751"),
    );
    let line = event.line();
    check_line(&line);
    assert_eq!(
        line,
        concat!(
            r#"fhir_access audit: {"resourceType":"AuditEvent","#,
            r#""type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest","display":"RESTful Operation"},"#,
            r#""subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"update"}],"#,
            r#""action":"U","recorded":"2026-02-28T23:59:59.000001Z","outcome":"0","#,
            r#""agent":[{"who":{"reference":"Practitioner/alice"},"altId":"ProjectMembership/m1","requestor":true,"#,
            r#""policy":["AccessPolicy/by-state"],"network":{"address":"203.0.113.7","type":"2"}},"#,
            r#"{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110150","display":"Application"}]},"#,
            r#""altId":"clinic_app","name":"clinic web","requestor":false}],"#,
            r#""source":{"site":"clinic","observer":{"display":"fhir_access"},"#,
            r#""type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"5","display":"Database Server"}]},"#,
            r#""entity":[{"what":{"reference":"Patient/p1"},"name":"public.patient","#,
            r#""detail":[{"type":"entry","valueString":"AccessPolicy/by-state resource[0]"},{"type":"transaction","valueString":"751"}]}]}"#,
        )
    );
}

#[test]
fn what_r4_does_not_have_is_found() {
    let type_id = TypeId::named("AuditEvent").unwrap();
    let actor = alice();
    let good = resource(&Event::new(Kind::Update, Outcome::Success, &actor).line());
    check(&good, type_id, "AuditEvent");
    let changes: [fn(&mut Value); 6] = [
        |event| event["reason"] = "x".into(),
        |event| event["subtype"] = event["subtype"][0].take(),
        |event| event["outcome"] = 0.into(),
        |event| drop(event.as_object_mut().unwrap().remove("recorded")),
        |event| event["agent"][0]["who"]["reference"] = "ClientApplication/x".into(),
        |event| event["agent"][0]["network"]["port"] = "5432".into(),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        let result = std::panic::catch_unwind(|| check(&bad, type_id, "AuditEvent"));
        assert!(result.is_err(), "change {number} passes: {bad}");
    }
}

#[test]
fn every_kind_and_outcome() {
    let actor = alice();
    for kind in Kind::ALL {
        for outcome in [Outcome::Success, Outcome::Refused, Outcome::Failure] {
            let resource = check_line(&Event::new(kind, outcome, &actor).line());
            assert_eq!(resource.get("subtype").is_none(), kind == Kind::Access);
            assert!(["C", "R", "U", "D", "E"].contains(&resource["action"].as_str().unwrap()));
            assert!(["0", "4", "8"].contains(&resource["outcome"].as_str().unwrap()));
        }
    }
}

#[test]
fn interactions_have_a_kind_and_other_words_have_none() {
    for code in [
        "read", "vread", "search", "history", "create", "update", "delete",
    ] {
        let kind = Kind::of_interaction(code).expect(code);
        let actor = alice();
        let resource = check_line(&Event::new(kind, Outcome::Success, &actor).line());
        assert_eq!(resource["subtype"][0]["code"], code);
    }
    for code in ["", "truncate", "transaction", "patch"] {
        assert_eq!(Kind::of_interaction(code), None, "{code}");
    }
}

#[test]
fn who_is_always_told_by_something() {
    // A role alone is the one who asks.
    let role = Actor {
        role: "postgres".to_owned(),
        ..Actor::default()
    };
    let resource = check_line(&Event::new(Kind::Delete, Outcome::Success, &role).line());
    assert_eq!(resource["agent"].as_array().unwrap().len(), 1);
    assert_eq!(resource["agent"][0]["altId"], "postgres");

    // A profile of a type that R4 does not allow there is no reference.
    let client = Actor {
        profile: Some("ClientApplication/x".to_owned()),
        ..alice()
    };
    let resource = check_line(&Event::new(Kind::Search, Outcome::Success, &client).line());
    assert_eq!(
        resource["agent"][0]["who"]["display"],
        "ClientApplication/x"
    );

    // Who logged in as somebody else is told as well.
    let other = Actor {
        session_role: "bob".to_owned(),
        ..alice()
    };
    let resource = check_line(&Event::new(Kind::Search, Outcome::Success, &other).line());
    assert_eq!(resource["agent"][2]["altId"], "bob");
}

#[test]
fn an_id_that_fhir_does_not_know_is_no_reference() {
    let actor = alice();
    for id in ["a b", "../x", "ä", &"9".repeat(65), &"\n".repeat(5_000)] {
        let mut event = Event::new(Kind::Create, Outcome::Refused, &actor);
        event.entities.push(Entity {
            resource_type: Some("Patient".to_owned()),
            id: Some(id.to_owned()),
            ..Entity::default()
        });
        let resource = check_line(&event.line());
        let what = &resource["entity"][0]["what"];
        assert_eq!(what["type"], "Patient");
        assert!(what.get("reference").is_none());
        let value = what["identifier"]["value"].as_str().unwrap();
        assert!(value == id || (value.ends_with('…') && value.chars().count() == 201));
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\PC\\x00-\\x1f\u{85}\u{2028}\u{202e}\"\\\\]{0,300}"
    ]
}

proptest! {
    #[test]
    fn no_text_breaks_a_line_or_the_shape(
        role in texts(), application in texts(), id in texts(), relation in texts(),
        description in texts(), membership in proptest::option::of(texts()), profile in proptest::option::of(texts()),
        detail in texts(), recorded in any::<i64>()
    ) {
        let actor = Actor {
            membership, role, application,
            profile: profile.map(|text| format!("Bot/{text}")),
            database: relation.clone(),
            ..Actor::default()
        };
        let mut event = Event::new(Kind::Update, Outcome::Refused, &actor);
        event.recorded = recorded;
        event.description = Some(description);
        event.policies.push(format!("AccessPolicy/{detail}"));
        let entity = Entity {
            resource_type: Some("Patient".to_owned()),
            id: Some(id),
            relation: Some(relation),
            ..Entity::default()
        };
        event.entities.push(entity.with("entry", detail));
        let line = event.line();
        let members: BTreeSet<String> = resource(&line).as_object().unwrap().keys().cloned().collect();
        prop_assert!(members.contains("agent"));
        check_line(&line);
    }
}
