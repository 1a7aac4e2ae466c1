//! Times near now: `now() - interval '1 year'`.

use pgrx::PgList;
use pgrx::prelude::*;

/// Operators on what the clock says are nested no deeper.
const DEEPEST: usize = 4;

/// Times and dates are moved by no more than this each time: of years, days, and microseconds, all of which an interval may have.
/// Together they do not lead out of the 6,700 years that PostgreSQL's times have before today.
const MOST_YEARS: u32 = 500;
const MOST_DAYS: u32 = MOST_YEARS * 366;
const MOST_TIME: u64 = MOST_DAYS as u64 * 86_400_000_000;

/// Is it a time or a date not far from now? Working it out raises no error and does nothing else.
///
/// # Safety
/// `node` must be an expression.
pub unsafe fn is_of_clock(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { is_near(node, DEEPEST) }
}

/// # Safety
/// As above.
unsafe fn is_near(node: *mut pg_sys::Node, deeper: usize) -> bool {
    /// `now`, `transaction_timestamp`, `statement_timestamp`.
    const CLOCKS: [u32; 3] = [1299, 2647, 2648];
    /// Casts between `date`, `timestamp` and `timestamptz`.
    const CASTS: [u32; 6] = [1174, 1178, 2024, 2027, 2028, 2029];
    /// `+` and `-` of `timestamptz`, `timestamp` and `date` with an interval, and of `date` with a number of days.
    const MOVES: [u32; 8] = [1327, 1329, 2066, 2068, 1076, 1077, 1100, 1101];
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let first = |list: *mut pg_sys::List| {
            PgList::<pg_sys::Node>::from_pg(list)
                .get_ptr(0)
                .is_some_and(|node| is_near(node, deeper))
        };
        match (*node).type_ {
            pg_sys::NodeTag::T_SQLValueFunction => is_plain(&*node.cast()),
            pg_sys::NodeTag::T_CoerceViaIO => {
                let cast = &*node.cast::<pg_sys::CoerceViaIO>();
                cast.resulttype == pg_sys::TEXTOID && is_near(cast.arg.cast(), deeper)
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let call = &*node.cast::<pg_sys::FuncExpr>();
                let function = call.funcid.to_u32();
                CLOCKS.contains(&function) || CASTS.contains(&function) && first(call.args)
            }
            pg_sys::NodeTag::T_OpExpr => {
                let operator = &*node.cast::<pg_sys::OpExpr>();
                MOVES.contains(&operator.opno.to_u32())
                    && first(operator.args)
                    && PgList::<pg_sys::Node>::from_pg(operator.args)
                        .get_ptr(1)
                        .is_some_and(|by| is_small(by))
            }
            _ => false,
        }
    }
}

/// `current_schema` makes the schema of temporary tables, if that is the first to be looked in.
pub fn is_plain(value: &pg_sys::SQLValueFunction) -> bool {
    value.op != pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_SCHEMA
}

/// Is it a constant number of days, or an interval, that does not lead out of what times can be?
///
/// # Safety
/// `node` must be an expression.
unsafe fn is_small(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; a constant is read as what its type says.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_Const) {
            return false;
        }
        let by = &*node.cast::<pg_sys::Const>();
        match by.consttype {
            _ if by.constisnull => true,
            pg_sys::INT4OID => i32::from_datum(by.constvalue, false)
                .is_some_and(|days| days.unsigned_abs() <= MOST_DAYS),
            pg_sys::INTERVALOID => {
                let by = &*by.constvalue.cast_mut_ptr::<pg_sys::Interval>();
                by.month.unsigned_abs() <= MOST_YEARS * 12
                    && by.day.unsigned_abs() <= MOST_DAYS
                    && by.time.unsigned_abs() <= MOST_TIME
            }
            _ => false,
        }
    }
}
