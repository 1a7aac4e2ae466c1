//! Reading rows by their key, past privileges and row security, without the planner.
//!
//! The extension's own tables are read with the newest snapshot, because a policy change must hold as soon as it is
//! committed, in a REPEATABLE READ transaction too; and without the planner, because it is the planner's hook that asks. A
//! user's table is read with the transaction's snapshot, as a query would.

use super::index::OpenIndex;
use super::places::{self, Wanted};
use super::relation::{self, OpenRelation};
use super::{detoast, row};
use crate::predicate::is_uuid;
use pgrx::prelude::*;
use std::ffi::CStr;

/// A registered snapshot; unregistered when dropped.
struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// What is committed now, and this transaction's own changes: the snapshot that PostgreSQL reads its catalogs with, which may be taken in parallel workers too. For a table
    /// without a syscache it is always a new one.
    fn latest(table: pg_sys::Oid) -> Snapshot {
        // SAFETY: inside a transaction; the registered copy stays until it is unregistered.
        Snapshot(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetCatalogSnapshot(table)) })
    }

    /// The snapshot that a query of a volatile function would have now: with what the running statement has done so far.
    fn of_new_query() -> Snapshot {
        // SAFETY: as above; a command that has written nothing is not counted.
        unsafe {
            pg_sys::CommandCounterIncrement();
            Snapshot(pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot()))
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered where it was taken.
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

/// What [`by_id`] comes to.
pub enum Sought<T> {
    /// The row is there.
    Found(T),
    /// There is none.
    Absent,
    /// It takes a query to tell.
    Unanswered,
}

/// Finds the row of a user's table whose primary key is this one column, with this value, and shows it to `read`. Only where
/// a query could do nothing else: in a plain table without children, by a text or a UUID, of which the table's own
/// primary key decides what is equal.
pub fn by_id<T>(
    table: pg_sys::Oid,
    column: i16,
    id: &str,
    read: impl FnOnce(&OpenRelation, pg_sys::HeapTuple) -> T,
) -> Sought<T> {
    let relation = OpenRelation::open(table);
    // SAFETY: the relation is open; the key is built for its primary key.
    unsafe {
        let class = &*(*relation.as_ptr()).rd_rel;
        if class.relkind as u8 != pg_sys::RELKIND_RELATION || class.relhassubclass {
            return Sought::Unanswered;
        }
        // One that keeps its keys unique with each row that is written; PostgreSQL counts no other.
        let index = pg_sys::RelationGetPrimaryKeyIndex(relation.as_ptr());
        if index == pg_sys::InvalidOid {
            return Sought::Unanswered;
        }
        let wanted = Wanted {
            table,
            index,
            column,
            id,
        };
        // What is known by this index is known of the column that it is on, and is forgotten when either changes.
        let known = places::recall(wanted);
        if let Some(place) = known {
            let snapshot = Snapshot::of_new_query();
            if let Some(row) = Fetched::at(&relation, &snapshot, place)
                && holds(row.tuple(), &relation, column, id)
            {
                return Sought::Found(read(&relation, row.tuple()));
            }
        }
        let key = {
            let index = OpenIndex::open(index);
            match index.key_of(column) {
                Some((pg_sys::TEXTOID, collation)) => {
                    (pg_sys::F_TEXTEQ, id.into_datum(), collation)
                }
                Some((pg_sys::UUIDOID, _)) => {
                    if !is_uuid(id) {
                        // As a predicate has it: nobody's id.
                        return Sought::Absent;
                    }
                    (pg_sys::F_UUID_EQ, row::uuid(id), pg_sys::InvalidOid)
                }
                _ => return Sought::Unanswered,
            }
        };
        let (procedure, Some(datum), collation) = key else {
            return Sought::Unanswered;
        };
        let Ok(number) = u32::try_from(column) else {
            return Sought::Unanswered;
        };
        let mut keys = [equal(number, procedure, datum, collation)];
        let snapshot = Snapshot::of_new_query();
        let found = first_in(&snapshot, &relation, index, &mut keys, |tuple| {
            if class.relam == pg_sys::HEAP_TABLE_AM_OID {
                places::remember(wanted, place_of(&(*tuple).t_self));
            }
            read(&relation, tuple)
        });
        found.map_or(Sought::Absent, Sought::Found)
    }
}

fn place_of(item: &pg_sys::ItemPointerData) -> (u32, u16) {
    let block = u32::from(item.ip_blkid.bi_hi) << 16 | u32::from(item.ip_blkid.bi_lo);
    (block, item.ip_posid)
}

/// A row of a heap, fetched from its place; its page is released when this is dropped.
struct Fetched {
    tuple: Box<pg_sys::HeapTupleData>,
    buffer: pg_sys::Buffer,
}

impl Fetched {
    /// The row there, if there is one that the snapshot sees.
    ///
    /// # Safety
    /// `relation` must be a heap.
    unsafe fn at(
        relation: &OpenRelation,
        snapshot: &Snapshot,
        (block, number): (u32, u16),
    ) -> Option<Fetched> {
        // SAFETY: by the caller's promise. A page that is there now stays, because to take pages away takes a stronger lock than
        // the one that this session holds; a place within a page is looked at by PostgreSQL itself.
        unsafe {
            let blocks = pg_sys::RelationGetNumberOfBlocksInFork(
                relation.as_ptr(),
                pg_sys::ForkNumber::MAIN_FORKNUM,
            );
            if block >= blocks {
                return None;
            }
            let mut tuple = Box::new(pg_sys::HeapTupleData::default());
            tuple.t_self = pg_sys::ItemPointerData {
                ip_blkid: pg_sys::BlockIdData {
                    bi_hi: (block >> 16) as u16,
                    bi_lo: (block & 0xffff) as u16,
                },
                ip_posid: number,
            };
            let mut buffer: pg_sys::Buffer = 0;
            let found = pg_sys::heap_fetch(
                relation.as_ptr(),
                snapshot.0,
                &mut *tuple,
                &mut buffer,
                false,
            );
            found.then(|| Fetched { tuple, buffer })
        }
    }

    fn tuple(&self) -> pg_sys::HeapTuple {
        std::ptr::from_ref(&*self.tuple).cast_mut()
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // While an error is on its way the resource owner releases it.
        if !std::thread::panicking() {
            // SAFETY: pinned where it was fetched.
            unsafe { pg_sys::ReleaseBuffer(self.buffer) };
        }
    }
}

/// Is this id in the column, byte by byte?
///
/// # Safety
/// `tuple` must be a row of `relation`.
unsafe fn holds(tuple: pg_sys::HeapTuple, relation: &OpenRelation, column: i16, id: &str) -> bool {
    /// The bytes of a UUID.
    const UUID: usize = 16;
    // SAFETY: by the caller's promise; a column's value is of its type.
    unsafe {
        let descriptor = relation.tuple_desc();
        let Some(datum) = row::column(tuple, descriptor, column) else {
            return false;
        };
        match relation::type_of(descriptor, column) {
            Some(pg_sys::TEXTOID | pg_sys::VARCHAROID) => {
                pgrx::varlena_to_byte_slice(detoast::packed(datum)) == id.as_bytes()
            }
            Some(pg_sys::UUIDOID) if is_uuid(id) => row::uuid(id).is_some_and(|wanted| {
                let bytes = |uuid: pg_sys::Datum| {
                    std::slice::from_raw_parts(uuid.cast_mut_ptr::<u8>(), UUID)
                };
                bytes(wanted) == bytes(datum)
            }),
            _ => false,
        }
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
        let snapshot = Snapshot::latest((*relation.as_ptr()).rd_id);
        first_in(&snapshot, relation, index, keys, |tuple| {
            read(&row::deform(tuple, relation.tuple_desc()))
        })
    }
}

/// # Safety
/// As for [`first`].
unsafe fn first_in<T>(
    snapshot: &Snapshot,
    relation: &OpenRelation,
    index: pg_sys::Oid,
    keys: &mut [pg_sys::ScanKeyData],
    read: impl FnOnce(pg_sys::HeapTuple) -> T,
) -> Option<T> {
    // SAFETY: by the caller's promise; the tuple is read before the scan ends.
    unsafe {
        let scan = pg_sys::systable_beginscan(
            relation.as_ptr(),
            index,
            index != pg_sys::InvalidOid,
            snapshot.0,
            i32::try_from(keys.len()).unwrap_or(0),
            keys.as_mut_ptr(),
        );
        let tuple = pg_sys::systable_getnext(scan);
        let found = (!tuple.is_null()).then(|| read(tuple));
        pg_sys::systable_endscan(scan);
        found
    }
}
