//! A parser for the small part of FHIRPath that search parameter expressions use: unions of member paths with casts,
//! indexes and two kinds of `where`.

use anyhow::{Result, bail};

/// One step of a path expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name`; the first one is the type.
    Member(String),
    /// `as T`, `.as(T)`, `.ofType(T)`.
    As(String),
    /// `.where(member='value')`.
    Where(String, String),
    /// `[0]`.
    Index(usize),
    /// `.where(resolve() is T)`.
    Resolves(String),
}

/// Splits a union into its alternatives at the outermost level.
pub fn alternatives(expression: &str) -> Vec<&str> {
    let (mut depth, mut start, mut quoted) = (0_usize, 0, false);
    let mut found = Vec::new();
    for (at, letter) in expression.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '|' if !quoted && depth == 0 => {
                found.push(expression.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(expression.get(start..).unwrap_or_default().trim());
    found.retain(|part| !part.is_empty());
    found
}

/// Parses one alternative.
pub fn parse(text: &str) -> Result<Vec<Step>> {
    let mut parser = Parser { rest: text };
    let steps = parser.path()?;
    if !parser.rest.trim().is_empty() {
        bail!("expression `{text}`");
    }
    Ok(steps)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.take(token) {
            Ok(())
        } else {
            bail!("`{token}` expected before `{}`", self.rest)
        }
    }

    fn name(&mut self) -> Result<String> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if name.is_empty() {
            bail!("name expected before `{rest}`");
        }
        self.rest = rest;
        Ok(name.to_owned())
    }

    fn path(&mut self) -> Result<Vec<Step>> {
        let mut steps = if self.take("(") {
            let inner = self.path()?;
            self.expect(")")?;
            inner
        } else {
            vec![Step::Member(self.name()?)]
        };
        loop {
            if self.take(".where(resolve() is ") {
                steps.push(Step::Resolves(self.name()?));
                self.expect(")")?;
            } else if self.take(".where(") {
                let member = self.name()?;
                self.expect("=")?;
                self.expect("'")?;
                let Some((value, rest)) = self.rest.split_once('\'') else {
                    bail!("unterminated string");
                };
                steps.push(Step::Where(member, value.to_owned()));
                self.rest = rest;
                self.expect(")")?;
            } else if self.take("[") {
                let Ok(index) = self.name()?.parse() else {
                    bail!("index expected");
                };
                steps.push(Step::Index(index));
                self.expect("]")?;
            } else if self.take(".as(") || self.take(".ofType(") {
                steps.push(Step::As(self.name()?));
                self.expect(")")?;
            } else if self.take("as ") {
                steps.push(Step::As(self.name()?));
            } else if self.take(".") {
                steps.push(Step::Member(self.name()?));
            } else {
                return Ok(steps);
            }
        }
    }
}
