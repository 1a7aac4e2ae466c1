//! `contains()`: what `@>` means, in policies' own conditions. They are asked of each row that an index has found by something else,
//! and PostgreSQL's function takes both documents apart where this one looks up what it is asked for.
//!
//! The operator stays, for indexes, estimates and readers: this is its function (`opfuncid`) only.

use super::version_1;
use crate::catalog;
use crate::node::row;
use jsonb::Value;
use pgrx::prelude::*;

mod original {
    unsafe extern "C-unwind" {
        pub fn jsonb_contains(fcinfo: pgrx::pg_sys::FunctionCallInfo) -> pgrx::pg_sys::Datum;
    }
}

version_1!(pg_finfo_fhir_access_contains);

/// `fhir_access.contains(document jsonb, part jsonb) → boolean`, a plain frame, with nothing to drop, that an error of PostgreSQL's
/// may jump over.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn fhir_access_contains(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
    unsafe {
        let argument = |place| pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, place);
        match contained(argument(0), argument(1)) {
            Some(answer) => pg_sys::Datum::from(answer),
            None => original::jsonb_contains(fcinfo),
        }
    }
}

/// `None` of what is compressed, or kept elsewhere, and of what is no object.
///
/// # Safety
/// Both must be jsonb.
unsafe fn contained(document: pg_sys::Datum, part: pg_sys::Datum) -> Option<bool> {
    // SAFETY: by the caller's promise.
    unsafe {
        let (document, part) = (row::plain(document)?, row::plain(part)?);
        match (Value::parse(document).ok()?, Value::parse(part).ok()?) {
            (Value::Object(document), Value::Object(part)) => document.contains(&part),
            _ => None,
        }
    }
}

/// The function, if the extension has it.
pub fn oid() -> Option<pg_sys::Oid> {
    catalog::function(c"contains", &[pg_sys::JSONBOID, pg_sys::JSONBOID])
}
