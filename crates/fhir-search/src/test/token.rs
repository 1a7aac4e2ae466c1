//! Tokens: codes and their systems.

use jsonb::Value;

use super::evaluate::{any, contains, items, member};
use super::{Token, TokenSystem};
use crate::path::Leaf;

/// Whether an element has one of the tokens.
pub(super) fn token(leaf: Leaf, value: Value<'_>, tokens: &[Token]) -> Option<bool> {
    match leaf {
        Leaf::Boolean => match value {
            Value::Bool(truth) => Some(has_token(
                tokens,
                Some(if truth { "true" } else { "false" }),
                None,
            )),
            _ => None,
        },
        Leaf::Coding => pair(value, "code", tokens),
        Leaf::Identifier | Leaf::ContactPoint => pair(value, "value", tokens),
        Leaf::CodeableConcept => any(items(value, "coding")?, |coding| match coding {
            Value::Null => Some(false),
            coding => pair(coding, "code", tokens),
        }),
        _ => value
            .as_str()
            .map(|text| has_token(tokens, Some(text), None)),
    }
}

/// An object with a system and, under `name`, a code.
fn pair(value: Value<'_>, name: &str, tokens: &[Token]) -> Option<bool> {
    value.as_object()?;
    match (member(value, name), member(value, "system")) {
        (Some(code), Some(system)) => Some(has_token(tokens, code, system)),
        // What is known may be enough: a code whatever its system, a system whatever its code.
        (Some(Some(code)), None) => find(tokens, Some(code), Asked::Any).then_some(true),
        (None, Some(Some(system))) => find(tokens, None, Asked::Is(system)).then_some(true),
        _ => None,
    }
}

/// Whether one of the tokens fits a code and a system.
fn has_token(tokens: &[Token], code: Option<&str>, system: Option<&str>) -> bool {
    let by_code = code.is_some()
        && (find(tokens, code, Asked::Any)
            || find(tokens, code, system.map_or(Asked::None, Asked::Is)));
    by_code || system.is_some_and(|system| find(tokens, None, Asked::Is(system)))
}

/// [`TokenSystem`] without owning; the order of variants is the same.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Asked<'a> {
    Any,
    None,
    Is(&'a str),
}

fn find(tokens: &[Token], code: Option<&str>, system: Asked<'_>) -> bool {
    contains(tokens, |token| {
        let asked = match &token.system {
            TokenSystem::Any => Asked::Any,
            TokenSystem::None => Asked::None,
            TokenSystem::Is(system) => Asked::Is(system),
        };
        (token.code.as_deref(), asked).cmp(&(code, system))
    })
}
