//! Evaluation of a test over a binary document: three-valued, without allocation.
//!
//! A member that is absent, `null` or an empty array holds no value. A member of another JSON type than its element's is
//! unknown: it is not equal to anything, and neither is it known to be different. One element that satisfies the test
//! makes it true, whatever the others are.

use std::cmp::Ordering;

use jsonb::Value;

use super::reference::{compare_joined, is_one_of};
use super::token::token;
use super::{Document, Elements, Found, Test, TestOp, each_piece, last_two, relative};
use crate::fold;
use crate::path::{Filter, Leaf, Path, Step};
use crate::progress::tick;
use crate::range;

impl Test {
    /// Whether the test holds for a document: `None` is unknown, because an element that matters is wrongly typed. What is
    /// unknown is not granted, and its negation is unknown too.
    pub fn evaluate(&self, document: Value<'_>) -> Option<bool> {
        let document = &Document::from(document);
        match self {
            Test::Elements(elements) => elements.hold(document.root, document),
            Test::Composite { context, parts } => each(document.root, context, &mut |element| {
                all(parts.iter(), |part| part.hold(element, document))
            }),
        }
    }
}

impl Elements {
    /// Whether some element below `from` satisfies the condition.
    fn hold<'a>(&self, from: Value<'a>, document: &Document<'a>) -> Option<bool> {
        match &self.op {
            TestOp::Truth(expected) => {
                let found = any(self.paths.iter(), |path| {
                    each(from, &path.steps, &mut |value| truth(path, value))
                });
                found.map(|found| found == *expected)
            }
            TestOp::Date(_) | TestOp::Number(_) | TestOp::Quantity(_) => {
                self.choices.each(from, &mut |leaf, value| {
                    self.satisfies(leaf, value, document)
                })
            }
            _ => any(self.paths.iter(), |path| {
                each(from, &path.steps, &mut |value| {
                    self.satisfies(path.leaf, value, document)
                })
            }),
        }
    }

    /// Whether one element satisfies the condition.
    pub(super) fn satisfies<'a>(
        &self,
        leaf: Leaf,
        value: Value<'a>,
        document: &Document<'a>,
    ) -> Option<bool> {
        match &self.op {
            TestOp::Present { types } => present(leaf, value, types, document),
            TestOp::Token(tokens) => token(leaf, value, tokens),
            TestOp::StartsWith(prefixes) => each_piece(leaf, value, &mut |piece| {
                if prefixes.len() <= FEW {
                    prefixes
                        .iter()
                        .any(|prefix| fold::starts_with(piece, prefix))
                } else {
                    starts_with_one(&fold::fold(piece), prefixes)
                }
            }),
            TestOp::Contains(needles) => each_piece(leaf, value, &mut |piece| {
                let piece = fold::fold(piece);
                needles.iter().any(|needle| {
                    tick();
                    piece.contains(needle)
                })
            }),
            TestOp::Equals(values) => each_piece(leaf, value, &mut |piece| {
                contains(values, |found| found.as_str().cmp(piece))
            }),
            TestOp::Below(uris) => {
                let found = value.as_str()?;
                any(uris.iter(), |uri| Some(is_below(found, uri)))
            }
            TestOp::Date(asked) => match range::span(leaf, value)? {
                Some(span) => any(asked.iter(), |moment| Some(moment.holds(span))),
                None => Some(false),
            },
            TestOp::Number(asked) => match range::interval(leaf, value, &mut &range::Unit::Any)? {
                Some(interval) => any(asked.iter(), |amount| Some(amount.holds(&interval))),
                None => Some(false),
            },
            TestOp::Quantity(asked) => {
                // Most ask for the same unit.
                let mut last = None;
                any(asked.iter(), |(amount, unit)| {
                    let found = match &last {
                        Some((known, found)) if *known == unit => found,
                        _ => {
                            let found = range::interval(leaf, value, &mut &*unit);
                            &last.insert((unit, found)).1
                        }
                    };
                    let found = found.as_ref()?.as_ref();
                    Some(found.is_some_and(|interval| amount.holds(interval)))
                })
            }
            TestOp::Truth(_) => None,
            TestOp::Reference {
                targets,
                ids,
                types,
            } => match Found::of(leaf, value, document)? {
                Found::Nothing => Some(false),
                Found::Other(text) => {
                    let kind = relative(last_two(text)).map(|(kind, _)| kind);
                    let fits = types.is_empty() || kind.is_some_and(|kind| is_one_of(kind, types));
                    Some(fits && contains(targets, |target| target.as_str().cmp(text)))
                }
                Found::Resource(kind, id) => Some(
                    is_one_of(kind, types)
                        && (contains(targets, |target| compare_joined(target, kind, id))
                            || contains(ids, |found| found.as_str().cmp(id))),
                ),
            },
        }
    }
}

/// Whether a member of a choice such as `deceased` is there and not `false`.
fn truth(path: &Path, value: Value<'_>) -> Option<bool> {
    let is_flag = path
        .steps
        .last()
        .is_some_and(|step| step.member.ends_with("Boolean"));
    match value {
        Value::Bool(truth) if is_flag => Some(truth),
        Value::String(text) if !is_flag => range::Span::parse(text).map(|_| true),
        _ => None,
    }
}

/// So many prefixes are tried one by one.
const FEW: usize = 4;

/// Whether a folded text starts with one of the prefixes, which are sorted, none the beginning of another.
fn starts_with_one(text: &str, prefixes: &[String]) -> bool {
    // The one that it starts with sorts before it, and anything in between would start with that one.
    let after = prefixes.partition_point(|prefix| prefix.as_str() <= text);
    after
        .checked_sub(1)
        .and_then(|before| prefixes.get(before))
        .is_some_and(|prefix| text.starts_with(prefix))
}

/// Whether a URI is `uri` or below it.
fn is_below(found: &str, uri: &str) -> bool {
    found
        .strip_prefix(uri)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Kleene's "or".
pub(super) fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Kleene's "and".
pub(crate) fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Kleene's "or" over items, which stops at the first true one.
pub(crate) fn any<T>(
    items: impl Iterator<Item = T>,
    mut holds: impl FnMut(T) -> Option<bool>,
) -> Option<bool> {
    let mut found = Some(false);
    for item in items {
        tick();
        found = or(found, holds(item));
        if found == Some(true) {
            break;
        }
    }
    found
}

/// Kleene's "and" over items, which stops at the first false one.
pub(crate) fn all<T>(
    items: impl Iterator<Item = T>,
    mut holds: impl FnMut(T) -> Option<bool>,
) -> Option<bool> {
    any(items, |item| holds(item).map(|held| !held)).map(|failed| !failed)
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
        Value::Array(items) if step.many => {
            let most = match step.filter {
                Some(Filter::First) => 1,
                _ => usize::MAX,
            };
            any(items.try_iter().take(most), |item| match item {
                Ok(Value::Null) => Some(false),
                Ok(Value::Array(_)) | Err(_) => None,
                Ok(item) => enter(item, step, rest, visit),
            })
        }
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
    if let Some(Filter::Where {
        member: name,
        value: expected,
    }) = &step.filter
    {
        match member(value, name)? {
            Some(text) if text == expected => {}
            _ => return Some(false),
        }
    }
    each(value, rest, visit)
}

/// A string member of an object: `Some(None)` when it is absent, `None` when it is wrongly typed.
pub(crate) fn member<'a>(value: Value<'a>, name: &str) -> Option<Option<&'a str>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => None,
    }
}

/// The items of an array member: none when it is absent, `None` when it is wrongly typed.
pub(crate) fn items<'a>(
    value: Value<'a>,
    name: &str,
) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None.into_iter().flatten()),
        Some(Value::Array(array)) => Some(Some(array.iter()).into_iter().flatten()),
        Some(_) => None,
    }
}

/// Whether a sorted list has an item for which `compare` says equal.
pub(super) fn contains<T>(values: &[T], compare: impl Fn(&T) -> Ordering) -> bool {
    values.binary_search_by(compare).is_ok()
}

fn present<'a>(
    leaf: Leaf,
    value: Value<'a>,
    types: &[String],
    document: &Document<'a>,
) -> Option<bool> {
    match (leaf, value) {
        (Leaf::Resource, Value::Object(object)) if !types.is_empty() && !object.is_empty() => {
            let kind = member(value, "resourceType")?;
            Some(kind.is_some_and(|kind| is_one_of(kind, types)))
        }
        (Leaf::Reference, _) if !types.is_empty() => match Found::of(leaf, value, document)? {
            Found::Resource(kind, _) => Some(is_one_of(kind, types)),
            Found::Other(text) => {
                Some(relative(last_two(text)).is_some_and(|(kind, _)| is_one_of(kind, types)))
            }
            Found::Nothing => Some(false),
        },
        (Leaf::Boolean | Leaf::Truth, Value::Bool(_)) | (Leaf::Number, Value::Number(_)) => {
            Some(true)
        }
        (leaf, Value::String(_)) if leaf.is_text() || leaf == Leaf::Truth => Some(true),
        (Leaf::Boolean | Leaf::Truth | Leaf::Number, _) => None,
        (leaf, _) if leaf.is_text() => None,
        (_, Value::Object(object)) => Some(!object.is_empty()),
        _ => None,
    }
}
