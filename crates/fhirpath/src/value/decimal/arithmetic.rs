//! Arithmetic on decimals. `None` means: beyond the limit, or no such number.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Signed};

use super::{Decimal, MAX_DIGITS, Repr, power_of_ten};

/// A quotient that does not end has so many significant digits.
const QUOTIENT_DIGITS: i64 = 28;

/// A quotient that does not end has at least so many decimals: the language's step size.
const LEAST_DECIMALS: i64 = 8;

/// Quotients with at most so many decimals are found in machine words.
const SOON: u32 = 9;

impl Decimal {
    /// The number with the other sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        match &self.0 {
            Repr::Small { digits, scale } => match digits.checked_neg() {
                Some(digits) => Self(Repr::Small {
                    digits,
                    scale: *scale,
                }),
                None => Self(Repr::Big(Box::new(-self.to_big()))),
            },
            Repr::Big(value) => Self(Repr::Big(Box::new(-(**value).clone()))),
        }
    }

    /// The number without its sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() {
            self.negate()
        } else {
            self.clone()
        }
    }

    /// The sum, with the decimals of the operand that has more.
    #[must_use]
    pub fn add(&self, other: &Self) -> Option<Self> {
        if let Some((a, b, scale)) = self.aligned(other) {
            return Self::from_parts(a.checked_add(b)?, scale);
        }
        Self::from_big(self.to_big() + other.to_big())
    }

    /// The difference, with the decimals of the operand that has more.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negate())
    }

    /// The product, with the decimals of both operands together. Zeros at its end give way when they would be too many.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        if let (
            Repr::Small {
                digits: a,
                scale: s,
            },
            Repr::Small {
                digits: b,
                scale: t,
            },
        ) = (&self.0, &other.0)
        {
            let digits = i128::from(*a).checked_mul((*b).into())?;
            return Self::from_parts(digits, u32::from(*s) + u32::from(*t));
        }
        let product = self.to_big() * other.to_big();
        if product.fractional_digit_count() > i64::from(MAX_DIGITS) {
            return Self::from_big(product.normalized());
        }
        Self::from_big(product)
    }

    /// The quotient; `None` for a division by zero.
    ///
    /// A quotient that ends within 28 significant digits, or within 8 decimals where those reach further, is exact,
    /// with as many decimals as the dividend has more than the divisor, or as many more as it needs. Any other is
    /// rounded there, halves away from zero.
    #[must_use]
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let preferred = self.scale().saturating_sub(other.scale());
        if let Some(quotient) = self.divide_small(other, preferred) {
            return Some(quotient);
        }
        let (dividend, divisor) = (self.to_big(), other.to_big());
        let (a, s) = dividend.as_bigint_and_scale();
        let (b, t) = divisor.as_bigint_and_scale();
        let (a_digits, b_digits) = (digit_count(&a), digit_count(&b));
        // Of two numbers of the same length, does the first lead?
        let leads = a.magnitude() * power_of_ten(b_digits).magnitude()
            >= b.magnitude() * power_of_ten(a_digits).magnitude();
        // The digits of the quotient before its point; negative for zeros after the point.
        let before = i64::from(a_digits) - s - (i64::from(b_digits) - t) + i64::from(leads);
        let decimals = (QUOTIENT_DIGITS - before)
            .max(LEAST_DECIMALS)
            .max(preferred.into())
            .min(MAX_DIGITS.into());
        // a/10^s / (b/10^t), in units of 10^-decimals.
        let shift = decimals + t - s;
        let quotient = |a: &BigInt, b: &BigInt| {
            let quotient: BigInt = a / b;
            let rest: BigInt = a - &quotient * b;
            if rest.abs() * 2 >= b.abs() {
                quotient
                    + if (rest.is_negative()) == b.is_negative() {
                        1
                    } else {
                        -1
                    }
            } else {
                quotient
            }
        };
        let digits = match u32::try_from(shift) {
            Ok(shift) => quotient(&(a.as_ref() * power_of_ten(shift)), &b),
            Err(_) => quotient(
                &a,
                &(b.as_ref() * power_of_ten(u32::try_from(-shift).ok()?)),
            ),
        };
        let quotient = BigDecimal::new(digits, decimals);
        let needed = quotient.normalized().fractional_digit_count();
        Self::from_big(quotient.with_scale(needed.max(preferred.into())))
    }

    /// The quotient, where it ends soon and that is cheap to find out.
    fn divide_small(&self, other: &Self, preferred: u32) -> Option<Self> {
        /// Beyond this, a quotient might have more digits than are kept.
        const MOST: u128 = 10_u128.pow(QUOTIENT_DIGITS as u32);
        let (a, b, _) = self.aligned(other)?;
        let digits = a.checked_mul(10_i128.pow(SOON))?;
        if digits % b != 0 {
            return None;
        }
        let (mut digits, mut scale) = (digits / b, SOON);
        while scale > preferred && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        if digits.unsigned_abs() >= MOST || scale < preferred {
            return None;
        }
        Self::from_parts(digits, scale)
    }

    /// The quotient without its decimals (`div`); `None` for a division by zero.
    #[must_use]
    pub fn divide_whole(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let (a, b) = match self.aligned(other) {
            Some((a, b, _)) => return Self::from_parts(a.checked_div(b)?, 0),
            None => self.aligned_big(other),
        };
        Self::from_big(BigDecimal::new(a / b, 0))
    }

    /// What [`divide_whole`](Self::divide_whole) leaves over (`mod`), with the sign of the dividend and the decimals of
    /// the operand that has more; `None` for a division by zero.
    #[must_use]
    pub fn remainder(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        if let Some((a, b, scale)) = self.aligned(other) {
            return Self::from_parts(a.checked_rem(b)?, scale);
        }
        let (a, b) = self.aligned_big(other);
        let scale = self.scale().max(other.scale());
        Self::from_big(BigDecimal::new(a % b, scale.into()))
    }

    /// The number multiplied by itself so many times; `None` beyond the limit.
    #[must_use]
    pub fn power(&self, exponent: u32) -> Option<Self> {
        let (mut base, mut left) = (self.clone(), exponent);
        let mut result = Self::from_i64(1);
        loop {
            if left % 2 == 1 {
                result = result.multiply(&base)?;
            }
            left /= 2;
            if left == 0 {
                return Some(result);
            }
            base = base.multiply(&base)?;
        }
    }

    /// The number with so many decimals.
    #[must_use]
    pub fn round(&self, decimals: u32, mode: RoundingMode) -> Option<Self> {
        if decimals > MAX_DIGITS {
            return None;
        }
        if decimals == self.scale() {
            return Some(self.clone());
        }
        Self::from_big(self.to_big().with_scale_round(decimals.into(), mode))
    }

    /// Both numbers in units of the finer scale, which comes third, where that is cheap.
    pub(super) fn aligned(&self, other: &Self) -> Option<(i128, i128, u32)> {
        let (
            Repr::Small {
                digits: a,
                scale: s,
            },
            Repr::Small {
                digits: b,
                scale: t,
            },
        ) = (&self.0, &other.0)
        else {
            return None;
        };
        let most = (*s).max(*t);
        let widen = |digits: i64, missing: u8| {
            10_i128
                .checked_pow(missing.into())?
                .checked_mul(digits.into())
        };
        Some((widen(*a, most - s)?, widen(*b, most - t)?, most.into()))
    }

    /// Both numbers in units of the finer scale.
    fn aligned_big(&self, other: &Self) -> (BigInt, BigInt) {
        let scale = self.scale().max(other.scale()).into();
        let digits = |number: &Self| number.to_big().with_scale(scale).into_bigint_and_scale().0;
        (digits(self), digits(other))
    }
}

/// How many decimal digits a number within the limits has; 0 for 0.
fn digit_count(value: &BigInt) -> u32 {
    // A bit is worth log10(2) digits: this may be one too low.
    let least = u32::try_from(value.bits() * 30_102 / 100_000).unwrap_or(u32::MAX);
    let mut count = least.saturating_sub(1);
    while value.magnitude() >= power_of_ten(count).magnitude() {
        count += 1;
    }
    count
}
