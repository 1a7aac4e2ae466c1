//! Upserts: what the `INSERT` half left out of the new row must not be lost by the `UPDATE` half, whose
//! `SET resource = EXCLUDED.resource` brings a document without it.

use super::movement::number;
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
    static LAST: RefCell<Option<Dropped>> = const { RefCell::new(None) };
}

/// Notes that these fields were left out of the new row that `reference` names.
pub fn note(relation: pg_sys::Oid, reference: String, fields: &FieldSet) {
    // SAFETY: the statement writes, so its transaction gets an id anyway.
    let transaction = unsafe { pg_sys::GetCurrentTransactionId() };
    LAST.set(Some(Dropped {
        transaction,
        statement: number(),
        relation,
        reference,
        fields: fields.clone(),
    }));
}

/// The fields that the same statement left out of this row, before it found one stored.
pub fn dropped(relation: pg_sys::Oid, reference: &str) -> Option<FieldSet> {
    let dropped = LAST.take()?;
    // SAFETY: reads the transaction's state.
    let same = unsafe { dropped.transaction == pg_sys::GetCurrentTransactionIdIfAny() }
        && dropped.statement == number()
        && dropped.relation == relation
        && dropped.reference == reference;
    same.then_some(dropped.fields)
}
