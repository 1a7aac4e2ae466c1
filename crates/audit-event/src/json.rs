//! The AuditEvent as FHIR R4 has it.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::Serialize;

use crate::event::{Actor, Entity, Event, Kind};
use crate::text::{DESCRIPTION, NAME, cut, is_id};

/// The types that `agent.who` may refer to; Medplum's memberships know others, too.
const WHO: [&str; 6] = [
    "Device",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditEvent<'a> {
    resource_type: &'static str,
    r#type: Coding,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtype: Option<[Coding; 1]>,
    action: &'static str,
    recorded: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome_desc: Option<Cow<'a, str>>,
    agent: Vec<Agent<'a>>,
    source: Source<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entity: Vec<AuditEntity<'a>>,
}

#[derive(Serialize)]
struct Coding {
    system: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Agent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<CodeableConcept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    requestor: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
}

#[derive(Serialize)]
struct CodeableConcept {
    coding: [Coding; 1],
}

#[derive(Serialize, Default)]
struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Identifier<'a> {
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct Network {
    address: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<Cow<'a, str>>,
    observer: Reference<'a>,
    r#type: [Coding; 1],
}

#[derive(Serialize)]
struct AuditEntity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detail: Vec<EntityDetail<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntityDetail<'a> {
    r#type: &'static str,
    value_string: Cow<'a, str>,
}

/// The JSON of an event. FHIR has no empty strings: what is empty is left out.
pub(crate) fn of(event: &Event<'_>) -> String {
    let description = event.description.as_deref().filter(|text| !text.is_empty());
    let resource = AuditEvent {
        resource_type: "AuditEvent",
        r#type: event_type(event.kind),
        subtype: event.kind.code().map(|code| {
            [Coding {
                system: "http://hl7.org/fhir/restful-interaction",
                code,
                display: None,
            }]
        }),
        action: event.kind.action(),
        recorded: instant(event.recorded),
        outcome: event.outcome.code(),
        outcome_desc: description.map(|text| cut(text, DESCRIPTION)),
        agent: agents(event.actor, &event.policies),
        source: Source {
            site: name(&event.actor.database),
            observer: Reference {
                display: Some(Cow::Borrowed("fhir_access")),
                ..Reference::default()
            },
            r#type: [Coding {
                system: "http://terminology.hl7.org/CodeSystem/security-source-type",
                code: "5",
                display: Some("Database Server"),
            }],
        },
        entity: event.entities.iter().map(entity).collect(),
    };
    // Serializing these structs to a String has nothing that can fail.
    serde_json::to_string(&resource).unwrap_or_default()
}

fn event_type(kind: Kind) -> Coding {
    match kind {
        Kind::Access => dicom("110113", "Security Alert"),
        _ => Coding {
            system: "http://terminology.hl7.org/CodeSystem/audit-event-type",
            code: "rest",
            display: Some("RESTful Operation"),
        },
    }
}

fn dicom(code: &'static str, display: &'static str) -> Coding {
    Coding {
        system: "http://dicom.nema.org/resources/ontology/DCM",
        code,
        display: Some(display),
    }
}

/// The member, if one is set; the application with its database role; and the role that logged in, where that is another.
fn agents<'a>(actor: &'a Actor, policies: &'a [String]) -> Vec<Agent<'a>> {
    let mut network = actor.address.map(|address| Network {
        address: address.to_string(),
        r#type: "2",
    });
    let mut policy: Vec<Cow<'_, str>> = policies.iter().map(|policy| cut(policy, NAME)).collect();
    let mut agents = Vec::with_capacity(3);
    let has_member = actor.membership.is_some() || actor.profile.is_some();
    if has_member {
        agents.push(Agent {
            who: actor.profile.as_deref().map(who),
            alt_id: actor.membership.as_deref().and_then(name),
            requestor: true,
            policy: std::mem::take(&mut policy),
            network: network.take(),
            ..Agent::default()
        });
    }
    agents.push(Agent {
        r#type: Some(CodeableConcept {
            coding: [dicom("110150", "Application")],
        }),
        alt_id: name(&actor.role),
        name: name(&actor.application),
        requestor: !has_member,
        policy,
        network,
        ..Agent::default()
    });
    if !actor.session_role.is_empty() && actor.session_role != actor.role {
        agents.push(Agent {
            r#type: Some(CodeableConcept {
                coding: [dicom("110151", "Application Launcher")],
            }),
            alt_id: name(&actor.session_role),
            ..Agent::default()
        });
    }
    agents
}

fn who(profile: &str) -> Reference<'_> {
    let text = Some(cut(profile, NAME));
    let kind = profile.split('/').next().unwrap_or_default();
    if WHO.contains(&kind) {
        Reference {
            reference: text,
            ..Reference::default()
        }
    } else {
        Reference {
            display: text,
            ..Reference::default()
        }
    }
}

/// Does `Type/` with this behind it refer to a resource, or to a version of one?
fn names_a_resource(id: &str) -> bool {
    match id.split_once("/_history/") {
        Some((id, version)) => is_id(id) && is_id(version),
        None => is_id(id),
    }
}

fn entity(entity: &Entity) -> AuditEntity<'_> {
    let kind = entity.resource_type.as_deref().and_then(name);
    let id = entity.id.as_deref().filter(|id| !id.is_empty());
    let what = match (kind, id) {
        (None, _) => None,
        (Some(kind), None) => Some(Reference {
            r#type: Some(kind),
            ..Reference::default()
        }),
        (Some(kind), Some(id)) if names_a_resource(id) => Some(Reference {
            reference: Some(Cow::Owned(format!("{kind}/{id}"))),
            ..Reference::default()
        }),
        // No id that FHIR knows makes a reference.
        (Some(kind), Some(id)) => Some(Reference {
            r#type: Some(kind),
            identifier: Some(Identifier {
                value: cut(id, NAME),
            }),
            ..Reference::default()
        }),
    };
    let details = entity
        .details
        .iter()
        .filter(|detail| !detail.value.is_empty());
    AuditEntity {
        what,
        name: entity.relation.as_deref().and_then(name),
        detail: details
            .map(|detail| EntityDetail {
                r#type: detail.name,
                value_string: cut(&detail.value, NAME),
            })
            .collect(),
    }
}

fn name(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then(|| cut(text, NAME))
}

/// A FHIR instant, in UTC.
fn instant(microseconds: i64) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp_micros(microseconds).unwrap_or_default();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.nanosecond() / 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_fhir() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            instant(1_772_323_199_000_001),
            "2026-02-28T23:59:59.000001Z"
        );
        // A clock that is far off does no harm.
        assert_eq!(instant(i64::MAX), "1970-01-01T00:00:00.000000Z");
    }
}
