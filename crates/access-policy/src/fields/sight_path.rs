//! JSON paths (`jsonpath`), as PostgreSQL writes them: which places of a document they look at.
//!
//! Only the way of accessors through the document matters. Operators and methods look at scalars, kinds and lengths: a
//! comparison with a container is unknown, whatever is in it. So they need no precedence here, and what they give is no part of
//! the document. Lax and strict paths go the same ways: unwrapping an array goes to its elements.
//!
//! Wildcards over members ask for all of them; `keyvalue()` tells an object's place among the document's bytes.

use super::sight::{MOST_STEPS, Spot};

/// See [`Spot::items`].
pub(super) fn items<'t>(root: &Spot<'t>, text: &str) -> Option<Spot<'t>> {
    let mut scanner = Scanner {
        rest: text.strip_prefix("strict ").unwrap_or(text),
        root,
        steps: 0,
    };
    let place = scanner.expression(None, 0)?;
    scanner.rest.trim_start().is_empty().then_some(place)
}

struct Scanner<'a, 'p, 't> {
    rest: &'a str,
    root: &'p Spot<'t>,
    /// How many accessors there were, wherever they stand.
    steps: usize,
}

/// Longer ones before what they begin with.
const OPERATORS: [&str; 14] = [
    "==", "!=", "<>", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%",
];

const METHODS: [&str; 6] = ["type", "size", "double", "ceiling", "floor", "abs"];

impl<'t> Scanner<'_, '_, 't> {
    /// Operands with operators between and behind them; `current` is what `@` is.
    fn expression(&mut self, current: Option<&Spot<'t>>, depth: usize) -> Option<Spot<'t>> {
        let first = self.operand(current, depth)?;
        let mut computed = false;
        loop {
            if self.word("is unknown") {
            } else if self.word("starts with") || OPERATORS.iter().any(|one| self.eat(one)) {
                self.operand(current, depth)?;
            } else if self.word("like_regex") {
                self.string()?;
                if self.word("flag") {
                    self.string()?;
                }
            } else if computed {
                return Some(Spot::computed());
            } else {
                return Some(first);
            }
            computed = true;
        }
    }

    fn operand(&mut self, current: Option<&Spot<'t>>, depth: usize) -> Option<Spot<'t>> {
        let depth = depth.checked_add(1).filter(|depth| *depth <= MOST_STEPS)?;
        if self.eat("!") || self.eat("-") || self.eat("+") {
            self.operand(current, depth)?;
            return Some(Spot::computed());
        }
        let place = if self.word("exists") {
            self.parenthesized(current, depth)?;
            Spot::computed()
        } else if self.peek("(") {
            self.parenthesized(current, depth)?
        } else if self.eat("$") {
            // A variable's name follows at once.
            match self.rest.starts_with('"') {
                true => {
                    self.string()?;
                    Spot::computed()
                }
                false => self.root.clone(),
            }
        } else if self.eat("@") {
            current?.clone()
        } else if self.peek("\"") {
            self.string()?;
            Spot::computed()
        } else if ["last", "true", "false", "null"]
            .iter()
            .any(|word| self.word(word))
        {
            Spot::computed()
        } else {
            self.number()?;
            Spot::computed()
        };
        self.accessors(place, current, depth)
    }

    fn parenthesized(&mut self, current: Option<&Spot<'t>>, depth: usize) -> Option<Spot<'t>> {
        self.expect("(")?;
        let place = self.expression(current, depth)?;
        self.expect(")")?;
        Some(place)
    }

    fn accessors(
        &mut self,
        mut place: Spot<'t>,
        current: Option<&Spot<'t>>,
        depth: usize,
    ) -> Option<Spot<'t>> {
        loop {
            if self.eat(".") {
                self.count()?;
                place = if self.rest.starts_with('"') {
                    place.member(&self.string()?)?
                } else {
                    self.method()?;
                    Spot::computed()
                };
            } else if self.eat("[") {
                self.count()?;
                self.subscripts(current, depth)?;
                place = place.element()?;
            } else if self.eat("?") {
                self.count()?;
                self.parenthesized(Some(&place), depth)?;
            } else {
                return Some(place);
            }
        }
    }

    fn count(&mut self) -> Option<()> {
        self.steps = self.steps.checked_add(1)?;
        (self.steps <= MOST_STEPS).then_some(())
    }

    fn method(&mut self) -> Option<()> {
        if self.eat("datetime") {
            self.expect("(")?;
            if self.peek("\"") {
                self.string()?;
            }
        } else {
            METHODS.iter().find(|name| self.word(name))?;
            self.expect("(")?;
        }
        self.expect(")")
    }

    fn subscripts(&mut self, current: Option<&Spot<'t>>, depth: usize) -> Option<()> {
        if self.eat("*") {
            return self.expect("]");
        }
        loop {
            self.expression(current, depth)?;
            if self.word("to") {
                self.expression(current, depth)?;
            }
            if !self.eat(",") {
                return self.expect("]");
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let text = self.rest.trim_start();
        let mut escaped = false;
        let end = text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends.then_some(at)
        })?;
        let (string, rest) = text.split_at_checked(end.checked_add(1)?)?;
        self.rest = rest;
        serde_json::from_str(string).ok()
    }

    fn number(&mut self) -> Option<()> {
        let text = self.rest.trim_start();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = digits(text);
        if length == 0 {
            return None;
        }
        let rest = text.get(length..)?;
        if let Some(fraction) = rest.strip_prefix('.').map(digits).filter(|n| *n > 0) {
            length = length.checked_add(fraction)?.checked_add(1)?;
        }
        self.rest = text.get(length..)?;
        Some(())
    }

    /// A word, not the beginning of one.
    fn word(&mut self, word: &str) -> bool {
        let before = self.rest;
        let whole = self.eat(word)
            && !self
                .rest
                .starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if !whole {
            self.rest = before;
        }
        whole
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn peek(&self, token: &str) -> bool {
        self.rest.trim_start().starts_with(token)
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.eat(token).then_some(())
    }
}
