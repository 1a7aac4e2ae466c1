//! Taking fields out of a document.

use jsonb::{Node, Patch, Value};

use super::rule::{Entered, Found, Rule, enter};
use super::{FieldError, MAX_DEPTH};

/// What is left of a value without its fields.
pub(super) enum Removed<'a> {
    /// It has none.
    AsIs,
    /// Nothing: it is a field itself, or an array of nothing else.
    Gone,
    /// This.
    Now(Node<'a>),
}

/// What becomes of a container that lies too deep to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooDeep {
    /// [`FieldError::TooDeep`].
    Refuse,
    /// Null.
    Cut,
}

/// The value without the fields that `rules` name inside it. Arrays are walked at every level.
pub(super) fn remove<'a>(
    rules: &[Rule<'_>],
    value: Value<'a>,
    depth: usize,
    too_deep: TooDeep,
) -> Result<Removed<'a>, FieldError> {
    let inner = match deeper(depth, value) {
        Err(FieldError::TooDeep) if too_deep == TooDeep::Cut => {
            return Ok(Removed::Now(Node::Null));
        }
        inner => inner?,
    };
    let mut patch = None;
    match value {
        Value::Object(object) => {
            let Entered::Members(members) = enter(rules, object) else {
                return Ok(Removed::Gone);
            };
            for (i, key) in object.keys().enumerate() {
                match members.look_up(key?) {
                    Found::Nothing => {}
                    Found::Field => patch.get_or_insert_with(|| Patch::object(object)).remove(i),
                    Found::Inside(inside) => {
                        let member = object.value_at(i)?.unwrap_or(Value::Null);
                        match remove(inside.as_slice(), member, inner, too_deep)? {
                            Removed::AsIs => {}
                            Removed::Gone => {
                                patch.get_or_insert_with(|| Patch::object(object)).remove(i)
                            }
                            Removed::Now(node) => patch
                                .get_or_insert_with(|| Patch::object(object))
                                .replace(i, node),
                        }
                    }
                }
            }
        }
        Value::Array(array) => {
            let mut left = array.len();
            for (i, element) in array.try_iter().enumerate() {
                let element = element?;
                match remove(rules, element, inner, too_deep)? {
                    Removed::AsIs => {}
                    // Places in an outer array stay.
                    Removed::Gone if matches!(element, Value::Array(_)) => {
                        patch
                            .get_or_insert_with(|| Patch::array(array))
                            .replace(i, Node::Array(Vec::new()));
                    }
                    Removed::Gone => {
                        patch.get_or_insert_with(|| Patch::array(array)).remove(i);
                        left = left.saturating_sub(1);
                    }
                    Removed::Now(node) => patch
                        .get_or_insert_with(|| Patch::array(array))
                        .replace(i, node),
                }
            }
            if left == 0 && !array.is_empty() {
                return Ok(Removed::Gone);
            }
        }
        _ => {}
    }
    Ok(patch.map_or(Removed::AsIs, |patch| Removed::Now(Node::Patch(patch))))
}

/// Whether the value is, or has, a field that `rules` name.
pub(super) fn carries(
    rules: &[Rule<'_>],
    value: Value<'_>,
    depth: usize,
) -> Result<bool, FieldError> {
    let inner = deeper(depth, value)?;
    match value {
        Value::Object(object) => {
            let Entered::Members(members) = enter(rules, object) else {
                return Ok(true);
            };
            for (i, key) in object.keys().enumerate() {
                let has = match members.look_up(key?) {
                    Found::Nothing => false,
                    Found::Field => true,
                    Found::Inside(inside) => {
                        let member = object.value_at(i)?.unwrap_or(Value::Null);
                        carries(inside.as_slice(), member, inner)?
                    }
                };
                if has {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Array(array) => {
            for element in array.try_iter() {
                if carries(rules, element?, inner)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// The depth inside a container at `depth`.
pub(super) fn deeper(depth: usize, value: Value<'_>) -> Result<usize, FieldError> {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => Err(FieldError::TooDeep),
        _ => Ok(depth.saturating_add(1)),
    }
}
