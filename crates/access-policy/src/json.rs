//! Phase one: JSON text to a tree, with the limits that hostile input needs.
//!
//! RFC 8259 JSON: comments and trailing commas are syntax errors and reported with line and column. Beyond the syntax,
//! duplicate keys (RFC 8259 leaves their meaning open, so one reader could see another policy than the next) and
//! U+0000 (which PostgreSQL's `text` cannot hold) are errors with their path.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::finding::{Findings, Path, quote};

/// Largest document that is read, in bytes of JSON text.
pub(crate) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Most values in a document, so that a small text cannot become a large tree.
const MAX_VALUES: usize = 1_000_000;

/// Reads JSON text. `None` means that no tree could be made; the reason is among the findings. The nesting limit is the
/// one of `serde_json`: 127 levels.
pub(crate) fn parse(text: &str, findings: &mut Findings) -> Option<Value> {
    if text.len() > MAX_BYTES {
        findings.error(
            &Path::Root,
            format!(
                "the document has {} bytes, more than the {MAX_BYTES} allowed",
                text.len()
            ),
        );
        return None;
    }
    let shared = RefCell::new(findings);
    let count = Cell::new(0);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Node {
        path: &Path::Root,
        findings: &shared,
        count: &count,
    };
    let outcome = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            shared
                .borrow_mut()
                .error(&Path::Root, format!("not valid JSON: {error}"));
            None
        }
    }
}

/// Deserializes one value and knows where it stands.
struct Node<'a, 'f> {
    path: &'a Path<'a>,
    findings: &'a RefCell<&'f mut Findings>,
    count: &'a Cell<usize>,
}

impl Node<'_, '_> {
    fn check_text(&self, text: &str) {
        if text.contains('\0') {
            self.findings
                .borrow_mut()
                .error(self.path, "must not contain the character U+0000");
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count.set(self.count.get().saturating_add(1));
        if self.count.get() > MAX_VALUES {
            return Err(D::Error::custom(format_args!(
                "more than {MAX_VALUES} values"
            )));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.check_text(value);
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.check_text(&value);
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = Path::Index(self.path, items.len());
            let node = Node {
                path: &path,
                findings: self.findings,
                count: self.count,
            };
            match access.next_element_seed(node)? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = Path::Field(self.path, &key);
            let node = Node {
                path: &path,
                findings: self.findings,
                count: self.count,
            };
            node.check_text(&key);
            if members.contains_key(&key) {
                self.findings
                    .borrow_mut()
                    .error(&path, format!("duplicate key {}", quote(&key)));
            }
            let value = access.next_value_seed(node)?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    fn read(text: &str) -> (Option<Value>, Vec<Finding>) {
        let mut findings = Findings::default();
        let value = parse(text, &mut findings);
        (value, findings.finish())
    }

    #[test]
    fn plain_json_is_read_as_it_is() {
        let text = r#"{"b":[1,-2,1.5,true,null],"a":{"x":"\u00e4"}}"#;
        let (value, findings) = read(text);
        assert_eq!(value, Some(serde_json::from_str(text).unwrap()));
        assert!(findings.is_empty());
    }

    #[test]
    fn syntax_errors_have_line_and_column() {
        for (text, position) in [
            ("{\"a\": 1,\n}", "line 2 column 1"),
            ("{\n  // no\n}", "line 2 column 3"),
            ("{} {}", "line 1 column 4"),
            ("", "line 1 column 0"),
            ("{\"a\": 1", "line 1 column 7"),
        ] {
            let (value, findings) = read(text);
            assert_eq!(value, None);
            assert!(
                findings[0].message.contains(position),
                "{}",
                findings[0].message
            );
        }
    }

    #[test]
    fn duplicate_keys_and_nul_are_errors_with_their_path() {
        let (_, findings) = read(r#"{"a":[{"x":1,"x":2}],"b":"\u0000"}"#);
        assert_eq!(findings[0].to_string(), "a[0].x: duplicate key \"x\"");
        assert_eq!(findings[1].path, "b");
        assert!(findings[1].message.contains("U+0000"));
    }

    #[test]
    fn depth_and_size_are_limited() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&deep(127)).0.is_some());
        for n in [128, 1_000_000] {
            let (value, findings) = read(&deep(n));
            assert_eq!(value, None);
            assert!(
                findings[0].message.contains("recursion limit"),
                "{}",
                findings[0].message
            );
        }
        let (value, findings) = read(&format!("[{}0]", "0,".repeat(MAX_VALUES)));
        assert_eq!(value, None);
        assert!(
            findings[0]
                .message
                .contains("more than 1000000 values at line 1")
        );
        let (value, findings) = read(&" ".repeat(MAX_BYTES + 1));
        assert_eq!(value, None);
        assert!(findings[0].message.contains("bytes"));
    }
}
