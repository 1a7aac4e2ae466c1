//! Numbers: PostgreSQL's `numeric`, in the binary form of `src/backend/utils/adt/numeric.c`.
//!
//! A varlena header of four bytes, a header of two (or four) bytes with sign, display scale and weight, and digits to the
//! base 10,000. The value is `±Σ digit[i] · 10000^(weight - i)`; the display scale is the number of decimals shown.

use std::fmt::Write as _;

use crate::{Corrupt, layout};

const SIGN: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_SCALE: u16 = 0x1F80;
const SHORT_SCALE_SHIFT: u32 = 7;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT: u16 = 0x003F;
const LONG_SCALE: u16 = 0x3FFF;
const DIGIT_BASE: u16 = 10_000;

/// A number inside a binary document. Equal when the binary forms are: `1.0` and `1.00` differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    /// The whole `numeric` datum, varlena header included.
    bytes: &'a [u8],
}

/// A number's fields, taken apart.
pub(crate) struct Fields<'a> {
    pub(crate) negative: bool,
    scale: u16,
    pub(crate) weight: i16,
    pub(crate) digits: &'a [[u8; 2]],
}

impl<'a> Number<'a> {
    /// The number whose `numeric` datum these bytes are.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        const WRONG: Corrupt = Corrupt("a number is not a numeric datum");
        let header = layout::first_u32(bytes).ok_or(WRONG)?;
        if varlena_size(header) != Some(bytes.len()) {
            return Err(WRONG);
        }
        let number = Number { bytes };
        match number.fields() {
            Some(_) => Ok(number),
            None => Err(WRONG),
        }
    }

    /// The `numeric` datum itself, with its varlena header of four bytes: what PostgreSQL's functions take.
    pub fn datum_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `None` for NaN and the infinities, which `jsonb` never holds, and when the bytes are too short.
    pub(crate) fn fields(&self) -> Option<Fields<'a>> {
        let (_, rest) = self.bytes.split_first_chunk::<4>()?;
        let (header, rest) = rest.split_first_chunk::<2>()?;
        let header = u16::from_ne_bytes(*header);
        let (negative, scale, weight, digits) = match header & SIGN {
            SPECIAL => return None,
            SHORT => {
                let low = (header & SHORT_WEIGHT).cast_signed();
                let weight = if header & SHORT_WEIGHT_SIGN == 0 {
                    low
                } else {
                    low | !SHORT_WEIGHT.cast_signed()
                };
                let scale = (header & SHORT_SCALE) >> SHORT_SCALE_SHIFT;
                (header & SHORT_NEGATIVE != 0, scale, weight, rest)
            }
            sign => {
                let (weight, digits) = rest.split_first_chunk::<2>()?;
                let weight = i16::from_ne_bytes(*weight);
                (sign == NEGATIVE, header & LONG_SCALE, weight, digits)
            }
        };
        let (digits, odd) = digits.as_chunks();
        odd.is_empty().then_some(Fields {
            negative,
            scale,
            weight,
            digits,
        })
    }

    /// Whether the digits are as `numeric` keeps them: below 10,000, without zeros at either end, none for zero.
    pub(crate) fn is_normal(&self) -> bool {
        let Some(fields) = self.fields() else {
            return false;
        };
        let mut digits = fields.digits.iter().map(|d| u16::from_ne_bytes(*d));
        let outer_zero = [fields.digits.first(), fields.digits.last()].contains(&Some(&[0, 0]));
        let zero = fields.digits.is_empty();
        !outer_zero
            && digits.all(|d| d < DIGIT_BASE)
            && (!zero || fields.weight == 0 && !fields.negative)
    }

    /// The exact text, as `numeric_out` writes it: all decimals of the stored scale, never an exponent (`1.10`).
    pub fn to_decimal(&self) -> String {
        let mut text = String::new();
        self.write_decimal(&mut text);
        text
    }

    /// How many bytes [`to_decimal`](Self::to_decimal) gives, at most three more than it does. A short document can hold
    /// a number whose text is long (`1e131071`).
    pub fn decimal_len(&self) -> usize {
        let Some(fields) = self.fields() else {
            return 4;
        };
        let whole = usize::try_from(fields.weight.max(0)).unwrap_or(0) * 4 + 4;
        whole + usize::from(fields.scale) + 2
    }

    /// Appends [`to_decimal`](Self::to_decimal).
    pub(crate) fn write_decimal(&self, out: &mut String) {
        let Some(fields) = self.fields() else {
            return out.push_str("null");
        };
        let digit = |position: i32| -> u16 {
            // The digit of 10000^-position, position 0 being the units.
            usize::try_from(i32::from(fields.weight).saturating_add(position))
                .ok()
                .and_then(|i| fields.digits.get(i))
                .map_or(0, |chunk| u16::from_ne_bytes(*chunk))
        };
        if fields.negative {
            out.push('-');
        }
        // Writing to a String does not fail.
        let _ = write!(out, "{}", digit(-i32::from(fields.weight.max(0))));
        for position in -i32::from(fields.weight.max(0))..0 {
            let _ = write!(out, "{:04}", digit(position.saturating_add(1)));
        }
        if fields.scale > 0 {
            out.push('.');
            let end = out.len().saturating_add(usize::from(fields.scale));
            let mut position = 1;
            while out.len() < end {
                let _ = write!(out, "{:04}", digit(position));
                position = position.saturating_add(1);
            }
            out.truncate(end);
        }
    }
}

impl std::fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_decimal())
    }
}

#[cfg(target_endian = "little")]
fn varlena_size(header: u32) -> Option<usize> {
    (header & 3 == 0).then_some((header >> 2) as usize)
}

#[cfg(target_endian = "big")]
fn varlena_size(header: u32) -> Option<usize> {
    (header & 0xC000_0000 == 0).then_some(header as usize)
}

#[cfg(target_endian = "little")]
const fn varlena_header(size: u32) -> u32 {
    size << 2
}

#[cfg(target_endian = "big")]
const fn varlena_header(size: u32) -> u32 {
    size
}

/// A number of its own, outside any document.
#[derive(Clone, PartialEq, Eq)]
pub struct Decimal {
    datum: Box<[u8]>,
}

impl std::fmt::Debug for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_number().fmt(f)
    }
}

/// The text is not a JSON number that PostgreSQL's `numeric` can hold (131,072 digits before, 16,383 after the point).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number that numeric can hold")]
pub struct NotANumber;

impl Decimal {
    /// The number of a JSON text such as `-1.10e3`, as `numeric_in` reads it: decimals are kept, an exponent shifts them.
    ///
    /// # Errors
    /// [`NotANumber`] when the text is not in JSON's grammar for numbers, or `numeric` cannot hold it.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        Self::read(text).ok_or(NotANumber)
    }

    /// The number as a view.
    pub fn as_number(&self) -> Number<'_> {
        Number { bytes: &self.datum }
    }

    /// A copy of a number inside a document.
    pub fn of(number: Number<'_>) -> Self {
        Decimal {
            datum: number.bytes.into(),
        }
    }

    /// The number in at most `groups` digits to the base 10,000 and one more, for places that have no room for every
    /// number. Compared with any number of at most `groups` such digits (at least `4 * groups - 3` decimal ones), what is
    /// returned is less, equal or greater exactly where this number is.
    #[must_use]
    pub fn shortened(self, groups: usize) -> Self {
        let Some(fields) = self.as_number().fields() else {
            return self;
        };
        let Some((kept, cut)) = fields.digits.split_at_checked(groups) else {
            return self;
        };
        if groups == 0 || cut.is_empty() {
            return self;
        }
        // The last digit is never zero, so this number lies between two neighbours of `groups` digits. So does any that
        // goes on behind the lower one.
        let mut digits: Vec<u16> = kept.iter().map(|d| u16::from_ne_bytes(*d)).collect();
        digits.push(1);
        Self::build(fields.negative, fields.scale, fields.weight, &digits)
    }

    fn read(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, decimals) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, decimals)) => (whole, decimals),
            None => (mantissa, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(decimals) {
            return None;
        }
        let scale = i64::try_from(decimals.len()).ok()?.checked_sub(exponent)?;
        let scale = u16::try_from(scale.max(0))
            .ok()
            .filter(|s| *s <= LONG_SCALE)?;
        // The power of ten of the first digit.
        let power = i64::try_from(whole.len())
            .ok()?
            .checked_sub(1)?
            .checked_add(exponent)?;
        let (digits, weight) = group(whole.bytes().chain(decimals.bytes()), power)?;
        Some(Self::build(
            negative && !digits.is_empty(),
            scale,
            weight,
            &digits,
        ))
    }

    fn build(negative: bool, scale: u16, weight: i16, digits: &[u16]) -> Self {
        let short = scale <= (SHORT_SCALE >> SHORT_SCALE_SHIFT) && (-64..=63).contains(&weight);
        let mut datum = vec![0; 4];
        if short {
            let sign = if negative { SHORT_NEGATIVE } else { 0 };
            let weight = weight.cast_unsigned() & (SHORT_WEIGHT | SHORT_WEIGHT_SIGN);
            let header = SHORT | sign | (scale << SHORT_SCALE_SHIFT) | weight;
            datum.extend_from_slice(&header.to_ne_bytes());
        } else {
            let sign = if negative { NEGATIVE } else { 0 };
            datum.extend_from_slice(&(sign | scale).to_ne_bytes());
            datum.extend_from_slice(&weight.to_ne_bytes());
        }
        for digit in digits {
            datum.extend_from_slice(&digit.to_ne_bytes());
        }
        // At most 131,072 + 16,383 decimal digits: the length fits.
        let size = u32::try_from(datum.len()).unwrap_or(0);
        if let Some(header) = datum.first_chunk_mut() {
            *header = varlena_header(size).to_ne_bytes();
        }
        Decimal {
            datum: datum.into_boxed_slice(),
        }
    }
}

/// The exponent's digits with an optional sign, bounded as `numeric_in` bounds it.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let limit = i64::from(i32::MAX) / 2;
    text.parse()
        .ok()
        .filter(|e| (-limit + 1..limit).contains(e))
}

/// Decimal digits, the first of which stands for 10^`power`, as digits to the base 10,000 without zeros at either end, and
/// the power of 10,000 of the first. `None` when that does not fit.
fn group(decimal: impl Iterator<Item = u8>, power: i64) -> Option<(Vec<u16>, i16)> {
    let mut digits: Vec<u16> = Vec::new();
    let mut weight = 0;
    let mut power = power;
    for digit in decimal.map(|b| u16::from(b.saturating_sub(b'0'))) {
        let group = power.div_euclid(4);
        let unit = match power.rem_euclid(4) {
            3 => 1000,
            2 => 100,
            1 => 10,
            _ => 1,
        };
        if digits.is_empty() {
            if digit != 0 {
                weight = group;
                digits.push(digit.saturating_mul(unit));
            }
        } else if unit == 1000 {
            digits.push(digit.saturating_mul(unit));
        } else if let Some(last) = digits.last_mut() {
            *last = last
                .saturating_add(digit.saturating_mul(unit))
                .min(DIGIT_BASE - 1);
        }
        power = power.checked_sub(1)?;
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    Some((digits, i16::try_from(weight).ok()?))
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    fn shortened(text: &str, groups: usize) -> String {
        let number = Decimal::parse(text).unwrap().shortened(groups);
        number.as_number().to_decimal()
    }

    #[test]
    fn what_fits_is_not_shortened() {
        for text in ["0", "-1", "1.10", "12345678", "-0.00010002", "1e300"] {
            let number = Decimal::parse(text).unwrap();
            assert_eq!(number.clone().shortened(2), number, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_stays_between_its_neighbours() {
        for (text, expected) in [
            ("123456789012", "123456780001"),
            ("-123456789012", "-123456780001"),
            ("123456780000000000000009", "123456780001000000000000"),
            ("1.00020003", "1.00020001"),
            ("0.000100020003", "0.000100020001"),
        ] {
            assert_eq!(shortened(text, 2), expected, "{text}");
        }
    }
}
