//! Views into a binary document: [`Value`], [`Object`], [`Array`] and their iterators.

use std::cmp::Ordering;

use crate::layout::{self, Parts};
use crate::{Corrupt, Number};

/// One value inside a binary document.
///
/// Two values are equal when their binary forms are, which for anything PostgreSQL wrote means: the same JSON with the same
/// text of every number (`1.0` and `1.00` differ).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// A number with its exact decimal text.
    Number(Number<'a>),
    /// A string, decoded.
    String(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object, whose keys are unique and sorted by length, then bytes.
    Object(Object<'a>),
}

/// An array inside a binary document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<'a> {
    bytes: &'a [u8],
}

/// An object inside a binary document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object<'a> {
    bytes: &'a [u8],
}

/// Up to this many keys are searched in order, which is faster than looking back for each probe's offset.
const LINEAR_SEARCH: usize = 48;

impl<'a> Value<'a> {
    /// The root of a document: `bytes` are those after the varlena header. A root scalar is unwrapped.
    ///
    /// # Errors
    /// [`Corrupt`] when the root's header or table of entries is malformed. Parts below it are checked when reached: see the
    /// crate's documentation.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let header = layout::first_u32(bytes).ok_or(Corrupt("the document has no header"))?;
        if header & layout::SCALAR == 0 {
            return Self::container(bytes);
        }
        if header != (layout::SCALAR | layout::ARRAY | 1) {
            return Err(Corrupt("a root scalar is not an array of one element"));
        }
        let value = Array { bytes }
            .try_iter()
            .next()
            .ok_or(Corrupt("a root scalar has no element"))??;
        match value {
            Value::Array(_) | Value::Object(_) => Err(Corrupt("a root scalar holds a container")),
            scalar => Ok(scalar),
        }
    }

    /// The container that `bytes` begin with.
    pub(crate) fn container(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let header = layout::first_u32(bytes).ok_or(Corrupt("a container has no header"))?;
        let count = (header & layout::COUNT) as usize;
        let (slots, value) = match header & !layout::COUNT {
            layout::ARRAY => (count, Value::Array(Array { bytes })),
            layout::OBJECT => (count.saturating_mul(2), Value::Object(Object { bytes })),
            _ => return Err(Corrupt("a container is neither an array nor an object")),
        };
        match layout::parts(bytes, slots) {
            Some(_) => Ok(value),
            None => Err(Corrupt("a container ends before its table of entries")),
        }
    }

    /// The child with this entry, which lies at `start..end` of `data`.
    fn child(data: &'a [u8], entry: u32, start: usize, end: usize) -> Result<Self, Corrupt> {
        let bytes = layout::child_bytes(data, entry, start, end)?;
        match entry & layout::TYPE {
            layout::STRING => text(bytes).map(Value::String),
            layout::NUMERIC => Number::parse(bytes).map(Value::Number),
            layout::TRUE => Ok(Value::Bool(true)),
            layout::FALSE => Ok(Value::Bool(false)),
            layout::NULL => Ok(Value::Null),
            layout::CONTAINER => Value::container(bytes),
            _ => Err(Corrupt("an entry has an unknown type")),
        }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<Object<'a>> {
        match *self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The array, if this is one.
    pub fn as_array(&self) -> Option<Array<'a>> {
        match *self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// Where a container's bytes are in memory, which no other container's are that is in use; `None` of a scalar.
    pub fn address(&self) -> Option<usize> {
        match self {
            Value::Array(Array { bytes }) | Value::Object(Object { bytes }) => {
                Some(bytes.as_ptr().addr())
            }
            _ => None,
        }
    }

    /// A container's bytes, which hold those of all strings and keys in it as they are; `None` of a scalar.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match *self {
            Value::Array(Array { bytes }) | Value::Object(Object { bytes }) => Some(bytes),
            _ => None,
        }
    }

    /// How many bytes the value takes in its container, without alignment: what a copy of it needs.
    pub fn byte_len(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 0,
            Value::Number(number) => number.datum_bytes().len(),
            Value::String(text) => text.len(),
            Value::Array(Array { bytes }) | Value::Object(Object { bytes }) => bytes.len(),
        }
    }
}

impl<'a> Array<'a> {
    /// The number of elements.
    pub fn len(&self) -> usize {
        layout::count(self.bytes)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `i`; `None` past the end, [`Value::Null`] when it is corrupt.
    pub fn get(&self, i: usize) -> Option<Value<'a>> {
        let parts = self.parts();
        let entry = parts.entry(i)?;
        Some(child_at(&parts, i, entry).unwrap_or(Value::Null))
    }

    /// The elements in order; a corrupt one reads as [`Value::Null`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value<'a>> + use<'a> {
        self.try_iter().map(|item| item.unwrap_or(Value::Null))
    }

    /// The elements in order, or what is wrong with each.
    pub fn try_iter(&self) -> ArrayIter<'a> {
        ArrayIter {
            parts: self.parts(),
            next: 0,
            offset: 0,
        }
    }

    /// The elements that are arrays or objects, or what is wrong with them; no others are looked at.
    pub fn containers(&self) -> impl Iterator<Item = Result<Value<'a>, Corrupt>> + use<'a> {
        containers(self.parts(), 0)
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn parts(&self) -> Parts<'a> {
        parts(self.bytes, self.len())
    }
}

impl<'a> Object<'a> {
    /// The number of members.
    pub fn len(&self) -> usize {
        layout::count(self.bytes)
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The member with this key; `None` when there is none, [`Value::Null`] when it is corrupt.
    ///
    /// Relies on the order of keys that PostgreSQL keeps: by length, then by bytes.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let slot = self.len().checked_add(self.position(key)?)?;
        let parts = self.parts();
        let entry = parts.entry(slot)?;
        Some(child_at(&parts, slot, entry).unwrap_or(Value::Null))
    }

    /// Which member, in stored order, has this key.
    pub fn position(&self, key: &str) -> Option<usize> {
        let parts = self.parts();
        let count = self.len();
        if count <= LINEAR_SEARCH {
            search_in_order(&parts, count, key.as_bytes())
        } else {
            search_halving(&parts, count, key.as_bytes())
        }
    }

    /// Which member, in stored order, has this key, or else which one it would stand before.
    pub(crate) fn place(&self, key: &str) -> Result<usize, usize> {
        let parts = self.parts();
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let end = |start| layout::end(parts.entry(middle).unwrap_or(0), start);
            let start = parts.start(middle).unwrap_or(usize::MAX);
            let found = parts.data.get(start..end(start)).unwrap_or_default();
            match key_order(found, key.as_bytes()) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The string with this key, if there is one of at most `longest` bytes: of a longer one nothing is read.
    pub fn get_short(&self, key: &str, longest: usize) -> Option<&'a str> {
        let parts = self.parts();
        let slot = self.len().checked_add(self.position(key)?)?;
        let (start, entry) = (parts.start(slot)?, parts.entry(slot)?);
        if entry & layout::TYPE != layout::STRING
            || layout::end(entry, start).checked_sub(start)? > longest
        {
            return None;
        }
        child_at(&parts, slot, entry).ok()?.as_str()
    }

    /// The keys in stored order, as bytes: faster than [`iter`](Self::iter) where few members are of interest.
    pub fn keys(&self) -> impl Iterator<Item = Result<&'a [u8], Corrupt>> + use<'a> {
        let Parts { entries, data } = self.parts();
        let mut start = 0;
        entries.iter().take(self.len()).map(move |chunk| {
            let entry = u32::from_ne_bytes(*chunk);
            let end = layout::end(entry, start);
            let key = data
                .get(start..end)
                .filter(|_| entry & layout::TYPE == layout::STRING);
            start = end;
            key.ok_or(Corrupt("a key is not a string inside its object"))
        })
    }

    /// The members' values that are arrays or objects, or what is wrong with them; no others are looked at.
    pub fn containers(&self) -> impl Iterator<Item = Result<Value<'a>, Corrupt>> + use<'a> {
        containers(self.parts(), self.len())
    }

    /// The value of member `i` in stored order; `None` past the end.
    ///
    /// # Errors
    /// [`Corrupt`] when the value is.
    pub fn value_at(&self, i: usize) -> Result<Option<Value<'a>>, Corrupt> {
        if i >= self.len() {
            return Ok(None);
        }
        let parts = self.parts();
        let slot = self.len().saturating_add(i);
        match parts.entry(slot) {
            Some(entry) => child_at(&parts, slot, entry).map(Some),
            None => Ok(None),
        }
    }

    /// Member `i` in stored order; `None` past the end.
    ///
    /// # Errors
    /// [`Corrupt`] when its key or its value is.
    pub fn member_at(&self, i: usize) -> Result<Option<(&'a str, Value<'a>)>, Corrupt> {
        let Some(value) = self.value_at(i)? else {
            return Ok(None);
        };
        let parts = self.parts();
        let entry = parts.entry(i);
        let key = entry.and_then(|entry| match child_at(&parts, i, entry) {
            Ok(Value::String(key)) => Some(key),
            _ => None,
        });
        key.map(|key| Some((key, value)))
            .ok_or(Corrupt("a key is not a string inside its object"))
    }

    /// The members in stored order; a corrupt key reads as `""`, a corrupt value as [`Value::Null`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, Value<'a>)> + use<'a> {
        self.try_iter()
            .map(|item| item.unwrap_or(("", Value::Null)))
    }

    /// The members in stored order, or what is wrong with each.
    pub fn try_iter(&self) -> ObjectIter<'a> {
        let parts = self.parts();
        let count = self.len();
        ObjectIter {
            parts,
            count,
            next: 0,
            key_offset: 0,
            value_offset: parts.start(count).unwrap_or(usize::MAX),
        }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn parts(&self) -> Parts<'a> {
        parts(self.bytes, self.len().saturating_mul(2))
    }
}

/// The parts of a container whose table of entries was found to be complete when the view was made.
fn parts(bytes: &[u8], slots: usize) -> Parts<'_> {
    layout::parts(bytes, slots).unwrap_or(Parts {
        entries: &[],
        data: &[],
    })
}

/// The containers among the children from `first` on.
fn containers<'a>(
    parts: Parts<'a>,
    first: usize,
) -> impl Iterator<Item = Result<Value<'a>, Corrupt>> + use<'a> {
    let Parts { entries, data } = parts;
    // A table that ends before them has none.
    let mut start = parts.start(first).unwrap_or(usize::MAX);
    let rest = entries.get(first..).unwrap_or_default();
    rest.iter().filter_map(move |chunk| {
        let entry = u32::from_ne_bytes(*chunk);
        let from = start;
        start = layout::end(entry, from);
        (entry & layout::TYPE == layout::CONTAINER).then(|| Value::child(data, entry, from, start))
    })
}

fn text(bytes: &[u8]) -> Result<&str, Corrupt> {
    str::from_utf8(bytes).map_err(|_| Corrupt("a string is not UTF-8"))
}

fn child_at<'a>(parts: &Parts<'a>, slot: usize, entry: u32) -> Result<Value<'a>, Corrupt> {
    let start = parts
        .start(slot)
        .ok_or(Corrupt("a child lies outside its container"))?;
    Value::child(parts.data, entry, start, layout::end(entry, start))
}

/// The order of keys: by length, then by bytes.
pub(crate) fn key_order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn search_in_order(parts: &Parts<'_>, count: usize, key: &[u8]) -> Option<usize> {
    let mut start = 0;
    for (i, chunk) in parts.entries.get(..count)?.iter().enumerate() {
        let end = layout::end(u32::from_ne_bytes(*chunk), start);
        let length = end.checked_sub(start)?;
        if length > key.len() {
            return None;
        }
        if length == key.len() && parts.data.get(start..end)? == key {
            return Some(i);
        }
        start = end;
    }
    None
}

fn search_halving(parts: &Parts<'_>, count: usize, key: &[u8]) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        let start = parts.start(middle)?;
        let end = layout::end(parts.entry(middle)?, start);
        match key_order(parts.data.get(start..end)?, key) {
            Ordering::Equal => return Some(middle),
            Ordering::Less => low = middle.checked_add(1)?,
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// The elements of an [`Array`]: see [`Array::try_iter`].
#[derive(Clone)]
pub struct ArrayIter<'a> {
    parts: Parts<'a>,
    next: usize,
    offset: usize,
}

impl<'a> Iterator for ArrayIter<'a> {
    type Item = Result<Value<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.parts.entry(self.next)?;
        let start = self.offset;
        let end = layout::end(entry, start);
        self.next = self.next.saturating_add(1);
        self.offset = end;
        Some(Value::child(self.parts.data, entry, start, end))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.parts.entries.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for ArrayIter<'_> {}

/// The members of an [`Object`]: see [`Object::try_iter`].
#[derive(Clone)]
pub struct ObjectIter<'a> {
    parts: Parts<'a>,
    count: usize,
    next: usize,
    key_offset: usize,
    value_offset: usize,
}

impl<'a> Iterator for ObjectIter<'a> {
    type Item = Result<(&'a str, Value<'a>), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let key_entry = self.parts.entry(self.next)?;
        let value_entry = self.parts.entry(self.next.checked_add(self.count)?)?;
        let (key_start, value_start) = (self.key_offset, self.value_offset);
        self.key_offset = layout::end(key_entry, key_start);
        self.value_offset = layout::end(value_entry, value_start);
        self.next = self.next.saturating_add(1);
        let data = self.parts.data;
        Some(
            key(data, key_entry, key_start, self.key_offset).and_then(|key| {
                Value::child(data, value_entry, value_start, self.value_offset)
                    .map(|value| (key, value))
            }),
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for ObjectIter<'_> {}

fn key(data: &[u8], entry: u32, start: usize, end: usize) -> Result<&str, Corrupt> {
    if entry & layout::TYPE != layout::STRING {
        return Err(Corrupt("a key is not a string"));
    }
    text(layout::child_bytes(data, entry, start, end)?)
}
