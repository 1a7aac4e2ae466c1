//! A document over another one, as an update restores it.
#![allow(dead_code, clippy::unwrap_used)]

use access_policy::fields::FieldSet;
use jsonb::{Value, from_json, to_json};

/// JSON as PostgreSQL writes it.
pub fn text(json: &str) -> String {
    to_json(Value::parse(&from_json(json).unwrap()).unwrap())
}

/// `new` over the stored `old` must become `expected`.
#[track_caller]
pub fn check(paths: &str, old: &str, new: &str, expected: &str) {
    let fields: FieldSet = paths.parse().unwrap();
    let (old, new) = (from_json(old).unwrap(), from_json(new).unwrap());
    let new_value = Value::parse(&new).unwrap();
    let result = fields
        .try_restore(new_value, Value::parse(&old).unwrap(), &fields)
        .unwrap();
    if let Some(bytes) = &result {
        assert_ne!(*bytes, new, "None means unchanged");
    }
    let bytes = result.unwrap_or(new);
    assert_eq!(to_json(Value::parse(&bytes).unwrap()), text(expected));
}
