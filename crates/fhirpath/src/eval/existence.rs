//! Functions that ask whether something is there (N1 §5.1).

use super::equality::{Distinct, is_among};
use super::{Call, Evaluation, Function, Items, Result, Scalar, Scope, boolean, count, maybe, one};
use crate::item::Item;

impl<'a> Evaluation<'a> {
    pub(super) fn existence(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let answer = match call.function {
            Function::Empty => input.is_empty(),
            Function::Exists if call.arguments.is_empty() => !input.is_empty(),
            Function::Exists => self.any(call, input, true)?,
            Function::All => !self.any(call, input, false)?,
            Function::AllTrue => booleans(call, input)?.all(|value| value),
            Function::AnyTrue => booleans(call, input)?.any(|value| value),
            Function::AllFalse => booleans(call, input)?.all(|value| !value),
            Function::AnyFalse => booleans(call, input)?.any(|value| !value),
            Function::SubsetOf => {
                return Ok(maybe(self.is_subset(input, &self.argument(call, 0)?)?));
            }
            Function::SupersetOf => {
                return Ok(maybe(self.is_subset(&self.argument(call, 0)?, input)?));
            }
            Function::IsDistinct => Distinct::of(input, &self.work)?.items().len() == input.len(),
            Function::Distinct => return Ok(Distinct::of(input, &self.work)?.into_items()),
            _ => return Ok(one(Scalar::Integer(count(input.len())))),
        };
        Ok(boolean(answer))
    }

    /// Whether the criterion holds (or, to `wanted` = false, does not hold) for some item.
    fn any(&self, call: Call<'_, 'a>, input: &Items<'a>, wanted: bool) -> Result<bool> {
        let Some(criterion) = call.arguments.first() else {
            return Ok(false);
        };
        for (index, item) in input.iter().enumerate() {
            let focus = Items::from_elem(item.clone(), 1);
            let scope: Scope<'_, 'a> = call.scope.item(&focus, index);
            if self.holds(*criterion, scope, call.function.name())? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether each of `some` is one of `all`; `None` where that cannot be told.
    fn is_subset(&self, some: &Items<'a>, all: &Items<'a>) -> Result<Option<bool>> {
        let known = Distinct::of(all, &self.work)?;
        let mut answer = Some(true);
        for item in some {
            if known.holds(item)? {
                continue;
            }
            match is_among(item, known.items(), &self.work)? {
                Some(false) => return Ok(Some(false)),
                _ => answer = None,
            }
        }
        Ok(answer)
    }
}

/// The items, which must be booleans.
fn booleans<'s>(
    call: Call<'_, '_>,
    input: &'s [Item<'_>],
) -> Result<impl Iterator<Item = bool> + use<'s>> {
    let values: Result<Vec<bool>> = input
        .iter()
        .map(|item| {
            item.boolean()?.ok_or_else(|| {
                let (function, found) = (call.function.name(), item.type_name());
                super::Fault::Input { function, found }.into()
            })
        })
        .collect();
    values.map(Vec::into_iter)
}
