//! Writing a [`Node`] in the layout that PostgreSQL's `convertToJsonb` writes.

use std::borrow::Cow;
use std::slice;
use std::vec;

use crate::layout::{self, align};
use crate::patch::{Child, PatchIter};
use crate::value::key_order;
use crate::{Node, Value};

/// The document is larger than the 256 MB (2^28 - 1 bytes) that a `jsonb` value can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document exceeds the 268435455 bytes that jsonb can hold")]
pub struct TooLarge;

/// The document's binary form, without varlena header, byte for byte as PostgreSQL would write it.
///
/// # Errors
/// [`TooLarge`] when a container or a string has more than 2^28 - 1 bytes or members.
pub fn encode(node: &Node<'_>) -> Result<Vec<u8>, TooLarge> {
    encode_with_capacity(node, 0)
}

/// [`encode`], with a guess at the size of the result, which saves growing the buffer.
///
/// # Errors
/// As [`encode`].
pub fn encode_with_capacity(node: &Node<'_>, capacity: usize) -> Result<Vec<u8>, TooLarge> {
    let mut out = Vec::with_capacity(capacity);
    match node {
        Node::Array(_) | Node::Object(_) | Node::Patch(_) => write_containers(&mut out, node)?,
        Node::Value(Value::Array(array)) => out.extend_from_slice(array.bytes()),
        Node::Value(Value::Object(object)) => out.extend_from_slice(object.bytes()),
        scalar => {
            put(&mut out, layout::SCALAR | layout::ARRAY | 1);
            let entry_at = out.len();
            put(&mut out, 0);
            let (kind, length) = write_leaf(&mut out, scalar)?;
            // The first entry of every container holds an offset.
            patch(&mut out, entry_at, kind | length | layout::HAS_OFFSET);
        }
    }
    Ok(out)
}

/// A container that is being written: its header and keys are out, its children come next.
struct Open<'n, 'a> {
    /// Where the container starts, its alignment padding included.
    base: usize,
    table: Table,
    children: Children<'n, 'a>,
}

/// The table of entries of a container that is being written.
struct Table {
    /// Where the next child's entry goes.
    entry_at: usize,
    /// The next child's number among all entries (keys come first).
    slot: usize,
    /// The bytes of all children so far, keys included.
    total: u32,
}

type Member<'a> = (Cow<'a, str>, Node<'a>);

enum Children<'n, 'a> {
    Elements(slice::Iter<'n, Node<'a>>),
    Members(slice::Iter<'n, Member<'a>>),
    Sorted(vec::IntoIter<&'n Member<'a>>),
    Patched(PatchIter<'n, 'a>),
}

impl<'n, 'a> Iterator for Children<'n, 'a> {
    type Item = Child<'n, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let node = match self {
            Children::Elements(elements) => elements.next()?,
            Children::Members(members) => &members.next()?.1,
            Children::Sorted(members) => &members.next()?.1,
            Children::Patched(children) => return children.next(),
        };
        Some(Child::Node(node))
    }
}

impl Open<'_, '_> {
    /// Writes the children of a patched container that come next and stay as they are, as far as they can be copied at once.
    fn write_untouched(&mut self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        match &mut self.children {
            Children::Patched(children) => self.table.write_untouched(out, children),
            _ => Ok(()),
        }
    }
}

impl Table {
    /// Writes a key or a child that is copied, and its entry.
    fn write_raw(&mut self, out: &mut Vec<u8>, kind: u32, bytes: &[u8]) -> Result<(), TooLarge> {
        let length = write_bytes(out, kind, bytes)?;
        self.record(out, kind, length)
    }

    fn write_untouched(
        &mut self,
        out: &mut Vec<u8>,
        children: &mut PatchIter<'_, '_>,
    ) -> Result<(), TooLarge> {
        let written = out.len();
        let entries = out.get_mut(self.entry_at..).unwrap_or_default();
        let mut entries = entries.as_chunks_mut().0.iter_mut();
        let (mut slot, mut total) = (self.slot, self.total);
        let bytes = children.pass(written, |kind, length| {
            let length = size(length)?;
            total = add(total, length)?;
            if let Some(entry) = entries.next() {
                *entry = (kind | field(slot, length, total)).to_ne_bytes();
            }
            slot = slot.saturating_add(1);
            Ok(())
        })?;
        let passed = slot.saturating_sub(self.slot);
        self.entry_at = self.entry_at.saturating_add(passed.saturating_mul(4));
        (self.slot, self.total) = (slot, total);
        out.extend_from_slice(bytes);
        Ok(())
    }

    /// Fills in the entry of a child just written.
    fn record(&mut self, out: &mut [u8], kind: u32, length: u32) -> Result<(), TooLarge> {
        self.total = add(self.total, length)?;
        let field = field(self.slot, length, self.total);
        patch(out, self.entry_at, kind | field);
        self.entry_at = self.entry_at.saturating_add(4);
        self.slot = self.slot.saturating_add(1);
        Ok(())
    }
}

/// What the entry of this number holds of a child's length and of its end.
fn field(slot: usize, length: u32, end: u32) -> u32 {
    match slot.is_multiple_of(layout::STRIDE) {
        true => end | layout::HAS_OFFSET,
        false => length,
    }
}

/// Writes `root` and every edited container inside it, without recursion.
fn write_containers(out: &mut Vec<u8>, root: &Node<'_>) -> Result<(), TooLarge> {
    let mut above = Vec::new();
    let Some(mut current) = open(out, root)? else {
        return Ok(());
    };
    loop {
        current.write_untouched(out)?;
        match current.children.next() {
            Some(Child::Raw(kind, bytes)) => current.table.write_raw(out, kind, bytes)?,
            Some(Child::Node(child)) => match open(out, child)? {
                Some(inner) => above.push(std::mem::replace(&mut current, inner)),
                None => {
                    let (kind, length) = write_leaf(out, child)?;
                    current.table.record(out, kind, length)?;
                }
            },
            None => {
                let length = size(out.len().saturating_sub(current.base))?;
                match above.pop() {
                    Some(outer) => current = outer,
                    None => return Ok(()),
                }
                current.table.record(out, layout::CONTAINER, length)?;
            }
        }
    }
}

/// Begins an edited container: writes its header and its keys; `None` when the node is none.
fn open<'n, 'a>(out: &mut Vec<u8>, node: &'n Node<'a>) -> Result<Option<Open<'n, 'a>>, TooLarge> {
    match node {
        Node::Array(elements) => {
            let children = Children::Elements(elements.iter());
            begin(out, layout::ARRAY, elements.len(), children).map(Some)
        }
        Node::Object(members) if is_sorted(members) => {
            let children = Children::Members(members.iter());
            let mut opened = begin(out, layout::OBJECT, members.len(), children)?;
            for (key, _) in members {
                opened
                    .table
                    .write_raw(out, layout::STRING, key.as_bytes())?;
            }
            Ok(Some(opened))
        }
        Node::Object(members) => {
            let members = sorted(members);
            let children = Children::Sorted(members.clone().into_iter());
            let mut opened = begin(out, layout::OBJECT, members.len(), children)?;
            for (key, _) in members {
                opened
                    .table
                    .write_raw(out, layout::STRING, key.as_bytes())?;
            }
            Ok(Some(opened))
        }
        Node::Patch(patch) => {
            let children = Children::Patched(patch.values());
            let mut opened = begin(out, patch.kind(), patch.len(), children)?;
            let mut keys = patch.keys();
            loop {
                opened.table.write_untouched(out, &mut keys)?;
                match keys.next() {
                    Some(Child::Raw(_, key)) => {
                        opened.table.write_raw(out, layout::STRING, key)?;
                    }
                    // Not reached: keys are never made.
                    Some(Child::Node(_)) => {}
                    None => return Ok(Some(opened)),
                }
            }
        }
        _ => Ok(None),
    }
}

/// Writes a container's header and an empty table of entries.
fn begin<'n, 'a>(
    out: &mut Vec<u8>,
    kind: u32,
    count: usize,
    children: Children<'n, 'a>,
) -> Result<Open<'n, 'a>, TooLarge> {
    let base = out.len();
    pad(out);
    put(out, kind | size(count)?);
    let entry_at = out.len();
    let slots = match kind {
        layout::OBJECT => count.saturating_mul(2),
        _ => count,
    };
    out.resize(entry_at.saturating_add(slots.saturating_mul(4)), 0);
    Ok(Open {
        base,
        table: Table {
            entry_at,
            slot: 0,
            total: 0,
        },
        children,
    })
}

fn is_sorted(members: &[Member<'_>]) -> bool {
    members.is_sorted_by(|(a, _), (b, _)| key_order(a.as_bytes(), b.as_bytes()).is_lt())
}

/// The members in key order, the last of each key only.
fn sorted<'n, 'a>(members: &'n [Member<'a>]) -> Vec<&'n Member<'a>> {
    let mut sorted: Vec<_> = members.iter().rev().collect();
    sorted.sort_by(|(a, _), (b, _)| key_order(a.as_bytes(), b.as_bytes()));
    sorted.dedup_by(|(later, _), (kept, _)| later == kept);
    sorted
}

/// Writes a scalar or an untouched container; gives its type and its length with padding.
fn write_leaf(out: &mut Vec<u8>, node: &Node<'_>) -> Result<(u32, u32), TooLarge> {
    let (kind, bytes): (u32, &[u8]) = match node {
        Node::Null | Node::Value(Value::Null) => return Ok((layout::NULL, 0)),
        Node::Bool(true) | Node::Value(Value::Bool(true)) => return Ok((layout::TRUE, 0)),
        Node::Bool(false) | Node::Value(Value::Bool(false)) => return Ok((layout::FALSE, 0)),
        Node::String(text) => (layout::STRING, text.as_bytes()),
        Node::Value(Value::String(text)) => (layout::STRING, text.as_bytes()),
        Node::Decimal(decimal) => (layout::NUMERIC, decimal.as_number().datum_bytes()),
        Node::Value(Value::Number(number)) => (layout::NUMERIC, number.datum_bytes()),
        Node::Value(Value::Array(array)) => (layout::CONTAINER, array.bytes()),
        Node::Value(Value::Object(object)) => (layout::CONTAINER, object.bytes()),
        // Not reached: `open` takes these.
        Node::Array(_) | Node::Object(_) | Node::Patch(_) => return Err(TooLarge),
    };
    Ok((kind, write_bytes(out, kind, bytes)?))
}

/// Writes a child's bytes, aligned as its type asks; gives their length with padding.
fn write_bytes(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) -> Result<u32, TooLarge> {
    let base = out.len();
    if matches!(kind, layout::NUMERIC | layout::CONTAINER) {
        pad(out);
    }
    out.extend_from_slice(bytes);
    size(out.len().saturating_sub(base))
}

fn size(bytes: usize) -> Result<u32, TooLarge> {
    match u32::try_from(bytes) {
        Ok(bytes) if bytes <= layout::LENGTH => Ok(bytes),
        _ => Err(TooLarge),
    }
}

fn add(a: u32, b: u32) -> Result<u32, TooLarge> {
    a.checked_add(b)
        .filter(|sum| *sum <= layout::LENGTH)
        .ok_or(TooLarge)
}

fn pad(out: &mut Vec<u8>) {
    out.resize(align(out.len()), 0);
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_ne_bytes());
}

fn patch(out: &mut [u8], at: usize, word: u32) {
    if let Some(slot) = out.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *slot = word.to_ne_bytes();
    }
}
