//! Upserts. What the `INSERT` half left out of the new row must not be lost by the `UPDATE` half, whose
//! `SET resource = EXCLUDED.resource` brings a document without it. And what the new row would need to be created counts
//! only if it is: the trigger fires before PostgreSQL looks for a row that is there already.

use super::note::Notes;
use crate::audit::Line;
use crate::error::{Error, Result};
use crate::node::statement;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;

struct Dropped {
    relation: pg_sys::Oid,
    reference: String,
    fields: FieldSet,
}

thread_local! {
    static DROPPED: Notes<Dropped> = const { Notes::new() };
    static REFUSED: Notes<Error> = const { Notes::new() };
    static PERMITTED: Notes<Line> = const { Notes::new() };
}

/// Is the running statement an upsert, and writes nothing else? Each update in it is then of the row it brought last.
pub fn is_running() -> bool {
    statement::running().is_some_and(|running| running.is_upsert)
}

/// A new row is brought: what was left out of the one before it matters no more.
pub fn begin() {
    DROPPED.with(|notes| notes.take(|_| true));
}

/// Notes that these fields were left out of the new row that `reference` names.
pub fn note(relation: pg_sys::Oid, reference: String, fields: &FieldSet) {
    DROPPED.with(|notes| {
        notes.leave(Dropped {
            relation,
            reference,
            fields: fields.clone(),
        })
    });
}

/// The fields that the same statement left out of this row, before it found one stored.
pub fn dropped(relation: pg_sys::Oid, reference: impl Fn() -> String) -> Option<FieldSet> {
    // The row that an upsert updates need not have the id of the one it brought: the conflict may be about another key.
    let is_sure = is_running();
    let wanted = |dropped: &Dropped| {
        dropped.relation == relation && (is_sure || dropped.reference == reference())
    };
    DROPPED
        .with(|notes| notes.take(wanted))
        .map(|dropped| dropped.fields)
}

/// Refuses the new row, now or, where the statement may yet update a stored row instead, as soon as it has not done so.
pub fn refuse(error: Error) -> Result<()> {
    if !is_running() {
        return Err(error);
    }
    REFUSED.with(|notes| notes.leave(error));
    Ok(())
}

/// Records that the new row is permitted, now or, where the statement may yet update a stored row instead, as soon as it has
/// not done so.
pub fn permit(line: Option<Line>) -> Result<()> {
    let Some(line) = line else {
        return Ok(());
    };
    if !is_running() {
        return line.write();
    }
    PERMITTED.with(|notes| notes.leave(line));
    Ok(())
}

/// A stored row is updated. In an upsert that is what became of the row it brought last: its only updates are of rows that
/// it found in the place of the new one.
pub fn updates() {
    REFUSED.with(|notes| notes.take(|_| true));
    PERMITTED.with(|notes| notes.take(|_| true));
}

/// The refusal or the record of a row that was to be inserted, and that no update took the place of.
pub fn settle() -> Result<()> {
    if let Some(error) = REFUSED.with(|notes| notes.take(|_| true)) {
        return Err(error);
    }
    let permitted = PERMITTED.with(|notes| notes.take(|_| true));
    permitted.map_or(Ok(()), Line::write)
}
