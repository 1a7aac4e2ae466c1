//! Variables: those of the caller, and those that `defineVariable()` makes.

use std::cell::RefCell;

use super::{Evaluation, Fault, Item, Items, Result};
use crate::context::Variable;
use crate::item::Element;
use crate::text;
use crate::value::Text;

/// What `defineVariable()` has defined, innermost last.
#[derive(Default)]
pub(super) struct Variables<'a> {
    defined: RefCell<Vec<(Text<'a>, Items<'a>)>>,
}

impl<'a> Variables<'a> {
    /// What is defined at this place, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.defined.borrow().len()
    }

    /// Forgets what was defined since the mark.
    pub(super) fn forget(&self, mark: usize) {
        self.defined.borrow_mut().truncate(mark);
    }

    fn get(&self, name: &str) -> Option<Items<'a>> {
        let defined = self.defined.borrow();
        let found = defined.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value.clone())
    }
}

impl<'a> Evaluation<'a> {
    /// The resource that the expression is evaluated on.
    pub(super) fn resource(&self) -> Option<Item<'a>> {
        let value = self.context.resource?;
        Some(Item::Element(Element::resource(value, 0)))
    }

    /// The document that an element is in.
    pub(super) fn root(&self, root: u16) -> Option<jsonb::Value<'a>> {
        let Some(place) = usize::from(root).checked_sub(1) else {
            return self.context.resource;
        };
        match self.context.variables.get(place)?.1 {
            Variable::Document(document) => document,
            Variable::Text(_) | Variable::Reference(_) => None,
        }
    }

    /// `%name`
    pub(super) fn variable(&self, name: &str) -> Result<Items<'a>> {
        let given = self.context.variables.iter();
        for (root, (known, value)) in (1_u16..).zip(given) {
            if *known != name {
                continue;
            }
            let item = match *value {
                Variable::Document(document) => {
                    document.map(|document| Item::Element(Element::resource(document, root)))
                }
                Variable::Text(text) => Some(Item::Scalar(crate::Scalar::String(text.into()))),
                Variable::Reference(text) => Some(Item::Reference(text)),
            };
            return Ok(item.into_iter().collect());
        }
        match self.variables.get(name) {
            Some(value) => {
                self.work.spend(value.len() as u64)?;
                Ok(value)
            }
            None => Err(Fault::UndefinedVariable(text::shown(name)).into()),
        }
    }

    /// Defines `%name` for what follows in the same chain of calls.
    pub(super) fn define(&self, name: Text<'a>, value: Items<'a>) -> Result<()> {
        let is_given = self
            .context
            .variables
            .iter()
            .any(|(known, _)| *known == &*name);
        let is_builtin = crate::prepare::Builtin::from_name(&name).is_some();
        if is_given || is_builtin || self.variables.get(&name).is_some() {
            return Err(Fault::VariableExists.into());
        }
        self.variables.defined.borrow_mut().push((name, value));
        Ok(())
    }
}
