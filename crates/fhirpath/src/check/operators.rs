//! Operators between two collections: what they give, and between what they are never true or never defined.

use smallvec::SmallVec;

use super::functions::union;
use super::report;
use super::shape::{Class, Count, Shape, Type};
use super::walk::Check;
use crate::ast::NodeId;
use crate::operator::BinaryOp;
use crate::types::SystemType;

/// A node and what it gives.
type Operand = (NodeId, Shape);

impl Check<'_> {
    /// `left op right`
    pub(super) fn binary(
        &mut self,
        id: NodeId,
        op: BinaryOp,
        left: Operand,
        right: Operand,
    ) -> Shape {
        match op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::Implies => {
                for (id, shape) in [&left, &right] {
                    let what = format!("`{}`", op.symbol());
                    self.warn_of_condition(*id, shape, &what);
                }
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                self.warn_of_nothing(op, &left, &right);
                if !self.warn_of_types(id, op, &left, &right) {
                    self.warn_of_several(op, &left, &right);
                }
            }
            BinaryOp::Equivalent | BinaryOp::NotEquivalent => {
                if !self.warn_of_types(id, op, &left, &right) {
                    self.warn_of_several(op, &left, &right);
                }
            }
            BinaryOp::In | BinaryOp::Contains => {
                let (single, what) = match op {
                    BinaryOp::In => (&left, "the left side of `in`"),
                    _ => (&right, "the right side of `contains`"),
                };
                if !self.warn_of_types(id, op, &left, &right) {
                    self.needs_single(single.0, &single.1, what);
                }
            }
            BinaryOp::Union => return union(&left.1, &right.1),
            _ => return self.computed(id, op, &left, &right),
        }
        Shape::system(SystemType::Boolean)
    }

    /// Comparisons of order, and arithmetic.
    fn computed(&mut self, id: NodeId, op: BinaryOp, left: &Operand, right: &Operand) -> Shape {
        let what = format!("`{}`", op.symbol());
        for (id, shape) in [left, right] {
            self.needs_single(*id, shape, &what);
        }
        let (left, right) = (&left.1, &right.1);
        if !possible(left, right, |left, right| is_defined(op, left, right)) {
            let (first, second) = (report::names(left), report::names(right));
            let message = format!("{what} is not defined for {first} and {second}");
            self.error(self.span(id), message, date_hint(left, right));
        }
        match op {
            BinaryOp::Less
            | BinaryOp::LessOrEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterOrEqual => Shape::system(SystemType::Boolean),
            BinaryOp::Concatenate => Shape::system(SystemType::String),
            BinaryOp::IntegerDivide => Shape::system(SystemType::Integer),
            _ => arithmetic(left, right),
        }
    }

    /// Comparing with `{}` is never true and never false.
    fn warn_of_nothing(&mut self, op: BinaryOp, left: &Operand, right: &Operand) {
        for ((id, shape), (other, _)) in [(left, right), (right, left)] {
            if shape.is_empty() {
                let message = format!(
                    "`{}` is always empty, so that `{}` is neither true nor false",
                    self.quote(*id),
                    op.symbol()
                );
                let function = match op {
                    BinaryOp::Equal => "empty()",
                    _ => "exists()",
                };
                let hint = self.followed_by(*other, function);
                self.warning(self.span(*id), message, hint);
                return;
            }
        }
    }

    /// `=` compares whole collections: with one value, several items are never equal.
    fn warn_of_several(&mut self, op: BinaryOp, left: &Operand, right: &Operand) {
        for ((id, several), (other, one)) in [(left, right), (right, left)] {
            if several.count == Count::Many && one.count == Count::One && !one.is_empty() {
                let message = format!(
                    "`{}` can have several items, and `{}` compares all of them with one",
                    self.quote(*id),
                    op.symbol()
                );
                let hint = match (self.as_operand(*other), self.as_operand(*id)) {
                    (Some(other), Some(several)) => within(op, &other, &several),
                    _ => "write `in`, or `exists($this = …)`".to_owned(),
                };
                self.warning(self.span(*id), message, Some(hint));
                return;
            }
        }
    }

    /// Values of different kinds are never equal. Whether that was reported.
    fn warn_of_types(&mut self, id: NodeId, op: BinaryOp, left: &Operand, right: &Operand) -> bool {
        if possible(&left.1, &right.1, may_equal) {
            return false;
        }
        let (first, second) = (report::names(&left.1), report::names(&right.1));
        let answer = match op {
            BinaryOp::NotEqual | BinaryOp::NotEquivalent => "false",
            _ => "true",
        };
        let message = format!(
            "{first} and {second} are never equal, so that `{}` is never {answer}",
            op.symbol()
        );
        let hint = self
            .value_hint(op, left, right)
            .or_else(|| self.value_hint(op, right, left))
            .or_else(|| date_hint(&left.1, &right.1));
        self.nonsense(self.span(id), message, hint);
        true
    }

    /// `subject.reference` for `subject`.
    fn value_hint(&self, op: BinaryOp, complex: &Operand, other: &Operand) -> Option<String> {
        let element = report::value_element(&complex.1)?;
        let is_membership = matches!(op, BinaryOp::In | BinaryOp::Contains);
        if element == "coding.code" && !is_membership {
            let (other, complex) = (self.as_operand(other.0)?, self.as_operand(complex.0)?);
            return Some(within(op, &other, &format!("{complex}.{element}")));
        }
        let written = self.followed_by(complex.0, element);
        Some(written.unwrap_or_else(|| format!("write `.{element}` behind it")))
    }
}

/// How to ask whether a value is among several.
fn within(op: BinaryOp, value: &str, several: &str) -> String {
    match op {
        BinaryOp::NotEqual | BinaryOp::NotEquivalent => {
            format!("write `({value} in {several}).not()`")
        }
        _ => format!("write `{value} in {several}`"),
    }
}

fn date_hint(left: &Shape, right: &Shape) -> Option<String> {
    let may_be = |shape: &Shape, class| !shape.is_never(&[class]);
    let date = [(left, right), (right, left)]
        .into_iter()
        .any(|(one, other)| may_be(one, Class::Date) && may_be(other, Class::String));
    date.then(|| "a date is written `@2024-01-31`, without quotes".to_owned())
}

/// Whether something holds for some pair of possible types; it may where they are not known.
fn possible(left: &Shape, right: &Shape, holds: impl Fn(Class, Class) -> bool) -> bool {
    let (left, right) = (classes(left), classes(right));
    left.iter().any(|left| {
        let mut right = right.iter();
        right.any(|right| *left == Class::Any || *right == Class::Any || holds(*left, *right))
    })
}

/// The classes of the possible types, each once.
fn classes(shape: &Shape) -> SmallVec<[Class; 8]> {
    let mut classes = SmallVec::new();
    match shape.known() {
        None => classes.push(Class::Any),
        Some(types) => {
            for class in types.iter().map(|found| found.class()) {
                if !classes.contains(&class) {
                    classes.push(class);
                }
            }
        }
    }
    classes
}

fn may_equal(left: Class, right: Class) -> bool {
    let is_amount = |class| matches!(class, Class::Number | Class::Quantity);
    left == right || (is_amount(left) && is_amount(right))
}

/// Whether an operator other than those of logic, equality and membership is defined for two values (N1 §6.2, §6.6).
fn is_defined(op: BinaryOp, left: Class, right: Class) -> bool {
    let is_amount = |class| matches!(class, Class::Number | Class::Quantity);
    let amounts = is_amount(left) && is_amount(right);
    let is_shift = matches!(left, Class::Date | Class::Time) && right == Class::Quantity;
    let values = left != Class::Complex && right != Class::Complex;
    match op {
        BinaryOp::Less | BinaryOp::LessOrEqual | BinaryOp::Greater | BinaryOp::GreaterOrEqual => {
            may_equal(left, right) && values && left != Class::Boolean
        }
        BinaryOp::Add => amounts || is_shift || (left == Class::String && right == Class::String),
        BinaryOp::Subtract => amounts || is_shift,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::IntegerDivide | BinaryOp::Modulo => {
            amounts
        }
        _ => values,
    }
}

/// Whether all possible types are known and of these classes.
fn is_only(shape: &Shape, allowed: &[Class]) -> bool {
    shape
        .known()
        .is_some_and(|types| types.iter().all(|it| allowed.contains(&it.class())))
}

/// What `+ - * / mod` give: a value like the left one for strings, dates and times, otherwise a number or an amount.
fn arithmetic(left: &Shape, right: &Shape) -> Shape {
    let system = |systems: &[SystemType]| {
        let types = systems.iter().map(|system| Type::System(*system));
        Shape::of(types.collect(), Count::One)
    };
    let (integer, decimal) = (SystemType::Integer, SystemType::Decimal);
    if is_only(left, &[Class::String]) {
        system(&[SystemType::String])
    } else if is_only(left, &[Class::Date]) {
        system(&[SystemType::Date, SystemType::DateTime])
    } else if is_only(left, &[Class::Time]) {
        system(&[SystemType::Time])
    } else if is_only(left, &[Class::Number]) && is_only(right, &[Class::Number]) {
        system(&[integer, decimal])
    } else if is_only(left, &[Class::Number, Class::Quantity]) {
        system(&[integer, decimal, SystemType::Quantity])
    } else {
        Shape::unknown(Count::One)
    }
}
