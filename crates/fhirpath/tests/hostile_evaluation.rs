//! Hostile expressions: each evaluation ends within its steps and a little time, on a 2 MB stack, with a value or an
//! error. Steps stand for time: what costs much must take many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bounded;

use std::fmt::Write as _;

use bounded::{MANY, PATIENT, fault, limits, patient_of, verdict, verdict_within};
use fhirpath::{DEFAULT_STEPS, Expression, Fault, Limits, Verdict};

/// `(1 | 2 | …)`
fn numbers(count: usize) -> String {
    let all: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    format!("({})", all.join(" | "))
}

#[test]
fn long_chains_take_a_step_for_each_link() {
    let many = MANY as u64;
    let document = jsonb::from_json(PATIENT).unwrap();
    let within = |source: String, steps| verdict_within(&source, &document, steps);
    let chain = |first: &str, more: &str| first.to_owned() + &more.repeat(MANY);
    assert_eq!(within(chain("a", ".a"), 3 * many), Verdict::Empty);
    assert_eq!(
        within(chain("false", " or false"), 3 * many),
        Verdict::False
    );
    assert_eq!(within(chain("true", " and true"), 3 * many), Verdict::True);
    assert_eq!(
        within(chain("true", " implies true"), 3 * many),
        Verdict::True
    );
    assert_eq!(
        within(chain("active", ".where(true)"), 6 * many),
        Verdict::True
    );
    assert_eq!(within(chain("active", "[0]"), 3 * many), Verdict::True);
    assert_eq!(
        within(chain("active", " | active"), 9 * many),
        Verdict::True
    );
    assert_eq!(
        within(chain("1", " + 1") + " > 99999", 3 * many + 9),
        Verdict::True
    );
    assert_eq!(
        within(chain("active", ".not().not()"), 6 * many),
        Verdict::True
    );
    assert_eq!(
        within(chain("true", " is Boolean"), 3 * many),
        Verdict::True
    );
    let error = within(chain("a", ".a"), many / 2);
    assert_eq!(fault(error), Fault::Budget);
}

#[test]
fn deep_nesting_is_refused_or_fits_the_stack() {
    let depth = Limits::default().depth;
    let nest = |times: usize| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    assert!(Expression::new(&nest(MANY), &Limits::default()).is_err());
    assert!(Expression::new(&nest(MANY), &limits()).is_err());
    assert!(Expression::new(&nest(depth + 1), &limits()).is_err());
    assert_eq!(verdict(&nest(depth), PATIENT), Verdict::True);
    for open in [
        "repeat(",
        "descendants().where(",
        "Patient.select(",
        "aggregate(",
        "iif(true, ",
    ] {
        let nested = format!("{}id{}", open.repeat(depth), ")".repeat(depth));
        let verdict = verdict(&nested, PATIENT);
        assert!(
            !matches!(verdict, Verdict::True | Verdict::False),
            "{open}: {verdict:?}"
        );
    }
}

#[test]
fn what_never_ends_runs_out_of_steps() {
    for source in [
        "1.repeat($this + 1)",
        "(0 | 1).repeat($this + 1 | $this - 1)",
        "'x'.repeat($this & 'x').count() < 0",
        "0.5.repeat($this + 0.001)",
        "@2015-01-01.repeat($this + 1 day)",
        "1.repeat(($this + 1).repeat($this + 1))",
        "repeat(%resource | $this.children() | 1.repeat($this + 1))",
        "descendants().select('a').repeat($this | $this & 'x').repeat($this & 'y')",
    ] {
        let fault = fault(verdict(source, PATIENT));
        assert!(
            matches!(fault, Fault::Budget | Fault::TextTooLong(_)),
            "{source}: {fault:?}"
        );
    }
}

#[test]
fn strings_do_not_grow_without_bound() {
    let many = numbers(200);
    let grow = |step: &str, first: &str| format!("{many}.aggregate({step}, {first}).length() > 0");
    for (step, first) in [
        ("$total & $total", "'ab'"),
        ("$total + $total", "'ab'"),
        ("$total.replace('a', 'aaaaaaaaaa')", "'a'"),
        ("$total.replace('', $total)", "'ab'"),
        ("$total.replaceMatches('a', 'aa')", "'a'"),
        ("$total.replaceMatches('.', '$0$0$0$0')", "'a'"),
        ("$total.encode('hex')", "'a'"),
        ("$total.escape('json').escape('json') & '\"'", "'\"'"),
        ("($total | $total & ' ').join($total)", "'ab'"),
        ("$total.toChars().join($total)", "'abc'"),
        ("$total.upper()", "'ßßßßßßßßßßßßßßßßß'"),
    ] {
        let verdict = verdict(&grow(step, first), PATIENT);
        let bounded = match &verdict {
            Verdict::Error(error) => matches!(error.fault(), Fault::Budget | Fault::TextTooLong(_)),
            verdict => *verdict == Verdict::True && step.contains("upper"),
        };
        assert!(bounded, "{step}: {verdict:?}");
    }
    let replaced = format!("'a'{}", ".replace('a', 'aa')".repeat(MANY / 10));
    let fault = fault(verdict(&replaced, PATIENT));
    assert!(
        matches!(fault, Fault::Budget | Fault::TextTooLong(_)),
        "{fault:?}"
    );
}

#[test]
fn numbers_overflow_to_nothing() {
    let most = "9223372036854775807";
    let big = format!("{}.5", "9".repeat(990));
    for source in [
        format!("(-{most} - 1) div -1 > 0"),
        format!("-(-{most} - 1) > 0"),
        format!("(-{most} - 1).abs() > 0"),
        format!("{most} + 1 > 0"),
        format!("{most} * {most} > 0"),
        "1 / 0 > 0".to_owned(),
        "1 div 0 > 0".to_owned(),
        "1.5 mod 0.0 > 0".to_owned(),
        format!("{big} * {big} * {big} > 0"),
        format!("{big}.power({most}) > 0"),
        "10.power(1000000000) > 0".to_owned(),
        "(0.1).power(-1000000000) > 0".to_owned(),
        "(-1.5).power(0.5) > 0".to_owned(),
        "(-1).sqrt() > 0".to_owned(),
        "0.ln() > 0".to_owned(),
        "0.log(10) > 0".to_owned(),
        "100.log(1) > 0".to_owned(),
        "1000000.exp() > 0".to_owned(),
        "1.5.round(2147483647).round(-1) > 0".to_owned(),
        format!("{}.aggregate($total * $total, 10.0) > 0", numbers(64)),
        format!("{}.aggregate($total.power($total), 3) > 0", numbers(64)),
    ] {
        let verdict = verdict(&source, PATIENT);
        assert!(
            matches!(verdict, Verdict::Empty | Verdict::Error(_)),
            "{source}: {verdict:?}"
        );
    }
    // What the processor cannot divide has a remainder all the same.
    let remainder = verdict(&format!("(-{most} - 1) mod -1 = 0"), PATIENT);
    assert!(
        matches!(
            remainder,
            Verdict::True | Verdict::Empty | Verdict::Error(_)
        ),
        "{remainder:?}"
    );
}

#[test]
fn time_does_not_leave_the_calendar() {
    let units = [
        "years",
        "months",
        "weeks",
        "days",
        "hours",
        "minutes",
        "seconds",
        "milliseconds",
    ];
    for time in [
        "@2015",
        "@2015-02-04",
        "@2015-02-04T14:34:28.123Z",
        "@0001-01-01",
        "@9999-12-31T23:59:59.999Z",
    ] {
        for sign in ["+", "-"] {
            for unit in units {
                for number in [
                    "999999999999999999",
                    "9223372036854775807",
                    "99999999999999999999999999999.5",
                ] {
                    let verdict = verdict(
                        &format!("({time} {sign} {number} {unit}).exists()"),
                        PATIENT,
                    );
                    assert!(
                        matches!(verdict, Verdict::False | Verdict::Error(_)),
                        "{time} {sign} {number} {unit}: {verdict:?}"
                    );
                }
            }
        }
    }
    // A time of day goes round.
    for number in ["999999999999999999", "9223372036854775807"] {
        for unit in &units[4..] {
            let verdict = verdict(
                &format!("(@T10:30:00 + {number} {unit}) >= @T00:00:00"),
                PATIENT,
            );
            assert!(
                matches!(verdict, Verdict::True | Verdict::Empty | Verdict::Error(_)),
                "{number} {unit}: {verdict:?}"
            );
        }
    }
}

#[test]
fn regular_expressions_are_linear_and_small() {
    let long = "a".repeat(50_000);
    for pattern in [
        "(a+)+$",
        "(a|aa)+$",
        "(.*a){12}$",
        "^(a?){30}a{30}$",
        "(a*)*b",
        "([a-z]+)*\\\\d",
    ] {
        for call in [
            format!("'{long}!'.matches('{pattern}')"),
            format!("'{long}!'.matchesFull('{pattern}')"),
            format!("'{long}!'.replaceMatches('{pattern}', 'x').length() > 0"),
        ] {
            let verdict = verdict(&call, PATIENT);
            assert!(
                !matches!(verdict, Verdict::NotBoolean(_) | Verdict::Several),
                "{verdict:?}"
            );
        }
    }
    // Too large, or nothing that the linear engine has.
    for pattern in [
        "((a{1000}){1000}){1000}",
        "(?=a)b",
        "(a)\\\\1",
        "\\\\p{L}{5000}{50}",
        "(",
        "[z-a]",
        "a{2,1}",
    ] {
        let source = format!("'aaa'.matches('{pattern}')");
        match Expression::new(&source, &Limits::default()) {
            Err(_) => {}
            Ok(_) => assert_eq!(fault(verdict(&source, PATIENT)), Fault::Regex, "{pattern}"),
        }
        let varying = format!("'aaa'.matches('{pattern}' & id.substring(9))");
        let verdict = verdict(&varying, PATIENT);
        assert!(
            matches!(verdict, Verdict::Empty | Verdict::Error(_)),
            "{pattern}: {verdict:?}"
        );
    }
}

/// A pattern that is not constant is compiled again and again.
#[test]
fn compiling_patterns_takes_steps() {
    let document = patient_of(100, 300);
    for pattern in [
        "'(\\\\w{20}){20}' & $this",
        "'\\\\p{L}{90}' & $this",
        "$this & '(a|b|c|d|e|f)*g'",
    ] {
        let source = format!("name.given.where('abc'.matches({pattern})).empty()");
        let verdict = verdict_within(&source, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::Error(_)),
            "{pattern}: {verdict:?}"
        );
    }
}

#[test]
fn many_variables_take_many_steps() {
    let mut source = String::from("Patient");
    for number in 0..3_000 {
        write!(source, ".defineVariable('v{number}', 1)").unwrap();
    }
    let document = patient_of(100, 300);
    let nested = format!(
        "name.given.select(%resource{}.exists())",
        &source["Patient".len()..]
    );
    let verdict = verdict_within(&nested, &document, DEFAULT_STEPS);
    assert!(matches!(verdict, Verdict::Error(_)), "{verdict:?}");
}
