//! A test of one text at one place, which one way through the document answers: it is asked of every row.

use super::reference::Document;
use super::{Test, TestOp};
use crate::path::{Leaf, Step};
use jsonb::Value;

/// What is at the place that a test looks at.
pub(super) enum Place {
    /// Nothing.
    Empty,
    /// A text, of which the test says this.
    Answers(Option<bool>),
    /// Something else, or there is more than one place.
    Other,
}

impl Test {
    pub(super) fn at_one_place(&self, document: Value<'_>) -> Place {
        let Test::Elements(elements) = self else {
            return Place::Other;
        };
        let ([path], TestOp::Equals(_)) = (elements.paths.as_slice(), &elements.op) else {
            return Place::Other;
        };
        if path.leaf != Leaf::Text {
            return Place::Other;
        }
        let mut at = document;
        for Step {
            member,
            many,
            filter,
        } in &path.steps
        {
            let Value::Object(object) = at else {
                return Place::Other;
            };
            if *many || filter.is_some() {
                return Place::Other;
            }
            match object.get(member) {
                None | Some(Value::Null) => return Place::Empty,
                Some(value) => at = value,
            }
        }
        match at {
            Value::String(_) => {
                let document = Document::from(document);
                Place::Answers(elements.satisfies(path.leaf, at, &document))
            }
            _ => Place::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn or_absent(test: &str, document: &str) -> Option<bool> {
        let bytes = jsonb::from_json(document).unwrap();
        let test: Test = test.parse().unwrap();
        test.evaluate_if_present(Value::parse(&bytes).unwrap())
    }

    #[test]
    fn holds_or_is_absent() {
        let one = r#"equals(meta.project:text) "a", "b""#;
        for (document, is) in [
            (r#"{"meta": {"project": "a"}}"#, Some(true)),
            (r#"{"meta": {"project": "b"}}"#, Some(true)),
            (r#"{"meta": {"project": "c"}}"#, Some(false)),
            (r#"{"meta": {"project": ""}}"#, Some(false)),
            (r#"{"meta": {"project": null}}"#, Some(true)),
            (r#"{"meta": {}}"#, Some(true)),
            (r#"{"meta": null}"#, Some(true)),
            ("{}", Some(true)),
            // Not what it should be: nobody's.
            (r#"{"meta": {"project": ["a"]}}"#, None),
            (r#"{"meta": {"project": {"a": 1}}}"#, None),
            (r#"{"meta": {"project": 1}}"#, None),
            (r#"{"meta": [{"project": "a"}]}"#, None),
            (r#"{"meta": "a"}"#, None),
            ("[]", None),
            (r#""a""#, None),
        ] {
            assert_eq!(or_absent(one, document), is, "{document}");
        }
    }

    /// The short way says what the long way says.
    #[test]
    fn agrees_with_both_tests() {
        let one: Test = r#"equals(meta.project:text) "a", "b""#.parse().unwrap();
        let presence = one.presence().unwrap();
        for meta in [
            "null",
            "1",
            "{}",
            "[]",
            r#""a""#,
            r#"[{"project": "a"}]"#,
            r#"{"project": "a"}"#,
            r#"{"project": "c"}"#,
            r#"{"project": ""}"#,
            r#"{"project": null}"#,
            r#"{"project": true}"#,
            r#"{"project": ["a"]}"#,
            r#"{"project": {}}"#,
        ] {
            let bytes = jsonb::from_json(&format!(r#"{{"meta": {meta}}}"#)).unwrap();
            let document = Value::parse(&bytes).unwrap();
            let absent = presence.evaluate(document).map(|present| !present);
            let long = super::super::or(one.evaluate(document), absent);
            assert_eq!(one.evaluate_if_present(document), long, "{meta}");
        }
    }

    #[test]
    fn other_tests_too() {
        let test = r#"starts(name*.family:text) "sm""#;
        assert_eq!(
            or_absent(test, r#"{"name": [{"family": "Smith"}]}"#),
            Some(true)
        );
        assert_eq!(
            or_absent(test, r#"{"name": [{"family": "Jones"}]}"#),
            Some(false)
        );
        assert_eq!(or_absent(test, "{}"), Some(true));
    }
}
