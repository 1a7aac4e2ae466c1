//! Against the bytes that PostgreSQL 15 wrote (`data/capture.sql` makes `data/captured.tsv`; little-endian).
#![cfg(target_endian = "little")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use jsonb::{Node, Value, encode, from_json, to_json};

struct Captured {
    input: &'static str,
    output: &'static str,
    bytes: Vec<u8>,
}

fn captured() -> Vec<Captured> {
    include_str!("data/captured.tsv")
        .lines()
        .map(|line| {
            let mut fields = line.split('\t');
            let (input, output) = (fields.next().unwrap(), fields.next().unwrap());
            let hex = fields.next().unwrap();
            let bytes = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            Captured {
                input,
                output,
                bytes,
            }
        })
        .collect()
}

#[test]
fn text_becomes_the_captured_bytes() {
    let all = captured();
    assert!(all.len() > 50);
    for c in all {
        assert_eq!(from_json(c.input).unwrap(), c.bytes, "{}", c.input);
        assert_eq!(from_json(c.output).unwrap(), c.bytes, "{}", c.output);
    }
}

#[test]
fn captured_bytes_print_as_postgresql_prints_them() {
    for c in captured() {
        let value = Value::parse(&c.bytes).unwrap();
        assert_eq!(value.verify(), Ok(()), "{}", c.input);
        assert_eq!(to_json(value), c.output);
    }
}

#[test]
fn an_untouched_document_is_written_as_it_was() {
    for c in captured() {
        let value = Value::parse(&c.bytes).unwrap();
        assert_eq!(encode(&Node::Value(value)).unwrap(), c.bytes);
        assert_eq!(encode(&rebuilt(value)).unwrap(), c.bytes, "{}", c.input);
    }
}

/// New structure all the way down.
fn rebuilt(value: Value<'_>) -> Node<'_> {
    match value {
        Value::Array(array) => Node::Array(array.iter().map(rebuilt).collect()),
        Value::Object(object) => Node::Object(
            object
                .iter()
                .map(|(key, value)| (key.into(), rebuilt(value)))
                .collect(),
        ),
        scalar => Node::Value(scalar),
    }
}

#[test]
fn members_and_elements_are_found() {
    for c in captured() {
        match Value::parse(&c.bytes).unwrap() {
            Value::Object(object) => {
                assert_eq!(object.iter().count(), object.len());
                for (key, value) in object.iter() {
                    assert_eq!(object.get(key), Some(value), "{key} of {}", c.input);
                    assert_eq!(object.get(&format!("{key}~")), None);
                    let text = value.as_str();
                    let length = text.map_or(0, str::len);
                    assert_eq!(object.get_short(key, length), text);
                    assert_eq!(
                        object.get_short(key, length.wrapping_sub(1)),
                        text.filter(|_| length == 0)
                    );
                }
                assert_eq!(object.get("not there at all"), None);
            }
            Value::Array(array) => {
                assert_eq!(array.iter().count(), array.len());
                for (i, value) in array.iter().enumerate() {
                    assert_eq!(array.get(i), Some(value));
                }
                assert_eq!(array.get(array.len()), None);
            }
            _ => {}
        }
    }
}
