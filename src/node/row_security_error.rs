//! What PostgreSQL says when a row that is written does not pass our policies, explained. Our trigger has looked at the row
//! before, and says why not; what is left to PostgreSQL are the rows that a statement reads back, and those that somebody
//! changed after the trigger.

use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_int};

// Declared here because pgrx's own would catch errors and raise them again as panics: through PostgreSQL's frames.
unsafe extern "C-unwind" {
    pub(super) fn geterrcode() -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    #[link_name = "CopyErrorData"]
    pub(super) fn copy_error_data() -> *mut pg_sys::ErrorData;
    #[link_name = "FreeErrorData"]
    pub(super) fn free_error_data(data: *mut pg_sys::ErrorData);
}

/// The name of the policies in messages, and of the one that decides what is read.
const POLICY: &CStr = c"fhir_access";
const SEARCH_POLICY: &CStr = c"fhir_access search";

struct Explanation {
    detail: &'static CStr,
    hint: &'static CStr,
}

/// `INSERT … RETURNING`, and an `UPDATE` after which its user does not see the row any more.
const READ_BACK: Explanation = Explanation {
    detail: c"The statement also reads the row that it writes (RETURNING, ON CONFLICT, WHERE), and no entry of the membership's policies grants search on the row as it would be stored.",
    hint: c"Leave RETURNING away where it is there, or have an entry grant \"search\" on such rows; SELECT * FROM fhir_access.explain(type, 'search') lists the entries.",
};

/// `ON CONFLICT DO UPDATE` of a row that its user does not see.
const CONFLICT: Explanation = Explanation {
    detail: c"A row with the same key is stored, and no entry of the membership's policies grants search on it.",
    hint: c"Choose another key, or leave such rows alone with ON CONFLICT DO NOTHING.",
};

const CHANGED_LATER: Explanation = Explanation {
    detail: c"The row was permitted, then changed by a trigger that fires after zzz_fhir_access, and no entry of the membership's policies grants it as it is now.",
    hint: c"Give the other trigger a name that sorts before zzz_fhir_access; SELECT * FROM fhir_access.doctor() names such triggers.",
};

/// Adds detail and hint to the error that is being reported, if it is PostgreSQL's refusal of a row by one of our policies.
/// A plain frame.
///
/// # Safety
/// Must be called from an error callback.
pub unsafe fn explain() {
    // SAFETY: by the caller's promise. The copy is made where nothing is reset meanwhile, and freed.
    unsafe {
        if geterrcode() != PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE as c_int
            || pg_sys::TopTransactionContext.is_null()
        {
            return;
        }
        let context = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = pg_sys::TopTransactionContext;
        let data = copy_error_data();
        let explanation = explanation(&*data);
        free_error_data(data);
        pg_sys::CurrentMemoryContext = context;
        if let Some(Explanation { detail, hint }) = explanation {
            errdetail_internal(c"%s".as_ptr(), detail.as_ptr());
            errhint(c"%s".as_ptr(), hint.as_ptr());
        }
    }
}

/// By the function that raised it and the name of the policy: the words may be of another language.
///
/// # Safety
/// `data` must be an error's.
unsafe fn explanation(data: &pg_sys::ErrorData) -> Option<&'static Explanation> {
    // SAFETY: by the caller's promise; each is null or a C string.
    unsafe {
        if data.funcname.is_null() || CStr::from_ptr(data.funcname) != c"ExecWithCheckOptions" {
            return None;
        }
        if data.message.is_null() {
            return None;
        }
        let message = CStr::from_ptr(data.message).to_bytes();
        let by_search = names(message, SEARCH_POLICY);
        if !by_search && !names(message, POLICY) {
            None
        } else if holds(message, b"(USING") {
            Some(&CONFLICT)
        } else if by_search {
            Some(&READ_BACK)
        } else {
            Some(&CHANGED_LATER)
        }
    }
}

/// Does the message name a policy of just this name?
fn names(message: &[u8], policy: &CStr) -> bool {
    let policy = policy.to_bytes();
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' '))
    };
    message.windows(policy.len()).enumerate().any(|(at, part)| {
        let before = at.checked_sub(1).and_then(|at| message.get(at));
        let after = message.get(at.saturating_add(policy.len()));
        part == policy && !is_part(before) && !is_part(after)
    })
}

fn holds(message: &[u8], part: &[u8]) -> bool {
    message.windows(part.len()).any(|found| found == part)
}
