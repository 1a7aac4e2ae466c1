//! The operators `^@` and `@~` on `text[]`: some text of the left starts with, or contains, some text of the right.
//!
//! They compare bytes, whatever the collation. NULL elements and empty texts to look for match nothing. They raise no
//! error that depends on a value, so they are leakproof.

use super::needles::Needles;
use super::text_array::TextArray;
use super::version_1;
use crate::node::cached;
use pgrx::prelude::*;

/// # Safety
/// `fcinfo` must be a call with two arrays of text, not NULL.
unsafe fn any(
    fcinfo: pg_sys::FunctionCallInfo,
    found: impl Fn(&Needles, &[u8]) -> bool,
) -> pg_sys::Datum {
    // SAFETY: by the caller's promise.
    unsafe {
        let right = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 1));
        let needles = cached::of_argument(fcinfo, 1, right.bytes(), || Needles::new(right.texts()));
        let left = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let answer = left.texts().any(|text| {
            pg_sys::check_for_interrupts!();
            found(needles, text)
        });
        pg_sys::Datum::from(answer)
    }
}

version_1!(pg_finfo_fhir_access_starts_with_any);

/// `fhir_access.starts_with_any(texts text[], beginnings text[]) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_starts_with_any(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
    unsafe { any(fcinfo, Needles::start) }
}

version_1!(pg_finfo_fhir_access_contains_any);

/// `fhir_access.contains_any(texts text[], parts text[]) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_contains_any(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above.
    unsafe { any(fcinfo, Needles::are_in) }
}
