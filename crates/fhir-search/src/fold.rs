//! String comparison as R4 string parameters want it: insensitive to case and accents.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The folded characters of a string: decomposed (NFKD), combining marks stripped, case folded. (Upper and then lower
/// case makes `ß` equal to `SS` and `ς` to `σ`, which lower case alone would not; `ẞ` is its own upper case, and would become
/// `ß`.)
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .map(|letter| if letter == 'ẞ' { 'ß' } else { letter })
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

/// The folded form of a string.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    folded(text).collect()
}

/// Whether `text` folded starts with `prefix`, which is already folded. Allocates nothing.
pub fn starts_with(text: &str, prefix: &str) -> bool {
    if let Some(head) = text.as_bytes().get(..prefix.len())
        && head.is_ascii()
        && prefix.is_ascii()
    {
        return head.eq_ignore_ascii_case(prefix.as_bytes());
    }
    let mut letters = folded(text);
    prefix
        .chars()
        .all(|expected| letters.next() == Some(expected))
}

#[cfg(test)]
mod tests {
    use super::{UnicodeNormalization, fold, starts_with};

    #[test]
    fn folding() {
        for (text, folded) in [
            ("Jürgen", "jurgen"),
            ("JÜRGEN", "jurgen"),
            ("Åse", "ase"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Σίσυφος", "σισυφοσ"),
            ("İstanbul", "istanbul"),
            ("ﬁn ℃", "fin °c"),
            ("\u{301}", ""),
            ("Łódź", "łodz"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(&fold(text)), folded, "folding twice: {text}");
        }
    }

    #[test]
    fn prefixes() {
        for (text, prefix, expected) in [
            ("Jürgen Müller", "jurgen m", true),
            ("jurgen", "jürgen", false), // the prefix must be folded already
            ("Mu\u{308}ller", "mull", true),
            ("Ann", "anne", false),
            ("ANNE", "ann", true),
            ("Straße", "strass", true),
            ("a", "", true),
            ("", "a", false),
            ("a\u{301}b", "ab", true),
        ] {
            assert_eq!(starts_with(text, prefix), expected, "{text} {prefix}");
        }
    }

    /// Of every letter: folding twice is folding once, so that a folded text can be folded again where it is read; and the
    /// two cases of a letter are one.
    #[test]
    fn every_letter() {
        let mut letters = [0; 4];
        // Nothing is assigned between the ideographs and the tags.
        for letter in '\0'..='\u{33479}' {
            if !letter.is_alphanumeric() && letter != '\u{345}' {
                continue;
            }
            let text: &str = letter.encode_utf8(&mut letters);
            let folded = fold(text);
            assert_eq!(fold(&folded), folded, "{letter:?} twice");
            assert_eq!(fold(&text.to_lowercase()), folded, "{letter:?} small");
            // A subscript iota is a mark, but its capital is a letter.
            if !text.nfd().any(|part| part == '\u{345}') {
                assert_eq!(fold(&text.to_uppercase()), folded, "{letter:?} capital");
            }
            assert!(starts_with(text, &folded), "{letter:?}");
        }
    }
}
