//! Operators on literals, through the parser.

mod dates;
mod numbers;
mod quantities;
mod random;

use std::cmp::Ordering;

use super::*;
use crate::ast::{Ast, Expr, NodeId};
use crate::eval::{Fault, Work};
use crate::literal::Literal;
use crate::operator::{BinaryOp, UnaryOp};

/// The scalar that a literal stands for.
pub(super) fn scalar(literal: &Literal) -> Option<Scalar<'static>> {
    Some(match literal {
        Literal::Empty => return None,
        Literal::Boolean(value) => Scalar::Boolean(*value),
        Literal::String(text) => Scalar::String(text.to_string().into()),
        Literal::Integer(value) => Scalar::Integer(*value),
        Literal::Decimal(digits) => Scalar::Decimal(Decimal::parse(digits).unwrap()),
        Literal::Date(date) => Scalar::Date(*date),
        Literal::DateTime(value) => Scalar::DateTime(*value),
        Literal::Time(time) => Scalar::Time(*time),
        Literal::OffsetTime(..) => panic!("not a value"),
        Literal::Quantity(quantity) => Scalar::from(Quantity {
            value: Decimal::parse(&quantity.value).unwrap(),
            unit: quantity.unit.clone(),
        }),
    })
}

/// The value of an expression of literals and operators; `None` for any other.
pub(super) fn evaluate(ast: &Ast, id: NodeId) -> Option<Result<Option<Scalar<'static>>, Fault>> {
    Some(match &ast[id].expr {
        Expr::Literal(Literal::OffsetTime(..)) => return None,
        Expr::Literal(literal) => Ok(scalar(literal)),
        Expr::Unary { op, operand } => match (op, evaluate(ast, *operand)?) {
            (UnaryOp::Minus, Ok(Some(value))) => negate(&value),
            (_, value) => value,
        },
        Expr::Binary { op, left, right } => match (evaluate(ast, *left)?, evaluate(ast, *right)?) {
            (Ok(left), Ok(right)) => operate(*op, left.as_ref(), right.as_ref())?,
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        },
        _ => return None,
    })
}

fn operate(
    op: BinaryOp,
    left: Option<&Scalar<'static>>,
    right: Option<&Scalar<'static>>,
) -> Option<Result<Option<Scalar<'static>>, Fault>> {
    let work = Work::new(1_000_000, None);
    let (Some(a), Some(b)) = (left, right) else {
        return Some(Ok(match op {
            BinaryOp::Equivalent => Some(Scalar::Boolean(left.is_none() && right.is_none())),
            BinaryOp::NotEquivalent => Some(Scalar::Boolean(left.is_some() || right.is_some())),
            BinaryOp::Concatenate => left.or(right).cloned(),
            _ => None,
        }));
    };
    let boolean = |value: Option<bool>| value.map(Scalar::Boolean);
    let order =
        |test: fn(Ordering) -> bool| compare(op, a, b, &work).map(|order| boolean(order.map(test)));
    Some(match op {
        BinaryOp::Equal => equal(a, b, &work).map(boolean),
        BinaryOp::NotEqual => equal(a, b, &work).map(|equal| boolean(equal.map(|equal| !equal))),
        BinaryOp::Equivalent => equivalent(a, b, &work).map(|same| boolean(Some(same))),
        BinaryOp::NotEquivalent => equivalent(a, b, &work).map(|same| boolean(Some(!same))),
        BinaryOp::Less => order(Ordering::is_lt),
        BinaryOp::LessOrEqual => order(Ordering::is_le),
        BinaryOp::Greater => order(Ordering::is_gt),
        BinaryOp::GreaterOrEqual => order(Ordering::is_ge),
        BinaryOp::Add => add(a, b, &work),
        BinaryOp::Subtract => subtract(a, b, &work),
        BinaryOp::Concatenate => concatenate(a, b, &work),
        BinaryOp::Multiply => multiply(a, b, &work),
        BinaryOp::Divide => divide(a, b, &work),
        BinaryOp::IntegerDivide => int_divide(a, b, &work),
        BinaryOp::Modulo => modulo(a, b, &work),
        _ => return None,
    })
}

/// A value as a literal.
pub(super) fn show(value: &Scalar<'_>) -> String {
    match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Decimal(value) => value.to_string(),
        Scalar::String(text) => format!("'{}'", &**text),
        Scalar::Date(date) => format!("@{date}"),
        Scalar::DateTime(value) => format!("@{value}"),
        Scalar::Time(time) => format!("@T{time}"),
        Scalar::Quantity(quantity) => quantity.to_string(),
    }
}

/// What an expression gives, as text: a literal, `{}`, or `fault: ` and its text.
pub(super) fn answer(source: &str) -> String {
    let ast = crate::parse(source).unwrap();
    match evaluate(&ast, ast.root()).expect("literals and operators only") {
        Ok(Some(value)) => show(&value),
        Ok(None) => "{}".to_owned(),
        Err(fault) => format!("fault: {fault}"),
    }
}

/// Checks answers; `fault` stands for any.
pub(super) fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(source, expected)| {
            let answer = answer(source);
            let right = answer == *expected || *expected == "fault" && answer.starts_with("fault");
            (!right).then(|| format!("{source}\n    gives {answer}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
