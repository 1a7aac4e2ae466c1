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

/// Runs a `cargo test` command, shows the output of what fails, and counts. A line that begins with `skipped` counts as
/// a skipped test, not as one that passed.
pub fn count(command: &mut Command, name: &str) -> Result<Tally> {
    command.args(["--", "--show-output"]);
    let mut tally = Tally::default();
    let mut output = Vec::new();
    let mut skips = 0;
    let mut broken: Vec<String> = Vec::new();
    let good = watch(command, |line| {
        if line.starts_with("skipped") {
            skips += 1;
        }
        if let Some(test) = line
            .strip_prefix("test ")
            .and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            broken.push(format!("{name}: {test}"));
        }
        output.push(line.to_owned());
        if let Some((passed, failed, ignored)) = parse_result(line) {
            if failed > 0 {
                println!("{}", output.join("\n"));
            }
            if passed + failed > 0 {
                let line = line.trim_start_matches("test result: ");
                println!("  {}", if failed == 0 { green(line) } else { red(line) });
            }
            let skips_here = skips.min(passed);
            let unnamed = failed.saturating_sub(broken.len());
            tally.add(Tally::counted(
                name,
                passed - skips_here,
                unnamed,
                ignored + skips_here,
            ));
            broken
                .drain(..)
                .for_each(|test| tally.add(Tally::failed(&test)));
            output.clear();
            skips = 0;
        }
    })?;
    if !good && tally.failures().is_empty() {
        println!("{}", output.join("\n"));
        tally.add(Tally::failed(name));
    }
    Ok(tally)
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
    fn counts_what_a_program_prints() {
        let text = "running 2 tests\nskipped: no data\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured";
        let mut command = Command::new("sh");
        let tally = count(command.args(["-c", &format!("echo '{text}'")]), "x").unwrap();
        assert_eq!(tally.to_string(), "1 passed, 0 failed, 2 skipped");
        let text =
            "test a::b ... FAILED\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured";
        let mut command = Command::new("sh");
        let tally = count(command.args(["-c", &format!("echo '{text}'; exit 1")]), "x").unwrap();
        assert_eq!(tally.to_string(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(tally.failures(), ["x: a::b"]);
        let broken = count(Command::new("sh").args(["-c", "exit 1"]), "x").unwrap();
        assert_eq!(broken.failures(), ["x"]);
    }
}
