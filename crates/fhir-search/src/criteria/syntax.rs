//! The syntax of values: percent-encoding, `%variables`, separators and escapes.
//!
//! Decoding comes first, as an HTTP server does it, and then FHIR's separators: `%2C` separates values as `,` does, and
//! `\,` does not.

use std::mem;

use super::CriteriaError;

/// The most bytes of criteria, or of one variable's value: room for [`MOST_VALUES`] references with UUIDs.
pub const MOST_BYTES: usize = 1 << 19;
/// The most values in one criteria, or in one variable's list.
pub const MOST_VALUES: usize = 10_000;

/// The most bytes of a variable's name.
const MOST_NAME: usize = 100;

/// One value: literal text, separators and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Byte offset in the text.
    pub offset: usize,
    /// The parts, at least one; no two `Text` parts are neighbours.
    pub pieces: Vec<Piece>,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Data.
    Text(String),
    /// A `|` that is not escaped.
    Pipe,
    /// A `$` that is not escaped.
    Dollar,
    /// `%name` or `%name.id`.
    Variable(Variable),
}

/// A reference to a parameter of the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name without `%`.
    pub name: String,
    /// `.id` follows.
    pub id: bool,
}

/// Whether `%` has a meaning in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Percent {
    /// `%20` is a space and `%name` a variable: the text of criteria.
    Decoded,
    /// `%` is itself: the value of a variable.
    Literal,
}

/// What stands at a place of the text.
enum Unit {
    Letter(char),
    Variable(Variable),
}

/// Splits the text after `=` into its values; `offset` is where it starts.
pub fn split(text: &str, offset: usize, percent: Percent) -> Result<Vec<Template>, CriteriaError> {
    let mut values = Vec::new();
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut escape = None;
    let mut start = 0;
    let mut at = 0;
    while let Some((unit, length)) = unit(text, at, offset, percent)? {
        let here = offset.saturating_add(at);
        let next = at.saturating_add(length);
        match unit {
            Unit::Letter('\0') => {
                return Err(CriteriaError::new(here, "a NUL character is not allowed"));
            }
            Unit::Letter(letter) if escape.take().is_some() => match letter {
                ',' | '|' | '$' | '\\' => literal.push(letter),
                _ => return Err(bad_escape(here)),
            },
            Unit::Letter('\\') => escape = Some(here),
            Unit::Letter(',') => {
                finish(
                    &mut values,
                    &mut pieces,
                    &mut literal,
                    offset.saturating_add(start),
                )?;
                start = next;
            }
            Unit::Letter('|') => {
                flush(&mut pieces, &mut literal);
                pieces.push(Piece::Pipe);
            }
            Unit::Letter('$') => {
                flush(&mut pieces, &mut literal);
                pieces.push(Piece::Dollar);
            }
            Unit::Letter(letter) => literal.push(letter),
            Unit::Variable(_) if escape.is_some() => return Err(bad_escape(here)),
            Unit::Variable(variable) => {
                flush(&mut pieces, &mut literal);
                pieces.push(Piece::Variable(variable));
            }
        }
        at = next;
    }
    if let Some(here) = escape {
        return Err(bad_escape(here));
    }
    finish(
        &mut values,
        &mut pieces,
        &mut literal,
        offset.saturating_add(start),
    )?;
    Ok(values)
}

fn bad_escape(offset: usize) -> CriteriaError {
    CriteriaError::new(offset, r"\ must be followed by , | $ or \")
}

fn flush(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Text(mem::take(literal)));
    }
}

fn finish(
    values: &mut Vec<Template>,
    pieces: &mut Vec<Piece>,
    literal: &mut String,
    offset: usize,
) -> Result<(), CriteriaError> {
    flush(pieces, literal);
    if pieces.is_empty() {
        return Err(CriteriaError::new(offset, "a value is empty"));
    }
    if values.len() >= MOST_VALUES {
        return Err(CriteriaError::new(
            offset,
            format!("more than {MOST_VALUES} values"),
        ));
    }
    values.push(Template {
        offset,
        pieces: mem::take(pieces),
    });
    Ok(())
}

/// What stands at byte `at`, and its length in bytes.
fn unit(
    text: &str,
    at: usize,
    offset: usize,
    percent: Percent,
) -> Result<Option<(Unit, usize)>, CriteriaError> {
    let rest = text.get(at..).unwrap_or_default();
    let Some(letter) = rest.chars().next() else {
        return Ok(None);
    };
    if letter != '%' || percent == Percent::Literal {
        return Ok(Some((Unit::Letter(letter), letter.len_utf8())));
    }
    if let Some((letter, length)) = percent_encoded(rest) {
        return Ok(Some((Unit::Letter(letter), length)));
    }
    let here = offset.saturating_add(at);
    let (variable, length) = variable(rest).ok_or_else(|| {
        CriteriaError::new(here, "% starts neither an encoded character nor a variable")
            .with_hint("write %25 for a percent sign")
    })?;
    if variable.name.len() > MOST_NAME {
        let message = format!("the name of a variable has more than {MOST_NAME} bytes");
        return Err(CriteriaError::new(here, message));
    }
    // As long as an encoded byte, and one that only other encodings begin a character with.
    let is_byte =
        variable.name.len() == 2 && encoded_byte(rest, 0).is_some_and(|byte| byte >= 0x80);
    if is_byte {
        let message = format!(
            "%{} is not the start of a character in UTF-8",
            variable.name
        );
        return Err(CriteriaError::new(here, message)
            .with_hint("é is written %C3%A9; a variable cannot have such a name"));
    }
    Ok(Some((Unit::Variable(variable), length)))
}

/// The percent-encoded UTF-8 character that `text` starts with.
fn percent_encoded(text: &str) -> Option<(char, usize)> {
    let mut bytes = [encoded_byte(text, 0)?; 4];
    let length: usize = match bytes {
        [0..=0x7f, ..] => 1,
        [0xc2..=0xdf, ..] => 2,
        [0xe0..=0xef, ..] => 3,
        [0xf0..=0xf4, ..] => 4,
        _ => return None,
    };
    for (index, byte) in bytes.iter_mut().enumerate().take(length) {
        *byte = encoded_byte(text, index)?;
    }
    let letter = std::str::from_utf8(bytes.get(..length)?)
        .ok()?
        .chars()
        .next()?;
    Some((letter, length.checked_mul(3)?))
}

/// The byte that the `index`-th `%XX` of `text` stands for.
fn encoded_byte(text: &str, index: usize) -> Option<u8> {
    let start = index.checked_mul(3)?;
    let [b'%', high, low] = text.as_bytes().get(start..start.checked_add(3)?)? else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The variable that `text` starts with, and its length with `%` and `.id`.
fn variable(text: &str) -> Option<(Variable, usize)> {
    let name = text.strip_prefix('%')?;
    let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let end = name.find(|letter| !in_name(letter)).unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return None;
    }
    let id = rest
        .strip_prefix(".id")
        .is_some_and(|rest| !rest.starts_with(in_name));
    let length = 1 + name.len() + if id { ".id".len() } else { 0 };
    Some((
        Variable {
            name: name.to_owned(),
            id,
        },
        length,
    ))
}

/// Decodes a parameter's name: percent-encoding, no variables.
pub fn name(text: &str, offset: usize) -> Result<String, CriteriaError> {
    let mut name = String::new();
    let mut at = 0;
    while let Some((unit, length)) = unit(text, at, offset, Percent::Decoded)? {
        let here = offset.saturating_add(at);
        match unit {
            Unit::Letter('\0') => {
                return Err(CriteriaError::new(here, "a NUL character is not allowed"));
            }
            Unit::Letter(letter) => name.push(letter),
            Unit::Variable(_) => {
                return Err(CriteriaError::new(
                    here,
                    "a variable can only be part of a value",
                ));
            }
        }
        at = at.saturating_add(length);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn var(name: &str, id: bool) -> Piece {
        Piece::Variable(Variable {
            name: name.to_owned(),
            id,
        })
    }

    #[test]
    fn values() {
        for (source, expected) in [
            ("a", vec![vec![text("a")]]),
            ("a,b", vec![vec![text("a")], vec![text("b")]]),
            (r"a\,b", vec![vec![text("a,b")]]),
            (r"a\|b\$c\\d", vec![vec![text(r"a|b$c\d")]]),
            ("a|b", vec![vec![text("a"), Piece::Pipe, text("b")]]),
            ("a$b", vec![vec![text("a"), Piece::Dollar, text("b")]]),
            (
                "a%7Cb%2Cc%26",
                vec![vec![text("a"), Piece::Pipe, text("b")], vec![text("c&")]],
            ),
            ("%5C%2Cx", vec![vec![text(",x")]]),
            ("J%C3%BCrgen%20M+", vec![vec![text("Jürgen M+")]]),
            ("%41bc", vec![vec![text("Abc")]]),
            ("%F0%9F%98%80", vec![vec![text("😀")]]),
            ("%25x", vec![vec![text("%x")]]),
            ("%profile", vec![vec![var("profile", false)]]),
            ("%patient.id", vec![vec![var("patient", true)]]),
            (
                "%patient.ids",
                vec![vec![var("patient", false), text(".ids")]],
            ),
            (
                "%org_parent-2.x",
                vec![vec![var("org_parent-2", false), text(".x")]],
            ),
            ("%abc", vec![vec![var("abc", false)]]), // %ab is no character
            ("%c3%a9", vec![vec![text("é")]]),
            ("%fax", vec![vec![var("fax", false)]]),
            (
                "s|%x,Patient/%y.id",
                vec![
                    vec![text("s"), Piece::Pipe, var("x", false)],
                    vec![text("Patient/"), var("y", true)],
                ],
            ),
        ] {
            let found = split(source, 0, Percent::Decoded).unwrap();
            let pieces: Vec<_> = found.into_iter().map(|value| value.pieces).collect();
            assert_eq!(pieces, expected, "{source}");
        }
    }

    #[test]
    fn errors() {
        for (source, offset) in [
            ("", 5),
            ("a,,b", 7),
            ("a,", 7),
            (",", 5),
            (r"a\", 6),
            (r"a\x", 7),
            (r"\%x", 6),
            ("a%", 6),
            ("%zz%", 8),
            ("%4", 5),
            ("a%00b", 6),
            ("a\0", 6),
            ("%c3%2C", 5),
            ("%ff%fe", 5),
            ("Ren%E9", 8),
            ("%c3,x", 5),
            ("%e2%82", 5),
            ("%80", 5),
            ("%.id", 5),
        ] {
            let error = split(source, 5, Percent::Decoded).expect_err(source);
            assert_eq!(error.offset, offset, "{source}: {error}");
        }
    }

    #[test]
    fn variables_hold_percent_signs() {
        let found = split("50%,%x", 0, Percent::Literal).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|value| value.pieces.clone())
                .collect::<Vec<_>>(),
            [vec![text("50%")], vec![text("%x")]]
        );
    }

    #[test]
    fn too_many() {
        let list = vec!["a"; MOST_VALUES].join(",");
        assert_eq!(
            split(&list, 0, Percent::Decoded).unwrap().len(),
            MOST_VALUES
        );
        assert!(split(&(list + ",a"), 0, Percent::Decoded).is_err());
    }
}
