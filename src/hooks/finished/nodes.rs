//! The nodes of a plan, from the leaves up.

use super::flow::{Inputs, Outputs};
use super::{Plan, Shape, refusal};
use crate::error::Result;
use crate::hooks::masking;
use crate::node::index;
use pg_sys::NodeTag::*;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::{CStr, c_void};

impl Plan {
    /// The statement's own plan, and those of its subqueries.
    ///
    /// # Safety
    /// `plan` must be the plan under examination.
    pub(super) unsafe fn statement(&mut self, plan: *const pg_sys::PlannedStmt) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe {
            self.query((*plan).planTree, Shape::Statement)?;
            for (number, subplan) in (1_i32..).zip(self.subplans.clone()) {
                let shape = match self.ctes.contains(&number) {
                    true => Shape::Cte,
                    false => Shape::Sublink,
                };
                self.query(subplan, shape)?;
            }
        }
        Ok(())
    }

    /// The plan of a query: what comes out of it is what it may show.
    ///
    /// # Safety
    /// `plan` must be null or a plan.
    unsafe fn query(&mut self, plan: *mut pg_sys::Plan, shape: Shape) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe {
            let outputs = self.node(plan, shape)?;
            match plan.as_ref() {
                Some(plan) => self.refuse_results(plan.targetlist, &outputs, shape),
                None => Ok(()),
            }
        }
    }

    /// A list of plans, and what they put out together.
    ///
    /// # Safety
    /// `plans` must be a list of plans.
    unsafe fn together(&mut self, plans: *mut pg_sys::List, shape: Shape) -> Result<Outputs> {
        let mut all = Outputs::new();
        // SAFETY: by the caller's promise.
        unsafe {
            for plan in PgList::<pg_sys::Plan>::from_pg(plans).iter_ptr() {
                merge(&mut all, self.node(plan, shape)?);
            }
        }
        Ok(all)
    }

    /// One node and all below it. Says which stored columns it puts out.
    ///
    /// # Safety
    /// `plan` must be null or a plan.
    unsafe fn node(&mut self, plan: *mut pg_sys::Plan, shape: Shape) -> Result<Outputs> {
        // SAFETY: by the caller's promise; a node is looked at as what its tag says.
        unsafe {
            let Some(node) = plan.as_ref() else {
                return Ok(Outputs::new());
            };
            pg_sys::check_stack_depth();
            self.scan(plan)
                .map_or(Ok(()), |relation| match self.refuses {
                    true => Err(refusal(relation, shape)),
                    false => Ok(()),
                })?;
            let mut inputs = Inputs {
                outer: self.node(node.lefttree, shape)?,
                ..Inputs::default()
            };
            if node.type_ == T_NestLoop {
                self.hand_over((*plan.cast::<pg_sys::NestLoop>()).nestParams, &inputs)?;
            }
            inputs.inner = self.node(node.righttree, shape)?;
            for initial in PgList::<pg_sys::Node>::from_pg(node.initPlan).iter_ptr() {
                self.name_cte(initial.cast());
                self.refuse(initial, &inputs, Shape::Sublink)?;
            }
            match node.type_ {
                T_ModifyTable => return self.modification(plan.cast(), inputs),
                T_SubqueryScan => {
                    // Whoever reads what comes out of it is asked: a subquery of ours hands stored columns on.
                    let scan = &*plan.cast::<pg_sys::SubqueryScan>();
                    let shape = match shape {
                        Shape::SetOperation => shape,
                        _ => Shape::Subquery,
                    };
                    let number = i32::try_from(scan.scan.scanrelid).unwrap_or(i32::MAX);
                    inputs.subquery = Some((number, self.node(scan.subplan, shape)?));
                }
                T_Append => {
                    let plans = (*plan.cast::<pg_sys::Append>()).appendplans;
                    inputs.outer = self.together(plans, Shape::SetOperation)?;
                }
                T_MergeAppend => {
                    let plans = (*plan.cast::<pg_sys::MergeAppend>()).mergeplans;
                    inputs.outer = self.together(plans, Shape::SetOperation)?;
                }
                T_RecursiveUnion => {
                    let inner = std::mem::take(&mut inputs.inner);
                    merge(&mut inputs.outer, inner);
                }
                T_BitmapIndexScan => {
                    let scan = &*plan.cast::<pg_sys::BitmapIndexScan>();
                    let predicates = index::predicates(scan.indexid, scan.scan.scanrelid);
                    self.predicates.extend(predicates);
                }
                T_BitmapHeapScan => inputs.predicates = std::mem::take(&mut self.predicates),
                T_BitmapAnd => {
                    self.together((*plan.cast::<pg_sys::BitmapAnd>()).bitmapplans, shape)?;
                }
                T_BitmapOr => {
                    self.together((*plan.cast::<pg_sys::BitmapOr>()).bitmapplans, shape)?;
                }
                T_IndexOnlyScan => {
                    let held = (*plan.cast::<pg_sys::IndexOnlyScan>()).indextlist;
                    for target in PgList::<pg_sys::TargetEntry>::from_pg(held).iter_ptr() {
                        let stored = self.reads((*target).expr.cast(), &Inputs::default());
                        inputs.index.push(stored);
                    }
                }
                _ => {}
            }
            for condition in conditions(plan) {
                self.refuse(condition, &inputs, Shape::Condition)?;
            }
            let outputs = self.outputs(node.targetlist, &inputs, shape)?;
            for (keys, own) in keys(plan) {
                let from = if own { &outputs } else { &inputs.outer };
                for key in keys {
                    let place = usize::try_from(*key).unwrap_or(0).wrapping_sub(1);
                    if let Some(Some(relation)) = from.get(place)
                        && self.refuses
                    {
                        return Err(refusal(*relation, Shape::Key));
                    }
                }
            }
            Ok(outputs)
        }
    }

    /// The protected relation that a node reads under an entry without the mark.
    ///
    /// # Safety
    /// `plan` must be a plan.
    unsafe fn scan(&self, plan: *mut pg_sys::Plan) -> Option<pg_sys::Oid> {
        // SAFETY: by the caller's promise.
        unsafe { scanned(plan).and_then(|number| self.unmarked(number)) }
    }

    /// The protected relation of the entry with this number, when it has no mark.
    fn unmarked(&self, number: pg_sys::Index) -> Option<pg_sys::Oid> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        let entry = *self.entries.get(place)?;
        // SAFETY: an entry of the plan's range table.
        unsafe {
            let enforced = masking::is_enforceable(entry).unwrap_or(true);
            (enforced && !masking::is_marked(entry)).then_some((*entry).relid)
        }
    }

    /// Remembers the plan that a CTE has.
    ///
    /// # Safety
    /// `subplan` must be a SubPlan.
    unsafe fn name_cte(&mut self, subplan: *const pg_sys::SubPlan) {
        // SAFETY: by the caller's promise; a name is a C string.
        unsafe {
            let name = (*subplan).plan_name;
            if !name.is_null() && CStr::from_ptr(name).to_bytes().starts_with(b"CTE ") {
                self.ctes.insert((*subplan).plan_id);
            }
        }
    }

    /// The parameters that a nested loop hands to its inner side.
    ///
    /// # Safety
    /// `parameters` must be a list of NestLoopParam nodes.
    unsafe fn hand_over(&mut self, parameters: *mut pg_sys::List, inputs: &Inputs) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe {
            for parameter in PgList::<pg_sys::NestLoopParam>::from_pg(parameters).iter_ptr() {
                let value: *mut pg_sys::Node = (*parameter).paramval.cast();
                match self.stored(value, inputs) {
                    Some(relation) => {
                        self.parameters.insert((*parameter).paramno, relation);
                    }
                    None => self.refuse(value, inputs, Shape::Parameter)?,
                }
            }
        }
        Ok(())
    }

    /// What writes. Row security's checks ask the stored row; all else may not.
    ///
    /// # Safety
    /// `plan` must be a ModifyTable, `inputs` what its child puts out.
    unsafe fn modification(
        &mut self,
        plan: *mut pg_sys::ModifyTable,
        inputs: Inputs,
    ) -> Result<Outputs> {
        // SAFETY: by the caller's promise.
        unsafe {
            let change = &*plan;
            for number in PgList::<c_void>::from_pg(change.resultRelations).iter_int() {
                if let Some(relation) = self.unmarked(pg_sys::Index::try_from(number).unwrap_or(0))
                    && self.refuses
                {
                    return Err(refusal(relation, Shape::Target));
                }
            }
            if let Some(child) = change.plan.lefttree.as_ref() {
                self.refuse_results(child.targetlist, &inputs.outer, Shape::Written)?;
            }
            for list in PgList::<pg_sys::Node>::from_pg(change.returningLists).iter_ptr() {
                self.refuse(list, &inputs, Shape::Returning)?;
            }
            // The inner side is the row that was brought: nothing of it is stored.
            let brought = Inputs::default();
            self.refuse(change.onConflictSet.cast(), &brought, Shape::OnConflict)?;
            self.refuse(change.onConflictWhere, &brought, Shape::OnConflict)?;
            let source = Inputs {
                inner: inputs.outer.clone(),
                ..Inputs::default()
            };
            for list in PgList::<pg_sys::List>::from_pg(change.mergeActionLists).iter_ptr() {
                for action in PgList::<pg_sys::MergeAction>::from_pg(list).iter_ptr() {
                    self.refuse((*action).qual, &source, Shape::Merge)?;
                    self.refuse((*action).targetList.cast(), &source, Shape::Merge)?;
                }
            }
            for list in PgList::<pg_sys::List>::from_pg(change.withCheckOptionLists).iter_ptr() {
                for check in PgList::<pg_sys::WithCheckOption>::from_pg(list).iter_ptr() {
                    if !masking::is_of_row_security((*check).kind) {
                        self.refuse((*check).qual, &inputs, Shape::ViewCheck)?;
                    }
                }
            }
        }
        Ok(Outputs::new())
    }
}

/// The number of the range table entry that a node reads.
///
/// # Safety
/// `plan` must be a plan.
pub unsafe fn scanned(plan: *mut pg_sys::Plan) -> Option<pg_sys::Index> {
    // SAFETY: every scan begins as Scan does.
    unsafe {
        let is_scan = matches!(
            (*plan).type_,
            T_SeqScan
                | T_SampleScan
                | T_IndexScan
                | T_IndexOnlyScan
                | T_BitmapIndexScan
                | T_BitmapHeapScan
                | T_TidScan
                | T_TidRangeScan
                | T_ForeignScan
                | T_CustomScan
        );
        is_scan.then(|| (*plan.cast::<pg_sys::Scan>()).scanrelid)
    }
}

/// Adds what another plan puts out at the same places.
fn merge(all: &mut Outputs, more: Outputs) {
    if all.len() < more.len() {
        all.resize(more.len(), None);
    }
    for (place, stored) in all.iter_mut().zip(more) {
        *place = place.or(stored);
    }
}

/// The expressions of a node beside its target list: conditions, and what else it computes. What Memoize remembers results by
/// are parameters, as they were handed over: none of them gets into a result by it.
///
/// # Safety
/// `plan` must be a plan.
pub unsafe fn conditions(plan: *mut pg_sys::Plan) -> Vec<*mut pg_sys::Node> {
    // SAFETY: a node is looked at as what its tag says; every join begins as Join does.
    unsafe {
        let mut all: Vec<*mut pg_sys::Node> = vec![(*plan).qual.cast()];
        match (*plan).type_ {
            T_IndexScan => {
                let scan = &*plan.cast::<pg_sys::IndexScan>();
                all.extend([scan.indexqualorig.cast(), scan.indexorderbyorig.cast()]);
            }
            T_IndexOnlyScan => {
                let scan = &*plan.cast::<pg_sys::IndexOnlyScan>();
                all.extend([scan.indexqual.cast(), scan.indexorderby.cast()]);
                all.push(scan.recheckqual.cast());
            }
            T_BitmapIndexScan => {
                all.push(
                    (*plan.cast::<pg_sys::BitmapIndexScan>())
                        .indexqualorig
                        .cast(),
                );
            }
            T_BitmapHeapScan => {
                all.push(
                    (*plan.cast::<pg_sys::BitmapHeapScan>())
                        .bitmapqualorig
                        .cast(),
                );
            }
            T_TidScan => all.push((*plan.cast::<pg_sys::TidScan>()).tidquals.cast()),
            T_TidRangeScan => all.push((*plan.cast::<pg_sys::TidRangeScan>()).tidrangequals.cast()),
            T_SampleScan => all.push((*plan.cast::<pg_sys::SampleScan>()).tablesample.cast()),
            T_FunctionScan => all.push((*plan.cast::<pg_sys::FunctionScan>()).functions.cast()),
            T_TableFuncScan => all.push((*plan.cast::<pg_sys::TableFuncScan>()).tablefunc.cast()),
            T_ValuesScan => all.push((*plan.cast::<pg_sys::ValuesScan>()).values_lists.cast()),
            T_ForeignScan => {
                let scan = &*plan.cast::<pg_sys::ForeignScan>();
                all.extend([scan.fdw_exprs.cast(), scan.fdw_recheck_quals.cast()]);
            }
            T_CustomScan => all.push((*plan.cast::<pg_sys::CustomScan>()).custom_exprs.cast()),
            T_NestLoop => all.push((*plan.cast::<pg_sys::Join>()).joinqual.cast()),
            T_MergeJoin => {
                let join = &*plan.cast::<pg_sys::MergeJoin>();
                all.extend([join.join.joinqual.cast(), join.mergeclauses.cast()]);
            }
            T_HashJoin => {
                let join = &*plan.cast::<pg_sys::HashJoin>();
                all.extend([join.join.joinqual.cast(), join.hashclauses.cast()]);
                all.push(join.hashkeys.cast());
            }
            T_Hash => all.push((*plan.cast::<pg_sys::Hash>()).hashkeys.cast()),
            T_Result => all.push((*plan.cast::<pg_sys::Result>()).resconstantqual),
            T_Limit => {
                let limit = &*plan.cast::<pg_sys::Limit>();
                all.extend([limit.limitOffset, limit.limitCount]);
            }
            T_WindowAgg => {
                let window = &*plan.cast::<pg_sys::WindowAgg>();
                all.extend([window.startOffset, window.endOffset]);
                all.push(window.runCondition.cast());
            }
            _ => {}
        }
        all
    }
}

/// The columns that a node compares rows by: of its own output, or of its child's.
///
/// # Safety
/// `plan` must be a plan, which must live as long as what is returned.
unsafe fn keys<'a>(plan: *mut pg_sys::Plan) -> Vec<(&'a [i16], bool)> {
    // SAFETY: a node is looked at as what its tag says; its arrays are as long as it says.
    unsafe {
        let list = |count: i32, columns: *const i16| -> &'a [i16] {
            match usize::try_from(count) {
                Ok(count) if count > 0 && !columns.is_null() => {
                    std::slice::from_raw_parts(columns, count)
                }
                _ => &[],
            }
        };
        match (*plan).type_ {
            T_Sort | T_IncrementalSort => {
                let sort = &*plan.cast::<pg_sys::Sort>();
                vec![(list(sort.numCols, sort.sortColIdx), true)]
            }
            T_MergeAppend => {
                let merge = &*plan.cast::<pg_sys::MergeAppend>();
                vec![(list(merge.numCols, merge.sortColIdx), true)]
            }
            T_GatherMerge => {
                // It may put its columns out in another order than they come in.
                let merge = &*plan.cast::<pg_sys::GatherMerge>();
                vec![(list(merge.numCols, merge.sortColIdx), false)]
            }
            T_Unique => {
                let unique = &*plan.cast::<pg_sys::Unique>();
                vec![(list(unique.numCols, unique.uniqColIdx), true)]
            }
            T_SetOp => {
                let operation = &*plan.cast::<pg_sys::SetOp>();
                vec![(list(operation.numCols, operation.dupColIdx), true)]
            }
            T_RecursiveUnion => {
                let union = &*plan.cast::<pg_sys::RecursiveUnion>();
                vec![(list(union.numCols, union.dupColIdx), true)]
            }
            T_Limit => {
                let limit = &*plan.cast::<pg_sys::Limit>();
                vec![(list(limit.uniqNumCols, limit.uniqColIdx), true)]
            }
            T_Group => {
                let group = &*plan.cast::<pg_sys::Group>();
                vec![(list(group.numCols, group.grpColIdx), false)]
            }
            T_Agg => {
                let aggregate = &*plan.cast::<pg_sys::Agg>();
                let mut all = vec![(list(aggregate.numCols, aggregate.grpColIdx), false)];
                for chained in PgList::<pg_sys::Agg>::from_pg(aggregate.chain).iter_ptr() {
                    all.push((list((*chained).numCols, (*chained).grpColIdx), false));
                }
                all
            }
            T_WindowAgg => {
                let window = &*plan.cast::<pg_sys::WindowAgg>();
                vec![
                    (list(window.partNumCols, window.partColIdx), false),
                    (list(window.ordNumCols, window.ordColIdx), false),
                ]
            }
            _ => Vec::new(),
        }
    }
}
