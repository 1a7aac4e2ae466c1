//! Calls: the function, its arguments, and what each of them is evaluated on.

use fhir_model::similar;
use smallvec::SmallVec;

use super::report::{self, meant, short};
use super::shape::{Class, Count, Shape};
use super::walk::{Check, Scope};
use crate::ast::{Expr, Name, NodeId};
use crate::function::{Argument, Function};
use crate::literal::Literal;
use crate::operator::UnaryOp;

/// More bytes of regular expressions than this are not tried.
const MOST_PATTERNS: usize = 4 * 1024;

/// A call whose arguments have been looked at.
pub(super) struct Call<'s> {
    pub(super) id: NodeId,
    pub(super) function: Function,
    /// What it is called on: a node, or nothing, and what it gives.
    pub(super) left: Option<NodeId>,
    pub(super) base: &'s Shape,
    pub(super) arguments: &'s [(NodeId, Shape)],
}

impl<'c> Check<'c> {
    /// `base.name(arguments)`
    pub(super) fn call(
        &mut self,
        id: NodeId,
        name: &Name,
        arguments: &[NodeId],
        left: Option<(NodeId, Shape)>,
        scope: &mut Scope<'_>,
    ) -> Shape {
        let Some(function) = Function::from_name(name.as_str()) else {
            self.unknown_function(name, left.as_ref().map_or(scope.focus, |(_, base)| base));
            return Shape::unknown(Count::Perhaps);
        };
        if !self.has_arity(id, function, arguments.len()) {
            return Shape::unknown(Count::Perhaps);
        }
        let (left, base) = match left {
            Some((left, base)) => (Some(left), base),
            None => (None, scope.focus.clone()),
        };
        if function.arguments() == [Argument::Type] {
            let argument = arguments.first().copied();
            let name = argument.and_then(|argument| self.ast.type_name(argument));
            let span = self.span(argument.unwrap_or(id));
            return self.typed(function, name.as_ref(), span, left, &base);
        }
        if function == Function::Repeat
            && let Some(argument) = arguments.first()
            && let Some(shape) = self.repeated(*argument, &base)
        {
            return shape;
        }
        let values = self.arguments(function, arguments, &base, *scope);
        if function == Function::DefineVariable {
            let value = values.get(1).map_or(&base, |(_, value)| value);
            self.define(id, arguments.first().copied(), value.clone(), scope);
        }
        self.result(&Call {
            id,
            function,
            left,
            base: &base,
            arguments: &values,
        })
    }

    /// What the arguments give.
    fn arguments(
        &mut self,
        function: Function,
        arguments: &[NodeId],
        base: &Shape,
        scope: Scope<'_>,
    ) -> SmallVec<[(NodeId, Shape); 2]> {
        let item = base.item();
        let unknown = Shape::unknown(Count::One);
        let mut kinds = function.arguments().iter();
        let mut kind = Argument::Value;
        let mut values = SmallVec::new();
        for id in arguments {
            // The last kind is that of all further arguments.
            kind = kinds.next().copied().unwrap_or(kind);
            let focus = match function {
                Function::Iif | Function::DefineVariable | Function::Trace => base,
                Function::Repeat => &unknown,
                _ => &item,
            };
            let same_items = matches!(function, Function::Iif | Function::DefineVariable);
            let inner = match kind {
                Argument::Value | Argument::Type => scope,
                Argument::Each => Scope {
                    focus,
                    index: scope.index || !same_items,
                    total: scope.total || function == Function::Aggregate,
                    defined: scope.defined,
                },
            };
            let value = self.node(self.key(function, *id), inner);
            values.push((*id, value));
        }
        values
    }

    /// The argument, without the sign that makes a key of `sort()` descending.
    fn key(&self, function: Function, id: NodeId) -> NodeId {
        match self.ast.get(id).map(|node| &node.expr) {
            Some(Expr::Unary {
                op: UnaryOp::Minus,
                operand,
            }) if function == Function::Sort => *operand,
            _ => id,
        }
    }

    fn unknown_function(&mut self, name: &Name, base: &Shape) {
        let written = name.as_str();
        let is_element = base.known().is_some_and(|types| {
            types.iter().any(|found| match found {
                super::shape::Type::Fhir(found) => found.element(written).is_some(),
                _ => false,
            })
        });
        let hint = if is_element {
            Some(format!(
                "an element has no parentheses: `{}`",
                short(written)
            ))
        } else {
            let known = Function::ALL.iter().map(|function| function.name());
            let same = OTHER_NAMES.iter().find(|(other, _)| *other == written);
            same.map(|(_, name)| *name)
                .or_else(|| similar(written, known))
                .map(|name| meant(&format!("{name}()")))
        };
        let message = format!("there is no function `{}()`", short(written));
        self.error(name.span(), message, hint);
    }

    fn has_arity(&mut self, id: NodeId, function: Function, given: usize) -> bool {
        let (least, most) = (function.least(), function.most());
        if given >= least && most.is_none_or(|most| given <= most) {
            return true;
        }
        let takes = match (least, most) {
            (0, Some(0)) => "no argument".to_owned(),
            (1, Some(1)) => "one argument".to_owned(),
            (least, Some(most)) if least == most => format!("{least} arguments"),
            (0, Some(1)) => "at most one argument".to_owned(),
            (least, Some(most)) => format!("{least} to {most} arguments"),
            (1, None) => "at least one argument".to_owned(),
            (least, None) => format!("at least {least} arguments"),
        };
        let message = format!("{}() takes {takes}, not {given}", function.name());
        self.error(self.span(id), message, None);
        false
    }

    /// The arguments must be able to be what the function needs.
    pub(super) fn check_arguments(&mut self, call: &Call<'_>) {
        let name = call.function.name();
        for (place, (id, value)) in call.arguments.iter().enumerate() {
            let (class, wanted) = match needed(call.function, place) {
                Some(Class::String) => (Class::String, "a string"),
                Some(Class::Number) => (Class::Number, "a number"),
                _ => continue,
            };
            if value.is_never(&[class]) {
                let found = report::names(value);
                let message = format!("{name}() needs {wanted} here, not {found}");
                self.error(self.span(*id), message, None);
            }
            self.needs_single(*id, value, &format!("{name}()"));
        }
    }

    /// A regular expression that is written out must be one.
    pub(super) fn check_pattern(&mut self, call: &Call<'_>) {
        let is_matching = matches!(
            call.function,
            Function::Matches | Function::MatchesFull | Function::ReplaceMatches
        );
        let Some((id, _)) = call.arguments.first().filter(|_| is_matching) else {
            return;
        };
        let Some(pattern) = self.written_string(*id) else {
            return;
        };
        self.patterns = self.patterns.saturating_add(pattern.len());
        if self.patterns > MOST_PATTERNS {
            return;
        }
        // How large it becomes is for the evaluator to judge.
        let reason = match regex_syntax::parse(pattern) {
            Ok(_) => return,
            Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
            Err(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
            Err(error) => error.to_string(),
        };
        let message = format!("this is not a regular expression: {reason}");
        self.error(self.span(*id), message, None);
    }

    /// The text of a string that is written out.
    pub(super) fn written_string(&self, id: NodeId) -> Option<&'c str> {
        match &self.ast.get(id)?.expr {
            Expr::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// What other languages call these functions.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("any", "exists"),
    ("filter", "where"),
    ("includes", "contains"),
    ("isEmpty", "empty"),
    ("isNull", "empty"),
    ("map", "select"),
    ("size", "count"),
    ("toUpperCase", "upper"),
];

/// What an argument must be, where that is a string or a number.
fn needed(function: Function, place: usize) -> Option<Class> {
    match (function, place) {
        (
            Function::IndexOf
            | Function::LastIndexOf
            | Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::Replace
            | Function::Matches
            | Function::MatchesFull
            | Function::ReplaceMatches
            | Function::Encode
            | Function::Decode
            | Function::Escape
            | Function::Unescape
            | Function::Split
            | Function::Join
            | Function::Extension
            | Function::ConformsTo
            | Function::ToQuantity
            | Function::ConvertsToQuantity,
            _,
        )
        | (Function::Trace | Function::DefineVariable, 0) => Some(Class::String),
        (
            Function::Skip
            | Function::Take
            | Function::Substring
            | Function::Round
            | Function::Log
            | Function::Power
            | Function::LowBoundary
            | Function::HighBoundary,
            _,
        ) => Some(Class::Number),
        _ => None,
    }
}
