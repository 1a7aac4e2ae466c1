//! Numbers as criteria write them: what they are, and how precisely they are written.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Zero as _};
use jsonb::Decimal;

/// A number in criteria, or in the data of a SampledData, has at most so many digits, and an exponent of at most this
/// many places either way.
const MOST_DIGITS: usize = 1_000;

/// A decimal number as it is written: FHIR's `decimal`, `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    value: BigDecimal,
    /// Half a unit of the last digit that counts is `5 · 10^-half_scale`.
    half_scale: i64,
}

impl Written {
    /// Reads a number.
    pub fn parse(text: &str) -> Option<Written> {
        if text.len() > MOST_DIGITS {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(read_exponent(exponent)?)),
            None => (text, None),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (unsigned, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || (whole.len() > 1 && whole.starts_with('0'))
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return None;
        }
        let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        let digits = if mantissa.starts_with('-') {
            -digits
        } else {
            digits
        };
        let places = i64::try_from(fraction.len()).ok()?;
        // R4's own example takes 1e2 for 95 to 105: a mantissa counts with one decimal at least.
        let counted = exponent.map_or(places, |_| places.max(1));
        let exponent = exponent.unwrap_or(0);
        Some(Written {
            value: BigDecimal::new(digits, places.checked_sub(exponent)?),
            half_scale: counted.checked_sub(exponent)?.checked_add(1)?,
        })
    }

    /// The number.
    pub fn value(&self) -> &BigDecimal {
        &self.value
    }

    /// The numbers that are rounded to this one: from the first, up to the second without it.
    pub fn rounded(&self) -> (BigDecimal, BigDecimal) {
        let half = BigDecimal::new(5.into(), self.half_scale);
        (&self.value - &half, &self.value + &half)
    }

    /// Ten percent less and more.
    pub fn about(&self) -> (BigDecimal, BigDecimal) {
        let tenth = self.value.abs() * BigDecimal::new(1.into(), 1);
        (&self.value - &tenth, &self.value + &tenth)
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = digits.parse().ok()?;
    let most = i64::try_from(MOST_DIGITS).ok()?;
    (exponent <= most).then_some(if text.starts_with('-') {
        -exponent
    } else {
        exponent
    })
}

/// The number as PostgreSQL's `numeric`.
pub fn to_numeric(value: &BigDecimal) -> Option<Decimal> {
    if value.is_zero() {
        return Decimal::parse("0").ok();
    }
    Decimal::parse(&value.normalized().to_plain_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision() {
        for (text, value, low, high) in [
            ("100", "100", "99.5", "100.5"),
            ("100.00", "100", "99.995", "100.005"),
            ("1e2", "100", "95", "105"),
            ("1.0e2", "100", "95", "105"),
            ("1.00E+2", "100", "99.5", "100.5"),
            ("-5.4", "-5.4", "-5.45", "-5.35"),
            ("0", "0", "-0.5", "0.5"),
            ("0.0", "0", "-0.05", "0.05"),
            ("5.40e-3", "0.0054", "0.005395", "0.005405"),
        ] {
            let written = Written::parse(text).unwrap();
            let plain = |value: &BigDecimal| to_numeric(value).unwrap().as_number().to_decimal();
            let (from, to) = written.rounded();
            assert_eq!(
                [plain(written.value()), plain(&from), plain(&to)],
                [value, low, high],
                "{text}"
            );
        }
    }

    #[test]
    fn malformed() {
        let long = "1".repeat(MOST_DIGITS + 1);
        for text in [
            "",
            "-",
            "+1",
            ".5",
            "5.",
            "00",
            "01",
            "1e",
            "1e1001",
            "1e-",
            "e5",
            "abc",
            "1,5",
            " 1",
            "1 ",
            "0x10",
            "NaN",
            "Infinity",
            "1e99999999999999999999",
            "--1",
            "1.2.3",
            "1_000",
            "１",
            &long,
        ] {
            assert_eq!(Written::parse(text), None, "{text:?}");
        }
    }
}
