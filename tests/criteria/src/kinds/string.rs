//! string: the parts of an element, compared without case, accents and compatibility forms.

use anyhow::{Result, bail};
use caseless::default_case_fold_str;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::path::{items, member};
use crate::truth::{Truth, any};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    StartsWith,
    Contains,
    Exact,
}

impl How {
    pub fn fits(self, stored: &str, value: &str) -> bool {
        match self {
            Self::StartsWith => fold(stored).starts_with(&fold(value)),
            Self::Contains => fold(stored).contains(&fold(value)),
            Self::Exact => stored == value,
        }
    }
}

/// NFKD, marks stripped, case folded.
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .collect();
    default_case_fold_str(&plain)
}

/// The parts of a complex datatype; the second list: arrays.
fn parts(datatype: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    match datatype {
        "HumanName" => Some((&["text", "family"], &["given", "prefix", "suffix"])),
        "Address" => Some((
            &["text", "city", "district", "state", "postalCode", "country"],
            &["line"],
        )),
        _ => None,
    }
}

pub fn fits(element: &Value, datatype: &str, how: How, value: &str) -> Result<Truth> {
    let of_text = |text: &Value| Some(how.fits(text.as_str()?, value));
    let Some((single, many)) = parts(datatype) else {
        return match datatype {
            "string" | "markdown" => Ok(of_text(element)),
            other => bail!("no string: {other}"),
        };
    };
    let Some(object) = element.as_object() else {
        return Ok(None);
    };
    let single = single
        .iter()
        .filter_map(|name| member(object, name))
        .map(of_text);
    let many = many
        .iter()
        .map(|name| any(items(object, name)?.into_iter().map(of_text)));
    Ok(any(single.chain(many)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn name(value: &str, how: How) -> Truth {
        let element =
            json!({"family": "Öztürk-Straße", "given": ["Eve", "Ångström"], "use": "official"});
        fits(&element, "HumanName", how, value).unwrap()
    }

    #[test]
    fn examples_of_the_specification() {
        // given=eve: starts with; given:contains=eve: Severine too; given:exact=Eve: not eve, not Evelyn.
        let given = |stored: &str, how, value| fits(&json!(stored), "string", how, value).unwrap();
        for stored in ["Eve", "Evelyn", "EVE"] {
            assert_eq!(given(stored, How::StartsWith, "eve"), Some(true));
        }
        assert_eq!(given("Severine", How::StartsWith, "eve"), Some(false));
        assert_eq!(given("Severine", How::Contains, "eve"), Some(true));
        assert_eq!(given("Eve", How::Exact, "Eve"), Some(true));
        assert_eq!(given("eve", How::Exact, "Eve"), Some(false));
        assert_eq!(given("Evelyn", How::Exact, "Eve"), Some(false));
    }

    #[test]
    fn folds() {
        assert_eq!(name("oztu", How::StartsWith), Some(true));
        assert_eq!(name("ÖZTÜRK-STRASSE", How::StartsWith), Some(true));
        assert_eq!(name("angstrom", How::StartsWith), Some(true));
        assert_eq!(name("official", How::StartsWith), Some(false));
        assert_eq!(name("Ångström", How::Exact), Some(true));
        assert_eq!(fold("ﬁancé İ ΣΊΣΥΦΟΣ ｆｕｌｌ"), "fiance i σισυφοσ full");
    }

    #[test]
    fn wrong_types_are_unknown() {
        let element = json!({"family": 5, "given": ["Eve", 3]});
        assert_eq!(
            fits(&element, "HumanName", How::StartsWith, "eve").unwrap(),
            Some(true)
        );
        assert_eq!(
            fits(&element, "HumanName", How::StartsWith, "x").unwrap(),
            None
        );
        assert_eq!(
            fits(&json!(["Eve"]), "string", How::Contains, "x").unwrap(),
            None
        );
        assert_eq!(
            fits(&json!({}), "HumanName", How::Contains, "x").unwrap(),
            Some(false)
        );
    }
}
