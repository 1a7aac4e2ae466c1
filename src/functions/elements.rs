//! The operators `?|` and `?` on `text[]`: some text of the left is one of the right, or is the right.
//!
//! `?|` is `&&` made for lists of thousands: a row is compared with a sorted list, and an index is asked for each text by
//! itself. (GIN, asked for all at once, would go through all texts for each row that it finds.)

use super::cut::{cut, may_be_cut};
use super::text_array::TextArray;
use super::version_1;
use crate::node::{cached, detoast};
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::{Cell, OnceCell};
use std::ops::Range;

/// The strategy of `?~` in `prefix_ops`: `?` for long lists.
const IS_ELEMENT_OF_MANY: i16 = 5;

/// Texts to look for: a list that is sorted once enough has been looked for in it.
#[derive(Default)]
struct Texts {
    asked: Cell<u32>,
    sorted: OnceCell<Sorted>,
}

/// Sorting takes as long as going through the list so often.
const FEW: u32 = 4;

impl Texts {
    /// Is `text` in `list`, which is the same each time?
    fn contain(&self, list: &TextArray, text: &[u8]) -> bool {
        let text = cut(text);
        let asked = self.asked.get();
        if asked < FEW {
            self.asked.set(asked.saturating_add(1));
            return list.texts().any(|found| cut(found) == text);
        }
        self.sorted
            .get_or_init(|| Sorted::new(list.texts()))
            .contain(text)
    }
}

/// Texts one behind the other, and where they are, sorted by bytes.
struct Sorted {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Sorted {
    fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Sorted {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for text in texts {
            let start = bytes.len();
            bytes.extend_from_slice(cut(text));
            places.push(start..bytes.len());
        }
        let at = |place: &Range<usize>| bytes.get(place.clone()).unwrap_or_default();
        // A policy's list is sorted already.
        if !places.is_sorted_by(|one, other| at(one) <= at(other)) {
            places.sort_unstable_by(|one, other| at(one).cmp(at(other)));
        }
        Sorted { bytes, places }
    }

    fn contain(&self, text: &[u8]) -> bool {
        self.places
            .binary_search_by(|place| {
                let found = self.bytes.get(place.clone()).unwrap_or_default();
                found.cmp(text)
            })
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
        let wanted = cached::of_argument(fcinfo, 1, right.bytes(), Texts::default);
        let left = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let answer = left.texts().any(|text| wanted.contain(&right, text));
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
        let right = detoast::packed(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 1));
        let wanted = cut(pgrx::varlena_to_byte_slice(right));
        pg_sys::Datum::from(left.texts().any(|text| cut(text) == wanted))
    }
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
