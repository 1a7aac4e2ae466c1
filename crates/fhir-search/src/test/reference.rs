//! References: what they refer to, in the form in which they are compared.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use jsonb::Value;

use super::evaluate::{contains, items, member};
use crate::model;
use crate::path::Leaf;
use crate::progress::tick;

/// A document whose references are read.
pub(crate) struct Document<'a> {
    /// The resource.
    pub root: Value<'a>,
    /// The contained resources by id, once they have been asked for.
    contained: OnceCell<HashMap<&'a str, Value<'a>>>,
}

impl<'a> From<Value<'a>> for Document<'a> {
    fn from(root: Value<'a>) -> Self {
        Self {
            root,
            contained: OnceCell::new(),
        }
    }
}

impl<'a> Document<'a> {
    /// The (first) contained resource with an id.
    fn contained(&self, id: &str) -> Option<Value<'a>> {
        let contained = self.contained.get_or_init(|| {
            let mut contained = HashMap::new();
            for resource in items(self.root, "contained").into_iter().flatten() {
                tick();
                if let Some(Some(id)) = member(resource, "id") {
                    contained.entry(id).or_insert(resource);
                }
            }
            contained
        });
        contained.get(id).copied()
    }
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
    /// Reads an element: a Reference, or a resource that stands inside.
    pub(crate) fn of(leaf: Leaf, value: Value<'a>, document: &Document<'a>) -> Option<Self> {
        if leaf == Leaf::Resource {
            Self::resource(value)
        } else {
            Self::read(value, document)
        }
    }

    /// Names a resource, if it has a type and an id.
    fn resource(resource: Value<'a>) -> Option<Self> {
        match (member(resource, "resourceType")?, member(resource, "id")?) {
            (Some(kind), Some(id)) => {
                model::is_resource_type(kind).then_some(Self::Resource(kind, id))
            }
            _ => Some(Self::Nothing),
        }
    }

    /// Reads a Reference element of `document`; `None` when it is wrongly typed or refers to a contained resource that is
    /// not there.
    pub(crate) fn read(value: Value<'a>, document: &Document<'a>) -> Option<Self> {
        let Some(text) = member(value, "reference")? else {
            return Some(Self::Nothing);
        };
        if let Some(fragment) = text.strip_prefix('#') {
            if fragment.is_empty() {
                return Self::resource(document.root);
            }
            // One without a type is nothing that can be referred to.
            return Self::resource(document.contained(fragment)?)
                .filter(|found| *found != Self::Nothing);
        }
        let text = match text.bytes().any(|byte| byte == b'_') {
            true => text.split_once("/_history/").map_or(text, |(text, _)| text),
            false => text,
        };
        Some(relative(text).map_or(Self::Other(text), |(kind, id)| Self::Resource(kind, id)))
    }
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

/// Compares with `kind/id` without building it.
pub(super) fn compare_joined(text: &str, kind: &str, id: &str) -> Ordering {
    text.bytes()
        .cmp(kind.bytes().chain(std::iter::once(b'/')).chain(id.bytes()))
}

/// Whether a type is in a sorted list; an empty list is of all types.
pub(super) fn is_one_of(kind: &str, types: &[String]) -> bool {
    types.is_empty() || contains(types, |name| name.as_str().cmp(kind))
}
