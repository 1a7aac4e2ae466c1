//! Row movement: an `UPDATE` that gives a row to another partition is run as a `DELETE` there and an `INSERT` here, each
//! with its triggers. To a policy it is an update, and nothing else: the two that follow it are let through.

use super::note::Notes;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;

/// An update that was granted just now, and may turn out to be a movement.
struct Update {
    relation: pg_sys::Oid,
    row: (u32, u16),
    moved: Moved,
    deleted: bool,
}

/// What the second half of a movement brings, before other triggers changed it.
pub struct Moved {
    /// The document as it was before the update.
    pub stored: Vec<u8>,
    /// The document as the update left it.
    pub document: Vec<u8>,
    /// The fields that the update put back.
    pub kept: FieldSet,
}

thread_local! {
    static UPDATES: Notes<Update> = const { Notes::new() };
}

/// Notes a granted update of a partition's row, with the document as it was and as it will be stored.
///
/// # Safety
/// `data` must be the trigger data of an UPDATE.
pub unsafe fn note_update(
    data: &pg_sys::TriggerData,
    stored: &[u8],
    document: &[u8],
    kept: FieldSet,
) {
    // SAFETY: by the caller's promise; the relation is open.
    let (is_partition, relation, row) = unsafe {
        let relation = &*data.tg_relation;
        (
            (*relation.rd_rel).relispartition,
            relation.rd_id,
            place(data.tg_trigtuple),
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
            })
        });
    }
}

/// Is this DELETE the first half of a movement?
///
/// # Safety
/// `data` must be the trigger data of a DELETE.
pub unsafe fn is_its_delete(data: &pg_sys::TriggerData) -> bool {
    // SAFETY: by the caller's promise.
    let (relation, row) = unsafe { ((*data.tg_relation).rd_id, place(data.tg_trigtuple)) };
    let first = |update: &mut Update| {
        let same = update.relation == relation && update.row == row;
        same && !std::mem::replace(&mut update.deleted, true)
    };
    UPDATES.with(|notes| notes.look(first)).unwrap_or(false)
}

/// What was moved, when this INSERT is the second half of a movement.
pub fn of_this_insert() -> Option<Moved> {
    UPDATES
        .with(|notes| notes.take(|update| update.deleted))
        .map(|update| update.moved)
}

/// # Safety
/// `tuple` must be a valid tuple.
unsafe fn place(tuple: pg_sys::HeapTuple) -> (u32, u16) {
    // SAFETY: by the caller's promise.
    let item = unsafe { (*tuple).t_self };
    let block = u32::from(item.ip_blkid.bi_hi) << 16 | u32::from(item.ip_blkid.bi_lo);
    (block, item.ip_posid)
}
