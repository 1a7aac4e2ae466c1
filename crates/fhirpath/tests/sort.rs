//! `sort()` of what has no order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shown;

use shown::{table, value};

/// Dates of different precision have no total order; the sort of the standard library panics on such.
#[test]
fn sorts_what_has_no_order() {
    let dates = (0..1_000_u32).map(|i| {
        let (year, month, day) = (2000 + i * 7 % 4, 1 + i * 11 % 12, 1 + i * 13 % 28);
        match i * 17 % 3 {
            0 => format!("\"{year}\""),
            1 => format!("\"{year}-{month:02}\""),
            _ => format!("\"{year}-{month:02}-{day:02}\""),
        }
    });
    let values = dates.map(|date| format!(r#"{{"valueDateTime": {date}}}"#));
    let values = values.collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"resourceType": "Observation", "component": [{values}]}}"#);
    table(
        &document,
        &[
            ("component.value.sort().count()", "1000"),
            ("component.sort(-value).count()", "1000"),
            ("component.value.sort().isDistinct()", "false"),
        ],
    );
    let mixed = (0..33).map(|i| match i % 3 {
        0 => format!(r#"{{"valueInteger": {}}}"#, i * 79 % 100),
        _ => format!(r#"{{"valueString": "{}"}}"#, i * 97 % 100),
    });
    let mixed = mixed.collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"resourceType": "Observation", "component": [{mixed}]}}"#);
    let answer = value("component.value.sort()", &document);
    assert!(answer.starts_with("error: `<` is not defined"), "{answer}");
    let stable = "(1 | 12 | 3 | 14 | 5 | 16).select($this.toString()).sort($this.length())";
    table("{}", &[(stable, r#""1" "3" "5" "12" "14" "16""#)]);
}
