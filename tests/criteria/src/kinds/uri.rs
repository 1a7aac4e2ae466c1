//! uri: letter by letter, and by the steps of its path.

use crate::truth::Truth;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Is,
    Below,
    Above,
}

pub fn fits(stored: &serde_json::Value, how: How, value: &str) -> Truth {
    let stored = stored.as_str()?;
    Some(match how {
        How::Is => stored == value,
        How::Below => is_below(stored, value),
        How::Above => is_below(value, stored),
    })
}

/// Is it that URI, or one whose path goes on from there?
fn is_below(lower: &str, upper: &str) -> bool {
    let [lower, upper] = [lower, upper].map(|uri| uri.trim_end_matches('/'));
    if lower == upper {
        return true;
    }
    // Without an authority there is no path whose steps could be counted.
    let has_authority = upper
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.is_empty());
    has_authority
        && lower
            .strip_prefix(upper)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn examples_of_the_specification() {
        let fits = |stored: &str, how, value| fits(&json!(stored), how, value).unwrap();
        let list = "http://acme.org/fhir/ValueSet/123";
        assert!(fits(list, How::Is, list));
        assert!(!fits("http://acme.org/fhir/ValueSet/123/", How::Is, list));
        assert!(fits(list, How::Below, "http://acme.org/fhir/"));
        assert!(fits(list, How::Below, "http://acme.org/fhir"));
        assert!(!fits(list, How::Below, "http://acme.org/fhir/ValueSet/1"));
        let history = "http://acme.org/fhir/ValueSet/123/_history/5";
        for above in [
            "http://acme.org/fhir/ValueSet/123/",
            "http://acme.org/fhir",
            "http://acme.org",
        ] {
            assert!(fits(above, How::Above, history));
        }
        for not_above in [
            "http://",
            "http:",
            "http://acme",
            "http://acme.org/fhir/Value",
        ] {
            assert!(!fits(not_above, How::Above, history));
        }
        assert!(fits("urn:oid:1.2", How::Is, "urn:oid:1.2"));
        assert!(!fits("urn:oid:1.2/3", How::Below, "urn:oid:1.2"));
    }
}
