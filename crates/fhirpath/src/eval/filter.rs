//! Functions that choose and project items (N1 §5.2), types among them, and `aggregate()`.

use std::collections::VecDeque;

use fhir_model::TypeId;

use super::equality::Distinct;
use super::{Call, Evaluation, Function, Items, Result, Scope, boolean, single};
use crate::types::TypeSpec;

/// The name of a type at the start of a path: what is at hand, as far as it is of the type.
pub(super) fn of_root<'a>(focus: &Items<'a>, type_id: TypeId) -> Items<'a> {
    let spec = TypeSpec::Fhir(type_id);
    let kept = focus.iter().filter(|item| spec.holds(item));
    kept.cloned().collect()
}

/// `is`, `as`, `ofType()`.
pub(super) fn typed<'a>(
    function: Function,
    spec: TypeSpec,
    input: &Items<'a>,
) -> Result<Items<'a>> {
    match function {
        Function::Is => {
            let item = single(input, "is")?;
            Ok(item.map_or_else(Items::new, |item| boolean(spec.holds(item))))
        }
        Function::As => {
            let item = single(input, "as")?;
            Ok(item
                .filter(|item| spec.keeps(item))
                .cloned()
                .into_iter()
                .collect())
        }
        _ => {
            let kept = input.iter().filter(|item| spec.keeps(item));
            Ok(kept.cloned().collect())
        }
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn filter(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let Some(&argument) = call.arguments.first() else {
            return Ok(Items::new());
        };
        let mut out = Items::new();
        match call.function {
            Function::Where => {
                for (index, item) in input.iter().enumerate() {
                    let focus = Items::from_elem(item.clone(), 1);
                    if self.holds(argument, call.scope.item(&focus, index), "where")? {
                        out.extend(focus);
                    }
                }
            }
            Function::Select => {
                for (index, item) in input.iter().enumerate() {
                    let focus = Items::from_elem(item.clone(), 1);
                    out.extend(self.eval(argument, call.scope.item(&focus, index))?);
                }
                self.work.spend(out.len() as u64)?;
            }
            Function::Repeat => return self.repeat(call, input),
            _ => return self.aggregate(call, input),
        }
        Ok(out)
    }

    /// Projects until nothing new comes out. What never ends runs out of steps.
    fn repeat(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let Some(&projection) = call.arguments.first() else {
            return Ok(Items::new());
        };
        let mut seen = Distinct::new(&self.work);
        let mut waiting: VecDeque<_> = input.iter().cloned().collect();
        let mut index = 0;
        while let Some(item) = waiting.pop_front() {
            let focus = Items::from_elem(item, 1);
            let scope: Scope<'_, 'a> = call.scope.item(&focus, index);
            for found in self.eval(projection, scope)? {
                if seen.add(&found)? {
                    waiting.push_back(found);
                }
            }
            index = index.saturating_add(1);
        }
        Ok(seen.into_items())
    }

    fn aggregate(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let Some(&step) = call.arguments.first() else {
            return Ok(Items::new());
        };
        let mut total = self.argument(call, 1)?;
        for (index, item) in input.iter().enumerate() {
            let focus = Items::from_elem(item.clone(), 1);
            let scope = Scope {
                focus: &focus,
                index: Some(index),
                total: Some(&total),
            };
            let next = self.eval(step, scope)?;
            total = next;
        }
        Ok(total)
    }

    /// `base[index]`
    pub(super) fn index(
        &self,
        base: &Items<'a>,
        index: super::NodeId,
        scope: Scope<'_, 'a>,
    ) -> Result<Items<'a>> {
        let index = self.eval(index, scope)?;
        let Some(position) = super::subset::integer(&index, "an index")? else {
            return Ok(Items::new());
        };
        let item = usize::try_from(position).ok().and_then(|it| base.get(it));
        Ok(item.cloned().into_iter().collect())
    }
}
