//! Resources inside a document: `contained`, the entries of a Bundle, the parameters of a Parameters. Each has fields of its own
//! type, wherever it stands.

use super::path::Step;
use super::rule::Rule;
use super::trie::{self, Trie};

/// The fields of resources inside a document, by their type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Nested {
    /// Those of one type, sorted as keys are.
    types: Vec<(Box<str>, Trie)>,
    /// Those of every type.
    all: Trie,
    /// Both together: of a resource that does not say which type it is of, or one that there is not.
    any: Trie,
}

/// The name that stands for every type.
const ALL: &str = "*";

/// Whether a text may stand for a type before a colon.
pub(super) fn is_type(name: &str) -> bool {
    name == ALL || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Nested {
    pub(super) fn is_empty(&self) -> bool {
        self.any.is_empty()
    }

    /// Adds fields of a type, or of `*`.
    pub(super) fn add(&mut self, resource_type: &str, fields: &Trie) {
        if fields.is_empty() {
            return;
        }
        self.any.merge(fields);
        match resource_type {
            ALL => self.all.merge(fields),
            name => trie::entry(&mut self.types, name, Trie::default).merge(fields),
        }
    }

    pub(super) fn merge(&mut self, other: &Nested) {
        for (name, fields) in other.iter() {
            self.add(name, fields);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &Trie)> {
        let types = self.types.iter().map(|(name, fields)| (&**name, fields));
        types.chain(std::iter::once((ALL, &self.all)))
    }

    /// Appends the text of each path, behind its type.
    pub(super) fn collect_paths(&self, out: &mut Vec<String>) {
        for (name, fields) in self.iter() {
            fields.collect_paths(&format!("{name}:"), out);
        }
    }

    /// Adds to `rules` the fields of a resource that says it is of this type.
    pub(super) fn rules_of<'t>(&'t self, resource_type: Option<&str>, rules: &mut Vec<Rule<'t>>) {
        let mut push = |trie: &'t Trie| {
            if !trie.is_empty() {
                rules.push(Rule::Paths(trie));
            }
        };
        match resource_type.filter(|name| fhir_model::is_resource_type(name)) {
            Some(name) => {
                trie::find(&self.types, name.as_bytes())
                    .into_iter()
                    .for_each(&mut push);
                push(&self.all);
            }
            None => push(&self.any),
        }
        rules.push(Rule::Places(Place::Resource, self));
    }
}

/// An object in which resources stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A resource: of whichever type, since a document may hold what its type has not.
    Resource,
    /// `Bundle.entry`
    Entry,
    /// `Bundle.entry.response`
    Response,
    /// `Parameters.parameter`, and `.part` of one.
    Parameter,
}

/// What a member of such an object is.
enum Member {
    Resources,
    Place(Place),
}

impl Place {
    fn member(self, key: &[u8]) -> Option<Member> {
        match (self, key) {
            (Place::Resource, b"contained")
            | (Place::Entry | Place::Parameter, b"resource")
            | (Place::Response, b"outcome") => Some(Member::Resources),
            (Place::Resource, b"entry") => Some(Member::Place(Place::Entry)),
            (Place::Entry, b"response") => Some(Member::Place(Place::Response)),
            (Place::Resource, b"parameter") | (Place::Parameter, b"part") => {
                Some(Member::Place(Place::Parameter))
            }
            _ => None,
        }
    }

    /// What says which fields the member `key` has.
    pub(super) fn look_up<'t>(self, key: &[u8], nested: &'t Nested) -> Option<Rule<'t>> {
        Some(match self.member(key)? {
            Member::Resources => Rule::Resources(nested),
            Member::Place(place) => Rule::Places(place, nested),
        })
    }

    /// Whether a field of resources inside it and `steps` may meet.
    pub(super) fn touches(self, steps: &[Step<'_>], nested: &Nested) -> bool {
        if nested.is_empty() {
            return false;
        }
        let Some((first, rest)) = steps.split_first() else {
            return true;
        };
        let Step::Name(name) = first else {
            return false;
        };
        match self.member(name.as_bytes()) {
            Some(Member::Resources) => {
                nested.any.touches(rest) || Place::Resource.touches(rest, nested)
            }
            Some(Member::Place(place)) => place.touches(rest, nested),
            None => false,
        }
    }
}
