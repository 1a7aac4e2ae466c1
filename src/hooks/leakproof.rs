//! A statement's own conditions on protected tables, below row security's where they cannot leak.
//!
//! PostgreSQL asks an index for a condition before row security's own only where it knows that all functions in it are leakproof,
//! by the flag of each: of `resource @> …` it does not. In such a statement an operator's function (`opfuncid`, not `opno`) is
//! replaced by its twin ([`table`]), which is marked so, where the operator raises no error whatever the row ([`rules`]). The
//! operator stays, so it is shown, estimated and matched with indexes as before.
//!
//! In our own conditions that is done for parts of documents alone: where a statement asks for what a policy asks for, too, PostgreSQL
//! finds that it is the same.
//!
//! Expressions of indexes, partition keys and statistics are compared with a statement's, functions included, unless one of
//! the two is not looked up yet: for planning, theirs are made so.
//!
//! `EXPLAIN ANALYZE` counts what indexes found before row security looked at it: it runs without ([`analyze`]). So does a statement
//! whose plan could tell otherwise which rows its conditions have met ([`settled`]). Index functions, which are leakproof themselves,
//! are kept from being taken for it then.

use super::{fuzzy, masking};
use crate::catalog::catalog;
use crate::error::OrRaise;
use crate::hooks::mark;
use crate::node::call::Call;
use crate::node::tree::{self, Visitor};
use crate::settings;
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};
use std::ffi::CStr;

pub mod analyze;
mod clock;
mod columns;
pub mod expressions;
mod paths;
mod rules;
pub mod serializable;
pub mod settled;
pub mod silent;
mod table;
pub mod whole;

use columns::reads;
use table::{Rule, Twin};

/// A statement as it was before it got twins.
#[derive(Clone, Copy)]
pub struct Before {
    pub query: *mut pg_sys::Query,
    /// Do somebody's conditions keep rows of a protected table back, beside ours: a restrictive policy of its owner, or a barrier that
    /// it is written through? They may raise errors, and wait for nothing.
    pub narrowed: bool,
}

/// Puts twins in the place of a statement's functions. Gives the statement as it was, where there is any, a call of an index
/// function, or one that may become such: for [`hold_back`], if the plan turns out to [tell](settled::tells).
///
/// # Safety
/// `query` must be a query that the rewriter is done with, `root` the planner's state with the statement's parameters.
pub unsafe fn rewrite(query: *mut pg_sys::Query, root: *mut pg_sys::PlannerInfo) -> Option<Before> {
    let counts = analyze::is_running() || fuzzy::is_on();
    // SAFETY: by the caller's promise; what was found is of this query.
    unsafe {
        let mut found = Twins::of(query, root)?;
        if !settings::leakproof_operators() {
            found.operators.clear();
        }
        if found.keys.is_empty() && found.bodies.is_empty() && found.operators.is_empty() {
            return None;
        }
        if counts || found.entries > MOST_ENTRIES {
            found.wait();
            return None;
        }
        let before = Before {
            query: pg_sys::copyObjectImpl(query.cast()).cast(),
            narrowed: found.narrowed,
        };
        for asked in found.operators {
            let operator = asked.operator;
            (*operator).opno = asked.as_operator;
            (*operator).opfuncid = asked.function;
            (*operator).args = asked.arguments;
        }
        Some(before)
    }
}

/// Has a statement's calls of index functions wait for row security's conditions, and those that may become such; twins it gets
/// none.
///
/// # Safety
/// As above.
pub unsafe fn hold_back(query: *mut pg_sys::Query, root: *mut pg_sys::PlannerInfo) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(found) = Twins::of(query, root) {
            found.wait();
        }
    }
}

/// A statement of more queries, tables and windows has none: each takes stack where rows are found.
const MOST_ENTRIES: usize = 150;

/// Has the planner take a call to leak: `COALESCE` is not known not to. It vanishes from constants.
///
/// # Safety
/// `arguments` must be those of a call.
unsafe fn wait(arguments: *mut pg_sys::List) {
    // SAFETY: by the caller's promise; palloc0 gives a zeroed node, every field of which is set.
    unsafe {
        let mut arguments = PgList::<pg_sys::Node>::from_pg(arguments);
        for place in 0..arguments.len() {
            let Some(argument) = arguments.get_ptr(place) else {
                return;
            };
            // Its argument is wrapped in its place.
            let named = pgrx::is_a(argument, pg_sys::NodeTag::T_NamedArgExpr)
                .then_some(argument.cast::<pg_sys::NamedArgExpr>());
            let inside = named.map_or(argument, |named| (*named).arg.cast());
            let same =
                pg_sys::palloc0(size_of::<pg_sys::CoalesceExpr>()).cast::<pg_sys::CoalesceExpr>();
            (*same).xpr.type_ = pg_sys::NodeTag::T_CoalesceExpr;
            (*same).coalescetype = pg_sys::exprType(inside);
            (*same).coalescecollid = pg_sys::exprCollation(inside);
            (*same).args = pg_sys::lappend(std::ptr::null_mut(), inside.cast());
            (*same).location = -1;
            match named {
                Some(named) => (*named).arg = same.cast(),
                None => arguments.replace_ptr(place, same.cast()),
            }
        }
    }
}

struct Twins {
    schema: pg_sys::Oid,
    root: *mut pg_sys::PlannerInfo,
    /// The queries around a node, from the outermost.
    levels: Vec<*mut pg_sys::Query>,
    /// Conditions that are not the statement's.
    not_theirs: HashSet<*mut pg_sys::Node>,
    /// Is a condition of ours being visited?
    in_ours: bool,
    /// Is one being visited that stands among row security's, but is [somebody's](Twins::others)?
    in_others: bool,
    /// The functions of twins that were looked up, by their names.
    found: HashMap<&'static CStr, Option<pg_sys::Oid>>,
    /// How many queries, tables and windows the statement has.
    entries: usize,
    operators: Vec<Asked>,
    narrowed: bool,
    /// The arguments of the statement's calls of index functions, which are leakproof themselves.
    keys: Vec<*mut pg_sys::List>,
    /// The arguments of calls in whose place the planner may put an index function or a twin: of [functions](rules::has_body) whose
    /// body it reads.
    bodies: Vec<*mut pg_sys::List>,
}

/// An operator that gets a twin.
struct Asked {
    operator: *mut pg_sys::OpExpr,
    /// Itself, or its commutator.
    as_operator: pg_sys::Oid,
    /// The twin.
    function: pg_sys::Oid,
    /// Its arguments as they were looked at: what is known of them is put there, as an expression may come to something else when it
    /// is worked out again, where functions are not as immutable as they say.
    arguments: *mut pg_sys::List,
}

impl Visitor for Twins {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if self.not_theirs.contains(&node) {
                if let Some(condition) = mark::marked(node) {
                    let before = std::mem::replace(&mut self.in_ours, true);
                    tree::visit(condition, self);
                    self.in_ours = before;
                }
                return false;
            }
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                self.query(node.cast());
                return false;
            }
            let Some(called) = Call::of(node) else {
                return true;
            };
            self.body(&called);
            if pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr) {
                self.operator(node.cast());
            }
            if called.is_operators() {
                self.borrowed(&called);
            } else if called.function().to_u32() >= pg_sys::FirstNormalObjectId {
                if self.is_protected(called.arguments) {
                    paths::check(self.schema, &*node.cast()).or_raise();
                }
                // PostgreSQL takes them to be leakproof whatever else they are given.
                if !self.in_ours && self.is_ours(called.function()) {
                    self.keys.push(called.arguments);
                }
            }
        }
        true
    }
}

impl Twins {
    /// What a statement has of them.
    ///
    /// # Safety
    /// As for [`rewrite`].
    unsafe fn of(query: *mut pg_sys::Query, root: *mut pg_sys::PlannerInfo) -> Option<Self> {
        let mut twins = Twins {
            schema: catalog()?.schema,
            root,
            levels: Vec::new(),
            not_theirs: HashSet::new(),
            in_ours: false,
            in_others: false,
            found: HashMap::new(),
            entries: 0,
            operators: Vec::new(),
            narrowed: false,
            keys: Vec::new(),
            bodies: Vec::new(),
        };
        // SAFETY: by the caller's promise.
        unsafe { twins.query(query) };
        Some(twins)
    }

    /// Has the calls of index functions wait, and those that may become such.
    ///
    /// # Safety
    /// The statement must be there still, and its planning not begun.
    unsafe fn wait(self) {
        // Some nodes stand at several places.
        let calls: HashSet<_> = self.keys.into_iter().chain(self.bodies).collect();
        // SAFETY: by the caller's promise.
        calls
            .into_iter()
            .for_each(|arguments| unsafe { wait(arguments) });
    }

    /// Notes a call in whose place the planner may put something else.
    fn body(&mut self, call: &Call) {
        let may_become = match call.is_operators() {
            // In the place of NOT, its negator is put, whose function may be any. The extension's own are leakproof.
            true => call.operator.to_u32() >= pg_sys::FirstNormalObjectId,
            false => !call.arguments.is_null() && rules::has_body(call.function()),
        };
        if !self.in_ours && may_become {
            self.bodies.push(call.arguments);
        }
    }

    /// Is it an index function, or a twin?
    fn is_ours(&self, function: pg_sys::Oid) -> bool {
        // SAFETY: look-ups in the catalogs.
        unsafe {
            function != pg_sys::InvalidOid
                && pg_sys::get_func_namespace(function) == self.schema
                && pg_sys::get_func_leakproof(function)
        }
    }

    /// An operator that somebody has made of one of them always waits: nobody has looked at what it is given.
    ///
    /// # Safety
    /// `call` must be an operator's.
    unsafe fn borrowed(&self, call: &Call) {
        if !self.in_ours && rules::is_made(call.operator) && self.is_ours(call.function()) {
            // SAFETY: by the caller's promise.
            unsafe { wait(call.arguments) }
        }
    }

    /// # Safety
    /// `query` must be a query that may be scribbled on.
    unsafe fn query(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise.
        unsafe {
            for entry in tree::range_table((*query).rtable) {
                self.leave_out((*entry).securityQuals);
                self.narrowed |= columns::is_narrowed(entry);
            }
            let checks = PgList::<pg_sys::WithCheckOption>::from_pg((*query).withCheckOptions);
            self.not_theirs
                .extend(checks.iter_ptr().map(|check| (*check).qual));
            if let Some(conflict) = (*query).onConflict.as_ref() {
                // They name an index.
                self.leave_out(conflict.arbiterElems);
                self.not_theirs.insert(conflict.arbiterWhere);
            }
            if !self.in_ours {
                let windows = (*query).windowClause.as_ref().map_or(0, |list| list.length);
                let windows = usize::try_from(windows).unwrap_or(0);
                self.entries += 1 + tree::range_table((*query).rtable).len() + windows;
            }
            self.levels.push(query);
            tree::visit_query(query, self);
            self.others(query);
            self.levels.pop();
        }
    }

    /// Conditions that are somebody's, and stand where row security's do: of a view `WITH (security_barrier)` that a statement writes
    /// through, and of policies on tables that are not protected, which may ask protected ones. They get no twins.
    ///
    /// # Safety
    /// `query` must be the query on top.
    unsafe fn others(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut conditions = Vec::new();
            for (number, entry) in (1_i32..).zip(tree::range_table((*query).rtable)) {
                if number == (*query).resultRelation || !masking::is_marked(entry) {
                    let list = PgList::<pg_sys::Node>::from_pg((*entry).securityQuals);
                    conditions.extend(list.iter_ptr());
                }
            }
            let checks = PgList::<pg_sys::WithCheckOption>::from_pg((*query).withCheckOptions);
            conditions.extend(checks.iter_ptr().map(|check| (*check).qual));
            let before = std::mem::replace(&mut self.in_others, true);
            for condition in conditions {
                if mark::of(condition).is_none() {
                    self.not_theirs.remove(&condition);
                    tree::visit(condition, self);
                }
            }
            self.in_others = before;
        }
    }

    /// # Safety
    /// `list` must be a list of nodes.
    unsafe fn leave_out(&mut self, list: *mut pg_sys::List) {
        // SAFETY: by the caller's promise.
        unsafe {
            let nodes = PgList::<pg_sys::Node>::from_pg(list);
            self.not_theirs.extend(nodes.iter_ptr());
        }
    }

    /// # Safety
    /// `operator` must be an operator of the query on top.
    unsafe fn operator(&mut self, operator: *mut pg_sys::OpExpr) {
        // SAFETY: by the caller's promise.
        unsafe {
            if table::of((*operator).opno).next().is_none()
                || self.in_others
                || self.in_ours && !table::gives_part((*operator).opno)
                || !self.is_protected((*operator).args)
            {
                return;
            }
            let mut looked_at = *operator;
            looked_at.args = rules::with_known(self.root, looked_at.args);
            turn(&mut looked_at);
            let fits = |twin: &&Twin| {
                let pattern = PgList::<pg_sys::Node>::from_pg(looked_at.args).get_ptr(twin.pattern);
                let is_apart = [Rule::Any, Rule::Arrays, Rule::Short].contains(&twin.rule)
                    || pattern.is_some_and(|pattern| reads(pattern).is_some_and(|v| v.is_empty()));
                is_apart && rules::holds(&looked_at, twin)
            };
            let Some(twin) = table::of(looked_at.opno).find(fits) else {
                return;
            };
            let found = self
                .found
                .entry(twin.name)
                .or_insert_with(|| function(twin));
            if let Some(function) = found {
                self.operators.push(Asked {
                    operator,
                    as_operator: looked_at.opno,
                    function: *function,
                    arguments: looked_at.args,
                });
            }
        }
    }
}

/// Puts what reads columns on the left, as it stands at an index: PostgreSQL would turn it around by the operator alone, and lose
/// the twin.
///
/// # Safety
/// `operator` must be an operator of a query, whose list of arguments nobody else has.
unsafe fn turn(operator: &mut pg_sys::OpExpr) {
    // SAFETY: by the caller's promise; a look-up in the catalogs.
    unsafe {
        let arguments = PgList::<pg_sys::Node>::from_pg(operator.args);
        let (Some(left), Some(right)) = (arguments.get_ptr(0), arguments.get_ptr(1)) else {
            return;
        };
        let commutator = pg_sys::get_commutator(operator.opno);
        let is_apart = reads(left).is_some_and(|columns| columns.is_empty())
            && reads(right).is_some_and(|columns| !columns.is_empty());
        if is_apart && table::of(commutator).next().is_some() {
            operator.opno = commutator;
            let turned = pg_sys::lappend(std::ptr::null_mut(), right.cast());
            operator.args = pg_sys::lappend(turned, left.cast());
        }
    }
}

/// The function of a twin, if it is there and marked as leakproof.
fn function(twin: &Twin) -> Option<pg_sys::Oid> {
    // SAFETY: a look-up in the catalogs.
    crate::catalog::function(twin.name, &twin.arguments)
        .filter(|function| unsafe { pg_sys::get_func_leakproof(*function) })
}
