//! What the planner expects of the operators on texts. Of a policy's conditions: what statistics of keys tell, and roughly of what
//! large parts of all rows have those of statements under a policy, too. Of anybody else's
//! `?|` and `?`: as much as of `&&`; of `^@` and `@~`: as much as of other operators that look into a value.

use super::parsed;
use super::text_array;
use super::version_1;
use crate::estimates::{self, Asked};
use crate::hooks::statistics::is_under_row_security;
use pgrx::PgList;
use pgrx::prelude::*;

/// PostgreSQL's `&&` on arrays, by which its estimator knows what is asked.
const ARRAY_OVERLAP_OPERATOR: u32 = 2750;

/// What PostgreSQL expects of `&&` with these arguments.
///
/// # Safety
/// `fcinfo` must be the planner's call of an estimator, `arguments` a list of two nodes.
unsafe fn overlap(fcinfo: pg_sys::FunctionCallInfo, arguments: *mut pg_sys::List) -> pg_sys::Datum {
    // SAFETY: by the caller's promise: the planner's state and the number of a relation are passed on.
    unsafe {
        let argument = |number| Some(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number));
        let operator = pg_sys::Datum::from(pg_sys::Oid::from(ARRAY_OVERLAP_OPERATOR));
        let list = Some(pg_sys::Datum::from(arguments));
        let arguments = [argument(0), Some(operator), list, argument(3)];
        pgrx::fcinfo::direct_function_call_as_datum(pg_sys::arraycontsel, &arguments)
            .unwrap_or(few())
    }
}

/// What is known of the condition.
///
/// # Safety
/// `fcinfo` must be the planner's call of an estimator.
unsafe fn of_texts(fcinfo: pg_sys::FunctionCallInfo, asked: Asked) -> Option<pg_sys::Datum> {
    // SAFETY: by the caller's promise: the first argument is the planner's state, the third a list of nodes.
    unsafe {
        let root = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr();
        let arguments = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2).cast_mut_ptr();
        estimates::of_texts(root, arguments, asked)?.into_datum()
    }
}

/// PostgreSQL's `@>` on arrays, whose function is not leakproof.
const ARRAY_CONTAINS_OPERATOR: u32 = 2751;

/// What PostgreSQL expects of an operator that looks into a value. Under row security it is asked for one whose function is not
/// leakproof: for ours it would look into statistics of all rows.
///
/// # Safety
/// `fcinfo` must be the planner's call of an estimator.
unsafe fn matching(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by the caller's promise: the first argument is the planner's state, the third a list of nodes; all are passed on.
    unsafe {
        let argument = |number| Some(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number));
        let root = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr();
        let nodes = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2).cast_mut_ptr();
        let operator = match reads_tables_openly(root, nodes) {
            true => argument(1),
            false => Some(pg_sys::Datum::from(pg_sys::Oid::from(
                ARRAY_CONTAINS_OPERATOR,
            ))),
        };
        let arguments = [argument(0), operator, argument(2), argument(3)];
        pgrx::fcinfo::direct_function_call_as_datum(pg_sys::matchingsel, &arguments)
            .unwrap_or(few())
    }
}

/// Is all that an expression reads columns of tables, none of them under row security? What comes out of a subquery may be.
///
/// # Safety
/// `root` must be the planner's state, or null, `nodes` expressions of its query.
unsafe fn reads_tables_openly(root: *mut pg_sys::PlannerInfo, nodes: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; the array has a place for each entry.
    unsafe {
        if root.is_null() || (*root).simple_rte_array.is_null() {
            return false;
        }
        let numbers = pg_sys::pull_varnos(root, nodes);
        let mut number = -1;
        loop {
            number = pg_sys::bms_next_member(numbers, number);
            let Ok(place) = u32::try_from(number) else {
                return true;
            };
            let size = u32::try_from((*root).simple_rel_array_size).unwrap_or(0);
            if place == 0 || place >= size {
                return false;
            }
            let entry = *(*root).simple_rte_array.add(place as usize);
            if entry.is_null()
                || (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION
                || is_under_row_security(root, place)
            {
                return false;
            }
        }
    }
}

version_1!(pg_finfo_fhir_access_estimate_starts);

/// Of `^@`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_estimate_starts(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner calls.
    unsafe { of_texts(fcinfo, Asked::Starts).unwrap_or_else(|| matching(fcinfo)) }
}

version_1!(pg_finfo_fhir_access_estimate_contains);

/// Of `@~`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_estimate_contains(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner calls.
    unsafe { of_texts(fcinfo, Asked::Contains).unwrap_or_else(|| matching(fcinfo)) }
}

/// A text is in few rows.
fn few() -> pg_sys::Datum {
    const FEW: f64 = 0.0001;
    FEW.into_datum().unwrap_or(pg_sys::Datum::null())
}

version_1!(pg_finfo_fhir_access_estimate_is_any);

/// Of `?|`: what PostgreSQL expects of `&&`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_estimate_is_any(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner calls.
    unsafe {
        if let Some(known) = of_texts(fcinfo, Asked::Any) {
            return known;
        }
        let arguments = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2);
        overlap(fcinfo, arguments.cast_mut_ptr())
    }
}

version_1!(pg_finfo_fhir_access_estimate_is_element);

/// Of `?`: what PostgreSQL expects of `&&` with an array of the one text.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_estimate_is_element(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner calls; the right side is a text where its type says so. New nodes live in the current memory
    // context.
    unsafe {
        if let Some(known) = of_texts(fcinfo, Asked::Any) {
            return known;
        }
        let arguments = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 2).cast_mut_ptr();
        let nodes = PgList::<pg_sys::Node>::from_pg(arguments);
        let (Some(texts), Some(wanted)) = (nodes.get_ptr(0), nodes.get_ptr(1)) else {
            return few();
        };
        if !pgrx::is_a(wanted, pg_sys::NodeTag::T_Const) {
            return few();
        }
        let wanted = &*wanted.cast::<pg_sys::Const>();
        if wanted.constisnull || wanted.consttype != pg_sys::TEXTOID {
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
        overlap(fcinfo, nodes.into_pg())
    }
}

version_1!(pg_finfo_fhir_access_estimate_is_element_of_many);

/// Of `?~`, which stands only for what an index is asked: to look up statistics for each of thousands of texts would take
/// longer than to look up the texts. (How many rows the whole list finds is estimated above.)
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_estimate_is_element_of_many(
    _fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    few()
}

version_1!(pg_finfo_fhir_access_test_support);

/// The planner's support function of `test()`: what statistics of keys tell of a policy's test.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_test_support(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner passes a node; a request for a selectivity is what its tag says, and is answered in place.
    unsafe {
        let request = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr::<pg_sys::Node>();
        if !pgrx::is_a(request, pg_sys::NodeTag::T_SupportRequestSelectivity) {
            return pg_sys::Datum::null();
        }
        let request = request.cast::<pg_sys::SupportRequestSelectivity>();
        if (*request).is_join || (*request).root.is_null() {
            return pg_sys::Datum::null();
        }
        match estimates::of_test((*request).root, (*request).args, parsed::test) {
            Some(share) => {
                (*request).selectivity = share;
                pg_sys::Datum::from(request)
            }
            None => pg_sys::Datum::null(),
        }
    }
}
