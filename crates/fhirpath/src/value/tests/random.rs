//! Properties, against bigdecimal and chrono.

use bigdecimal::{BigDecimal, RoundingMode};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _};
use proptest::prelude::*;

use super::*;
use crate::temporal::{Date, DateTime};
use crate::value::decimal::MAX_DIGITS;

/// Numbers of all sizes, as text.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,3}",
        "-?[0-9]{1,12}\\.[0-9]{1,8}",
        "-?[0-9]{1,22}\\.[0-9]{1,22}",
        "-?0\\.0{0,20}[0-9]{1,5}",
        "-?[0-9]{1,5}0{0,40}",
        "-?[0-9]{1,60}\\.[0-9]{1,60}",
        Just("-9223372036854775808".to_owned()),
        Just("9.223372036854775807".to_owned()),
        Just("-9.223372036854775808".to_owned()),
    ]
}

fn both(text: &str) -> (Decimal, BigDecimal) {
    (Decimal::parse(text).unwrap(), text.parse().unwrap())
}

/// The same number, with the same decimals.
fn same(ours: Option<Decimal>, theirs: &BigDecimal) -> bool {
    let text = theirs.to_plain_string();
    ours.is_some_and(|ours| ours.to_string() == text && ours.to_big() == *theirs)
}

proptest! {
    #[test]
    fn text_is_kept(text in number()) {
        let (ours, theirs) = both(&text);
        prop_assert!(same(Some(ours.clone()), &theirs), "{text} is {ours}");
        prop_assert_eq!(Decimal::parse(&ours.to_string()), Some(ours.clone()));
        prop_assert_eq!(ours.normalized(), ours.clone());
        prop_assert_eq!(ours.negate().negate().to_string(), ours.to_string());
        prop_assert_eq!(i64::from(ours.scale()), theirs.fractional_digit_count());
    }

    #[test]
    fn exponents_move_the_point(digits in "[0-9]{1,30}", exponent in -60_i64..60) {
        let theirs = BigDecimal::new(digits.parse().unwrap(), -exponent);
        let theirs = theirs.with_scale((-exponent).max(0));
        let text = format!("{digits}e{exponent}");
        prop_assert!(same(Decimal::parse(&text), &theirs), "{text} is {:?}", Decimal::parse(&text));
    }

    #[test]
    fn order_is_that_of_numbers(a in number(), b in number()) {
        let ((a, big_a), (b, big_b)) = (both(&a), both(&b));
        prop_assert_eq!(a.cmp(&b), big_a.cmp(&big_b));
        if a == b {
            prop_assert_eq!(Scalar::Decimal(a).bucket(), Scalar::Decimal(b).bucket());
        }
    }

    #[test]
    fn sums_and_products_are_exact(a in number(), b in number()) {
        let ((a, big_a), (b, big_b)) = (both(&a), both(&b));
        let scale = big_a.fractional_digit_count().max(big_b.fractional_digit_count());
        prop_assert!(same(a.add(&b), &(&big_a + &big_b).with_scale(scale)));
        prop_assert!(same(a.subtract(&b), &(&big_a - &big_b).with_scale(scale)));
        let scale = big_a.fractional_digit_count() + big_b.fractional_digit_count();
        prop_assert!(same(a.multiply(&b), &(&big_a * &big_b).with_scale(scale)));
    }

    #[test]
    fn whole_quotients_and_remainders_agree(a in number(), b in number()) {
        let ((a, _), (b, _)) = (both(&a), both(&b));
        let (quotient, remainder) = (a.divide_whole(&b), a.remainder(&b));
        prop_assert_eq!(quotient.is_none(), b.is_zero());
        if let (Some(quotient), Some(remainder)) = (quotient, remainder) {
            prop_assert!(quotient.is_integer());
            prop_assert!(remainder.abs() < b.abs());
            prop_assert!(remainder.is_zero() || remainder.is_negative() == a.is_negative());
            prop_assert_eq!(quotient.multiply(&b).unwrap().add(&remainder).unwrap(), a);
        }
    }

    #[test]
    fn quotients_are_near(a in number(), b in number()) {
        let ((a, _), (b, _)) = (both(&a), both(&b));
        let Some(quotient) = a.divide(&b) else {
            prop_assert!(b.is_zero());
            return Ok(());
        };
        // Half a unit of the last place that may be kept.
        let digits = quotient.to_big().digits() as i64;
        let before = digits - i64::from(quotient.scale());
        let kept = (28 - before).max(8);
        let half = BigDecimal::new(5.into(), kept + 1);
        let error = (quotient.to_big() * b.to_big() - a.to_big()).abs();
        prop_assert!(error <= half * b.to_big().abs(), "{a} / {b} = {quotient}");
        // And exact where that is possible.
        let product = quotient.multiply(&b).unwrap();
        prop_assert_eq!(product.divide(&b).unwrap(), quotient);
    }

    #[test]
    fn rounds_as_bigdecimal(a in number(), decimals in 0_u32..40) {
        let (a, big) = both(&a);
        for mode in [RoundingMode::HalfUp, RoundingMode::Down, RoundingMode::Floor, RoundingMode::Ceiling] {
            let theirs = big.with_scale_round(decimals.into(), mode);
            prop_assert!(same(a.round(decimals, mode), &theirs));
        }
        prop_assert_eq!(a.is_integer(), big.is_integer());
    }

    #[test]
    fn floats_come_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        match Decimal::from_f64(value) {
            Some(decimal) => prop_assert_eq!(decimal.to_f64(), value),
            None => prop_assert!(value.abs() < 1e-280),
        }
    }

    #[test]
    fn any_text_is_a_number_or_none(text in "[-+0-9.eE]{0,40}|.{0,20}") {
        if let Some(number) = Decimal::parse(&text) {
            prop_assert!(number.to_string().len() <= 2 * MAX_DIGITS as usize + 3);
        }
    }

    #[test]
    fn dates_move_like_chrono(day in 1_i32..3_652_059, days in -4_000_000_i64..4_000_000, months in -200_000_i32..200_000) {
        let date = NaiveDate::from_num_days_from_ce_opt(day).unwrap();
        let ours = Date::from_chrono(date).unwrap();
        let expected = date
            .checked_add_signed(TimeDelta::days(days))
            .filter(|date| (1..=9999).contains(&date.year()))
            .map(|date| date.to_string());
        let moved = ours.plus(&days.into(), crate::CalendarUnit::Day);
        prop_assert_eq!(moved.map(|date| date.to_string()), expected);

        // A month later is the same day, or the last one.
        let moved = ours.plus(&i64::from(months).into(), crate::CalendarUnit::Month);
        let index = date.year() * 12 + date.month0() as i32 + months;
        let year = index.div_euclid(12);
        prop_assert_eq!(moved.is_some(), (1..=9999).contains(&year));
        if let Some(moved) = moved {
            prop_assert_eq!(i32::from(moved.year()), year);
            prop_assert_eq!(i32::from(moved.month().unwrap()), index.rem_euclid(12) + 1);
            let day = u32::from(moved.day().unwrap());
            let last = NaiveDate::from_ymd_opt(year, index.rem_euclid(12) as u32 + 1, day + 1).is_none();
            prop_assert!(day == date.day() || day < date.day() && last);
        }
    }

    #[test]
    fn moments_move_like_chrono(seconds in -62_135_596_800_i64..253_402_300_800, by in -1_000_000_000_000_i64..1_000_000_000_000) {
        let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let ours = DateTime::from_chrono(moment.fixed_offset()).unwrap();
        let expected = moment
            .checked_add_signed(TimeDelta::milliseconds(by))
            .filter(|moment| (1..=9999).contains(&moment.year()))
            .map(|moment| iso(moment.naive_utc(), moment.timestamp_subsec_millis()));
        let moved = ours.plus(&by.into(), crate::CalendarUnit::Millisecond);
        prop_assert_eq!(moved.map(|moment| moment.to_string()), expected);
    }

    #[test]
    fn complete_moments_compare_like_chrono(
        a in 0_i64..200_000,
        b in 0_i64..200_000,
        offset_a in -840_i16..=840,
        offset_b in -840_i16..=840,
    ) {
        let text = |seconds: i64, offset: i16| {
            let local: NaiveDateTime = chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let sign = if offset < 0 { '-' } else { '+' };
            let offset = offset.unsigned_abs();
            format!("{local:?}{sign}{:02}:{:02}", offset / 60, offset % 60)
        };
        let moment = |seconds, offset| text(seconds, offset).parse::<DateTime>().unwrap();
        let expected = (a - i64::from(offset_a) * 60).cmp(&(b - i64::from(offset_b) * 60));
        prop_assert_eq!(moment(a, offset_a).compare(moment(b, offset_b)), Some(expected));
    }

    #[test]
    fn comparison_is_one_order(a in moment(), b in moment(), c in moment()) {
        prop_assert_eq!(a.compare(a), Some(Ordering::Equal));
        prop_assert_eq!(a.compare(b), b.compare(a).map(Ordering::reverse));
        if a.compare(b) == Some(Ordering::Equal) {
            prop_assert_eq!(Scalar::DateTime(a).bucket(), Scalar::DateTime(b).bucket());
            prop_assert_eq!(a.compare(c), b.compare(c));
        }
    }

    #[test]
    fn any_code_is_safe(code in "[a-zA-Z0-9.()/*^+{}\\[\\]' -]{0,60}|.{0,20}", value in number()) {
        let quantity = Quantity::new(Decimal::parse(&value).unwrap(), &code);
        let metre = Quantity::new(Decimal::from_i64(3), "m");
        prop_assert_eq!(quantity.equal(&metre), metre.equal(&quantity));
        let _ = (quantity.equivalent(&metre), quantity.add(&metre), quantity.multiply(&metre));
        let _ = (quantity.divide(&metre), metre.divide(&quantity));
        prop_assert_eq!(quantity.equal(&quantity), Some(true));
    }

    #[test]
    fn codes_that_are_built_are_units(a in unit(), b in unit()) {
        let (left, right) = (Quantity::new(Decimal::from_i64(6), &a), Quantity::new(Decimal::from_i64(2), &b));
        let product = left.multiply(&right).unwrap();
        // Back again, but for what rounding took.
        let back = product.divide(&right).unwrap().convert(&left.unit).unwrap();
        let digits = std::num::NonZeroU64::new(20).unwrap();
        prop_assert_eq!(back.value.to_significant(digits), left.value, "{} / {}", product, right);
    }
}

/// To the millisecond, in UTC.
fn iso(moment: NaiveDateTime, milliseconds: u32) -> String {
    format!(
        "{}T{}.{milliseconds:03}Z",
        moment.date(),
        moment.time().with_nanosecond(0).unwrap()
    )
}

fn moment() -> impl Strategy<Value = DateTime> {
    // Few values, so that many are equal or overlap.
    let texts = [
        "2015T",
        "2015-01T",
        "2015-01-01T",
        "2015-01-01T00Z",
        "2015-01-01T00+00:30",
        "2015-01-01T00:30+00:30",
        "2015-01-01T00:00Z",
        "2015-01-01T00:00:00Z",
        "2015-01-01T01:00:00.0+01:00",
        "2015-01-01T00:00:00",
        "2015-01-01T00:00",
        "2015-01-02T00:00:00.001-14:00",
        "2014-12-31T23:59:59.999999999999999999Z",
        "2016-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999T",
    ];
    proptest::sample::select(texts.map(|text| text.parse().unwrap()).to_vec())
}

fn unit() -> impl Strategy<Value = String> {
    let simple = proptest::sample::select(vec![
        "m", "cm", "km", "[in_i]", "g", "kg", "s", "min", "L", "mol", "%", "10*", "Pa", "[iU]",
        "wk",
    ]);
    proptest::collection::vec((simple, 1..4_u8, proptest::bool::ANY), 1..4).prop_map(|parts| {
        let mut code = String::new();
        for (symbol, power, below) in parts {
            code.push_str(match (code.is_empty(), below) {
                (true, false) => "",
                (_, true) => "/",
                (false, false) => ".",
            });
            code.push_str(symbol);
            if power > 1 {
                code.push_str(&power.to_string());
            }
        }
        code
    })
}
