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
    let context = std::ptr::from_mut(mutator).cast();
    // SAFETY: by the caller's promise; the callback hands the same context on.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| mutated::<M>(node, context)) }
}

/// Rewrites a query in place: every expression of it that the planner reads, its subqueries and CTEs.
///
/// # Safety
/// `query` must be a valid query.
pub unsafe fn mutate_query<M: Mutator>(query: *mut pg_sys::Query, mutator: &mut M) {
    let context = std::ptr::from_mut(mutator).cast();
    let flags = pg_sys::QTW_DONT_COPY_QUERY as i32;
    // SAFETY: by the caller's promise; with QTW_DONT_COPY_QUERY the query itself is changed and returned.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            plain::query_tree_mutator(query, mutated::<M>, context, flags)
        });
    }
}

/// PostgreSQL's walks, called as C would call them: pgrx's bindings set up a landing place for errors at each level, and thousands
/// of levels (`a || b || c …`) would not fit on the stack. So what is called at each level are plain frames (see
/// [`crate::hooks`]' standard functions), and there is one landing place around the whole walk.
mod plain {
    use pgrx::pg_sys;
    use std::ffi::c_void;

    pub type Mutated =
        unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node;
    pub type Visited = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> bool;

    unsafe extern "C-unwind" {
        pub fn expression_tree_mutator(
            node: *mut pg_sys::Node,
            mutator: Mutated,
            context: *mut c_void,
        ) -> *mut pg_sys::Node;

        pub fn query_tree_mutator(
            query: *mut pg_sys::Query,
            mutator: Mutated,
            context: *mut c_void,
            flags: i32,
        ) -> *mut pg_sys::Query;

        pub fn expression_tree_walker(
            node: *mut pg_sys::Node,
            walker: Visited,
            context: *mut c_void,
        ) -> bool;

        pub fn query_tree_walker(
            query: *mut pg_sys::Query,
            walker: Visited,
            context: *mut c_void,
            flags: i32,
        ) -> bool;
    }
}

/// A plain frame: nothing in it needs to be dropped.
unsafe extern "C-unwind" fn mutated<M: Mutator>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> *mut pg_sys::Node {
    if node.is_null() {
        return node;
    }
    // SAFETY: `context` is the mutator that was passed in above, borrowed for the whole walk.
    unsafe {
        let replacement = replaced::<M>(node, context);
        if replacement.is_null() {
            plain::expression_tree_mutator(node, mutated::<M>, context)
        } else {
            replacement
        }
    }
}

/// What stands for a node; null where it is to be gone into.
#[pg_guard]
unsafe extern "C-unwind" fn replaced<M: Mutator>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> *mut pg_sys::Node {
    // SAFETY: as above.
    unsafe { (*context.cast::<M>()).replace(node) }.unwrap_or(std::ptr::null_mut())
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
    let context = std::ptr::from_mut(visitor).cast();
    // SAFETY: by the caller's promise; the callback hands the same context on.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| visited::<V>(node, context)) };
}

/// Goes through every expression of a query.
///
/// # Safety
/// `query` must be a valid query.
pub unsafe fn visit_query<V: Visitor>(query: *mut pg_sys::Query, visitor: &mut V) {
    let context = std::ptr::from_mut(visitor).cast();
    // SAFETY: as above.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            plain::query_tree_walker(query, visited::<V>, context, 0)
        });
    }
}

/// A plain frame, too.
unsafe extern "C-unwind" fn visited<V: Visitor>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> bool {
    // SAFETY: `context` is the visitor that was passed in above, borrowed for the whole walk.
    unsafe {
        if !node.is_null() && goes_on::<V>(node, context) {
            plain::expression_tree_walker(node, visited::<V>, context);
        }
    }
    false
}

#[pg_guard]
unsafe extern "C-unwind" fn goes_on<V: Visitor>(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> bool {
    // SAFETY: as above.
    unsafe { pgrx::is_a(node, pg_sys::NodeTag::T_List) || (*context.cast::<V>()).visit(node) }
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
