//! The server's log: lines that stay whatever becomes of the transaction, and that no client sees.

use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C-unwind" {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errhidestmt(hide: bool) -> c_int;
    fn errhidecontext(hide: bool) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// Writes `text` to the log, without the statement and the context that PostgreSQL would add, both of which may hold values.
/// False where the server's settings keep it out of the log.
pub fn server_log(text: &CStr) -> bool {
    // SAFETY: reads a setting.
    if unsafe { pg_sys::Log_destination } == 0 {
        return false;
    }
    let _quiet = Quiet::begin();
    // SAFETY: the texts outlive the calls; an error in them becomes a panic here, and an error again at the boundary.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            if !errstart(pg_sys::LOG_SERVER_ONLY as c_int, std::ptr::null()) {
                return false;
            }
            errmsg_internal(c"%s".as_ptr(), text.as_ptr());
            errhidestmt(true);
            errhidecontext(true);
            errfinish(c"audit".as_ptr(), 0, c"fhir_access".as_ptr());
            true
        })
    }
}

/// Keeps what hangs in the stack of error callbacks from being called: it would say something about the line, or about
/// itself once more.
struct Quiet(*mut pg_sys::ErrorContextCallback);

impl Quiet {
    fn begin() -> Quiet {
        // SAFETY: the stack is put back when this is dropped, also by a panic.
        unsafe {
            let stack = pg_sys::error_context_stack;
            pg_sys::error_context_stack = std::ptr::null_mut();
            Quiet(stack)
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: what hung there when this began hangs there still: callers' frames have not ended.
        unsafe { pg_sys::error_context_stack = self.0 };
    }
}
