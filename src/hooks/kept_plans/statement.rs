//! What is asked of a statement before its plan is kept, and what its plan depends on without a trace.

use crate::catalog::catalog;
use crate::node::call::Call;
use crate::node::tree::{self, Visitor};
use pgrx::prelude::*;

/// May a plan of this statement serve a second time?
///
/// A parameter of its own must be used in it. Then, without values for them, this is one of the plans that PostgreSQL keeps, too: others
/// are made and run once, and functions that are not as immutable as they say are evaluated in them each time.
///
/// And no function of somebody's may be evaluated when it is planned. PostgreSQL forgets what came out with the prepared statement,
/// and plans the body of a function in SQL anew in each statement that calls it: a function that says it is immutable, and reads a
/// setting, would have its old answer here.
///
/// # Safety
/// `query` must be a query.
pub unsafe fn may_be_kept(query: *mut pg_sys::Query) -> bool {
    let mut found = Found::default();
    // SAFETY: by the caller's promise.
    unsafe { tree::visit_query(query, &mut found) };
    found.parameter && !found.folded
}

#[derive(Default)]
struct Found {
    parameter: bool,
    folded: bool,
}

impl Visitor for Found {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                tree::visit_query(node.cast(), self);
                return false;
            }
            self.parameter |= is_parameter(node);
            // PostgreSQL's own operators are not looked up.
            let is_builtin = |call: &Call| {
                call.is_operators() && call.operator.to_u32() < pg_sys::FirstNormalObjectId
            };
            self.folded |= Call::of(node)
                .is_some_and(|call| !is_builtin(&call) && is_somebodys(call.function()))
                && !depends_on_more(node);
        }
        !self.folded
    }
}

/// # Safety
/// `node` must be a node.
unsafe fn is_parameter(node: *mut pg_sys::Node) -> bool {
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        pgrx::is_a(node, pg_sys::NodeTag::T_Param)
            && (*node.cast::<pg_sys::Param>()).paramkind == pg_sys::ParamKind::PARAM_EXTERN
    }
}

/// Is it a function that says it is immutable, and neither PostgreSQL's nor ours?
///
/// # Safety
/// Allowed where the catalogs may be read.
unsafe fn is_somebodys(function: pg_sys::Oid) -> bool {
    if function.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    // SAFETY: by the caller's promise.
    unsafe {
        let schema = pg_sys::get_func_namespace(function);
        catalog().is_none_or(|ours| ours.schema != schema)
            && pg_sys::func_volatile(function) as u8 == pg_sys::PROVOLATILE_IMMUTABLE
    }
}

/// Is there anything but constants in what a function is called with? (What a cast of each element of an array is called with may be
/// one.)
///
/// # Safety
/// `node` must be a node.
unsafe fn depends_on_more(node: *mut pg_sys::Node) -> bool {
    struct More(bool);
    impl Visitor for More {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            // SAFETY: a node is looked at as what its tag says.
            self.0 |= matches!(
                unsafe { (*node).type_ },
                pg_sys::NodeTag::T_Var
                    | pg_sys::NodeTag::T_Param
                    | pg_sys::NodeTag::T_SubLink
                    | pg_sys::NodeTag::T_Aggref
                    | pg_sys::NodeTag::T_GroupingFunc
                    | pg_sys::NodeTag::T_WindowFunc
            );
            !self.0
        }
    }
    let mut more = More(false);
    // SAFETY: by the caller's promise.
    unsafe { tree::visit(node, &mut more) };
    more.0
}

/// Has a plan depend on all that its statement names: of a function that was evaluated, of a part that was found to be
/// without effect, nothing is left in the plan.
///
/// # Safety
/// `plan` must be a finished plan, `query` the statement that it was made of; both in the current memory context.
pub unsafe fn add_dependencies(plan: *mut pg_sys::PlannedStmt, query: *mut pg_sys::Query) {
    // SAFETY: by the caller's promise; the lists are new.
    unsafe {
        let (mut relations, mut items) = (std::ptr::null_mut(), std::ptr::null_mut());
        let mut has_row_security = false;
        pg_sys::extract_query_dependencies(
            query.cast(),
            &mut relations,
            &mut items,
            &mut has_row_security,
        );
        (*plan).relationOids = pg_sys::list_concat_unique_oid((*plan).relationOids, relations);
        (*plan).invalItems = pg_sys::list_concat((*plan).invalItems, items);
    }
}
