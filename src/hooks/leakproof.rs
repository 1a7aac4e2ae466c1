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

use super::masking;
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
mod paths;
mod rules;
pub mod settled;
mod table;

use table::{Rule, Twin};

static mut PREVIOUS: pg_sys::get_relation_info_hook_type = None;

/// Installs the hook.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::get_relation_info_hook;
        pg_sys::get_relation_info_hook = Some(relation_info);
    }
    analyze::init();
}

/// Puts twins in the place of a statement's functions. Gives the statement as it was, where there is any, a call of an index
/// function, or one that may become such: for [`hold_back`], if the plan turns out to [tell](settled::tells).
///
/// # Safety
/// `query` must be a query that the rewriter is done with, `root` the planner's state with the statement's parameters.
pub unsafe fn rewrite(
    query: *mut pg_sys::Query,
    root: *mut pg_sys::PlannerInfo,
) -> Option<*mut pg_sys::Query> {
    let counts = analyze::is_running();
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
        let before = pg_sys::copyObjectImpl(query.cast()).cast();
        for (operator, function, arguments) in found.operators {
            (*operator).opfuncid = function;
            (*operator).args = arguments;
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
    /// Operators, each with its twin's function, and its arguments as they were looked at: what is known of them is put there, as
    /// an expression may come to something else when it is worked out again, where functions are not as immutable as they say.
    operators: Vec<(*mut pg_sys::OpExpr, pg_sys::Oid, *mut pg_sys::List)>,
    /// The arguments of the statement's calls of index functions, which are leakproof themselves.
    keys: Vec<*mut pg_sys::List>,
    /// The arguments of calls in whose place the planner may put an index function or a twin: of [functions](rules::has_body) whose
    /// body it reads.
    bodies: Vec<*mut pg_sys::List>,
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
            let fits = |twin: &&Twin| {
                let pattern = PgList::<pg_sys::Node>::from_pg(looked_at.args).get_ptr(twin.pattern);
                let is_apart = [Rule::Any, Rule::Arrays, Rule::Short].contains(&twin.rule)
                    || pattern.is_some_and(|pattern| reads(pattern).is_some_and(|v| v.is_empty()));
                is_apart && rules::holds(&looked_at, twin)
            };
            let Some(twin) = table::of((*operator).opno).find(fits) else {
                return;
            };
            let found = self
                .found
                .entry(twin.name)
                .or_insert_with(|| function(twin));
            if let Some(function) = found {
                self.operators.push((operator, *function, looked_at.args));
            }
        }
    }

    /// Does an expression read protected tables, and no other?
    ///
    /// # Safety
    /// `expression` must be one of the query on top, or a list of them.
    unsafe fn is_protected(&self, expression: *mut pg_sys::List) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            reads(expression.cast()).is_some_and(|variables| {
                !variables.is_empty()
                    && variables.into_iter().all(|variable| {
                        let above = usize::try_from((*variable).varlevelsup).ok();
                        above
                            .and_then(|above| self.levels.len().checked_sub(above + 1))
                            .is_some_and(|level| self.is_of_protected(level, None, variable, 0))
                    })
            })
        }
    }

    /// Is a variable a column of a protected table, or one that a subquery only hands on? `inside` is a subquery of the level.
    ///
    /// # Safety
    /// The variable must be one of the query of the level, or of the one inside.
    unsafe fn is_of_protected(
        &self,
        level: usize,
        inside: Option<*mut pg_sys::Query>,
        variable: *const pg_sys::Var,
        depth: usize,
    ) -> bool {
        /// Views in views.
        const DEEPEST: usize = 16;
        // SAFETY: by the caller's promise.
        unsafe {
            let Some(query) = inside.or(self.levels.get(level).copied()) else {
                return false;
            };
            let entries = tree::range_table((*query).rtable);
            let place = usize::try_from((*variable).varno).unwrap_or(0);
            let Some(entry) = place.checked_sub(1).and_then(|place| entries.get(place)) else {
                return false;
            };
            let column = usize::try_from((*variable).varattno).unwrap_or(0);
            let below = match (**entry).rtekind {
                pg_sys::RTEKind::RTE_RELATION => return is_secured(*entry),
                pg_sys::RTEKind::RTE_JOIN => {
                    let columns = PgList::<pg_sys::Node>::from_pg((**entry).joinaliasvars);
                    return column
                        .checked_sub(1)
                        .and_then(|place| columns.get_ptr(place))
                        .is_some_and(|node| {
                            depth < DEEPEST
                                && pgrx::is_a(node, pg_sys::NodeTag::T_Var)
                                && self.is_of_protected(level, inside, node.cast(), depth + 1)
                        });
                }
                // What an owner's barrier keeps back is not ours to let by.
                pg_sys::RTEKind::RTE_SUBQUERY if !(**entry).security_barrier => (**entry).subquery,
                pg_sys::RTEKind::RTE_CTE if inside.is_none() => self.cte(level, *entry),
                _ => return false,
            };
            if below.is_null()
                || depth >= DEEPEST
                || (*below).commandType != pg_sys::CmdType::CMD_SELECT
                || !(*below).setOperations.is_null()
            {
                return false;
            }
            let targets = PgList::<pg_sys::TargetEntry>::from_pg((*below).targetList);
            let is_it =
                |target: &*mut pg_sys::TargetEntry| usize::try_from((**target).resno) == Ok(column);
            let Some(target) = targets.iter_ptr().find(is_it) else {
                return false;
            };
            let node = (*target).expr;
            pgrx::is_a(node.cast(), pg_sys::NodeTag::T_Var)
                && (*node.cast::<pg_sys::Var>()).varlevelsup == 0
                && self.is_of_protected(level, Some(below), node.cast(), depth + 1)
        }
    }

    /// The query of a CTE.
    ///
    /// # Safety
    /// `entry` must be an entry of the level's query, for a CTE.
    unsafe fn cte(&self, level: usize, entry: *const pg_sys::RangeTblEntry) -> *mut pg_sys::Query {
        // SAFETY: by the caller's promise; names are C strings.
        unsafe {
            let above = usize::try_from((*entry).ctelevelsup).ok();
            let query = above
                .and_then(|above| level.checked_sub(above))
                .and_then(|level| self.levels.get(level));
            let Some(query) = query else {
                return std::ptr::null_mut();
            };
            let name = CStr::from_ptr((*entry).ctename);
            let is_it = |cte: &*mut pg_sys::CommonTableExpr| {
                CStr::from_ptr((**cte).ctename) == name && !(**cte).cterecursive
            };
            PgList::<pg_sys::CommonTableExpr>::from_pg((**query).cteList)
                .iter_ptr()
                .find(is_it)
                .map_or(std::ptr::null_mut(), |cte| (*cte).ctequery.cast())
        }
    }
}

/// The function of a twin, if it is there and marked as leakproof.
fn function(twin: &Twin) -> Option<pg_sys::Oid> {
    // SAFETY: a look-up in the catalogs.
    crate::catalog::function(twin.name, &twin.arguments)
        .filter(|function| unsafe { pg_sys::get_func_leakproof(*function) })
}

/// Is this the entry of a protected table, with conditions of row security's that do not hold for all rows?
///
/// # Safety
/// `entry` must be an entry of a table.
unsafe fn is_secured(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
    unsafe {
        masking::is_marked(entry)
            && PgList::<pg_sys::Node>::from_pg((*entry).securityQuals)
                .iter_ptr()
                .any(|qual| {
                    let condition = mark::marked(qual).unwrap_or(qual);
                    // A constant, or the visible policy, of which the planner knows that it holds.
                    let holds = pgrx::is_a(condition, pg_sys::NodeTag::T_Const)
                        || pgrx::is_a(condition, pg_sys::NodeTag::T_FuncExpr)
                            && (*condition.cast::<pg_sys::FuncExpr>()).args.is_null();
                    !holds
                })
    }
}

/// The variables of an expression; `None` where it has a subquery or a parameter of the executor.
///
/// # Safety
/// `expression` must be null, an expression or a list of them.
unsafe fn reads(expression: *mut pg_sys::Node) -> Option<Vec<*const pg_sys::Var>> {
    struct Reads {
        variables: Vec<*const pg_sys::Var>,
        is_plain: bool,
    }
    impl Visitor for Reads {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            // SAFETY: a node is looked at as what its tag says.
            unsafe {
                match (*node).type_ {
                    pg_sys::NodeTag::T_Var => self.variables.push(node.cast()),
                    pg_sys::NodeTag::T_Query | pg_sys::NodeTag::T_SubLink => self.is_plain = false,
                    pg_sys::NodeTag::T_Param => {
                        self.is_plain &= (*node.cast::<pg_sys::Param>()).paramkind
                            == pg_sys::ParamKind::PARAM_EXTERN;
                    }
                    _ => {}
                }
                self.is_plain
            }
        }
    }
    let mut reads = Reads {
        variables: Vec::new(),
        is_plain: true,
    };
    // SAFETY: by the caller's promise.
    unsafe { tree::visit(expression, &mut reads) };
    reads.is_plain.then_some(reads.variables)
}

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn relation_info(
    root: *mut pg_sys::PlannerInfo,
    relation: pg_sys::Oid,
    is_parent: bool,
    info: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: called by the planner; the previous hook gets the same.
    unsafe {
        if let Some(previous) = PREVIOUS {
            previous(root, relation, is_parent, info);
        }
        open_expressions(root, info);
    }
}

/// Lets the expressions that come with a protected table match those of a statement, whichever function stands in them.
#[pg_guard]
unsafe extern "C-unwind" fn open_expressions(
    root: *mut pg_sys::PlannerInfo,
    info: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: the planner's own copies, made for this relation of this statement.
    unsafe {
        let entries = (*root).simple_rte_array;
        let place = usize::try_from((*info).relid).unwrap_or(0);
        if entries.is_null() || (*info).relid >= (*root).simple_rel_array_size as u32 {
            return;
        }
        let entry = *entries.add(place);
        if entry.is_null() || !masking::is_marked(entry) {
            return;
        }
        let open = |expression: *mut pg_sys::List| tree::visit(expression.cast(), &mut Open);
        for index in PgList::<pg_sys::IndexOptInfo>::from_pg((*info).indexlist).iter_ptr() {
            open((*index).indexprs);
            open((*index).indpred);
        }
        for statistics in PgList::<pg_sys::StatisticExtInfo>::from_pg((*info).statlist).iter_ptr() {
            open((*statistics).exprs);
        }
        if !(*info).part_scheme.is_null() && !(*info).partexprs.is_null() {
            let count = usize::try_from((*(*info).part_scheme).partnatts).unwrap_or(0);
            for key in 0..count {
                open(*(*info).partexprs.add(key));
            }
        }
        open((*info).partition_qual);
    }
}

struct Open;

impl Visitor for Open {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr) {
                let operator = node.cast::<pg_sys::OpExpr>();
                if table::of((*operator).opno).next().is_some() {
                    // "Not looked up yet": PostgreSQL looks it up again where it runs it.
                    (*operator).opfuncid = pg_sys::InvalidOid;
                }
            }
        }
        true
    }
}
