//! Quantities.

use super::*;
use crate::value::ucum::{MAX_CODE, measure};

#[test]
fn compares_across_units() {
    check(&[
        ("4.0000 'g' = 4000.0 'mg'", "true"),
        ("4 'g' != 4040 'mg'", "true"),
        ("1 'cm' = 10.0 'mm'", "true"),
        ("1 'cm' = 1 'm'", "false"),
        ("1 'cm' < 1 'm'", "true"),
        ("1 '[in_i]' = 2.54 'cm'", "true"),
        ("1 '[ft_i]' > 30 'cm'", "true"),
        ("185 '[lb_av]' != 185 'kg'", "true"),
        ("1 '[lb_av]' = 453.59237 'g'", "true"),
        ("1 'L' = 1 'dm3'", "true"),
        ("5 'mg/dL' = 0.05 'g/L'", "true"),
        ("120 'mm[Hg]' > 100 'mm[Hg]'", "true"),
        ("1 'N' = 1 'kg.m/s2'", "true"),
        ("1 'mol' = 602214076000000000000000 '1'", "true"),
        ("50 '%' = 0.5", "true"),
        ("1 = 1 '1'", "true"),
        ("2 '{beats}/min' = 2 '/min'", "true"),
        ("1 'Ym3' > 1 'fm3'", "true"),
        ("1.00000000000000000001 'g' = 1000 'mg'", "false"),
        ("1 'm' * 1 '[in_i]' = 0.0254 'm2'", "true"),
        ("3 'm' + 1 '[in_i]' = 3.0254 'm'", "true"),
    ]);
}

#[test]
fn what_does_not_convert_does_not_compare() {
    check(&[
        ("1 'cm' = 1 's'", "{}"),
        ("1 'cm' != 1 's'", "{}"),
        ("1 'cm' < 1 's'", "{}"),
        ("1 'cm' ~ 1 's'", "false"),
        ("1 'cm2' = 1 'cm'", "{}"),
        ("1 'cm' = 1", "{}"),
        ("1 'cm' = 1 '[s]'", "{}"),
        ("1 'cm' = 'cm'", "false"),
        (
            "1 'cm' < 'cm'",
            "fault: `<` is not defined for Quantity and String",
        ),
        // What is no unit still equals itself.
        ("2 'tablets' = 2.0 'tablets'", "true"),
        ("2 'tablets' < 3 'tablets'", "true"),
        ("2 'tablets' = 2 'pills'", "{}"),
        // Arbitrary units convert to themselves only.
        ("5 '[iU]/L' = 5000 'u[iU]/mL'", "true"),
        ("5 '[iU]' = 5 '[arb\\'U]'", "{}"),
        ("5 '[iU]' = 5", "{}"),
        // Logarithmic scales compare with themselves only.
        ("7 '[pH]' < 7.4 '[pH]'", "true"),
        ("7 '[pH]' = 7 'mol/L'", "{}"),
        ("3 'B' = 30 'dB'", "{}"),
    ]);
}

#[test]
fn temperatures_have_their_own_zero() {
    check(&[
        ("0 'Cel' = 273.15 'K'", "true"),
        ("32 '[degF]' = 0 'Cel'", "true"),
        ("98.6 '[degF]' = 37 'Cel'", "true"),
        ("99 '[degF]' > 37 'Cel'", "true"),
        ("37 'Cel' ~ 98.6 '[degF]'", "true"),
        ("0 '[degRe]' = 0 'Cel'", "true"),
        ("1 'kCel' = 1000 'Cel'", "true"),
        ("1 'Cel' + 1 'K'", "{}"),
        ("1 'Cel' * 2 'm'", "{}"),
        ("2 'Cel' * 2", "4 'Cel'"),
    ]);
}

#[test]
fn equivalence() {
    check(&[
        ("4 'g' ~ 4000 'mg'", "true"),
        ("4 'g' ~ 4040 'mg'", "true"),
        ("4 'g' ~ 4600 'mg'", "false"),
        ("4.1 'g' ~ 4000 'mg'", "false"),
        ("2.1 'cm' ~ 21 'mm'", "true"),
        ("21 'mm' ~ 2 'cm'", "true"),
        ("1 '[in_i]' ~ 2.5 'cm'", "true"),
        ("185 '[lb_av]' ~ 185 'kg'", "false"),
        ("1 'tablets' ~ 1.0 'tablets'", "true"),
        ("1 'tablets' ~ 1 'pills'", "false"),
        ("1 ~ 1 '1'", "true"),
    ]);
}

#[test]
fn durations() {
    check(&[
        ("7 days = 1 week", "true"),
        ("7 days = 1 'wk'", "true"),
        ("1 week = 7 'd'", "true"),
        ("6 days < 1 week", "true"),
        ("8 days > 1 week", "true"),
        ("1 day = 1 'd'", "true"),
        ("1 hour = 3600 's'", "true"),
        ("1 second = 1 's'", "true"),
        ("1 second = 1000 milliseconds", "true"),
        ("1 millisecond = 1 'ms'", "true"),
        ("1 minute = 60 seconds", "true"),
        ("1 day = 24 hours", "true"),
        ("1 year = 1 years", "true"),
        ("1 year = 12 months", "true"),
        ("1 year = 365 days", "true"),
        ("1 month = 30 days", "true"),
        ("1 month < 5 weeks", "true"),
        ("1 year = 1 'a'", "{}"),
        ("1 year != 1 'a'", "{}"),
        ("1 year > 1 'd'", "{}"),
        ("1 month = 1 'mo'", "{}"),
        ("1 year = 12 'mo'", "{}"),
        ("1 month = 30 'd'", "{}"),
        ("1 year ~ 1 'a'", "true"),
        ("1 month ~ 1 'mo'", "true"),
        ("1 year ~ 12 'mo'", "true"),
        ("1 year ~ 11 months", "true"),
        ("1 year ~ 6 months", "true"),
        ("1 year ~ 5 months", "false"),
        ("1 'wk' ~ 7 days", "true"),
        ("1 'a' = 365.25 'd'", "true"),
        ("1 'a' = 12 'mo'", "true"),
        ("1 year = 1 'kg'", "{}"),
        ("1 day = 1 'kg'", "{}"),
    ]);
}

#[test]
fn sums_have_the_smaller_unit() {
    check(&[
        ("3 'm' + 3 'cm'", "303 'cm'"),
        ("3 'cm' + 3 'm'", "303 'cm'"),
        ("3 'm' - 3 'cm'", "297 'cm'"),
        ("3 'cm' - 3 'm'", "-297 'cm'"),
        ("1.5 'mg' + 1.50 'mg'", "3.00 'mg'"),
        ("1 'tablets' + 1 'tablets'", "2 'tablets'"),
        ("1 'm' + 1 's'", "{}"),
        ("1 'm' + 1", "{}"),
        ("1 '1' + 1", "2 '1'"),
        ("1 week + 14 days", "21 days"),
        ("1 week + 1 'd'", "8 'd'"),
        ("60 's' + 2 minutes", "180 's'"),
        ("1 minute - 30 's'", "30 's'"),
        ("1 year + 12 months", "24 months"),
        ("1 year + 1 year", "2 years"),
        ("1 year + 1 day", "{}"),
        ("1 month - 1 'mo'", "{}"),
        ("-(3 days)", "-3 days"),
        ("1 'm' + 'm'", "fault"),
        ("1 'm' + true", "fault"),
    ]);
}

#[test]
fn products_and_quotients() {
    check(&[
        ("12 'cm' * 3 'cm'", "36 'cm2'"),
        ("3 'cm' * 12 'cm2'", "36 'cm3'"),
        ("2.0 'cm' * 2.0 'm'", "400 'cm2'"),
        ("2.0 'cm' * 2.0 'm' = 0.040 'm2'", "true"),
        ("12 'cm2' / 3 'cm'", "4 'cm'"),
        ("4.0 'g' / 2.0 'm'", "2 'g/m'"),
        ("4.0 'g' / 2.0 'm' = 2 'g/m'", "true"),
        ("1.0 'm' / 1.0 'm'", "1 '1'"),
        ("1.0 'm' / 1.0 'm' = 1 '1'", "true"),
        ("1 'km' / 1 'm'", "1000 '1'"),
        ("120 'm' / 60 's'", "2 'm/s'"),
        ("10 'm/s' * 10 's'", "100 'm'"),
        ("60 / 1 's'", "60 '/s'"),
        ("60 's' / 2", "30 's'"),
        ("3 * 2 'cm'", "6 'cm'"),
        ("2 'cm' * 1.5", "3.0 'cm'"),
        ("2 * 3 days", "6 days"),
        ("6 days / 2", "3 days"),
        ("6 years / 2 years", "3 '1'"),
        ("6 days / 2 days", "3 '1'"),
        ("12 'tablets' / 2 'tablets'", "6 '1'"),
        ("2 'tablets' * 2", "4 'tablets'"),
        ("2 'tablets' * 2 'tablets'", "{}"),
        ("2 years * 2 'm'", "{}"),
        ("2 'm' / 0 's'", "{}"),
        ("2 'kg.m/s2' * 3 's2/m'", "6 'kg'"),
        ("2 '/s' * 3 '/s'", "6 '/s2'"),
        ("2 '4.m' * 3 'm'", "24 'm2'"),
        ("2 'm{left}' * 3 'm'", "6 'm2'"),
        ("2 'kg/(m.s)' * 3 'm.s'", "6 'kg'"),
        (
            "7 'm' div 2 'm'",
            "fault: `div` is not defined for Quantity and Quantity",
        ),
        (
            "7 'm' mod 2 'm'",
            "fault: `mod` is not defined for Quantity and Quantity",
        ),
    ]);
}

#[test]
fn converts() {
    let quantity = |number: &str, code: &str| Quantity::new(Decimal::parse(number).unwrap(), code);
    for (number, from, to, expected) in [
        ("52", "cm", "m", Some("0.52 'm'")),
        ("1", "a", "d", Some("365.25 'd'")),
        ("0", "Cel", "[degF]", Some("32 '[degF]'")),
        ("24", "m", "kg", None),
        ("24", "m", "nonsense", None),
    ] {
        let target = crate::Unit::Ucum(to.into());
        let converted = quantity(number, from).convert(&target);
        let shown = converted.map(|quantity| quantity.to_string());
        assert_eq!(shown.as_deref(), expected, "{number} {from} to {to}");
    }
    assert!(quantity("1", "cm").is_comparable(&quantity("1", "[in_i]")));
    assert!(!quantity("1", "cm").is_comparable(&quantity("1", "[s]")));
    assert!(!quantity("1", "cm").is_comparable(&quantity("1", "s")));
}

#[test]
fn hostile_units() {
    let long = "m.".repeat(MAX_CODE);
    let deep = format!("{}m{}", "(".repeat(127), ")".repeat(127));
    let wide = format!("m{}", "/m".repeat(127));
    for code in [
        "",
        " ",
        "m m",
        "é",
        "\u{1f600}",
        "[",
        "]",
        "{",
        "}{",
        "10*2147483647",
        "10*-2147483648",
        "10*99999999999",
        "m2147483647",
        "m-2147483648",
        "m128",
        "/",
        "//m",
        "0",
        "m/0",
        "Cel2",
        "m.Cel",
        "1e400",
        "99999999999999999999999999999999999999999999",
        &long,
        &deep,
        &wide,
        &"(".repeat(MAX_CODE),
        &"9".repeat(MAX_CODE),
        &"{".repeat(MAX_CODE),
    ] {
        let quantity = Quantity::new(Decimal::from_i64(2), code);
        let other = Quantity::new(Decimal::from_i64(3), "m");
        let _ = quantity.equal(&other);
        let _ = quantity.equivalent(&other);
        let _ = quantity.add(&other);
        let _ = quantity.multiply(&other);
        let _ = quantity.divide(&other);
        let _ = other.divide(&quantity);
        let _ = quantity.multiply(&quantity);
        let _ = Scalar::from(quantity.clone()).bucket();
        assert_eq!(quantity.equal(&quantity), Some(true), "{code}");
    }
    assert!(measure("10*300").is_some());
    assert!(measure("10*301").is_none());
    assert!(measure(&"m".repeat(MAX_CODE + 1)).is_none());
}
