//! Escapes in strings and delimited identifiers (N1 §4.1.2), and characters that must not reach a terminal raw.

use std::fmt::{self, Write as _};

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::span::Span;

/// Decodes the text between the quotes of a string or the backticks of an identifier. `offset` is where `body`
/// starts in the source.
pub(crate) fn unescape(body: &str, offset: usize) -> Result<Box<str>, SyntaxError> {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(backslash) = rest.find('\\') {
        let (plain, escaped) = rest.split_at(backslash);
        out.push_str(plain);
        let at = offset + (body.len() - escaped.len());
        let Some((decoded, used)) = escape(escaped) else {
            let shown = 1 + escaped.chars().nth(1).map_or(0, char::len_utf8);
            return Err(SyntaxError::new(
                SyntaxErrorKind::InvalidEscape,
                Span::new(at, at + shown),
            ));
        };
        out.push(decoded);
        rest = escaped.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out.into())
}

/// The character that the escape at the start of `text` stands for, and the bytes it takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let letter = text.chars().nth(1)?;
    let decoded = match letter {
        '\'' | '"' | '`' | '\\' | '/' => letter,
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode_escape(text),
        _ => return None,
    };
    Some((decoded, 2))
}

/// `\uXXXX`, or two of them that are a UTF-16 surrogate pair.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let first = code_unit(text)?;
    if let Some(decoded) = char::from_u32(u32::from(first)) {
        return Some((decoded, 6));
    }
    let second = code_unit(text.get(6..)?)?;
    let decoded = char::decode_utf16([first, second]).next()?.ok()?;
    Some((decoded, 12))
}

fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

/// Writes `text` between `quote`s so that [`unescape`] gives it back, on one line and without invisible characters.
pub(crate) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{c}' => f.write_str("\\f")?,
            '\\' => f.write_str("\\\\")?,
            _ if c == quote => write!(f, "\\{c}")?,
            _ if is_disturbing(c) => write!(f, "\\u{:04x}", u32::from(c))?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

/// Control characters and those that reorder or hide text (bidirectional controls, byte order mark). All of them
/// lie in the basic multilingual plane, so one `\uXXXX` writes each.
fn is_disturbing(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Characters of a name or a token that messages show.
pub(crate) const SHOWN: usize = 40;

/// A name or a token for a message: one line, not long, nothing that disturbs it.
pub(crate) fn shown(text: &str) -> Box<str> {
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(SHOWN).map(visible).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short.into()
}

/// The character itself, or what stands for it in an excerpt or a message: one character in any case.
pub(crate) fn visible(c: char) -> char {
    match c {
        '\t' | '\r' | '\n' => ' ',
        c if is_disturbing(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_every_escape() {
        let decoded = unescape(r#"\'\"\`\\\/\f\n\r\t\u0065ä\uD83D\uDE00"#, 0).unwrap();
        assert_eq!(&*decoded, "'\"`\\/\u{c}\n\r\teä😀");
    }

    #[test]
    fn refuses_escapes_without_meaning() {
        for (body, at, width) in [
            (r"ab\d", 2, 2),
            (r"\b", 0, 2),
            (r"\ä", 0, 3),
            (r"\u12", 0, 2),
            (r"\u+123", 0, 2),
            (r"\u12ä", 0, 2),
            (r"x\uD83D", 1, 2),
            (r"\uDE00\uD83D", 0, 2),
            ("\\", 0, 1),
        ] {
            let error = unescape(body, 100).unwrap_err();
            assert_eq!(error.kind(), &SyntaxErrorKind::InvalidEscape, "{body}");
            assert_eq!(
                error.span(),
                Span::new(100 + at, 100 + at + width),
                "{body}"
            );
        }
    }
}
