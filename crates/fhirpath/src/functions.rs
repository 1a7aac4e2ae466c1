//! Functions from one value to one value or a few: conversions, strings, mathematics, boundaries
//! (N1 §5.5 to §5.7, and functions of later releases that HL7's suite has).
//!
//! The evaluator has made sure that there is exactly one input value and one value for each argument.

mod boundary;
mod convert;
mod encode;
mod math;
mod regex;
mod text;

use smallvec::{SmallVec, smallvec};

pub(crate) use self::regex::{Regex, compile};

use crate::eval::{Fault, Work};
use crate::function::Function;
use crate::value::{MAX_TEXT, Scalar, Text};

/// What a function gives: the empty collection, one value, or a few.
pub(crate) type Values<'a> = SmallVec<[Scalar<'a>; 1]>;

/// Calls a function of [`Group::Scalar`](crate::Group::Scalar). `prepared` is its regular expression, where pattern and
/// flags are literals and were [compiled](compile) ahead (whole for `matchesFull`).
///
/// # Errors
/// [`Fault::Input`] and [`Fault::Argument`] for types the function is not defined for, and arguments that it refuses;
/// [`Fault::Regex`], [`Fault::TextTooLong`], [`Fault::Budget`].
pub(crate) fn call<'a>(
    function: Function,
    input: &Scalar<'a>,
    args: &[Scalar<'a>],
    prepared: Option<&Regex>,
    work: &Work<'_>,
) -> Result<Values<'a>, Fault> {
    use Function as F;
    let call = Call {
        function,
        input,
        args,
        work,
    };
    for value in std::iter::once(input).chain(args) {
        work.spend(digits(value).saturating_add(1))?;
    }
    let value = match function {
        F::ToChars => return text::to_chars(&call),
        F::Split => return text::split(&call),

        F::ToBoolean => convert::to_boolean(&call),
        F::ConvertsToBoolean => converts(convert::to_boolean(&call)),
        F::ToInteger => convert::to_integer(&call),
        F::ConvertsToInteger => converts(convert::to_integer(&call)),
        F::ToDecimal => convert::to_decimal(&call),
        F::ConvertsToDecimal => converts(convert::to_decimal(&call)),
        F::ToDate => convert::to_date(&call),
        F::ConvertsToDate => converts(convert::to_date(&call)),
        F::ToDateTime => convert::to_date_time(&call),
        F::ConvertsToDateTime => converts(convert::to_date_time(&call)),
        F::ToTime => convert::to_time(&call),
        F::ConvertsToTime => converts(convert::to_time(&call)),
        F::ToQuantity => convert::to_quantity(&call),
        F::ConvertsToQuantity => converts(convert::to_quantity(&call)),
        F::ToString => convert::to_string(&call),
        F::ConvertsToString => Ok(Some(Scalar::Boolean(true))),

        F::IndexOf => text::index_of(&call),
        F::LastIndexOf => text::last_index_of(&call),
        F::Substring => text::substring(&call),
        F::StartsWith => text::starts_with(&call),
        F::EndsWith => text::ends_with(&call),
        F::Contains => text::contains(&call),
        F::Upper => text::upper(&call),
        F::Lower => text::lower(&call),
        F::Replace => text::replace(&call),
        F::Length => text::length(&call),
        F::Trim => text::trim(&call),
        F::Matches | F::MatchesFull => regex::matches(&call, prepared),
        F::ReplaceMatches => regex::replace_matches(&call, prepared),
        F::Encode => encode::encode(&call),
        F::Decode => encode::decode(&call),
        F::Escape => encode::escape(&call),
        F::Unescape => encode::unescape(&call),

        F::Abs => math::abs(&call),
        F::Ceiling => math::ceiling(&call),
        F::Exp => math::exp(&call),
        F::Floor => math::floor(&call),
        F::Ln => math::ln(&call),
        F::Log => math::log(&call),
        F::Power => math::power(&call),
        F::Round => math::round(&call),
        F::Sqrt => math::sqrt(&call),
        F::Truncate => math::truncate(&call),

        F::LowBoundary => boundary::low(&call),
        F::HighBoundary => boundary::high(&call),
        F::Precision => boundary::precision(&call),
        F::Comparable => boundary::comparable(&call),

        _ => return Err(Fault::Other("the function does not work on single values")),
    };
    Ok(value?.map_or_else(Values::new, |value| smallvec![value]))
}

/// The digits of a long number, which are work for every function.
fn digits(value: &Scalar<'_>) -> u64 {
    match value {
        Scalar::Decimal(value) => value.size(),
        Scalar::Quantity(quantity) => quantity.value.size(),
        _ => 0,
    }
}

/// What one function gives that has at most one value.
type Value<'a> = Result<Option<Scalar<'a>>, Fault>;

/// `convertsToX` from what `toX` gives.
fn converts(converted: Value<'_>) -> Value<'_> {
    Ok(Some(Scalar::Boolean(converted?.is_some())))
}

/// One call of a function.
struct Call<'c, 'a> {
    function: Function,
    input: &'c Scalar<'a>,
    args: &'c [Scalar<'a>],
    work: &'c Work<'c>,
}

impl<'c, 'a> Call<'c, 'a> {
    /// The input of a function on strings.
    fn text(&self) -> Result<&'c Text<'a>, Fault> {
        match self.input {
            Scalar::String(text) => Ok(text),
            _ => Err(self.wrong_input()),
        }
    }

    fn text_argument(&self, index: usize, expected: &'static str) -> Result<&'c Text<'a>, Fault> {
        match self.args.get(index) {
            Some(Scalar::String(text)) => Ok(text),
            _ => Err(self.wrong_argument(expected)),
        }
    }

    /// `None` where the argument is not given.
    fn integer_argument(&self, index: usize, expected: &'static str) -> Result<Option<i64>, Fault> {
        match self.args.get(index) {
            None => Ok(None),
            Some(Scalar::Integer(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong_argument(expected)),
        }
    }

    fn wrong_input(&self) -> Fault {
        Fault::Input {
            function: self.function.name(),
            found: self.input.type_name(),
        }
    }

    fn wrong_argument(&self, expected: &'static str) -> Fault {
        Fault::Argument {
            function: self.function.name(),
            expected,
        }
    }
}

/// A count or a position in a text, which always fits.
fn count<'a>(value: usize) -> Option<Scalar<'a>> {
    i64::try_from(value).ok().map(Scalar::Integer)
}

/// Takes the cost of making a string of so many bytes, before it is made.
fn make_text(work: &Work<'_>, bytes: usize) -> Result<(), Fault> {
    if bytes > MAX_TEXT {
        return Err(Fault::TextTooLong(MAX_TEXT));
    }
    work.spend_text(bytes)
}

#[cfg(test)]
mod tests;
