//! Expressions of a statement that have one value for all rows.

use pgrx::prelude::*;

/// The value of an expression that has the same one for each row: a constant, a parameter of this execution, or what is made of
/// them by a cast or as an array.
///
/// # Safety
/// `expression` must be an expression of a query, `root` the planner's state with the statement's parameters.
pub unsafe fn of(
    root: *mut pg_sys::PlannerInfo,
    expression: *mut pg_sys::Node,
) -> Option<*const pg_sys::Const> {
    // SAFETY: by the caller's promise; what is simplified is a copy.
    unsafe {
        let simple = match (*expression).type_ {
            pg_sys::NodeTag::T_Const => expression,
            pg_sys::NodeTag::T_Param
            | pg_sys::NodeTag::T_RelabelType
            | pg_sys::NodeTag::T_CoerceViaIO
            | pg_sys::NodeTag::T_ArrayCoerceExpr
            | pg_sys::NodeTag::T_ArrayExpr => pg_sys::eval_const_expressions(
                root,
                pg_sys::copyObjectImpl(expression.cast()).cast(),
            ),
            _ => return None,
        };
        pgrx::is_a(simple, pg_sys::NodeTag::T_Const)
            .then(|| simple.cast::<pg_sys::Const>().cast_const())
    }
}

/// The type of an array's elements, and each of them, whatever its dimensions; `None` of what is no array, or one of more than
/// `most` elements.
///
/// # Safety
/// `array` must be a constant, not NULL.
pub unsafe fn elements(
    array: &pg_sys::Const,
    most: usize,
) -> Option<(pg_sys::Oid, Vec<Option<pg_sys::Datum>>)> {
    // SAFETY: by the caller's promise; the lists have as many places as there are elements.
    unsafe {
        let element = pg_sys::get_element_type(array.consttype);
        if element == pg_sys::InvalidOid {
            return None;
        }
        let (mut length, mut by_value, mut align) = (0, false, 0);
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        pg_sys::deconstruct_array(
            pg_sys::pg_detoast_datum(array.constvalue.cast_mut_ptr()).cast(),
            element,
            length.into(),
            by_value,
            align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        let count = usize::try_from(count).ok().filter(|count| *count <= most)?;
        let elements = (0..count).map(|place| (!*nulls.add(place)).then(|| *values.add(place)));
        Some((element, elements.collect()))
    }
}
