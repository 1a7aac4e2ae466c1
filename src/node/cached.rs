//! A value kept with a function's call site: parsed once per query from a constant argument, used for every row.

use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::ffi::c_void;

/// What is kept: the text it was made from, and the value.
struct Kept<T> {
    source: Vec<u8>,
    value: T,
}

/// The value made from `source`, kept in `fn_extra` and made again only when the text changes.
///
/// # Safety
/// `fcinfo` must be the call info that PostgreSQL passed to a function that uses `fn_extra` for nothing else, and
/// always with the same `T`.
pub unsafe fn at_call_site<'a, T, E>(
    fcinfo: pg_sys::FunctionCallInfo,
    source: &[u8],
    make: impl FnOnce(&str) -> Result<T, E>,
    invalid: impl FnOnce() -> E,
) -> Result<&'a T, E> {
    // SAFETY: flinfo is valid during the call; fn_extra is null or was set below; the box is freed with fn_mcxt.
    unsafe {
        let site = (*fcinfo).flinfo;
        let kept = (*site).fn_extra.cast::<Kept<T>>();
        if !kept.is_null() {
            if (*kept).source == source {
                return Ok(&(*kept).value);
            }
            let text = std::str::from_utf8(source).map_err(|_| invalid())?;
            (*kept).value = make(text)?;
            (*kept).source = source.to_vec();
            return Ok(&(*kept).value);
        }
        let text = std::str::from_utf8(source).map_err(|_| invalid())?;
        let kept = Kept {
            source: source.to_vec(),
            value: make(text)?,
        };
        let pointer = PgMemoryContexts::For((*site).fn_mcxt).leak_and_drop_on_delete(kept);
        (*site).fn_extra = pointer.cast::<c_void>();
        Ok(&(*pointer).value)
    }
}
