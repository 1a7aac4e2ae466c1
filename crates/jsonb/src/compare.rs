//! The order of numbers by value: `1.0` and `1.00` are the same.

use std::cmp::Ordering;

use crate::number::{Fields, Number};

impl<'a> Number<'a> {
    /// What numbers of one value have in common, whatever their text: sign (-1, 0, 1), weight and digits of its
    /// `numeric`. (A datum that is no number, which documents do not hold, is like none that is.)
    pub fn value_parts(&self) -> (i8, i16, &'a [[u8; 2]]) {
        match self.fields() {
            None => (i8::MIN, 0, &[]),
            Some(fields) if fields.digits.is_empty() => (0, 0, &[]),
            Some(fields) => (sign(&fields), fields.weight, fields.digits),
        }
    }

    /// Compares by value, exactly. (A datum that is no number, which documents do not hold, comes first.)
    pub fn compare(&self, other: &Number<'_>) -> Ordering {
        match (self.fields(), other.fields()) {
            (Some(left), Some(right)) => {
                sign(&left)
                    .cmp(&sign(&right))
                    .then_with(|| match sign(&left) {
                        0 => Ordering::Equal,
                        1 => magnitude(&left, &right),
                        _ => magnitude(&right, &left),
                    })
            }
            (left, right) => left.is_some().cmp(&right.is_some()),
        }
    }
}

fn sign(fields: &Fields<'_>) -> i8 {
    match (fields.digits.is_empty(), fields.negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    }
}

/// Compares absolute values: the digits have no zeros at either end.
fn magnitude(left: &Fields<'_>, right: &Fields<'_>) -> Ordering {
    let value = |digit: &[u8; 2]| u16::from_ne_bytes(*digit);
    let digits = left.digits.iter().map(value);
    left.weight
        .cmp(&right.weight)
        .then_with(|| digits.cmp(right.digits.iter().map(value)))
}

#[cfg(test)]
mod tests {
    use crate::Decimal;

    #[test]
    fn order() {
        let ordered = [
            "-1e100",
            "-10000.5",
            "-10000",
            "-9999.99",
            "-1.10",
            "-1",
            "-0.00000001",
            "0",
            "0.00000001",
            "0.0001",
            "0.01",
            "1",
            "1.05",
            "1.1",
            "9999",
            "9999.0001",
            "10000",
            "10000.00001",
            "123456789012345678901234567890",
            "1e100",
        ];
        for (i, left) in ordered.iter().enumerate() {
            for (j, right) in ordered.iter().enumerate() {
                let (one, other) = (
                    Decimal::parse(left).unwrap(),
                    Decimal::parse(right).unwrap(),
                );
                assert_eq!(
                    one.as_number().compare(&other.as_number()),
                    i.cmp(&j),
                    "{left} {right}"
                );
                let same = one.as_number().value_parts() == other.as_number().value_parts();
                assert_eq!(same, i == j, "{left} {right}");
            }
        }
        for (left, right) in [
            ("1", "1.000"),
            ("0", "-0.00"),
            ("1e3", "1000"),
            ("10000", "1.0e4"),
        ] {
            let (one, other) = (
                Decimal::parse(left).unwrap(),
                Decimal::parse(right).unwrap(),
            );
            assert!(
                one.as_number().compare(&other.as_number()).is_eq(),
                "{left} {right}"
            );
            assert_eq!(
                one.as_number().value_parts(),
                other.as_number().value_parts(),
                "{left} {right}"
            );
        }
    }
}
