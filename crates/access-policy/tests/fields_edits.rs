//! Random resources and edits such as clients make: every value stays with the element that it belongs to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use access_policy::fields::FieldSet;
use jsonb::{Value, from_json, to_json};
use proptest::prelude::*;
use proptest::sample::Index;

/// An element of an array, known to us by its number, which can be seen and stays.
#[derive(Debug, Clone)]
struct Element {
    number: usize,
    /// What is kept of it.
    family: Option<u16>,
    value: Option<u16>,
    /// What may change.
    others: [u8; 3],
    telecom: Vec<Element>,
}

const KEPT: [&str; 3] = [
    "contact.name.family",
    "contact.value",
    "contact.telecom.value",
];

/// What a document is written for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Stored,
    /// As a client writes it that drops what is empty and writes numbers in its own way.
    Client,
}

impl Element {
    fn json(&self, form: Form) -> String {
        let number = |number: u16| match form {
            Form::Stored => format!("{number}.50"),
            Form::Client => format!("{number}.5"),
        };
        let mut members = vec![format!(r#""text": "n{}""#, self.number)];
        if self.number % 2 == 1 {
            members.push(format!(r#""note": "{}""#, "long ".repeat(60)));
        }
        for (name, other) in ["a", "b", "c"].into_iter().zip(self.others) {
            members.push(format!(r#""{name}": {}"#, number(other.into())));
        }
        match self.family {
            Some(family) => members.push(format!(r#""name": {{"family": {}}}"#, number(family))),
            None if form == Form::Stored => members.push(r#""name": {}"#.to_owned()),
            None => {}
        }
        members.extend(
            self.value
                .map(|value| format!(r#""value": {}"#, number(value))),
        );
        if !self.telecom.is_empty() || form == Form::Stored {
            members.push(format!(r#""telecom": {}"#, array(&self.telecom, form)));
        }
        format!("{{{}}}", members.join(", "))
    }

    fn without(&mut self, hidden: &FieldSet) {
        if hidden.covers("contact.name.family") {
            self.family = None;
        }
        if hidden.covers("contact.value") {
            self.value = None;
        }
        if hidden.covers("contact.telecom.value") {
            self.telecom.iter_mut().for_each(|inner| inner.value = None);
        }
    }
}

fn array(elements: &[Element], form: Form) -> String {
    let elements: Vec<_> = elements.iter().map(|element| element.json(form)).collect();
    format!("[{}]", elements.join(", "))
}

fn document(elements: &[Element], form: Form) -> Vec<u8> {
    from_json(&format!(r#"{{"contact": {}}}"#, array(elements, form))).unwrap()
}

/// `telecom` elements have no family name.
fn elements(first: usize, inner: bool) -> BoxedStrategy<Vec<Element>> {
    let telecom = match inner {
        true => Just(Vec::new()).boxed(),
        false => elements(first * 100, true),
    };
    let element = (
        prop::option::weighted(0.6, any::<u16>()).prop_map(move |family| family.filter(|_| !inner)),
        prop::option::weighted(0.6, any::<u16>()),
        any::<[u8; 3]>(),
        telecom,
    );
    prop::collection::vec(element, 0..6)
        .prop_map(move |all| {
            let number = |(i, (family, value, others, telecom))| Element {
                number: first + i,
                family,
                value,
                others,
                telecom,
            };
            all.into_iter().enumerate().map(number).collect()
        })
        .boxed()
}

/// Edits some elements: one member of each at most, and what is in `telecom`; moves them, removes and adds some.
fn edit(
    elements: &mut Vec<Element>,
    choices: &mut impl Iterator<Item = usize>,
    added: &[Element],
    removing: bool,
) {
    for element in elements.iter_mut() {
        let choice = choices.next().unwrap_or(0);
        if let Some(other) = element.others.get_mut(choice % 6) {
            *other = other.wrapping_add(1);
        }
        if !element.telecom.is_empty() {
            edit(&mut element.telecom, choices, &[], removing);
        }
    }
    for _ in 0..choices.next().unwrap_or(0) % 4 {
        let at = choices.next().unwrap_or(0) % (elements.len() + 1);
        match choices.next().unwrap_or(0) % 3 {
            0 if removing && at < elements.len() => drop(elements.remove(at)),
            1 => elements.rotate_left(at),
            _ if at < elements.len() => elements.swap(0, at),
            _ => {}
        }
    }
    for element in added {
        let at = choices.next().unwrap_or(0) % (elements.len() + 1);
        elements.insert(at, element.clone());
    }
}

fn list<'a>(value: Value<'a>, key: &str) -> Vec<Value<'a>> {
    let array = value
        .as_object()
        .and_then(|object| object.get(key)?.as_array());
    array.map_or(Vec::new(), |array| array.iter().collect())
}

/// By number, what each element has of the kept fields, to the letter.
fn kept_parts(document: &[u8], kept: &FieldSet) -> BTreeMap<String, Vec<String>> {
    let mut parts = BTreeMap::new();
    let document = Value::parse(document).unwrap();
    let get = |value: Value<'_>, path: &[&str]| {
        path.iter()
            .try_fold(value, |value, key| value.as_object()?.get(key))
            .map(to_json)
    };
    for contact in list(document, "contact") {
        let number = get(contact, &["text"]).unwrap();
        let mut of: Vec<String> = Vec::new();
        if kept.covers("contact.name.family") {
            of.extend(get(contact, &["name", "family"]).map(|family| format!("family {family}")));
        }
        if kept.covers("contact.value") {
            of.extend(get(contact, &["value"]).map(|value| format!("value {value}")));
        }
        if kept.covers("contact.telecom.value") {
            for telecom in list(contact, "telecom") {
                let inner = get(telecom, &["text"]).unwrap();
                of.extend(get(telecom, &["value"]).map(|value| format!("{inner} {value}")));
            }
        }
        of.sort_unstable();
        assert_eq!(parts.insert(number, of), None, "no element is there twice");
    }
    parts
}

fn paths() -> impl Strategy<Value = (FieldSet, FieldSet)> {
    prop::sample::subsequence(KEPT.to_vec(), 1..=KEPT.len()).prop_flat_map(|kept| {
        let set = |paths: Vec<&str>| paths.join(",").parse::<FieldSet>().unwrap();
        let unseen = prop::sample::subsequence(kept.clone(), 0..=kept.len());
        (Just(set(kept)), unseen.prop_map(set))
    })
}

fn restored(new: &[u8], old: &[u8], kept: &FieldSet, unseen: &FieldSet) -> Vec<u8> {
    let (new_value, old) = (Value::parse(new).unwrap(), Value::parse(old).unwrap());
    let restored = kept.try_restore(new_value, old, unseen).unwrap();
    restored.unwrap_or_else(|| new.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn values_stay_with_their_elements(
        (kept, unseen) in paths(),
        stored in elements(1, false),
        added in elements(1_000, false),
        removing in any::<bool>(),
        choices in prop::collection::vec(any::<Index>(), 60),
        form in prop_oneof![Just(Form::Stored), Just(Form::Client)],
    ) {
        let old = document(&stored, Form::Stored);
        let mut edited = stored.clone();
        edited.iter_mut().for_each(|element| element.without(&unseen));
        // What is added to a document has values of its own for fields that may not be written.
        let added = if removing { &[][..] } else { &added[..added.len().min(2)] };
        edit(&mut edited, &mut choices.iter().map(|choice| choice.index(1 << 16)), added, removing);
        let new = document(&edited, form);
        let result = restored(&new, &old, &kept, &unseen);
        let mut expected = kept_parts(&old, &kept);
        for element in &edited {
            // New ones have nothing; of old ones that have nothing some may be gone.
            expected.entry(format!("\"n{}\"", element.number)).or_default();
        }
        let mut found = kept_parts(&result, &kept);
        found.retain(|_, parts| !parts.is_empty());
        expected.retain(|_, parts| !parts.is_empty());
        prop_assert_eq!(
            found, expected,
            "{} over {}", to_json(Value::parse(&new).unwrap()), to_json(Value::parse(&old).unwrap())
        );
        // What is violated: nothing where all that could be seen is still there, and nothing was added.
        let violated = kept
            .violations(Value::parse(&new).unwrap(), Some(Value::parse(&old).unwrap()), &unseen)
            .unwrap();
        if !removing && added.is_empty() {
            prop_assert!(violated.is_empty(), "{:?}", violated);
        }
        if let (true, Some(first)) = (kept.covers("contact.value"), edited.first_mut()) {
            first.value = Some(first.value.map_or(1, |value| value ^ 1));
            let forged = document(&edited, form);
            let forged = Value::parse(&forged).unwrap();
            let violated = kept.violations(forged, Some(Value::parse(&old).unwrap()), &unseen).unwrap();
            prop_assert!(violated.contains(&"contact.value".to_owned()), "{:?}", violated);
        }
    }

    #[test]
    fn siblings_stay_with_their_primitives(
        ids in prop::collection::vec(prop::option::of(any::<u16>()), 0..8),
        removed in prop::collection::vec(any::<bool>(), 8),
        order in prop::collection::vec(any::<Index>(), 8),
        added in 0..3_usize,
        sends_siblings in any::<bool>(),
        whole in any::<bool>(),
    ) {
        let kept: FieldSet = if whole { "name._given" } else { "name.given.id" }.parse().unwrap();
        let write = |names: &[(String, Option<u16>)], siblings: bool| {
            let given: Vec<_> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let ids: Vec<_> = names.iter().map(|(_, id)| {
                id.map_or("null".to_owned(), |id| format!(r#"{{"id": "i{id}"}}"#))
            }).collect();
            let siblings = match siblings {
                true => format!(r#", "_given": [{}]"#, ids.join(",")),
                false => String::new(),
            };
            from_json(&format!(r#"{{"name": [{{"given": [{}]{siblings}}}]}}"#, given.join(","))).unwrap()
        };
        let stored: Vec<_> = ids.iter().enumerate().map(|(i, id)| (format!("n{i}"), *id)).collect();
        let old = write(&stored, true);
        let mut edited: Vec<_> = stored.iter().zip(&removed).filter(|(_, gone)| !**gone).map(|(name, _)| (name.0.clone(), None)).collect();
        // None is removed in place of a new one.
        if edited.len() == stored.len() {
            edited.extend((0..added).map(|i| (format!("new{i}"), Some(7))));
        }
        for (i, order) in order.iter().enumerate() {
            if i < edited.len() {
                let other = order.index(edited.len());
                edited.swap(i, other);
            }
        }
        let result = restored(&write(&edited, sends_siblings), &old, &kept, &kept);
        let document = Value::parse(&result).unwrap();
        let name = document.as_object().unwrap().get("name").unwrap().as_array().unwrap().get(0).unwrap();
        let list = |key| name.as_object().unwrap().get(key).and_then(|list| list.as_array());
        let mut found = BTreeMap::new();
        for (i, given) in list("given").unwrap().iter().enumerate() {
            let id = list("_given").and_then(|siblings| siblings.get(i)?.as_object()?.get("id")).map(to_json);
            found.insert(to_json(given), id);
        }
        for (name, id) in &stored {
            let has = found.remove(&format!("\"{name}\""));
            prop_assert_eq!(has.flatten(), id.map(|id| format!("\"i{id}\"")));
        }
        prop_assert!(found.values().all(Option::is_none), "{:?}", found);
    }
}
