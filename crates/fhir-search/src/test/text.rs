//! The text form of a test, which travels inside SQL as a constant.

use std::fmt;
use std::str::FromStr;

use super::{Test, TestOp, Token, TokenSystem};
use crate::path;

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
        f.write_str(match &self.op {
            TestOp::Present { .. } => "present(",
            TestOp::Token(_) => "token(",
            TestOp::Reference { .. } => "reference(",
            TestOp::StartsWith(_) => "starts(",
            TestOp::Equals(_) => "equals(",
            TestOp::Truth(true) => "true(",
            TestOp::Truth(false) => "nottrue(",
        })?;
        for (index, path) in self.paths.iter().enumerate() {
            write!(f, "{}{path}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str(")")?;
        match &self.op {
            TestOp::Truth(_) => Ok(()),
            TestOp::Present { types } => write_types(f, types),
            TestOp::Token(tokens) => write_list(f, tokens, write_token),
            TestOp::StartsWith(values) | TestOp::Equals(values) => {
                write_list(f, values, |f, value| write_quoted(f, value))
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
        let name = scanner.name()?;
        scanner.expect("(")?;
        let mut paths = vec![path::scan(&mut scanner)?];
        while scanner.take(", ") {
            paths.push(path::scan(&mut scanner)?);
        }
        scanner.expect(")")?;
        let op = match name {
            "present" => TestOp::Present {
                types: scanner.types()?,
            },
            "true" => TestOp::Truth(true),
            "nottrue" => TestOp::Truth(false),
            "token" => TestOp::Token(scanner.list(Scanner::token)?),
            "starts" => TestOp::StartsWith(scanner.list(Scanner::quoted)?),
            "equals" => TestOp::Equals(scanner.list(Scanner::quoted)?),
            "reference" => TestOp::Reference {
                targets: scanner.list(Scanner::quoted)?,
                ids: if scanner.take("; id") {
                    scanner.list(Scanner::quoted)?
                } else {
                    Vec::new()
                },
                types: scanner.types()?,
            },
            _ => return Err(scanner.error("an operation")),
        };
        if scanner.at != text.len() {
            return Err(scanner.error("the end"));
        }
        Ok(Test::new(paths, op))
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

    /// ` a, b`, or nothing.
    fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, ParseTestError>,
    ) -> Result<Vec<T>, ParseTestError> {
        let mut values = Vec::new();
        if self.take(" ") {
            values.push(read(self)?);
            while self.take(", ") {
                values.push(read(self)?);
            }
        }
        Ok(values)
    }
}
