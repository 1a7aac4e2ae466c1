//! Row movement: an `UPDATE` that gives a row to another partition is run as a `DELETE` there and an `INSERT` here, each
//! with its triggers. To a policy it is an update, and nothing else: the two that follow it are let through.

use crate::node::statement;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;
use std::cell::RefCell;

/// An update that was granted just now, and may turn out to be a movement.
struct Update {
    transaction: pg_sys::TransactionId,
    statement: u32,
    relation: pg_sys::Oid,
    row: (u32, u16),
    moved: Moved,
    deleted: bool,
}

/// What the second half of a movement brings, before other triggers changed it.
pub struct Moved {
    /// The document as the update left it.
    pub document: Vec<u8>,
    /// The fields that the update put back.
    pub kept: FieldSet,
}

thread_local! {
    // Good for this row of this statement in this subtransaction only, so no rollback can leave it behind to be believed.
    static LAST: RefCell<Vec<Update>> = const { RefCell::new(Vec::new()) };
}

/// Notes a granted update of a partition's row, with the document as it will be stored.
///
/// # Safety
/// `data` must be the trigger data of an UPDATE.
pub unsafe fn note_update(data: &pg_sys::TriggerData, document: &[u8], kept: FieldSet) {
    // SAFETY: by the caller's promise; the relation is open.
    let update = unsafe {
        (*(*data.tg_relation).rd_rel)
            .relispartition
            .then(|| Update {
                transaction: pg_sys::GetCurrentTransactionId(),
                statement: number(),
                relation: (*data.tg_relation).rd_id,
                row: place(data.tg_trigtuple),
                moved: Moved {
                    document: document.to_vec(),
                    kept,
                },
                deleted: false,
            })
    };
    LAST.with_borrow_mut(|last| {
        // The notes of the statements around this one stay, of which it may be a trigger's.
        let current = number();
        last.retain(|known| known.statement != current && statement::is_running(known.statement));
        last.extend(update);
    });
}

/// The number of the running statement; 0 where there is none, which is no statement's.
pub fn number() -> u32 {
    statement::running().map_or(0, |running| running.number)
}

/// Is this DELETE the first half of a movement?
///
/// # Safety
/// `data` must be the trigger data of a DELETE.
pub unsafe fn is_its_delete(data: &pg_sys::TriggerData) -> bool {
    LAST.with_borrow_mut(|last| {
        let Some(update) = last.iter_mut().find(|update| update.is_of_this_statement()) else {
            return false;
        };
        // SAFETY: by the caller's promise.
        let same = unsafe {
            update.relation == (*data.tg_relation).rd_id && update.row == place(data.tg_trigtuple)
        };
        same && !std::mem::replace(&mut update.deleted, true)
    })
}

/// What was moved, when this INSERT is the second half of a movement.
pub fn of_this_insert() -> Option<Moved> {
    LAST.with_borrow_mut(|last| {
        let place = last
            .iter()
            .position(|update| update.deleted && update.is_of_this_statement())?;
        Some(last.swap_remove(place).moved)
    })
}

impl Update {
    /// Statements that other triggers run in between are not meant.
    fn is_of_this_statement(&self) -> bool {
        // SAFETY: reads the transaction's state; the transaction that updated has its id.
        unsafe {
            self.transaction == pg_sys::GetCurrentTransactionIdIfAny() && self.statement == number()
        }
    }
}

/// # Safety
/// `tuple` must be a valid tuple.
unsafe fn place(tuple: pg_sys::HeapTuple) -> (u32, u16) {
    // SAFETY: by the caller's promise.
    let item = unsafe { (*tuple).t_self };
    let block = u32::from(item.ip_blkid.bi_hi) << 16 | u32::from(item.ip_blkid.bi_lo);
    (block, item.ip_posid)
}
