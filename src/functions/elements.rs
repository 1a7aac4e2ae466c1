//! The operators `?|` and `?` on `text[]`: some text of the left is one of the right, or is the right.
//!
//! `?|` is `&&` made for lists of thousands: a row is compared with a sorted list, and an index is asked for each text by
//! itself. (GIN, asked for all at once, would go through all texts for each row that it finds.) The planner estimates both
//! as it does `&&`.

use super::cut::{cut, may_be_cut};
use super::text_array::{self, TextArray};
use super::version_1;
use crate::node::cached;
use pgrx::PgList;
use pgrx::prelude::*;

/// The strategy of `?~` in `prefix_ops`: `?` for long lists.
const IS_ELEMENT_OF_MANY: i16 = 5;

/// PostgreSQL's `&&` on arrays, by which its estimator knows what is asked.
const ARRAY_OVERLAP_OPERATOR: u32 = 2750;

/// Texts to look for, sorted by bytes.
struct Texts(Vec<Box<[u8]>>);

impl Texts {
    fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Texts {
        let mut texts: Vec<Box<[u8]>> = texts.map(|text| cut(text).into()).collect();
        texts.sort_unstable();
        Texts(texts)
    }

    fn contain(&self, text: &[u8]) -> bool {
        self.0
            .binary_search_by(|found| found.as_ref().cmp(text))
            .is_ok()
    }
}

version_1!(pg_finfo_fhir_access_is_any);

/// `fhir_access.is_any(texts text[], others text[]) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_any(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
    unsafe {
        let right = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 1));
        let wanted = cached::of_argument(fcinfo, 1, right.bytes(), || Texts::new(right.texts()));
        let left = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let answer = left.texts().any(|text| wanted.contain(cut(text)));
        pg_sys::Datum::from(answer)
    }
}

version_1!(pg_finfo_fhir_access_is_element);

/// `fhir_access.is_element(texts text[], other text) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_element(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above; detoasting gives a text with its header.
    unsafe {
        let left = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let right = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 1);
        let right = pg_sys::pg_detoast_datum_packed(right.cast_mut_ptr());
        let wanted = cut(pgrx::varlena_to_byte_slice(right));
        pg_sys::Datum::from(left.texts().any(|text| cut(text) == wanted))
    }
}

version_1!(pg_finfo_fhir_access_is_any_estimate);

/// The estimator of `?|`: what PostgreSQL expects of `&&`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_any_estimate(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner passes its state, the operator, its arguments and a relation's number; all but the operator are
    // passed on.
    unsafe {
        let arguments = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2);
        overlap(fcinfo, arguments)
    }
}

/// What PostgreSQL expects of `&&` with these arguments.
///
/// # Safety
/// `fcinfo` must be a planner's call of an estimator, `arguments` a list of two nodes.
unsafe fn overlap(fcinfo: pg_sys::FunctionCallInfo, arguments: pg_sys::Datum) -> pg_sys::Datum {
    // SAFETY: by the caller's promise: the planner's state and the number of a relation are passed on.
    unsafe {
        let argument = |number| Some(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number));
        let operator = pg_sys::Datum::from(pg_sys::Oid::from(ARRAY_OVERLAP_OPERATOR));
        let arguments = [argument(0), Some(operator), Some(arguments), argument(3)];
        pgrx::fcinfo::direct_function_call_as_datum(pg_sys::arraycontsel, &arguments)
            .unwrap_or(pg_sys::Datum::null())
    }
}

version_1!(pg_finfo_fhir_access_is_element_estimate);

/// The estimator of `?`: what PostgreSQL expects of `&&` with an array of the one text.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_element_estimate(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above; the new list and constant live in the current memory context.
    unsafe {
        let arguments = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2);
        let nodes = PgList::<pg_sys::Node>::from_pg(arguments.cast_mut_ptr());
        let (Some(texts), Some(wanted)) = (nodes.get_ptr(0), nodes.get_ptr(1)) else {
            return few();
        };
        if !pgrx::is_a(wanted, pg_sys::NodeTag::T_Const) {
            return few();
        }
        let wanted = &*wanted.cast::<pg_sys::Const>();
        if wanted.constisnull {
            return few();
        }
        let text = pg_sys::pg_detoast_datum_packed(wanted.constvalue.cast_mut_ptr());
        let array = text_array::text_array([pgrx::varlena_to_byte_slice(text)].into_iter());
        let array = pg_sys::makeConst(
            pg_sys::TEXTARRAYOID,
            -1,
            wanted.constcollid,
            -1,
            array,
            false,
            false,
        );
        let mut nodes = PgList::<pg_sys::Node>::new();
        nodes.push(texts);
        nodes.push(array.cast());
        overlap(fcinfo, pg_sys::Datum::from(nodes.into_pg()))
    }
}

/// A text is in few rows.
fn few() -> pg_sys::Datum {
    const FEW: f64 = 0.0001;
    FEW.into_datum().unwrap_or(pg_sys::Datum::null())
}

version_1!(pg_finfo_fhir_access_is_element_of_many_estimate);

/// The estimator of `?~`, which stands only for what an index is asked: to look up statistics for each of thousands of texts
/// would take longer than to look up the texts. (How many rows the whole list finds is estimated above.)
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_element_of_many_estimate(
    _fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    few()
}

version_1!(pg_finfo_fhir_access_is_any_support);

/// The planner's support function of `?|`: an index is asked `?~ ANY`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_is_any_support(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner passes a node; one that is no request for an index condition is not answered.
    unsafe {
        let request = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr::<pg_sys::Node>();
        if !pgrx::is_a(request, pg_sys::NodeTag::T_SupportRequestIndexCondition) {
            return pg_sys::Datum::null();
        }
        match index_condition(&mut *request.cast::<pg_sys::SupportRequestIndexCondition>()) {
            Some(condition) => {
                let mut conditions = PgList::<pg_sys::ScalarArrayOpExpr>::new();
                conditions.push(condition);
                pg_sys::Datum::from(conditions.into_pg())
            }
            None => pg_sys::Datum::null(),
        }
    }
}

/// # Safety
/// `request` must be the planner's, for a call of `is_any`.
unsafe fn index_condition(
    request: &mut pg_sys::SupportRequestIndexCondition,
) -> Option<*mut pg_sys::ScalarArrayOpExpr> {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say, the new one is allocated with zeros and
    // filled in.
    unsafe {
        if request.indexarg != 0 || !pgrx::is_a(request.node, pg_sys::NodeTag::T_OpExpr) {
            return None;
        }
        let call = &*request.node.cast::<pg_sys::OpExpr>();
        let arguments = PgList::<pg_sys::Node>::from_pg(call.args);
        let (texts, wanted) = (arguments.get_ptr(0)?, arguments.get_ptr(1)?);
        if !pgrx::is_a(wanted, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let list = &*wanted.cast::<pg_sys::Const>();
        if list.constisnull {
            return None;
        }
        let operator = pg_sys::get_opfamily_member(
            request.opfamily,
            pg_sys::TEXTARRAYOID,
            pg_sys::TEXTOID,
            IS_ELEMENT_OF_MANY,
        );
        if operator == pg_sys::InvalidOid {
            return None;
        }
        // The index holds what is left of long texts: the row is looked at, too.
        request.lossy = TextArray::new(list.constvalue).texts().any(may_be_cut);
        let condition = pg_sys::palloc0(size_of::<pg_sys::ScalarArrayOpExpr>())
            .cast::<pg_sys::ScalarArrayOpExpr>();
        (*condition).xpr.type_ = pg_sys::NodeTag::T_ScalarArrayOpExpr;
        (*condition).opno = operator;
        (*condition).opfuncid = pg_sys::get_opcode(operator);
        (*condition).useOr = true;
        (*condition).inputcollid = call.inputcollid;
        let mut arguments = PgList::<pg_sys::Node>::new();
        arguments.push(texts);
        arguments.push(wanted);
        (*condition).args = arguments.into_pg();
        (*condition).location = -1;
        Some(condition)
    }
}
