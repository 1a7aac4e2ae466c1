//! Row movement: an `UPDATE` that gives a row to another partition is run as a `DELETE` there and an `INSERT` here, each
//! with its triggers. To a policy it is an update, and nothing else: the two that follow it are let through.

use pgrx::prelude::*;
use std::cell::RefCell;

/// An update that was granted just now, and may turn out to be a movement.
struct Update {
    transaction: pg_sys::TransactionId,
    command: pg_sys::CommandId,
    relation: pg_sys::Oid,
    row: (u32, u16),
    document: Vec<u8>,
    deleted: bool,
}

thread_local! {
    // Good for the very next trigger of the same command only, so no rollback can leave it behind to be believed.
    static LAST: RefCell<Option<Update>> = const { RefCell::new(None) };
}

/// Notes a granted update of a partition's row, with the document as it will be stored.
///
/// # Safety
/// `data` must be the trigger data of an UPDATE.
pub unsafe fn note_update(data: &pg_sys::TriggerData, document: &[u8]) {
    // SAFETY: by the caller's promise; the relation is open.
    let update = unsafe {
        (*(*data.tg_relation).rd_rel)
            .relispartition
            .then(|| Update {
                transaction: pg_sys::GetCurrentTransactionId(),
                command: pg_sys::GetCurrentCommandId(false),
                relation: (*data.tg_relation).rd_id,
                row: place(data.tg_trigtuple),
                document: document.to_vec(),
                deleted: false,
            })
    };
    LAST.set(update);
}

/// Is this DELETE the first half of a movement?
///
/// # Safety
/// `data` must be the trigger data of a DELETE.
pub unsafe fn is_its_delete(data: &pg_sys::TriggerData) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        match take() {
            Some(update)
                if !update.deleted
                    && update.relation == (*data.tg_relation).rd_id
                    && update.row == place(data.tg_trigtuple) =>
            {
                LAST.set(Some(Update {
                    deleted: true,
                    ..update
                }));
                true
            }
            _ => false,
        }
    }
}

/// Is an INSERT of this document the second half of a movement?
pub fn is_its_insert(document: &[u8]) -> bool {
    take().is_some_and(|update| update.deleted && update.document == document)
}

/// The last update, if it is of this command.
fn take() -> Option<Update> {
    let update = LAST.take()?;
    // SAFETY: reads the transaction's state; the transaction that updated has its id.
    let same = unsafe {
        update.transaction == pg_sys::GetCurrentTransactionIdIfAny()
            && update.command == pg_sys::GetCurrentCommandId(false)
    };
    same.then_some(update)
}

/// # Safety
/// `tuple` must be a valid tuple.
unsafe fn place(tuple: pg_sys::HeapTuple) -> (u32, u16) {
    // SAFETY: by the caller's promise.
    let item = unsafe { (*tuple).t_self };
    let block = u32::from(item.ip_blkid.bi_hi) << 16 | u32::from(item.ip_blkid.bi_lo);
    (block, item.ip_posid)
}
