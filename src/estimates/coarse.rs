//! How many rows a statement's own condition finds, roughly.
//!
//! Statistics are of all rows, and exact: what PostgreSQL expects of a condition, which `EXPLAIN` shows, would tell what hidden rows
//! hold. Without them it takes `resource @> …` to hold for 1 % of the rows, and where that is far too few it reads a large part of
//! an index for nothing. So it is told on which step of a short ladder the share is: whether a condition holds for a large part of
//! all rows, never for how many, and nothing of what few rows have.
//!
//! Told is only what is asked of an index below the policy, of `@>` by a [twin](crate::hooks::leakproof): how long that takes tells
//! more. No ranges: where the share of `<` passes a step is a value of a row.

use super::load::Tuple;
use super::{CONTAINS, contained, place, relation_of, sources};
use crate::functions::twins;
use crate::hooks::statistics::is_under_row_security;
use crate::node::row::JsonbDatum;
use crate::registry;
use pgrx::prelude::*;

/// `jsonb <@ jsonb`
const CONTAINED: u32 = 3250;

/// Shares from which on something is told, and what is told.
const LADDER: [(f64, f64); 3] = [(0.5, 0.7), (0.2, 0.3), (0.05, 0.1)];

/// Of smaller tables nothing is told: the lowest step is to stand for hundreds of rows.
const FEWEST_ROWS: f64 = 10_000.0;

/// The fewest values of a sample, so that the lowest step stands for several of them.
const FEWEST_VALUES: usize = 100;

/// Where the values of a sample stand for less than this part of the rows, it does not matter how many they are.
const NEGLIGIBLE: f64 = 0.01;

/// What may be told of a share.
pub fn step(share: f64) -> Option<f64> {
    LADDER
        .iter()
        .find(|(from, _)| share >= *from)
        .map(|(_, told)| *told)
}

/// What may be told of the share of rows in which `variable`, this column, contains what a statement's own condition looks for.
/// `None` where that is what PostgreSQL expects without statistics, or the condition is not one of those.
///
/// # Safety
/// `variable` must be the planner's, of an expression that is a side of an operator, `entry` the table whose column it is.
pub unsafe fn of_containment(
    root: *const pg_sys::PlannerInfo,
    variable: &pg_sys::VariableStatData,
    entry: &pg_sys::RangeTblEntry,
    column: pg_sys::AttrNumber,
) -> Option<f64> {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
    unsafe {
        let relation = variable.rel.as_ref()?;
        if variable.vartype != pg_sys::JSONBOID
            || !pgrx::is_a(variable.var, pg_sys::NodeTag::T_Var)
            || !may_tell(root, relation, entry.relid)
        {
            return None;
        }
        let protected = registry::protected(entry.relid).ok()??;
        if protected.resource.number != column {
            return None;
        }
        let asked = variable.var;
        let is = |node: *mut pg_sys::Node| looked_for(node, asked).is_some();
        let node = place::find(relation, &is)?.node;
        let document = looked_for(node, asked)?;
        let share = match Tuple::of_column(entry.relid, column, entry.inh) {
            Some(tuple) => in_sample(&tuple, document),
            None => None,
        };
        let of_keys = || {
            let sources = sources::of(entry.relid)?;
            contained(&sources, &[document])
        };
        step(share.or_else(of_keys)?)
    }
}

/// May something be told of a condition that a statement asks of keys of `resource`, in the relation with this number? Not of keys
/// of a masked document, nor of a call that waits for the policy: neither is asked of an index.
///
/// # Safety
/// `root` must be the planner's state, `resource` an expression.
pub unsafe fn may_ask(
    root: *const pg_sys::PlannerInfo,
    number: u32,
    resource: *mut pg_sys::Node,
) -> bool {
    // SAFETY: by the caller's promise; the array has a place for each entry.
    unsafe {
        let Some(table) = relation_of(root, number) else {
            return false;
        };
        let Some(relation) = (*(*root).simple_rel_array.add(number as usize)).as_ref() else {
            return false;
        };
        pgrx::is_a(resource, pg_sys::NodeTag::T_Var)
            && may_tell(root, relation, table)
            && registry::protected(table).is_ok_and(|protected| {
                let column = (*resource.cast::<pg_sys::Var>()).varattno;
                protected.is_some_and(|protected| protected.resource.number == column)
            })
    }
}

/// Is this the relation of the table, under row security and large enough?
///
/// # Safety
/// `relation` must be a relation of the planner's.
unsafe fn may_tell(
    root: *const pg_sys::PlannerInfo,
    relation: &pg_sys::RelOptInfo,
    table: pg_sys::Oid,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        relation.tuples >= FEWEST_ROWS
            && relation_of(root, relation.relid) == Some(table)
            && is_under_row_security(root, relation.relid)
    }
}

/// The constant that `node` looks for in `asked`: by an operator whose function cannot leak, which is a twin.
///
/// # Safety
/// `node` must be an expression.
unsafe fn looked_for(node: *mut pg_sys::Node, asked: *mut pg_sys::Node) -> Option<pg_sys::Datum> {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr) {
            return None;
        }
        let operator = &*node.cast::<pg_sys::OpExpr>();
        let (left, right) = place::arguments(node)?;
        let other = match operator.opno.to_u32() {
            CONTAINS if left == asked => right,
            CONTAINED if right == asked => left,
            _ => return None,
        };
        if !pgrx::is_a(other, pg_sys::NodeTag::T_Const)
            || operator.opfuncid == pg_sys::InvalidOid
            || !pg_sys::get_func_leakproof(operator.opfuncid)
        {
            return None;
        }
        let constant = &*other.cast::<pg_sys::Const>();
        (!constant.constisnull).then_some(constant.constvalue)
    }
}

/// The share of rows that contain a document, by those of them that `ANALYZE` has kept. None are kept that are wider than 1 kB.
///
/// # Safety
/// `document` must be jsonb.
unsafe fn in_sample(tuple: &Tuple, document: pg_sys::Datum) -> Option<f64> {
    // SAFETY: by the caller's promise; a sample of a column's values are values of it.
    unsafe {
        let unpacked = JsonbDatum::new(document);
        let levels = twins::levels(unpacked.value().ok()?);
        // A comparison that runs into the end of the stack would tell of a row by its error.
        if !twins::has_room(levels) {
            return None;
        }
        let contains = |value: pg_sys::Datum| {
            let arguments = [Some(value), Some(unpacked.datum())];
            pgrx::direct_function_call::<bool>(pg_sys::jsonb_contains, &arguments).unwrap_or(false)
        };
        let (mut known, mut found) = (tuple.missing(), 0.0);
        tuple.common(|value, share| {
            known += share;
            if contains(value) {
                found += share;
            }
        });
        let rest = (1.0 - known).max(0.0);
        let sampled = tuple.histogram(|values| {
            let count = values.len();
            let met = values.iter().filter(|value| contains(**value)).count();
            (count >= FEWEST_VALUES).then(|| met as f64 / count as f64)
        });
        match sampled.flatten() {
            Some(share) => Some(found + rest * share),
            None if rest <= NEGLIGIBLE && known > 0.0 => Some(found),
            None => None,
        }
    }
}
