//! `gin_fuzzy_search_limit`: a GIN index leaves out rows at random where it has found more than so many, hidden ones included. How
//! many of the reader's own are left would tell of the others. So it is a superuser's to set, and with it there are no twins.

use pgrx::prelude::*;
use std::ffi::CStr;

/// Makes the setting a superuser's. What a session has begun with stays.
pub fn init() {
    // SAFETY: runs once per process; the array holds as many settings as PostgreSQL says, which live as long as the process.
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).unwrap_or(0);
        for setting in std::slice::from_raw_parts(pg_sys::get_guc_variables(), count) {
            if CStr::from_ptr((**setting).name) == c"gin_fuzzy_search_limit" {
                (**setting).context = pg_sys::GucContext::PGC_SUSET;
            }
        }
    }
}

/// May an index leave out rows?
pub fn may_leave_out() -> bool {
    // SAFETY: reads a setting.
    unsafe { pg_sys::GinFuzzySearchLimit > 0 }
}
