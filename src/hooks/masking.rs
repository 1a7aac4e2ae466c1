//! Hidden fields: every reference to a protected relation, anywhere in a statement, reads the masked row.
//!
//! The whole query tree is walked, once, before planning: subqueries, CTEs, sublinks, set operations, function bodies
//! that would be inlined. Each range table entry of a protected relation is marked, and the finished plan is refused if
//! it holds one without the mark. Row security's own expressions keep reading the stored row, and so does what is written.

use crate::error::{OrRaise, Result};
use crate::functions::require_preloaded;
use crate::hooks::{deletion, leakproof, mark, row_security};
use crate::node::tree::{self, Mutator};
use crate::node::{origin, privilege, relation};
use crate::session::{self, Fingerprint, Session};
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::Cell;
use std::rc::Rc;

mod barrier;
mod checks;
pub mod entry;
mod grouping;
mod merge;
mod narrow;
mod stored;
pub mod switches;
mod template;
mod versions;

pub use entry::{check_copy, check_target, is_enforceable, is_marked, masked_columns};

use switches::Part;
use template::{Mask, Replacement};

/// What a statement's rewriting leaves to do for its plan. Nothing in it needs to be dropped.
#[derive(Clone, Copy)]
pub struct Rewritten {
    /// The context that the plan is good for; `None` when it reaches nothing protected.
    pub fingerprint: Option<Fingerprint>,
    /// Invalidation items of the functions that were inlined.
    pub dependencies: *mut pg_sys::List,
    /// Did an inlined function bring row security with it?
    pub depends_on_role: bool,
    /// The same statement in another form, for the planner to choose, without twins; see [`barrier`].
    pub second: Option<*mut pg_sys::Query>,
    /// The same statement as it was before [`leakproof::rewrite`] had changed it.
    pub without_twins: Option<leakproof::Before>,
    /// Are the expressions so large that they should not be compiled to machine code? LLVM cannot be interrupted.
    pub is_large: bool,
    /// The table that a `DELETE` finds rows in, where all that it finds may be deleted; see [`super::deletion`].
    pub deletes_what_it_finds: Option<pg_sys::Oid>,
}

/// Masks `query` in place.
///
/// # Safety
/// `query` must be a rewritten query that may be scribbled on, `parameters` its parameters or null.
pub unsafe fn rewrite(query: *mut pg_sys::Query, parameters: pg_sys::ParamListInfo) -> Rewritten {
    // SAFETY: by the caller's promise.
    unsafe {
        let root = planner_info(query, parameters);
        let global = (*root).glob;
        let mut rewriter = Rewriter {
            levels: Vec::new(),
            session: None,
            root,
            judges: false,
            is_large: false,
            deletes_what_it_finds: None,
        };
        rewriter.query(query);
        let without_twins = match rewriter.session {
            Some(_) => leakproof::rewrite(query, root),
            None => None,
        };
        // The join with current rows comes after a history's own scan, and may sort what that gives: it has no twins.
        let second = rewriter
            .judges
            .then(|| match &without_twins {
                Some(before) => {
                    let waiting = pg_sys::copyObjectImpl(before.query.cast()).cast();
                    leakproof::hold_back(waiting, root);
                    barrier::second_form(waiting)
                }
                None => barrier::second_form(query),
            })
            .flatten();
        Rewritten {
            fingerprint: rewriter.session.map(|session| session.fingerprint),
            dependencies: (*global).invalItems,
            depends_on_role: (*global).dependsOnRole,
            second,
            without_twins,
            is_large: rewriter.is_large,
            deletes_what_it_finds: rewriter.deletes_what_it_finds,
        }
    }
}

/// As much of the planner's state as its functions ask for that we call.
///
/// # Safety
/// `query` must be a query, `parameters` its parameters or null.
pub unsafe fn planner_info(
    query: *mut pg_sys::Query,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannerInfo {
    // SAFETY: palloc0 gives zeroed nodes; the planner's own functions read only the fields set here.
    unsafe {
        let global =
            pg_sys::palloc0(size_of::<pg_sys::PlannerGlobal>()).cast::<pg_sys::PlannerGlobal>();
        (*global).type_ = pg_sys::NodeTag::T_PlannerGlobal;
        (*global).boundParams = parameters;
        let root = pg_sys::palloc0(size_of::<pg_sys::PlannerInfo>()).cast::<pg_sys::PlannerInfo>();
        (*root).type_ = pg_sys::NodeTag::T_PlannerInfo;
        (*root).glob = global;
        (*root).parse = query;
        root
    }
}

/// One query level: what stands for each of its range table entries.
struct Level {
    masks: Vec<Option<Rc<Mask>>>,
    /// The types that the statement asks of the table of all types that it writes to, where it says so.
    written: Option<Vec<&'static str>>,
    /// What current rows say about versions, each with the place of the versions' entry.
    judgements: Vec<(usize, *mut pg_sys::Node)>,
    /// Did a subquery of ours come into the query?
    has_subqueries: Cell<bool>,
    /// Are expressions being rewritten that totals show (`ROLLUP`)? There PostgreSQL finds by comparison what is grouped by.
    in_totals: bool,
}

impl Level {
    fn is_clear(&self) -> bool {
        self.masks.iter().all(Option::is_none)
    }
}

struct Rewriter {
    levels: Vec<Level>,
    session: Option<Rc<Session>>,
    root: *mut pg_sys::PlannerInfo,
    /// Is a current row asked about versions?
    judges: bool,
    is_large: bool,
    deletes_what_it_finds: Option<pg_sys::Oid>,
}

/// Puts what current rows say about versions beside the predicates of row security, as the last.
///
/// # Safety
/// `query` must be the query whose level the judgements were made for.
unsafe fn judge(query: *mut pg_sys::Query, judgements: Vec<(usize, *mut pg_sys::Node)>) {
    // SAFETY: by the caller's promise.
    unsafe {
        let entries = tree::range_table((*query).rtable);
        for (place, judgement) in judgements {
            if let Some(entry) = entries.get(place) {
                (**entry).securityQuals =
                    pg_sys::lappend((**entry).securityQuals, judgement.cast());
                (*query).hasSubLinks = true;
            }
        }
    }
}

impl Mutator for Rewriter {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node's tag says what it is.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                self.query(node.cast());
                return Some(node);
            }
            if switches::is_off(Part::Sublinks) && pgrx::is_a(node, pg_sys::NodeTag::T_SubLink) {
                return Some(pg_sys::copyObjectImpl(node.cast()).cast());
            }
            if pgrx::is_a(node, pg_sys::NodeTag::T_Var) {
                return self.var(node.cast());
            }
            self.stored(node)
        }
    }
}

impl Rewriter {
    /// Masks one query and all below it, in place.
    ///
    /// # Safety
    /// `query` must be a query that may be scribbled on.
    unsafe fn query(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise.
        unsafe {
            let raw = switches::before(query);
            self.rewrite(query);
            switches::after(query, raw);
        }
    }

    /// As [`Rewriter::query`].
    ///
    /// # Safety
    /// As above.
    unsafe fn rewrite(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise.
        unsafe {
            self.inline_functions(query);
            let mut level = self.level(query).or_raise();
            let judgements = std::mem::take(&mut level.judgements);
            self.levels.push(level);
            if !(*query).hasSubLinks && self.levels.iter().all(Level::is_clear) {
                self.clear_query(query);
                self.levels.pop();
                judge(query, judgements);
                return;
            }

            // What row security compares is the stored row: set its expressions aside.
            let quals: Vec<*mut pg_sys::List> = tree::range_table((*query).rtable)
                .into_iter()
                .map(|entry| std::mem::replace(&mut (*entry).securityQuals, std::ptr::null_mut()))
                .collect();
            let checks = std::mem::replace(&mut (*query).withCheckOptions, std::ptr::null_mut());
            let arbiters = (*query)
                .onConflict
                .as_ref()
                .map(|conflict| (conflict.arbiterElems, conflict.arbiterWhere));

            self.check_grouping_sets(query).or_raise();
            self.complete_merge(query);
            if (*query).groupingSets.is_null() {
                tree::mutate_query(query, self);
            } else {
                let rows = tree::mutate((*query).jointree.cast(), self);
                (*query).jointree = std::ptr::null_mut();
                if let Some(level) = self.levels.last_mut() {
                    level.in_totals = true;
                }
                tree::mutate_query(query, self);
                (*query).jointree = rows.cast();
            }

            for (place, (entry, quals)) in tree::range_table((*query).rtable)
                .into_iter()
                .zip(quals)
                .enumerate()
            {
                (*entry).securityQuals = self.security_quals(query, place, entry, quals);
            }
            (*query).withCheckOptions = checks;
            self.checks(query);
            if let (Some(conflict), Some((elements, condition))) =
                ((*query).onConflict.as_mut(), arbiters)
            {
                // An arbiter names an index, whose expressions are those of the stored row.
                conflict.arbiterElems = elements;
                conflict.arbiterWhere = condition;
            }
            let level = self.levels.pop();
            (*query).hasSubLinks |= level.is_some_and(|level| level.has_subqueries.get());
            judge(query, judgements);
        }
    }

    /// A query in which no expression can change, because nothing in sight is masked: only what is below it is looked at.
    /// Most statements of most databases are nothing but this, and are not copied.
    ///
    /// # Safety
    /// `query` must be the query on top of the levels.
    unsafe fn clear_query(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: the entries of subqueries and the CTEs hold queries of their own.
        unsafe {
            for entry in tree::range_table((*query).rtable) {
                if (*entry).rtekind == pg_sys::RTEKind::RTE_SUBQUERY && !(*entry).subquery.is_null()
                {
                    self.query((*entry).subquery);
                }
            }
            for cte in PgList::<pg_sys::CommonTableExpr>::from_pg((*query).cteList).iter_ptr() {
                self.query((*cte).ctequery.cast());
            }
            self.checks(query);
        }
    }

    /// The quals that come before all others: those of row security compare the stored row; those of a view that is
    /// written through, the masked one, like every condition of a statement.
    ///
    /// # Safety
    /// `entry` must be the entry at `place` of `query`, which is on top of the levels, `quals` its security quals.
    unsafe fn security_quals(
        &mut self,
        query: *const pg_sys::Query,
        place: usize,
        entry: *const pg_sys::RangeTblEntry,
        quals: *mut pg_sys::List,
    ) -> *mut pg_sys::List {
        // SAFETY: by the caller's promise.
        unsafe {
            let masked = self
                .levels
                .last()
                .and_then(|level| level.masks.get(place))
                .is_some_and(Option::is_some);
            if !masked {
                return tree::mutate(quals.cast(), self).cast();
            }
            let number = i32::try_from(place + 1).unwrap_or(i32::MAX);
            let relation = relation::OpenRelation::open((*entry).relid);
            let mut rewritten = std::ptr::null_mut();
            for qual in PgList::<pg_sys::Node>::from_pg(quals).iter_ptr() {
                let stored = mark::of(qual).is_some()
                    || row_security::is_users_policy(relation.as_ptr(), query, entry, number, qual);
                let qual = if stored {
                    origin::stamp(qual);
                    self.unmasked(place, qual)
                } else {
                    tree::mutate(qual, self)
                };
                rewritten = pg_sys::lappend(rewritten, qual.cast());
            }
            rewritten
        }
    }

    /// Goes through an expression in which the row of one entry is the stored one.
    ///
    /// # Safety
    /// `node` must be null or a node of the query on top of the levels.
    unsafe fn unmasked(&mut self, place: usize, node: *mut pg_sys::Node) -> *mut pg_sys::Node {
        let Some(level) = self.levels.last_mut() else {
            return node;
        };
        let mask = level.masks.get_mut(place).and_then(Option::take);
        // SAFETY: by the caller's promise.
        let rewritten = unsafe { tree::mutate(node, self) };
        if let Some(slot) = self
            .levels
            .last_mut()
            .and_then(|level| level.masks.get_mut(place))
        {
            *slot = mask;
        }
        rewritten
    }

    /// Inlines the set-returning SQL functions that the planner would inline, so that their bodies are masked too.
    ///
    /// # Safety
    /// `query` must be a query that may be scribbled on.
    unsafe fn inline_functions(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: the same steps as the planner's own preprocessing of function entries.
        unsafe {
            for entry in tree::range_table((*query).rtable) {
                if (*entry).rtekind != pg_sys::RTEKind::RTE_FUNCTION {
                    continue;
                }
                (*entry).functions =
                    pg_sys::eval_const_expressions(self.root, (*entry).functions.cast()).cast();
                let body = pg_sys::inline_set_returning_function(self.root, entry);
                if !body.is_null() {
                    (*entry).rtekind = pg_sys::RTEKind::RTE_SUBQUERY;
                    (*entry).subquery = body;
                    (*entry).security_barrier = false;
                    (*entry).functions = std::ptr::null_mut();
                    (*entry).funcordinality = false;
                }
            }
        }
    }

    /// Marks the protected entries of a query, makes sure of their predicates, and prepares their masks.
    ///
    /// # Safety
    /// `query` must be a query that may be scribbled on.
    unsafe fn level(&mut self, query: *mut pg_sys::Query) -> Result<Level> {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut masks = Vec::new();
            let mut written = None;
            let mut judgements = Vec::new();
            for (number, entry) in (1_i32..).zip(tree::range_table((*query).rtable)) {
                let Some(protected) = entry::enforced(entry)? else {
                    // One that is exempt is marked as well: its partitions and children carry the mark on.
                    if entry::is_registered(entry) {
                        entry::mark_as_seen(entry, &[]);
                    }
                    masks.push(None);
                    continue;
                };
                if !relation::row_security_forced(protected.relation) {
                    return Err(entry::not_ready(
                        protected.relation,
                        "row security",
                        "is switched off",
                    ));
                }
                require_preloaded()?;
                let session = self.session()?;
                let target = (*query).resultRelation == number;
                if target && protected.history.is_some() {
                    return Err(versions::refusal(&protected, (*query).commandType));
                }
                let types = narrow::types_asked(query, number, &protected, self.root);
                let reach = session.reach_on(&protected, protected.reading(), types.as_deref())?;
                self.is_large |= reach.is_large();
                if privilege::role_is_subject(entry::effective_user(entry)) {
                    entry::check_marks(query, entry, target, session.fingerprint)?;
                    entry::fill_in(entry, number, &session, &protected, &reach)?;
                } else if !switches::is_off(Part::Views) {
                    entry::add_predicates(query, entry, number, &session, &protected, &reach)?;
                }
                if target {
                    written = types;
                }
                if let Some(judgement) = versions::judgement(&session, &protected)? {
                    pg_sys::ChangeVarNodes(judgement, 1, number, 0);
                    self.judges = true;
                    judgements.push((masks.len(), judgement));
                }
                let stored_conflict = target
                    && (*query).onConflict.as_ref().is_some_and(|conflict| {
                        conflict.action == pg_sys::OnConflictAction::ONCONFLICT_UPDATE
                    });
                let mask =
                    Mask::for_session(session.fingerprint, &protected, &reach, stored_conflict)?;
                // The mark stands for both: a plan is not made without either.
                if entry::has_predicates(query, entry, target, session.fingerprint) {
                    let columns = mask.as_ref().map(|mask| mask.masked_columns());
                    entry::mark_as_seen(entry, &columns.unwrap_or_default());
                    if target
                        && self.levels.is_empty()
                        && deletion::is_simple(query)
                        && deletion::needs_no_more(&session, &protected)?
                    {
                        self.deletes_what_it_finds = Some(protected.relation);
                    }
                }
                if mask.is_none() && !target {
                    entry::lift_what_is_true(entry);
                }
                masks.push(mask);
            }
            Ok(Level {
                masks,
                judgements,
                has_subqueries: Cell::new(false),
                in_totals: false,
                written,
            })
        }
    }

    fn session(&mut self) -> Result<Rc<Session>> {
        if let Some(session) = &self.session {
            return Ok(Rc::clone(session));
        }
        let session = session::current()?;
        self.session = Some(Rc::clone(&session));
        Ok(session)
    }

    /// The mask of the entry that a variable belongs to, if it has one, and its level, with how many levels above it is.
    ///
    /// # Safety
    /// `var` must be a Var of the tree that is being walked.
    unsafe fn mask(&self, var: *const pg_sys::Var) -> Option<(&Rc<Mask>, &Level, usize)> {
        // SAFETY: by the caller's promise; a level for each query above is on the stack.
        unsafe {
            let up = usize::try_from((*var).varlevelsup).ok()?;
            let level = self.levels.get(self.levels.len().checked_sub(up + 1)?)?;
            let place = usize::try_from((*var).varno).ok()?.checked_sub(1)?;
            Some((level.masks.get(place)?.as_ref()?, level, up))
        }
    }

    /// The expression that stands for a column of a masked entry.
    ///
    /// # Safety
    /// `var` must be a Var of the tree that is being walked.
    unsafe fn var(&mut self, var: *mut pg_sys::Var) -> Option<*mut pg_sys::Node> {
        // SAFETY: by the caller's promise.
        unsafe {
            let (mask, _, up) = self.mask(var)?;
            match mask.replacement((*var).varattno).or_raise() {
                Replacement::Itself => None,
                Replacement::Null => Some(
                    pg_sys::makeNullConst((*var).vartype, (*var).vartypmod, (*var).varcollid)
                        .cast(),
                ),
                Replacement::Expression(template) => {
                    if let Some(top) = self.levels.last().filter(|_| mask.asks_current_row()) {
                        top.has_subqueries.set(true);
                    }
                    let expression: *mut pg_sys::Node =
                        pg_sys::copyObjectImpl(template.cast()).cast();
                    pg_sys::ChangeVarNodes(expression, 1, (*var).varno, 0);
                    pg_sys::IncrementVarSublevelsUp(
                        expression,
                        i32::try_from(up).unwrap_or(i32::MAX),
                        0,
                    );
                    Some(expression)
                }
            }
        }
    }
}

/// Does row security make checks of this kind? What else there is comes from views, some of it only from newer minor versions.
pub fn is_of_row_security(kind: pg_sys::WCOKind::Type) -> bool {
    use pg_sys::WCOKind;
    [
        WCOKind::WCO_RLS_INSERT_CHECK,
        WCOKind::WCO_RLS_UPDATE_CHECK,
        WCOKind::WCO_RLS_CONFLICT_CHECK,
        WCOKind::WCO_RLS_MERGE_UPDATE_CHECK,
        WCOKind::WCO_RLS_MERGE_DELETE_CHECK,
    ]
    .contains(&kind)
}
