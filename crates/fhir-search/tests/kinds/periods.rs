//! Date parameters of Periods and Timings.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn periods() {
    let of = |period: &str| format!(r#"{{"period":{period}}}"#);
    for (asked, period, expected) in [
        ("2013", r#"{"start":"2013-01-01","end":"2013-12-31"}"#, YES),
        ("2013", r#"{"start":"2013","end":"2013"}"#, YES),
        ("2013", r#"{"start":"2012-12-31","end":"2013-12-31"}"#, NO),
        ("2013", r#"{"start":"2013"}"#, NO),
        ("ge2013", r#"{"start":"2013"}"#, YES),
        ("le2013", r#"{"start":"2013"}"#, NO),
        ("le2013", r#"{"start":"2012"}"#, YES),
        ("gt2050", r#"{"start":"2013"}"#, YES),
        ("lt1950", r#"{"end":"2013"}"#, YES),
        ("sa2012", r#"{"start":"2013"}"#, YES),
        ("sa2013", r#"{"start":"2013"}"#, NO),
        ("eb2014", r#"{"end":"2013"}"#, YES),
        ("eb2014", r#"{"start":"2013"}"#, NO),
        ("sa2012", r#"{"end":"2013"}"#, NO),
        ("ap2013", r#"{"end":"2013-01-01"}"#, YES),
        ("ap2013", r#"{"end":"2012"}"#, NO),
        // One with neither end is no element.
        ("2013", "{}", NO),
        ("ne2013", "{}", NO),
        ("ne2013", r#"{"start":null}"#, NO),
        ("ne2013", r#"{"extension":[]}"#, NO),
        // One that ends before it starts is unknown.
        ("2013", r#"{"start":"2014","end":"2013"}"#, None),
        ("lt2050", r#"{"start":"2014","end":"2013"}"#, None),
        ("2013", r#"{"start":"2013-01-02","end":"2013-01-01"}"#, None),
        ("2013", r#"{"start":"soon","end":"2013"}"#, None),
        ("2013", r#"{"start":"2013","end":5}"#, None),
        ("2013", r#""2013""#, None),
    ] {
        let json = of(period);
        check("Encounter", &[(&format!("date={asked}"), &json, expected)]);
    }
    // An empty object is no element for `:missing` either; one with anything in it is there.
    check(
        "Encounter",
        &[
            ("date:missing=true", r#"{"period":{}}"#, YES),
            ("date:missing=true", r#"{"period":{"start":"soon"}}"#, NO),
            ("date:missing=true", r#"{"period":"2013"}"#, None),
        ],
    );
}

#[test]
fn timings() {
    let of = |timing: &str| format!(r#"{{"effectiveTiming":{timing}}}"#);
    for (asked, timing, expected) in [
        ("2013", r#"{"event":["2013-02","2013-05-06"]}"#, YES),
        ("2013", r#"{"event":["2013-02","2014"]}"#, NO),
        ("gt2013", r#"{"event":["2013-02","2014"]}"#, YES),
        // The outer limits only: what is between the events counts.
        ("ap2013-03", r#"{"event":["2013-02","2013-05"]}"#, YES),
        (
            "2013",
            r#"{"repeat":{"boundsPeriod":{"start":"2013-01","end":"2013-03"}}}"#,
            YES,
        ),
        (
            "gt2013",
            r#"{"repeat":{"boundsPeriod":{"start":"2013-01"}}}"#,
            YES,
        ),
        (
            "lt2013",
            r#"{"event":["2012"],"repeat":{"boundsPeriod":{"start":"2013-01"}}}"#,
            YES,
        ),
        ("ne2013", "{}", NO),
        ("ne2013", r#"{"event":[]}"#, NO),
        ("ne2013", r#"{"event":[null]}"#, NO),
        ("ne2013", r#"{"repeat":{"frequency":1}}"#, NO),
        ("ne2013", r#"{"code":{"text":"BID"}}"#, NO),
        ("2013", r#"{"event":["2013","soon"]}"#, None),
        ("2013", r#"{"event":"2013"}"#, None),
        ("2013", r#"{"event":[5]}"#, None),
        ("2013", r#"{"repeat":[]}"#, None),
        (
            "2013",
            r#"{"event":["2013"],"repeat":{"boundsPeriod":{"start":"2014","end":"2013"}}}"#,
            None,
        ),
    ] {
        let json = of(timing);
        check(
            "Observation",
            &[(&format!("date={asked}"), &json, expected)],
        );
    }
}
