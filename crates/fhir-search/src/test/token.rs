//! Tokens: codes and their systems.

use jsonb::Value;

use super::evaluate::{and, any, contains, items, member};
use super::{Token, TokenSystem};
use crate::path::Leaf;

/// A half of a token: `None` where it is unknown, `Some(None)` where it is absent.
pub(crate) type Half<'a> = Option<Option<&'a str>>;

/// Calls `visit` with the code and the system of each token of an element, until it says true.
pub(crate) fn each_token<'a>(
    leaf: Leaf,
    value: Value<'a>,
    visit: &mut impl FnMut(Half<'a>, Half<'a>) -> Option<bool>,
) -> Option<bool> {
    let (code, none) = match leaf {
        Leaf::Boolean => match value {
            Value::Bool(truth) => (if truth { "true" } else { "false" }, Some(None)),
            _ => return None,
        },
        Leaf::Coding => return pair(value, "code", visit),
        Leaf::Identifier | Leaf::ContactPoint => return pair(value, "value", visit),
        Leaf::CodeableConcept => {
            return any(items(value, "coding")?, |coding| match coding {
                Value::Null => Some(false),
                coding => pair(coding, "code", visit),
            });
        }
        _ => (value.as_str()?, Some(None)),
    };
    visit(Some(Some(code)), none)
}

/// An object with a system and, under `name`, a code.
fn pair<'a>(
    value: Value<'a>,
    name: &str,
    visit: &mut impl FnMut(Half<'a>, Half<'a>) -> Option<bool>,
) -> Option<bool> {
    value.as_object()?;
    visit(member(value, name), member(value, "system"))
}

/// Whether an element has one of the tokens.
pub(super) fn token(leaf: Leaf, value: Value<'_>, tokens: &[Token]) -> Option<bool> {
    each_token(leaf, value, &mut |code, system| match (code, system) {
        (Some(code), Some(system)) => Some(has_token(tokens, code, system)),
        // What is known may be enough.
        (code, system) => any(tokens.iter(), |token| {
            let code_fits = match &token.code {
                Some(asked) => code.map(|code| code == Some(asked)),
                None => Some(true),
            };
            let system_fits = match &token.system {
                TokenSystem::Any => Some(true),
                TokenSystem::None => system.map(|system| system.is_none()),
                TokenSystem::Is(asked) => system.map(|system| system == Some(asked)),
            };
            and(code_fits, system_fits)
        }),
    })
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
