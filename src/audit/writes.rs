//! Permitted writes: one line for each row.

use super::line::{self, Line};
use super::{actor, records_writes, rollback};
use crate::error::Result;
use crate::node::{privilege, relation};
use crate::registry::Protected;
use crate::session::reach::ReachEntry;
use access_policy::Interaction;
use audit_event::{Entity, Event, Kind, Outcome};
use pgrx::prelude::*;

/// The line of a row that is about to be written; `entry` grants it, unless the writer is exempt from policies. `None` where
/// such lines are not asked for. `reference` is `Type/id`, or the type alone.
pub fn permitted(
    interaction: Interaction,
    protected: &Protected,
    reference: impl FnOnce() -> String,
    entry: Option<&ReachEntry>,
) -> Option<Line> {
    if !records_writes() {
        return None;
    }
    let reference = reference();
    let (resource_type, id) = match reference.split_once('/') {
        Some((resource_type, id)) => (resource_type, Some(id)),
        None => (reference.as_str(), None),
    };
    let mut entity = entity(protected.relation, Some(resource_type));
    entity.id = id.map(str::to_owned);
    if let Some(entry) = entry {
        entity = entity.with("entry", entry.place.as_str());
    }
    let kind = Kind::of_interaction(interaction.code()).unwrap_or(Kind::Access);
    let policy = entry.map(|entry| entry.policy.clone());
    Some(line_of(kind, entity, policy, None))
}

/// An exempt role empties a protected table.
pub fn truncated(protected: &Protected) -> Result<()> {
    if !records_writes() {
        return Ok(());
    }
    let entity = entity(protected.relation, protected.one_type());
    line_of(Kind::Delete, entity, None, Some("TRUNCATE")).write()
}

fn line_of(kind: Kind, entity: Entity, policy: Option<String>, description: Option<&str>) -> Line {
    let actor = actor::actor(privilege::writer());
    let mut event = Event::new(kind, Outcome::Success, &actor);
    event.recorded = line::now();
    event.description = description.map(str::to_owned);
    event.policies = policies(policy);
    event.entities.push(rollback::with_ids(entity));
    let text = event.line();
    Line::of(text, actor)
}

/// Only a policy has an id; what else can grant stands in the entity's details.
pub fn policies(policy: Option<String>) -> Vec<String> {
    let policy = policy.filter(|policy| policy.starts_with("AccessPolicy/"));
    policy.into_iter().collect()
}

/// A protected relation, with the type of its rows where that is known.
pub fn entity(relation: pg_sys::Oid, resource_type: Option<&str>) -> Entity {
    Entity {
        resource_type: resource_type.map(str::to_owned),
        relation: Some(relation::qualified_name(relation)),
        ..Entity::default()
    }
}
