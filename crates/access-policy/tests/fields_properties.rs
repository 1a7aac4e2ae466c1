//! Random documents, random edits: hidden fields are removed exactly, and stored values survive every edit.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/edits.rs"]
mod edits;

use std::collections::BTreeMap;

use access_policy::fields::FieldSet;
use edits::{edit, owned};
use jsonb::{Node, Value, encode, from_json, to_json};
use proptest::prelude::*;

const PATHS: [&str; 13] = [
    "secret",
    "name.family",
    "name.given.id",
    "name.given",
    "value[x].code",
    "valueMoney",
    "contact.name.family",
    "contact.name",
    "contact.given.text",
    "period.start",
    "a.b.c",
    "a.b",
    "given.given",
];
const NAMES: [&str; 19] = [
    "secret",
    "_secret",
    "name",
    "family",
    "_family",
    "given",
    "_given",
    "id",
    "valueQuantity",
    "valueMoney",
    "valueSet",
    "code",
    "contact",
    "period",
    "start",
    "a",
    "b",
    "c",
    "text",
];

/// Some of the paths.
#[derive(Debug, Clone)]
struct Set(Vec<&'static str>);

fn set() -> impl Strategy<Value = Set> {
    prop::sample::subsequence(PATHS.to_vec(), 1..=PATHS.len()).prop_map(Set)
}

/// What is kept, and what of it cannot be seen.
fn sets() -> impl Strategy<Value = (Set, Set)> {
    set().prop_flat_map(|Set(paths)| {
        let unseen = prop::sample::subsequence(paths.clone(), 0..=paths.len());
        (Just(Set(paths)), unseen.prop_map(Set))
    })
}

impl Set {
    fn fields(&self) -> FieldSet {
        self.0.join(",").parse().unwrap()
    }
}

fn document() -> impl Strategy<Value = Node<'static>> {
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        "[a-c]{0,2}".prop_map(|text| Node::String(text.into())),
    ];
    let tree = leaf.prop_recursive(5, 64, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Node::Array),
            members(inner.clone()),
            members(inner),
        ]
    });
    members(tree)
}

fn members(value: impl Strategy<Value = Node<'static>>) -> impl Strategy<Value = Node<'static>> {
    prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), value, 0..7)
        .prop_map(|members| Node::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect()))
}

/// An obvious second implementation: walks the tree with the path of each member written out. Calls `visit` for each protected
/// value, and gives the rest.
fn split(
    set: &Set,
    value: Value<'_>,
    above: &[String],
    visit: &mut dyn FnMut(Value<'_>),
) -> Node<'static> {
    match value {
        Value::Object(object) => Node::Object(
            object
                .iter()
                .filter_map(|(key, member)| {
                    let mut path = above.to_vec();
                    path.push(key.trim_start_matches('_').to_owned());
                    if set.0.iter().any(|pattern| is_path(pattern, &path)) {
                        visit(member);
                        return None;
                    }
                    Some((key.to_owned().into(), split(set, member, &path, visit)))
                })
                .collect(),
        ),
        Value::Array(array) => {
            Node::Array(array.iter().map(|e| split(set, e, above, visit)).collect())
        }
        Value::Null => Node::Null,
        Value::Bool(value) => Node::Bool(value),
        Value::String(text) => Node::String(text.to_owned().into()),
        Value::Number(_) => panic!("no numbers are generated"),
    }
}

fn is_path(pattern: &str, path: &[String]) -> bool {
    let steps: Vec<_> = pattern.split('.').collect();
    let is_step = |(step, name): (&&str, &String)| match step.strip_suffix("[x]") {
        Some(base) => matches!(name.strip_prefix(base), Some("Quantity" | "Money")),
        None => step == name,
    };
    steps.len() == path.len() && steps.iter().zip(path).all(is_step)
}

fn protected_values(set: &Set, document: &[u8]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    split(set, Value::parse(document).unwrap(), &[], &mut |value| {
        *found.entry(to_json(value)).or_default() += 1;
    });
    found
}

/// The same, where what is empty is as nothing.
fn contents(set: &Set, document: &[u8]) -> BTreeMap<String, usize> {
    fn normal(value: Value<'_>) -> Option<String> {
        match value {
            Value::Null => None,
            Value::Object(object) => {
                let members = object
                    .iter()
                    .filter_map(|(key, value)| Some(format!("{key}: {}", normal(value)?)));
                let members: Vec<_> = members.collect();
                (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
            }
            Value::Array(array) => {
                let elements: Vec<_> = array.iter().map(normal).collect();
                let length = elements.iter().rposition(Option::is_some)?;
                Some(format!("{:?}", elements.get(..=length)?))
            }
            scalar => Some(to_json(scalar)),
        }
    }
    let mut found = BTreeMap::new();
    split(set, Value::parse(document).unwrap(), &[], &mut |value| {
        if let Some(content) = normal(value) {
            *found.entry(content).or_default() += 1;
        }
    });
    found
}

fn masked(set: &Set, document: &[u8]) -> Vec<u8> {
    let removed = set
        .fields()
        .try_remove(Value::parse(document).unwrap())
        .unwrap();
    removed.unwrap_or_else(|| document.to_vec())
}

fn restored(set: &Set, unseen: &Set, new: &[u8], old: &[u8]) -> Vec<u8> {
    let (new_value, old_value) = (Value::parse(new).unwrap(), Value::parse(old).unwrap());
    let restored = set
        .fields()
        .try_restore(new_value, old_value, &unseen.fields())
        .unwrap();
    restored.unwrap_or_else(|| new.to_vec())
}

fn violations(set: &Set, unseen: &Set, new: &[u8], old: &[u8]) -> Vec<String> {
    let (new, old) = (Value::parse(new).unwrap(), Value::parse(old).unwrap());
    set.fields()
        .violations(new, Some(old), &unseen.fields())
        .unwrap()
}

fn text(document: &[u8]) -> String {
    to_json(Value::parse(document).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn removal_is_exact(set in set(), document in document()) {
        let document = encode(&document).unwrap();
        let expected = encode(&split(&set, Value::parse(&document).unwrap(), &[], &mut |_| {})).unwrap();
        prop_assert_eq!(masked(&set, &document), expected);
        let masked = masked(&set, &document);
        prop_assert_eq!(set.fields().try_remove(Value::parse(&masked).unwrap()), Ok(None));
    }

    #[test]
    fn an_unedited_document_is_restored((set, unseen) in sets(), old in document()) {
        let old = encode(&old).unwrap();
        for read in [masked(&set, &old), masked(&unseen, &old), old.clone()] {
            prop_assert_eq!(text(&restored(&set, &unseen, &read, &old)), text(&old));
        }
        prop_assert_eq!(restored(&set, &unseen, &old, &old), old.clone());
        let read = masked(&unseen, &old);
        let none: Vec<String> = Vec::new();
        prop_assert_eq!(violations(&set, &unseen, &read, &old), none);
    }

    #[test]
    fn edits_keep_every_protected_value(
        (set, unseen) in sets(),
        old in document(),
        with in document(),
        edits in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let old = encode(&old).unwrap();
        // The client sees the masked document, edits it, and may add values at protected paths.
        let mut new = owned(&masked(&unseen, &old));
        let mut choices = edits.iter().map(|i| i.index(1 << 16)).peekable();
        while choices.peek().is_some() {
            edit(&mut new, &mut choices, &with);
        }
        let new = encode(&new).unwrap();
        let result = restored(&set, &unseen, &new, &old);
        prop_assert_eq!(Value::parse(&result).unwrap().verify(), Ok(()));
        prop_assert_eq!(
            protected_values(&set, &result), protected_values(&set, &old),
            "{} over {} became {}", text(&new), text(&old), text(&result)
        );
        // Once more changes nothing.
        let read = masked(&unseen, &result);
        prop_assert_eq!(text(&restored(&set, &unseen, &read, &result)), text(&result));
        // Where nothing is said to be changed, nothing that could be seen was, and nothing is sent that could not.
        if violations(&set, &unseen, &new, &old).is_empty() {
            prop_assert_eq!(
                contents(&set, &masked(&unseen, &new)), contents(&set, &masked(&unseen, &old)),
                "{} over {}", text(&new), text(&old)
            );
            prop_assert_eq!(contents(&unseen, &new), BTreeMap::new());
        }
    }

    #[test]
    fn an_unrelated_document_keeps_every_protected_value(
        (set, unseen) in sets(), old in document(), new in document(),
    ) {
        let (old, new) = (encode(&old).unwrap(), encode(&new).unwrap());
        let result = restored(&set, &unseen, &new, &old);
        prop_assert_eq!(protected_values(&set, &result), protected_values(&set, &old));
        // Whether hidden fields are sent is all that an error says of them.
        let told = |old: &[u8]| {
            let hidden = |path: &String| unseen.fields().covers(path);
            violations(&unseen, &unseen, &new, old).into_iter().filter(hidden).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(&old), told(&masked(&unseen, &old)));
    }

    #[test]
    fn corrupt_documents_do_not_panic(
        (set, unseen) in sets(),
        old in document(),
        new in document(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut old, new) = (encode(&old).unwrap(), encode(&new).unwrap());
        let at = at.index(old.len());
        *old.get_mut(at).unwrap() = byte;
        if let Ok(old) = Value::parse(&old) {
            let new = Value::parse(&new).unwrap();
            let restored = |new, old| set.fields().try_restore(new, old, &unseen.fields()).unwrap_or_default();
            let _ = set.fields().violations(new, Some(old), &unseen.fields());
            let results = [set.fields().mask(old).unwrap_or_default(), restored(new, old), restored(old, new)];
            for bytes in results.into_iter().flatten() {
                prop_assert!(Value::parse(&bytes).is_ok());
            }
        }
    }

    #[test]
    fn texts_make_the_round_trip(
        paths in prop::collection::vec("[a-c]{1,2}(\\[x\\])?(\\.[a-c]{1,2}(\\[x\\])?){0,3}", 0..8),
    ) {
        let fields = FieldSet::parse(&paths).unwrap();
        prop_assert_eq!(&fields.to_string().parse::<FieldSet>().unwrap(), &fields);
        prop_assert!(paths.iter().all(|path| fields.covers(path) && fields.touches(path)));
    }

    #[test]
    fn a_union_removes_what_both_remove(document in document()) {
        let bytes = encode(&document).unwrap();
        let one: FieldSet = "name.family,value[x].code,a".parse().unwrap();
        let other: FieldSet = "name.given,valueQuantity.text,a.b,secret".parse().unwrap();
        let cut = |fields: &FieldSet, bytes: &[u8]| {
            fields.mask(Value::parse(bytes).unwrap()).unwrap().unwrap_or_else(|| bytes.to_vec())
        };
        prop_assert_eq!(cut(&one.union(&other), &bytes), cut(&other, &cut(&one, &bytes)));
    }
}

#[test]
fn the_reference_agrees_on_an_example() {
    let document =
        from_json(r#"{"secret": 1, "name": [{"family": "x"}], "valueSet": {"code": "y"}}"#);
    assert_eq!(
        text(&masked(&Set(PATHS.to_vec()), &document.unwrap())),
        r#"{"name": [{}], "valueSet": {"code": "y"}}"#
    );
}
