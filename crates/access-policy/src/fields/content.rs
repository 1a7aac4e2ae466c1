//! What a value says without the fields of a set, as a short key: equal where that is the same JSON, with numbers by value.
//!
//! A client that reads a document and writes it back may write `1.10` as `1.1`, and leave out what is empty: an empty object,
//! an empty array and `null` count as nothing here. Nothing recurses: what is beside the fields may be nested deeply.

use std::cell::RefCell;
use std::collections::HashMap;

use jsonb::{ArrayIter, Corrupt, ObjectIter, Value};

use super::rule::{Entered, Found, Members, Rule, enter};
use super::scope::Cover;

/// The key of some content.
pub(super) type Content = [u8; 16];

/// The content of what is empty, or not there.
pub(super) const NOTHING: Content = [0; 16];

/// How many members of one object [`members`] tells of.
const MOST_MEMBERS: usize = 256;

/// The contents of elements of inner arrays, by address, once each is known: however deeply arrays are nested in arrays, their
/// elements are read once.
#[derive(Debug, Default)]
pub(super) struct Known(RefCell<HashMap<usize, Content>>);

/// The content of `value` without what `cover` names of it.
pub(super) fn content(
    cover: Cover<'_>,
    known: &Known,
    value: Option<Value<'_>>,
) -> Result<Content, Corrupt> {
    match (cover, value) {
        (Cover::Whole, _) | (_, None) => Ok(NOTHING),
        (Cover::Inside(rules), Some(value)) => read(rules, known, value),
    }
}

/// The contents of an object's members, each with its key, without what `cover` names: sorted, and of the first few only.
pub(super) fn members(
    cover: Cover<'_>,
    known: &Known,
    value: Value<'_>,
) -> Result<Vec<Content>, Corrupt> {
    let Value::Object(object) = value else {
        return Ok(Vec::new());
    };
    let mut contents = Vec::new();
    let inner = cover.enter(object);
    for member in object.try_iter() {
        let (key, value) = member?;
        let content = match inner.look_up(key.as_bytes()) {
            Found::Field => continue,
            Found::Nothing => read(&[], known, value)?,
            Found::Inside(inside) => read(inside.as_slice(), known, value)?,
        };
        if content != NOTHING {
            let mut member = Vec::with_capacity(key.len().saturating_add(32));
            string(&mut member, key);
            member.extend_from_slice(&content);
            contents.push(hash(&member));
        }
        if contents.len() == MOST_MEMBERS {
            break;
        }
    }
    contents.sort_unstable();
    Ok(contents)
}

/// Whether two values are the same JSON, with numbers by value.
pub(super) fn same(one: Option<Value<'_>>, other: Option<Value<'_>>) -> Result<bool, Corrupt> {
    let known = Known::default();
    let all = |value| content(Cover::Inside(&[]), &known, value);
    Ok(one == other || all(one)? == all(other)?)
}

/// How many bytes are not worth a note.
const SMALL: usize = 256;

const OBJECT: u8 = 1;
const ARRAY: u8 = 2;
const INNER: u8 = 3;
const EMPTY: u8 = 4;
const STRING: u8 = 5;
const NUMBER: u8 = 6;
const FALSE: u8 = 7;
const TRUE: u8 = 8;

/// A container that is being read.
struct Frame<'a, 't> {
    children: Children<'a, 't>,
    value: Value<'a>,
    /// Its key, where it is a member.
    key: Option<&'a str>,
    /// What it says so far: its scalars, and the contents of what else is in it.
    text: Vec<u8>,
    /// Empty elements since the last one that was not.
    empty: u64,
}

enum Children<'a, 't> {
    Members(ObjectIter<'a>, Members<'t, 't>),
    Elements(ArrayIter<'a>, Vec<Rule<'t>>),
}

/// What a value is to be read as.
enum Opened<'a, 't> {
    /// A field, which is not read.
    Field,
    Container(Frame<'a, 't>),
    Scalar,
}

fn read<'t>(rules: &[Rule<'t>], known: &Known, value: Value<'_>) -> Result<Content, Corrupt> {
    let mut frames: Vec<Frame<'_, 't>> = Vec::new();
    match Frame::open(value, None, rules) {
        Opened::Container(frame) => frames.push(frame),
        Opened::Field => return Ok(NOTHING),
        Opened::Scalar => {
            let mut text = Vec::new();
            scalar(&mut text, value);
            return Ok(match text.is_empty() {
                true => NOTHING,
                false => hash(&text),
            });
        }
    }
    if let Some(content) = known.of(value) {
        return Ok(content);
    }
    let mut content = NOTHING;
    while let Some(top) = frames.last_mut() {
        let next = match &mut top.children {
            Children::Members(iter, members) => iter
                .next()
                .transpose()?
                .map(|(key, child)| (Some(key), child, members.look_up(key.as_bytes()))),
            Children::Elements(iter, _) => iter
                .next()
                .transpose()?
                .map(|child| (None, child, Found::Nothing)),
        };
        let Some((key, child, found)) = next else {
            let Some(done) = frames.pop() else { break };
            content = done.content();
            if let Some(outer) = frames.last_mut() {
                if matches!(outer.children, Children::Elements(..)) {
                    known.note(done.value, content);
                }
                outer.inner(done.key, content);
            }
            continue;
        };
        let opened = match (&found, &top.children) {
            (Found::Field, _) => continue,
            (_, Children::Elements(_, rules)) => Frame::open(child, key, rules),
            (Found::Nothing, _) => Frame::open(child, key, &[]),
            (Found::Inside(inside), _) => Frame::open(child, key, inside.as_slice()),
        };
        match opened {
            Opened::Field => {}
            Opened::Scalar => top.scalar(key, child),
            Opened::Container(inner) => match known.of(child) {
                Some(content) => top.inner(key, content),
                None => frames.push(inner),
            },
        }
    }
    Ok(content)
}

impl Known {
    fn of(&self, value: Value<'_>) -> Option<Content> {
        self.0.borrow().get(&address(value)?).copied()
    }

    fn note(&self, value: Value<'_>, content: Content) {
        if let Some(address) = address(value) {
            self.0.borrow_mut().insert(address, content);
        }
    }
}

/// What is small is rather read again, when its own array is matched.
fn address(value: Value<'_>) -> Option<usize> {
    value.address().filter(|_| value.byte_len() >= SMALL)
}

impl<'a, 't> Frame<'a, 't> {
    fn open(value: Value<'a>, key: Option<&'a str>, rules: &[Rule<'t>]) -> Opened<'a, 't> {
        let children = match value {
            Value::Object(object) => match enter(rules, object) {
                Entered::Field => return Opened::Field,
                Entered::Members(members) => {
                    Children::Members(object.try_iter(), members.into_owned())
                }
            },
            Value::Array(array) => Children::Elements(array.try_iter(), rules.to_vec()),
            _ => return Opened::Scalar,
        };
        Opened::Container(Frame {
            children,
            value,
            key,
            text: Vec::new(),
            empty: 0,
        })
    }

    /// What comes before a child that is not empty.
    fn begin(&mut self, key: Option<&str>) {
        if self.text.is_empty() {
            self.text.push(match self.children {
                Children::Members(..) => OBJECT,
                Children::Elements(..) => ARRAY,
            });
        }
        if let Some(key) = key {
            string(&mut self.text, key);
        } else if self.empty > 0 {
            self.text.push(EMPTY);
            self.text.extend_from_slice(&self.empty.to_le_bytes());
            self.empty = 0;
        }
    }

    fn scalar(&mut self, key: Option<&str>, value: Value<'_>) {
        if value == Value::Null {
            self.empty = self.empty.saturating_add(1);
            return;
        }
        self.begin(key);
        scalar(&mut self.text, value);
    }

    fn inner(&mut self, key: Option<&str>, content: Content) {
        if content == NOTHING {
            self.empty = self.empty.saturating_add(1);
            return;
        }
        self.begin(key);
        self.text.push(INNER);
        self.text.extend_from_slice(&content);
    }

    fn content(&self) -> Content {
        match self.text.is_empty() {
            true => NOTHING,
            false => hash(&self.text),
        }
    }
}

fn hash(text: &[u8]) -> Content {
    let mut content = NOTHING;
    for (to, from) in content.iter_mut().zip(blake3::hash(text).as_bytes()) {
        *to = *from;
    }
    content
}

fn scalar(text: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Bool(false) => text.push(FALSE),
        Value::Bool(true) => text.push(TRUE),
        Value::String(value) => string(text, value),
        Value::Number(number) => {
            let (sign, weight, digits) = number.value_parts();
            text.push(NUMBER);
            text.extend_from_slice(&sign.to_le_bytes());
            text.extend_from_slice(&weight.to_le_bytes());
            text.extend_from_slice(&(digits.len() as u64).to_le_bytes());
            text.extend_from_slice(digits.as_flattened());
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}

fn string(text: &mut Vec<u8>, value: &str) {
    text.push(STRING);
    text.extend_from_slice(&(value.len() as u64).to_le_bytes());
    text.extend_from_slice(value.as_bytes());
}
