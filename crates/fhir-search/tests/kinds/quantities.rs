//! Quantity parameters: as numbers, and their units.

use bigdecimal::BigDecimal;

use super::numbers::NUMBERS;
use crate::support::ranges::{PREFIXES, Range, number_holds};
use crate::support::{Checked, Document, check, predicate};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

/// Every prefix on every comparator: `<` opens the range below, `>` above.
#[test]
fn comparators() {
    let mut documents = Vec::new();
    let numbers = || NUMBERS.iter().step_by(3);
    for stored in numbers() {
        let value: BigDecimal = stored.parse().unwrap();
        for comparator in ["", "<", "<=", ">", ">="] {
            let range = Range {
                low: Some(value.clone()).filter(|_| !comparator.starts_with('<')),
                high: Some(value.clone()).filter(|_| !comparator.starts_with('>')),
            };
            let member = match comparator {
                "" => String::new(),
                text => format!(r#""comparator":"{text}","#),
            };
            let json = format!(
                r#"{{"valueQuantity":{{{member}"value":{stored},"system":"s","code":"c","unit":"u"}}}}"#
            );
            documents.push((Document::new(&json), range));
        }
    }
    let mut held = 0;
    for asked in numbers() {
        for prefix in PREFIXES {
            for (unit, fits) in [("", true), ("|s|c", true), ("||u", true), ("|s|d", false)] {
                let text = format!("Observation?value-quantity={prefix}{asked}{unit}");
                let found = Checked::new(&predicate(&text));
                for (document, range) in &documents {
                    let expected = fits && number_holds(prefix, asked, range);
                    assert_eq!(
                        found.holds(document),
                        Some(expected),
                        "{text} on {}",
                        document.json
                    );
                    held += usize::from(expected);
                }
            }
        }
    }
    assert!(held > 2_000, "{held}");
}

#[test]
fn units() {
    let mg = r#"{"valueQuantity":{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}"#;
    let named = r#"{"valueQuantity":{"value":5.4,"unit":"mg"}}"#;
    let bare = r#"{"valueQuantity":{"value":5.4}}"#;
    check(
        "Observation",
        &[
            ("value-quantity=5.4|http://unitsofmeasure.org|mg", mg, YES),
            ("value-quantity=5.40|http://unitsofmeasure.org|mg", mg, YES),
            ("value-quantity=5|http://unitsofmeasure.org|mg", mg, YES),
            ("value-quantity=5.41|http://unitsofmeasure.org|mg", mg, NO),
            ("value-quantity=5.4||mg", mg, YES),
            ("value-quantity=5.4", mg, YES),
            ("value-quantity=5.4|http://unitsofmeasure.org|g", mg, NO),
            ("value-quantity=5.4|http://example.org|mg", mg, NO),
            ("value-quantity=5.4|http://unitsofmeasure.org|MG", mg, NO),
            ("value-quantity=5.4||MG", mg, NO),
            // Nothing is converted.
            ("value-quantity=5400|http://unitsofmeasure.org|ug", mg, NO),
            // Another unit does not fit, whatever the number: not for `ne` either.
            ("value-quantity=ne1|http://unitsofmeasure.org|g", mg, NO),
            ("value-quantity=ne1|http://unitsofmeasure.org|mg", mg, YES),
            ("value-quantity=5.4||mg", named, YES),
            ("value-quantity=5.4|http://unitsofmeasure.org|mg", named, NO),
            ("value-quantity=5.4", named, YES),
            ("value-quantity=5.4||mg", bare, NO),
            ("value-quantity=5.4|s|c", bare, NO),
            ("value-quantity=5.4", bare, YES),
            ("value-quantity=1|s|c,5.4||mg", mg, YES),
            ("value-quantity=1||mg,5.4||g", mg, NO),
            (
                r"value-quantity=5.4|a\|b|c\$d",
                r#"{"valueQuantity":{"value":5.4,"system":"a|b","code":"c$d"}}"#,
                YES,
            ),
            // The same key, another unit.
            (
                r"value-quantity=5.4|a|b\|c",
                r#"{"valueQuantity":{"value":5.4,"system":"a|b","code":"c"}}"#,
                NO,
            ),
            (
                "value-quantity=5.4||x",
                r#"{"valueQuantity":{"value":5.4,"unit":"x","code":"y"}}"#,
                YES,
            ),
        ],
    );
    let long = "u".repeat(1_500);
    let json = format!(r#"{{"valueQuantity":{{"value":5,"system":"s","code":"{long}"}}}}"#);
    check(
        "Observation",
        &[
            (&format!("value-quantity=5|s|{long}"), &json, YES),
            (&format!("value-quantity=5|s|{long}u"), &json, NO),
            ("value-quantity=5", &json, YES),
        ],
    );
}

#[test]
fn odd_documents() {
    let of = |quantity: &str| format!(r#"{{"valueQuantity":{quantity}}}"#);
    for (asked, quantity, expected) in [
        ("ne5", "{}", NO),
        ("ne5", r#"{"unit":"mg"}"#, NO),
        ("ne5", r#"{"value":null}"#, NO),
        ("5", r#"{"value":"5"}"#, None),
        ("5", "5", None),
        ("5", r#""5 mg""#, None),
        ("5", r#"[{"value":5}]"#, None),
        ("5", r#"{"value":5,"comparator":"~"}"#, None),
        ("5", r#"{"value":5,"comparator":5}"#, None),
        ("5", r#"{"value":5,"comparator":"ad"}"#, None),
        ("5|s|c", r#"{"value":5,"system":7,"code":"c"}"#, None),
        ("5|s|c", r#"{"value":5,"system":"s","code":[]}"#, None),
        // The number is asked for without a unit: what the unit is does not matter.
        ("5", r#"{"value":5,"system":7}"#, YES),
        ("5||c", r#"{"value":5,"system":7,"code":"c"}"#, YES),
        ("5||c", r#"{"value":5,"unit":7,"code":"c"}"#, YES),
        ("5||c", r#"{"value":5,"unit":7,"code":"d"}"#, None),
        ("5||c", r#"{"value":5,"unit":"c","code":7}"#, YES),
    ] {
        check(
            "Observation",
            &[(&format!("value-quantity={asked}"), &of(quantity), expected)],
        );
    }
    let both =
        r#"{"valueQuantity":{"value":5},"valueSampledData":{"origin":{"value":5},"data":"0"}}"#;
    check(
        "Observation",
        &[
            ("value-quantity=5", both, None),
            ("value-quantity:not=5", both, None),
            ("value-quantity=5", "{}", NO),
            ("value-quantity:not=5", "{}", YES),
            ("value-quantity:missing=true", "{}", YES),
            (
                "value-quantity:missing=true",
                r#"{"valueQuantity":{"value":5}}"#,
                NO,
            ),
            (
                "value-quantity:missing=true",
                r#"{"valueQuantity":7}"#,
                None,
            ),
            (
                "value-quantity:not=5||mg",
                r#"{"valueQuantity":{"value":5,"unit":"g"}}"#,
                YES,
            ),
            // Of several elements, one that fits decides.
            (
                "combo-value-quantity=5",
                r#"{"valueQuantity":{"value":"x"},"component":[{"valueQuantity":{"value":5}}]}"#,
                YES,
            ),
            (
                "combo-value-quantity=5||mg",
                r#"{"component":[{"valueQuantity":{"value":5,"unit":"g"}},{"valueQuantity":{"value":6,"unit":"mg"}}]}"#,
                NO,
            ),
            (
                "combo-value-quantity=5|s|mg",
                r#"{"component":[{"valueQuantity":{"value":5,"system":"s","code":"g"}},{"valueQuantity":{"value":5,"system":"s","code":"mg"}}]}"#,
                YES,
            ),
        ],
    );
}

#[test]
fn money() {
    let euros = r#"{"totalGross":{"value":40.22,"currency":"EUR"}}"#;
    check(
        "Invoice",
        &[
            ("totalgross=40.22|urn:iso:std:iso:4217|EUR", euros, YES),
            ("totalgross=40.22||EUR", euros, YES),
            ("totalgross=40.22", euros, YES),
            ("totalgross=40.22||USD", euros, NO),
            ("totalgross=40.22|http://x|EUR", euros, NO),
            ("totalgross=gt40||EUR", euros, YES),
            (
                "totalgross=40.22||EUR",
                r#"{"totalGross":{"value":40.22}}"#,
                NO,
            ),
            (
                "totalgross=40.22||EUR",
                r#"{"totalGross":{"value":40.22,"currency":5}}"#,
                None,
            ),
            (
                "totalgross=40.22",
                r#"{"totalGross":{"value":40.22,"currency":5}}"#,
                YES,
            ),
            // Money has neither code nor unit.
            (
                "totalgross=40.22||EUR",
                r#"{"totalGross":{"value":40.22,"unit":"EUR","code":"EUR"}}"#,
                NO,
            ),
            (
                "totalgross=40.22|urn:iso:std:iso:4217|EUR",
                r#"{"totalGross":{"currency":"EUR"}}"#,
                NO,
            ),
        ],
    );
}

#[test]
fn ranges() {
    let of = |low: &str, high: &str| {
        let range = [("low", low), ("high", high)]
            .into_iter()
            .filter(|(_, bound)| !bound.is_empty())
            .map(|(name, bound)| format!(r#""{name}":{bound}"#))
            .collect::<Vec<_>>()
            .join(",");
        format!(r#"{{"useContext":[{{"valueRange":{{{range}}}}}]}}"#)
    };
    let five = r#"{"value":5,"system":"s","code":"a"}"#;
    let nine = r#"{"value":9,"system":"s","code":"a"}"#;
    let other = r#"{"value":9,"system":"s","code":"b"}"#;
    let unit_only = r#"{"system":"s","code":"b"}"#;
    for (asked, low, high, expected) in [
        ("gt8|s|a", five, nine, YES),
        ("gt9|s|a", five, nine, NO),
        ("7|s|a", five, nine, NO),
        ("ap7||a", five, nine, YES),
        ("gt100|s|a", five, "", YES),
        ("lt-100|s|a", "", nine, YES),
        // All bounds that are there must have the unit.
        ("gt8|s|a", five, other, NO),
        ("gt8|s|b", five, other, NO),
        ("gt8", five, other, YES),
        // A bound without value is absent.
        ("gt100|s|a", five, unit_only, YES),
        ("gt100|s|b", five, unit_only, NO),
        ("ne5|s|b", unit_only, unit_only, NO),
        ("ne5", "", "", NO),
        ("gt0", nine, five, None),
        ("gt0|s|a", nine, five, None),
    ] {
        check(
            "ActivityDefinition",
            &[(
                &format!("context-quantity={asked}"),
                &of(low, high),
                expected,
            )],
        );
    }
    // Alone at its path, where the keys decide.
    check(
        "Condition",
        &[
            (
                "onset-age=gt40|s|a",
                r#"{"onsetRange":{"low":{"value":35,"system":"s","code":"a"},"high":{"value":45,"system":"s","code":"a"}}}"#,
                YES,
            ),
            (
                "onset-age=gt40|s|a",
                r#"{"onsetRange":{"low":{"value":35,"system":"s","code":"a"},"high":{"value":45,"system":"s","code":"b"}}}"#,
                NO,
            ),
            (
                "onset-age=42|s|a",
                r#"{"onsetAge":{"value":42,"system":"s","code":"a"}}"#,
                YES,
            ),
            (
                "onset-age=42|s|a",
                r#"{"onsetAge":{"value":42,"system":"s","code":"a"},"onsetRange":{"low":{"value":1}}}"#,
                None,
            ),
            (
                "onset-age=ge42|s|a",
                r#"{"onsetAge":{"value":42,"comparator":">","system":"s","code":"a"}}"#,
                YES,
            ),
            (
                "onset-age=sa41|s|a",
                r#"{"onsetAge":{"value":42,"comparator":"<","system":"s","code":"a"}}"#,
                NO,
            ),
        ],
    );
}

#[test]
fn sampled_data() {
    let of = |factor: &str, data: &str| {
        format!(
            r#"{{"valueSampledData":{{"origin":{{"value":10,"system":"s","code":"mV"}}{factor}{data}}}}}"#
        )
    };
    for (asked, factor, data, expected) in [
        ("gt11", "", "1 2 3", YES),
        ("gt13", "", "1 2 3", NO),
        ("lt11", "", "1 2 3", NO),
        ("12", "", "1 2 3", NO),
        ("0.1e2", "", "1 2 3", YES),
        ("ap14.4", "", "1 2 3", YES),
        ("sa10|s|mV", "", "1 2 3", YES),
        ("sa10|s|V", "", "1 2 3", NO),
        ("sa10||mV", "", "1 2 3", YES),
        ("gt15", r#","factor":2.5"#, "1 2 3", YES),
        ("lt5", r#","factor":-2"#, "1 2 3", YES),
        ("gt10", r#","factor":-2"#, "1 2 3", NO),
        ("10", r#","factor":0"#, "1 2 3", YES),
        // E is skipped, L opens below, U above.
        ("gt13", "", "1 E 3", NO),
        ("ne10", "", "E E", NO),
        ("lt-1000", "", "1 L 3", YES),
        ("gt1000", "", "1 U 3", YES),
        ("gt1000", "", "L", YES),
        ("eq10", "", "L U", NO),
        ("gt1000", "", "1 L", NO),
        ("10", "", "0.4 -0.4", YES),
        ("10", "", "0.4\\n-0.4\\t0", YES),
        ("10", "", "", NO),
        ("10", "", "0 x", None),
        ("10", "", "0 1e2000", None),
        ("ne10", "", "5 NaN", None),
        ("10", r#","factor":"2""#, "0", None),
    ] {
        let data = format!(r#","data":"{data}""#);
        check(
            "Observation",
            &[(
                &format!("value-quantity={asked}"),
                &of(factor, &data),
                expected,
            )],
        );
    }
    check(
        "Observation",
        &[
            ("value-quantity=ne10", &of("", ""), NO),
            ("value-quantity=10", &of("", r#","data":7"#), None),
            (
                "value-quantity=10",
                r#"{"valueSampledData":{"data":"0"}}"#,
                None,
            ),
            (
                "value-quantity=10",
                r#"{"valueSampledData":{"origin":{},"data":"0"}}"#,
                None,
            ),
            ("value-quantity=10", r#"{"valueSampledData":{}}"#, NO),
            ("value-quantity=10", r#"{"valueSampledData":"0"}"#, None),
        ],
    );
}
