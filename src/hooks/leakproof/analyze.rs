//! `EXPLAIN ANALYZE` shows how many rows each node found, and so how many an index found before row security looked at them; with
//! `BUFFERS`, also without `ANALYZE`, how many pages were read by all that ran meanwhile: what planning works out, functions,
//! parallel workers, cursors. What is planned meanwhile is planned without twins, and what was planned before does not run ([`check`]).

use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::session;
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CStr, c_void};

thread_local! {
    /// The nesting level of the transaction that each `EXPLAIN ANALYZE` began in, from the outermost.
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

/// Is a statement being planned that `EXPLAIN ANALYZE` runs, or one that it calls? What a parallel worker plans, for a function, may be:
/// it counts for its leader, of which it does not know what that is running.
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

/// Does a statement show what it counted while it planned or ran another one?
///
/// # Safety
/// `statement` must be a utility statement.
pub unsafe fn is(statement: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; options are definitions with names.
    unsafe {
        pgrx::is_a(statement, pg_sys::NodeTag::T_ExplainStmt)
            && PgList::<pg_sys::DefElem>::from_pg(
                (*statement.cast::<pg_sys::ExplainStmt>()).options,
            )
            .iter_ptr()
            .any(|option| {
                let name = CStr::from_ptr((*option).defname);
                [c"analyze", c"buffers"].contains(&name) && pg_sys::defGetBoolean(option)
            })
    }
}

/// It begins: plans that are kept are made again.
pub fn begin() {
    if catalog().is_some() {
        // SAFETY: reads the backend's state.
        let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
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
    if [XACT_EVENT_ABORT, XACT_EVENT_COMMIT].contains(&event) {
        failed(0);
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
