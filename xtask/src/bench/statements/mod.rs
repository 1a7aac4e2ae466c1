//! `cargo xtask bench statements`: ten statements on Synthea's data at several sizes, by five methods of access control.
//!
//! (a) by hand in the statement, without row security; (b) fhir_access; (c) row security with `current_setting()`; (d) row
//! security that calls a PL/pgSQL function; (e) in the application. Each round is a slice of each method, in turn; ratios are
//! those of the slices of one round.

mod application;
mod cases;
mod data;
mod print;
mod slices;

use std::fs;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;

use crate::bench::pairs;
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::{note, step};
use crate::project::Project;
use crate::setup::Server;

use application::Application;
use cases::{CASES, Case, Method};
use data::{PLAIN, Sample, Size};
use slices::{Length, Runner, median_and_spread, typical};

pub use print::sections;

/// (b) / (a): the median over the ten statements, and the worst of them.
pub const MEDIAN_BAR: f64 = 1.05;
pub const WORST_BAR: f64 = 1.15;

/// What indexes find takes at most so many times as long in the largest tables as in the smallest.
pub const GROWTH_BAR: f64 = 1.20;

/// How much is measured.
pub struct Scope {
    /// Resources in all tables together.
    pub rows: Vec<usize>,
    pub clients: Vec<usize>,
    /// Slices of each method.
    pub rounds: usize,
    /// Keep the plans of (a) and (b).
    pub plans: bool,
}

/// A ratio over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    pub ratio: f64,
    pub spread: (f64, f64),
}

/// A statement at one size with so many clients. Times are medians over the rounds, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub statement: &'static str,
    pub resources: usize,
    pub clients: usize,
    /// Rows that it finds or writes.
    pub rows: usize,
    pub by_hand_ms: f64,
    pub fhir_access_ms: f64,
    pub setting_ms: f64,
    pub function_ms: f64,
    pub application_ms: Option<f64>,
    /// (b) / (a)
    pub to_by_hand: Compared,
    /// (b) / (c)
    pub to_setting: Compared,
    /// The fastest slices, for a comparison with another size: less of other programs is in them.
    pub best_by_hand_ms: f64,
    pub best_fhir_access_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plans: Option<(String, String)>,
}

/// How an indexed statement grows from the smallest tables to the largest.
#[derive(Debug, Serialize)]
pub struct Growth {
    pub statement: &'static str,
    pub clients: usize,
    pub fhir_access: f64,
    pub by_hand: f64,
}

/// The bars of one size with so many clients.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub resources: usize,
    pub clients: usize,
    pub median: f64,
    pub worst: f64,
    /// Statements that are not faster than by (c).
    pub slower_than_setting: Vec<&'static str>,
}

impl Summary {
    pub fn good(&self) -> bool {
        self.median <= MEDIAN_BAR && self.worst <= WORST_BAR && self.slower_than_setting.is_empty()
    }
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    pub origin: &'static str,
    pub sizes: Vec<Size>,
    pub rounds: usize,
    /// Why the application was not measured.
    pub no_application: Option<String>,
    pub answers: Vec<Answer>,
    pub summaries: Vec<Summary>,
    pub growth: Vec<Growth>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(
    project: &Project,
    cluster: &Cluster,
    server: &Server,
    scope: &Scope,
) -> Result<Report> {
    let sample = Sample::of(project)?;
    let no_application = application::install(project)?.err();
    if let Some(reason) = &no_application {
        note(&format!("without the application: {reason}"));
    }
    let folder = project.target("bench/pgbench");
    fs::create_dir_all(&folder)?;
    let runner = Runner {
        cluster,
        pgbench: server.program("pgbench"),
        folder,
    };
    let (mut sizes, mut answers) = (Vec::new(), Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ours = [cluster.process()?, i64::from(std::process::id())];
    for rows in &scope.rows {
        let size = data::provide(cluster, &sample, *rows)?;
        let mut application = match no_application {
            Some(_) => None,
            None => Some(Application::start(project, cluster, &size)?),
        };
        for case in &CASES {
            step(case.name);
            let found = check(cluster, case, &size)
                .with_context(|| format!("{}: the methods disagree", case.name))?;
            for clients in &scope.clients {
                // One client and its server take turns: see `pairs::on_one_core`.
                match clients {
                    1 => pairs::pin(&ours, "0"),
                    _ => pairs::pin(&ours, &format!("0-{}", cores - 1)),
                }
                let one = ask(
                    &runner,
                    application.as_mut(),
                    (case, &size, found),
                    *clients,
                    scope,
                )
                .with_context(|| case.name)?;
                note(&format!(
                    "with {}: {:.3} ms by hand, {:.3} ms fhir_access ({:.3}), {:.3} ms setting, {:.3} ms function",
                    print::clients(one.clients),
                    one.by_hand_ms,
                    one.fhir_access_ms,
                    one.to_by_hand.ratio,
                    one.setting_ms,
                    one.function_ms
                ));
                answers.push(one);
            }
        }
        // What generates the next size is not timed.
        pairs::pin(&ours, &format!("0-{}", cores - 1));
        sizes.push(size);
    }
    let summaries = summaries(&answers, scope);
    let growth = growth(&answers, scope);
    let good = summaries.iter().all(Summary::good)
        && growth.iter().all(|one| one.fhir_access <= GROWTH_BAR);
    Ok(Report {
        origin: sample.origin,
        sizes,
        rounds: scope.rounds,
        no_application,
        answers,
        summaries,
        growth,
        good,
    })
}

fn connect(cluster: &Cluster, method: Method, case: &Case) -> Result<Client> {
    let (role, database, options) = slices::session(method, case.member);
    let mut client = cluster.connect(&role, database)?;
    for setting in options.split("-c ").filter(|one| !one.is_empty()) {
        let (name, value) = setting.trim().split_once('=').context("a setting")?;
        client.execute("SELECT set_config($1, $2, false)", &[&name, &value])?;
    }
    Ok(client)
}

/// All methods must answer alike. Tells how many rows there are.
fn check(cluster: &Cluster, case: &Case, size: &Size) -> Result<usize> {
    let mut found = None;
    for method in Method::ALL {
        let mut client = connect(cluster, method, case)?;
        let sql = case.sample(method, &size.encounter, size.permitted);
        let this = if case.writes {
            let mut transaction = client.transaction()?;
            let changed = transaction.execute(&sql, &[])?;
            transaction.rollback()?;
            (i64::try_from(changed)?, String::new())
        } else {
            let row = client.query_one(
                &format!(
                    "SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM ({sql}) AS t"
                ),
                &[],
            )?;
            (row.get(0), row.get(1))
        };
        ensure!(this.0 > 0, "{method:?} finds nothing");
        match &found {
            None => found = Some(this),
            Some(first) => ensure!(*first == this, "{method:?} answers otherwise than by hand"),
        }
    }
    Ok(usize::try_from(found.context("there are methods")?.0)?)
}

/// Slices of all methods, in turn.
fn ask(
    runner: &Runner,
    mut application: Option<&mut Application>,
    (case, size, rows): (&Case, &Size, usize),
    clients: usize,
    scope: &Scope,
) -> Result<Answer> {
    let mut sides = Vec::new();
    for method in Method::ALL {
        let text = case.script(method, &size.encounter, size.of_clinic);
        let script = runner.script(&format!("{}-{method:?}", case.id), &text)?;
        let first = Length {
            warm_up: 0,
            measured: 1,
            rounds: 1,
        };
        // One run tells whether ten are bearable, and these how many make a slice.
        let mut ms = runner.run((method, case.member), &script, clients, first)?;
        if Length::of(ms, scope.rounds).rounds > 1 {
            let some = Length {
                warm_up: 2,
                measured: 10,
                rounds: 1,
            };
            ms = runner.run((method, case.member), &script, clients, some)?;
        }
        let length = Length::of(ms, scope.rounds);
        let times = if length.measured == 1 {
            vec![ms]
        } else {
            Vec::new()
        };
        sides.push((method, script, length, times));
    }
    let mut application_times = Vec::new();
    let mut runs = clients * 3;
    for round in 0..scope.rounds {
        // Who goes first changes.
        sides.rotate_left(1);
        for (method, script, length, times) in &mut sides {
            if times.len() < length.rounds {
                times.push(runner.run((*method, case.member), script, clients, *length)?);
            }
        }
        if let Some(application) = application.as_deref_mut() {
            let answer = application.run(case.id, clients, runs)?;
            ensure!(
                answer.rows == rows || case.text.contains(":k") || case.id == "count",
                "the application finds {} rows, not {rows}",
                answer.rows
            );
            let ms = typical(answer.ms);
            runs = clients * ((100.0 / ms) as usize).clamp(3, 1_000);
            // The first round is Node's to compile.
            if round > 0 {
                application_times.push(ms);
            }
        }
        if case.writes {
            for database in [crate::bench::DATABASE, PLAIN] {
                let mut superuser = runner.cluster.connect(SUPERUSER, database)?;
                superuser.batch_execute("VACUUM observation")?;
            }
        }
    }
    let times = |wanted: Method| -> Vec<f64> {
        let side = sides.iter().find(|(method, ..)| *method == wanted);
        side.map(|(.., times)| times.clone()).unwrap_or_default()
    };
    let (by_hand, fhir_access, setting) = (
        times(Method::ByHand),
        times(Method::FhirAccess),
        times(Method::Setting),
    );
    let median = |times: Vec<f64>| median_and_spread(times).0;
    let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let plans = scope
        .plans
        .then(|| -> Result<(String, String)> {
            let plan = |method| -> Result<String> {
                let mut client = connect(runner.cluster, method, case)?;
                let sql = case.sample(method, &size.encounter, size.permitted);
                crate::bench::plan(&mut client, &sql)
            };
            Ok((plan(Method::ByHand)?, plan(Method::FhirAccess)?))
        })
        .transpose()?;
    Ok(Answer {
        statement: case.name,
        resources: size.asked,
        clients,
        rows,
        to_by_hand: compared(&fhir_access, &by_hand),
        to_setting: compared(&fhir_access, &setting),
        best_by_hand_ms: best(&by_hand),
        best_fhir_access_ms: best(&fhir_access),
        by_hand_ms: median(by_hand),
        fhir_access_ms: median(fhir_access),
        setting_ms: median(setting),
        function_ms: median(times(Method::Function)),
        application_ms: (!application_times.is_empty()).then(|| median(application_times)),
        plans,
    })
}

/// Of the slices of each round.
fn compared(left: &[f64], right: &[f64]) -> Compared {
    let ratios = left.iter().zip(right).map(|(left, right)| left / right);
    let (ratio, spread) = median_and_spread(ratios.collect());
    Compared { ratio, spread }
}

fn summaries(answers: &[Answer], scope: &Scope) -> Vec<Summary> {
    let mut summaries = Vec::new();
    for resources in &scope.rows {
        for clients in &scope.clients {
            let these = || {
                answers
                    .iter()
                    .filter(|one| one.resources == *resources && one.clients == *clients)
            };
            let mut ratios: Vec<f64> = these().map(|one| one.to_by_hand.ratio).collect();
            ratios.sort_by(f64::total_cmp);
            // Of ten, the mean of the fifth and the sixth.
            let middle = |at: usize| ratios.get(at).copied().unwrap_or(f64::NAN);
            let half = ratios.len() / 2;
            summaries.push(Summary {
                resources: *resources,
                clients: *clients,
                median: (middle(half) + middle(ratios.len().saturating_sub(1) / 2)) / 2.0,
                worst: ratios.last().copied().unwrap_or(f64::NAN),
                slower_than_setting: these()
                    .filter(|one| one.to_setting.ratio >= 1.0 || one.to_setting.ratio.is_nan())
                    .map(|one| one.statement)
                    .collect(),
            });
        }
    }
    summaries
}

fn growth(answers: &[Answer], scope: &Scope) -> Vec<Growth> {
    let (Some(least), Some(most)) = (scope.rows.iter().min(), scope.rows.iter().max()) else {
        return Vec::new();
    };
    if least == most {
        return Vec::new();
    }
    let mut growth = Vec::new();
    for case in CASES.iter().filter(|case| case.indexed) {
        for clients in &scope.clients {
            let at = |resources: usize| {
                answers.iter().find(|one| {
                    one.statement == case.name
                        && one.clients == *clients
                        && one.resources == resources
                })
            };
            if let (Some(small), Some(large)) = (at(*least), at(*most)) {
                growth.push(Growth {
                    statement: case.name,
                    clients: *clients,
                    fhir_access: large.best_fhir_access_ms / small.best_fhir_access_ms,
                    by_hand: large.best_by_hand_ms / small.best_by_hand_ms,
                });
            }
        }
    }
    growth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(statement: &'static str, resources: usize, ratio: f64, to_setting: f64) -> Answer {
        let compared = |ratio| Compared {
            ratio,
            spread: (ratio, ratio),
        };
        Answer {
            statement,
            resources,
            clients: 1,
            rows: 1,
            by_hand_ms: 1.0,
            fhir_access_ms: ratio,
            setting_ms: 1.0,
            function_ms: 1.0,
            application_ms: None,
            to_by_hand: compared(ratio),
            to_setting: compared(to_setting),
            best_by_hand_ms: 1.0,
            best_fhir_access_ms: ratio,
            plans: None,
        }
    }

    fn scope(rows: &[usize]) -> Scope {
        Scope {
            rows: rows.to_vec(),
            clients: vec![1],
            rounds: 3,
            plans: false,
        }
    }

    #[test]
    fn bars_are_for_each_size() {
        let answers = [
            answer("read by id", 10, 1.0, 0.9),
            answer("count", 10, 1.04, 0.9),
            answer("read by id", 20, 1.0, 0.9),
            answer("count", 20, 1.16, 1.0),
        ];
        let [small, large] = summaries(&answers, &scope(&[10, 20])).try_into().unwrap();
        assert!(small.good() && (small.median - 1.02).abs() < 1e-9);
        assert!(!large.good() && large.worst == 1.16);
        assert_eq!(large.slower_than_setting, ["count"]);
    }

    #[test]
    fn growth_is_of_what_indexes_find() {
        let answers = [
            answer("count", 10, 1.0, 1.0),
            answer("count", 1_000, 1.5, 1.0),
            answer("aggregate by code", 10, 1.0, 1.0),
            answer("aggregate by code", 1_000, 9.0, 1.0),
        ];
        let growth = growth(&answers, &scope(&[10, 1_000]));
        assert_eq!(growth.len(), 1);
        assert_eq!(growth[0].fhir_access, 1.5);
        assert!(super::growth(&answers, &scope(&[10])).is_empty());
    }

    #[test]
    fn rounds_are_compared_one_by_one() {
        let one = compared(&[1.0, 10.0, 3.0], &[1.0, 10.0, 1.0]);
        assert_eq!((one.ratio, one.spread), (1.0, (1.0, 1.0)));
    }
}
