//! What date, number and quantity parameters compare: the range asked for and the range stored (R4 search, "Prefixes").

mod decimal;
mod stored;
mod time;

use std::cmp::Ordering;
use std::fmt;

use jsonb::{Decimal, Number};

pub(crate) use decimal::Written;
pub(crate) use stored::{Interval, Stored, Units, interval, span};
pub use time::Span;
pub(crate) use time::write_time;

use crate::test::write_quoted;

/// How the range asked for and a stored one are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// The first contains the second; also when none is written.
    Eq,
    /// The first does not contain the second.
    Ne,
    /// The second reaches beyond the end of the first.
    Gt,
    /// The second reaches below the start of the first.
    Lt,
    /// As `gt` or `eq`.
    Ge,
    /// As `lt` or `eq`.
    Le,
    /// The second starts after the first.
    Sa,
    /// The second ends before the first.
    Eb,
    /// They overlap.
    Ap,
}

impl Prefix {
    const NAMES: [(Prefix, &'static str); 9] = [
        (Prefix::Eq, "eq"),
        (Prefix::Ne, "ne"),
        (Prefix::Gt, "gt"),
        (Prefix::Lt, "lt"),
        (Prefix::Ge, "ge"),
        (Prefix::Le, "le"),
        (Prefix::Sa, "sa"),
        (Prefix::Eb, "eb"),
        (Prefix::Ap, "ap"),
    ];

    /// The prefix of a value, and the rest of it.
    pub(crate) fn split(text: &str) -> (Prefix, &str) {
        Self::NAMES
            .iter()
            .find_map(|(prefix, name)| Some((*prefix, text.strip_prefix(name)?)))
            .unwrap_or((Prefix::Eq, text))
    }

    /// Whether a text begins as a value with a prefix that is none: with letters that no number or date begins with.
    pub(crate) fn is_unknown(text: &str) -> bool {
        let (_, rest) = Self::split(text);
        rest.starts_with(|first: char| first.is_ascii_alphabetic())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(prefix, _)| prefix == self);
        f.write_str(name.map_or("eq", |(_, name)| name))
    }
}

/// A date asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The comparison.
    pub prefix: Prefix,
    /// The date as it was written.
    pub text: String,
    /// The range it stands for.
    pub span: Span,
}

impl Moment {
    /// Reads `ge2013-01-14`.
    pub fn parse(text: &str) -> Option<Moment> {
        let (prefix, text) = Prefix::split(text);
        Some(Moment {
            prefix,
            text: text.to_owned(),
            span: Span::parse(text)?,
        })
    }

    /// Whether a stored range is what is asked for.
    pub(crate) fn holds(&self, stored: Span) -> bool {
        let asked = self.span;
        let contains = asked.start <= stored.start && stored.end <= asked.end;
        match self.prefix {
            Prefix::Eq => contains,
            Prefix::Ne => !contains,
            Prefix::Gt => stored.end > asked.end,
            Prefix::Lt => stored.start < asked.start,
            Prefix::Ge => stored.end > asked.end || contains,
            Prefix::Le => stored.start < asked.start || contains,
            Prefix::Sa => stored.start >= asked.end,
            Prefix::Eb => stored.end <= asked.start,
            Prefix::Ap => stored.start < asked.end && stored.end > asked.start,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.prefix)?;
        write_quoted(f, &self.text)
    }
}

/// A number asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// The comparison.
    pub prefix: Prefix,
    /// The number as it was written.
    pub text: String,
    /// The least number of the range it stands for. With `eq` and `ne` that is what is rounded to it, with `ap` what is
    /// at most 10 % away, with the others the number itself.
    pub low: Decimal,
    /// The end of the range: not included with `eq` and `ne`.
    pub high: Decimal,
}

impl Amount {
    /// Reads `ge5.40`.
    pub fn parse(text: &str) -> Option<Amount> {
        let (prefix, text) = Prefix::split(text);
        let written = Written::parse(text)?;
        let (low, high) = match prefix {
            Prefix::Eq | Prefix::Ne => written.rounded(),
            Prefix::Ap => written.about(),
            _ => (written.value().clone(), written.value().clone()),
        };
        Some(Amount {
            prefix,
            text: text.to_owned(),
            low: decimal::to_numeric(&low)?,
            high: decimal::to_numeric(&high)?,
        })
    }

    /// Whether a stored range is what is asked for.
    pub(crate) fn holds(&self, stored: &Interval<'_>) -> bool {
        let (asked_low, asked_high) = (self.low.as_number(), self.high.as_number());
        // An open end is below or above everything.
        let low = |asked: &Number<'_>| {
            stored
                .low()
                .map_or(Ordering::Less, |low| low.compare(asked))
        };
        let high = |asked: &Number<'_>| {
            stored
                .high()
                .map_or(Ordering::Greater, |high| high.compare(asked))
        };
        let rounds = || low(&asked_low).is_ge() && high(&asked_high).is_lt();
        let is = || low(&asked_low).is_ge() && high(&asked_high).is_le();
        match self.prefix {
            Prefix::Eq => rounds(),
            Prefix::Ne => !rounds(),
            Prefix::Gt => high(&asked_high).is_gt(),
            Prefix::Lt => low(&asked_low).is_lt(),
            Prefix::Ge => high(&asked_high).is_gt() || is(),
            Prefix::Le => low(&asked_low).is_lt() || is(),
            Prefix::Sa => low(&asked_high).is_gt(),
            Prefix::Eb => high(&asked_low).is_lt(),
            Prefix::Ap => low(&asked_high).is_le() && high(&asked_low).is_ge(),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.prefix)?;
        write_quoted(f, &self.text)
    }
}

/// What a quantity parameter asks of the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Nothing.
    Any,
    /// `system|code`: both.
    Coded {
        /// The system.
        system: String,
        /// The code in it.
        code: String,
    },
    /// `|code`: the code or the unit as it is written for people, in any system.
    Named(String),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Any => Ok(()),
            Unit::Coded { system, code } => {
                f.write_str("|")?;
                write_quoted(f, system)?;
                f.write_str("|")?;
                write_quoted(f, code)
            }
            Unit::Named(code) => {
                f.write_str("||")?;
                write_quoted(f, code)
            }
        }
    }
}
