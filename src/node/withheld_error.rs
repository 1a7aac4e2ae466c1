//! What PostgreSQL says when a row that was permitted cannot be stored: a constraint, an index or a generated column fails on it.
//! The row holds what its writer may not see, put back by our trigger, and the error may quote it. So it is withheld.

use super::row_security_error::{copy_error_data, free_error_data, geterrcode};
use pgrx::prelude::*;
use std::ffi::{CStr, c_int};

unsafe extern "C-unwind" {
    #[link_name = "ThrowErrorData"]
    fn throw_error_data(data: *mut pg_sys::ErrorData);
}

const MESSAGE: &CStr = c"a row with hidden fields cannot be stored";
const DETAIL: &CStr = c"An expression failed on it: of a constraint, an index or a generated column of the table, or of the statement. What it says may quote a hidden field, and is withheld.";
const HINT: &CStr =
    c"The SQLSTATE is the expression's. A role with BYPASSRLS that writes the same row sees all of the error.";

/// SQLSTATEs by their class, as PostgreSQL packs the two characters: data exceptions, external routines, and names that are made of
/// values.
const QUOTING: [c_int; 4] = [
    class(b'2', b'2'),
    class(b'3', b'8'),
    class(b'3', b'9'),
    class(b'4', b'2'),
];

const fn class(first: u8, second: u8) -> c_int {
    (first as c_int - b'0' as c_int) | ((second as c_int - b'0' as c_int) << 6)
}

/// Does the error that is being reported belong to those that may quote a value?
///
/// # Safety
/// Must be called from an error callback.
pub unsafe fn may_quote() -> bool {
    // SAFETY: by the caller's promise.
    let code = unsafe { geterrcode() };
    QUOTING.contains(&(code & 0xFFF))
        && code != PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE as c_int
}

/// Raises the error that is being reported anew, with its SQLSTATE and the names of table, column and constraint, and without its
/// words. A report that is no error stays. A plain frame.
///
/// # Safety
/// Must be called from an error callback, which must not call it for the new error.
pub unsafe fn withhold() {
    // SAFETY: by the caller's promise. The copy is made where nothing is reset meanwhile; the transaction ends with it.
    unsafe {
        if pg_sys::TopTransactionContext.is_null() {
            return;
        }
        let context = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = pg_sys::TopTransactionContext;
        let data = copy_error_data();
        pg_sys::CurrentMemoryContext = context;
        if (*data).elevel != PgLogLevel::ERROR as c_int {
            free_error_data(data);
            return;
        }
        (*data).message = MESSAGE.as_ptr().cast_mut();
        (*data).message_id = MESSAGE.as_ptr();
        (*data).detail = DETAIL.as_ptr().cast_mut();
        (*data).hint = HINT.as_ptr().cast_mut();
        (*data).detail_log = std::ptr::null_mut();
        (*data).context = std::ptr::null_mut();
        (*data).backtrace = std::ptr::null_mut();
        (*data).internalquery = std::ptr::null_mut();
        (*data).internalpos = 0;
        (*data).cursorpos = 0;
        throw_error_data(data);
    }
}
