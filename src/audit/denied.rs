//! Refusals: one line for each error of ours that keeps somebody from something.

use super::level::Level;
use super::{actor, line, writes};
use crate::error::Error;
use crate::node::privilege;
use crate::{registry, settings};
use access_policy::Interaction;
use audit_event::{Detail, Entity, Event, Kind, Outcome};
use pgrx::prelude::*;

/// What the line of a refusal tells beyond the error's own words.
#[derive(Debug, Default)]
pub struct About {
    /// The protected relation.
    pub relation: Option<pg_sys::Oid>,
    /// What was to be done.
    pub interaction: Option<Interaction>,
    /// To which row: `Type/id`.
    pub reference: Option<String>,
    /// The entries and the constraint that did not permit it.
    pub rules: Vec<Detail>,
}

impl About {
    /// This, and of `other` what this does not say.
    pub fn or(self, other: About) -> About {
        About {
            relation: self.relation.or(other.relation),
            interaction: self.interaction.or(other.interaction),
            reference: self.reference.or(other.reference),
            rules: if self.rules.is_empty() {
                other.rules
            } else {
                self.rules
            },
        }
    }
}

/// Records a refusal, if `error` is one and refusals are asked for. A line that cannot be written changes nothing: the
/// error follows.
pub fn denied(error: &Error) {
    if settings::audit() >= Level::Denied {
        record(error);
    }
}

/// Records a refusal at session start, before there are settings of ours.
pub fn denied_at_start(error: &Error) {
    record(error);
}

fn record(error: &Error) {
    let nothing = About::default();
    let (error, about) = match error {
        Error::Recorded { error, about } => (error.as_ref(), about.as_ref()),
        error => (error, &nothing),
    };
    let error = match error {
        Error::About { error, .. } => error.as_ref(),
        error => error,
    };
    let outcome = match error {
        Error::Access(_)
        | Error::NoMembership
        | Error::Address { .. }
        | Error::NotPermitted { .. }
        | Error::NotOwner(_)
        | Error::SettingDenied(_)
        | Error::Fence => Outcome::Refused,
        // A resource that contradicts its table or its row, when it is written.
        Error::InvalidResource(_) if about.relation.is_some() => Outcome::Refused,
        Error::NotReady { .. } | Error::Unsupported(_) => Outcome::Failure,
        _ => return,
    };
    let mut kind = about
        .interaction
        .and_then(|interaction| Kind::of_interaction(interaction.code()));
    let mut reference = about.reference.as_deref();
    if let Error::NotPermitted {
        interaction,
        reference: row,
        ..
    } = error
    {
        let known = Kind::of_interaction(interaction);
        // TRUNCATE names a table, not a row.
        reference = known.and(Some(row.as_str()));
        kind = Some(known.unwrap_or(Kind::Delete));
    }
    let actor = actor::actor(privilege::writer());
    let mut event = Event::new(kind.unwrap_or(Kind::Access), outcome, &actor);
    event.recorded = line::now();
    event.description = Some(description(error));
    event.entities = entity(about, reference).into_iter().collect();
    let _ = line::record(&event);
}

fn entity(about: &About, reference: Option<&str>) -> Option<Entity> {
    let (resource_type, id) = match reference.map(|reference| reference.split_once('/')) {
        Some(Some((resource_type, id))) => (Some(resource_type), Some(id)),
        Some(None) => (reference, None),
        None => (None, None),
    };
    if resource_type.is_none() && about.relation.is_none() {
        return None;
    }
    let mut entity = match about.relation {
        Some(relation) => {
            let registered = registry::protected(relation).ok().flatten();
            let known = registered.and_then(|protected| protected.one_type());
            writes::entity(relation, resource_type.or(known))
        }
        None => Entity {
            resource_type: resource_type.map(str::to_owned),
            ..Entity::default()
        },
    };
    entity.id = id.map(str::to_owned);
    entity.details = about.rules.clone();
    Some(entity)
}

/// SQLSTATE and reason. The message of a write that is not permitted says what was to be done to which row: that stands
/// in the line already.
fn description(error: &Error) -> String {
    let state = sqlstate(error.code());
    match (error, error.detail()) {
        (Error::NotPermitted { .. }, Some(detail)) => format!("{state}: {detail}"),
        (_, Some(detail)) => format!("{state}: {error}. {detail}"),
        (_, None) => format!("{state}: {error}"),
    }
}

/// The five characters of a SQLSTATE, of which PostgreSQL packs each in six bits.
fn sqlstate(code: PgSqlErrorCode) -> String {
    let packed = u32::from_ne_bytes((code as i32).to_ne_bytes());
    (0..5)
        .filter_map(|place| char::from_u32((packed >> (6 * place) & 0x3F) + u32::from(b'0')))
        .collect()
}
