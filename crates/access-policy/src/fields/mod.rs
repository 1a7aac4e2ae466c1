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
mod choice;
mod path;
mod remove;
mod restore;
mod trie;

use std::fmt;
use std::str::FromStr;

use jsonb::{Node, Value};

pub use choice::is_data_type;
pub use path::PathError;

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

    /// The top-level elements that hold a field of this set: what to leave out of a document in which the fields themselves
    /// cannot be told, because it is nested too deeply.
    pub fn outermost(&self) -> Self {
        let mut root = Trie::default();
        for path in self.paths() {
            let first = path.split('.').next().unwrap_or(&path);
            if let Ok(steps) = path::parse_any(first, 0) {
                root.insert(&steps);
            }
        }
        FieldSet { root }
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
        match remove::remove(&[&self.root], document, 0)? {
            None => Ok(None),
            Some(node) => write(&node, document.byte_len()).map(Some),
        }
    }

    /// [`try_remove`](Self::try_remove), with JSON `null` in place of a document that it refuses.
    pub fn remove(&self, document: Value<'_>) -> Option<Vec<u8>> {
        match self.try_remove(document) {
            Ok(removed) => removed,
            Err(_) => Some(jsonb::encode(&Node::Null).unwrap_or_default()),
        }
    }

    /// The document `new`, which is to replace the stored `old`, with these fields as they are in `old`; `None` when that is
    /// `new` itself. What `new` holds at these paths counts for nothing.
    ///
    /// * A field of `old` is put back, with its `_sibling` and whichever choice it is; a field that only `new` has goes.
    /// * On the way to a nested field, objects are matched member by member. If `new` lacks an object (or has a scalar there)
    ///   and `old` has a field of the set in it, the object comes back with just that field.
    /// * Elements of arrays are matched one to one: by `id` (unless a path names it); then those equal but for the fields of
    ///   the set, at the same index first; then by index, unless both have an `id`, or one is an object and the other is not.
    ///   An element of `new` without a match has none of the fields. An element of `old` without a match is kept,
    ///   whole, at the array's end if it has one of the fields, so that no stored value is ever lost. An array that `new` lacks
    ///   altogether counts as empty. Where one document has an array and the other a single object, the object counts as an
    ///   array of one.
    ///
    /// # Errors
    /// [`FieldError`]; the update must be refused then.
    pub fn try_restore(
        &self,
        new: Value<'_>,
        old: Value<'_>,
    ) -> Result<Option<Vec<u8>>, FieldError> {
        match restore::restore(&[&self.root], new, old, 0)? {
            None => Ok(None),
            Some(node) => {
                let capacity = new.byte_len().saturating_add(old.byte_len());
                write(&node, capacity).map(Some)
            }
        }
    }

    /// [`try_restore`](Self::try_restore), with the stored document where it refuses.
    pub fn restore(&self, new: Value<'_>, old: Value<'_>) -> Option<Vec<u8>> {
        match self.try_restore(new, old) {
            Ok(restored) => restored,
            Err(_) => Some(jsonb::encode(&Node::Value(old)).unwrap_or_default()),
        }
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
