//! Texts that come from outside: cut, and written in ASCII.

use std::borrow::Cow;
use std::fmt::Write;

/// The longest name, reference or id, in characters.
pub(crate) const NAME: usize = 200;

/// The longest description, in characters.
pub(crate) const DESCRIPTION: usize = 2_000;

/// What stands at the end of what was cut.
const CUT: char = '…';

/// `text`, or its first `longest` characters and a sign that there were more.
pub(crate) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let mut cut = text.get(..end).unwrap_or_default().to_owned();
            cut.push(CUT);
            Cow::Owned(cut)
        }
    }
}

/// Is `text` what FHIR allows as an id?
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Appends JSON to `line`, with everything but printable ASCII escaped. Outside of strings there is nothing else in JSON
/// that was written without blanks, and within strings its writer has escaped quotes, backslashes and control characters.
pub(crate) fn push_ascii(line: &mut String, json: &str) {
    if json.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        line.push_str(json);
        return;
    }
    line.reserve(json.len());
    for letter in json.chars() {
        if matches!(letter, ' '..='~') {
            line.push(letter);
            continue;
        }
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            // Writing to a String does not fail.
            let _ = write!(line, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äöü…");
        assert_eq!(cut("", 0), "");
        assert_eq!(cut("x", 0), "…");
    }

    #[test]
    fn ids_are_those_of_fhir() {
        assert!(is_id("a-1.B") && is_id(&"x".repeat(64)));
        for text in ["", "a b", "a/b", "ä", "a_b", &"x".repeat(65)] {
            assert!(!is_id(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let mut line = String::new();
            push_ascii(&mut line, &json);
            prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
