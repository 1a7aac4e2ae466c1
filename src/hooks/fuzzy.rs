//! GIN's fuzzy search is off.
//!
//! With `gin_fuzzy_search_limit`, which everybody may set, a GIN index gives some of the rows that it has found, and drops the others by
//! chance: so many of all, hidden ones included, that the rows that are left would tell how many there are. And a policy's condition
//! that something is not there would hold where it is dropped. So the setting is 0, whoever sets it to what.

use pgrx::prelude::*;
use std::ffi::{CStr, c_int, c_void};

const NAME: &CStr = c"gin_fuzzy_search_limit";

/// Takes the setting over.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init. The array holds as many settings as PostgreSQL says, each of the type that it claims
    // to be; they live as long as the process.
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).unwrap_or(0);
        for &setting in std::slice::from_raw_parts(pg_sys::get_guc_variables(), count) {
            if CStr::from_ptr((*setting).name) == NAME
                && (*setting).vartype == pg_sys::config_type::PGC_INT
            {
                let setting = &mut *setting.cast::<pg_sys::config_int>();
                setting.check_hook = Some(check);
                // What a role or a connection's options have set before.
                setting.reset_val = 0;
                *setting.variable = 0;
            }
        }
    }
}

/// Is it on nevertheless, as the library came in the midst of a transaction that goes back to an older value?
pub fn is_on() -> bool {
    // SAFETY: reads the backend's state.
    unsafe { pg_sys::GinFuzzySearchLimit != 0 }
}

/// A plain frame.
unsafe extern "C-unwind" fn check(
    value: *mut c_int,
    _more: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL gives the value that it is about to set.
    unsafe { *value = 0 };
    true
}
