//! Taking fields out of a document.

use jsonb::{Node, Patch, Value};

use super::trie::{Found, Trie, look_up};
use super::{FieldError, MAX_DEPTH};

/// What becomes of a container that lies too deep to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooDeep {
    /// [`FieldError::TooDeep`].
    Refuse,
    /// Null.
    Cut,
}

/// The value without the fields that `tries` name inside it; `None` when it has none. Arrays are walked at every level.
pub(super) fn remove<'a>(
    tries: &[&Trie],
    value: Value<'a>,
    depth: usize,
    too_deep: TooDeep,
) -> Result<Option<Node<'a>>, FieldError> {
    let inner = match deeper(depth, value) {
        Err(FieldError::TooDeep) if too_deep == TooDeep::Cut => return Ok(Some(Node::Null)),
        inner => inner?,
    };
    let mut patch = None;
    match value {
        Value::Object(object) => {
            for (i, key) in object.keys().enumerate() {
                match look_up(tries, key?) {
                    Found::Nothing => {}
                    Found::Field => patch.get_or_insert_with(|| Patch::object(object)).remove(i),
                    Found::Inside(inside) => {
                        let member = object.value_at(i)?.unwrap_or(Value::Null);
                        if let Some(node) = remove(inside.as_slice(), member, inner, too_deep)? {
                            patch
                                .get_or_insert_with(|| Patch::object(object))
                                .replace(i, node);
                        }
                    }
                }
            }
        }
        Value::Array(array) => {
            for (i, element) in array.try_iter().enumerate() {
                if let Some(node) = remove(tries, element?, inner, too_deep)? {
                    patch
                        .get_or_insert_with(|| Patch::array(array))
                        .replace(i, node);
                }
            }
        }
        _ => {}
    }
    Ok(patch.map(Node::Patch))
}

/// Whether the value has a field that `tries` name.
pub(super) fn carries(tries: &[&Trie], value: Value<'_>, depth: usize) -> Result<bool, FieldError> {
    let inner = deeper(depth, value)?;
    match value {
        Value::Object(object) => {
            for (i, key) in object.keys().enumerate() {
                let has = match look_up(tries, key?) {
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
                if carries(tries, element?, inner)? {
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
