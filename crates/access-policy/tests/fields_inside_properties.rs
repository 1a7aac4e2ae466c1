//! Random documents with extensions and resources inside, random edits: what is hidden is removed exactly, survives every edit,
//! and never comes to stand where it could be seen.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/edits.rs"]
mod edits;

use std::collections::{BTreeMap, BTreeSet};

use access_policy::fields::FieldSet;
use edits::{edit, owned};
use jsonb::{Node, Value, encode, to_json};
use proptest::prelude::*;

const PATHS: [&str; 16] = [
    "name",
    "birthDate.extension('u')",
    "extension('u')",
    "extension('v').valueString",
    "extension('v').extension('u')",
    "modifierExtension('u')",
    "contained.secret",
    "entry.resource.name.family",
    "Patient:name",
    "Patient:extension('u')",
    "Patient:name.family",
    "Observation:secret",
    "Observation:extension('v').valueString",
    "Observation:name.extension('w')",
    "*:secret.extension('u')",
    "*:text",
];

#[derive(Debug, Clone)]
struct Set(Vec<&'static str>);

/// What is kept, and what of it cannot be seen.
fn sets() -> impl Strategy<Value = (Set, Set)> {
    prop::sample::subsequence(PATHS.to_vec(), 1..=PATHS.len()).prop_flat_map(|paths| {
        let unseen = prop::sample::subsequence(paths.clone(), 0..=paths.len());
        (Just(Set(paths)), unseen.prop_map(Set))
    })
}

impl Set {
    fn fields(&self) -> FieldSet {
        self.0.join(",").parse().unwrap()
    }
}

fn string(text: &'static str) -> Node<'static> {
    Node::String(text.into())
}

fn object(members: Vec<(&'static str, Node<'static>)>) -> Node<'static> {
    Node::Object(
        members
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

fn leaf() -> impl Strategy<Value = Node<'static>> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(string)
}

/// Some members under `name`, nearly always an array.
fn some_of(
    name: &'static str,
    element: BoxedStrategy<Node<'static>>,
) -> BoxedStrategy<Vec<(&'static str, Node<'static>)>> {
    prop_oneof![
        6 => Just(Vec::new()),
        5 => prop::collection::vec(element.clone(), 0..3).prop_map(move |all| vec![(name, Node::Array(all))]),
        1 => element.prop_map(move |one| vec![(name, one)]),
    ]
    .boxed()
}

fn extension(inner: BoxedStrategy<Node<'static>>) -> BoxedStrategy<Node<'static>> {
    let url = prop::sample::select(vec!["u", "v", "w"]);
    let id = prop::option::weighted(0.2, prop::sample::select(vec!["1", "2"]));
    (url, id, leaf(), some_of("extension", inner))
        .prop_map(|(url, id, value, mut members)| {
            members.push(("url", string(url)));
            members.extend(id.map(|id| ("id", string(id))));
            members.push(("valueString", value));
            object(members)
        })
        .boxed()
}

fn extensions() -> BoxedStrategy<Node<'static>> {
    extension(extension(leaf().boxed()))
}

/// A resource, or what looks like one.
fn resource(depth: u32) -> BoxedStrategy<Node<'static>> {
    let inner = match depth {
        0 => leaf().boxed(),
        depth => resource(depth - 1),
    };
    let named = (leaf(), some_of("extension", extensions())).prop_map(|(family, mut members)| {
        members.push(("family", family));
        object(members)
    });
    let part = some_of("resource", inner.clone()).prop_map(object).boxed();
    let parameter = (
        leaf(),
        some_of("resource", inner.clone()),
        some_of("part", part),
    )
        .prop_map(|(name, resource, parts)| {
            object(
                [vec![("name", name)], resource, parts]
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        })
        .boxed();
    let response = some_of("outcome", inner.clone()).prop_map(object).boxed();
    let entry = (
        some_of("resource", inner.clone()),
        some_of("response", response),
    )
        .prop_map(|(resource, response)| object([resource, response].concat()))
        .boxed();
    let kind = prop::sample::select(vec!["Patient", "Observation", "Group", "None such", ""]);
    let id = prop::option::of(prop::sample::select(vec!["1", "2", "3"]));
    let plain = prop::sample::subsequence(vec!["secret", "text", "_birthDate", "birthDate"], 0..4);
    (
        (kind, id, plain, leaf()),
        some_of("name", named.boxed()),
        some_of("extension", extensions()),
        some_of("modifierExtension", extensions()),
        some_of("contained", inner),
        some_of("entry", entry),
        some_of("parameter", parameter),
        extensions(),
    )
        .prop_map(
            |(
                (kind, id, plain, text),
                names,
                extensions,
                modifiers,
                contained,
                entries,
                parameters,
                extension,
            )| {
                let mut members =
                    [names, extensions, modifiers, contained, entries, parameters].concat();
                if !kind.is_empty() {
                    members.push(("resourceType", string(kind)));
                }
                members.extend(id.map(|id| ("id", string(id))));
                for name in plain {
                    members.push((
                        name,
                        match name {
                            "_birthDate" | "secret" => {
                                object(vec![("extension", Node::Array(vec![extension.clone()]))])
                            }
                            _ => text.clone(),
                        },
                    ));
                }
                object(members)
            },
        )
        .boxed()
}

/// Gives each text that tells nothing of what something is a content of its own.
fn told_apart(node: Node<'static>, prefix: &str) -> Node<'static> {
    fn walk(node: Node<'static>, key: &str, prefix: &str, count: &mut usize) -> Node<'static> {
        match node {
            Node::Object(members) => Node::Object(
                members
                    .into_iter()
                    .map(|(key, value)| {
                        let value = walk(value, &key, prefix, count);
                        (key, value)
                    })
                    .collect(),
            ),
            Node::Array(elements) => Node::Array(
                elements
                    .into_iter()
                    .map(|element| walk(element, key, prefix, count))
                    .collect(),
            ),
            Node::String(_) if !["url", "id", "resourceType"].contains(&key) => {
                *count += 1;
                Node::String(format!("{prefix}{count}").into())
            }
            other => other,
        }
    }
    walk(node, "", prefix, &mut 0)
}

/// From a resource (the document, or one inside) to a place: the paths that count there, and how it is reached.
#[derive(Clone)]
struct Way<'p> {
    paths: Vec<&'p str>,
    /// Each step with and without the URL, where it has one.
    steps: Vec<[String; 2]>,
}

impl Way<'_> {
    fn is_field(&self) -> bool {
        let is = |pattern: &str| {
            let mut quoted = false;
            let wanted: Vec<&str> = pattern
                .split(|c| {
                    quoted ^= c == '\'';
                    c == '.' && !quoted
                })
                .collect();
            wanted.len() == self.steps.len()
                && wanted
                    .iter()
                    .zip(&self.steps)
                    .all(|(wanted, step)| step.iter().any(|step| step == wanted))
        };
        self.paths.iter().any(|pattern| is(pattern))
    }

    fn with(&self, step: [String; 2]) -> Self {
        let mut way = self.clone();
        way.steps.push(step);
        way
    }

    /// Does a resource stand at its end?
    fn leads_to_resource(&self, keys: &[String]) -> bool {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["contained"] | ["entry", "resource"] | ["entry", "response", "outcome"] => true,
            ["parameter", parts @ .., "resource"] => parts.iter().all(|part| *part == "part"),
            _ => false,
        }
    }
}

/// An obvious second implementation. Calls `visit` for each field, and gives the rest; `None` where that is nothing.
/// `keys` lead here from the innermost resource.
fn split(
    set: &Set,
    ways: &[Way<'_>],
    keys: &[String],
    value: Value<'_>,
    visit: &mut dyn FnMut(Value<'_>),
) -> Option<Node<'static>> {
    match value {
        Value::Object(object) => {
            let mut ways = ways.to_vec();
            let mut keys = keys.to_vec();
            let text = |key| object.get(key).and_then(|value| value.as_str());
            if keys
                .last()
                .is_some_and(|key| key == "extension" || key == "modifierExtension")
            {
                for way in &mut ways {
                    let step = way.steps.last_mut().unwrap();
                    step[1] = format!("{}('{}')", step[0], text("url").unwrap_or_default());
                }
                if ways.iter().any(Way::is_field) {
                    visit(value);
                    return None;
                }
            }
            if ways.first().is_some_and(|way| way.leads_to_resource(&keys)) {
                let of_type = |path: &&'static str| match path.split_once(':') {
                    Some(("*", _)) => true,
                    Some((name, _)) => match text("resourceType") {
                        Some("Patient" | "Observation" | "Group") => {
                            text("resourceType") == Some(name)
                        }
                        _ => true,
                    },
                    None => false,
                };
                ways.push(Way {
                    paths: set
                        .0
                        .iter()
                        .filter(|path| of_type(path))
                        .map(|path| path.split_once(':').unwrap().1)
                        .collect(),
                    steps: Vec::new(),
                });
                keys.clear();
            }
            let members = object.iter().filter_map(|(key, member)| {
                let plain = key.trim_start_matches('_').to_owned();
                let ways: Vec<_> = ways
                    .iter()
                    .map(|way| way.with([plain.clone(), String::new()]))
                    .collect();
                if ways.iter().any(Way::is_field) {
                    visit(member);
                    return None;
                }
                let keys = [keys.as_slice(), &[key.to_owned()]].concat();
                Some((
                    key.to_owned().into(),
                    split(set, &ways, &keys, member, visit)?,
                ))
            });
            Some(Node::Object(members.collect()))
        }
        Value::Array(array) => {
            let elements: Vec<_> = array
                .iter()
                .filter_map(
                    |element| match (split(set, ways, keys, element, visit), element) {
                        (None, Value::Array(_)) => Some(Node::Array(Vec::new())),
                        (rest, _) => rest,
                    },
                )
                .collect();
            (array.is_empty() || !elements.is_empty()).then_some(Node::Array(elements))
        }
        Value::Null => Some(Node::Null),
        Value::Bool(value) => Some(Node::Bool(value)),
        Value::String(text) => Some(Node::String(text.to_owned().into())),
        Value::Number(_) => panic!("no numbers are generated"),
    }
}

fn root(set: &Set) -> Way<'static> {
    Way {
        paths: set
            .0
            .iter()
            .copied()
            .filter(|path| !path.contains(':'))
            .collect(),
        steps: Vec::new(),
    }
}

fn split_document(set: &Set, document: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Node<'static> {
    split(
        set,
        &[root(set)],
        &[],
        Value::parse(document).unwrap(),
        visit,
    )
    .unwrap()
}

fn fields(set: &Set, document: &[u8]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    split_document(set, document, &mut |value| {
        *found.entry(to_json(value)).or_default() += 1;
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

/// The texts in a document.
fn texts(document: &[u8]) -> BTreeSet<String> {
    fn walk(value: Value<'_>, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(_, value)| walk(value, into)),
            Value::Array(array) => array.iter().for_each(|value| walk(value, into)),
            Value::String(text) => drop(into.insert(text.to_owned())),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(Value::parse(document).unwrap(), &mut found);
    found
}

fn edited(document: &[u8], with: &Node<'static>, edits: &[prop::sample::Index]) -> Vec<u8> {
    let mut new = owned(document);
    let mut choices = edits.iter().map(|i| i.index(1 << 16)).peekable();
    while choices.peek().is_some() {
        edit(&mut new, &mut choices, with);
    }
    encode(&new).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn removal_is_exact((set, _) in sets(), document in resource(2)) {
        let document = encode(&document).unwrap();
        let expected = encode(&split_document(&set, &document, &mut |_| {})).unwrap();
        let masked = masked(&set, &document);
        prop_assert_eq!(text(&masked), text(&expected), "{}", text(&document));
        prop_assert_eq!(&masked, &expected);
        prop_assert_eq!(set.fields().try_remove(Value::parse(&masked).unwrap()), Ok(None));
    }

    #[test]
    fn an_unedited_document_is_restored((set, unseen) in sets(), old in resource(2)) {
        let old = encode(&old).unwrap();
        for read in [masked(&set, &old), masked(&unseen, &old), old.clone()] {
            prop_assert_eq!(text(&restored(&set, &unseen, &read, &old)), text(&old));
        }
        let none: Vec<String> = Vec::new();
        prop_assert_eq!(violations(&set, &unseen, &masked(&unseen, &old), &old), none);
    }

    #[test]
    fn edits_keep_every_field_where_it_cannot_be_seen(
        (set, unseen) in sets(),
        old in resource(2),
        with in resource(1),
        edits in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let old = encode(&told_apart(old, "old")).unwrap();
        let with = told_apart(with, "new");
        // The client sees the masked document, edits it, and may add values where fields are.
        let new = edited(&masked(&unseen, &old), &with, &edits);
        let result = restored(&set, &unseen, &new, &old);
        prop_assert_eq!(Value::parse(&result).unwrap().verify(), Ok(()));
        prop_assert_eq!(
            fields(&set, &result), fields(&set, &old),
            "{} over {} became {}", text(&new), text(&old), text(&result)
        );
        // What the writer could not see, nobody sees now who sees no more.
        let seen = |document: &[u8]| texts(&masked(&unseen, document));
        let before = &seen(&old) | &texts(&new);
        prop_assert!(
            seen(&result).is_subset(&before),
            "{} over {} became {}", text(&new), text(&old), text(&result)
        );
        let read = masked(&unseen, &result);
        prop_assert_eq!(text(&restored(&set, &unseen, &read, &result)), text(&result));
    }

    #[test]
    fn an_unrelated_document_keeps_every_field((set, unseen) in sets(), old in resource(2), new in resource(2)) {
        let old = encode(&told_apart(old, "old")).unwrap();
        let new = encode(&told_apart(new, "new")).unwrap();
        let result = restored(&set, &unseen, &new, &old);
        prop_assert_eq!(fields(&set, &result), fields(&set, &old));
        let seen = texts(&masked(&unseen, &result));
        prop_assert!(seen.is_subset(&(&texts(&masked(&unseen, &old)) | &texts(&new))));
        // Whether hidden fields are sent is all that an error says of them.
        let told = |old: &[u8]| violations(&unseen, &unseen, &new, old);
        prop_assert_eq!(told(&old), told(&masked(&unseen, &old)));
    }

    #[test]
    fn corrupt_documents_do_not_panic(
        (set, unseen) in sets(),
        old in resource(2),
        new in resource(1),
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
            let results = [set.fields().marked().mask(old).unwrap_or_default(), restored(new, old), restored(old, new)];
            for bytes in results.into_iter().flatten() {
                prop_assert!(Value::parse(&bytes).is_ok());
            }
        }
    }
}
