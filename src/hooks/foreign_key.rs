//! Statements that PostgreSQL runs by itself to keep a foreign key. They run as the table's owner, past row security, for a
//! user who may not see the rows they touch; so PostgreSQL would show that user the row that a constraint refuses.

use crate::error::OrRaise;
use crate::node::{privilege, quiet, statement, tree};
use crate::registry;
use crate::session::Fingerprint;
use pgrx::prelude::*;
use std::ffi::{c_char, c_int, c_void};

unsafe extern "C-unwind" {
    fn geterrcode() -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
}

/// Which part of its work a statement is at.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum Phase {
    /// It finds and writes its rows.
    Run,
    /// What follows its rows: foreign keys, and triggers that fire after them.
    Finish,
}

/// What hangs in the stack of error callbacks while a statement runs: a note of its user, or, while PostgreSQL keeps a
/// foreign key of a protected relation for a user who is subject to policies, what keeps rows out of errors. Without a
/// function, nothing is to hang there. `fence` is the context that its plan is bound to.
///
/// # Safety
/// `query` must be valid, with a plan.
pub unsafe fn callback(
    query: *const pg_sys::QueryDesc,
    phase: Phase,
    fence: Option<Fingerprint>,
    previous: *mut pg_sys::ErrorContextCallback,
) -> pg_sys::ErrorContextCallback {
    // SAFETY: by the caller's promise.
    unsafe {
        if !quiet::passes_by_row_security() {
            let is_upsert = phase == Phase::Run && is_upsert(query);
            return statement::note(is_upsert, fence, previous);
        }
        let reaches = |entry: *mut pg_sys::RangeTblEntry| {
            (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                && registry::protected((*entry).relid).or_raise().is_some()
        };
        let discreet = privilege::writer_is_subject()
            && tree::range_table((*(*query).plannedstmt).rtable)
                .into_iter()
                .any(reaches);
        pg_sys::ErrorContextCallback {
            previous,
            callback: discreet.then_some(hide_row as unsafe extern "C-unwind" fn(*mut c_void)),
            arg: std::ptr::null_mut(),
        }
    }
}

/// Is this `INSERT … ON CONFLICT DO UPDATE`, and does no other part of the statement write?
///
/// # Safety
/// `query` must be valid, with a plan.
unsafe fn is_upsert(query: *const pg_sys::QueryDesc) -> bool {
    // SAFETY: by the caller's promise; the plan of an INSERT is what its tag says.
    unsafe {
        let plan = &*(*query).plannedstmt;
        (*query).operation == pg_sys::CmdType::CMD_INSERT
            && !plan.hasModifyingCTE
            && pgrx::is_a(plan.planTree.cast(), pg_sys::NodeTag::T_ModifyTable)
            && (*plan.planTree.cast::<pg_sys::ModifyTable>()).onConflictAction
                == pg_sys::OnConflictAction::ONCONFLICT_UPDATE
    }
}

/// Replaces the detail of an integrity error, which would hold a row or a key. All its other fields stay.
unsafe extern "C-unwind" fn hide_row(_argument: *mut c_void) {
    /// SQLSTATE class 23, as PostgreSQL packs its two characters.
    const INTEGRITY: c_int = (b'2' - b'0') as c_int | ((b'3' - b'0') as c_int) << 6;
    // SAFETY: called by PostgreSQL while an error is being reported; the format has no arguments.
    unsafe {
        if geterrcode() & 0xFFF == INTEGRITY {
            errdetail_internal(c"The row that a foreign key led to is not shown.".as_ptr());
        }
    }
}
