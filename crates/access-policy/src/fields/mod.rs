//! Which fields of a document are hidden or readonly, and what that does to the document.
//!
//! A [`FieldSet`] is a set of paths, kept as a trie. On reading, [`FieldSet::try_remove`] takes the fields out of a document;
//! on update, [`FieldSet::try_restore`] puts the stored values back into the new one. Everything else stays byte for byte.
//!
//! # Paths
//! `name`, `name.family`, `value[x]`, `valueQuantity`, `component.value[x].code`: element names joined by dots, arrays are
//! walked at every level. Each step also names the primitive's sibling: `birthDate` is `birthDate` and `_birthDate`. `value[x]`
//! names every choice of data type ([`is_data_type`]): `valueQuantity`, `valueString`, … but not `valueSet`. A path that is
//! not there changes nothing.
//!
//! `extension('http://example.org/race')`, also below an element and with more steps behind it, names the elements of `extension`
//! that have this URL; `modifierExtension('…')` likewise. An array of which nothing is left goes as well.
//!
//! # Resources inside
//! A set may hold [fields of resources inside the document](FieldSet::nest), by their type: in `contained`, in
//! `entry.resource` and `entry.response.outcome` of a Bundle, in `parameter.resource` of a Parameters, and in what is inside those.
//! One that names no FHIR type has the fields of all.
mod aligned;
mod choice;
mod content;
mod label;
mod likeness;
mod nested;
mod pairs;
mod path;
mod remove;
mod restore;
mod rule;
mod scope;
mod sight;
mod sight_path;
mod trie;
mod violation;

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use jsonb::{Node, Value};

pub use choice::is_data_type;
pub use label::label_as_stored;
pub use path::{PathError, without_urls};
pub use sight::{Sight, Spot};

use nested::{Nested, Place};
use remove::{Removed, TooDeep};
use restore::Restored;
use rule::Rule;
use scope::{BothKnown, Cover, Scope};
use trie::Trie;

/// The most containers that are entered on the way to a field: far more than a FHIR document has.
pub const MAX_DEPTH: usize = 128;

/// A set of paths to fields: see the [module](self).
///
/// Its text (`Display`, `FromStr`) is the paths, joined by commas and in one canonical order; a path below another one in the
/// set is left out. Fields of resources inside have their type before them: `name,Patient:name,*:text`. `!redacted` says that
/// what is shown is [marked](FieldSet::marked). Texts that are joined by commas are the union of their sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FieldSet {
    root: Trie,
    /// Shared: the entries of a session have the same.
    nested: Rc<Nested>,
    mark: bool,
}

/// What stands in the text of a set whose documents are marked.
const MARK: &str = "!redacted";

/// Why fields could not be removed or restored. Nothing of the document may be shown or stored then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The document's bytes are corrupt.
    #[error(transparent)]
    Corrupt(#[from] jsonb::Corrupt),
    /// More than [`MAX_DEPTH`] containers on the way to a field.
    #[error("the document is nested too deeply around a hidden or readonly field")]
    TooDeep,
    /// The new document with the stored fields is larger than `jsonb` can hold.
    #[error(transparent)]
    TooLarge(#[from] jsonb::TooLarge),
}

impl FieldSet {
    /// The set of these paths.
    ///
    /// # Errors
    /// [`PathError`] with the index of the first path that is not in the grammar, is `resourceType` or `id`, or exceeds a limit
    /// (32 steps, 1,000 paths, 128 bytes per step).
    pub fn parse(paths: &[String]) -> Result<Self, PathError> {
        Self::collect(paths.iter().map(String::as_str))
    }

    fn collect<'p>(paths: impl Iterator<Item = &'p str>) -> Result<Self, PathError> {
        let mut fields = FieldSet::default();
        for (index, path) in paths.enumerate() {
            fields.root.insert(&path::parse(path, index)?);
        }
        Ok(fields)
    }

    /// Whether no field is named.
    pub fn is_empty(&self) -> bool {
        self.root.is_empty() && self.nested.is_empty()
    }

    /// The fields of both sets.
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.merge(other);
        union
    }

    /// Adds the fields of another set.
    pub fn merge(&mut self, other: &Self) {
        self.root.merge(&other.root);
        if self.nested.is_empty() {
            self.nested = Rc::clone(&other.nested);
        } else if !Rc::ptr_eq(&self.nested, &other.nested) {
            Rc::make_mut(&mut self.nested).merge(&other.nested);
        }
        self.mark |= other.mark;
    }

    /// Adds that resources of this type inside the document have the document's own fields of `fields`; `*` is every type.
    pub fn nest(&mut self, resource_type: &str, fields: &FieldSet) {
        Rc::make_mut(&mut self.nested).add(resource_type, &fields.root);
    }

    /// The same set, of which [`mask`](Self::mask) marks what it shows with HL7's security label `REDACTED`. A set without
    /// fields marks nothing.
    pub fn marked(mut self) -> Self {
        self.mark = true;
        self
    }

    /// The paths, in canonical order, without those of resources inside.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.root.collect_paths("", &mut paths);
        paths
    }

    /// What says which parts of a document are fields.
    fn rules(&self) -> ([Rule<'_>; 2], usize) {
        let rules = [
            Rule::Paths(&self.root),
            Rule::Places(Place::Resource, &self.nested),
        ];
        (rules, if self.nested.is_empty() { 1 } else { 2 })
    }

    /// Whether everything at `path` is in the set: the path itself or one above it. A path that is not in the grammar is
    /// not covered.
    pub fn covers(&self, path: &str) -> bool {
        path::parse_any(path, 0).is_ok_and(|steps| self.root.covers(&steps))
    }

    /// Whether anything at, above or below `path` is in the set: what is derived from the element at `path` depends on a
    /// field of the set exactly then. A path that is not in the grammar counts as touched unless the set is empty.
    pub fn touches(&self, path: &str) -> bool {
        match path::parse_any(path, 0) {
            Ok(steps) => self.root.touches(&steps) || Place::Resource.touches(&steps, &self.nested),
            Err(_) => !self.is_empty(),
        }
    }

    /// Whether it touches a document's own security labels, among which `REDACTED` stands.
    pub fn touches_labels(&self) -> bool {
        self.touches("meta.security")
    }

    /// Whether [`mask`](Self::mask) may change what stands at, above or below `path`: as [`touches`](Self::touches), and the
    /// labels of documents that are [marked](Self::marked).
    pub fn alters(&self, path: &str) -> bool {
        let marks = self.mark && !self.is_empty();
        let labels = || {
            let mut labels = FieldSet::default();
            labels
                .root
                .insert(&[path::Step::Name("meta"), path::Step::Name("security")]);
            labels
        };
        self.touches(path) || (marks && labels().touches(path))
    }

    /// The document without these fields; `None` when it has none of them.
    ///
    /// # Errors
    /// [`FieldError`]; the document must not be shown then.
    pub fn try_remove(&self, document: Value<'_>) -> Result<Option<Vec<u8>>, FieldError> {
        self.without(document, TooDeep::Refuse)
    }

    fn without(
        &self,
        document: Value<'_>,
        too_deep: TooDeep,
    ) -> Result<Option<Vec<u8>>, FieldError> {
        let (rules, count) = self.rules();
        match remove::remove(rules.get(..count).unwrap_or(&rules), document, 0, too_deep)? {
            Removed::AsIs => Ok(None),
            // Not reached: only an extension goes, and the document is none.
            Removed::Gone => Err(FieldError::TooDeep),
            Removed::Now(node) => write(&node, document.byte_len()).map(Some),
        }
    }

    /// The document as it may be shown: [`try_remove`](Self::try_remove), or, where it is nested deeper than fields are looked
    /// for, also with null in the place of each container that lies deeper than that; with the label, if the set is
    /// [marked](Self::marked).
    ///
    /// # Errors
    /// [`FieldError`] where the bytes are corrupt; the document must not be shown then.
    pub fn mask(&self, document: Value<'_>) -> Result<Option<Vec<u8>>, FieldError> {
        let masked = self.without(document, TooDeep::Cut)?;
        if !self.mark || self.is_empty() {
            return Ok(masked);
        }
        let shown = masked.as_deref().map_or(Ok(document), Value::parse)?;
        let marked = label::mark(shown)?;
        Ok(marked.or(masked))
    }

    /// The document `new`, which is to replace the stored `old`, with these fields as they are in `old`; `None` when that is
    /// `new` itself. What `new` holds at these paths counts for nothing. `unseen` are those of the fields that the writer
    /// could not see.
    ///
    /// * A field of `old` is put back, with its `_sibling` and whichever choice it is; a field that only `new` has goes.
    /// * On the way to a nested field, objects are matched member by member. If `new` lacks an object (or has a scalar there)
    ///   and `old` has a field of the set in it, the object comes back with just that field.
    /// * Elements of arrays are matched one to one, in this order, until each has a partner or there is none for it:
    ///   1. by `id`, unless a path names it, and by what could be seen where ids repeat; elements with different ids are never
    ///      matched;
    ///   2. those of which the same could be seen, at the same index first, then in order;
    ///   3. those that are equal but for the fields of the set, likewise;
    ///   4. objects that have more than half of their visible members in common;
    ///   5. by place: what is left between two matched neighbours, or a neighbour and an end, if `old` has as much left there.
    ///
    ///   Equal is JSON with numbers by value, where an empty object or array and `null` are as nothing.
    /// * An element of `new` without a match has none of the fields. An element of `old` without a match is kept, whole, at
    ///   the array's end if it has one of the fields, so that no stored value is ever lost. An array that `new` lacks
    ///   altogether counts as empty. Where one document has an array and the other a single object, the object counts as an
    ///   array of one.
    /// * Primitives and their siblings (`given`, `_given`) are matched together, and stay at the same index; instead of 4, equal
    ///   primitives are matched whatever their siblings are.
    ///
    /// # Errors
    /// [`FieldError`]; the update must be refused then.
    pub fn try_restore(
        &self,
        new: Value<'_>,
        old: Value<'_>,
        unseen: &FieldSet,
    ) -> Result<Option<Vec<u8>>, FieldError> {
        // Most documents have none of the fields: then there is nothing to match.
        let (rules, count) = self.rules();
        let rules = rules.get(..count).unwrap_or(&rules);
        if !remove::carries(rules, old, 0)? && !remove::carries(rules, new, 0)? {
            return Ok(None);
        }
        let is_same = std::ptr::eq(unseen, self) || unseen == self;
        let unseen = if is_same { self } else { unseen };
        let (unseen, count) = unseen.rules();
        let scope = Scope {
            kept: Cover::Inside(rules),
            unseen: Cover::Inside(unseen.get(..count).unwrap_or(&unseen)),
            known: &BothKnown::default(),
        };
        match restore::restore(scope, Some(new), Some(old), 0)? {
            Restored::AsIs => Ok(None),
            // Not reached: only a field goes, and the document is none.
            Restored::Gone => Err(FieldError::TooDeep),
            Restored::Now(node) => {
                let capacity = new.byte_len().saturating_add(old.byte_len());
                write(&node, capacity).map(Some)
            }
        }
    }

    /// What [`try_restore`](Self::try_restore) would undo in the document `new`, which is to replace `old`: the paths, without
    /// indexes and sorted, of fields that a writer who could see all but `unseen` changes, adds or leaves out, and of the
    /// fields of `unseen` that are in `new` at all. The latter does not depend on `old`, which would tell what is stored there.
    /// Without `old`, the fields that are in `new`.
    ///
    /// # Errors
    /// [`FieldError`]; the write must be refused then.
    pub fn violations(
        &self,
        new: Value<'_>,
        old: Option<Value<'_>>,
        unseen: &FieldSet,
    ) -> Result<Vec<String>, FieldError> {
        let (rules, count) = self.rules();
        let rules = rules.get(..count).unwrap_or(&rules);
        let Some(old) = old else {
            return violation::changed(rules, new, None);
        };
        let (hidden, count) = unseen.rules();
        let mut paths = violation::changed(hidden.get(..count).unwrap_or(&hidden), new, None)?;
        let (new_seen, old_seen) = (unseen.try_remove(new)?, unseen.try_remove(old)?);
        let new = new_seen.as_deref().map_or(Ok(new), Value::parse)?;
        let old = old_seen.as_deref().map_or(Ok(old), Value::parse)?;
        paths.extend(violation::changed(rules, new, Some(old))?);
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }
}

fn write(node: &Node<'_>, capacity: usize) -> Result<Vec<u8>, FieldError> {
    Ok(jsonb::encode_with_capacity(node, capacity)?)
}

impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut paths = self.paths();
        self.nested.collect_paths(&mut paths);
        if self.mark {
            paths.push(MARK.to_owned());
        }
        f.write_str(&paths.join(","))
    }
}

impl FromStr for FieldSet {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut fields = FieldSet::default();
        if text.is_empty() {
            return Ok(fields);
        }
        for (index, path) in path::split(text, ',').enumerate() {
            if path == MARK {
                fields.mark = true;
                continue;
            }
            match path.split_once(':') {
                Some((name, path)) if nested::is_type(name) => {
                    let mut inside = Trie::default();
                    inside.insert(&path::parse(path, index)?);
                    Rc::make_mut(&mut fields.nested).add(name, &inside);
                }
                _ => fields.root.insert(&path::parse(path, index)?),
            }
        }
        Ok(fields)
    }
}
