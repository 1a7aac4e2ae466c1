//! The parser: operator precedence with an explicit stack.
//!
//! It alternates between two states, as the grammar does: an operand must come next, or an operand is complete and an
//! operator, a dot, a bracket or the end of an enclosing construct must come next. Whatever waits for the operand
//! lies on `frames`. Each token is looked at a bounded number of times.

mod operand;

use crate::ast::{Ast, Expr, Name, Node, NodeId};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::limits::Limits;
use crate::operator::{self, BinaryOp, Precedence, TypeOp, UnaryOp};
use crate::span::Span;
use crate::text;
use crate::token::{self, Token, Tokens};

/// What could follow an operand inside parentheses.
const IN_PARENTHESES: &str = "an operator or `)`";

type Result<T> = std::result::Result<T, SyntaxError>;

/// Parses the whole of `source`.
pub(crate) fn parse(source: &str, limits: &Limits) -> Result<Ast> {
    let longest = limits.length.min(u32::MAX as usize);
    if source.len() > longest {
        let at = source.floor_char_boundary(longest);
        return Err(SyntaxError::new(
            SyntaxErrorKind::TooLong(longest),
            Span::new(at, at),
        ));
    }
    Parser {
        source,
        limits,
        tokens: token::tokenize(source),
        position: 0,
        nodes: Vec::new(),
        frames: Vec::new(),
    }
    .run()
}

struct Parser<'s> {
    source: &'s str,
    limits: &'s Limits,
    tokens: Tokens,
    position: usize,
    nodes: Vec<Node>,
    frames: Vec<Frame>,
}

/// A complete operand and its text, parentheses around it included.
#[derive(Clone, Copy)]
struct Operand {
    id: NodeId,
    span: Span,
}

/// A construct that waits for an operand.
enum Frame {
    /// `(` …
    Paren { open: Span },
    /// `base[` …
    Bracket { base: Operand, open: Span },
    /// `name(` …, perhaps after some arguments.
    Args {
        base: Option<Operand>,
        name: Name,
        args: Vec<NodeId>,
        open: Span,
    },
    /// `-` …
    Unary { op: UnaryOp, sign: Span },
    /// `left op` …
    Binary { op: BinaryOp, left: Operand },
}

/// What the parser does next.
enum Step {
    NeedOperand,
    Have(Operand),
    Done(Operand),
}

impl<'s> Parser<'s> {
    fn run(mut self) -> Result<Ast> {
        let mut step = Step::NeedOperand;
        loop {
            step = match step {
                Step::NeedOperand => self.operand()?,
                Step::Have(operand) => self.continuation(operand)?,
                Step::Done(operand) => return Ok(Ast::new(self.nodes, operand.id)),
            }
        }
    }

    /// Reads what follows a complete operand.
    fn continuation(&mut self, operand: Operand) -> Result<Step> {
        let (token, span) = self.peek();
        match token {
            Token::Dot => {
                self.position += 1;
                self.invocation(Some(operand))
            }
            Token::LeftBracket => {
                self.position += 1;
                let frame = Frame::Bracket {
                    base: operand,
                    open: span,
                };
                self.open(frame, span)
            }
            Token::Is | Token::As => {
                let operand = self.reduce(operand, operator::TYPE)?;
                self.position += 1;
                let op = if token == Token::Is {
                    TypeOp::Is
                } else {
                    TypeOp::As
                };
                let type_name = self.type_name()?;
                let span = operand.span.to(type_name.span());
                let operand = operand.id;
                let expr = Expr::Type {
                    op,
                    operand,
                    type_name,
                };
                self.node(expr, span)
            }
            token => match token.binary_operator() {
                Some(op) => {
                    let left = self.reduce(operand, op.precedence())?;
                    self.position += 1;
                    self.open(Frame::Binary { op, left }, span)
                }
                None => {
                    let operand = self.reduce(operand, operator::ANY)?;
                    self.close(operand)
                }
            },
        }
    }

    /// Completes the innermost construct whose operand ends here.
    fn close(&mut self, operand: Operand) -> Result<Step> {
        let (token, span) = self.peek();
        let frame = self.frames.pop();
        let expected = match (&frame, token) {
            (None, Token::End) if self.tokens.error.is_none() => return Ok(Step::Done(operand)),
            (None, _) => "an operator or the end of the expression",
            (Some(Frame::Bracket { .. }), _) => "an operator or `]`",
            (Some(Frame::Args { .. }), _) => "an operator, `,` or `)`",
            (Some(_), _) => IN_PARENTHESES,
        };
        match (frame, token) {
            (Some(Frame::Paren { open }), Token::RightParen) => {
                self.position += 1;
                Ok(Step::Have(Operand {
                    id: operand.id,
                    span: open.to(span),
                }))
            }
            (Some(Frame::Bracket { base, .. }), Token::RightBracket) => {
                self.position += 1;
                let expr = Expr::Index {
                    base: base.id,
                    index: operand.id,
                };
                self.node(expr, base.span.to(span))
            }
            (
                Some(Frame::Args {
                    base,
                    name,
                    mut args,
                    open,
                }),
                Token::RightParen | Token::Comma,
            ) => {
                self.position += 1;
                args.push(operand.id);
                if token == Token::RightParen {
                    return self.call(base, name, args, span);
                }
                let frame = Frame::Args {
                    base,
                    name,
                    args,
                    open,
                };
                self.open(frame, span)
            }
            (
                Some(
                    Frame::Paren { open } | Frame::Bracket { open, .. } | Frame::Args { open, .. },
                ),
                Token::End,
            ) => {
                let error = self.unexpected(expected);
                if error.hint().is_some() || self.tokens.error.is_some() {
                    return Err(error);
                }
                let opened = self.text(open);
                let before = self.source.get(..open.start as usize).unwrap_or_default();
                let character = before.chars().count() + 1;
                Err(error.with_hint(format!(
                    "the `{opened}` at character {character} is still open"
                )))
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Completes the operators that bind at least as tightly as `weakest` and wait for `operand`.
    fn reduce(&mut self, mut operand: Operand, weakest: Precedence) -> Result<Operand> {
        loop {
            let (expr, span) = match self.frames.last() {
                Some(&Frame::Unary { op, sign }) => {
                    let expr = Expr::Unary {
                        op,
                        operand: operand.id,
                    };
                    (expr, sign.to(operand.span))
                }
                Some(&Frame::Binary { op, left }) if op.precedence() >= weakest => {
                    let expr = Expr::Binary {
                        op,
                        left: left.id,
                        right: operand.id,
                    };
                    (expr, left.span.to(operand.span))
                }
                _ => return Ok(operand),
            };
            self.frames.pop();
            operand = self.push(expr, span)?;
        }
    }

    fn call(
        &mut self,
        base: Option<Operand>,
        name: Name,
        args: Vec<NodeId>,
        close: Span,
    ) -> Result<Step> {
        let span = start(base, name.span()).to(close);
        let expr = Expr::Call {
            base: base.map(|base| base.id),
            name,
            args: args.into(),
        };
        self.node(expr, span)
    }

    /// Puts a construct that waits for an operand on the stack; `at` is what opened it.
    fn open(&mut self, frame: Frame, at: Span) -> Result<Step> {
        if self.frames.len() >= self.limits.depth {
            let kind = SyntaxErrorKind::TooDeep(self.limits.depth);
            return Err(SyntaxError::new(kind, at));
        }
        self.frames.push(frame);
        Ok(Step::NeedOperand)
    }

    fn node(&mut self, expr: Expr, span: Span) -> Result<Step> {
        self.push(expr, span).map(Step::Have)
    }

    fn push(&mut self, expr: Expr, span: Span) -> Result<Operand> {
        let id = match u32::try_from(self.nodes.len()) {
            Ok(index) if self.nodes.len() < self.limits.nodes => NodeId::new(index),
            _ => {
                let kind = SyntaxErrorKind::TooManyNodes(self.limits.nodes);
                return Err(SyntaxError::new(kind, span));
            }
        };
        self.nodes.push(Node { expr, span });
        Ok(Operand { id, span })
    }

    fn peek(&self) -> (Token, Span) {
        self.tokens.get(self.position)
    }

    fn text(&self, span: Span) -> &'s str {
        self.source.get(span.range()).unwrap_or_default()
    }

    /// The error for the token at hand, which nothing here accepts.
    fn unexpected(&self, expected: &'static str) -> SyntaxError {
        let (token, span) = self.peek();
        if token == Token::End {
            if let Some(error) = &self.tokens.error {
                return error.clone();
            }
            return SyntaxError::new(SyntaxErrorKind::UnexpectedEnd { expected }, span);
        }
        let found = self.text(span);
        let kind = SyntaxErrorKind::Unexpected {
            found: text::shown(found),
            expected,
        };
        let error = SyntaxError::new(kind, span);
        let before = self.position.checked_sub(1).map(|it| self.tokens.get(it).0);
        match (before, token) {
            (Some(Token::Equal), Token::Equal) => error.with_hint("equality is a single `=`"),
            (Some(Token::Equal), Token::Greater) => error.with_hint("write `>=`"),
            (Some(Token::Equal), Token::Less) => error.with_hint("write `<=`"),
            (Some(Token::Less), Token::Greater) => error.with_hint("write `!=`"),
            (_, Token::Comma) if expected == IN_PARENTHESES => {
                error.with_hint("the items of a collection are joined by `|`")
            }
            (Some(_), _) if self.is_not_before() => {
                error.with_hint("`not()` stands behind what it negates: `….not()`")
            }
            (Some(Token::Pipe), Token::Pipe) => error.with_hint("write `or`"),
            (Some(Token::Ampersand), Token::Ampersand) => error.with_hint("write `and`"),
            (Some(Token::Dot | Token::Percent), token) if token.is_reserved() => error.with_hint(
                format!("`{found}` is a keyword: as a name it needs backticks"),
            ),
            _ => error,
        }
    }
}

impl Parser<'_> {
    /// Whether the word before the token at hand is `not`, as other languages have it.
    fn is_not_before(&self) -> bool {
        let before = self.position.checked_sub(1).map(|it| self.tokens.get(it).1);
        before.is_some_and(|span| self.text(span) == "not")
    }
}

fn start(base: Option<Operand>, otherwise: Span) -> Span {
    base.map_or(otherwise, |base| base.span)
}
