//! token: codes, with or without their system.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::string;
use crate::criteria::{split, unescape};
use crate::path::{is_text, items, member};
use crate::truth::{Truth, all, any};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    system: System,
    /// None: any.
    code: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum System {
    Any,
    Absent,
    Is(String),
}

impl Token {
    /// `code`, `system|code`, `|code`, `system|`
    pub fn parse(value: &str) -> Result<Self> {
        let parts = split(value, '|')
            .iter()
            .map(|part| unescape(part))
            .collect::<Result<Vec<_>>>()?;
        let some = |code: &str| (!code.is_empty()).then(|| code.to_owned());
        let token = match parts.as_slice() {
            [code] => Self {
                system: System::Any,
                code: some(code),
            },
            [system, code] => Self {
                system: match system.as_str() {
                    "" => System::Absent,
                    system => System::Is(system.to_owned()),
                },
                code: some(code),
            },
            _ => bail!("more than one |: {value}"),
        };
        ensure!(
            token.code.is_some() || matches!(token.system, System::Is(_)),
            "nothing is asked for: {value}"
        );
        Ok(token)
    }

    pub fn fits(&self, element: &Value, datatype: &str) -> Result<Truth> {
        Ok(match datatype {
            "CodeableConcept" => match element.as_object() {
                None => None,
                Some(concept) => items(concept, "coding").and_then(|codings| {
                    any(codings.iter().map(|coding| self.pair(coding, "code")))
                }),
            },
            "Coding" => self.pair(element, "code"),
            "Identifier" | "ContactPoint" => self.pair(element, "value"),
            "code" | "string" | "id" | "uri" => match element {
                Value::String(text) => Some(self.is(text)),
                _ => None,
            },
            "boolean" => element.as_bool().map(|truth| self.is(&truth.to_string())),
            other => bail!("no token: {other}"),
        })
    }

    /// An element with a system beside the code.
    fn pair(&self, element: &Value, code: &str) -> Truth {
        let element = element.as_object()?;
        let system = member(element, "system");
        let system = match &self.system {
            System::Any => Some(true),
            System::Absent => match system {
                None => Some(true),
                Some(Value::String(_)) => Some(false),
                Some(_) => None,
            },
            System::Is(wanted) => is_text(system, wanted),
        };
        let code = match &self.code {
            None => Some(true),
            Some(wanted) => is_text(member(element, code), wanted),
        };
        all([system, code])
    }

    /// A plain code has no system.
    fn is(&self, text: &str) -> bool {
        !matches!(self.system, System::Is(_)) && self.code.as_deref() == Some(text)
    }

    /// `deceased=true`: whether it is there, and not `false`.
    pub fn is_truth(&self, truth: Truth) -> Truth {
        truth.map(|truth| self.is(&truth.to_string()))
    }
}

/// `:text`: what people read.
pub fn text_fits(element: &Value, datatype: &str, value: &str) -> Result<Truth> {
    let starts = |text: Option<&Value>| match text {
        None => Some(false),
        Some(text) => Some(string::How::StartsWith.fits(text.as_str()?, value)),
    };
    let Some(object) = element.as_object() else {
        return Ok(None);
    };
    Ok(match datatype {
        "CodeableConcept" => {
            let displays = items(object, "coding").and_then(|codings| {
                any(codings
                    .into_iter()
                    .map(|coding| starts(member(coding.as_object()?, "display"))))
            });
            any([starts(member(object, "text")), displays])
        }
        "Coding" => starts(member(object, "display")),
        "Identifier" => match member(object, "type") {
            None => Some(false),
            Some(concept) => concept
                .as_object()
                .and_then(|concept| starts(member(concept, "text"))),
        },
        other => bail!("no text: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(value: &str, element: Value, datatype: &str) -> Truth {
        Token::parse(value)
            .unwrap()
            .fits(&element, datatype)
            .unwrap()
    }

    #[test]
    fn examples_of_the_specification() {
        let identifier = json!({"system": "http://acme.org/patient", "value": "2345"});
        assert_eq!(
            fits(
                "http://acme.org/patient|2345",
                identifier.clone(),
                "Identifier"
            ),
            Some(true)
        );
        assert_eq!(fits("2345", identifier.clone(), "Identifier"), Some(true));
        assert_eq!(fits("|2345", identifier.clone(), "Identifier"), Some(false));
        assert_eq!(
            fits("http://acme.org/patient|", identifier.clone(), "Identifier"),
            Some(true)
        );
        assert_eq!(
            fits("http://acme.org|2345", identifier, "Identifier"),
            Some(false)
        );
        assert_eq!(fits("male", json!("male"), "code"), Some(true));
        assert_eq!(fits("Male", json!("male"), "code"), Some(false));
        assert_eq!(fits("true", json!(true), "boolean"), Some(true));
        assert_eq!(fits("true", json!("true"), "boolean"), None);
        let concept = json!({"coding": [{"system": "http://acme.org/conditions/codes", "code": "ha125"}], "text": "headache"});
        assert_eq!(
            fits(
                "http://acme.org/conditions/codes|ha125",
                concept.clone(),
                "CodeableConcept"
            ),
            Some(true)
        );
        assert_eq!(
            fits("headache", concept.clone(), "CodeableConcept"),
            Some(false)
        );
        assert_eq!(
            text_fits(&concept, "CodeableConcept", "Head").unwrap(),
            Some(true)
        );
    }

    #[test]
    fn escapes() {
        assert_eq!(fits(r"a\|b", json!("a|b"), "code"), Some(true));
        assert!(Token::parse("|").is_err() && Token::parse("a|b|c").is_err());
    }

    #[test]
    fn wrong_types_are_unknown() {
        let coding = json!({"system": 5, "code": "x"});
        assert_eq!(fits("x", coding.clone(), "Coding"), Some(true));
        assert_eq!(fits("s|x", coding.clone(), "Coding"), None);
        assert_eq!(fits("|x", coding.clone(), "Coding"), None);
        assert_eq!(fits("s|y", coding, "Coding"), Some(false));
        assert_eq!(
            fits("x", json!({"coding": {"code": "x"}}), "CodeableConcept"),
            None
        );
        assert_eq!(
            fits(
                "x",
                json!({"coding": [5, {"code": "x"}]}),
                "CodeableConcept"
            ),
            Some(true)
        );
    }
}
