//! Row movement: an `UPDATE` that gives a row to another partition is run as a `DELETE` there and an `INSERT` here, each
//! with its triggers. To a policy it is an update, and nothing else: the two that follow it are let through.
//!
//! Nothing in a trigger's call tells them from others of the same statement (`MERGE`, `WITH`), which may follow an update that
//! some later trigger has called off. So the `DELETE` is let through only until something else than its `INSERT` follows,
//! and the `INSERT` only where the row is really gone from its old place.

use super::kept::Kept;
use super::note::Notes;
use crate::audit::Line;
use crate::error::{Error, Result};
use crate::node::relation::{self, OpenRelation};
use pgrx::prelude::*;

/// An update that was granted just now, and may turn out to be a movement.
struct Update {
    relation: pg_sys::Oid,
    row: pg_sys::ItemPointerData,
    moved: Moved,
    deleted: bool,
    /// Why the row may not be deleted, if it is not moved.
    refusal: Option<Error>,
    /// What the audit trail says of its deletion, if it is not moved.
    line: Option<Line>,
}

/// What the second half of a movement brings, before other triggers changed it.
pub struct Moved {
    /// The document as it was before the update.
    pub stored: Vec<u8>,
    /// The document as the update left it.
    pub document: Vec<u8>,
    /// The fields that the update put back.
    pub kept: Kept,
}

thread_local! {
    static UPDATES: Notes<Update> = const { Notes::new() };
}

/// Notes a granted update of a partition's row, with the document as it was and as it will be stored.
///
/// # Safety
/// `data` must be the trigger data of an UPDATE.
pub unsafe fn note_update(data: &pg_sys::TriggerData, stored: &[u8], document: &[u8], kept: Kept) {
    // SAFETY: by the caller's promise; the relation is open.
    let (is_partition, relation, row) = unsafe {
        let relation = &*data.tg_relation;
        (
            (*relation.rd_rel).relispartition,
            relation.rd_id,
            (*data.tg_trigtuple).t_self,
        )
    };
    if is_partition {
        let moved = Moved {
            stored: stored.to_vec(),
            document: document.to_vec(),
            kept,
        };
        UPDATES.with(|notes| {
            notes.leave(Update {
                relation,
                row,
                moved,
                deleted: false,
                refusal: None,
                line: None,
            })
        });
    }
}

/// Refuses this DELETE, or records it: now or, where it may be the first half of a movement, as soon as it turns out to be
/// none.
///
/// # Safety
/// `data` must be the trigger data of a DELETE.
pub unsafe fn delete(
    data: &pg_sys::TriggerData,
    refusal: Option<Error>,
    line: Option<Line>,
) -> Result<()> {
    // SAFETY: by the caller's promise; the relation is open.
    let (relation, row) = unsafe { ((*data.tg_relation).rd_id, (*data.tg_trigtuple).t_self) };
    let is_first_half = |update: &mut Update| {
        let same = update.relation == relation && same_place(update.row, row);
        same && !std::mem::replace(&mut update.deleted, true)
    };
    if UPDATES.with(|notes| notes.look(is_first_half)) == Some(true) {
        UPDATES.with(|notes| {
            notes.look(|update| {
                update.refusal = refusal;
                update.line = line;
            })
        });
        return Ok(());
    }
    settle()?;
    conclude(refusal, line)
}

/// What was kept back of a DELETE that no INSERT followed.
pub fn settle() -> Result<()> {
    let kept =
        UPDATES.with(|notes| notes.look(|update| (update.refusal.take(), update.line.take())));
    kept.map_or(Ok(()), |(refusal, line)| conclude(refusal, line))
}

fn conclude(refusal: Option<Error>, line: Option<Line>) -> Result<()> {
    match refusal {
        Some(error) => Err(error),
        None => line.map_or(Ok(()), Line::write),
    }
}

/// What was moved, when this INSERT is the second half of a movement.
///
/// # Safety
/// `data` must be the trigger data of an INSERT.
pub unsafe fn of_this_insert(data: &pg_sys::TriggerData) -> Option<Moved> {
    // SAFETY: by the caller's promise; the relation is open.
    let here = unsafe { (*data.tg_relation).rd_id };
    let update = UPDATES.with(|notes| notes.take(|update| update.deleted))?;
    let left = relation::root(update.relation) == relation::root(here)
        && !OpenRelation::open(update.relation).has_row(update.row);
    if left {
        return Some(update.moved);
    }
    // Its refusal is still to be told.
    UPDATES.with(|notes| notes.leave(update));
    None
}

fn same_place(a: pg_sys::ItemPointerData, b: pg_sys::ItemPointerData) -> bool {
    let block = |item: pg_sys::ItemPointerData| (item.ip_blkid.bi_hi, item.ip_blkid.bi_lo);
    block(a) == block(b) && a.ip_posid == b.ip_posid
}
