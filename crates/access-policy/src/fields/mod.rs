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
mod aligned;
mod choice;
mod content;
mod likeness;
mod pairs;
mod path;
mod remove;
mod restore;
mod scope;
mod sight;
mod sight_path;
mod trie;
mod violation;

use std::fmt;
use std::str::FromStr;

use jsonb::{Node, Value};

pub use choice::is_data_type;
pub use path::PathError;
pub use sight::{Place, Sight};

use remove::TooDeep;
use restore::Restored;
use scope::{BothKnown, Cover, Scope};
use trie::Trie;

/// The most containers that are entered on the way to a field: far more than a FHIR document has.
pub const MAX_DEPTH: usize = 128;

/// A set of paths to fields: see the [module](self).
///
/// Its text (`Display`, `FromStr`) is the paths, joined by commas and in one canonical order; a path below another one in the
/// set is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FieldSet {
    root: Trie,
}

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
        let mut root = Trie::default();
        for (index, path) in paths.enumerate() {
            let steps = path::parse(path, index)?;
            root.insert(&steps);
        }
        Ok(FieldSet { root })
    }

    /// Whether no field is named.
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The fields of both sets.
    pub fn union(&self, other: &Self) -> Self {
        let mut root = self.root.clone();
        root.merge(&other.root);
        FieldSet { root }
    }

    /// The paths, in canonical order.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.root.collect_paths("", &mut paths);
        paths
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
            Ok(steps) => self.root.touches(&steps),
            Err(_) => !self.is_empty(),
        }
    }

    /// The document without these fields; `None` when it has none of them.
    ///
    /// # Errors
    /// [`FieldError`]; the document must not be shown then.
    pub fn try_remove(&self, document: Value<'_>) -> Result<Option<Vec<u8>>, FieldError> {
        self.without(document, TooDeep::Refuse)
    }

    /// The document as it may be shown: [`try_remove`](Self::try_remove), or, where it is nested deeper than fields are looked
    /// for, also with null in the place of each container that lies deeper than that.
    ///
    /// # Errors
    /// [`FieldError`] where the bytes are corrupt; the document must not be shown then.
    pub fn mask(&self, document: Value<'_>) -> Result<Option<Vec<u8>>, FieldError> {
        self.without(document, TooDeep::Cut)
    }

    fn without(
        &self,
        document: Value<'_>,
        too_deep: TooDeep,
    ) -> Result<Option<Vec<u8>>, FieldError> {
        match remove::remove(&[&self.root], document, 0, too_deep)? {
            None => Ok(None),
            Some(node) => write(&node, document.byte_len()).map(Some),
        }
    }

    /// The document `new`, which is to replace the stored `old`, with these fields as they are in `old`; `None` when that is
    /// `new` itself. What `new` holds at these paths counts for nothing. `unseen` are those of the fields that the writer
    /// could not see.
    ///
    /// * A field of `old` is put back, with its `_sibling` and whichever choice it is; a field that only `new` has goes.
    /// * On the way to a nested field, objects are matched member by member. If `new` lacks an object (or has a scalar there)
    ///   and `old` has a field of the set in it, the object comes back with just that field.
    /// * Elements of arrays are matched one to one, in this order, until each has a partner or there is none for it:
    ///   1. by `id`, unless a path names it; elements with different ids are never matched;
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
        let tries = [&self.root];
        if !remove::carries(&tries, old, 0)? && !remove::carries(&tries, new, 0)? {
            return Ok(None);
        }
        let unseen = if unseen == self { self } else { unseen };
        let scope = Scope {
            kept: Cover::Inside(&tries),
            unseen: Cover::Inside(&[&unseen.root]),
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
        let Some(old) = old else {
            return violation::changed(&self.root, new, None);
        };
        let mut paths = violation::changed(&unseen.root, new, None)?;
        let (new_seen, old_seen) = (unseen.try_remove(new)?, unseen.try_remove(old)?);
        let new = new_seen.as_deref().map_or(Ok(new), Value::parse)?;
        let old = old_seen.as_deref().map_or(Ok(old), Value::parse)?;
        paths.extend(violation::changed(&self.root, new, Some(old))?);
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
        f.write_str(&self.paths().join(","))
    }
}

impl FromStr for FieldSet {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match text {
            "" => Ok(Self::default()),
            text => Self::collect(text.split(',')),
        }
    }
}
