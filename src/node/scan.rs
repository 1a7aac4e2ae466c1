//! Reading the extension's own tables: by key, with the newest snapshot, past privileges and row security.
//!
//! The newest snapshot, because a policy change must hold as soon as it is committed, in a REPEATABLE READ transaction
//! too; without the planner, because it is the planner's hook that asks.

use super::relation::OpenRelation;
use super::row;
use pgrx::prelude::*;
use std::ffi::CStr;

/// A registered snapshot of what is committed now, and of this transaction's own changes; unregistered when dropped.
struct LatestSnapshot(pg_sys::Snapshot);

impl LatestSnapshot {
    /// The snapshot that PostgreSQL reads its catalogs with, which may be taken in parallel workers too. For a table
    /// without a syscache it is always a new one.
    fn take(table: pg_sys::Oid) -> LatestSnapshot {
        // SAFETY: inside a transaction; the registered copy stays until it is unregistered.
        LatestSnapshot(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetCatalogSnapshot(table)) })
    }
}

impl Drop for LatestSnapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered in take.
            unsafe { pg_sys::UnregisterSnapshot(self.0) };
        }
    }
}

/// The key of the wanted row: the primary key's only column.
pub enum Key<'a> {
    /// A text key.
    Text(&'a str),
    /// An OID key.
    Oid(pg_sys::Oid),
}

/// Finds the row of `table` with this primary key and gives its columns (datum or NULL, in order) to `read`.
pub fn by_key<T>(
    table: pg_sys::Oid,
    key: Key<'_>,
    read: impl FnOnce(&[Option<pg_sys::Datum>]) -> T,
) -> Option<T> {
    let (procedure, datum, collation) = match key {
        Key::Text(text) => (
            pg_sys::F_TEXTEQ,
            text.into_datum()?,
            pg_sys::DEFAULT_COLLATION_OID,
        ),
        Key::Oid(oid) => (
            pg_sys::F_OIDEQ,
            pg_sys::Datum::from(oid),
            pg_sys::InvalidOid,
        ),
    };
    let relation = OpenRelation::open(table);
    // SAFETY: the key is built for the type of the primary key's column.
    unsafe {
        let index = pg_sys::RelationGetPrimaryKeyIndex(relation.as_ptr());
        first(
            &relation,
            index,
            &mut [equal(1, procedure, datum, collation)],
            read,
        )
    }
}

/// Finds the row of the catalog `pg_trigger` for this relation and name, without a lock on the relation itself.
pub fn trigger<T>(
    relation: pg_sys::Oid,
    name: &CStr,
    read: impl FnOnce(&[Option<pg_sys::Datum>]) -> T,
) -> Option<T> {
    let catalog = OpenRelation::open(pg_sys::TriggerRelationId);
    let index = pg_sys::Oid::from(pg_sys::TriggerRelidNameIndexId);
    // SAFETY: the keys are built for the types of the index's columns; a short C string is a name.
    unsafe {
        let mut data = pg_sys::NameData::default();
        pg_sys::namestrcpy(&mut data, name.as_ptr());
        let name = pg_sys::Datum::from(std::ptr::from_mut(&mut data));
        let relid = equal(
            pg_sys::Anum_pg_trigger_tgrelid,
            pg_sys::F_OIDEQ,
            pg_sys::Datum::from(relation),
            pg_sys::InvalidOid,
        );
        let named = equal(
            pg_sys::Anum_pg_trigger_tgname,
            pg_sys::F_NAMEEQ,
            name,
            pg_sys::C_COLLATION_OID,
        );
        first(&catalog, index, &mut [relid, named], read)
    }
}

/// `attribute = datum`, by this procedure.
fn equal(
    attribute: u32,
    procedure: u32,
    datum: pg_sys::Datum,
    collation: pg_sys::Oid,
) -> pg_sys::ScanKeyData {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: fills in the key.
    unsafe {
        pg_sys::ScanKeyEntryInitialize(
            &mut key,
            0,
            i16::try_from(attribute).unwrap_or(0),
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::InvalidOid,
            collation,
            pg_sys::Oid::from(procedure),
            datum,
        );
    }
    key
}

/// # Safety
/// `keys` must fit the columns of `index`, which must be an index of `relation` or invalid.
unsafe fn first<T>(
    relation: &OpenRelation,
    index: pg_sys::Oid,
    keys: &mut [pg_sys::ScanKeyData],
    read: impl FnOnce(&[Option<pg_sys::Datum>]) -> T,
) -> Option<T> {
    // SAFETY: by the caller's promise; the tuple is read before the scan ends.
    unsafe {
        let snapshot = LatestSnapshot::take((*relation.as_ptr()).rd_id);
        let scan = pg_sys::systable_beginscan(
            relation.as_ptr(),
            index,
            index != pg_sys::InvalidOid,
            snapshot.0,
            i32::try_from(keys.len()).unwrap_or(0),
            keys.as_mut_ptr(),
        );
        let tuple = pg_sys::systable_getnext(scan);
        let found = if tuple.is_null() {
            None
        } else {
            Some(read(&row::deform(tuple, relation.tuple_desc())))
        };
        pg_sys::systable_endscan(scan);
        found
    }
}
