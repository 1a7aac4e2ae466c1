//! Conversions of collections, tree navigation, the time, variables and types (N1 §5.5, §5.8, §5.9).

use super::boolean::condition;
use super::{Call, Evaluation, Fault, Function, Items, Result, Scalar, maybe, one, single};
use crate::item::Item;
use crate::navigate;
use crate::temporal::DateTime;
use crate::value::{MAX_TEXT, Text};

impl<'a> Evaluation<'a> {
    pub(super) fn utility(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        match call.function {
            Function::Iif => self.iif(call, input),
            Function::Join => self.join(call, input),
            Function::Children => {
                let mut out = Items::new();
                for item in input {
                    navigate::children(item, &mut out, &self.work)?;
                }
                Ok(out)
            }
            Function::Descendants => self.descendants(input),
            Function::Trace => {
                // Nothing is logged: what an expression sees is not for the log. The name must still be one.
                self.name(call)?;
                Ok(input.clone())
            }
            Function::DefineVariable => self.define_variable(call, input),
            Function::Now | Function::Today | Function::TimeOfDay => self.time(call.function),
            Function::Type => Ok(input
                .iter()
                .map(|item| Item::Type(item.type_info()))
                .collect()),
            Function::Not => Ok(maybe(condition(input, "not")?.map(|value| !value))),
            // Prepared as operations on types, or one of the other groups.
            _ => Err(Fault::Other("the function cannot be used here").into()),
        }
    }

    fn iif(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        single(input, "iif")?;
        let mut scope = call.scope;
        scope.focus = input;
        let Some(criterion) = call.arguments.first() else {
            return Ok(Items::new());
        };
        let chosen = match self.holds(*criterion, scope, "iif")? {
            true => 1,
            false => 2,
        };
        match call.arguments.get(chosen) {
            Some(result) => self.eval(*result, scope),
            None => Ok(Items::new()),
        }
    }

    fn join(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let separator = self.argument(call, 0)?;
        let separator = match single(&separator, "join")? {
            Some(item) => string(item, "a string as its separator")?,
            None => Text::Borrowed(""),
        };
        let mut joined = String::new();
        for (place, item) in input.iter().enumerate() {
            let text = string(item, "strings")?;
            self.work
                .spend_text(text.len().saturating_add(separator.len()))?;
            if place > 0 {
                joined.push_str(&separator);
            }
            joined.push_str(&text);
            if joined.len() > MAX_TEXT {
                return Err(Fault::TextTooLong(MAX_TEXT).into());
            }
        }
        Ok(if input.is_empty() {
            Items::new()
        } else {
            one(Scalar::String(joined.into()))
        })
    }

    /// All that is below, level by level.
    fn descendants(&self, input: &Items<'a>) -> Result<Items<'a>> {
        let mut out = Items::new();
        for item in input {
            navigate::children(item, &mut out, &self.work)?;
        }
        let mut next = 0;
        while let Some(item) = out.get(next).cloned() {
            navigate::children(&item, &mut out, &self.work)?;
            next += 1;
        }
        Ok(out)
    }

    /// The name that is a function's first argument.
    fn name(&self, call: Call<'_, 'a>) -> Result<Text<'a>> {
        let name = self.argument(call, 0)?;
        match single(&name, call.function.name())? {
            Some(item) => match item.scalar()? {
                Some(Scalar::String(name)) if !name.is_empty() => Ok(name),
                _ => Err(no_name(call.function)),
            },
            None => Err(no_name(call.function)),
        }
    }

    fn define_variable(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let name = self.name(call)?;
        let value = match call.arguments.get(1) {
            Some(value) => {
                let mut scope = call.scope;
                scope.focus = input;
                self.eval(*value, scope)?
            }
            None => input.clone(),
        };
        self.define(name, value)?;
        Ok(input.clone())
    }

    fn time(&self, function: Function) -> Result<Items<'a>> {
        let now = DateTime::from_chrono(self.context.now)
            .ok_or(Fault::Other("the time is outside the years 1 to 9999"))?;
        Ok(match function {
            Function::Now => one(Scalar::DateTime(now)),
            Function::Today => one(Scalar::Date(now.date())),
            _ => now.time().map(Scalar::Time).map_or_else(Items::new, one),
        })
    }
}

fn no_name(function: Function) -> super::EvalError {
    Fault::Argument {
        function: function.name(),
        expected: "a name as its first argument",
    }
    .into()
}

fn string<'a>(item: &Item<'a>, expected: &'static str) -> Result<Text<'a>> {
    match item.scalar()? {
        Some(Scalar::String(text)) => Ok(text),
        _ => Err(Fault::Argument {
            function: "join",
            expected,
        }
        .into()),
    }
}
