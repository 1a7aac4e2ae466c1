//! `SERIALIZABLE`: what a transaction has read is locked, row by row and page by page, and a transaction that writes there may fail.
//! Which rows an index has found would be told by that. A plan that asks a statement's conditions before row security's locks the
//! whole of its protected tables, as reading them from end to end does, and their indexes; then nothing smaller is locked.

use crate::hooks::masking;
use crate::node::tree;
use pgrx::PgList;
use pgrx::prelude::*;

/// PostgreSQL's own, called as C would call it.
mod original {
    use pgrx::pg_sys::{Relation, Snapshot};

    unsafe extern "C-unwind" {
        pub fn PredicateLockRelation(relation: Relation, snapshot: Snapshot);
    }
}

/// Is what a transaction reads locked? Workers read what their leader has locked, and what they plan themselves has no twins.
pub fn is_asked_for() -> bool {
    // SAFETY: reads the backend's state.
    unsafe {
        pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 && pg_sys::ParallelWorkerNumber < 0
    }
}

/// Locks what a plan reads.
///
/// # Safety
/// `query` must be a query that is about to start, with a plan whose relations are locked.
pub unsafe fn lock(query: *const pg_sys::QueryDesc) {
    // SAFETY: by the caller's promise; a relation is open while it is locked.
    unsafe {
        let share = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let lock = |relation| {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                original::PredicateLockRelation(relation, (*query).snapshot);
            });
        };
        for entry in tree::range_table((*(*query).plannedstmt).rtable) {
            if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION || !masking::is_marked(entry) {
                continue;
            }
            let table = pg_sys::relation_open((*entry).relid, share);
            lock(table);
            let indexes = PgList::<pg_sys::Oid>::from_pg(pg_sys::RelationGetIndexList(table));
            for index in indexes.iter_oid() {
                let index = pg_sys::index_open(index, share);
                lock(index);
                pg_sys::index_close(index, share);
            }
            pg_sys::relation_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
    }
}
