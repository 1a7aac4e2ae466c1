//! What a BRIN index would cost.
//!
//! For each condition that such an index is asked, PostgreSQL 15's own estimator asks the [hooks](super::statistics) for statistics with
//! a variable that it has not set: what stands there is what was left on the stack. So it is announced here how many of these
//! questions come next, and the hooks do not look at the variable then.

use super::lookups::{Estimator, Undeclared, stand_in};
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::Cell;
use std::mem::transmute;

thread_local! {
    /// BRIN's own.
    static OF_BRIN: Cell<Option<Undeclared>> = const { Cell::new(None) };
    /// So many questions to come are about a variable that is not set.
    static NOT_SET: Cell<usize> = const { Cell::new(0) };
}

/// BRIN in `pg_am`.
const BRIN: u32 = 3580;

/// Has the planner ask here for the costs of the BRIN indexes of a relation, protected or not.
///
/// # Safety
/// `relation` must be what the planner knows of a relation.
#[pg_guard]
pub unsafe extern "C-unwind" fn watch(relation: *mut pg_sys::RelOptInfo) {
    // SAFETY: by the caller's promise; the list holds what the planner knows of each index, which is its own to change.
    unsafe {
        for index in PgList::<pg_sys::IndexOptInfo>::from_pg((*relation).indexlist).iter_ptr() {
            if (*index).relam == pg_sys::Oid::from(BRIN) {
                stand_in(index, estimate, &OF_BRIN);
            }
        }
    }
}

/// A plain frame: see [`super::standard`]. An error leaves the number as it is, which costs later estimates at most.
unsafe extern "C-unwind" fn estimate(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::IndexPath,
    loops: f64,
    startup: *mut pg_sys::Cost,
    total: *mut pg_sys::Cost,
    selectivity: *mut pg_sys::Selectivity,
    correlation: *mut f64,
    pages: *mut f64,
) {
    // SAFETY: called by the planner, with places for the results; BRIN's own estimator gets the same.
    unsafe {
        if let Some(own) = OF_BRIN.get() {
            let clauses = (*path).indexclauses.as_ref().map_or(0, |list| list.length);
            NOT_SET.set(usize::try_from(clauses).unwrap_or(0));
            transmute::<Undeclared, Estimator>(own)(
                root,
                path,
                loops,
                startup,
                total,
                selectivity,
                correlation,
                pages,
            );
            NOT_SET.set(0);
        }
    }
}

/// Is the variable that a hook is asked about now one that is not set? Counts the question.
pub fn is_not_set() -> bool {
    let left = NOT_SET.get().checked_sub(1);
    if let Some(left) = left {
        NOT_SET.set(left);
    }
    left.is_some()
}

/// A statement is planned: what an error has left is forgotten.
pub fn forget() {
    NOT_SET.set(0);
}
