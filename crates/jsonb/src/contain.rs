//! Containment, as PostgreSQL's `@>` has it, of one object in another: by looking its keys up, without taking either apart.

use std::cmp::Ordering;

use crate::value::{Array, Object, Value};

/// Objects in objects are followed so deep.
const DEEPEST: usize = 64;

impl Object<'_> {
    /// Whether this contains `part`. `None` where that is nested too deep to be followed, or something of what was looked at is
    /// not as PostgreSQL writes it: ask PostgreSQL then.
    pub fn contains(&self, part: &Object<'_>) -> Option<bool> {
        object_contains(self, part, DEEPEST)
    }
}

fn object_contains(whole: &Object<'_>, part: &Object<'_>, deeper: usize) -> Option<bool> {
    let deeper = deeper.checked_sub(1)?;
    for member in part.try_iter() {
        let (key, wanted) = member.ok()?;
        match whole.get(key) {
            None => return Some(false),
            Some(found) => {
                if !value_contains(found, wanted, deeper)? {
                    return Some(false);
                }
            }
        }
    }
    Some(true)
}

fn array_contains(whole: &Array<'_>, part: &Array<'_>, deeper: usize) -> Option<bool> {
    let deeper = deeper.checked_sub(1)?;
    for wanted in part.try_iter() {
        let wanted = wanted.ok()?;
        let is_there = match wanted {
            Value::Array(_) | Value::Object(_) => any(whole.containers(), wanted, deeper)?,
            _ => any(whole.try_iter(), wanted, deeper)?,
        };
        if !is_there {
            return Some(false);
        }
    }
    Some(true)
}

fn any<'a, E>(
    items: impl Iterator<Item = Result<Value<'a>, E>>,
    wanted: Value<'_>,
    deeper: usize,
) -> Option<bool> {
    for item in items {
        if value_contains(item.ok()?, wanted, deeper)? {
            return Some(true);
        }
    }
    Some(false)
}

/// Inside of documents, a scalar is contained in its like alone.
fn value_contains(found: Value<'_>, wanted: Value<'_>, deeper: usize) -> Option<bool> {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => object_contains(&found, &wanted, deeper),
        (Value::Array(found), Value::Array(wanted)) => array_contains(&found, &wanted, deeper),
        (Value::String(found), Value::String(wanted)) => Some(found == wanted),
        (Value::Number(found), Value::Number(wanted)) => {
            Some(found.compare(&wanted) == Ordering::Equal)
        }
        (Value::Bool(found), Value::Bool(wanted)) => Some(found == wanted),
        (Value::Null, Value::Null) => Some(true),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Value, from_json};

    fn contains(whole: &str, part: &str) -> Option<bool> {
        let (whole, part) = (from_json(whole).unwrap(), from_json(part).unwrap());
        match (Value::parse(&whole).unwrap(), Value::parse(&part).unwrap()) {
            (Value::Object(whole), Value::Object(part)) => whole.contains(&part),
            _ => panic!("objects"),
        }
    }

    #[test]
    fn as_postgresql_has_it() {
        let document = r#"{"a": 1.0, "b": "x", "n": null, "t": true, "e": {}, "l": [], "deep": [[1, [2]], {"k": [{"v": 3}, {"v": 4}]}], "s": [1, "1", null, [5]]}"#;
        for (part, is) in [
            ("{}", true),
            (r#"{"a": 1}"#, true),
            (r#"{"a": 1.00, "t": true}"#, true),
            (r#"{"a": "1"}"#, false),
            (r#"{"a": 2}"#, false),
            (r#"{"b": "x"}"#, true),
            (r#"{"b": "X"}"#, false),
            (r#"{"n": null}"#, true),
            (r#"{"missing": null}"#, false),
            (r#"{"n": {}}"#, false),
            (r#"{"t": false}"#, false),
            (r#"{"e": {}}"#, true),
            (r#"{"e": []}"#, false),
            (r#"{"l": []}"#, true),
            (r#"{"l": {}}"#, false),
            (r#"{"s": []}"#, true),
            (r#"{"s": [1, 1, 1, 1, 1, 1]}"#, true),
            (r#"{"s": ["1", null]}"#, true),
            (r#"{"s": ["2"]}"#, false),
            (r#"{"s": [5]}"#, false),
            (r#"{"s": [[5]]}"#, true),
            (r#"{"s": [[]]}"#, true),
            (r#"{"s": [{}]}"#, false),
            // An element of the whole is not the whole's list: what PostgreSQL allows at the root alone.
            (r#"{"s": 1}"#, false),
            (r#"{"deep": [{"k": [{"v": 4}]}]}"#, true),
            (r#"{"deep": [{"k": [{"v": 3}, {"v": 4}]}, [[2]]]}"#, true),
            (r#"{"deep": [{"k": [{"v": 3, "w": 4}]}]}"#, false),
            (r#"{"deep": [[[1]]]}"#, false),
            (r#"{"deep": {"k": []}}"#, false),
        ] {
            assert_eq!(contains(document, part), Some(is), "{part}");
        }
    }

    #[test]
    fn not_deeper_than_can_be_followed() {
        let nested =
            |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        assert_eq!(contains(&nested(64), &nested(64)), Some(true));
        assert_eq!(contains(&nested(65), &nested(65)), None);
        assert_eq!(contains(&nested(64), r#"{"a": {"a": {}}}"#), Some(true));
    }
}
