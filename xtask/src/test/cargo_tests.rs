//! `cargo test`: run, with the counts read from what it prints.

use std::process::Command;

use anyhow::Result;

use super::tally::Tally;
use crate::console::{green, red};
use crate::process::{cargo, watch};
use crate::project::Project;

/// Unit tests of the packages that need no PostgreSQL: all of the workspace but the extension.
pub fn run(project: &Project, packages: &[String]) -> Result<Tally> {
    let mut command = cargo();
    command
        .args(["test", "--locked", "--no-fail-fast"])
        .current_dir(project.root());
    if packages.is_empty() {
        command.args(["--workspace", "--exclude", "fhir_access"]);
    }
    for package in packages {
        command.args(["--package", package]);
    }
    count(&mut command, "cargo test")
}

/// Runs a `cargo test` command, shows the output of what fails, and counts.
pub fn count(command: &mut Command, name: &str) -> Result<Tally> {
    command.args(["--", "--show-output"]);
    let mut counter = Counter {
        name,
        ..Counter::default()
    };
    let good = watch(command, |line| {
        if let Some(text) = counter.read(line) {
            println!("{text}");
        }
    })?;
    if !good && counter.tally.failures().is_empty() {
        println!("{}", counter.output.join("\n"));
        counter.tally.add(Tally::failed(name));
    }
    Ok(counter.tally)
}

/// Reads what test programs print, one after the other.
#[derive(Default)]
struct Counter<'a> {
    name: &'a str,
    tally: Tally,
    /// What the program that runs now has printed.
    output: Vec<String>,
    broken: Vec<String>,
    skips: usize,
}

impl Counter<'_> {
    /// Takes a line, and returns what should be shown of all since the last time. A line that begins with `skipped`
    /// counts as a skipped test, not as one that passed; one that begins with `| ` is shown also when all passed.
    fn read(&mut self, line: &str) -> Option<String> {
        let broken = |line: &str| {
            line.strip_prefix("test ")?
                .strip_suffix(" ... FAILED")
                .map(str::to_owned)
        };
        if let Some(test) = broken(line) {
            self.broken.push(format!("{}: {test}", self.name));
        }
        self.skips += usize::from(line.starts_with("skipped"));
        self.output.push(line.to_owned());
        let (passed, failed, ignored) = parse_result(line)?;
        let skips = std::mem::take(&mut self.skips).min(passed);
        let unnamed = failed.saturating_sub(self.broken.len());
        self.tally.add(Tally::counted(
            self.name,
            passed - skips,
            unnamed,
            ignored + skips,
        ));
        for test in self.broken.drain(..) {
            self.tally.add(Tally::failed(&test));
        }
        let output = std::mem::take(&mut self.output);
        let line = line.trim_start_matches("test result: ");
        match (passed, failed) {
            (0, 0) => None,
            (_, 0) => {
                let tables = output.iter().filter_map(|line| line.strip_prefix("| "));
                let mut shown: Vec<String> = tables.map(|line| format!("  {line}")).collect();
                shown.push(format!("  {}", green(line)));
                Some(shown.join("\n"))
            }
            _ => Some(format!("{}\n  {}", output.join("\n"), red(line))),
        }
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn parse_result(line: &str) -> Option<(usize, usize, usize)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut counts = counts
        .split("; ")
        .map(|part| part.split(' ').next()?.parse().ok());
    Some((counts.next()??, counts.next()??, counts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_line() {
        let line = "test result: FAILED. 17 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.88s";
        assert_eq!(parse_result(line), Some((17, 2, 1)));
        assert_eq!(parse_result("test a ... ok"), None);
    }

    #[test]
    fn counts_what_programs_print() {
        let mut counter = Counter {
            name: "x",
            ..Counter::default()
        };
        let lines = [
            "running 2 tests",
            "skipped: no data",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured",
        ];
        let shown: Vec<_> = lines.iter().filter_map(|line| counter.read(line)).collect();
        assert_eq!(shown.len(), 1);
        assert_eq!(counter.tally.to_string(), "1 passed, 0 failed, 2 skipped");
        assert_eq!(counter.read("test a::b ... FAILED"), None);
        assert!(
            counter
                .read("test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured")
                .is_some()
        );
        assert_eq!(counter.tally.to_string(), "2 passed, 1 failed, 2 skipped");
        assert_eq!(counter.tally.failures(), ["x: a::b"]);
    }

    #[test]
    fn shows_tables_of_what_passed() {
        let mut counter = Counter::default();
        let shown: Vec<_> = [
            "| 7 pairs",
            "| 8 pairs",
            "noise",
            "test result: ok. 1 passed; 0 failed; 0 ignored",
        ]
        .iter()
        .filter_map(|line| counter.read(line))
        .collect();
        let [shown] = shown.as_slice() else {
            panic!("{shown:?}");
        };
        assert!(shown.starts_with("  7 pairs\n  8 pairs\n"), "{shown}");
        assert!(!shown.contains("noise"));
    }

    #[test]
    fn a_program_that_prints_nothing_and_fails_has_failed() {
        let tally = count(Command::new("sh").args(["-c", "exit 1"]), "x").unwrap();
        assert_eq!(tally.failures(), ["x"]);
    }
}
