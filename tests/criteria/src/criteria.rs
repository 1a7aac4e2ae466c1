//! The text of a criteria, taken apart.

use anyhow::{Context, Result, bail};
use percent_encoding::percent_decode_str;

/// `name:modifier=value,value`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub name: String,
    pub modifier: Option<String>,
    /// Still with their escapes.
    pub values: Vec<String>,
}

/// All of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    pub resource_type: String,
    pub conditions: Vec<Condition>,
}

/// Reads `Type?name=value&…`.
pub fn parse(text: &str) -> Result<Criteria> {
    let (resource_type, query) = text.split_once('?').context("no ?")?;
    let conditions = query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').context("no =")?;
            let name = percent_decode_str(name).decode_utf8()?;
            let value = percent_decode_str(value).decode_utf8()?;
            let (name, modifier) = match name.split_once(':') {
                Some((name, modifier)) => (name.to_owned(), Some(modifier.to_owned())),
                None => (name.into_owned(), None),
            };
            Ok(Condition {
                name,
                modifier,
                values: split(&value, ','),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Criteria {
        resource_type: resource_type.to_owned(),
        conditions,
    })
}

/// Splits at a character, but not where a backslash stands before it.
pub fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        if letter == at && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
        escaped = letter == '\\' && !escaped;
    }
    parts
}

/// The text that is meant: `\,` `\|` `\$` `\\` stand for the character itself.
pub fn unescape(text: &str) -> Result<String> {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next() {
                Some(letter @ (',' | '|' | '$' | '\\')) => letter,
                other => bail!("\\ before {other:?}"),
            },
            letter => letter,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_text_apart() {
        let criteria = parse(r"Patient?name:exact=a\,b,c%20d&code=x%26y|1\|2").unwrap();
        assert_eq!(criteria.resource_type, "Patient");
        let [name, code] = criteria.conditions.as_slice() else {
            panic!("{criteria:?}");
        };
        assert_eq!(name.modifier.as_deref(), Some("exact"));
        assert_eq!(name.values, [r"a\,b", "c d"]);
        assert_eq!(split(&code.values[0], '|'), ["x&y", r"1\|2"]);
        assert_eq!(unescape(r"1\|2\\").unwrap(), r"1|2\");
        assert!(unescape(r"a\b").is_err() && unescape(r"a\").is_err());
        assert_eq!(split(r"a\\,b", ','), [r"a\\", "b"]);
    }
}
