//! PostgreSQL's own parts of the chain, called as C would call them.
//!
//! pgrx's bindings catch an error of the called function as a Rust panic and raise a new one from it, which loses the
//! names of constraint, column and table, the cursor position and the context lines. Errors of the user's own
//! statements must pass unchanged. So the functions that chain hooks are plain frames, with nothing to drop, that an
//! error may jump over (RFC 2945), and everything of ours runs in guarded functions beside these calls.

use pgrx::pg_sys;
use std::ffi::c_char;

unsafe extern "C-unwind" {
    pub fn standard_planner(
        query: *mut pg_sys::Query,
        text: *const c_char,
        options: i32,
        parameters: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;

    #[link_name = "standard_ExecutorStart"]
    pub fn standard_executor_start(query: *mut pg_sys::QueryDesc, flags: i32);

    #[link_name = "standard_ExecutorRun"]
    pub fn standard_executor_run(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
        once: bool,
    );

    #[link_name = "standard_ExecutorFinish"]
    pub fn standard_executor_finish(query: *mut pg_sys::QueryDesc);

    #[link_name = "PortalCleanup"]
    pub fn portal_cleanup(portal: pg_sys::Portal);

    #[link_name = "standard_ProcessUtility"]
    pub fn standard_process_utility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}
