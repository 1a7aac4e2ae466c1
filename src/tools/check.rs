//! `check()`: may this session do that to this resource, and who says so?
//!
//! A caller who is subject to policies learns nothing of a row that it cannot read: to it such a row is not there.

use super::explain::{self, interaction, relations_of};
use super::stored::Stored;
use super::vread::{self, Judged};
use crate::constraint;
use crate::error::{Error, OrRaise, Result};
use crate::node::{privilege, row};
use crate::registry::Protected;
use crate::session::reach::{Reach, ReachEntry};
use crate::session::{self, Session};
use access_policy::{Constraint, Interaction};
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
    failed_constraint: Option<String>,
}

/// Is `interaction` on the resource `reference` (`Patient/p1`; for `create` just `Patient`) permitted to the session's
/// membership? For `vread` a version is meant by `Patient/p1/_history/2`. `entry` is the index in the policy's `resource[]`. `failed_constraint` is the first
/// write constraint that an update would not meet: none at all where `allowed` is false, one that leaves the row as it is where it is true.
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
        answer.failed_constraint,
    ))
}

fn answer(reference: &str, name: &str) -> Result<Answer> {
    let interaction = interaction(name)?;
    let (resource_type, id) = match reference.split_once('/') {
        Some((resource_type, id)) => (resource_type, Some(id)),
        None => (reference, None),
    };
    let resource_type = explain::resource_type(resource_type)?;
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
            hint: "Write Type/id, as in Patient/p1.".to_owned(),
        });
    };
    if let (Interaction::Vread, Some((id, version))) = (interaction, id.split_once("/_history/")) {
        return self::version(&relations, &reach, (resource_type, id), version);
    }
    for protected in relations {
        if let Some(answer) = existing(
            &session,
            &protected,
            interaction,
            (resource_type, id),
            &reach,
        )? {
            return Ok(answer);
        }
    }
    Ok(denied(format!(
        "no {resource_type}/{id} is visible to this membership"
    )))
}

/// Which row will be created is not known yet; the entries say what it must be like.
fn creation(reach: &Reach) -> Answer {
    let constrained = reach
        .entries
        .iter()
        .any(|entry| !entry.constraints.is_empty());
    let granted = match (reach.predicate(), constrained) {
        (Predicate::Constant(true), false) => "granted".to_owned(),
        (_, false) => format!("granted to a row that matches {}", reach.listed()),
        (_, true) => format!(
            "granted to a row that matches {} and meets the write constraints there",
            reach.listed()
        ),
    };
    let entry = reach.entries.first();
    Answer {
        allowed: true,
        ..Answer::of(entry, granted)
    }
}

/// The answer for a version. One that may not be read is not there for a caller who is subject to policies.
fn version(
    relations: &[Rc<Protected>],
    reach: &Reach,
    (resource_type, id): (&str, &str),
    version: &str,
) -> Result<Answer> {
    let mut answer = None;
    for current in relations {
        for versions in vread::places(current)? {
            let Some(judged) = Judged::of(&versions, current, (resource_type, id), version, reach)?
            else {
                continue;
            };
            if let Some((entry, _)) = judged.granted {
                return Ok(Answer {
                    allowed: true,
                    ..Answer::of(Some(&entry), "granted".to_owned())
                });
            }
            if !privilege::is_subject(versions.relation) {
                answer.get_or_insert(denied(format!(
                    "the version, or the resource as it is now, matches no entry that grants vread: {}",
                    reach.listed()
                )));
            }
        }
    }
    Ok(answer.unwrap_or_else(|| {
        denied(format!(
            "no {resource_type}/{id}/_history/{version} is visible to this membership"
        ))
    }))
}

/// The answer for a stored row; `None` where there is no such row, or none that the caller may know of.
fn existing(
    session: &Session,
    protected: &Protected,
    interaction: Interaction,
    (resource_type, id): (&str, &str),
    reach: &Reach,
) -> Result<Option<Answer>> {
    let find = |reach: &Reach, scope: &Predicate| match privilege::is_subject(protected.relation) {
        true => Stored::find_shown(protected, resource_type, id, &reach.entries, scope),
        false => Stored::find(protected, resource_type, id, &reach.entries, scope),
    };
    let Some(found) = find(reach, &reach.scope)? else {
        return Ok(None);
    };
    let place = found.place;
    if let (Some(place), true) = (place, interaction.is_read()) {
        return Ok(Some(granted(reach, place)));
    }
    if privilege::is_subject(protected.relation) {
        let search = session.reach(resource_type, Interaction::Search)?;
        let readable = find(&search, &search.scope)?;
        if readable.is_none_or(|row| row.place.is_none()) {
            return Ok(None);
        }
    }
    if let Some(place) = place {
        return match interaction {
            Interaction::Update => update(protected, &found, reach, place).map(Some),
            _ => Ok(Some(granted(reach, place))),
        };
    }
    let anywhere = Predicate::Constant(true);
    let elsewhere = find(reach, &anywhere)?;
    if elsewhere.is_some_and(|row| row.place.is_some()) {
        return Ok(Some(denied(format!("the row is not {}", reach.limits()))));
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

/// The answer for the update of a row that entry `place` grants: what the entry's constraints say of a write that leaves the
/// row as it is, and whether any other could meet them.
fn update(protected: &Protected, found: &Stored, reach: &Reach, place: usize) -> Result<Answer> {
    let Some(entry) = reach.entries.get(place) else {
        return Ok(granted(reach, place));
    };
    if entry.constraints.is_empty() {
        return Ok(granted(reach, place));
    }
    // Constraints may look at what is hidden. Who cannot try an update learns nothing of it here, either.
    let subject = privilege::is_subject(protected.relation);
    let told = !subject || privilege::may_update(protected.relation);
    let Some(stored) = found.document.as_deref().filter(|_| told) else {
        let reason = format!(
            "granted to what meets the write constraints of {}",
            entry.place
        );
        return Ok(Answer {
            allowed: true,
            ..Answer::of(Some(entry), reason)
        });
    };
    let row = row::parse(stored)?;
    let by_the_stored_row = |constraint: &Constraint| !constraint.reads_new_row();
    let never = |entry: &ReachEntry| {
        constraint::unmet_among(entry, Some(row), row, by_the_stored_row).is_some()
    };
    // Which entry decides is up to the new row.
    let allowed = !reach.entries.iter().all(|entry| never(entry));
    let unmet = match constraint::unmet_among(entry, Some(row), row, by_the_stored_row) {
        None => constraint::unmet(entry, Some(row), row),
        unmet => unmet,
    };
    let reason = match &unmet {
        None => "granted".to_owned(),
        Some(unmet) if !allowed => {
            format!("{} is not met: it {}", unmet.describe(), unmet.outcome())
        }
        Some(unmet) if unmet.constraint.reads_new_row() => format!(
            "granted to a row that meets {}, which {} for the row as it is",
            unmet.describe(),
            unmet.outcome()
        ),
        Some(unmet) => format!(
            "granted to a row that another entry grants: {} is not met, it {}",
            unmet.describe(),
            unmet.outcome()
        ),
    };
    let failed = unmet.map(|unmet| unmet.constraint.expression().source().to_owned());
    Ok(Answer {
        allowed,
        failed_constraint: failed,
        ..Answer::of(Some(entry), reason)
    })
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
