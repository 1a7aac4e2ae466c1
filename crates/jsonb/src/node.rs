//! [`Node`]: an edited document, before it is written.

use std::borrow::Cow;

use crate::{Decimal, Patch, Value};

/// A JSON value to write with [`encode`](crate::encode): either an untouched part of another document, or new.
///
/// The nesting may be as deep as memory allows for [`encode`](crate::encode); a `Node` is dropped recursively, as any tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// An untouched part: copied byte for byte.
    Value(Value<'a>),
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// A number.
    Decimal(Decimal),
    /// A string; PostgreSQL cannot hold U+0000 in it.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object. The members may be in any order; of two with the same key the last one is written.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    /// A container of another document with a few changes.
    Patch(Patch<'a>),
}

impl<'a> From<Value<'a>> for Node<'a> {
    fn from(value: Value<'a>) -> Self {
        Node::Value(value)
    }
}
