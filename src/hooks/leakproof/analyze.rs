//! `EXPLAIN ANALYZE` shows how many rows each node found, and so how many an index found before row security looked at them. Its
//! statement is planned without twins, and so are those that it calls.
//!
//! So are those that others call which show how many pages were read: `EXPLAIN (BUFFERS)` of functions that say that they are
//! `IMMUTABLE`, and are run where it plans, and `VACUUM VERBOSE` of functions in somebody's own index, which BRIN runs then. What was
//! planned before them, for a cursor, does not run meanwhile ([`check`]).

use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::session;
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CStr, c_void};

thread_local! {
    /// The nesting level of the transaction that each such statement began in, from the outermost; 0 of one that has transactions of
    /// its own.
    static RUNNING: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// Registers what ends it where it fails.
pub fn init() {
    // SAFETY: guarded functions that touch only this backend's state.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ends), std::ptr::null_mut());
    }
}

/// Is a statement being planned whose work is shown: that `EXPLAIN ANALYZE` runs, or that such a statement calls? A parallel worker is
/// not told what its leader runs: what functions ask there is taken to be shown.
pub fn is_running() -> bool {
    // SAFETY: reads the backend's state.
    let is_worker = unsafe { pg_sys::ParallelWorkerNumber >= 0 };
    is_worker || is_counting()
}

fn is_counting() -> bool {
    RUNNING.with_borrow(|running| !running.is_empty())
}

/// Refuses to go on with a plan that asks a statement's conditions first, of a cursor that was opened before: what it reads would be
/// counted.
pub fn check(asks_first: impl FnOnce() -> bool) -> Result<()> {
    match is_counting() && asks_first() {
        true => Err(Error::Unsupported(
            "EXPLAIN with ANALYZE or BUFFERS cannot go on with a query that began before it"
                .to_owned(),
        )),
        false => Ok(()),
    }
}

/// Does a statement run others and show what they counted? Gives the level of the transaction that it ends with.
///
/// # Safety
/// `statement` must be a utility statement.
pub unsafe fn shown(statement: *mut pg_sys::Node) -> Option<i32> {
    // SAFETY: by the caller's promise; options are definitions with names.
    unsafe {
        let is_on = |options: *mut pg_sys::List, names: &[&CStr]| {
            PgList::<pg_sys::DefElem>::from_pg(options)
                .iter_ptr()
                .any(|option| {
                    names.contains(&CStr::from_ptr((*option).defname))
                        && pg_sys::defGetBoolean(option)
                })
        };
        match (*statement).type_ {
            pg_sys::NodeTag::T_ExplainStmt => {
                let options = (*statement.cast::<pg_sys::ExplainStmt>()).options;
                is_on(options, &[c"analyze", c"buffers"])
                    .then(|| pg_sys::GetCurrentTransactionNestLevel())
            }
            pg_sys::NodeTag::T_VacuumStmt => {
                let options = (*statement.cast::<pg_sys::VacuumStmt>()).options;
                is_on(options, &[c"verbose"]).then_some(0)
            }
            _ => None,
        }
    }
}

/// It begins: plans that are kept are made again.
pub fn begin(level: i32) {
    if catalog().is_some() {
        RUNNING.with_borrow_mut(|running| running.push(level));
        session::plans_changed();
    }
}

/// It has ended: likewise.
pub fn end() {
    if RUNNING.with_borrow_mut(|running| running.pop()).is_some() {
        session::plans_changed();
    }
}

/// Forgets those that began at this level or inside of it.
fn failed(level: i32) {
    let any = RUNNING.with_borrow_mut(|running| {
        let before = running.len();
        running.retain(|began| *began < level);
        running.len() < before
    });
    if any {
        session::plans_changed();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT};
    match event {
        XACT_EVENT_ABORT => failed(0),
        XACT_EVENT_COMMIT => failed(1),
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_ends(
    event: pg_sys::SubXactEvent::Type,
    _subtransaction: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        // SAFETY: reads the backend's state; the level is still that of what is given up.
        failed(unsafe { pg_sys::GetCurrentTransactionNestLevel() });
    }
}
