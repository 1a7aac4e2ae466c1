//! Reading: one line for each statement, with the protected relations that it reads.

use super::level::Level;
use super::{actor, line, writes};
use crate::error::Result;
use crate::node::tree;
use crate::registry::{self, Protected};
use crate::session::reach::ReachEntry;
use crate::settings;
use access_policy::Interaction;
use audit_event::{Actor, Event, Kind, Outcome};
use pgrx::prelude::*;
use std::rc::Rc;

/// A line names no more relations than these.
const SHOWN: usize = 100;

/// Records that the executor starts a statement which reads protected relations. What PostgreSQL and we ourselves ask on
/// the way (foreign keys, questions about a membership) is no reading of anybody's.
///
/// # Safety
/// `query` must be valid, with a plan.
pub unsafe fn reading(query: *const pg_sys::QueryDesc, flags: i32) -> Result<()> {
    if settings::audit() < Level::All {
        return Ok(());
    }
    // SAFETY: by the caller's promise.
    unsafe {
        let is_explained = flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0;
        if is_explained || pg_sys::ParallelWorkerNumber >= 0 || pg_sys::InNoForceRLSOperation() {
            return Ok(());
        }
        let plan = &*(*query).plannedstmt;
        let mut relations: Vec<pg_sys::Oid> = tree::range_table(plan.rtable)
            .into_iter()
            .filter(|entry| {
                (**entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                    && (**entry).requiredPerms & pg_sys::ACL_SELECT as pg_sys::AclMode != 0
            })
            .map(|entry| (*entry).relid)
            .collect();
        relations.sort_unstable_by_key(|relation| relation.to_u32());
        relations.dedup();
        record(&relations, plan.queryId)
    }
}

/// Records that a whole relation is copied out past the executor, which exempt roles may do.
pub fn copied(relation: pg_sys::Oid) -> Result<()> {
    if settings::audit() < Level::All {
        return Ok(());
    }
    record(&[relation], 0)
}

/// Records that `read()` or `vread()` gives a resource; `entry` grants it, unless the reader is exempt from policies. The id of
/// a version is `id/_history/version`.
pub fn one(
    interaction: Interaction,
    protected: &Protected,
    resource_type: &str,
    id: &str,
    entry: Option<&ReachEntry>,
) -> Result<()> {
    if settings::audit() < Level::All {
        return Ok(());
    }
    let mut entity = writes::entity(protected.relation, Some(resource_type));
    entity.id = Some(id.to_owned());
    if let Some(entry) = entry {
        entity = entity.with("entry", entry.place.as_str());
    }
    let actor = actor();
    let kind = Kind::of_interaction(interaction.code()).unwrap_or(Kind::Read);
    let mut event = event(kind, &actor);
    event.policies = writes::policies(entry.map(|entry| entry.policy.clone()));
    event.entities = vec![entity];
    line::record(&event)
}

fn record(relations: &[pg_sys::Oid], query_id: u64) -> Result<()> {
    let mut entities = Vec::new();
    let mut others = 0_usize;
    // Versions and nothing else are read: their history.
    let mut kind = Kind::History;
    for relation in relations {
        // One that is registered but not as it should be was refused to whoever is subject to policies.
        let protected = match registry::protected(*relation) {
            Ok(None) => continue,
            Ok(Some(protected)) => Some(protected),
            Err(_) => None,
        };
        let holds_versions = |protected: &Rc<Protected>| protected.history.is_some();
        if !protected.as_ref().is_some_and(holds_versions) {
            kind = Kind::Search;
        }
        if entities.len() == SHOWN {
            others += 1;
            continue;
        }
        let resource_type = protected.and_then(|protected| protected.one_type());
        entities.push(writes::entity(*relation, resource_type));
    }
    let Some(first) = entities.first_mut() else {
        return Ok(());
    };
    if query_id != 0 {
        // As pg_stat_statements shows it.
        let query_id = query_id.cast_signed().to_string();
        *first = std::mem::take(first).with("query-id", query_id);
    }
    let actor = actor();
    let mut event = event(kind, &actor);
    event.description = (others > 0).then(|| format!("and {others} more relations"));
    event.entities = entities;
    line::record(&event)
}

fn actor() -> Actor {
    // SAFETY: reads the backend's state.
    actor::actor(unsafe { pg_sys::GetUserId() })
}

fn event(kind: Kind, actor: &Actor) -> Event<'_> {
    let mut event = Event::new(kind, Outcome::Success, actor);
    event.recorded = line::now();
    event
}
