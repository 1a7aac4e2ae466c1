//! Exact decimals (N1 §4.1.4), with the digits they were written with.

mod arithmetic;
mod read;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};

/// Most digits that a number may have before its point, and most after it. The language asks for 28 and 8.
pub(crate) const MAX_DIGITS: u32 = 1_000;

/// Most decimals of a number that is kept in a machine word.
const SMALL_SCALE: u8 = 18;

/// A decimal number with the digits it was written with: `1.50` equals `1.5`, and is written `1.50`.
///
/// At most 1,000 digits stand before the point and 1,000 after it; what would need more is never made. Comparison,
/// equality and hashing are those of the number.
#[derive(Clone)]
pub struct Decimal(Repr);

/// Nearly all numbers are short; those never allocate.
#[derive(Clone)]
enum Repr {
    /// `digits` divided by 10 to the power of `scale`, which is at most [`SMALL_SCALE`].
    Small { digits: i64, scale: u8 },
    /// The scale is 0 to [`MAX_DIGITS`].
    Big(Box<BigDecimal>),
}

impl Decimal {
    /// The whole number.
    #[must_use]
    pub fn from_i64(value: i64) -> Self {
        Self(Repr::Small {
            digits: value,
            scale: 0,
        })
    }

    /// `digits` divided by 10 to the power of `scale`, for constants.
    pub(crate) const fn from_small(digits: i64, scale: u8) -> Self {
        assert!(
            scale <= SMALL_SCALE,
            "more decimals than a small number has"
        );
        Self(Repr::Small { digits, scale })
    }

    /// `digits` divided by 10 to the power of `scale`; `None` beyond [`MAX_DIGITS`].
    pub(crate) fn from_parts(digits: i128, scale: u32) -> Option<Self> {
        if let (Ok(digits), Ok(scale @ 0..=SMALL_SCALE)) =
            (i64::try_from(digits), u8::try_from(scale))
        {
            return Some(Self(Repr::Small { digits, scale }));
        }
        Self::from_big(BigDecimal::new(digits.into(), scale.into()))
    }

    /// The same number with the same decimals; `None` beyond [`MAX_DIGITS`].
    pub(crate) fn from_big(value: BigDecimal) -> Option<Self> {
        let (digits, scale) = value.into_bigint_and_scale();
        if digits.sign() == Sign::NoSign {
            let scale = u32::try_from(scale.max(0)).ok()?.min(MAX_DIGITS);
            return Some(Self::zero(scale));
        }
        // A bit is worth log10(2) digits: this is never too high, and at most one too low.
        let least = digits.bits().saturating_sub(1) as i64 * 30_102 / 100_000;
        if scale > i64::from(MAX_DIGITS)
            || least.saturating_sub(scale) > i64::from(MAX_DIGITS)
            || scale < -i64::from(MAX_DIGITS)
        {
            return None;
        }
        let value = BigDecimal::new(digits, scale).with_scale(scale.max(0));
        let (digits, scale) = value.as_bigint_and_scale();
        if let (Some(digits), Ok(scale @ 0..=SMALL_SCALE)) = (digits.to_i64(), u8::try_from(scale))
        {
            return Some(Self(Repr::Small { digits, scale }));
        }
        if BigInt::from(digits.magnitude().clone())
            >= power_of_ten(MAX_DIGITS + u32::try_from(scale).ok()?)
        {
            return None;
        }
        Some(Self(Repr::Big(Box::new(value))))
    }

    fn zero(scale: u32) -> Self {
        match u8::try_from(scale) {
            Ok(scale @ 0..=SMALL_SCALE) => Self(Repr::Small { digits: 0, scale }),
            _ => Self(Repr::Big(Box::new(BigDecimal::new(
                BigInt::ZERO,
                scale.into(),
            )))),
        }
    }

    /// The same number with the same decimals.
    pub(crate) fn to_big(&self) -> BigDecimal {
        match &self.0 {
            Repr::Small { digits, scale } => BigDecimal::new((*digits).into(), (*scale).into()),
            Repr::Big(value) => (**value).clone(),
        }
    }

    /// How many digits it has after the point, zeros at the end included.
    #[must_use]
    pub fn scale(&self) -> u32 {
        match &self.0 {
            Repr::Small { scale, .. } => (*scale).into(),
            // Never out of range.
            Repr::Big(value) => u32::try_from(value.fractional_digit_count()).unwrap_or(MAX_DIGITS),
        }
    }

    /// Whether it is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.sign() == Ordering::Equal
    }

    /// Whether it is below 0.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.sign() == Ordering::Less
    }

    /// How it compares with 0.
    fn sign(&self) -> Ordering {
        match &self.0 {
            Repr::Small { digits, .. } => digits.cmp(&0),
            Repr::Big(value) => match value.sign() {
                Sign::Minus => Ordering::Less,
                Sign::NoSign => Ordering::Equal,
                Sign::Plus => Ordering::Greater,
            },
        }
    }

    /// Whether it is a whole number, like `4` and `4.00`.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small { digits, scale } => 10_i64
                .checked_pow((*scale).into())
                .is_some_and(|one| digits % one == 0),
            Repr::Big(value) => value.is_integer(),
        }
    }

    /// The whole number that it is; `None` when it has decimals other than zeros, or is beyond 64 bits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        if !self.is_integer() {
            return None;
        }
        i64::try_from(self.units(0)?).ok()
    }

    /// How many units of 10 to the power of `-scale` it has, without what is left over; `None` beyond 128 bits.
    pub(crate) fn units(&self, scale: u32) -> Option<i128> {
        match &self.0 {
            Repr::Small { digits, scale: own } => {
                let own = u32::from(*own);
                let power = 10_i128.checked_pow(own.abs_diff(scale))?;
                let digits = i128::from(*digits);
                if own > scale {
                    Some(digits / power)
                } else {
                    digits.checked_mul(power)
                }
            }
            Repr::Big(value) => {
                let units = value.with_scale(scale.into());
                units.into_bigint_and_scale().0.to_i128()
            }
        }
    }

    /// The nearest binary floating point number; infinite where it is beyond their range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        // Rust reads any decimal text correctly rounded.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The shortest decimal that stands for this number; `None` for infinities and NaN.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        Self::parse(&value.to_string())
    }

    /// The number divided by 10 to the power of `places`; `None` beyond [`MAX_DIGITS`].
    pub(crate) fn shifted(&self, places: u32) -> Option<Self> {
        let (digits, scale) = self.to_big().into_bigint_and_scale();
        Self::from_big(BigDecimal::new(digits, scale.checked_add(places.into())?))
    }

    /// The number rounded to so many significant digits, where it has more.
    pub(crate) fn to_significant(&self, digits: NonZeroU64) -> Self {
        match &self.0 {
            Repr::Small { .. } => self.clone(),
            Repr::Big(value) if value.digits() <= digits.get() => self.clone(),
            Repr::Big(value) => {
                let rounded = value.with_precision_round(digits, RoundingMode::HalfUp);
                Self::from_big(rounded).unwrap_or_else(|| self.clone())
            }
        }
    }

    /// How many digits there are to work on, roughly; 0 for a number in a machine word.
    pub(crate) fn size(&self) -> u64 {
        match &self.0 {
            Repr::Small { .. } => 0,
            Repr::Big(value) => value.as_bigint_and_scale().0.bits() / 3,
        }
    }

    /// Without zeros at the end of its decimals.
    #[must_use]
    pub fn normalized(&self) -> Self {
        match &self.0 {
            Repr::Small { digits, scale } => {
                let (mut digits, mut scale) = (*digits, *scale);
                while scale > 0 && digits % 10 == 0 {
                    digits /= 10;
                    scale -= 1;
                }
                Self(Repr::Small { digits, scale })
            }
            Repr::Big(value) => {
                let value = value.normalized();
                let scale = value.fractional_digit_count().max(0);
                Self::from_big(value.with_scale(scale)).unwrap_or_else(|| self.clone())
            }
        }
    }
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::from_i64(value)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((a, b, _)) = self.aligned(other) {
            return a.cmp(&b);
        }
        self.to_big().cmp(&other.to_big())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.normalized().0 {
            Repr::Small { digits, scale } => (digits, scale).hash(state),
            Repr::Big(value) => value.as_bigint_and_scale().hash(state),
        }
    }
}

impl fmt::Display for Decimal {
    /// All its decimals, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small { digits, scale: 0 } => write!(f, "{digits}"),
            Repr::Small { digits, scale } => {
                let one = 10_u64.pow((*scale).into());
                let sign = if *digits < 0 { "-" } else { "" };
                let digits = digits.unsigned_abs();
                let width = usize::from(*scale);
                write!(f, "{sign}{}.{:0width$}", digits / one, digits % one)
            }
            Repr::Big(value) => f.write_str(&value.to_plain_string()),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
