//! Tokens (the lexical rules of the N1 grammar).

use logos::{FilterResult, Lexer, Logos};

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::operator::BinaryOp;
use crate::span::Span;

/// Why the lexer stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum LexError {
    #[default]
    Character,
    UnterminatedString,
    UnterminatedIdentifier,
    UnterminatedComment,
}

/// One token. White space and comments produce none.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(error = LexError)]
#[logos(skip r"[ \t\r\n]+")]
#[logos(skip(r"//[^\r\n]*", allow_greedy = true))]
pub(crate) enum Token {
    /// Never produced: the callback skips comments.
    #[token("/*", block_comment)]
    Comment,
    /// The end of the text; produced by [`tokenize`], not by the lexer.
    End,

    #[token(".")]
    Dot,
    #[token(",")]
    Comma,
    #[token("(")]
    LeftParen,
    #[token(")")]
    RightParen,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token("%")]
    Percent,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("&")]
    Ampersand,
    #[token("|")]
    Pipe,
    #[token("=")]
    Equal,
    #[token("~")]
    Tilde,
    #[token("!=")]
    NotEqual,
    #[token("!~")]
    NotTilde,
    #[token("<")]
    Less,
    #[token("<=")]
    LessOrEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterOrEqual,

    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("and")]
    And,
    #[token("or")]
    Or,
    #[token("xor")]
    Xor,
    #[token("implies")]
    Implies,
    #[token("div")]
    Div,
    #[token("mod")]
    Mod,
    #[token("is")]
    Is,
    #[token("as")]
    As,
    #[token("in")]
    In,
    #[token("contains")]
    Contains,

    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Identifier,
    #[token("`", delimited)]
    Delimited,
    /// `$` and a word; the parser checks which.
    #[regex(r"\$[A-Za-z_][A-Za-z0-9_]*")]
    Special,
    #[token("'", string)]
    String,
    #[regex("[0-9]+")]
    Integer,
    #[regex(r"[0-9]+\.[0-9]+")]
    Decimal,
    /// A Date or DateTime; wider than the grammar (an offset anywhere), so that the parser can say what is wrong.
    #[regex(r"@[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?(T([0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?")]
    Date,
    /// A Time, with an offset or without.
    #[regex(r"@T[0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?")]
    Time,
}

impl Token {
    /// Whether the grammar's rule `identifier` accepts the token.
    pub(crate) fn is_identifier(self) -> bool {
        matches!(
            self,
            Self::Identifier | Self::Delimited | Self::As | Self::Contains | Self::In | Self::Is
        )
    }

    /// Whether the token is a word that cannot be a name.
    pub(crate) fn is_reserved(self) -> bool {
        matches!(
            self,
            Self::True
                | Self::False
                | Self::And
                | Self::Or
                | Self::Xor
                | Self::Implies
                | Self::Div
                | Self::Mod
        )
    }

    /// The operator that the token is after an operand; `is` and `as` are not among them.
    pub(crate) fn binary_operator(self) -> Option<BinaryOp> {
        Some(match self {
            Self::Implies => BinaryOp::Implies,
            Self::Or => BinaryOp::Or,
            Self::Xor => BinaryOp::Xor,
            Self::And => BinaryOp::And,
            Self::In => BinaryOp::In,
            Self::Contains => BinaryOp::Contains,
            Self::Equal => BinaryOp::Equal,
            Self::Tilde => BinaryOp::Equivalent,
            Self::NotEqual => BinaryOp::NotEqual,
            Self::NotTilde => BinaryOp::NotEquivalent,
            Self::Less => BinaryOp::Less,
            Self::LessOrEqual => BinaryOp::LessOrEqual,
            Self::Greater => BinaryOp::Greater,
            Self::GreaterOrEqual => BinaryOp::GreaterOrEqual,
            Self::Pipe => BinaryOp::Union,
            Self::Plus => BinaryOp::Add,
            Self::Minus => BinaryOp::Subtract,
            Self::Ampersand => BinaryOp::Concatenate,
            Self::Star => BinaryOp::Multiply,
            Self::Slash => BinaryOp::Divide,
            Self::Div => BinaryOp::IntegerDivide,
            Self::Mod => BinaryOp::Modulo,
            _ => return None,
        })
    }
}

/// Moves the lexer behind the closing `*/`.
fn block_comment(lexer: &mut Lexer<'_, Token>) -> FilterResult<(), LexError> {
    match lexer.remainder().find("*/") {
        Some(length) => {
            lexer.bump(length + 2);
            FilterResult::Skip
        }
        None => FilterResult::Error(LexError::UnterminatedComment),
    }
}

fn string(lexer: &mut Lexer<'_, Token>) -> Result<(), LexError> {
    quoted(lexer, b'\'').ok_or(LexError::UnterminatedString)
}

fn delimited(lexer: &mut Lexer<'_, Token>) -> Result<(), LexError> {
    quoted(lexer, b'`').ok_or(LexError::UnterminatedIdentifier)
}

/// Moves the lexer behind the next `quote` that no backslash escapes. Bytes of other characters than ASCII never
/// equal a quote or a backslash.
fn quoted(lexer: &mut Lexer<'_, Token>, quote: u8) -> Option<()> {
    let mut bytes = lexer.remainder().bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte == quote {
            lexer.bump(at + 1);
            return Some(());
        }
        if byte == b'\\' {
            bytes.next();
        }
    }
    None
}

/// The tokens of a text, up to the first place that starts none.
pub(crate) struct Tokens {
    list: Vec<(Token, Span)>,
    end: Span,
    /// What is wrong at the end of `list`, if that is not the end of the text.
    pub(crate) error: Option<SyntaxError>,
}

impl Tokens {
    /// The token at a position; [`Token::End`] behind the last.
    pub(crate) fn get(&self, position: usize) -> (Token, Span) {
        self.list
            .get(position)
            .copied()
            .unwrap_or((Token::End, self.end))
    }
}

/// Splits a text into tokens.
pub(crate) fn tokenize(source: &str) -> Tokens {
    let mut lexer = Token::lexer(source);
    let mut list = Vec::new();
    let mut error = None;
    while let Some(token) = lexer.next() {
        let span = lexer.span();
        match token {
            Ok(token) => list.push((token, Span::new(span.start, span.end))),
            Err(problem) => {
                error = Some(explain(&problem, source, span.start));
                break;
            }
        }
    }
    let end = Span::new(source.len(), source.len());
    Tokens { list, end, error }
}

fn explain(problem: &LexError, source: &str, start: usize) -> SyntaxError {
    let character = source
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .unwrap_or_default();
    let span = Span::new(start, start + character.len_utf8());
    match problem {
        LexError::UnterminatedString => SyntaxError::new(SyntaxErrorKind::UnterminatedString, span),
        LexError::UnterminatedIdentifier => {
            SyntaxError::new(SyntaxErrorKind::UnterminatedIdentifier, span)
        }
        LexError::UnterminatedComment => SyntaxError::new(
            SyntaxErrorKind::UnterminatedComment,
            Span::new(start, start + 2),
        ),
        LexError::Character => {
            let error = SyntaxError::new(SyntaxErrorKind::UnexpectedCharacter(character), span);
            match character {
                '"' | '‘' | '’' | '“' | '”' => {
                    error.with_hint("strings take straight single quotes: 'text'")
                }
                '!' => error.with_hint("negation is a function: `(…).not()`"),
                '@' => error.with_hint(
                    "dates and times look like @2015-02-04, @2015-02-04T14:34:28Z, @T14:34",
                ),
                '$' => error.with_hint("the variables are `$this`, `$index` and `$total`"),
                _ => error,
            }
        }
    }
}
