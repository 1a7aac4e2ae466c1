//! `fhir_access.fhirpath()`: the evaluator, for people who write policies.

use super::{argument, invalid_argument, version_1};
use crate::constraint;
use crate::error::{Error, OrRaise};
use crate::node::cached;
use crate::node::row;
use crate::settings;
use fhirpath::Expression;
use pgrx::prelude::*;

version_1!(pg_finfo_fhir_access_fhirpath);

/// `fhir_access.fhirpath(resource jsonb, expression text) → setof jsonb`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_fhirpath(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments, not NULL; InitMaterializedSRF makes the set that is filled.
    unsafe {
        let source = argument(fcinfo, 1);
        let expression: &Expression = cached::at_call_site(
            fcinfo,
            source.bytes(),
            |text| {
                Expression::new(text, &settings::fhirpath_limits()).map_err(|error| {
                    Error::Expression {
                        message: error.to_string(),
                        excerpt: error.excerpt(text),
                        hint: error.hint().map(str::to_owned),
                    }
                })
            },
            || invalid_argument("expression"),
        )
        .or_raise();
        let resource = argument(fcinfo, 0);
        let context = constraint::context(resource.value().or_raise());
        let items = expression
            .evaluate(&context)
            .map_err(|error| Error::Evaluation {
                message: error.to_string(),
                excerpt: fhirpath::excerpt(expression.source(), error.span()),
            })
            .or_raise();

        pg_sys::InitMaterializedSRF(fcinfo, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let set = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        for item in &items {
            pg_sys::check_for_interrupts!();
            let bytes = jsonb::encode(item)
                .map_err(|_| Error::InvalidResource("a result is too large".to_owned()))
                .or_raise();
            let mut value = row::jsonb_datum(&bytes);
            pg_sys::tuplestore_putvalues((*set).setResult, (*set).setDesc, &mut value, &mut false);
            pg_sys::pfree(value.cast_mut_ptr());
        }
        pgrx::fcinfo::pg_return_null(fcinfo)
    }
}
