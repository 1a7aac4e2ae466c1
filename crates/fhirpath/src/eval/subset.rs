//! Functions that take parts of collections and put collections together (N1 §5.3, §5.4).

use super::equality::Distinct;
use super::{Call, Evaluation, Fault, Function, Items, Result, Scalar, single};

/// An integer that an argument gives; none where it is empty.
pub(super) fn integer(items: &Items<'_>, what: &'static str) -> Result<Option<i64>> {
    let Some(item) = single(items, what)? else {
        return Ok(None);
    };
    match item.scalar()? {
        Some(Scalar::Integer(value)) => Ok(Some(value)),
        _ => Err(Fault::Argument {
            function: what,
            expected: "an integer",
        }
        .into()),
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn subset(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let name = call.function.name();
        Ok(match call.function {
            Function::Single => single(input, name)?.cloned().into_iter().collect(),
            Function::First => input.first().cloned().into_iter().collect(),
            Function::Last => input.last().cloned().into_iter().collect(),
            Function::Tail => input.iter().skip(1).cloned().collect(),
            Function::Skip | Function::Take => {
                let Some(number) = integer(&self.argument(call, 0)?, name)? else {
                    return Ok(Items::new());
                };
                let number = usize::try_from(number.max(0)).unwrap_or(usize::MAX);
                match call.function {
                    Function::Skip => input.iter().skip(number).cloned().collect(),
                    _ => input.iter().take(number).cloned().collect(),
                }
            }
            Function::Intersect | Function::Exclude => {
                let other = self.argument(call, 0)?;
                self.common(input, &other, call.function == Function::Intersect)?
            }
            Function::Union => self.union(input, &self.argument(call, 0)?)?,
            Function::Coalesce => {
                for position in 0..call.arguments.len() {
                    let value = self.argument(call, position)?;
                    if !value.is_empty() {
                        return Ok(value);
                    }
                }
                Items::new()
            }
            _ => {
                let mut all = input.clone();
                all.extend(self.argument(call, 0)?);
                self.work.spend(all.len() as u64)?;
                all
            }
        })
    }

    /// `a | b`: both, without what is equal to something before it.
    pub(super) fn union(&self, left: &Items<'a>, right: &Items<'a>) -> Result<Items<'a>> {
        Ok(Distinct::of(left.iter().chain(right), &self.work)?.into_items())
    }

    /// `intersect()` keeps what is in both, once; `exclude()` keeps what is not, with order and repetitions.
    fn common(&self, input: &Items<'a>, other: &Items<'a>, wanted: bool) -> Result<Items<'a>> {
        let known = Distinct::of(other, &self.work)?;
        let mut seen = Distinct::new(&self.work);
        let mut kept = Items::new();
        for item in input {
            if known.holds(item)? != wanted {
                continue;
            }
            if !wanted {
                kept.push(item.clone());
            } else {
                seen.add(item)?;
            }
        }
        Ok(if wanted { seen.into_items() } else { kept })
    }
}
