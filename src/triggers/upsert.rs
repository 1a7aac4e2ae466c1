//! Upserts: what the `INSERT` half left out of the new row must not be lost by the `UPDATE` half, whose
//! `SET resource = EXCLUDED.resource` brings a document without it.

use super::movement::number;
use crate::node::statement;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;
use std::cell::RefCell;

struct Dropped {
    transaction: pg_sys::TransactionId,
    statement: u32,
    relation: pg_sys::Oid,
    reference: String,
    fields: FieldSet,
}

thread_local! {
    // Good for this row of this statement in this subtransaction only, so no rollback can leave it behind to be believed.
    static LAST: RefCell<Vec<Dropped>> = const { RefCell::new(Vec::new()) };
}

/// Notes that these fields were left out of the new row that `reference` names.
pub fn note(relation: pg_sys::Oid, reference: String, fields: &FieldSet) {
    // SAFETY: the statement writes, so its transaction gets an id anyway.
    let transaction = unsafe { pg_sys::GetCurrentTransactionId() };
    let statement = number();
    LAST.with_borrow_mut(|last| {
        // Of each statement the last row; of those around this one, of which it may be a trigger's, theirs.
        last.retain(|known| known.statement != statement && statement::is_running(known.statement));
        last.push(Dropped {
            transaction,
            statement,
            relation,
            reference,
            fields: fields.clone(),
        });
    });
}

/// The fields that the same statement left out of this row, before it found one stored.
pub fn dropped(relation: pg_sys::Oid, reference: &str) -> Option<FieldSet> {
    let statement = number();
    // SAFETY: reads the transaction's state.
    let transaction = unsafe { pg_sys::GetCurrentTransactionIdIfAny() };
    LAST.with_borrow_mut(|last| {
        let place = last.iter().position(|dropped| {
            dropped.transaction == transaction
                && dropped.statement == statement
                && dropped.relation == relation
                && dropped.reference == reference
        })?;
        Some(last.swap_remove(place).fields)
    })
}
