//! Literal values (N1 §4.1).

use std::fmt;

use crate::temporal::{Date, DateTime, Offset, Time};
use crate::text;

/// A literal, decoded. Numbers that the language treats as decimals keep their exact digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `{}`.
    Empty,
    /// `true` or `false`.
    Boolean(bool),
    /// `'text'`, escapes decoded.
    String(Box<str>),
    /// `42`. Never negative: a sign is an operator. The language's Integer ends at 2147483647; values above are kept
    /// for the evaluator to judge.
    Integer(i64),
    /// `1.50`: digits, a point, digits, as written but without needless leading zeros.
    Decimal(Box<str>),
    /// `@2015-02`.
    Date(Date),
    /// `@2015-02T`, `@2015-02-04T14:34Z`.
    DateTime(DateTime),
    /// `@T14:34`.
    Time(Time),
    /// `@T14:34Z`. **Not a value of the language**: its Time has no offset. It parses, because HL7's suite files such
    /// expressions under failures of execution, and it must never evaluate to anything but an error.
    OffsetTime(Time, Offset),
    /// `4 days`, `10.1 'mg'`.
    Quantity(Quantity),
}

/// A number with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Digits, optionally a point and digits, as written but without needless leading zeros.
    pub value: Box<str>,
    /// The unit.
    pub unit: Unit,
}

/// The unit of a quantity literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `day`, `days`, …: a calendar duration.
    Calendar(CalendarUnit),
    /// A string that should be a UCUM code. The parser does not check it.
    Ucum(Box<str>),
}

/// Units of calendar durations (N1 §4.1.8). Singular and plural are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// `year`, `years`.
    Year,
    /// `month`, `months`.
    Month,
    /// `week`, `weeks`.
    Week,
    /// `day`, `days`.
    Day,
    /// `hour`, `hours`.
    Hour,
    /// `minute`, `minutes`.
    Minute,
    /// `second`, `seconds`.
    Second,
    /// `millisecond`, `milliseconds`.
    Millisecond,
}

impl CalendarUnit {
    /// The unit that a word names, in singular or plural; case matters.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.strip_suffix('s').unwrap_or(word) {
            "year" => Self::Year,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            _ => return None,
        })
    }

    /// The word in the singular.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
        }
    }
}

impl fmt::Display for Literal {
    /// The literal in source form, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("{}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::String(value) => text::write_quoted(f, value, '\''),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(digits) => f.write_str(digits),
            Self::Date(date) => write!(f, "@{date}"),
            Self::DateTime(value) => write!(f, "@{value}"),
            Self::Time(time) => write!(f, "@T{time}"),
            Self::OffsetTime(time, offset) => write!(f, "@T{time}{offset}"),
            Self::Quantity(quantity) => write!(f, "{quantity}"),
        }
    }
}

impl fmt::Display for Quantity {
    /// `1 day`, `4 days`, `10.1 'mg'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.value)?;
        match &self.unit {
            Unit::Calendar(unit) => {
                let plural = if &*self.value == "1" { "" } else { "s" };
                write!(f, "{}{plural}", unit.word())
            }
            Unit::Ucum(code) => text::write_quoted(f, code, '\''),
        }
    }
}
