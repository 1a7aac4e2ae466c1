//! One value of a condition, by the kind of its parameter.

use std::fmt;

use super::Search;
use super::error::shown;
use super::syntax::Piece;
use crate::fold;
use crate::model;
use crate::path::Leaf;
use crate::range::{Amount, Moment, Prefix, Unit};
use crate::table::Alternative;
use crate::test::{Token, TokenSystem, last_two, relative};

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
    /// Several texts, of which any will do.
    Texts(Vec<String>),
    /// A date.
    Moment(Moment),
    /// A number, with what is asked of the unit.
    Quantity(Amount, Unit),
    /// The parts of a composite value.
    Parts(Vec<Value>),
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
            Search::Id => match target(&joined(pieces)).map_err(|_| Wrong::expected("an id"))? {
                Target::Id(id) => Ok(Value::Text(id)),
                Target::Resource(kind, id) if kind == resource_type => Ok(Value::Text(id)),
                Target::Resource(..) => Ok(Value::Nothing),
                Target::Url(_) => Err(Wrong::expected("an id")),
            },
            Search::Project(_) => {
                match target(&joined(pieces)).map_err(|_| Wrong::expected("the id of a Project"))? {
                    Target::Id(id) => Ok(Value::Text(id)),
                    Target::Resource(kind, id) if kind == "Project" => Ok(Value::Text(id)),
                    Target::Resource(..) | Target::Url(_) => {
                        Err(Wrong::expected("the id of a Project"))
                    }
                }
            }
            Search::Compartment | Search::Reference(_, None) => {
                target(&joined(pieces)).map(Value::Target)
            }
            Search::Reference(_, Some(kind)) => target_of(kind, &joined(pieces)).map(Value::Target),
            Search::Missing(_) | Search::Truth(_) => match joined(pieces).as_str() {
                "true" => Ok(Value::Truth(true)),
                "false" => Ok(Value::Truth(false)),
                _ => Err(Wrong::expected("true or false")),
            },
            Search::Token(alternatives) => token(pieces, alternatives).map(Value::Token),
            Search::Identifier(_) => code(pieces).map(Value::Token),
            Search::Text(_) | Search::Contains(_) | Search::TokenText(_) => {
                let text = joined(pieces);
                if fold::fold(&text).is_empty() {
                    return Err(Wrong::expected(
                        "a text with at least one letter, digit or sign",
                    ));
                }
                Ok(Value::Text(text))
            }
            Search::Exact(_) | Search::Uri(_) => Ok(Value::Text(joined(pieces))),
            Search::Below(_) => url(joined(pieces)).map(Value::Text),
            Search::Above(_) => above(&url(joined(pieces))?).map(Value::Texts),
            Search::Date(_) => Moment::parse(&joined(pieces))
                .map(Value::Moment)
                .ok_or_else(expected_date),
            Search::Number(_) => Amount::parse(&joined(pieces))
                .map(|amount| Value::Quantity(amount, Unit::Any))
                .ok_or_else(expected_number),
            Search::Quantity(_) => quantity(pieces),
            Search::Composite(found) => {
                let parts: Vec<&[Piece]> = pieces.split(|piece| *piece == Piece::Dollar).collect();
                if parts.len() != found.parts.len() || parts.iter().any(|part| part.is_empty()) {
                    return Err(expected_parts(found.parts.len()));
                }
                let parts = parts.into_iter().zip(&found.parts);
                let parts = parts.map(|(part, (_, search))| search.value(part, resource_type));
                Ok(Value::Parts(parts.collect::<Result<_, Wrong>>()?))
            }
        }
    }

    /// Whether a value (of a composite parameter that part of it) may begin with `ge` and the like.
    pub fn takes_prefix(&self, part: usize) -> bool {
        match self {
            Search::Date(_) | Search::Number(_) | Search::Quantity(_) => part == 0,
            Search::Composite(found) => {
                let search = found.parts.get(part);
                search.is_some_and(|(_, search)| search.takes_prefix(0))
            }
            _ => false,
        }
    }

    /// Checks what can be checked of a value with variables in it.
    pub fn check_template(&self, pieces: &[Piece]) -> Result<(), Wrong> {
        let whole = |pieces: &[Piece]| matches!(pieces, [Piece::Variable(_)]);
        let pipes = pieces.iter().filter(|piece| **piece == Piece::Pipe).count();
        let prefix_is_unknown = || match pieces.first() {
            Some(Piece::Text(text)) => Prefix::is_unknown(text),
            _ => false,
        };
        match self {
            Search::Token(_) | Search::Identifier(_) if pipes > 1 => Err(one_pipe()),
            Search::Token(alternatives) if pipes == 1 && pieces.first() != Some(&Piece::Pipe) => {
                has_system(alternatives)
            }
            Search::Date(_) if prefix_is_unknown() => Err(expected_date()),
            Search::Number(_) if prefix_is_unknown() => Err(expected_number()),
            Search::Quantity(_) if prefix_is_unknown() || ![0, 2].contains(&pipes) => {
                Err(expected_quantity())
            }
            Search::Composite(found) if !whole(pieces) => {
                let parts: Vec<&[Piece]> = pieces.split(|piece| *piece == Piece::Dollar).collect();
                if parts.len() != found.parts.len() || parts.iter().any(|part| part.is_empty()) {
                    return Err(expected_parts(found.parts.len()));
                }
                let mut parts = parts.into_iter().zip(&found.parts);
                parts.try_for_each(|(part, (_, search))| search.check_template(part))
            }
            _ => Ok(()),
        }
    }
}

fn one_pipe() -> Wrong {
    Wrong::expected(r"at most one |; one inside a system or code is written \|")
}

fn expected_date() -> Wrong {
    Wrong::expected(
        "a date such as 2013, 2013-01-14 or 2013-01-14T10:00Z, with or without a prefix (eq ne gt lt ge le sa eb ap) before it",
    )
}

fn expected_number() -> Wrong {
    Wrong::expected(
        "a number such as 100, 5.40 or 1e-3, of at most 1,000 digits, with or without a prefix (eq ne gt lt ge le sa eb ap) before it",
    )
}

fn expected_quantity() -> Wrong {
    Wrong::expected(
        "number, number|system|code or number||code, with or without a prefix (eq ne gt lt ge le sa eb ap) before it",
    )
}

fn expected_parts(count: usize) -> Wrong {
    Wrong::expected(format!(
        r"{count} parts with $ between them; a $ inside a part is written \$"
    ))
}

/// Reads `number`, `number|system|code` or `number||code`.
fn quantity(pieces: &[Piece]) -> Result<Value, Wrong> {
    let mut sides = pieces.split(|piece| *piece == Piece::Pipe).map(joined);
    let amount = sides.next().as_deref().and_then(Amount::parse);
    let amount = amount.ok_or_else(expected_quantity)?;
    let unit = match (sides.next(), sides.next(), sides.next()) {
        (None, _, _) => Unit::Any,
        (Some(system), Some(code), None) if !code.is_empty() => {
            if system.is_empty() {
                Unit::Named(code)
            } else {
                Unit::Coded { system, code }
            }
        }
        _ => return Err(expected_quantity()),
    };
    Ok(Value::Quantity(amount, unit))
}

/// An absolute URL, which has an above and a below.
fn url(text: String) -> Result<String, Wrong> {
    let host = text
        .split_once("://")
        .map(|(_, rest)| rest.trim_matches('/'));
    if host.is_none_or(str::is_empty) {
        return Err(Wrong::expected(
            "an absolute URL such as http://example.org/a",
        ));
    }
    Ok(text)
}

/// A URL and all that it is below, with and without a slash at the end.
fn above(url: &str) -> Result<Vec<String>, Wrong> {
    // Of many, each nearly as long as the whole, there would be too much.
    const MOST: usize = 20;
    const MOST_BYTES: usize = 1_000;
    let url = url.trim_end_matches('/');
    if url.len() > MOST_BYTES {
        return Err(Wrong::expected(format!(
            "a URL of at most {MOST_BYTES} bytes"
        )));
    }
    let start = url.find("://").map_or(0, |at| at.saturating_add(3));
    let ends = url
        .char_indices()
        .filter(|(at, letter)| *at > start && *letter == '/');
    let ends: Vec<usize> = ends.map(|(at, _)| at).chain([url.len()]).collect();
    if ends.len() > MOST {
        return Err(Wrong::expected(format!("a URL of at most {MOST} segments")));
    }
    let above = ends.into_iter().filter_map(|end| url.get(..end));
    let above = above.flat_map(|url| [url.to_owned(), format!("{url}/")]);
    Ok(above.collect())
}

/// The text of a value in which `|` and `$` have no meaning.
pub fn joined(pieces: &[Piece]) -> String {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Pipe => "|",
        Piece::Dollar => "$",
        Piece::Variable(_) => "",
    });
    parts.collect()
}

/// Reads `code`, `system|code`, `|code` or `system|`.
fn code(pieces: &[Piece]) -> Result<Token, Wrong> {
    let mut sides = pieces.split(|piece| *piece == Piece::Pipe).map(joined);
    match (sides.next(), sides.next(), sides.next()) {
        (Some(code), None, _) => Ok(Token {
            code: Some(code),
            system: TokenSystem::Any,
        }),
        (Some(system), Some(code), None) => {
            if system.is_empty() && code.is_empty() {
                return Err(Wrong::expected("code, system|code, |code or system|"));
            }
            let system = if system.is_empty() {
                TokenSystem::None
            } else {
                TokenSystem::Is(system)
            };
            Ok(Token {
                code: Some(code).filter(|code| !code.is_empty()),
                system,
            })
        }
        _ => Err(one_pipe()),
    }
}

/// The same, as far as the elements can have it.
fn token(pieces: &[Piece], alternatives: &[Alternative]) -> Result<Token, Wrong> {
    let token = code(pieces)?;
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

/// Reads a reference to a resource of one type: `id`, `Type/id` or an absolute URL.
fn target_of(kind: &str, text: &str) -> Result<Target, Wrong> {
    let is_of = |text: &str| relative(last_two(text)).is_some_and(|(found, _)| found == kind);
    match target(text)? {
        Target::Id(id) => Ok(Target::Resource(kind.to_owned(), id)),
        found if is_of(text) => Ok(found),
        _ => Err(Wrong::expected(format!("a reference to a {kind}"))),
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
