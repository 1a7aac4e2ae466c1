//! Comparisons of two keys of the same elements: what is later than a time at its start is later at its end, too. PostgreSQL
//! takes them for independent. So the comparisons of the first key are estimated by its statistics, and those of the other
//! key for the rows that are left.

use super::{Asking, key_of, place, relation_of, sources};
use crate::node::index::KeyFunction;
use crate::node::row;
use fhir_search::keys::Paths;
use fhir_search::share::compared;
use fhir_search::{Comparison, Comparisons, Key, KeyValue, Operator};
use jsonb::Decimal;
use pgrx::PgList;
use pgrx::prelude::*;
use place::{arguments, policys};
use std::ffi::CStr;

/// What the planner is to expect of a comparison.
pub struct Conditional {
    /// The share of rows.
    pub share: f64,
    /// Is it `=`? The planner reckons otherwise then.
    pub is_equality: bool,
}

/// What to expect of the comparison that `variable`, a key, is a side of, where a policy compares another key of the same
/// elements before it.
///
/// # Safety
/// `variable` must be the planner's, of an expression that is a side of an operator.
pub unsafe fn conditional(
    root: *const pg_sys::PlannerInfo,
    variable: &pg_sys::VariableStatData,
) -> Option<Conditional> {
    // SAFETY: by the caller's promise; conditions on a relation are expressions.
    unsafe {
        let relation = variable.rel.as_ref()?;
        let asked = variable.var;
        let is = |node: *mut pg_sys::Node| {
            pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr)
                && arguments(node)
                    .is_some_and(|(left, right)| left == asked && policys(right).is_some())
        };
        let found = place::find(relation, &is)?;
        let (paths, this) = comparison(found.node)?;
        let key = this.key;
        // Alternatives first: what is to be expected of one comparison can be told, of several together it cannot.
        let mut before: Vec<Vec<Comparisons>> = Vec::new();
        let mut simple: Vec<Comparison> = Vec::new();
        let mut is_before = true;
        let mut of_key = 0_usize;
        for node in found.group {
            is_before &= node != found.node;
            if let Some((on, other)) = comparison(node) {
                if on == paths {
                    of_key += usize::from(other.key == key);
                    if is_before {
                        simple.push(other);
                    }
                }
            } else if let Some((on, alternatives)) = alternatives(node)
                && on == paths
            {
                before.push(alternatives);
            }
        }
        if of_key != 1 || (before.is_empty() && simple.is_empty()) {
            return None;
        }
        before.extend(simple.into_iter().map(|one| vec![only(vec![one])]));
        let sources = sources::of(relation_of(root, relation.relid)?)?;
        let paths: Paths = paths.parse().ok()?;
        let is_equality = this.operator == Operator::Equal;
        let this = [only(vec![this])];
        let mut conditions: Vec<&[Comparisons]> = before.iter().map(Vec::as_slice).collect();
        let before = compared(&paths, &conditions, &*sources)?;
        conditions.push(&this);
        let both = compared(&paths, &conditions, &*sources)?;
        Some(Conditional {
            share: (both / before.max(both)).min(1.0),
            is_equality,
        })
    }
}

fn only(all: Vec<Comparison>) -> Comparisons {
    let columns = Vec::new();
    Comparisons { all, columns }
}

/// Comparisons of keys of the same elements, in a policy: one of the alternatives must hold, all of it.
///
/// # Safety
/// `node` must be an expression.
unsafe fn alternatives(node: *mut pg_sys::Node) -> Option<(String, Vec<Comparisons>)> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let mut on: Option<String> = None;
        let mut found = Vec::new();
        for one in parts(node, pg_sys::BoolExprType::OR_EXPR)? {
            let all = parts(one, pg_sys::BoolExprType::AND_EXPR).unwrap_or_else(|| vec![one]);
            let mut comparisons = Vec::new();
            for part in all {
                let (paths, comparison) = comparison(part)?;
                if on.as_ref().is_some_and(|on| *on != paths) {
                    return None;
                }
                on = Some(paths);
                comparisons.push(comparison);
            }
            found.push(only(comparisons));
        }
        Some((on?, found))
    }
}

/// The parts of an AND or an OR.
///
/// # Safety
/// `node` must be an expression.
unsafe fn parts(
    node: *mut pg_sys::Node,
    kind: pg_sys::BoolExprType::Type,
) -> Option<Vec<*mut pg_sys::Node>> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let is_one = pgrx::is_a(node, pg_sys::NodeTag::T_BoolExpr)
            && (*node.cast::<pg_sys::BoolExpr>()).boolop == kind;
        is_one.then(|| {
            PgList::from_pg((*node.cast::<pg_sys::BoolExpr>()).args)
                .iter_ptr()
                .collect()
        })
    }
}

/// `key(document, 'paths') operator constant` in a policy.
///
/// # Safety
/// `node` must be an expression.
unsafe fn comparison(node: *mut pg_sys::Node) -> Option<(String, Comparison)> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr) {
            return None;
        }
        let (left, right) = arguments(node)?;
        let constant = policys(right)?;
        let Asking {
            function, paths, ..
        } = key_of(left).filter(|asking| asking.is_policys)?;
        let key = match function {
            KeyFunction::Earliest => Key::Earliest,
            KeyFunction::Latest => Key::Latest,
            KeyFunction::Lowest => Key::Lowest,
            KeyFunction::Highest => Key::Highest,
            KeyFunction::Unit => Key::Unit,
            _ => return None,
        };
        let name = pg_sys::get_opname((*node.cast::<pg_sys::OpExpr>()).opno);
        if name.is_null() {
            return None;
        }
        let operator = match CStr::from_ptr(name).to_bytes() {
            b"<" => Operator::Less,
            b"<=" => Operator::LessOrEqual,
            b"=" => Operator::Equal,
            b">=" => Operator::GreaterOrEqual,
            b">" => Operator::Greater,
            _ => return None,
        };
        let with = match constant.consttype {
            pg_sys::TIMESTAMPTZOID => KeyValue::Time(i64::from_datum(constant.constvalue, false)?),
            pg_sys::NUMERICOID => {
                let text = row::output(constant.constvalue, pg_sys::NUMERICOID);
                KeyValue::Number(Decimal::parse(&text).ok()?)
            }
            pg_sys::TEXTOID => KeyValue::Text(String::from_datum(constant.constvalue, false)?),
            _ => return None,
        };
        let comparison = Comparison {
            key,
            operator,
            with,
        };
        Some((paths, comparison))
    }
}
