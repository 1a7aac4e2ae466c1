//! The text form of a test, which travels inside SQL as a constant.

use std::fmt;
use std::str::FromStr;

use super::{Elements, Test, TestOp, Token, TokenSystem};
use crate::path::{self, Path};
use crate::range::{Amount, Moment, Unit};

/// The text is not one that [`Test`]'s `Display` writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected} expected at byte {offset} of the test")]
pub struct ParseTestError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Elements(elements) => write!(f, "{elements}"),
            Test::Composite { context, parts } => {
                f.write_str("each(")?;
                path::write_steps(f, context)?;
                f.write_str(": ")?;
                for (index, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if index == 0 { "" } else { " & " })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.op {
            TestOp::Present { .. } => "present(",
            TestOp::Token(_) => "token(",
            TestOp::Reference { .. } => "reference(",
            TestOp::StartsWith(_) => "starts(",
            TestOp::Contains(_) => "contains(",
            TestOp::Equals(_) => "equals(",
            TestOp::Below(_) => "below(",
            TestOp::Date(_) => "date(",
            TestOp::Number(_) => "number(",
            TestOp::Quantity(_) => "quantity(",
            TestOp::Truth(true) => "true(",
            TestOp::Truth(false) => "nottrue(",
        })?;
        write_paths(f, &self.paths)?;
        f.write_str(")")?;
        match &self.op {
            TestOp::Truth(_) => Ok(()),
            TestOp::Present { types } => write_types(f, types),
            TestOp::Token(tokens) => write_list(f, tokens, write_token),
            TestOp::StartsWith(values)
            | TestOp::Contains(values)
            | TestOp::Equals(values)
            | TestOp::Below(values) => write_list(f, values, |f, value| write_quoted(f, value)),
            TestOp::Date(values) => write_list(f, values, |f, value| write!(f, "{value}")),
            TestOp::Number(values) => write_list(f, values, |f, value| write!(f, "{value}")),
            TestOp::Quantity(values) => {
                write_list(f, values, |f, (amount, unit)| write!(f, "{amount}{unit}"))
            }
            TestOp::Reference {
                targets,
                ids,
                types,
            } => {
                write_list(f, targets, |f, value| write_quoted(f, value))?;
                if !ids.is_empty() {
                    f.write_str("; id")?;
                    write_list(f, ids, |f, value| write_quoted(f, value))?;
                }
                write_types(f, types)
            }
        }
    }
}

/// Writes paths separated by commas.
pub(crate) fn write_paths(f: &mut fmt::Formatter<'_>, paths: &[Path]) -> fmt::Result {
    for (index, path) in paths.iter().enumerate() {
        write!(f, "{}{path}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn write_types(f: &mut fmt::Formatter<'_>, types: &[String]) -> fmt::Result {
    if !types.is_empty() {
        f.write_str("; of")?;
    }
    write_list(f, types, |f, name| write_quoted(f, name))
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    values: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        f.write_str(if index == 0 { " " } else { ", " })?;
        write(f, value)?;
    }
    Ok(())
}

fn write_token(f: &mut fmt::Formatter<'_>, token: &Token) -> fmt::Result {
    match &token.system {
        TokenSystem::Any => {}
        TokenSystem::None => f.write_str("|")?,
        TokenSystem::Is(system) => {
            write_quoted(f, system)?;
            f.write_str("|")?;
        }
    }
    token
        .code
        .as_ref()
        .map_or(Ok(()), |code| write_quoted(f, code))
}

/// Writes a JSON string: the one quoting that the text form uses.
pub(crate) fn write_quoted(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(value).map_err(|_| fmt::Error)?)
}

impl FromStr for Test {
    type Err = ParseTestError;

    fn from_str(text: &str) -> Result<Self, ParseTestError> {
        let mut scanner = Scanner { text, at: 0 };
        let test = if scanner.take("each(") {
            let context = path::scan_steps(&mut scanner)?;
            scanner.expect(": ")?;
            let mut parts = vec![scanner.elements()?];
            while scanner.take(" & ") {
                parts.push(scanner.elements()?);
            }
            scanner.expect(")")?;
            Test::Composite { context, parts }
        } else {
            Test::Elements(scanner.elements()?)
        };
        scanner.end()?;
        Ok(test)
    }
}

/// Reads the text form left to right.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn error(&self, expected: &'static str) -> ParseTestError {
        ParseTestError {
            offset: self.at,
            expected,
        }
    }

    pub(crate) fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(crate) fn expect(&mut self, token: &'static str) -> Result<(), ParseTestError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.error(token))
        }
    }

    /// A member or type name.
    pub(crate) fn name(&mut self) -> Result<&'a str, ParseTestError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty() {
            return Err(self.error("a name"));
        }
        self.at += end;
        Ok(name)
    }

    /// A JSON string.
    pub(crate) fn quoted(&mut self) -> Result<String, ParseTestError> {
        let rest = self.rest();
        let mut escaped = true; // the opening quote is not the closing one
        let end = rest.bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let quoted = end
            .and_then(|end| rest.get(..=end))
            .ok_or(self.error("a string"))?;
        let value = serde_json::from_str(quoted).map_err(|_| self.error("a string"))?;
        self.at += quoted.len();
        Ok(value)
    }

    /// Nothing is left.
    pub(crate) fn end(&self) -> Result<(), ParseTestError> {
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.error("the end"))
        }
    }

    fn elements(&mut self) -> Result<Elements, ParseTestError> {
        let name = self.name()?;
        self.expect("(")?;
        let paths = path::scan_list(self)?;
        self.expect(")")?;
        let op = match name {
            "present" => TestOp::Present {
                types: self.types()?,
            },
            "true" => TestOp::Truth(true),
            "nottrue" => TestOp::Truth(false),
            "token" => TestOp::Token(self.list(Self::token)?),
            "starts" => TestOp::StartsWith(self.list(Self::quoted)?),
            "contains" => TestOp::Contains(self.list(Self::quoted)?),
            "equals" => TestOp::Equals(self.list(Self::quoted)?),
            "below" => TestOp::Below(self.list(Self::quoted)?),
            "date" => TestOp::Date(self.list(Self::moment)?),
            "number" => TestOp::Number(self.list(Self::amount)?),
            "quantity" => TestOp::Quantity(self.list(Self::quantity)?),
            "reference" => TestOp::Reference {
                targets: self.list(Self::quoted)?,
                ids: if self.take("; id") {
                    self.list(Self::quoted)?
                } else {
                    Vec::new()
                },
                types: self.types()?,
            },
            _ => return Err(self.error("an operation")),
        };
        Ok(Elements::new(paths, op))
    }

    /// `ge"2013"`, as it stands in criteria but for the quotes.
    fn prefixed(&mut self) -> Result<String, ParseTestError> {
        let prefix = self.name()?;
        Ok(format!("{prefix}{}", self.quoted()?))
    }

    fn moment(&mut self) -> Result<Moment, ParseTestError> {
        Moment::parse(&self.prefixed()?).ok_or(self.error("a date"))
    }

    fn amount(&mut self) -> Result<Amount, ParseTestError> {
        Amount::parse(&self.prefixed()?).ok_or(self.error("a number"))
    }

    fn quantity(&mut self) -> Result<(Amount, Unit), ParseTestError> {
        let amount = self.amount()?;
        let unit = if self.take("||") {
            Unit::Named(self.quoted()?)
        } else if self.take("|") {
            let system = self.quoted()?;
            self.expect("|")?;
            let code = self.quoted()?;
            Unit::Coded { system, code }
        } else {
            Unit::Any
        };
        Ok((amount, unit))
    }

    fn token(&mut self) -> Result<Token, ParseTestError> {
        if self.take("|") {
            return Ok(Token {
                code: Some(self.quoted()?),
                system: TokenSystem::None,
            });
        }
        let first = self.quoted()?;
        if !self.take("|") {
            return Ok(Token {
                code: Some(first),
                system: TokenSystem::Any,
            });
        }
        let code = if self.rest().starts_with('"') {
            Some(self.quoted()?)
        } else {
            None
        };
        Ok(Token {
            code,
            system: TokenSystem::Is(first),
        })
    }

    /// `; of "A", "B"`, or nothing.
    fn types(&mut self) -> Result<Vec<String>, ParseTestError> {
        if self.take("; of") {
            self.list(Self::quoted)
        } else {
            Ok(Vec::new())
        }
    }

    /// ` a, b`, or nothing; then perhaps the next part of a composite.
    fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, ParseTestError>,
    ) -> Result<Vec<T>, ParseTestError> {
        let mut values = Vec::new();
        let is_empty = self.rest().starts_with(" & ");
        if !is_empty && self.take(" ") {
            values.push(read(self)?);
            while self.take(", ") {
                values.push(read(self)?);
            }
        }
        Ok(values)
    }
}
