//! JSON paths, in the form that PostgreSQL writes them in: member names quoted, operators apart.
//!
//! `@?` and `@@` suppress most errors, but not all. These are raised whatever the operator, and depend on the document:
//!
//! * a comparison of dates and times of which only one has a time zone (`datetime()`);
//! * a number beyond `numeric`'s range (`ceiling()`, `floor()`, arithmetic), or beyond a float's (`double()`);
//! * a regular expression that needs too much memory on a text (`like_regex`);
//! * a variable that is not given, where it is reached (`$name`);
//! * a document nested deeper than the stack allows (`.**`); all else recurses as deep as the path is long.
//!
//! So they are not among the words here. What is: accessors, filters, comparisons, `exists`, `starts with`, `is unknown`, `type()`
//! and `size()`.

/// Words with and without a meaning of their own; `type` and `size` are methods.
const WORDS: [&str; 14] = [
    "strict", "lax", "true", "false", "null", "exists", "is", "unknown", "starts", "with", "to",
    "last", "type", "size",
];

/// Longer ones before what they begin with. `*` stands for all members or all elements.
const SYMBOLS: [&str; 20] = [
    "==", "!=", "<>", "<=", ">=", "&&", "||", "[*]", "<", ">", "!", "$", "@", "[", "]", "(", ")",
    "?", ",", ".",
];

/// Does asking a document for this path raise no error, whatever it holds?
pub fn is_silent(path: &str) -> bool {
    let mut rest = path;
    loop {
        rest = rest.trim_start_matches(' ');
        if rest.is_empty() {
            return true;
        }
        let Some(after) = token(rest) else {
            return false;
        };
        rest = after;
    }
}

/// What comes after the first token; `None` where it is not silent.
fn token(text: &str) -> Option<&str> {
    if let Some(string) = text.strip_prefix('"') {
        return after_string(string);
    }
    // A variable, and wildcards over members: all of them, but not at any depth.
    if text.starts_with("$\"") || text.starts_with(".**") {
        return None;
    }
    if let Some(rest) = text.strip_prefix(".*") {
        return Some(rest);
    }
    if let Some(rest) = SYMBOLS.iter().find_map(|symbol| text.strip_prefix(symbol)) {
        return Some(rest);
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let is_number = word.starts_with(|c: char| c.is_ascii_digit())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number {
        return Some(rest);
    }
    // A word may be followed by an accessor: last.size() is no path, but nothing is lost.
    WORDS.contains(&word).then_some(rest)
}

/// What comes after a string whose quotation mark is behind us.
fn after_string(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' && !escaped {
            return text.get(at.checked_add(1)?..);
        }
        escaped = byte == b'\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_silent;

    #[test]
    fn accessors_filters_and_comparisons_are_silent() {
        for path in [
            "$",
            r#"$."identifier"[*]?(@."system" == "urn:mrn" && @."value" == "7")"#,
            r#"strict $."name"[0 to last]."given"[*]"#,
            r#"($."birthDate" > "1950")"#,
            r#"(($."birthDate" > "1950") is unknown)"#,
            r#"$."name"?(exists (@."family"))"#,
            r#"$."name"?(!(@."use" starts with "o") || @."n" <= 1.50)"#,
            r#"$.*?(@ == null)"#,
            r#"($."name".type() == "array" && $."name".size() > 2)"#,
            r#"$."a \"like_regex\" .** $\"x\" b"."datetime()"?(@ == true)"#,
        ] {
            assert!(is_silent(path), "{path}");
        }
    }

    #[test]
    fn what_may_fail_is_not() {
        for path in [
            r#"$.**"#,
            r#"$.**{2}."a""#,
            r#"$."a"?(@ like_regex "^a")"#,
            r#"$."a".datetime()"#,
            r#"$."a".double()"#,
            r#"$."a".ceiling()"#,
            r#"$."a".floor()"#,
            r#"$."a".abs()"#,
            r#"$."a".keyvalue()"#,
            r#"$."a"?(@ == $"x")"#,
            r#"($."a" + 1)"#,
            r#"($."a" * 2 > 1)"#,
            r#"(-$."a")"#,
            r#"$."a"[$."b" / 2]"#,
            r#"$."unfinished"#,
            r#"$.name"#,
            r#"$.größe"#,
            r#"$."a".decimal()"#,
        ] {
            assert!(!is_silent(path), "{path}");
        }
    }
}
