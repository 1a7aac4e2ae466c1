//! [`to_json`]: the text of a binary document.

use std::fmt::Write as _;

use crate::{ArrayIter, ObjectIter, Value};

enum Open<'a> {
    Array(ArrayIter<'a>),
    Object(ObjectIter<'a>),
}

/// As [`to_json`]; `None` where the text would be longer than `most` bytes, which a short document's can be: `1e99999` is
/// written with all its digits.
pub fn to_json_within(value: Value<'_>, most: usize) -> Option<String> {
    write(value, most)
}

/// The document's JSON text, exactly as PostgreSQL prints it: `{"a": 1.10, "b": [true, null]}`. Corrupt parts print as
/// `null`. Does not recurse.
pub fn to_json(value: Value<'_>) -> String {
    write(value, usize::MAX).unwrap_or_default()
}

fn write(value: Value<'_>, most: usize) -> Option<String> {
    let mut out = String::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match value {
                Value::Null => out.push_str("null"),
                Value::Bool(true) => out.push_str("true"),
                Value::Bool(false) => out.push_str("false"),
                Value::Number(number) => number.write_decimal(&mut out),
                Value::String(text) => write_string(&mut out, text),
                Value::Array(array) => {
                    out.push('[');
                    open.push(Open::Array(array.try_iter()));
                }
                Value::Object(object) => {
                    out.push('{');
                    open.push(Open::Object(object.try_iter()));
                }
            }
        }
        if out.len() > most {
            return None;
        }
        let (item, close) = match open.last_mut() {
            None => return Some(out),
            Some(Open::Array(elements)) => (
                elements
                    .next()
                    .map(|item| (None, item.unwrap_or(Value::Null))),
                ']',
            ),
            Some(Open::Object(members)) => (
                members.next().map(|item| {
                    let (key, value) = item.unwrap_or(("", Value::Null));
                    (Some(key), value)
                }),
                '}',
            ),
        };
        let Some((key, value)) = item else {
            out.push(close);
            open.pop();
            continue;
        };
        if !out.ends_with(['[', '{']) {
            out.push_str(", ");
        }
        if let Some(key) = key {
            write_string(&mut out, key);
            out.push_str(": ");
        }
        next = Some(value);
    }
}

/// As `escape_json` of PostgreSQL: the short escapes, `\u00xx` for other control characters, the rest as it is.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_json;

    #[test]
    fn no_longer_than_asked() {
        let bytes = from_json("[1e100, 1e100, 1]").unwrap();
        let value = Value::parse(&bytes).unwrap();
        let whole = to_json(value);
        assert_eq!(to_json_within(value, whole.len()), Some(whole.clone()));
        assert_eq!(to_json_within(value, whole.len() - 1), None);
        assert_eq!(to_json_within(value, 0), None);
    }
}
