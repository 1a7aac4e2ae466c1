//! Random documents make the round trip; corrupt bytes never panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::borrow::Cow;

use jsonb::{Corrupt, Decimal, Node, Patch, Value, encode, from_json, parse_json, to_json};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?"
}

fn document() -> impl Strategy<Value = Node<'static>> {
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        number().prop_map(|text| Node::Decimal(Decimal::parse(&text).unwrap())),
        "[^\\x00]{0,12}".prop_map(|text| Node::String(Cow::Owned(text))),
    ];
    leaf.prop_recursive(5, 256, 48, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..48).prop_map(Node::Array),
            prop::collection::vec(("[a-cé]{0,3}".prop_map(Cow::Owned), inner.clone()), 0..8)
                .prop_map(Node::Object),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..48).prop_map(|members| {
                Node::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
            }),
        ]
    })
}

/// Reads everything reachable, by every accessor.
fn read_all(value: Value<'_>, left: &mut usize) {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return;
    }
    match value {
        Value::Array(array) => {
            for (i, element) in array.iter().enumerate().take(64) {
                assert_eq!(array.get(i), Some(element));
                read_all(element, left);
            }
            assert_eq!(array.get(array.len()), None);
            same_containers(array.containers(), array.iter());
        }
        Value::Object(object) => {
            for (key, member) in object.iter().take(64) {
                let _ = object.get(key);
                read_all(member, left);
            }
            same_containers(object.containers(), object.iter().map(|(_, member)| member));
        }
        Value::Number(number) => assert!(!number.to_decimal().is_empty()),
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// The containers that can be read are those among all children, whatever is wrong with others.
fn same_containers<'a>(
    containers: impl Iterator<Item = Result<Value<'a>, Corrupt>>,
    all: impl Iterator<Item = Value<'a>>,
) {
    let is_container = |value: &Value<'_>| matches!(value, Value::Array(_) | Value::Object(_));
    let found = containers.filter_map(Result::ok).take(64);
    // Where the key is corrupt the member reads as null, and its value may be sound.
    let expected: Vec<_> = all.filter(is_container).take(64).collect();
    let found: Vec<_> = found.collect();
    assert!(found.iter().all(is_container));
    assert!(found.len() >= expected.len());
}

fn poke(bytes: &[u8]) {
    if let Ok(value) = Value::parse(bytes) {
        read_all(value, &mut 10_000);
        let sound = value.verify().is_ok();
        if bytes.len() < 4096 && sound {
            let text = to_json(value);
            assert!(from_json(&text).is_ok(), "{text}");
        }
        let copy = encode(&Node::Value(value)).unwrap();
        assert!(Value::parse(&copy).is_ok());
        if let Value::Object(object) = value {
            let mut patch = Patch::object(object);
            patch.remove(1);
            patch.replace(0, Node::Null);
            patch.add([("a", Node::Null), ("", Node::Bool(true))]);
            if object.len() < 10_000
                && let Ok(bytes) = encode(&Node::Patch(patch))
            {
                assert!(Value::parse(&bytes).is_ok());
            }
            for (i, key) in object.keys().enumerate().take(64) {
                let _ = (key, object.value_at(i));
            }
        }
    }
}

/// One edit of a patch, and the same of the children's list.
fn apply<'a>(
    patch: &mut Patch<'a>,
    child: Option<&mut Option<Node<'a>>>,
    i: usize,
    with: Option<Node<'a>>,
) {
    match &with {
        Some(node) => patch.replace(i, node.clone()),
        None => patch.remove(i),
    }
    if let Some(child) = child {
        *child = with;
    }
}

proptest! {
    #[test]
    fn round_trips(node in document()) {
        let bytes = encode(&node).unwrap();
        let value = Value::parse(&bytes).unwrap();
        prop_assert_eq!(value.verify(), Ok(()));
        let is_container = |value: &Value<'_>| matches!(value, Value::Array(_) | Value::Object(_));
        match value {
            Value::Array(array) => {
                let found: Vec<_> = array.containers().map(Result::unwrap).collect();
                let expected: Vec<_> = array.iter().filter(is_container).collect();
                prop_assert_eq!(found, expected);
            }
            Value::Object(object) => {
                let found: Vec<_> = object.containers().map(Result::unwrap).collect();
                let members = object.iter().map(|(_, member)| member);
                let expected: Vec<_> = members.filter(is_container).collect();
                prop_assert_eq!(found, expected);
                for (place, (key, _)) in object.iter().enumerate() {
                    prop_assert_eq!(object.position(key), Some(place));
                }
            }
            _ => prop_assert_eq!(value.as_bytes(), None),
        }
        if let Some(found) = value.as_bytes() {
            prop_assert_eq!(found, &bytes[..]);
        }
        let text = to_json(value);
        prop_assert_eq!(&from_json(&text).unwrap(), &bytes);
        prop_assert_eq!(encode(&parse_json(&text).unwrap()).unwrap(), bytes);
    }

    #[test]
    fn a_patch_writes_what_a_new_container_would(
        node in document(),
        with in document(),
        edits in prop::collection::vec((0usize..60, any::<bool>()), 0..12),
    ) {
        let bytes = encode(&node).unwrap();
        let (patched, rebuilt) = match Value::parse(&bytes).unwrap() {
            Value::Array(array) => {
                let mut patch = Patch::array(array);
                let mut elements: Vec<_> = array.iter().map(|e| Some(Node::Value(e))).collect();
                for (i, replaced) in edits {
                    apply(&mut patch, elements.get_mut(i), i, replaced.then(|| with.clone()));
                }
                (patch, Node::Array(elements.into_iter().flatten().collect()))
            }
            Value::Object(object) => {
                let mut patch = Patch::object(object);
                let mut members: Vec<_> = object.iter().map(|(_, v)| Some(Node::Value(v))).collect();
                for (i, replaced) in edits {
                    apply(&mut patch, members.get_mut(i), i, replaced.then(|| with.clone()));
                }
                let keys = object.keys().map(|key| str::from_utf8(key.unwrap()).unwrap());
                let left = keys.zip(members).filter_map(|(key, node)| Some((key.into(), node?)));
                (patch, Node::Object(left.collect()))
            }
            _ => return Ok(()),
        };
        let written = encode(&Node::Patch(patched)).unwrap();
        prop_assert_eq!(&written, &encode(&rebuilt).unwrap());
        prop_assert_eq!(Value::parse(&written).unwrap().verify(), Ok(()));
    }

    #[test]
    fn a_patch_adds_members_as_a_new_object_would(
        node in document(),
        with in document(),
        keys in prop::collection::vec("[a-d]{0,3}", 0..8),
        edits in prop::collection::vec((0usize..20, any::<bool>()), 0..4),
    ) {
        let bytes = encode(&node).unwrap();
        let Value::Object(object) = Value::parse(&bytes).unwrap() else {
            return Ok(());
        };
        let mut patch = Patch::object(object);
        let mut members: Vec<_> = object.iter().map(|(_, v)| Some(Node::Value(v))).collect();
        for (i, replaced) in edits {
            apply(&mut patch, members.get_mut(i), i, replaced.then(|| with.clone()));
        }
        let added: Vec<_> = keys.iter().enumerate().map(|(i, key)| (key.as_str(), Node::Bool(i % 2 == 0))).collect();
        patch.add(added.clone());
        let left = object.iter().zip(members).filter_map(|((key, _), node)| Some((key.into(), node?)));
        let all = left.chain(added.into_iter().map(|(key, node)| (key.into(), node)));
        let written = encode(&Node::Patch(patch)).unwrap();
        prop_assert_eq!(&written, &encode(&Node::Object(all.collect())).unwrap());
        prop_assert_eq!(Value::parse(&written).unwrap().verify(), Ok(()));
    }

    #[test]
    fn duplicate_keys_last_wins(a in 0u8..9, b in 0u8..9) {
        let text = format!(r#"{{"k": {a}, "j": true, "k": {b}}}"#);
        prop_assert_eq!(from_json(&text).unwrap(), from_json(&format!(r#"{{"j": true, "k": {b}}}"#)).unwrap());
    }

    #[test]
    fn corrupt_bytes_do_not_panic(node in document(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = encode(&node).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        poke(&bytes);
    }

    #[test]
    fn flipped_bits_and_cut_ends_do_not_panic(node in document(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
        let mut bytes = encode(&node).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        poke(&bytes);
        bytes[at] ^= 1 << bit;
        poke(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn noise_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        poke(&bytes);
        for header in [0x2000_0002u32, 0x4000_0004, 0x5000_0001, 0x2FFF_FFFF] {
            let mut headed = header.to_ne_bytes().to_vec();
            headed.extend_from_slice(&bytes);
            poke(&headed);
        }
    }

    #[test]
    fn bad_text_does_not_panic(text in "[\\[\\]{}\",:0-9eE.+\\\\u-]{0,40}|.{0,40}") {
        if let Ok(bytes) = from_json(&text) {
            prop_assert_eq!(Value::parse(&bytes).unwrap().verify(), Ok(()));
        }
    }
}

#[test]
fn text_that_is_not_json_is_refused_with_its_position() {
    for (text, offset, message) in [
        ("", 0, "expected a JSON value"),
        ("nul", 0, "expected a JSON value"),
        ("[1,]", 3, "expected a JSON value"),
        ("[1 2]", 3, "expected \",\" or \"]\""),
        ("{\"a\" 1}", 5, "expected \":\""),
        ("{\"a\":1,}", 7, "expected a key in double quotes"),
        ("{\"a\":1]", 6, "expected \",\" or \"}\""),
        ("1 2", 2, "unexpected text after the document"),
        ("\"abc", 1, "unterminated string"),
        ("\"a\nb\"", 2, "control character in a string"),
        ("\"\\x\"", 2, "invalid escape"),
        ("\"\\u12g4\"", 3, "invalid \\u escape"),
        ("\"\\u0000\"", 7, "\\u0000 cannot be stored"),
        ("\"\\ud800x\"", 7, "unpaired surrogate"),
        ("\"\\ud800\\u0041\"", 13, "unpaired surrogate"),
        ("\"\\udc00\"", 7, "unpaired surrogate"),
        ("01", 0, "not a number jsonb can hold"),
        ("1.", 0, "not a number jsonb can hold"),
        (".1", 0, "expected a JSON value"),
        ("-", 0, "not a number jsonb can hold"),
        ("1e", 0, "not a number jsonb can hold"),
        ("1e131072", 0, "not a number jsonb can hold"),
        ("1e-16384", 0, "not a number jsonb can hold"),
        ("1e99999999999999999999", 0, "not a number jsonb can hold"),
        ("// no\n1", 0, "expected a JSON value"),
    ] {
        let error = from_json(text).unwrap_err();
        assert_eq!((error.offset, error.message), (offset, message), "{text:?}");
    }
    assert!(from_json("1e131071").is_ok());
    assert!(from_json("1e-16383").is_ok());
}

#[test]
fn nesting_is_bounded_and_not_recursive() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = nested(jsonb::MAX_DEPTH);
    let bytes = from_json(&deep).unwrap();
    let value = Value::parse(&bytes).unwrap();
    assert_eq!(value.verify(), Ok(()));
    assert_eq!(to_json(value), deep);
    assert_eq!(
        from_json(&nested(jsonb::MAX_DEPTH + 1))
            .unwrap_err()
            .message,
        "nested too deeply"
    );
    assert!(from_json(&"[".repeat(jsonb::MAX_DEPTH)).is_err());
    assert!(from_json(&"{\"a\":".repeat(1_000_000)).is_err());
}

#[test]
fn corruption_is_reported() {
    let bytes = from_json(r#"{"a": "x", "b": {"c": 1.5}}"#).unwrap();
    let at = |needle: u8| bytes.iter().position(|b| *b == needle).unwrap();
    let mut not_utf8 = bytes.clone();
    not_utf8[at(b'x')] = 0xFF;
    let value = Value::parse(&not_utf8).unwrap();
    assert_eq!(
        value.verify().unwrap_err().to_string(),
        "corrupt jsonb: a string is not UTF-8"
    );
    let object = value.as_object().unwrap();
    assert_eq!(object.get("a"), Some(Value::Null));
    assert!(object.try_iter().next().unwrap().is_err());

    let mut disorder = bytes.clone();
    disorder[at(b'a')] = b'z';
    assert!(Value::parse(&disorder).unwrap().verify().is_err());
    assert!(Value::parse(&bytes[..8]).is_err());
    assert!(Value::parse(&[]).is_err());
}

#[test]
fn a_sample_of_real_documents_makes_the_round_trip() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/synthea.ndjson.gz"
    );
    let Ok(output) = std::process::Command::new("gzip")
        .args(["-dc", path])
        .output()
    else {
        return println!("skipped: no gzip");
    };
    if !output.status.success() {
        return println!("skipped: no sample data");
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let mut documents = 0;
    for line in text.lines().take(3000) {
        let bytes = from_json(line).unwrap();
        let value = Value::parse(&bytes).unwrap();
        assert_eq!(value.verify(), Ok(()));
        assert_eq!(from_json(&to_json(value)).unwrap(), bytes);
        documents += 1;
    }
    assert!(documents > 0);
}
