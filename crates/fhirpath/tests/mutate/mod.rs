//! Mutations of expressions, of their tokens and of their trees. Seeded: the same seed gives the same text.
//!
//! The fuzz targets use them too: most of what they make is still an expression, which random bytes hardly ever are.

use fhirpath::{Argument, Function};

/// How often a repetition repeats.
const TIMES: usize = 100;

/// Repetitions of repetitions end here; longer texts are refused anyway.
const LONGEST: usize = 100_000;

/// Values of every type, small and extreme.
const LITERALS: [&str; 40] = [
    "{}",
    "true",
    "false",
    "0",
    "1",
    "7",
    "2147483647",
    "(-2147483648)",
    "9223372036854775807",
    "0.1",
    "1.50",
    "99999999999999999999999999999999.999999999999999999",
    "''",
    "'a'",
    "'final'",
    "'Ā😀'",
    "'1.5'",
    "'2015-02-04T14:34:28Z'",
    "'(a*)*$'",
    "'[^a-z]|\\\\d{2,5}'",
    "@2015",
    "@2016-02-29",
    "@0001-01-01",
    "@9999-12-31T23:59:59.999Z",
    "@2015-02-04T14+10:00",
    "@T23:59:59.999",
    "@T10",
    "1 year",
    "3 months",
    "999999999999999999 days",
    "0.5 seconds",
    "1.5 'mg'",
    "1 'kg.m/s2'",
    "0 '[degF]'",
    "1 ''",
    "$this",
    "$index",
    "$total",
    "%resource",
    "%before",
];

/// Steps through documents.
const PATHS: [&str; 16] = [
    "name",
    "given",
    "status",
    "value",
    "code.coding",
    "subject",
    "extension",
    "contained",
    "component",
    "birthDate",
    "item",
    "children()",
    "descendants()",
    "resolve()",
    "type()",
    "`div`",
];

const TYPES: [&str; 14] = [
    "Boolean",
    "System.Integer",
    "System.String",
    "System.Quantity",
    "System.DateTime",
    "string",
    "code",
    "FHIR.date",
    "Quantity",
    "HumanName",
    "Patient",
    "Observation",
    "DomainResource",
    "System.Any",
];

const OPERATORS: [&str; 22] = [
    "implies", "or", "xor", "and", "in", "contains", "=", "~", "!=", "!~", "<", "<=", ">", ">=",
    "|", "+", "-", "&", "*", "/", "div", "mod",
];

/// A small generator of numbers (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`; 0 for none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// One of them; `""` for none.
    pub fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts.get(self.below(texts.len())).copied().unwrap_or("")
    }

    /// Some of `count` places that follow each other.
    fn range(&mut self, count: usize) -> std::ops::Range<usize> {
        let start = self.below(count);
        let longest = if self.below(4) == 0 { count } else { 4 };
        let length = 1 + self.below(longest.min(count - start.min(count)));
        start..(start + length).min(count)
    }
}

/// Another expression made from `source`, perhaps with parts of `other`.
pub fn mutate(random: &mut Random, source: &str, other: &str) -> String {
    let mut text = source.to_owned();
    for _ in 0..=random.below(3) {
        text = match random.below(10) {
            0..6 => mutate_tree(random, &text, other),
            _ => mutate_tokens(random, &text, other),
        };
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    text
}

/// Puts something else in the place of a part, or something around it. What is no expression stays as it is.
fn mutate_tree(random: &mut Random, source: &str, other: &str) -> String {
    let part = some_part(random, source);
    let Some((before, part, after)) = part else {
        return source.to_owned();
    };
    let new = match random.below(5) {
        0 => {
            some_part(random, other).map_or_else(|| invent(random), |(_, part, _)| part.to_owned())
        }
        1 => invent(random),
        2 => format!("{part}.{}", call(random, part)),
        3 => format!("({part}) {} ({})", random.pick(&OPERATORS), invent(random)),
        _ => call(random, part),
    };
    format!("{before}({new}){after}")
}

/// A node's text, and what stands before and behind it.
fn some_part<'s>(random: &mut Random, source: &'s str) -> Option<(&'s str, &'s str, &'s str)> {
    let ast = fhirpath::parse(source).ok()?;
    let node = ast.nodes().nth(random.below(ast.nodes().len()))?;
    let range = node.span.range();
    Some((
        source.get(..range.start)?,
        source.get(range.clone())?,
        source.get(range.end..)?,
    ))
}

fn mutate_tokens(random: &mut Random, source: &str, other: &str) -> String {
    let mut tokens: Vec<String> = tokens(source).into_iter().map(str::to_owned).collect();
    let range = random.range(tokens.len());
    match random.below(8) {
        0 => drop(tokens.drain(range)),
        1 => {
            let copy = tokens[range.clone()].to_vec();
            tokens.splice(range.end..range.end, copy);
        }
        2 => {
            let with = random.below(tokens.len());
            if !tokens.is_empty() {
                tokens.swap(range.start, with);
            }
        }
        3 => drop(tokens.splice(range, [invent(random)])),
        4 => {
            let nested = call(random, &join(&tokens[range.clone()]));
            tokens.splice(range, [nested]);
        }
        5 => {
            tokens.truncate(range.start);
            let tail = self::tokens(other);
            let from = random.below(tail.len());
            tokens.extend(tail.into_iter().skip(from).map(str::to_owned));
        }
        6 => {
            let copy = join(&tokens[range.clone()]) + " ";
            tokens.splice(range, [copy.repeat(TIMES.min(1 + LONGEST / copy.len()))]);
        }
        _ => {
            let token = tokens.get_mut(range.start);
            if let Some(token) = token {
                *token = match token.chars().next() {
                    Some(first) if first.is_alphabetic() && random.below(2) == 0 => {
                        random.pick(&PATHS).to_owned()
                    }
                    Some(first) if !first.is_alphanumeric() => random.pick(&OPERATORS).to_owned(),
                    _ => random.pick(&LITERALS).to_owned(),
                };
            }
        }
    }
    join(&tokens)
}

/// Something new and small.
fn invent(random: &mut Random) -> String {
    match random.below(8) {
        0..3 => random.pick(&LITERALS).to_owned(),
        3 => random.pick(&PATHS).to_owned(),
        4 => format!("{} is {}", random.pick(&LITERALS), random.pick(&TYPES)),
        5 => format!(
            "{} {} {}",
            random.pick(&LITERALS),
            random.pick(&OPERATORS),
            random.pick(&LITERALS)
        ),
        6 => format!("({} | {})", random.pick(&LITERALS), random.pick(&PATHS)),
        _ => {
            let argument = random.pick(&LITERALS);
            format!("{}.{}", random.pick(&LITERALS), call(random, argument))
        }
    }
}

/// A function with about as many arguments as it takes, one of which is `inner`.
fn call(random: &mut Random, inner: &str) -> String {
    let function = Function::ALL[random.below(Function::ALL.len())];
    let kinds = function.arguments();
    let count = function.least() + random.below(kinds.len() + 1 - function.least());
    let place = random.below(count);
    let arguments: Vec<String> = kinds
        .iter()
        .take(count)
        .enumerate()
        .map(|(position, kind)| match kind {
            Argument::Type => random.pick(&TYPES).to_owned(),
            _ if position == place => inner.to_owned(),
            _ if random.below(3) == 0 => random.pick(&PATHS).to_owned(),
            _ => random.pick(&LITERALS).to_owned(),
        })
        .collect();
    format!("{}({})", function.name(), arguments.join(", "))
}

/// The tokens of a text, roughly: enough to move them about. White space and comments are left out.
fn tokens(source: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while !rest.is_empty() {
        let length = token_length(rest).clamp(1, rest.len());
        let (token, behind) = rest.split_at(rest.ceil_char_boundary(length));
        if !token.starts_with("//") && !token.starts_with("/*") {
            tokens.push(token);
        }
        rest = behind.trim_start();
    }
    tokens
}

fn token_length(text: &str) -> usize {
    let run =
        |text: &str, member: fn(char) -> bool| text.find(|c| !member(c)).unwrap_or(text.len());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let quoted = |text: &str, quote: char| {
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        end.map_or(text.len(), |(at, _)| at + 1)
    };
    let until = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    match text.chars().next() {
        Some(quote @ ('\'' | '`')) => quoted(text, quote),
        Some('%' | '$') => 1 + run(&text[1..], word),
        Some('@') => 1 + run(&text[1..], |c| c.is_ascii_digit() || "TZ:.+-".contains(c)),
        Some('0'..='9') => run(text, |c| c.is_ascii_digit() || c == '.'),
        Some(c) if word(c) => run(text, word),
        _ if text.starts_with("//") => until("\n"),
        _ if text.starts_with("/*") => until("*/"),
        _ if ["!=", "!~", "<=", ">="]
            .iter()
            .any(|it| text.starts_with(it)) =>
        {
            2
        }
        _ => 1,
    }
}

/// The tokens with white space where it is needed, and where people write it.
fn join(tokens: &[String]) -> String {
    let mut text = String::new();
    for token in tokens {
        let tight = |c: char| "().[],".contains(c);
        if !text.is_empty() && !text.ends_with(['(', '.', '[']) && !token.starts_with(tight) {
            text.push(' ');
        }
        text.push_str(token);
    }
    text
}
