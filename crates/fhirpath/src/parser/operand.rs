//! Operands: literals, names, calls, variables and type names.

use super::{Frame, Operand, Parser, Result, Step, start};
use crate::ast::{Expr, Name, Special, TypeName};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::literal::{CalendarUnit, Literal, Quantity, Unit};
use crate::operator::UnaryOp;
use crate::span::Span;
use crate::temporal::{self, InvalidTemporal};
use crate::text;
use crate::token::Token;

const EXPRESSION: &str = "an expression";
const AFTER_DOT: &str = "an element name or a function";
const TYPE: &str = "a type name";
const EXTERNAL: &str = "the name of a variable";

impl Parser<'_> {
    /// Reads the start of an operand.
    pub(super) fn operand(&mut self) -> Result<Step> {
        let (token, span) = self.peek();
        let literal = match token {
            Token::Plus | Token::Minus => {
                self.position += 1;
                let op = if token == Token::Plus {
                    UnaryOp::Plus
                } else {
                    UnaryOp::Minus
                };
                return self.open(Frame::Unary { op, sign: span }, span);
            }
            Token::LeftParen => {
                self.position += 1;
                return self.open(Frame::Paren { open: span }, span);
            }
            Token::Percent => return self.external(),
            Token::Special => return self.invocation(None),
            token if token.is_identifier() => return self.invocation(None),
            Token::LeftBrace => {
                self.position += 1;
                if self.peek().0 != Token::RightBrace {
                    return Err(self.unexpected("`}`"));
                }
                Literal::Empty
            }
            Token::True => Literal::Boolean(true),
            Token::False => Literal::Boolean(false),
            Token::String => Literal::String(self.unquoted(span)?),
            Token::Integer | Token::Decimal => self.number(token, span)?,
            Token::Date | Token::Time => {
                temporal(self.text(span)).map_err(|error| SyntaxError::new(error.into(), span))?
            }
            _ => return Err(self.unexpected(EXPRESSION)),
        };
        let end = self.peek().1;
        self.position += 1;
        self.node(Expr::Literal(literal), span.to(end))
    }

    /// A number and perhaps its unit; leaves the last token to the caller.
    fn number(&mut self, token: Token, span: Span) -> Result<Literal> {
        let digits = self.text(span);
        let trimmed = digits.trim_start_matches('0');
        // One digit stays before the point, or alone.
        let kept = match trimmed.chars().next() {
            Some(first) if first.is_ascii_digit() => trimmed.len(),
            _ => trimmed.len() + 1,
        };
        let value = digits
            .get(digits.len().saturating_sub(kept)..)
            .unwrap_or(digits);

        let (next, next_span) = self.tokens.get(self.position + 1);
        let unit = match next {
            Token::String => Some(Unit::Ucum(self.unquoted(next_span)?)),
            Token::Identifier => CalendarUnit::from_word(self.text(next_span)).map(Unit::Calendar),
            _ => None,
        };
        if let Some(unit) = unit {
            self.position += 1;
            let value = value.into();
            return Ok(Literal::Quantity(Quantity { value, unit }));
        }
        if token == Token::Decimal {
            return Ok(Literal::Decimal(value.into()));
        }
        match value.parse() {
            Ok(value) => Ok(Literal::Integer(value)),
            Err(_) => Err(SyntaxError::new(SyntaxErrorKind::IntegerTooLarge, span)),
        }
    }

    /// `%` and a name.
    fn external(&mut self) -> Result<Step> {
        let start = self.peek().1;
        self.position += 1;
        let (token, span) = self.peek();
        if !token.is_identifier() && token != Token::String {
            return Err(self.unexpected(EXTERNAL));
        }
        let name = self.name()?;
        self.node(Expr::External(name), start.to(span))
    }

    /// A member, a function call or a `$` variable, at the start of an operand or behind `base.`.
    pub(super) fn invocation(&mut self, base: Option<Operand>) -> Result<Step> {
        let (token, span) = self.peek();
        let base_id = base.map(|base| base.id);
        if token == Token::Special {
            let special = match self.text(span) {
                "$this" => Special::This,
                "$index" => Special::Index,
                "$total" => Special::Total,
                other => {
                    let kind = SyntaxErrorKind::UnknownSpecial(text::shown(other));
                    return Err(SyntaxError::new(kind, span));
                }
            };
            self.position += 1;
            let expr = Expr::Special {
                base: base_id,
                special,
            };
            return self.node(expr, start(base, span).to(span));
        }
        if !token.is_identifier() {
            return Err(self.unexpected(AFTER_DOT));
        }
        let name = self.name()?;
        let (next, open) = self.peek();
        if next != Token::LeftParen {
            let expr = Expr::Member {
                base: base_id,
                name,
            };
            return self.node(expr, start(base, span).to(span));
        }
        self.position += 1;
        let (next, close) = self.peek();
        if next == Token::RightParen {
            self.position += 1;
            return self.call(base, name, Vec::new(), close);
        }
        let frame = Frame::Args {
            base,
            name,
            args: Vec::new(),
            open,
        };
        self.open(frame, open)
    }

    /// A qualified identifier. It ends before a dot whose name starts a function call: `a is Boolean.not()` negates.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let mut parts = Vec::new();
        loop {
            if !self.peek().0.is_identifier() {
                return Err(self.unexpected(TYPE));
            }
            parts.push(self.name()?);
            let more = self.peek().0 == Token::Dot
                && self.tokens.get(self.position + 1).0.is_identifier()
                && self.tokens.get(self.position + 2).0 != Token::LeftParen;
            if !more {
                return Ok(TypeName::new(parts));
            }
            self.position += 1;
        }
    }

    /// Decodes the identifier or string at hand and moves on.
    fn name(&mut self) -> Result<Name> {
        let (token, span) = self.peek();
        self.position += 1;
        let text = match token {
            Token::Delimited | Token::String => self.unquoted(span)?,
            _ => self.text(span).into(),
        };
        if text.is_empty() {
            return Err(SyntaxError::new(SyntaxErrorKind::EmptyName, span));
        }
        Ok(Name::new(text, span))
    }

    /// The text between the first and the last byte of a token, escapes decoded.
    fn unquoted(&self, span: Span) -> Result<Box<str>> {
        let quoted = self.text(span);
        let body = quoted
            .get(1..quoted.len().saturating_sub(1))
            .unwrap_or_default();
        text::unescape(body, span.start as usize + 1).map_err(|error| {
            error.with_hint(r"write \\ for a backslash; escapes are \' \` \\ \/ \f \n \r \t \uXXXX")
        })
    }
}

/// A literal that starts with `@`.
fn temporal(text: &str) -> std::result::Result<Literal, InvalidTemporal> {
    if let Some(text) = text.strip_prefix("@T") {
        let (time, offset) = temporal::time_and_offset(text)?;
        return Ok(offset.map_or(Literal::Time(time), |offset| {
            Literal::OffsetTime(time, offset)
        }));
    }
    let text = text.trim_start_matches('@');
    if text.contains('T') {
        text.parse().map(Literal::DateTime)
    } else {
        text.parse().map(Literal::Date)
    }
}
