//! Evaluation of a test over a binary document: three-valued, without allocation.
//!
//! A member that is absent, `null` or an empty array holds no value. A member of another JSON type than its element's is
//! unknown: it is not equal to anything, and neither is it known to be different. One element that satisfies the test
//! makes it true, whatever the others are.

use std::cmp::Ordering;

use jsonb::Value;

use super::{Test, TestOp, Token, TokenSystem};
use crate::fold;
use crate::model;
use crate::path::{Leaf, Step};

impl Test {
    /// Whether the test holds for a document: `None` is unknown, because an element that matters is wrongly typed. What is
    /// unknown is not granted, and its negation is unknown too.
    pub fn evaluate(&self, document: Value<'_>) -> Option<bool> {
        let mut found = Some(false);
        for path in &self.paths {
            let one = each(document, &path.steps, &mut |value| {
                self.holds(path.leaf, value, document)
            });
            found = or(found, one);
            if found == Some(true) {
                break;
            }
        }
        match self.op {
            TestOp::Truth(expected) => found.map(|found| found == expected),
            _ => found,
        }
    }

    /// Whether the test holds for one element.
    fn holds(&self, leaf: Leaf, value: Value<'_>, document: Value<'_>) -> Option<bool> {
        match &self.op {
            TestOp::Present { types } => present(leaf, value, types, document),
            TestOp::Token(tokens) => token(leaf, value, tokens),
            TestOp::StartsWith(prefixes) => starts_with(leaf, value, prefixes),
            TestOp::Equals(values) => value
                .as_str()
                .map(|text| contains(values, |found| found.as_str().cmp(text))),
            TestOp::Truth(_) => match value {
                Value::Bool(truth) => Some(truth),
                Value::String(_) => Some(true),
                _ => None,
            },
            TestOp::Reference {
                targets,
                ids,
                types,
            } => match Found::read(value, document)? {
                Found::Nothing => Some(false),
                Found::Other(text) => Some(contains(targets, |target| target.as_str().cmp(text))),
                Found::Resource(kind, id) => Some(
                    contains(targets, |target| compare_joined(target, kind, id))
                        || (contains(ids, |found| found.as_str().cmp(id))
                            && is_one_of(kind, types)),
                ),
            },
        }
    }
}

/// Kleene's "or".
fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Kleene's "or" over items, which stops at the first true one.
fn any<T>(
    items: impl Iterator<Item = T>,
    mut holds: impl FnMut(T) -> Option<bool>,
) -> Option<bool> {
    let mut found = Some(false);
    for item in items {
        found = or(found, holds(item));
        if found == Some(true) {
            break;
        }
    }
    found
}

/// Calls `visit` for the elements at the end of `steps`, until it says true.
pub(crate) fn each<'a>(
    value: Value<'a>,
    steps: &[Step],
    visit: &mut impl FnMut(Value<'a>) -> Option<bool>,
) -> Option<bool> {
    let Some((step, rest)) = steps.split_first() else {
        return visit(value);
    };
    let child = match value {
        Value::Object(object) => object.get(&step.member).unwrap_or(Value::Null),
        _ => return None,
    };
    match child {
        Value::Null => Some(false),
        Value::Array(items) if step.many => any(items.try_iter(), |item| match item {
            Ok(Value::Null) => Some(false),
            Ok(Value::Array(_)) | Err(_) => None,
            Ok(item) => enter(item, step, rest, visit),
        }),
        Value::Array(_) => None,
        _ if step.many => None,
        child => enter(child, step, rest, visit),
    }
}

/// Applies the step's filter to one element and goes on.
fn enter<'a>(
    value: Value<'a>,
    step: &Step,
    rest: &[Step],
    visit: &mut impl FnMut(Value<'a>) -> Option<bool>,
) -> Option<bool> {
    if let Some(filter) = &step.filter {
        match member(value, &filter.member)? {
            Some(text) if text == filter.value => {}
            _ => return Some(false),
        }
    }
    each(value, rest, visit)
}

/// A string member of an object: `Some(None)` when it is absent, `None` when it is wrongly typed.
fn member<'a>(value: Value<'a>, name: &str) -> Option<Option<&'a str>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => None,
    }
}

/// The items of an array member: none when it is absent, `None` when it is wrongly typed.
fn items<'a>(value: Value<'a>, name: &str) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None.into_iter().flatten()),
        Some(Value::Array(array)) => Some(Some(array.iter()).into_iter().flatten()),
        Some(_) => None,
    }
}

/// Whether a sorted list has an item for which `compare` says equal.
fn contains<T>(values: &[T], compare: impl Fn(&T) -> Ordering) -> bool {
    values.binary_search_by(compare).is_ok()
}

/// Compares with `kind/id` without building it.
fn compare_joined(text: &str, kind: &str, id: &str) -> Ordering {
    text.bytes()
        .cmp(kind.bytes().chain(std::iter::once(b'/')).chain(id.bytes()))
}

fn is_one_of(kind: &str, types: &[String]) -> bool {
    types.is_empty() || contains(types, |name| name.as_str().cmp(kind))
}

fn present(leaf: Leaf, value: Value<'_>, types: &[String], document: Value<'_>) -> Option<bool> {
    match (leaf, value) {
        (Leaf::Reference, _) if !types.is_empty() => match Found::read(value, document)? {
            Found::Resource(kind, _) => Some(is_one_of(kind, types)),
            Found::Other(text) => {
                Some(relative(last_two(text)).is_some_and(|(kind, _)| is_one_of(kind, types)))
            }
            Found::Nothing => Some(false),
        },
        (Leaf::Boolean | Leaf::Truth, Value::Bool(_))
        | (Leaf::Number, Value::Number(_))
        | (Leaf::Text | Leaf::Truth, Value::String(_)) => Some(true),
        (Leaf::Boolean | Leaf::Truth | Leaf::Number | Leaf::Text, _) => None,
        (_, Value::Object(object)) => Some(!object.is_empty()),
        _ => None,
    }
}

fn token(leaf: Leaf, value: Value<'_>, tokens: &[Token]) -> Option<bool> {
    match leaf {
        Leaf::Boolean => match value {
            Value::Bool(truth) => Some(has_token(
                tokens,
                Some(if truth { "true" } else { "false" }),
                None,
            )),
            _ => None,
        },
        Leaf::Coding => pair(value, "code", tokens),
        Leaf::Identifier | Leaf::ContactPoint => pair(value, "value", tokens),
        Leaf::CodeableConcept => any(items(value, "coding")?, |coding| match coding {
            Value::Null => Some(false),
            coding => pair(coding, "code", tokens),
        }),
        _ => value
            .as_str()
            .map(|text| has_token(tokens, Some(text), None)),
    }
}

/// An object with a system and, under `name`, a code.
fn pair(value: Value<'_>, name: &str, tokens: &[Token]) -> Option<bool> {
    value.as_object()?;
    match (member(value, name), member(value, "system")) {
        (Some(code), Some(system)) => Some(has_token(tokens, code, system)),
        // What is known may be enough: a code whatever its system, a system whatever its code.
        (Some(Some(code)), None) => find(tokens, Some(code), Asked::Any).then_some(true),
        (None, Some(Some(system))) => find(tokens, None, Asked::Is(system)).then_some(true),
        _ => None,
    }
}

/// Whether one of the tokens fits a code and a system.
fn has_token(tokens: &[Token], code: Option<&str>, system: Option<&str>) -> bool {
    let by_code = code.is_some()
        && (find(tokens, code, Asked::Any)
            || find(tokens, code, system.map_or(Asked::None, Asked::Is)));
    by_code || system.is_some_and(|system| find(tokens, None, Asked::Is(system)))
}

/// [`TokenSystem`] without owning; the order of variants is the same.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Asked<'a> {
    Any,
    None,
    Is(&'a str),
}

fn find(tokens: &[Token], code: Option<&str>, system: Asked<'_>) -> bool {
    contains(tokens, |token| {
        let asked = match &token.system {
            TokenSystem::Any => Asked::Any,
            TokenSystem::None => Asked::None,
            TokenSystem::Is(system) => Asked::Is(system),
        };
        (token.code.as_deref(), asked).cmp(&(code, system))
    })
}

fn starts_with(leaf: Leaf, value: Value<'_>, prefixes: &[String]) -> Option<bool> {
    let (texts, lists): (&[&str], &[&str]) = match leaf {
        Leaf::HumanName => (&["family", "text"], &["given", "prefix", "suffix"]),
        Leaf::Address => (
            &["city", "district", "state", "postalCode", "country", "text"],
            &["line"],
        ),
        _ => return value.as_str().map(|text| has_prefix(text, prefixes)),
    };
    value.as_object()?;
    let single = any(texts.iter(), |name| {
        member(value, name).map(|text| text.is_some_and(|text| has_prefix(text, prefixes)))
    });
    let listed = any(lists.iter(), |name| {
        any(items(value, name)?, |item| match item {
            Value::Null => Some(false),
            item => item.as_str().map(|text| has_prefix(text, prefixes)),
        })
    });
    or(single, listed)
}

fn has_prefix(text: &str, prefixes: &[String]) -> bool {
    prefixes
        .iter()
        .any(|prefix| !prefix.is_empty() && fold::starts_with(text, prefix))
}

/// What a Reference element refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// It has no `reference`.
    Nothing,
    /// A resource of this type with this id: the reference is `Type/id`, a version of it, or a contained resource.
    Resource(&'a str, &'a str),
    /// An absolute URL (without a version), or something else.
    Other(&'a str),
}

impl<'a> Found<'a> {
    /// Reads a Reference element of `document`; `None` when it is wrongly typed or refers to a contained resource that is
    /// not there.
    pub(crate) fn read(value: Value<'a>, document: Value<'a>) -> Option<Self> {
        let Some(text) = member(value, "reference")? else {
            return Some(Self::Nothing);
        };
        if let Some(fragment) = text.strip_prefix('#') {
            let resource = if fragment.is_empty() {
                document
            } else {
                contained(document, fragment)?
            };
            let kind = member(resource, "resourceType")??;
            if !model::is_resource_type(kind) {
                return None;
            }
            return Some(Self::Resource(kind, member(resource, "id")??));
        }
        let text = text.split_once("/_history/").map_or(text, |(text, _)| text);
        Some(relative(text).map_or(Self::Other(text), |(kind, id)| Self::Resource(kind, id)))
    }
}

/// The contained resource with an id.
fn contained<'a>(document: Value<'a>, id: &str) -> Option<Value<'a>> {
    items(document, "contained")?.find(|resource| member(*resource, "id") == Some(Some(id)))
}

/// The type and id of `Type/id`.
pub(crate) fn relative(text: &str) -> Option<(&str, &str)> {
    let (kind, id) = text.split_once('/')?;
    (model::is_resource_type(kind) && !id.is_empty() && !id.contains('/')).then_some((kind, id))
}

/// The last two segments of a URL.
pub(crate) fn last_two(url: &str) -> &str {
    let mut slashes = url.rmatch_indices('/').map(|(at, _)| at + 1);
    slashes.next();
    slashes.next().and_then(|at| url.get(at..)).unwrap_or(url)
}

/// Whether a reference is stored in a form that is not compared as it stands: with a version, or contained.
pub(crate) fn irregular(reference: &str) -> bool {
    reference.starts_with('#') || reference.contains("/_history/")
}
