//! Functions on documents that are kept as text. They raise no error whatever the text is: it may be hidden, and an error of
//! PostgreSQL's own cast would quote it.

use super::{document_without, fields, version_1};
use crate::document::Format;
use crate::error::OrRaise;
use pgrx::prelude::*;

version_1!(pg_finfo_fhir_access_document);

/// `fhir_access.document(resource text) → jsonb`, and of `json`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_document(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared argument, not NULL.
    unsafe {
        match Format::Text.read(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0)) {
            Some(document) => document.datum(),
            None => pgrx::fcinfo::pg_return_null(fcinfo),
        }
    }
}

version_1!(pg_finfo_fhir_access_mask_text);

/// `fhir_access.mask_text(resource text, fields text) → text`, and of `json`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_mask_text(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above.
    unsafe {
        let fields = fields(fcinfo, 1).or_raise();
        let resource = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0);
        document_without(resource, Format::Text, fields)
            .or_raise()
            .unwrap_or_else(|| pgrx::fcinfo::pg_return_null(fcinfo))
    }
}
