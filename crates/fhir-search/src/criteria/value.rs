//! One value of a condition, by the kind of its parameter.

use std::fmt;

use super::Search;
use super::error::shown;
use super::syntax::Piece;
use crate::fold;
use crate::model;
use crate::path::Leaf;
use crate::table::Alternative;
use crate::test::{Token, TokenSystem};

/// A value, checked.
#[derive(Debug, Clone)]
pub enum Value {
    /// An id, a string or a URI.
    Text(String),
    /// A token.
    Token(Token),
    /// A reference.
    Target(Target),
    /// `true` or `false`.
    Truth(bool),
    /// One that no row has.
    Nothing,
}

/// What a reference value names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `Type/id`.
    Resource(String, String),
    /// `id`: of any type.
    Id(String),
    /// An absolute URL.
    Url(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Resource(kind, id) => write!(f, "{kind}/{id}"),
            Target::Id(text) | Target::Url(text) => f.write_str(text),
        }
    }
}

/// What is wrong with a value.
#[derive(Debug)]
pub struct Wrong {
    /// What a right one looks like: "expected …".
    pub expected: String,
    /// A better explanation for the author of the criteria, who may see the value.
    pub message: Option<String>,
}

impl Wrong {
    fn expected(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            message: None,
        }
    }
}

impl Search {
    /// Reads one value, whose pieces hold no variable.
    pub fn value(&self, pieces: &[Piece], resource_type: &str) -> Result<Value, Wrong> {
        match self {
            Search::Id => match target(&joined(pieces))? {
                Target::Id(id) => Ok(Value::Text(id)),
                Target::Resource(kind, id) if kind == resource_type => Ok(Value::Text(id)),
                Target::Resource(..) => Ok(Value::Nothing),
                Target::Url(_) => Err(Wrong::expected("an id")),
            },
            Search::Project(_) => match target(&joined(pieces))? {
                Target::Id(id) => Ok(Value::Text(id)),
                Target::Resource(kind, id) if kind == "Project" => Ok(Value::Text(id)),
                Target::Resource(..) | Target::Url(_) => {
                    Err(Wrong::expected("the id of a Project"))
                }
            },
            Search::Compartment | Search::Reference(_) => {
                target(&joined(pieces)).map(Value::Target)
            }
            Search::Missing(_) | Search::Truth(_) => match joined(pieces).as_str() {
                "true" => Ok(Value::Truth(true)),
                "false" => Ok(Value::Truth(false)),
                _ => Err(Wrong::expected("true or false")),
            },
            Search::Token(alternatives) => token(pieces, alternatives).map(Value::Token),
            Search::Text(_) => {
                let text = joined(pieces);
                if fold::fold(&text).is_empty() {
                    return Err(Wrong::expected(
                        "a text with at least one letter, digit or sign",
                    ));
                }
                Ok(Value::Text(text))
            }
            Search::Uri(_) => Ok(Value::Text(joined(pieces))),
        }
    }
}

/// The text of a value in which `|` has no meaning.
pub fn joined(pieces: &[Piece]) -> String {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Pipe => "|",
        Piece::Variable(_) => "",
    });
    parts.collect()
}

/// Reads `code`, `system|code`, `|code` or `system|`.
fn token(pieces: &[Piece], alternatives: &[Alternative]) -> Result<Token, Wrong> {
    let mut sides = pieces.split(|piece| *piece == Piece::Pipe).map(joined);
    let token = match (sides.next(), sides.next(), sides.next()) {
        (Some(code), None, _) => Token {
            code: Some(code),
            system: TokenSystem::Any,
        },
        (Some(system), Some(code), None) => {
            if system.is_empty() && code.is_empty() {
                return Err(Wrong::expected("code, system|code, |code or system|"));
            }
            let system = if system.is_empty() {
                TokenSystem::None
            } else {
                TokenSystem::Is(system)
            };
            Token {
                code: Some(code).filter(|code| !code.is_empty()),
                system,
            }
        }
        _ => {
            return Err(Wrong::expected(
                r"at most one |; one inside a system or code is written \|",
            ));
        }
    };
    if matches!(token.system, TokenSystem::Is(_)) {
        has_system(alternatives)?;
    }
    let only_boolean = alternatives
        .iter()
        .all(|found| found.path.leaf == Leaf::Boolean);
    if only_boolean && !matches!(token.code.as_deref(), Some("true" | "false")) {
        return Err(Wrong::expected("true or false"));
    }
    Ok(token)
}

/// Whether any of the elements can have a system.
pub fn has_system(alternatives: &[Alternative]) -> Result<(), Wrong> {
    if alternatives
        .iter()
        .any(|found| found.path.leaf.has_system())
    {
        return Ok(());
    }
    let datatype = alternatives.first().map_or("code", |found| found.datatype);
    Err(Wrong {
        expected: "a code without a system".to_owned(),
        message: Some(format!("it searches a {datatype}, which has no system")),
    })
}

/// Reads `Type/id`, `id` or an absolute URL.
pub fn target(text: &str) -> Result<Target, Wrong> {
    if text.contains("/_history/") {
        return Err(Wrong::expected("a reference without a version"));
    }
    if text.contains("://") || text.starts_with("urn:") {
        let bad = |letter: char| letter.is_whitespace() || letter.is_control();
        return if text.contains(bad) {
            Err(expected_target())
        } else {
            Ok(Target::Url(text.to_owned()))
        };
    }
    match text.split_once('/') {
        None if is_id(text) => Ok(Target::Id(text.to_owned())),
        Some((kind, id)) if is_id(id) && model::is_resource_type(kind) => {
            Ok(Target::Resource(kind.to_owned(), id.to_owned()))
        }
        Some((kind, id)) if is_id(id) => {
            let meant = model::similar_resource_type(kind);
            let meant = meant.map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
            let message = format!("{} is not a resource type{meant}", shown(kind));
            Err(Wrong {
                message: Some(message),
                ..expected_target()
            })
        }
        _ => Err(expected_target()),
    }
}

fn expected_target() -> Wrong {
    Wrong::expected("Type/id, an id or an absolute URL")
}

/// Whether the text is a FHIR id.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}
