//! What a large policy costs when it is first used, and a switch of memberships at any time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::Client;
use serde::Serialize;
use serde_json::json;

use super::{Scope, store_membership};
use crate::bench::pairs::{self, Budget, WARM_UP};
use crate::bench::{APPLICATION, DATABASE};
use crate::cluster::Cluster;

/// Entries of the large policy.
const ENTRIES: usize = 100;

/// A policy of that many entries may take so long to be parsed and compiled; here with planning.
pub const LONGEST_COMPILATION_MS: f64 = 5.0;

/// A switch to a membership that is known may take so much longer than `SET application_name`.
pub const LONGEST_SWITCH_US: f64 = 50.0;

/// Backends in each of which the large policy is used for the first time.
const BACKENDS: usize = 20;

/// The large policy, and its membership.
const LARGE: &str = "large";

/// Memberships that are switched between.
const MEMBERSHIPS: [&str; 2] = ["token", "reference"];

/// A statement whose planning takes in the whole policy, and which reads nothing.
const PLANNED: &str = "EXPLAIN SELECT count(*) FROM observation";

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Sessions {
    pub entries: usize,
    /// `validate()` of the policy: JSON, shapes, criteria.
    pub validate_ms: f64,
    /// `SET fhir_access.membership` and an `EXPLAIN`, in a backend that has not used the policy before: documents are
    /// read and parsed, criteria bound and compiled, the expression parsed and planned.
    pub first_ms: f64,
    /// The same a second time, with other memberships in between.
    pub second_ms: f64,
    /// `explain()` in a session that knows the policy: the predicates as SQL.
    pub explain_ms: f64,
    /// An `EXPLAIN` with the same predicate by hand.
    pub by_hand_ms: f64,
    /// `SET fhir_access.membership`, to one that is known.
    pub switch_us: f64,
    /// `SET application_name`.
    pub set_us: f64,
    pub switch_above_set_us: f64,
    /// A prepared statement after a switch, which is planned again.
    pub next_after_switch_us: f64,
    /// The same statement by hand after `DISCARD PLANS`.
    pub next_after_discard_us: f64,
    /// The same prepared statement after `SET application_name`.
    pub next_after_set_us: f64,
}

impl Sessions {
    /// Are both bars kept?
    pub fn keep_bars(&self) -> bool {
        self.first_ms <= LONGEST_COMPILATION_MS && self.switch_above_set_us <= LONGEST_SWITCH_US
    }
}

/// Stores the large policy: entries of all kinds for one type.
pub fn store(superuser: &mut Client) -> Result<()> {
    let entries: Vec<serde_json::Value> = (0..ENTRIES)
        .map(|n| {
            let criteria = match n % 10 {
                0 => format!("code=http://loinc.org|{n}-7"),
                1 => format!("subject=Patient/p{n}"),
                2 => format!("_compartment=Patient/p{n}"),
                3 => format!("date=ge20{n:02}-01-01&status=final"),
                4 => format!("value-quantity=gt{n}00|http://unitsofmeasure.org|kg"),
                5 => format!("_profile:below=http://example.org/fhir/unit-{n}"),
                6 => format!("component-code-value-quantity=http://loinc.org|{n}-1$gt140"),
                7 => format!("performer=Practitioner/gp{n}&category:not=laboratory"),
                8 => format!("value-string:contains=text {n},word {n}"),
                _ => format!("code:text=measurement {n}&subject:missing=false"),
            };
            json!({"resourceType": "Observation", "criteria": format!("Observation?{criteria}")})
        })
        .collect();
    let policy = json!({"resourceType": "AccessPolicy", "id": LARGE, "resource": entries});
    store_membership(superuser, LARGE, &policy)
}

/// Measures all of it.
pub fn measure(
    cluster: &Cluster,
    application: &mut Client,
    superuser: &mut Client,
    scope: Scope,
) -> Result<Sessions> {
    let validate = superuser.prepare(
        "SELECT count(v) FROM fhir_access.access_policy, fhir_access.validate(resource) v WHERE id = 'large'",
    )?;
    let mut times = Vec::new();
    for _ in 0..scope.pairs {
        times.push(pairs::timed(superuser, &validate, &[])?);
    }
    let validate_ms = pairs::median_ms(times);

    superuser.batch_execute(&format!("SET fhir_access.membership = '{LARGE}'"))?;
    let predicates = superuser.query(
        "SELECT predicate FROM fhir_access.explain('Observation') WHERE predicate <> ''",
        &[],
    )?;
    let explain =
        superuser.prepare("SELECT count(predicate) FROM fhir_access.explain('Observation')")?;
    let mut times = Vec::new();
    for _ in 0..scope.pairs {
        times.push(pairs::timed(superuser, &explain, &[])?);
    }
    let explain_ms = pairs::median_ms(times);
    superuser.batch_execute("RESET fhir_access.membership")?;
    let predicates: Vec<String> = predicates
        .iter()
        .map(|row| row.get::<_, String>(0))
        .collect();
    let by_hand = format!("{PLANNED} WHERE {}", predicates.join(" OR "));
    superuser.batch_execute("SET search_path = public, fhir_access")?;
    let (mut first, mut second, mut hand) = (Vec::new(), Vec::new(), Vec::new());
    let large = format!("SET fhir_access.membership = '{LARGE}'");
    for _ in 0..BACKENDS {
        let mut backend = cluster.connect(APPLICATION, DATABASE)?;
        for _ in 0..3 {
            use_another(&mut backend)?;
        }
        first.push(planned(&mut backend, &large)?);
        use_another(&mut backend)?;
        second.push(planned(&mut backend, &large)?);
        pairs::timed_batch(superuser, &by_hand).context("the predicate by hand")?;
        hand.push(pairs::timed_batch(superuser, &by_hand)?);
    }
    superuser.batch_execute("RESET search_path")?;
    let (first_ms, second_ms, by_hand_ms) = (
        pairs::median_ms(first),
        pairs::median_ms(second),
        pairs::median_ms(hand),
    );

    let budget = Budget {
        warm_up: WARM_UP,
        pairs: scope.pairs * 10,
        time: Duration::from_secs(15),
    };
    let client = std::cell::RefCell::new(application);
    let turn = Cell::new(0_usize);
    let names = || {
        turn.set(turn.get() + 1);
        MEMBERSHIPS.get(turn.get() % 2).copied().unwrap_or_default()
    };
    let switch = || format!("SET fhir_access.membership = '{}'", names());
    let set = || format!("SET application_name = '{}'", names());
    // Each side alternates between its two values: a pair of switches is timed, so that both change something.
    let twice = |statement: &dyn Fn() -> String| -> Result<Duration> {
        let mut client = client.borrow_mut();
        let one = pairs::timed_batch(&mut client, &statement())?;
        Ok((one + pairs::timed_batch(&mut client, &statement())?) / 2)
    };
    let switches = pairs::interleave(budget, || twice(&switch), || twice(&set))?;

    let sql = "SELECT count(*) FROM observation WHERE id = 'nobody'";
    let under_policy = client.borrow_mut().prepare(sql)?;
    let alone = superuser.prepare(sql)?;
    let after = |statement: &dyn Fn() -> String| -> Result<Duration> {
        let mut client = client.borrow_mut();
        client.batch_execute(&statement())?;
        pairs::timed(&mut client, &under_policy, &[])
    };
    let discarded = || {
        superuser.batch_execute("DISCARD PLANS")?;
        pairs::timed(superuser, &alone, &[])
    };
    let next = pairs::interleave(budget, || after(&switch), discarded)?;
    let kept = pairs::interleave(budget, || after(&set), || after(&set))?;
    Ok(Sessions {
        entries: ENTRIES,
        validate_ms,
        first_ms,
        second_ms,
        explain_ms,
        by_hand_ms,
        switch_us: switches.policy_ms * 1e3,
        set_us: switches.by_hand_ms * 1e3,
        switch_above_set_us: (switches.policy_ms - switches.by_hand_ms) * 1e3,
        next_after_switch_us: next.policy_ms * 1e3,
        next_after_discard_us: next.by_hand_ms * 1e3,
        next_after_set_us: kept.policy_ms * 1e3,
    })
}

/// Warms a backend with memberships other than the large one.
fn use_another(backend: &mut Client) -> Result<()> {
    for membership in MEMBERSHIPS {
        planned(
            backend,
            &format!("SET fhir_access.membership = '{membership}'"),
        )?;
    }
    Ok(())
}

/// The time to change the session and to plan a statement.
fn planned(backend: &mut Client, switch: &str) -> Result<Duration> {
    let begun = Instant::now();
    backend.batch_execute(switch)?;
    backend.batch_execute(PLANNED)?;
    Ok(begun.elapsed())
}
