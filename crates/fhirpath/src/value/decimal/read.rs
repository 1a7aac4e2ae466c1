//! Text to decimals.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

use super::{Decimal, MAX_DIGITS};

impl Decimal {
    /// Reads digits, optionally with a sign before them, a point and digits after them, and an exponent as in JSON.
    /// All digits count as written; an exponent moves the point. `None` for any other text, and beyond 1,000 digits
    /// before or after the point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, decimals) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        if whole.is_empty()
            || !whole
                .bytes()
                .chain(decimals.bytes())
                .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        // Nothing is read, shifted or allocated before the size of the result is known to be small.
        let most = MAX_DIGITS as usize;
        let scale = i64::try_from(decimals.len()).ok()?.checked_sub(exponent)?;
        let zero = whole.is_empty() && decimals.bytes().all(|b| b == b'0');
        if zero {
            let scale = u32::try_from(scale.max(0)).ok()?;
            return (scale <= MAX_DIGITS).then(|| Self::zero(scale));
        }
        if whole.len() > 2 * most || decimals.len() > 2 * most {
            return None;
        }
        if scale.abs() > 2 * i64::from(MAX_DIGITS) {
            return None;
        }
        if whole.len() + decimals.len() <= 18 && scale >= 0 {
            let digits = small(&[whole, decimals].concat());
            return Self::from_parts(
                if negative { -digits } else { digits },
                u32::try_from(scale).ok()?,
            );
        }
        let digits = [whole, decimals].concat();
        let digits = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        Self::from_big(BigDecimal::new(
            if negative { -digits } else { digits },
            scale,
        ))
    }
}

/// At most 18 digits.
fn small(digits: &str) -> i128 {
    digits
        .bytes()
        .fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
}

/// An exponent; one that is too long to matter is far beyond every limit.
fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.trim_start_matches('0');
    let value = if value.len() > 9 {
        1_000_000_000
    } else {
        i64::try_from(small(value)).ok()?
    };
    Some(if negative { -value } else { value })
}
