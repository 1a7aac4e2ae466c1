//! Strings (N1 §5.6). Positions and lengths count characters (Unicode scalar values), never bytes.

use std::ops::Range;

use super::{Call, Value, Values, count, make_text};
use crate::eval::{Fault, Work};
use crate::value::{Scalar, Text};

/// White space of the grammar; the language knows no other.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

pub(super) fn index_of<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    find(call, |text, part| text.find(part))
}

pub(super) fn last_index_of<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    find(call, |text, part| {
        if part.is_empty() {
            Some(0)
        } else {
            text.rfind(part)
        }
    })
}

fn find<'a>(call: &Call<'_, 'a>, find: impl Fn(&str, &str) -> Option<usize>) -> Value<'a> {
    let (text, part) = both(call)?;
    let Some(at) = find(text, part) else {
        return Ok(Some(Scalar::Integer(-1)));
    };
    Ok(count(text.get(..at).unwrap_or_default().chars().count()))
}

pub(super) fn starts_with<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let (text, part) = both(call)?;
    Ok(Some(Scalar::Boolean(text.starts_with(part))))
}

pub(super) fn ends_with<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let (text, part) = both(call)?;
    Ok(Some(Scalar::Boolean(text.ends_with(part))))
}

pub(super) fn contains<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let (text, part) = both(call)?;
    Ok(Some(Scalar::Boolean(text.contains(part))))
}

/// The input and the string that is looked for in it, paid for.
fn both<'c>(call: &Call<'c, '_>) -> Result<(&'c str, &'c str), Fault> {
    let text = call.text()?;
    let part = call.text_argument(0, "a string as its argument")?;
    call.work.spend_text(text.len())?;
    call.work.spend_text(part.len())?;
    Ok((text, part))
}

pub(super) fn length<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    call.work.spend_text(text.len())?;
    Ok(count(text.chars().count()))
}

/// A start outside of the string gives the empty collection, a length of 0 or less the empty string.
pub(super) fn substring<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let expected = "integers as its start and length";
    let text = call.text()?;
    let start = call
        .integer_argument(0, expected)?
        .ok_or_else(|| call.wrong_argument(expected))?;
    let length = call.integer_argument(1, expected)?;
    call.work.spend_text(text.len())?;
    let position = |text: &str, characters: usize| {
        text.char_indices()
            .map(|(at, _)| at)
            .nth(characters)
            .unwrap_or(text.len())
    };
    let Ok(start) = usize::try_from(start) else {
        return Ok(None);
    };
    let start = position(text, start);
    let rest = text.get(start..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let length = match length {
        None => rest.len(),
        // What is too long for an address is longer than any string.
        Some(length) => position(rest, usize::try_from(length.max(0)).unwrap_or(usize::MAX)),
    };
    part(text, start..start + length, call.work).map(Some)
}

pub(super) fn trim<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = call.text()?;
    call.work.spend_text(text.len())?;
    let start = text.len() - text.trim_start_matches(WHITE_SPACE).len();
    let end = text.trim_end_matches(WHITE_SPACE).len();
    part(text, start..end.max(start), call.work).map(Some)
}

/// A part of a text. A part of what lies somewhere else lies there too.
fn part<'a>(text: &Text<'a>, range: Range<usize>, work: &Work<'_>) -> Result<Scalar<'a>, Fault> {
    Ok(Scalar::String(match text {
        Text::Borrowed(text) => text.get(range).unwrap_or_default().into(),
        Text::Made(text) => {
            let part = text.get(range).unwrap_or_default();
            make_text(work, part.len())?;
            Text::Made(part.into())
        }
    }))
}

pub(super) fn upper<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let unchanged = |c: char| !c.is_ascii_lowercase() && c.is_ascii();
    change_case(call, unchanged, str::to_uppercase)
}

pub(super) fn lower<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let unchanged = |c: char| !c.is_ascii_uppercase() && c.is_ascii();
    change_case(call, unchanged, str::to_lowercase)
}

/// By the rules of Unicode, which know no language; a character may become up to three.
fn change_case<'a>(
    call: &Call<'_, 'a>,
    unchanged: fn(char) -> bool,
    change: fn(&str) -> String,
) -> Value<'a> {
    let text = call.text()?;
    call.work.spend_text(text.len())?;
    if text.chars().all(unchanged) {
        return Ok(Some(Scalar::String(text.clone())));
    }
    make_text(call.work, text.len())?;
    let changed = change(text);
    make_text(call.work, changed.len())?;
    Ok(Some(Scalar::String(changed.into())))
}

/// An empty pattern is found before, between and after all characters.
pub(super) fn replace<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let expected = "a string as its pattern and one as its substitution";
    let text = call.text()?;
    let pattern = &**call.text_argument(0, expected)?;
    let substitution = &**call.text_argument(1, expected)?;
    call.work.spend_text(text.len())?;
    call.work.spend_text(pattern.len())?;
    let found = text.matches(pattern).count();
    if found == 0 {
        return Ok(Some(Scalar::String(text.clone())));
    }
    let length = found
        .saturating_mul(substitution.len())
        .saturating_add(text.len() - found * pattern.len());
    make_text(call.work, length)?;
    call.work.spend(found as u64)?;
    Ok(Some(Scalar::String(
        text.replace(pattern, substitution).into(),
    )))
}

pub(super) fn to_chars<'a>(call: &Call<'_, 'a>) -> Result<Values<'a>, Fault> {
    let text = call.text()?;
    call.work.spend_text(text.len())?;
    characters(text, call.work)
}

fn characters<'a>(text: &Text<'a>, work: &Work<'_>) -> Result<Values<'a>, Fault> {
    pieces(
        text,
        text.char_indices().map(|(at, c)| at..at + c.len_utf8()),
        work,
    )
}

/// An empty separator gives the characters.
pub(super) fn split<'a>(call: &Call<'_, 'a>) -> Result<Values<'a>, Fault> {
    let (_, separator) = both(call)?;
    let text = call.text()?;
    if separator.is_empty() {
        return characters(text, call.work);
    }
    let mut end_of_last = 0;
    let ranges = text
        .match_indices(separator)
        .map(|(at, found)| (at, found.len()))
        .chain([(text.len(), 0)])
        .map(|(at, length)| {
            let start = std::mem::replace(&mut end_of_last, at + length);
            start..at
        });
    pieces(text, ranges, call.work)
}

fn pieces<'a>(
    text: &Text<'a>,
    ranges: impl Iterator<Item = Range<usize>>,
    work: &Work<'_>,
) -> Result<Values<'a>, Fault> {
    let mut pieces = Values::new();
    for range in ranges {
        work.spend(1)?;
        pieces.push(part(text, range, work)?);
    }
    Ok(pieces)
}
