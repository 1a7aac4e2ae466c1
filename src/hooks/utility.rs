//! Utility statements: `FETCH` and `MOVE` on a cursor whose rows were stored at commit (`WITH HOLD`), where the
//! executor, and so its fence, is no longer asked.

use super::{executor, standard};
use crate::error::OrRaise;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::c_char;

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

/// Installs the hook.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process);
    }
}

/// A plain frame: see [`standard`].
#[allow(clippy::too_many_arguments)] // PostgreSQL's signature
unsafe extern "C-unwind" fn process(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: called by PostgreSQL with a valid utility statement; everything is handed on as it came.
    unsafe {
        let utility = (*statement).utilityStmt;
        if (*utility).type_ == pg_sys::NodeTag::T_FetchStmt {
            check_stored_cursor((*utility.cast::<pg_sys::FetchStmt>()).portalname);
        }
        match PREVIOUS {
            Some(previous) => previous(
                statement,
                text,
                read_only,
                context,
                parameters,
                environment,
                destination,
                completion,
            ),
            None => standard::standard_process_utility(
                statement,
                text,
                read_only,
                context,
                parameters,
                environment,
                destination,
                completion,
            ),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn check_stored_cursor(name: *const c_char) {
    // SAFETY: a portal holds the plans of its statements as long as it lives.
    unsafe {
        let portal = pg_sys::GetPortalByName(name);
        if portal.is_null() || (*portal).holdStore.is_null() {
            return;
        }
        for plan in PgList::<pg_sys::PlannedStmt>::from_pg((*portal).stmts).iter_ptr() {
            executor::check_fence(plan).or_raise();
        }
    }
}
