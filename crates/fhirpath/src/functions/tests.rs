//! Functions, called through small expressions: literals, signs and calls, which is what they need.

mod boundary;
mod convert;
mod encode;
mod hostile;
mod math;
mod regex;
mod suite;
mod text;

use super::*;
use crate::ast::{Ast, Expr, NodeId};
use crate::literal::Literal;
use crate::operator::{BinaryOp, UnaryOp};
use crate::value::{Decimal, Quantity};

type Items = Vec<Scalar<'static>>;

/// The values of an expression, or why it has none. Strings lie outside (`borrowed`) or were made.
fn evaluate(source: &str, borrowed: bool, work: &Work<'_>) -> Result<Items, Fault> {
    let ast = crate::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    node(&ast, ast.root(), borrowed, work)
}

/// The values as literals, separated by `|`; nothing for the empty collection.
fn shown(source: &str) -> Result<String, Fault> {
    let both = [true, false].map(|borrowed| {
        let items = evaluate(source, borrowed, &Work::new(10_000_000, None))?;
        Ok(items.iter().map(show).collect::<Vec<_>>().join(" | "))
    });
    assert_eq!(both[0], both[1], "{source}");
    both[0].clone()
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(shown(source).as_deref(), Ok(*expected), "{source}");
    }
}

#[track_caller]
fn check_faults(table: &[(&str, Fault)]) {
    for (source, fault) in table {
        assert_eq!(shown(source).as_ref(), Err(fault), "{source}");
    }
}

fn input(function: &'static str, found: &'static str) -> Fault {
    Fault::Input { function, found }
}

fn argument(function: &'static str, expected: &'static str) -> Fault {
    Fault::Argument { function, expected }
}

fn show(value: &Scalar<'_>) -> String {
    let literal = match value {
        Scalar::Boolean(value) => Literal::Boolean(*value),
        Scalar::Integer(value) => return value.to_string(),
        Scalar::Decimal(value) => return value.to_string(),
        Scalar::String(text) => Literal::String((**text).into()),
        Scalar::Date(value) => Literal::Date(*value),
        Scalar::DateTime(value) => Literal::DateTime(*value),
        Scalar::Time(value) => Literal::Time(*value),
        Scalar::Quantity(value) => return value.to_string(),
    };
    literal.to_string()
}

fn scalar(literal: &Literal, borrowed: bool) -> Option<Scalar<'static>> {
    Some(match literal {
        Literal::Empty => return None,
        Literal::Boolean(value) => Scalar::Boolean(*value),
        Literal::Integer(value) => Scalar::Integer(*value),
        Literal::Decimal(digits) => Scalar::Decimal(Decimal::parse(digits).unwrap()),
        Literal::String(text) => string(text, borrowed),
        Literal::Date(value) => Scalar::Date(*value),
        Literal::DateTime(value) => Scalar::DateTime(*value),
        Literal::Time(value) => Scalar::Time(*value),
        Literal::OffsetTime(..) => panic!("not a value"),
        Literal::Quantity(quantity) => Scalar::Quantity(Box::new(Quantity {
            value: Decimal::parse(&quantity.value).unwrap(),
            unit: quantity.unit.clone(),
        })),
    })
}

fn string(text: &str, borrowed: bool) -> Scalar<'static> {
    Scalar::String(match borrowed {
        true => Text::Borrowed(String::from(text).leak()),
        false => Text::Made(text.into()),
    })
}

fn node(ast: &Ast, id: NodeId, borrowed: bool, work: &Work<'_>) -> Result<Items, Fault> {
    let inner = |id| node(ast, id, borrowed, work);
    let boolean = |value| Ok(vec![Scalar::Boolean(value)]);
    match &ast[id].expr {
        Expr::Literal(literal) => Ok(scalar(literal, borrowed).into_iter().collect()),
        Expr::Unary { op, operand } => {
            let mut items = inner(*operand)?;
            for item in &mut items {
                if *op == UnaryOp::Minus {
                    *item = negated(item);
                }
            }
            Ok(items)
        }
        Expr::Call { base, name, args } => {
            let input = inner(base.expect("an input"))?;
            match name.as_str() {
                "empty" => return boolean(input.is_empty()),
                "exists" => return boolean(!input.is_empty()),
                "count" => return Ok(vec![Scalar::Integer(input.len() as i64)]),
                "not" => {
                    let not = |item: &Scalar<'_>| matches!(item, Scalar::Boolean(false));
                    return Ok(input
                        .iter()
                        .map(|item| Scalar::Boolean(not(item)))
                        .collect());
                }
                _ => {}
            }
            let function = Function::from_name(name.as_str()).expect("a function");
            let mut values = Vec::new();
            for arg in args {
                let mut value = inner(*arg)?;
                assert!(value.len() < 2, "one value for an argument");
                match value.pop() {
                    Some(value) => values.push(value),
                    None => return Ok(Items::new()),
                }
            }
            match input.as_slice() {
                [] => Ok(Items::new()),
                [input] => Ok(call(function, input, &values, None, work)?.into_vec()),
                _ => panic!("one input"),
            }
        }
        Expr::Binary { op, left, right } => {
            let (left, right) = (inner(*left)?, inner(*right)?);
            match op {
                BinaryOp::Union => Ok(left.into_iter().chain(right).collect()),
                BinaryOp::Equal => {
                    if left.is_empty() || right.is_empty() {
                        return Ok(Items::new());
                    }
                    if left.len() != right.len() {
                        return boolean(false);
                    }
                    let mut all = true;
                    for (left, right) in left.iter().zip(&right) {
                        match crate::value::equal(left, right, work)? {
                            Some(equal) => all &= equal,
                            None => return Ok(Items::new()),
                        }
                    }
                    boolean(all)
                }
                _ => panic!("no operator for these tests: {}", op.symbol()),
            }
        }
        other => panic!("nothing for these tests: {other:?}"),
    }
}

fn negated(value: &Scalar<'static>) -> Scalar<'static> {
    match value {
        Scalar::Integer(value) => Scalar::Integer(-value),
        Scalar::Decimal(value) => Scalar::Decimal(value.negate()),
        Scalar::Quantity(value) => Scalar::Quantity(Box::new(Quantity {
            value: value.value.negate(),
            unit: value.unit.clone(),
        })),
        other => panic!("no number: {}", other.type_name()),
    }
}

#[test]
fn every_scalar_function_is_there() {
    let given = string("1", true);
    for function in Function::ALL {
        let args = vec![given.clone(); function.least()];
        let called = call(*function, &given, &args, None, &Work::new(1_000, None));
        let missing = Fault::Other("the function does not work on single values");
        let is_missing = called.is_err_and(|fault| fault == missing);
        assert_eq!(
            is_missing,
            function.group() == crate::Group::Collection,
            "{}",
            function.name()
        );
    }
}
