//! `check()`: may this session do that to this resource, and who says so?
//!
//! A caller who is subject to policies learns nothing of a row that it cannot read: to it such a row is not there.

use super::explain::{interaction, relation_of};
use crate::catalog::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::node::expr::ROW;
use crate::node::privilege::{self, AsOwner};
use crate::node::relation;
use crate::predicate::{Style, Writer, identifier};
use crate::registry::Protected;
use crate::session::reach::{Reach, ReachEntry};
use crate::session::{self, Session};
use access_policy::Interaction;
use fhir_search::Predicate;
use pgrx::prelude::*;

/// An answer of `check()`.
#[derive(Default)]
struct Answer {
    allowed: bool,
    reason: String,
    policy: Option<String>,
    entry: Option<i32>,
    failed_criterion: Option<String>,
}

/// Is `interaction` on the resource `reference` (`Patient/p1`; for `create` just `Patient`) permitted to the session's
/// membership? `entry` is the index in the policy's `resource[]`. `failed_constraint` is for write constraints.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)] // the row's columns
fn check(
    reference: &str,
    interaction: &str,
) -> TableIterator<
    'static,
    (
        name!(allowed, bool),
        name!(reason, String),
        name!(policy, Option<String>),
        name!(entry, Option<i32>),
        name!(failed_criterion, Option<String>),
        name!(failed_constraint, Option<String>),
    ),
> {
    let answer = answer(reference, interaction).or_raise();
    TableIterator::once((
        answer.allowed,
        answer.reason,
        answer.policy,
        answer.entry,
        answer.failed_criterion,
        None,
    ))
}

fn answer(reference: &str, name: &str) -> Result<Answer> {
    let interaction = interaction(name)?;
    let (resource_type, id) = match reference.split_once('/') {
        Some((resource_type, id)) => (resource_type, Some(id)),
        None => (reference, None),
    };
    let protected = relation_of(resource_type)?.ok_or_else(|| Error::Argument {
        message: format!("no protected relation holds {resource_type}"),
        hint: "SELECT fhir_access.protect('the_table', 'the type');".to_owned(),
    })?;
    let session = session::current()?;
    let reach = session.reach(&protected.resource_type, interaction)?;
    if reach.entries.is_empty() {
        return Ok(denied(format!(
            "no entry of the membership's policies grants {name} on {resource_type}"
        )));
    }
    if interaction == Interaction::Create {
        // Which row will be created is not known yet; the entries say what it must be like.
        let entries: Vec<String> = reach.entries.iter().map(ReachEntry::describe).collect();
        let unconditional = reach.predicate() == Predicate::Constant(true);
        let first = reach.entries.first();
        return Ok(Answer {
            allowed: true,
            reason: if unconditional {
                "granted".to_owned()
            } else {
                format!("granted to a row that matches {}", entries.join(" or "))
            },
            policy: first.map(|entry| entry.policy.clone()),
            entry: first.and_then(|entry| entry.index),
            failed_criterion: None,
        });
    }
    let Some(id) = id else {
        return Err(Error::Argument {
            message: format!("\"{reference}\" is not a reference to a resource"),
            hint: "Type/id, as Patient/p1.".to_owned(),
        });
    };
    existing(&session, &protected, interaction, name, id, &reach)
}

fn existing(
    session: &Session,
    protected: &Protected,
    interaction: Interaction,
    name: &str,
    id: &str,
    reach: &Reach,
) -> Result<Answer> {
    let search = session.reach(&protected.resource_type, Interaction::Search)?;
    let absent = || {
        denied(format!(
            "no {}/{id} is visible to this membership",
            protected.resource_type
        ))
    };
    let subject = privilege::is_subject(protected.relation);
    let place = match deciding(protected, id, reach)? {
        Found::Nothing => return Ok(absent()),
        Found::Row(place) => place,
    };
    let readable =
        || deciding(protected, id, &search).map(|found| matches!(found, Found::Row(Some(_))));
    if subject && interaction != Interaction::Read && !readable()? {
        return Ok(absent());
    }
    if let Some(entry) = place.and_then(|place| reach.entries.get(place)) {
        return Ok(Answer {
            allowed: true,
            reason: "granted".to_owned(),
            policy: Some(entry.policy.clone()),
            entry: entry.index,
            failed_criterion: None,
        });
    }
    if subject && matches!(interaction, Interaction::Search | Interaction::Read) {
        return Ok(absent());
    }
    let last = reach.entries.last();
    let entries: Vec<String> = reach.entries.iter().map(ReachEntry::describe).collect();
    Ok(Answer {
        allowed: false,
        reason: format!(
            "the row matches no entry that grants {name}: {}",
            entries.join("; ")
        ),
        policy: last.map(|entry| entry.policy.clone()),
        entry: last.and_then(|entry| entry.index),
        failed_criterion: last.and_then(|entry| entry.criteria.clone()),
    })
}

fn denied(reason: String) -> Answer {
    Answer {
        reason,
        ..Answer::default()
    }
}

enum Found {
    Nothing,
    Row(Option<usize>),
}

/// Which entry of `reach` grants the stored row, read past row security.
fn deciding(protected: &Protected, id: &str, reach: &Reach) -> Result<Found> {
    let Some(catalog) = catalog() else {
        return Ok(Found::Nothing);
    };
    let writer = Writer::new(protected, Style::Exact);
    let query = format!(
        "SELECT {} FROM {} AS {ROW} WHERE {} ORDER BY {ROW}.{} LIMIT 1",
        writer.deciding_entry(&reach.entries, &reach.scope),
        relation::qualified_name(protected.relation),
        writer.predicate(&Predicate::Id(vec![id.to_owned()])),
        identifier(&protected.id.name),
    );
    let _owner = AsOwner::of(catalog.owner);
    Spi::connect(|client| {
        let rows = client.select(&query, Some(1), &[])?;
        if rows.is_empty() {
            return Ok(Found::Nothing);
        }
        let place: Option<i32> = rows.first().get(1)?;
        Ok(Found::Row(
            place.and_then(|place| usize::try_from(place).ok()),
        ))
    })
    .map_err(|error: pgrx::spi::SpiError| Error::Unsupported(error.to_string()))
}
