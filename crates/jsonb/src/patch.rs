//! [`Patch`]: a container of another document with some of its children removed, replaced or added.

use crate::layout::{self, Parts};
use crate::value::key_order;
use crate::{Array, Node, Object};

/// An array or object of another document with some children removed or replaced, or members added. The other children are copied
/// byte for byte, without being looked at, which makes this the fast way to change little in a large container.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch<'a> {
    base: Base<'a>,
    /// In the order of the index, each once.
    edits: Vec<(usize, Option<Node<'a>>)>,
    /// In the order of keys, each once, and none that the base has.
    added: Vec<Added<'a>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Added<'a> {
    /// The index of the member of the base that it comes before.
    before: usize,
    key: &'a str,
    node: Node<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Base<'a> {
    Array(Array<'a>),
    Object(Object<'a>),
}

impl<'a> Patch<'a> {
    /// An array, unchanged as yet.
    pub fn array(array: Array<'a>) -> Self {
        Patch {
            base: Base::Array(array),
            edits: Vec::new(),
            added: Vec::new(),
        }
    }

    /// An object, unchanged as yet.
    pub fn object(object: Object<'a>) -> Self {
        Patch {
            base: Base::Object(object),
            edits: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Leaves out element or member `index`, counted in the container as it was. Past the end nothing happens.
    pub fn remove(&mut self, index: usize) {
        self.edit(index, None);
    }

    /// Puts `node` in the place of element `index` or of the value of member `index`. Past the end nothing happens.
    pub fn replace(&mut self, index: usize, node: Node<'a>) {
        self.edit(index, Some(node));
    }

    /// Adds members to an object, or replaces those of these keys; of two with the same key the last one is written. To an array
    /// nothing is added. Not to be called twice for members that the object has not: what was added before goes.
    pub fn add(&mut self, members: impl IntoIterator<Item = (&'a str, Node<'a>)>) {
        let Base::Object(object) = self.base else {
            return;
        };
        let mut added = Vec::new();
        for (key, node) in members {
            match object.place(key) {
                Ok(index) => self.replace(index, node),
                Err(before) => added.push(Added { before, key, node }),
            }
        }
        added.sort_by(|a, b| key_order(a.key.as_bytes(), b.key.as_bytes()));
        added.reverse();
        added.dedup_by(|earlier, later| earlier.key == later.key);
        added.reverse();
        self.added = added;
    }

    fn edit(&mut self, index: usize, node: Option<Node<'a>>) {
        if index >= self.base_len() {
            return;
        }
        let at = self.edits.partition_point(|(other, _)| *other < index);
        match self.edits.get_mut(at) {
            Some(edit) if edit.0 == index => edit.1 = node,
            _ => self.edits.insert(at, (index, node)),
        }
    }

    fn base_len(&self) -> usize {
        match self.base {
            Base::Array(array) => array.len(),
            Base::Object(object) => object.len(),
        }
    }

    /// The number of elements or members that are left.
    pub(crate) fn len(&self) -> usize {
        let removed = self.edits.iter().filter(|(_, node)| node.is_none()).count();
        let left = self.base_len().saturating_sub(removed);
        left.saturating_add(self.added.len())
    }

    /// The header bits of the container's kind.
    pub(crate) fn kind(&self) -> u32 {
        match self.base {
            Base::Array(_) => layout::ARRAY,
            Base::Object(_) => layout::OBJECT,
        }
    }

    /// The keys that are left; of an array none.
    pub(crate) fn keys(&self) -> PatchIter<'_, 'a> {
        let count = match self.base {
            Base::Array(_) => 0,
            Base::Object(object) => object.len(),
        };
        self.slots(0, count, true)
    }

    /// The elements or members' values that are left.
    pub(crate) fn values(&self) -> PatchIter<'_, 'a> {
        let first = match self.base {
            Base::Array(_) => 0,
            Base::Object(object) => object.len(),
        };
        self.slots(first, self.base_len(), false)
    }

    fn slots(&self, first: usize, count: usize, keys: bool) -> PatchIter<'_, 'a> {
        let parts = match self.base {
            Base::Array(array) => array.parts(),
            Base::Object(object) => object.parts(),
        };
        PatchIter {
            offset: parts.start(first).unwrap_or(usize::MAX),
            parts,
            first,
            count,
            index: 0,
            keys,
            edits: &self.edits,
            added: &self.added,
        }
    }
}

/// One child of a patched container.
pub(crate) enum Child<'n, 'a> {
    /// New, or an untouched part of some document.
    Node(&'n Node<'a>),
    /// An untouched child of the patched container: its type, and its bytes without padding.
    Raw(u32, &'a [u8]),
}

/// The children at a run of entries, removed ones left out.
#[derive(Clone)]
pub(crate) struct PatchIter<'n, 'a> {
    parts: Parts<'a>,
    first: usize,
    count: usize,
    index: usize,
    offset: usize,
    /// Whether these are keys, which stay when the value is replaced.
    keys: bool,
    edits: &'n [(usize, Option<Node<'a>>)],
    added: &'n [Added<'a>],
}

impl<'a> PatchIter<'_, 'a> {
    /// Passes over the untouched children that come next, as far as they lie here as they would be written behind `written` bytes;
    /// tells `each` their types and their lengths with padding, and gives all their bytes.
    pub(crate) fn pass<E>(
        &mut self,
        written: usize,
        mut each: impl FnMut(u32, usize) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        let edited = self.edits.first().map_or(usize::MAX, |(index, _)| *index);
        let added = self.added.first().map_or(usize::MAX, |added| added.before);
        let last = self.count.min(edited).min(added);
        let first = self.offset;
        // The padding of a child depends on where it starts.
        let is_alike = layout::align(first).wrapping_sub(first)
            == layout::align(written).wrapping_sub(written);
        while self.index < last {
            let place = self.first.saturating_add(self.index);
            let Some(entry) = self.parts.entry(place) else {
                break;
            };
            let kind = entry & layout::TYPE;
            let is_aligned = matches!(kind, layout::NUMERIC | layout::CONTAINER);
            if is_aligned && !is_alike || self.keys && kind != layout::STRING {
                break;
            }
            let start = match is_aligned {
                true => layout::align(self.offset),
                false => self.offset,
            };
            let end = layout::end(entry, self.offset);
            // One that is corrupt reads as null, and is not copied as it is.
            if start > end || end > self.parts.data.len() {
                break;
            }
            each(kind, end.saturating_sub(self.offset))?;
            self.offset = end;
            self.index = self.index.saturating_add(1);
        }
        Ok(self.parts.data.get(first..self.offset).unwrap_or_default())
    }
}

impl<'n, 'a> Iterator for PatchIter<'n, 'a> {
    type Item = Child<'n, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((added, rest)) = self.added.split_first()
                && added.before <= self.index
            {
                self.added = rest;
                return Some(match self.keys {
                    true => Child::Raw(layout::STRING, added.key.as_bytes()),
                    false => Child::Node(&added.node),
                });
            }
            if self.index >= self.count {
                return None;
            }
            let index = self.index;
            // Within the table: `first` + `count` is at most its length.
            let entry = self.parts.entry(self.first.checked_add(index)?)?;
            let start = self.offset;
            self.offset = layout::end(entry, start);
            self.index = index.saturating_add(1);
            match self.edits.split_first() {
                Some(((edited, node), rest)) if *edited == index => {
                    self.edits = rest;
                    match node {
                        Some(_) if self.keys => {}
                        Some(node) => return Some(Child::Node(node)),
                        None => continue,
                    }
                }
                _ => {}
            }
            let kind = entry & layout::TYPE;
            return Some(
                match layout::child_bytes(self.parts.data, entry, start, self.offset) {
                    Ok(bytes) => Child::Raw(kind, bytes),
                    // A corrupt child reads as null, and is copied as what it reads as.
                    Err(_) => Child::Raw(layout::NULL, &[]),
                },
            );
        }
    }
}
