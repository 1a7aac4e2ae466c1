//! [`from_json`]: JSON text to a binary document.

use std::borrow::Cow;

use crate::{Decimal, MAX_DEPTH, Node, TooLarge, encode_with_capacity};

/// The most values in one text: what is read takes much more memory than a text of small values.
const MAX_VALUES: usize = 1 << 24;

/// The text is not JSON that `jsonb` can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct JsonError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong there, without the text itself.
    pub message: &'static str,
}

impl From<TooLarge> for JsonError {
    fn from(_: TooLarge) -> Self {
        JsonError {
            offset: 0,
            message: "document too large for jsonb",
        }
    }
}

/// The binary document of a JSON text (RFC 8259), byte for byte what `text::jsonb` gives in PostgreSQL: numbers keep their
/// decimals, of equal keys the last one counts, `\u0000` and unpaired surrogates are refused.
///
/// # Errors
/// [`JsonError`] with the position, also for more than [`MAX_DEPTH`] levels or 2^24 values.
pub fn from_json(text: &str) -> Result<Vec<u8>, JsonError> {
    let node = parse_json(text)?;
    let bytes = encode_with_capacity(&node, text.len());
    dismantle(node);
    Ok(bytes?)
}

/// Whether some object in a JSON text has two members of one name; true of a text that [`from_json`] refuses.
pub fn has_duplicate_keys(text: &str) -> bool {
    let Ok(node) = parse_json(text) else {
        return true;
    };
    let mut rest = vec![node];
    let mut found = false;
    while let Some(node) = rest.pop() {
        match node {
            Node::Array(elements) => rest.extend(elements),
            Node::Object(mut members) => {
                members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                found |= members.windows(2).any(|pair| match pair {
                    [(a, _), (b, _)] => a == b,
                    _ => false,
                });
                rest.extend(members.into_iter().map(|(_, node)| node));
            }
            _ => {}
        }
    }
    found
}

/// The JSON text as a [`Node`]; strings without escapes are borrowed.
///
/// # Errors
/// As [`from_json`], but for the size.
pub fn parse_json(text: &str) -> Result<Node<'_>, JsonError> {
    parse_within(text, MAX_VALUES)
}

fn parse_within(text: &str, most_values: usize) -> Result<Node<'_>, JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        values_left: most_values,
    };
    let mut open: Vec<Open<'_>> = Vec::new();
    let result = reader.document(&mut open);
    // What was open when an error came up is taken apart level by level, too.
    for level in open {
        match level {
            Open::Array(elements) => elements.into_iter().for_each(dismantle),
            Open::Object(members, _) => members.into_iter().for_each(|(_, node)| dismantle(node)),
        }
    }
    result
}

/// Drops a tree without recursion.
fn dismantle(node: Node<'_>) {
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        match node {
            Node::Array(elements) => rest.extend(elements),
            Node::Object(members) => rest.extend(members.into_iter().map(|(_, node)| node)),
            _ => {}
        }
    }
}

enum Open<'a> {
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>, Cow<'a, str>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self, open: &mut Vec<Open<'a>>) -> Result<Node<'a>, JsonError> {
        loop {
            let mut done = match self.value(open)? {
                Some(node) => node,
                None => continue,
            };
            // Put the finished value into what is open, and close what ends here.
            loop {
                match open.last_mut() {
                    None => {
                        self.space();
                        return match self.peek() {
                            None => Ok(done),
                            Some(_) => {
                                dismantle(done);
                                Err(self.error("unexpected text after the document"))
                            }
                        };
                    }
                    Some(Open::Array(elements)) => elements.push(done),
                    Some(Open::Object(members, key)) => members.push((std::mem::take(key), done)),
                }
                self.space();
                let object = matches!(open.last(), Some(Open::Object(..)));
                match (self.peek(), object) {
                    (Some(b','), false) => {
                        self.advance();
                        break;
                    }
                    (Some(b','), true) => {
                        self.advance();
                        let next = self.key()?;
                        if let Some(Open::Object(_, key)) = open.last_mut() {
                            *key = next;
                        }
                        break;
                    }
                    (Some(b']'), false) | (Some(b'}'), true) => self.advance(),
                    (_, false) => return Err(self.error("expected \",\" or \"]\"")),
                    (_, true) => return Err(self.error("expected \",\" or \"}\"")),
                }
                done = match open.pop() {
                    Some(Open::Array(elements)) => Node::Array(elements),
                    Some(Open::Object(members, _)) => Node::Object(members),
                    None => return Err(self.error("unexpected end of a container")),
                };
            }
        }
    }

    /// One value; `None` when it opened a container whose first member or element comes next.
    fn value(&mut self, open: &mut Vec<Open<'a>>) -> Result<Option<Node<'a>>, JsonError> {
        self.space();
        self.values_left = match self.values_left.checked_sub(1) {
            Some(left) => left,
            None => return Err(self.error("too many values")),
        };
        let node = match self.peek() {
            Some(b'n') => self.word("null", Node::Null)?,
            Some(b't') => self.word("true", Node::Bool(true))?,
            Some(b'f') => self.word("false", Node::Bool(false))?,
            Some(b'"') => Node::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(opening @ (b'[' | b'{')) => {
                if open.len() >= MAX_DEPTH {
                    return Err(self.error("nested too deeply"));
                }
                self.advance();
                self.space();
                match (opening, self.peek()) {
                    (b'[', Some(b']')) => {
                        self.advance();
                        Node::Array(Vec::new())
                    }
                    (b'{', Some(b'}')) => {
                        self.advance();
                        Node::Object(Vec::new())
                    }
                    (b'[', _) => {
                        open.push(Open::Array(Vec::new()));
                        return Ok(None);
                    }
                    _ => {
                        let key = self.key()?;
                        open.push(Open::Object(Vec::new(), key));
                        return Ok(None);
                    }
                }
            }
            _ => return Err(self.error("expected a JSON value")),
        };
        Ok(Some(node))
    }

    fn key(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in double quotes"));
        }
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected \":\""));
        }
        self.advance();
        Ok(key)
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, JsonError> {
        if !self.rest().starts_with(word) {
            return Err(self.error("expected a JSON value"));
        }
        self.at = self.at.saturating_add(word.len());
        Ok(node)
    }

    fn number(&mut self) -> Result<Node<'a>, JsonError> {
        let length = self
            .rest()
            .bytes()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let text = self.rest().get(..length).unwrap_or("");
        let number = Decimal::parse(text).map_err(|_| self.error("not a number jsonb can hold"))?;
        self.at = self.at.saturating_add(length);
        Ok(Node::Decimal(number))
    }

    /// The string that starts at the quote under the cursor.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.advance();
        let mut decoded: Option<String> = None;
        loop {
            let rest = self.rest();
            let plain = rest
                .bytes()
                .position(|b| b == b'"' || b == b'\\' || b < b' ')
                .ok_or_else(|| self.error("unterminated string"))?;
            let run = rest.get(..plain).unwrap_or("");
            self.at = self.at.saturating_add(plain);
            match self.peek() {
                Some(b'"') => {
                    self.advance();
                    return Ok(match decoded {
                        None => Cow::Borrowed(run),
                        Some(mut text) => {
                            text.push_str(run);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = decoded.get_or_insert_default();
                    text.push_str(run);
                    let c = self.escape()?;
                    text.push(c);
                }
                _ => return Err(self.error("control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.advance();
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.advance();
                return self.unicode();
            }
            _ => return Err(self.error("invalid escape")),
        };
        self.advance();
        Ok(c)
    }

    /// The character of `\uXXXX`, or of two that form a surrogate pair, behind the first `\u`.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        let code = match first {
            0 => return Err(self.error("\\u0000 cannot be stored")),
            0xD800..=0xDBFF => {
                if !self.rest().starts_with("\\u") {
                    return Err(self.error("unpaired surrogate"));
                }
                self.at = self.at.saturating_add(2);
                let second = self.hex()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.error("unpaired surrogate"));
                }
                0x1_0000 + ((first & 0x3FF) << 10) + (second & 0x3FF)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.error("unpaired surrogate"))
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).unwrap_or("");
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(self.error("invalid \\u escape"));
        }
        self.at = self.at.saturating_add(4);
        u32::from_str_radix(digits, 16).map_err(|_| self.error("invalid \\u escape"))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.advance();
        }
    }

    fn error(&self, message: &'static str) -> JsonError {
        JsonError {
            offset: self.at,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys() {
        for (text, expected) in [
            ("{}", false),
            (
                r#"{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}"#,
                false,
            ),
            (r#"{"a": 1, "b": 2, "a": 1}"#, true),
            (r#"[{"x": {"a": 1, "\u0061": 2}}]"#, true),
            (r#"{"": 1, "": 2}"#, true),
            ("nothing", true),
        ] {
            assert_eq!(has_duplicate_keys(text), expected, "{text}");
        }
    }

    #[test]
    fn no_more_values_than_memory_bears() {
        assert!(parse_within("[1, [2], {}]", 5).is_ok());
        let error = parse_within("[1, [2], {}]", 4).unwrap_err();
        assert_eq!(error.message, "too many values");
    }
}
