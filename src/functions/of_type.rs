//! `is_of_type()`: in a table of several types, whether the document says what the column beside it says.

use super::{argument, version_1};
use crate::error::OrRaise;
use pgrx::prelude::*;

version_1!(pg_finfo_fhir_access_is_of_type);

/// `fhir_access.is_of_type(resource jsonb, resource_type text) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_of_type(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
    unsafe {
        let (resource, expected) = (argument(fcinfo, 0), argument(fcinfo, 1));
        let document = resource.value().or_raise();
        let name = document
            .as_object()
            .and_then(|object| object.get("resourceType"))
            .and_then(|name| name.as_str());
        let is_same = name.is_some_and(|name| name.as_bytes() == expected.bytes());
        pg_sys::Datum::from(is_same)
    }
}

version_1!(pg_finfo_fhir_access_is_of_type_support);

/// The planner's support function of `is_of_type()` and `test_if_present()`, which compare the document with a column: it holds of every row that was written as it should be. What PostgreSQL
/// expects of functions that it does not know, a third of the rows, would mislead every join.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_of_type_support(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner passes a node; a request for a selectivity is what its tag says, and is answered in place.
    unsafe {
        let request = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr::<pg_sys::Node>();
        if pgrx::is_a(request, pg_sys::NodeTag::T_SupportRequestSelectivity) {
            let request = request.cast::<pg_sys::SupportRequestSelectivity>();
            (*request).selectivity = 1.0;
            return pg_sys::Datum::from(request);
        }
        pg_sys::Datum::null()
    }
}
