//! Reading the extension's own tables: by key, with the newest snapshot, past privileges and row security.
//!
//! The newest snapshot, because a policy change must hold as soon as it is committed, in a REPEATABLE READ transaction
//! too; without the planner, because it is the planner's hook that asks.

use super::relation::OpenRelation;
use super::row;
use pgrx::prelude::*;

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

/// Finds the row of `table` with this primary key and gives its columns (datum and null flag, in order) to `read`.
pub fn by_key<T>(
    table: pg_sys::Oid,
    key: Key<'_>,
    read: impl FnOnce(&[Option<pg_sys::Datum>]) -> T,
) -> Option<T> {
    let relation = OpenRelation::open(table);
    // SAFETY: the key is built for the type of the primary key's column; the tuple is read before the scan ends.
    unsafe {
        let index = pg_sys::RelationGetPrimaryKeyIndex(relation.as_ptr());
        let mut scan_key = pg_sys::ScanKeyData::default();
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
        pg_sys::ScanKeyEntryInitialize(
            &mut scan_key,
            0,
            1,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::InvalidOid,
            collation,
            pg_sys::Oid::from(procedure),
            datum,
        );
        let snapshot = LatestSnapshot::take(table);
        let scan = pg_sys::systable_beginscan(
            relation.as_ptr(),
            index,
            index != pg_sys::InvalidOid,
            snapshot.0,
            1,
            &mut scan_key,
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
