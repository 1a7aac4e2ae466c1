//! Which stored columns an expression of a plan reads, when it is not ours.

use super::{Plan, Shape, refusal};
use crate::error::Result;
use crate::node::origin;
use crate::node::tree::{self, Visitor};
use pgrx::prelude::*;

/// The masked relation whose stored column stands at a place of a plan node's output, if any does.
pub type Outputs = Vec<Option<pg_sys::Oid>>;

/// What the references in the expressions of one plan node mean.
#[derive(Default)]
pub struct Inputs {
    /// What its outer child puts out.
    pub outer: Outputs,
    /// What its inner child puts out.
    pub inner: Outputs,
    /// What the index that it reads holds.
    pub index: Outputs,
    /// What the subquery that it reads puts out, and the number of that one's entry.
    pub subquery: Option<(i32, Outputs)>,
    /// Conditions that PostgreSQL took from the indexes that it asks, in words of the owner, because the node's own imply them.
    pub predicates: Vec<*mut pg_sys::Node>,
}

/// An expression that only hands a value on, if it is one: a variable, a parameter, or the row of a child as one of its parent.
///
/// # Safety
/// `node` must be an expression.
unsafe fn handed_on(node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
    use pg_sys::NodeTag::*;
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        match (*node).type_ {
            T_Var | T_Param => Some(node),
            T_ConvertRowtypeExpr => {
                handed_on((*node.cast::<pg_sys::ConvertRowtypeExpr>()).arg.cast())
            }
            _ => None,
        }
    }
}

impl Plan {
    /// The masked relation that a variable or parameter reads a stored column of.
    ///
    /// # Safety
    /// `node` must be a node of the plan.
    pub(super) unsafe fn stored(
        &self,
        node: *mut pg_sys::Node,
        inputs: &Inputs,
    ) -> Option<pg_sys::Oid> {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_Param) {
                let parameter = &*node.cast::<pg_sys::Param>();
                let carries = parameter.paramkind == pg_sys::ParamKind::PARAM_EXEC;
                return carries.then(|| self.parameters.get(&parameter.paramid).copied())?;
            }
            if !pgrx::is_a(node, pg_sys::NodeTag::T_Var) {
                return None;
            }
            let var = &*node.cast::<pg_sys::Var>();
            let column = usize::try_from(var.varattno).ok();
            let of = |outputs: &Outputs| *outputs.get(column?.checked_sub(1)?)?;
            match var.varno {
                pg_sys::OUTER_VAR => of(&inputs.outer),
                pg_sys::INNER_VAR => of(&inputs.inner),
                pg_sys::INDEX_VAR => of(&inputs.index),
                number => match &inputs.subquery {
                    Some((subquery, outputs)) if *subquery == number => match var.varattno {
                        0 => outputs.iter().copied().flatten().next(),
                        _ => of(outputs),
                    },
                    _ => {
                        let place = usize::try_from(number).ok()?.checked_sub(1)?;
                        let masked = self.masked.get(place)?.contains(&var.varattno);
                        masked.then(|| self.entries.get(place).map(|entry| (**entry).relid))?
                    }
                },
            }
        }
    }

    /// The masked relation of which an expression reads a stored column outside of what is ours.
    ///
    /// # Safety
    /// `node` must be null, an expression or a list of expressions.
    pub(super) unsafe fn reads(
        &mut self,
        node: *mut pg_sys::Node,
        inputs: &Inputs,
    ) -> Option<pg_sys::Oid> {
        let mut reader = Reader {
            plan: self,
            inputs,
            found: None,
        };
        // SAFETY: by the caller's promise.
        unsafe { tree::visit(node, &mut reader) };
        reader.found
    }

    /// Refuses an expression that reads a stored column and is not ours.
    ///
    /// # Safety
    /// As above.
    pub(super) unsafe fn refuse(
        &mut self,
        node: *mut pg_sys::Node,
        inputs: &Inputs,
        shape: Shape,
    ) -> Result<()> {
        // SAFETY: by the caller's promise.
        match unsafe { self.reads(node, inputs) } {
            Some(relation) if self.refuses => Err(refusal(relation, shape)),
            _ => Ok(()),
        }
    }

    /// What a node's target list puts out; refuses what it computes from stored columns.
    ///
    /// # Safety
    /// `list` must be a target list.
    pub(super) unsafe fn outputs(
        &mut self,
        list: *mut pg_sys::List,
        inputs: &Inputs,
        shape: Shape,
    ) -> Result<Outputs> {
        let mut outputs = Vec::new();
        // SAFETY: by the caller's promise.
        unsafe {
            for target in pgrx::PgList::<pg_sys::TargetEntry>::from_pg(list).iter_ptr() {
                let expression: *mut pg_sys::Node = (*target).expr.cast();
                let stored = match handed_on(expression) {
                    Some(reference) => self.stored(reference, inputs),
                    None => {
                        self.refuse(expression, inputs, shape)?;
                        None
                    }
                };
                outputs.push(stored);
            }
        }
        Ok(outputs)
    }

    /// Refuses stored columns among what comes out of a (sub)query.
    ///
    /// # Safety
    /// `list` must be the target list that `outputs` comes from.
    pub(super) unsafe fn refuse_results(
        &self,
        list: *mut pg_sys::List,
        outputs: &Outputs,
        shape: Shape,
    ) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe {
            let targets = pgrx::PgList::<pg_sys::TargetEntry>::from_pg(list);
            for (target, stored) in targets.iter_ptr().zip(outputs) {
                if let Some(relation) = stored
                    && self.refuses
                    && !(*target).resjunk
                    && !origin::is_ours((*target).expr.cast())
                {
                    return Err(refusal(*relation, shape));
                }
            }
        }
        Ok(())
    }
}

struct Reader<'a> {
    plan: &'a mut Plan,
    inputs: &'a Inputs,
    found: Option<pg_sys::Oid>,
}

impl Visitor for Reader<'_> {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_SubPlan) {
                let subplan = &*node.cast::<pg_sys::SubPlan>();
                let numbers = pgrx::PgList::<std::ffi::c_void>::from_pg(subplan.parParam);
                let arguments = pgrx::PgList::<pg_sys::Node>::from_pg(subplan.args);
                for (number, argument) in numbers.iter_int().zip(arguments.iter_ptr()) {
                    // Handed down as it is: whoever reads the parameter is asked.
                    match handed_on(argument) {
                        Some(reference) => {
                            if let Some(relation) = self.plan.stored(reference, self.inputs) {
                                self.plan.parameters.insert(number, relation);
                            }
                        }
                        None => tree::visit(argument, self),
                    }
                }
                tree::visit(subplan.testexpr, self);
                return false;
            }
            if self.found.is_some() || origin::is_ours(node) {
                // Parameters of ours are read by ours.
                return false;
            }
            let is_node = |other: &*mut pg_sys::Node| pg_sys::equal(node.cast(), other.cast());
            if self.inputs.predicates.iter().any(is_node) {
                return false;
            }
            if let Some(relation) = self.plan.stored(node, self.inputs) {
                self.found = Some(relation);
                return false;
            }
        }
        true
    }
}
