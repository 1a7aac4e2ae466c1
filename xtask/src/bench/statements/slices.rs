//! Short runs of pgbench with prepared statements, one after the other by each method.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cases::{Member, Method};
use super::data::PLAIN;
use crate::bench::pairs::percentile;
use crate::bench::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::process::capture;

/// A slice takes about this long.
const SLICE_MS: f64 = 100.0;

/// Runs of each client in a slice before those that count: PostgreSQL has settled on a plan after five.
const WARM_UP: usize = 12;

/// Slower statements than this are run as often as it is bearable.
const SLOW_MS: f64 = 60.0;
const VERY_SLOW_MS: f64 = 800.0;

/// How often a client runs a statement in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    pub warm_up: usize,
    pub measured: usize,
    /// Slices are worth repeating only so often.
    pub rounds: usize,
}

impl Length {
    /// For a statement that takes so long.
    pub fn of(ms: f64, rounds: usize) -> Self {
        if ms >= VERY_SLOW_MS {
            return Self {
                warm_up: 0,
                measured: 1,
                rounds: 1,
            };
        }
        if ms >= SLOW_MS {
            return Self {
                warm_up: 1,
                measured: 2,
                rounds: rounds.min(3),
            };
        }
        Self {
            warm_up: WARM_UP,
            measured: ((SLICE_MS / ms.max(0.001)) as usize).clamp(10, 8_000),
            rounds,
        }
    }
}

/// Where slices are run.
pub struct Runner<'a> {
    pub cluster: &'a Cluster,
    pub pgbench: PathBuf,
    /// For scripts and logs.
    pub folder: PathBuf,
}

/// Who runs them.
pub fn session(method: Method, member: Member) -> (String, &'static str, String) {
    let name = member.name();
    match method {
        Method::ByHand => ("bench_by_hand".to_owned(), PLAIN, String::new()),
        Method::FhirAccess => (
            APPLICATION.to_owned(),
            DATABASE,
            format!("-c fhir_access.membership={name}"),
        ),
        Method::Setting => (format!("bench_setting_{name}"), PLAIN, settings()),
        Method::Function => (format!("bench_function_{name}"), PLAIN, settings()),
    }
}

fn settings() -> String {
    "-c app.project=c2 -c app.patient=Patient/p2-3".to_owned()
}

impl Runner<'_> {
    /// Writes a script for pgbench.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.join(format!("{name}.sql"));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// The typical latency of a slice, in milliseconds.
    pub fn run(
        &self,
        (method, member): (Method, Member),
        script: &Path,
        clients: usize,
        length: Length,
    ) -> Result<f64> {
        let (role, database, options) = session(method, member);
        let logs = self.folder.join("latencies");
        fs::remove_dir_all(&logs).ok();
        fs::create_dir_all(&logs)?;
        let mut command = Command::new(&self.pgbench);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--log"])
            .arg(format!("--log-prefix={}", logs.join("log").display()))
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", clients.min(2)))
            .arg(format!(
                "--transactions={}",
                length.warm_up + length.measured
            ))
            .arg(format!("--file={}", script.display()))
            .arg(database)
            .envs(self.cluster.environment())
            .env("PGUSER", role)
            .env("PGOPTIONS", options);
        capture(&mut command)?;
        let mut latencies = Vec::new();
        for entry in fs::read_dir(&logs)? {
            latencies.extend(latencies_of(
                &fs::read_to_string(entry?.path())?,
                length.warm_up,
            ));
        }
        let counted = clients * length.measured;
        ensure!(
            latencies.len() <= counted && latencies.len() + clients * BLOCK > counted,
            "pgbench has logged {} runs, not {counted}",
            latencies.len()
        );
        Ok(typical(latencies))
    }
}

/// How long the runs of a log took, in milliseconds, without the first ones of each client.
///
/// From the end of one to the end of the next, as the mean of a [`BLOCK`]: where the server has answered before pgbench looks, pgbench
/// takes no time of its own for the end, and logs a latency of 0. A client that has nothing before what counts is believed.
fn latencies_of(log: &str, warm_up: usize) -> Vec<f64> {
    let mut clients: BTreeMap<usize, Vec<Run>> = BTreeMap::new();
    for run in log.lines().filter_map(Run::of) {
        clients.entry(run.client).or_default().push(run);
    }
    let mut latencies = Vec::new();
    for mut runs in clients.into_values() {
        runs.sort_by_key(|run| run.number);
        let Some(before) = warm_up.checked_sub(1) else {
            latencies.extend(runs.iter().map(|run| run.latency_us / 1e3));
            continue;
        };
        let ends: Vec<f64> = runs.iter().skip(before).map(|run| run.end_us).collect();
        let counted = ends.len().saturating_sub(1);
        let block = BLOCK.min(counted / 10).max(1);
        let mut at = 0;
        while let (Some(begin), Some(end)) = (ends.get(at), ends.get(at + block)) {
            let each = (end - begin) / block as f64 / 1e3;
            // So that each run counts once.
            latencies.extend(std::iter::repeat_n(each, block));
            at += block;
        }
    }
    latencies
}

/// So many runs are timed together, if there are ten times as many.
const BLOCK: usize = 20;

/// A line of pgbench's log: `client transaction µs script s µs`, the last two of them when it ended.
struct Run {
    client: usize,
    number: usize,
    latency_us: f64,
    end_us: f64,
}

impl Run {
    fn of(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let client = fields.next()?.parse().ok()?;
        let number = fields.next()?.parse().ok()?;
        let latency_us = fields.next()?.parse().ok()?;
        let seconds: f64 = fields.nth(1)?.parse().ok()?;
        let us: f64 = fields.next()?.parse().ok()?;
        Some(Self {
            client,
            number,
            latency_us,
            end_us: seconds * 1e6 + us,
        })
    }
}

/// The mean of the middle half: robust as a median is, and not bound to the clock's microseconds.
pub fn typical(mut latencies: Vec<f64>) -> f64 {
    latencies.sort_by(f64::total_cmp);
    let quarter = latencies.len() / 4;
    let middle = latencies
        .get(quarter..latencies.len() - quarter)
        .unwrap_or_default();
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// The median, and the tenth and ninetieth percentile.
pub fn median_and_spread(mut numbers: Vec<f64>) -> (f64, (f64, f64)) {
    numbers.sort_by(f64::total_cmp);
    (
        percentile(&numbers, 50),
        (percentile(&numbers, 10), percentile(&numbers, 90)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read() {
        let log = "0 1 9000 0 1 100\n1 1 8000 0 1 200\n0 2 0 0 1 300\n1 2 150 0 2 100\n";
        assert_eq!(latencies_of(log, 1), [0.2, 999.9]);
        assert_eq!(latencies_of(log, 0), [9.0, 0.0, 8.0, 0.15]);
    }

    #[test]
    fn runs_are_timed_in_blocks() {
        let log: String = (0..=205)
            .map(|run| format!("0 {run} 0 0 7 {}\n", run * 10))
            .collect();
        let latencies = latencies_of(&log, 1);
        assert_eq!(latencies.len(), 200);
        assert!(latencies.iter().all(|ms| (ms - 0.01).abs() < 1e-9));
    }

    #[test]
    fn the_middle_half_counts() {
        assert_eq!(typical(vec![100.0, 2.0, 3.0, 0.0]), 2.5);
        assert_eq!(typical(vec![7.0]), 7.0);
        assert!(typical(Vec::new()).is_nan());
        assert_eq!(median_and_spread(vec![3.0, 1.0, 2.0]), (2.0, (1.0, 2.0)));
    }

    #[test]
    fn slow_statements_are_run_less() {
        let fast = Length::of(0.05, 11);
        assert_eq!((fast.warm_up, fast.measured, fast.rounds), (12, 2_000, 11));
        let slow = Length::of(100.0, 11);
        assert_eq!((slow.warm_up, slow.measured, slow.rounds), (1, 2, 3));
        let very_slow = Length::of(5_000.0, 11);
        assert_eq!((very_slow.measured, very_slow.rounds), (1, 1));
    }
}
