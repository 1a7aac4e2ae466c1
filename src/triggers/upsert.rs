//! Upserts: what the `INSERT` half left out of the new row must not be lost by the `UPDATE` half, whose
//! `SET resource = EXCLUDED.resource` brings a document without it.

use super::note::Notes;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;

struct Dropped {
    relation: pg_sys::Oid,
    reference: String,
    fields: FieldSet,
}

thread_local! {
    static DROPPED: Notes<Dropped> = const { Notes::new() };
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
pub fn dropped(relation: pg_sys::Oid, reference: &str) -> Option<FieldSet> {
    let wanted = |dropped: &Dropped| dropped.relation == relation && dropped.reference == reference;
    DROPPED
        .with(|notes| notes.take(wanted))
        .map(|dropped| dropped.fields)
}
