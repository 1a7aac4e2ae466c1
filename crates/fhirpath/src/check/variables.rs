//! Variables: FHIR's and the language's, the caller's, and those that `defineVariable()` makes.

use fhir_model::similar;
use smallvec::smallvec;

use super::VariableType;
use super::report::meant;
use super::shape::{Count, Shape, Type};
use super::walk::{Check, Defined, Scope};
use crate::ast::{Expr, Name, NodeId};
use crate::literal::Literal;
use crate::prepare::Builtin;
use crate::types::SystemType;

impl Check<'_> {
    /// `%name`
    pub(super) fn variable(&mut self, id: NodeId, name: &Name, scope: Scope<'_>) -> Shape {
        let name = name.as_str();
        match Builtin::from_name(name) {
            Some(Builtin::Resource) => return self.resource(),
            Some(Builtin::Text(_)) => return Shape::system(SystemType::String),
            None => {}
        }
        if let Some(found) = self.given(name) {
            return match found {
                VariableType::Document(Some(found)) => {
                    Shape::of(smallvec![Type::Fhir(found)], Count::One)
                }
                VariableType::Document(None) => self.any_resource(),
                VariableType::Text => Shape::system(SystemType::String),
                VariableType::Reference => Shape::of(smallvec![Type::Reference], Count::One),
                VariableType::TextOrReference => {
                    let either = smallvec![Type::System(SystemType::String), Type::Reference];
                    Shape::of(either, Count::One)
                }
            };
        }
        if let Some(found) = self.find(name, scope) {
            return found;
        }
        let given = self.context.variables.iter().map(|(name, _)| *name);
        let known = given.chain([
            "resource",
            "context",
            "rootResource",
            "ucum",
            "sct",
            "loinc",
        ]);
        let hint = similar(name, known).map(|name| meant(&format!("%{name}")));
        let message = format!("the variable `{}` is not defined", self.quote(id));
        self.error(self.span(id), message, hint);
        Shape::unknown(Count::Perhaps)
    }

    /// `defineVariable(name)`, `defineVariable(name, value)`: from here on in this chain there is `%name`.
    pub(super) fn define(
        &mut self,
        id: NodeId,
        argument: Option<NodeId>,
        value: Shape,
        scope: &mut Scope<'_>,
    ) {
        let node = argument.and_then(|id| self.ast.get(id));
        let name = match node.map(|node| &node.expr) {
            Some(Expr::Literal(Literal::String(name))) => Some(name.clone()),
            _ => None,
        };
        if let Some(name) = name.as_deref() {
            let is_taken = Builtin::from_name(name).is_some()
                || self.given(name).is_some()
                || self.is_defined(name, *scope);
            if is_taken {
                let span = self.span(argument.unwrap_or(id));
                self.error(span, "a variable of this name exists already", None);
                return;
            }
        }
        self.defined.push(Defined {
            name,
            value,
            before: scope.defined,
        });
        scope.defined = self.defined.len().checked_sub(1);
    }

    fn given(&self, name: &str) -> Option<VariableType> {
        let mut given = self.context.variables.iter();
        given
            .find(|(known, _)| *known == name)
            .map(|(_, found)| *found)
    }

    fn is_defined(&self, name: &str, scope: Scope<'_>) -> bool {
        self.visible(scope)
            .any(|found| found.name.as_deref() == Some(name))
    }

    /// The value of a variable that was defined; unknown where one was defined whose name is not known.
    fn find(&self, name: &str, scope: Scope<'_>) -> Option<Shape> {
        let found = self
            .visible(scope)
            .find(|found| found.name.as_deref().is_none_or(|known| known == name))?;
        Some(match found.name {
            Some(_) => found.value.clone(),
            None => Shape::unknown(Count::Perhaps),
        })
    }

    /// What is defined at this place, innermost first.
    fn visible(&self, scope: Scope<'_>) -> impl Iterator<Item = &Defined> {
        let at = |place: Option<usize>| place.and_then(|place| self.defined.get(place));
        std::iter::successors(at(scope.defined), move |found| at(found.before))
    }
}
