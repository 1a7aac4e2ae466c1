//! Rewriting and reading query trees: PostgreSQL's own mutator and walker, with a Rust trait for what happens at each node.

use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::c_void;

/// What happens at the nodes of a tree.
pub trait Mutator {
    /// A node that is to be replaced, or `None` to go on below it.
    ///
    /// # Safety
    /// `node` is a valid node of a query tree.
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node>;
}

/// Rebuilds an expression (or a list of expressions): what `mutator` replaces is replaced, all else is copied.
///
/// # Safety
/// `node` must be null or a valid node.
pub unsafe fn mutate<M: Mutator>(node: *mut pg_sys::Node, mutator: &mut M) -> *mut pg_sys::Node {
    if node.is_null() {
        return node;
    }
    // SAFETY: by the caller's promise; the callback hands the same context on.
    unsafe {
        match mutator.replace(node) {
            Some(replacement) => replacement,
            None => {
                pg_sys::expression_tree_mutator(node, Some(erase(callback::<M>)), context(mutator))
            }
        }
    }
}

/// Rewrites a query in place: every expression of it that the planner reads, its subqueries and CTEs.
///
/// # Safety
/// `query` must be a valid query.
pub unsafe fn mutate_query<M: Mutator>(query: *mut pg_sys::Query, mutator: &mut M) {
    // SAFETY: by the caller's promise; with QTW_DONT_COPY_QUERY the query itself is changed and returned.
    unsafe {
        pg_sys::query_tree_mutator(
            query,
            Some(erase(callback::<M>)),
            context(mutator),
            pg_sys::QTW_DONT_COPY_QUERY as i32,
        );
    }
}

type Callback = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node;

fn context<M>(mutator: &mut M) -> *mut c_void {
    std::ptr::from_mut(mutator).cast()
}

fn erase(callback: Callback) -> unsafe extern "C-unwind" fn() -> *mut pg_sys::Node {
    // SAFETY: PostgreSQL 15 declares the callback without its parameters and calls it with (node, context).
    unsafe {
        std::mem::transmute::<Callback, unsafe extern "C-unwind" fn() -> *mut pg_sys::Node>(
            callback,
        )
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn callback<M: Mutator>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> *mut pg_sys::Node {
    // SAFETY: `context` is the mutator that was passed in above, borrowed for the whole walk.
    unsafe { mutate(node, &mut *context.cast::<M>()) }
}

/// What is looked at in a tree.
pub trait Visitor {
    /// Looks at a node; says whether to go on below it.
    ///
    /// # Safety
    /// `node` is a valid node of an expression.
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool;
}

/// Goes through an expression, or a list of expressions.
///
/// # Safety
/// `node` must be null or a valid node.
pub unsafe fn visit<V: Visitor>(node: *mut pg_sys::Node, visitor: &mut V) {
    if node.is_null() {
        return;
    }
    // SAFETY: by the caller's promise; the callback hands the same context on.
    unsafe {
        let is_list = pgrx::is_a(node, pg_sys::NodeTag::T_List);
        if is_list || visitor.visit(node) {
            let context = std::ptr::from_mut(visitor).cast();
            pg_sys::expression_tree_walker(node, Some(visited::<V>), context);
        }
    }
}

/// Goes through every expression of a query.
///
/// # Safety
/// `query` must be a valid query.
pub unsafe fn visit_query<V: Visitor>(query: *mut pg_sys::Query, visitor: &mut V) {
    // SAFETY: as above.
    unsafe {
        let context = std::ptr::from_mut(visitor).cast();
        pg_sys::query_tree_walker(query, Some(visited::<V>), context, 0);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn visited<V: Visitor>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> bool {
    // SAFETY: `context` is the visitor that was passed in above, borrowed for the whole walk.
    unsafe { visit(node, &mut *context.cast::<V>()) };
    false
}

/// The entries of a query's range table.
///
/// # Safety
/// `rtable` must be null or a list of range table entries.
pub unsafe fn range_table(rtable: *mut pg_sys::List) -> Vec<*mut pg_sys::RangeTblEntry> {
    // SAFETY: by the caller's promise.
    unsafe {
        PgList::<pg_sys::RangeTblEntry>::from_pg(rtable)
            .iter_ptr()
            .collect()
    }
}
