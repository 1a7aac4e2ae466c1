//! Where in the conditions on a relation an expression stands that the planner asks about.

use crate::hooks::statistics::MARK;
use pgrx::PgList;
use pgrx::prelude::*;

/// A condition, and those that must hold with it.
pub struct Place {
    /// The condition.
    pub node: *mut pg_sys::Node,
    /// Is it to be false?
    pub negated: bool,
    /// All conditions of which it is one.
    pub group: Vec<*mut pg_sys::Node>,
}

/// Conditions are not looked for deeper than this: policies do not go so far.
const DEEPEST: usize = 12;

/// The condition on `relation` of which `is` is true.
///
/// # Safety
/// `relation` must be a relation of the planner's, or null.
pub unsafe fn find(
    relation: *const pg_sys::RelOptInfo,
    is: &dyn Fn(*mut pg_sys::Node) -> bool,
) -> Option<Place> {
    // SAFETY: by the caller's promise; the list holds RestrictInfos.
    let group: Vec<*mut pg_sys::Node> = unsafe {
        PgList::<pg_sys::RestrictInfo>::from_pg(relation.as_ref()?.baserestrictinfo)
            .iter_ptr()
            .map(|info| (*info).clause.cast::<pg_sys::Node>())
            .collect()
    };
    // SAFETY: clauses of restrictions are expressions.
    unsafe { search(group, false, is, DEEPEST) }
}

/// # Safety
/// `group` must be expressions.
unsafe fn search(
    group: Vec<*mut pg_sys::Node>,
    negated: bool,
    is: &dyn Fn(*mut pg_sys::Node) -> bool,
    deeper: usize,
) -> Option<Place> {
    if let Some(node) = group.iter().copied().find(|node| is(*node)) {
        return Some(Place {
            node,
            negated,
            group,
        });
    }
    let deeper = deeper.checked_sub(1)?;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        for node in group {
            if !pgrx::is_a(node, pg_sys::NodeTag::T_BoolExpr) {
                continue;
            }
            let expression = &*node.cast::<pg_sys::BoolExpr>();
            let arguments: Vec<*mut pg_sys::Node> =
                PgList::from_pg(expression.args).iter_ptr().collect();
            let found = match expression.boolop {
                pg_sys::BoolExprType::AND_EXPR => search(arguments, negated, is, deeper),
                pg_sys::BoolExprType::OR_EXPR => arguments
                    .into_iter()
                    .find_map(|one| search(vec![one], negated, is, deeper)),
                _ => search(arguments, !negated, is, deeper),
            };
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// Both arguments of the call of an operator, of one with an array, or of a function.
///
/// # Safety
/// `node` must be an expression.
pub unsafe fn arguments(node: *mut pg_sys::Node) -> Option<(*mut pg_sys::Node, *mut pg_sys::Node)> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let arguments = match (*node).type_ {
            pg_sys::NodeTag::T_OpExpr => (*node.cast::<pg_sys::OpExpr>()).args,
            pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                (*node.cast::<pg_sys::ScalarArrayOpExpr>()).args
            }
            pg_sys::NodeTag::T_FuncExpr => (*node.cast::<pg_sys::FuncExpr>()).args,
            _ => return None,
        };
        pair(arguments)
    }
}

/// The two items of a list.
///
/// # Safety
/// `list` must be a list of nodes.
pub unsafe fn pair(list: *mut pg_sys::List) -> Option<(*mut pg_sys::Node, *mut pg_sys::Node)> {
    // SAFETY: by the caller's promise.
    let items = unsafe { PgList::<pg_sys::Node>::from_pg(list) };
    (items.len() == 2).then_some(())?;
    Some((items.get_ptr(0)?, items.get_ptr(1)?))
}

/// The constant that `node` is, if a policy has put it there and it is not NULL.
///
/// # Safety
/// `node` must be an expression.
pub unsafe fn policys<'a>(node: *mut pg_sys::Node) -> Option<&'a pg_sys::Const> {
    // SAFETY: by the caller's promise; the node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let constant = &*node.cast::<pg_sys::Const>();
        (constant.location == MARK && !constant.constisnull).then_some(constant)
    }
}
