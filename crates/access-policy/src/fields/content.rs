//! What a value says without the fields of a set, as a short key: equal where that is the same JSON, with numbers by value.
//!
//! A client that reads a document and writes it back may write `1.10` as `1.1`, and leave out what is empty: an empty object,
//! an empty array and `null` count as nothing here. Nothing recurses: what is beside the fields may be nested deeply.

use jsonb::{ArrayIter, Corrupt, Number, ObjectIter, Value};

use super::scope::Cover;
use super::trie::{Found, Trie, look_up};

/// The key of some content.
pub(super) type Content = [u8; 16];

/// The content of what is empty, or not there.
pub(super) const NOTHING: Content = [0; 16];

/// How many members of one object [`members`] tells of.
const MOST_MEMBERS: usize = 256;

/// The content of `value` without what `cover` names of it.
pub(super) fn content(cover: Cover<'_>, value: Option<Value<'_>>) -> Result<Content, Corrupt> {
    match (cover, value) {
        (Cover::Whole, _) | (_, None) => Ok(NOTHING),
        (Cover::Inside(tries), Some(value)) => Writer::default().content(tries, value),
    }
}

/// The contents of an object's members, each with its key, without what `cover` names: sorted, and of the first few only.
pub(super) fn members(cover: Cover<'_>, value: Value<'_>) -> Result<Vec<Content>, Corrupt> {
    let Value::Object(object) = value else {
        return Ok(Vec::new());
    };
    let mut contents = Vec::new();
    for member in object.try_iter() {
        let (key, value) = member?;
        let mut writer = Writer::default();
        writer.string(key);
        let content = match look_up(cover.tries(), key.as_bytes()) {
            Found::Field => continue,
            Found::Nothing => writer.content(&[], value)?,
            Found::Inside(inside) => writer.content(inside.as_slice(), value)?,
        };
        if content != NOTHING {
            contents.push(content);
        }
        if contents.len() == MOST_MEMBERS {
            break;
        }
    }
    contents.sort_unstable();
    Ok(contents)
}

/// Whether two values are the same JSON, with numbers by value.
pub(super) fn same(one: Value<'_>, other: Value<'_>) -> Result<bool, Corrupt> {
    let nothing = Cover::Inside(&[]);
    Ok(one == other || content(nothing, Some(one))? == content(nothing, Some(other))?)
}

const OBJECT: u8 = 1;
const ARRAY: u8 = 2;
const END: u8 = 3;
const EMPTY: u8 = 4;
const STRING: u8 = 5;
const NUMBER: u8 = 6;
const FALSE: u8 = 7;
const TRUE: u8 = 8;

/// Begun containers, outermost first. One is written only when something is in it.
struct Frame<'a, 't> {
    children: Children<'a>,
    tries: Vec<&'t Trie>,
    /// Its key, where it is a member.
    key: Option<&'a str>,
    /// Empty elements since the last one that was written.
    empty: u64,
}

enum Children<'a> {
    Members(ObjectIter<'a>),
    Elements(ArrayIter<'a>),
}

#[derive(Default)]
struct Writer {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    anything: bool,
}

impl Writer {
    fn content(mut self, tries: &[&Trie], value: Value<'_>) -> Result<Content, Corrupt> {
        let mut frames = Vec::new();
        // How many of the frames are written: always the first ones.
        let mut written = 0;
        match frame(value, None, tries) {
            Some(frame) => frames.push(frame),
            None => self.scalar(value),
        }
        while let Some(top) = frames.last_mut() {
            let (key, child) = match &mut top.children {
                Children::Members(members) => match members.next() {
                    Some(member) => {
                        let (key, value) = member?;
                        (Some(key), Some(value))
                    }
                    None => (None, None),
                },
                Children::Elements(elements) => (None, elements.next().transpose()?),
            };
            let Some(child) = child else {
                let was_written = written == frames.len();
                frames.pop();
                if was_written {
                    self.byte(END);
                    written = frames.len();
                } else if let Some(outer) = frames.last_mut() {
                    outer.empty = outer.empty.saturating_add(1);
                }
                continue;
            };
            let below = match key.map(|key| look_up(&top.tries, key.as_bytes())) {
                Some(Found::Field) => continue,
                Some(Found::Nothing) => Vec::new(),
                Some(Found::Inside(inside)) => inside.as_slice().to_vec(),
                None => top.tries.clone(),
            };
            if let Some(inner) = frame(child, key, &below) {
                frames.push(inner);
                continue;
            }
            if child == Value::Null {
                top.empty = top.empty.saturating_add(1);
                continue;
            }
            for (place, frame) in frames
                .iter_mut()
                .enumerate()
                .skip(written.saturating_sub(1))
            {
                if place >= written {
                    self.key(frame.key);
                    self.byte(match frame.children {
                        Children::Members(_) => OBJECT,
                        Children::Elements(_) => ARRAY,
                    });
                }
                self.empties(frame);
            }
            written = frames.len();
            self.key(key);
            self.scalar(child);
        }
        if !self.anything {
            return Ok(NOTHING);
        }
        self.flush();
        let mut content = NOTHING;
        self.hasher.finalize_xof().fill(&mut content);
        Ok(content)
    }

    /// The empty elements before one that is not.
    fn empties(&mut self, frame: &mut Frame<'_, '_>) {
        if matches!(frame.children, Children::Elements(_)) && frame.empty > 0 {
            self.byte(EMPTY);
            self.bytes(&frame.empty.to_le_bytes());
        }
        frame.empty = 0;
    }

    fn key(&mut self, key: Option<&str>) {
        if let Some(key) = key {
            self.string(key);
        }
    }

    fn scalar(&mut self, value: Value<'_>) {
        match value {
            Value::Bool(false) => self.byte(FALSE),
            Value::Bool(true) => self.byte(TRUE),
            Value::String(text) => self.string(text),
            Value::Number(number) => self.number(number),
            Value::Null | Value::Array(_) | Value::Object(_) => return,
        }
        self.anything = true;
    }

    fn string(&mut self, text: &str) {
        self.byte(STRING);
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: Number<'_>) {
        let (sign, weight, digits) = number.value_parts();
        self.byte(NUMBER);
        self.bytes(&sign.to_le_bytes());
        self.bytes(&weight.to_le_bytes());
        self.bytes(&(digits.len() as u64).to_le_bytes());
        self.bytes(digits.as_flattened());
    }

    fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= 4096 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
    }
}

fn frame<'a, 't>(
    value: Value<'a>,
    key: Option<&'a str>,
    tries: &[&'t Trie],
) -> Option<Frame<'a, 't>> {
    let children = match value {
        Value::Object(object) => Children::Members(object.try_iter()),
        Value::Array(array) => Children::Elements(array.try_iter()),
        _ => return None,
    };
    Some(Frame {
        children,
        tries: tries.to_vec(),
        key,
        empty: 0,
    })
}
