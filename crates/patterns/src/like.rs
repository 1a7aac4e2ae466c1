//! Patterns of `LIKE`.

/// Does matching this pattern raise no error? It does where the pattern ends with an escape character, once a text matches up
/// to there.
pub fn is_silent(pattern: &str) -> bool {
    let escapes = pattern
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    escapes % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::is_silent;

    #[test]
    fn an_escape_character_escapes_something() {
        for silent in ["", "%", "a_b%", r"\%", r"a\\", r"\\\\", r"a\\%", r"\a"] {
            assert!(is_silent(silent), "{silent}");
        }
        for loud in [r"\", r"a\", r"a\\\", r"%\"] {
            assert!(!is_silent(loud), "{loud}");
        }
    }
}
