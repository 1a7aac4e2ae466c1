//! Positions in the source text, and the excerpt that shows one to a person.

use std::fmt::Write as _;
use std::ops::Range;

use crate::text;

/// A range of bytes in the source text. Both ends are character boundaries of the text that was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; equal to `start` at the end of the text.
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end`. Offsets above `u32::MAX` saturate; the parser refuses texts of that length.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// From the start of `self` to the end of `last`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self {
            start: self.start,
            end: last.end,
        }
    }

    /// The span as a range that slices the source text.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Characters shown before and after the start of the marked place.
const WINDOW: usize = 36;

/// Three lines that show a place in `source` to a person: line and column (both count from 1, columns in
/// characters), the line's text around the place, and carets below it.
///
/// ```text
/// line 1, column 5:
///   a = = b
///       ^
/// ```
///
/// Long lines are cut (`…`); tabs and characters that would disturb the layout are replaced. Any span is
/// accepted: offsets outside the text mean its end, offsets inside a character mean its start.
#[must_use]
pub fn excerpt(source: &str, span: Span) -> String {
    let start = source.floor_char_boundary(span.start as usize);
    let end = source.floor_char_boundary(span.end as usize).max(start);
    let (before, after) = source.split_at(start);

    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let before = before.rsplit('\n').next().unwrap_or(before);
    let column = before.chars().count() + 1;
    let after = after.split('\n').next().unwrap_or(after);
    let marked = source.get(start..end).unwrap_or_default();
    let marked = marked.split('\n').next().unwrap_or(marked);

    let cut_before = column - 1 > WINDOW;
    let mut shown = String::from(if cut_before { "…" } else { "" });
    let skipped = (column - 1).saturating_sub(WINDOW);
    shown.extend(before.chars().skip(skipped).map(text::visible));
    let indent = shown.chars().count();
    let mut rest = after.trim_end().chars();
    shown.extend(rest.by_ref().take(WINDOW).map(text::visible));
    if rest.next().is_some() {
        shown.push('…');
    }
    let carets = marked.chars().take(WINDOW).count().max(1);

    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "line {line}, column {column}:\n  {shown}\n  {:indent$}{}",
        "",
        "^".repeat(carets)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_place() {
        assert_eq!(
            excerpt("a = = b", Span::new(4, 5)),
            "line 1, column 5:\n  a = = b\n      ^"
        );
    }

    #[test]
    fn counts_lines_and_characters_not_bytes() {
        assert_eq!(
            excerpt("a or\n\t'ä' foo bar\nand", Span::new(11, 14)),
            "line 2, column 6:\n   'ä' foo bar\n       ^^^"
        );
    }

    #[test]
    fn cuts_long_lines_on_both_sides() {
        let source = format!("{}?{}", "a".repeat(100), "b".repeat(100));
        let shown = excerpt(&source, Span::new(100, 101));
        assert_eq!(
            shown,
            format!(
                "line 1, column 101:\n  …{}?{}…\n  {}^",
                "a".repeat(36),
                "b".repeat(35),
                " ".repeat(37)
            )
        );
    }

    #[test]
    fn accepts_any_span() {
        for (start, end) in [(0, 0), (1, 2), (5, 3), (99, 120), (2, 1)] {
            let shown = excerpt("ä\u{202e}\u{0}€", Span::new(start, end));
            assert!(shown.starts_with("line 1, column "), "{shown}");
            assert!(!shown.contains('\u{202e}') && !shown.contains('\u{0}'));
        }
        assert_eq!(excerpt("", Span::new(0, 0)), "line 1, column 1:\n  \n  ^");
    }
}
