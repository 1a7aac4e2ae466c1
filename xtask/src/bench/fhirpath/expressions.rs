//! The benchmark of `crates/fhirpath`, run by criterion, and what it wrote down.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::console::step;
use crate::process::{capture, cargo};
use crate::project::Project;

/// A constraint may take so long.
pub const LONGEST_NS: f64 = 1_000.0;

/// The group of those that have the bar.
const WITH_BAR: &str = "constraint";

/// How many of them there are.
const BARS: usize = 2;

/// The time of one expression.
#[derive(Debug, Serialize)]
pub struct Expression {
    pub name: String,
    pub mean_ns: f64,
    pub interval_ns: (f64, f64),
    pub has_bar: bool,
}

impl Expression {
    pub fn keeps_bar(&self) -> bool {
        !self.has_bar || self.mean_ns <= LONGEST_NS
    }
}

/// The part of criterion's `estimates.json` that is looked at; nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// The part of criterion's `benchmark.json` that is looked at.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// Runs the benchmark and reads its results.
pub fn measure(project: &Project) -> Result<Vec<Expression>> {
    let home = project.target("criterion-fhirpath");
    fs::remove_dir_all(&home).ok();
    step("expressions alone (criterion)");
    capture(
        cargo()
            .args([
                "bench",
                "--locked",
                "--package",
                "fhirpath",
                "--bench",
                "constraints",
            ])
            .current_dir(project.root())
            .env("CRITERION_HOME", &home),
    )?;
    let mut results = read(&home)?;
    results.sort_by(|left, right| left.name.cmp(&right.name));
    let bars = results.iter().filter(|one| one.has_bar).count();
    ensure!(bars == BARS, "{bars} constraints were measured, not {BARS}");
    Ok(results)
}

/// `<home>/<group>/<name>/new/estimates.json`
fn read(home: &Path) -> Result<Vec<Expression>> {
    let mut results = Vec::new();
    for group in folders(home)? {
        for one in folders(&group)? {
            let folder = one.join("new");
            if !folder.is_dir() {
                continue;
            }
            let benchmark: Benchmark = json(&folder.join("benchmark.json"))?;
            let estimates: Estimates = json(&folder.join("estimates.json"))?;
            let interval = estimates.mean.confidence_interval;
            results.push(Expression {
                has_bar: group.file_name().is_some_and(|name| name == WITH_BAR),
                name: benchmark.full_id,
                mean_ns: estimates.mean.point_estimate,
                interval_ns: (interval.lower_bound, interval.upper_bound),
            });
        }
    }
    Ok(results)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("criterion left no {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.is_dir()).collect())
}

fn json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("criterion left no {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_for_constraints() {
        let expression = |mean_ns, has_bar| Expression {
            name: String::new(),
            mean_ns,
            interval_ns: (0.0, 0.0),
            has_bar,
        };
        assert!(expression(1_000.0, true).keeps_bar() && !expression(1_000.1, true).keeps_bar());
        assert!(expression(5_000.0, false).keeps_bar() && !expression(f64::NAN, true).keeps_bar());
    }

    #[test]
    fn reads_what_criterion_writes() {
        let text = r#"{"mean": {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1.5, "upper_bound": 2.5},
            "point_estimate": 2.0, "standard_error": 0.1}, "median": {}, "slope": null}"#;
        let estimates: Estimates = serde_json::from_str(text).unwrap();
        assert_eq!(estimates.mean.point_estimate, 2.0);
        assert_eq!(estimates.mean.confidence_interval.upper_bound, 2.5);
    }
}
