//! Encodings and escapes of strings. Text that is not of the form that `decode` and `unescape` expect gives the empty
//! collection, as a conversion does.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Call, Value, make_text};
use crate::eval::Fault;
use crate::value::{Scalar, Text};

/// Encodes with padding, decodes with or without it (RFC 4648 §3.2 leaves it to the application).
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const URL_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// The formats of `encode` and `decode`.
enum Format {
    Hex,
    Base64(&'static GeneralPurpose),
}

impl Format {
    fn of(call: &Call<'_, '_>) -> Result<Self, Fault> {
        let expected = "'hex', 'base64' or 'urlbase64' as its argument";
        match &**call.text_argument(0, expected)? {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64(&BASE64)),
            "urlbase64" => Ok(Self::Base64(&URL_BASE64)),
            _ => Err(call.wrong_argument(expected)),
        }
    }
}

pub(super) fn encode<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    let encoded = match Format::of(call)? {
        Format::Hex => {
            make_text(call.work, text.len().saturating_mul(2))?;
            hex::encode(text.as_bytes())
        }
        Format::Base64(engine) => {
            make_text(
                call.work,
                (text.len() / 3).saturating_add(1).saturating_mul(4),
            )?;
            engine.encode(text.as_bytes())
        }
    };
    Ok(Some(Scalar::String(encoded.into())))
}

pub(super) fn decode<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    let format = Format::of(call)?;
    call.work.spend_text(text.len())?;
    make_text(call.work, text.len() / 4 * 3)?;
    let bytes = match format {
        Format::Hex => hex::decode(text.as_bytes()).ok(),
        Format::Base64(engine) => engine.decode(text.as_bytes()).ok(),
    };
    Ok(bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(|text| Scalar::String(text.into())))
}

/// The targets of `escape` and `unescape`.
enum Target {
    Html,
    Json,
}

impl Target {
    fn of(call: &Call<'_, '_>) -> Result<Self, Fault> {
        let expected = "'html' or 'json' as its argument";
        match &**call.text_argument(0, expected)? {
            "html" => Ok(Self::Html),
            "json" => Ok(Self::Json),
            _ => Err(call.wrong_argument(expected)),
        }
    }
}

pub(super) fn escape<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    let escape = match Target::of(call)? {
        Target::Html => escape_html,
        Target::Json => escape_json,
    };
    call.work.spend_text(text.len())?;
    let length = text
        .chars()
        .map(|c| escape(c).map_or(c.len_utf8(), |escaped| escaped.len()))
        .sum();
    if length == text.len() {
        return Ok(Some(Scalar::String(text.clone())));
    }
    make_text(call.work, length)?;
    let mut escaped = String::with_capacity(length);
    for c in text.chars() {
        match escape(c) {
            Some(sequence) => escaped.push_str(&sequence),
            None => escaped.push(c),
        }
    }
    Ok(Some(Scalar::String(escaped.into())))
}

/// What stands for a character in HTML, in elements and in attributes.
fn escape_html(c: char) -> Option<Cow<'static, str>> {
    let sequence = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    };
    Some(sequence.into())
}

/// What stands for a character in a string of JSON (RFC 8259 §7).
fn escape_json(c: char) -> Option<Cow<'static, str>> {
    let sequence = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\0'..='\u{1f}' => {
            let mut sequence = String::with_capacity(6);
            return write!(sequence, "\\u{:04x}", u32::from(c))
                .ok()
                .map(|()| sequence.into());
        }
        _ => return None,
    };
    Some(sequence.into())
}

pub(super) fn unescape<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    let (start, read): (_, fn(&str) -> Sequence) = match Target::of(call)? {
        Target::Html => ('&', read_html),
        Target::Json => ('\\', read_json),
    };
    call.work.spend_text(text.len())?;
    if !text.contains(start) {
        return Ok(Some(Scalar::String(text.clone())));
    }
    // No sequence is shorter than what it stands for.
    make_text(call.work, text.len())?;
    let mut result = String::with_capacity(text.len());
    let mut rest: &str = text;
    while let Some(at) = rest.find(start) {
        let (plain, sequence) = rest.split_at(at);
        result.push_str(plain);
        match read(sequence) {
            Sequence::Character(c, length) => {
                result.push(c);
                rest = sequence.get(length..).unwrap_or_default();
            }
            Sequence::Plain => {
                result.push(start);
                rest = sequence.get(start.len_utf8()..).unwrap_or_default();
            }
            Sequence::Invalid => return Ok(None),
        }
    }
    result.push_str(rest);
    Ok(Some(Scalar::String(Text::from(result))))
}

/// What the sequence at the start of a text is.
enum Sequence {
    /// It stands for this character, and is so many bytes long.
    Character(char, usize),
    /// No sequence: its first character stands for itself.
    Plain,
    /// The text is not of this form.
    Invalid,
}

/// References by number, and by the names that XML has, and `&nbsp;`. As in browsers, anything else is text.
fn read_html(text: &str) -> Sequence {
    // `&#x0010ffff;` is long already; a far `;` is not looked for.
    let Some((end, _)) = text.char_indices().take(12).find(|(_, c)| *c == ';') else {
        return Sequence::Plain;
    };
    let c = match text.get(1..end).unwrap_or_default() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        name => name.strip_prefix('#').and_then(|number| {
            let (digits, radix) = match number.strip_prefix(['x', 'X']) {
                Some(digits) => (digits, 16),
                None => (number, 10),
            };
            let plain = digits.chars().all(|c| c.is_digit(radix));
            let number = u32::from_str_radix(digits, radix).ok().filter(|_| plain)?;
            char::from_u32(number).filter(|c| *c != '\0')
        }),
    };
    c.map_or(Sequence::Plain, |c| Sequence::Character(c, end + 1))
}

fn read_json(text: &str) -> Sequence {
    let c = match text.as_bytes().get(1) {
        Some(c @ (b'"' | b'\\' | b'/')) => char::from(*c),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return read_unicode(text).unwrap_or(Sequence::Invalid),
        _ => return Sequence::Invalid,
    };
    Sequence::Character(c, 2)
}

/// `\uXXXX`, or two of them that are a surrogate pair.
fn read_unicode(text: &str) -> Option<Sequence> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| plain)
    };
    let first = unit(text)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some(Sequence::Character(c, 6));
    }
    let pair = [first, unit(text.get(6..)?)?];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some(Sequence::Character(c, 12))
}
