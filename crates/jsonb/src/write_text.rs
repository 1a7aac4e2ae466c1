//! [`to_json`]: the text of a binary document.

use std::fmt::Write as _;

use crate::{ArrayIter, ObjectIter, Value};

enum Open<'a> {
    Array(ArrayIter<'a>),
    Object(ObjectIter<'a>),
}

/// The document's JSON text, exactly as PostgreSQL prints it: `{"a": 1.10, "b": [true, null]}`. Corrupt parts print as
/// `null`. Does not recurse.
pub fn to_json(value: Value<'_>) -> String {
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
        let (item, close) = match open.last_mut() {
            None => return out,
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
