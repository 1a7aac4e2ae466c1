//! `fhir_access.fhirpath()`: the evaluator, for people who write policies.

use super::{argument, invalid_argument, version_1};
use crate::constraint;
use crate::error::{Error, OrRaise};
use crate::node::cached;
use crate::node::row;
use crate::settings;
use fhirpath::{Expression, Fault, Span};
use jsonb::Node;
use pgrx::prelude::*;
use std::fmt::Display;

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
            1,
            source.bytes(),
            |text| {
                Expression::new(text, &settings::fhirpath_limits()).map_err(|error| {
                    Error::Expression {
                        message: shown(&error),
                        excerpt: error.excerpt(text),
                        hint: access_policy::expression_hint(&error),
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
                message: shown(&error),
                excerpt: fhirpath::excerpt(expression.source(), error.span()),
                hint: hint(error.fault()),
            })
            .or_raise();

        pg_sys::InitMaterializedSRF(fcinfo, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let set = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        for item in &items {
            pg_sys::check_for_interrupts!();
            let source = expression.source();
            if holds_nul(item) {
                Error::Evaluation {
                    message: "a result has the character U+0000, which jsonb cannot hold"
                        .to_owned(),
                    excerpt: fhirpath::excerpt(source, Span::new(0, source.len())),
                    hint: "Leave the character out of the result.",
                }
                .raise();
            }
            let bytes = jsonb::encode(item)
                .map_err(|_| Error::Evaluation {
                    message: "a result is larger than jsonb can be".to_owned(),
                    excerpt: fhirpath::excerpt(source, Span::new(0, source.len())),
                    hint: "Ask for less.",
                })
                .or_raise();
            let mut value = row::jsonb_datum(&bytes);
            pg_sys::tuplestore_putvalues((*set).setResult, (*set).setDesc, &mut value, &mut false);
            pg_sys::pfree(value.cast_mut_ptr());
        }
        pgrx::fcinfo::pg_return_null(fcinfo)
    }
}

/// What to do about an expression that has no value on a resource.
fn hint(fault: &Fault) -> &'static str {
    match fault {
        Fault::Budget => "Ask for less; a superuser can raise fhir_access.fhirpath_steps.",
        Fault::Several(_) => {
            "Choose one item with first() or where(…), or ask of all with all(…), exists(…) or select(…)."
        }
        Fault::UndefinedVariable(_) => {
            "Only a write constraint has %before, %after and the membership's parameters."
        }
        Fault::WrongJson(_) => "The resource does not fit FHIR's definition of its type there.",
        _ => "Evaluate the part that is marked in the detail by itself, and see what it comes to.",
    }
}

/// Whether a string of an item has the character that no `jsonb` can hold. A document has none, but an expression can make it.
fn holds_nul(item: &Node<'_>) -> bool {
    match item {
        Node::String(text) => text.contains('\0'),
        Node::Object(members) => members.iter().any(|(_, member)| holds_nul(member)),
        Node::Array(elements) => elements.iter().any(holds_nul),
        _ => false,
    }
}

/// An error's sentence. A name in it may hold any character, and a message ends at U+0000.
fn shown(error: &impl Display) -> String {
    error.to_string().replace(char::is_control, "\u{fffd}")
}
