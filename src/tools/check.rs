//! `check()`: may this session do that to this resource, and who says so?
//!
//! A caller who is subject to policies learns nothing of a row that it cannot read: to it such a row is not there.

use super::explain::{interaction, relations_of};
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
use std::rc::Rc;

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
    let relations = relations_of(resource_type)?;
    let session = session::current()?;
    let reach = session.reach(resource_type, interaction)?;
    if reach.entries.is_empty() {
        return Ok(denied(reach.refusal(resource_type, interaction, "")));
    }
    if interaction == Interaction::Create {
        return Ok(creation(&reach));
    }
    let Some(id) = id else {
        return Err(Error::Argument {
            message: format!("\"{reference}\" is not a reference to a resource"),
            hint: "Type/id, as Patient/p1.".to_owned(),
        });
    };
    for protected in relations {
        if let Some(answer) = existing(&session, &protected, interaction, id, &reach)? {
            return Ok(answer);
        }
    }
    Ok(denied(format!(
        "no {resource_type}/{id} is visible to this membership"
    )))
}

/// Which row will be created is not known yet; the entries say what it must be like.
fn creation(reach: &Reach) -> Answer {
    let granted = match reach.predicate() {
        Predicate::Constant(true) => "granted".to_owned(),
        _ => format!("granted to a row that matches {}", reach.listed()),
    };
    let entry = reach.entries.first();
    Answer {
        allowed: true,
        ..Answer::of(entry, granted)
    }
}

/// The answer for a stored row; `None` where there is no such row, or none that the caller may know of.
fn existing(
    session: &Session,
    protected: &Protected,
    interaction: Interaction,
    id: &str,
    reach: &Reach,
) -> Result<Option<Answer>> {
    let place = match deciding(protected, id, &reach.entries, &reach.scope)? {
        Found::Nothing => return Ok(None),
        Found::Row(place) => place,
    };
    if let (Some(place), Interaction::Search | Interaction::Read) = (place, interaction) {
        return Ok(Some(granted(reach, place)));
    }
    if privilege::is_subject(protected.relation) {
        let search = session.reach(&protected.resource_type, Interaction::Search)?;
        let readable = deciding(protected, id, &search.entries, &search.scope)?;
        if !matches!(readable, Found::Row(Some(_))) {
            return Ok(None);
        }
    }
    if let Some(place) = place {
        return Ok(Some(granted(reach, place)));
    }
    let elsewhere = deciding(protected, id, &reach.entries, &Predicate::Constant(true))?;
    if matches!(elsewhere, Found::Row(Some(_))) {
        return Ok(Some(denied(
            "the row is not in the membership's project".to_owned(),
        )));
    }
    // Instances of one policy fail by the same words.
    let only = reach
        .entries
        .first()
        .filter(|first| reach.entries.iter().all(|entry| entry.place == first.place));
    let reason = format!(
        "the row matches no entry that grants {}: {}",
        interaction.code(),
        reach.listed()
    );
    let failed_criterion = only.and_then(|entry| entry.criteria.clone());
    Ok(Some(Answer {
        failed_criterion,
        ..Answer::of(only, reason)
    }))
}

fn granted(reach: &Reach, place: usize) -> Answer {
    Answer {
        allowed: true,
        ..Answer::of(reach.entries.get(place), "granted".to_owned())
    }
}

fn denied(reason: String) -> Answer {
    Answer {
        reason,
        ..Answer::default()
    }
}

impl Answer {
    fn of(entry: Option<&Rc<ReachEntry>>, reason: String) -> Answer {
        Answer {
            reason,
            policy: entry.map(|entry| entry.policy.clone()),
            entry: entry.and_then(|entry| entry.index),
            ..Answer::default()
        }
    }
}

enum Found {
    Nothing,
    Row(Option<usize>),
}

/// Which of `entries` grants the stored row, read past row security.
fn deciding(
    protected: &Protected,
    id: &str,
    entries: &[Rc<ReachEntry>],
    scope: &Predicate,
) -> Result<Found> {
    let writer = Writer::new(protected, Style::Exact);
    let query = format!(
        "SELECT {} FROM {} AS {ROW} WHERE {} ORDER BY {ROW}.{} LIMIT 1",
        writer.deciding_entry(entries, scope),
        relation::qualified_name(protected.relation),
        writer.predicate(&Predicate::Id(vec![id.to_owned()])),
        identifier(&protected.id.name),
    );
    let _owner = AsOwner::of_table(protected.relation)?;
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
