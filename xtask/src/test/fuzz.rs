//! Fuzz targets: libFuzzer from a corpus of seeds, for a while, all targets at the same time.
//!
//! What a run finds to be interesting stays in `target/fuzz/corpus` for the next one. Input that makes a target fail is
//! left in `target/fuzz/failed`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::tally::Tally;
use crate::console::{dim, red, step, thousands};
use crate::process::{capture, cargo, digest, run as run_shown};
use crate::project::Project;
use crate::setup;

/// The targets, each a program of the package `fuzz`.
const TARGETS: [&str; 2] = ["fhirpath_parse", "fhirpath_evaluate"];

/// The stack of a target, in kilobytes: what PostgreSQL lets a backend use unless told otherwise.
const STACK_KB: u32 = 2048;

/// Seconds that one input may take, and megabytes that a target may hold.
const SLOWEST_INPUT: u32 = 10;
const MEMORY_MB: u32 = 1024;

/// Longer inputs are not tried.
const LONGEST_INPUT: usize = 16 * 1024;

/// Between an expression and a document in one input.
const SEPARATOR: &str = "\n---\n";

/// Lines of a failed target's output that are shown, and characters of the input.
const SHOWN_LINES: usize = 40;
const SHOWN_INPUT: usize = 2_000;

/// Builds the targets and runs them for so many seconds each.
pub fn run(project: &Project, names: &[String], seconds: u64) -> Result<Tally> {
    let programs = build(project)?;
    let seeds = Seeds::read(project)?;
    let chosen = TARGETS
        .iter()
        .filter(|target| names.is_empty() || names.iter().any(|name| name == *target));
    step(&format!("{seconds} seconds of each target"));
    let mut running = Vec::new();
    for target in chosen {
        running.push(Running::start(project, &programs, target, &seeds, seconds)?);
    }
    ensure!(!running.is_empty(), "there is no such fuzz target");
    let mut tally = Tally::default();
    for target in running {
        tally.add(target.finish(seconds)?);
    }
    Ok(tally)
}

/// Builds the targets, optimised and with all checks. Without a sanitizer the stable compiler can do it, and in safe
/// code there is little that one would find. Returns the folder of the programs.
fn build(project: &Project) -> Result<PathBuf> {
    let mut fuzzer = setup::fuzzer(project)?;
    let package = project.root().join("fuzz");
    let target = project.cargo_target().join("fuzz-build");
    let host = capture(Command::new("rustc").arg("-vV"))?;
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not name its host")?;
    // cargo-fuzz would change the lock file; it must be up to date.
    run_shown(
        cargo()
            .args(["fetch", "--locked", "--quiet", "--target", host])
            .current_dir(&package),
    )?;
    step("building the fuzz targets");
    capture(
        fuzzer
            .args(["build", "--release", "--sanitizer=none", "--target", host])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&package),
    )?;
    Ok(target.join(host).join("release"))
}

/// Inputs to begin with.
struct Seeds {
    expressions: Vec<String>,
    documents: Vec<String>,
    /// Expressions with the documents that they are about, from HL7's suite beside the clone, where it is.
    suite: Vec<(String, String)>,
}

/// A test of HL7's suite, as far as it is of use here.
#[derive(Deserialize)]
struct SuiteTest {
    expression: String,
    input: Option<String>,
}

impl Seeds {
    fn read(project: &Project) -> Result<Self> {
        let folder = project.root().join("fuzz/corpus-seed");
        let expressions = read(&folder.join("expressions.txt"))?;
        let documents = fs::read_dir(folder.join("documents"))
            .context("there are no documents among the seeds")?
            .map(|entry| read(&entry?.path()))
            .collect::<Result<_>>()?;
        Ok(Self {
            expressions: expressions.lines().map(str::to_owned).collect(),
            documents,
            suite: suite(&project.root().join("../shared/conformance/fhirpath"))?,
        })
    }

    /// The inputs of a target.
    fn of(&self, target: &str) -> BTreeSet<String> {
        let suite = self.suite.iter();
        if target == "fhirpath_parse" {
            let suite = suite.map(|(expression, _)| expression);
            return self.expressions.iter().chain(suite).cloned().collect();
        }
        let input = |expression: &str, document: &str| [expression, SEPARATOR, document].concat();
        let mut inputs: BTreeSet<String> = suite
            .map(|(expression, document)| input(expression, document))
            .collect();
        for document in &self.documents {
            inputs.extend(self.expressions.iter().map(|text| input(text, document)));
        }
        inputs
    }
}

/// Expressions and documents of HL7's suite; none where the suite is not there.
fn suite(folder: &Path) -> Result<Vec<(String, String)>> {
    let Ok(text) = fs::read_to_string(folder.join("tests-fhir-r4.json")) else {
        println!("  {}", dim("HL7's suite is not there: only own seeds"));
        return Ok(Vec::new());
    };
    let tests: Vec<SuiteTest> =
        serde_json::from_str(&text).context("HL7's suite is not as expected")?;
    tests
        .into_iter()
        .map(|test| {
            let document = match &test.input {
                Some(name) => read(&folder.join("input").join(name))?,
                None => String::new(),
            };
            Ok((test.expression, document))
        })
        .collect()
}

/// A target at work.
struct Running {
    target: &'static str,
    child: Child,
    program: PathBuf,
    log: PathBuf,
    failed: PathBuf,
    seeds: usize,
}

impl Running {
    fn start(
        project: &Project,
        programs: &Path,
        target: &'static str,
        seeds: &Seeds,
        seconds: u64,
    ) -> Result<Self> {
        let folder = |name: &str| project.target("fuzz").join(name).join(target);
        let (seed, corpus, failed) = (folder("seed"), folder("corpus"), folder("failed"));
        for old in [&seed, &failed] {
            fs::remove_dir_all(old).ok();
        }
        for new in [&seed, &corpus, &failed] {
            fs::create_dir_all(new).with_context(|| format!("cannot create {}", new.display()))?;
        }
        let inputs = seeds.of(target);
        for input in &inputs {
            fs::write(
                seed.join(format!("{:016x}", digest(input.as_bytes()))),
                input,
            )?;
        }
        let log = project.target("fuzz").join(format!("{target}.log"));
        let program = programs.join(target);
        let child = with_small_stack(&program)
            .args([&corpus, &seed])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={SLOWEST_INPUT}"))
            .arg(format!("-rss_limit_mb={MEMORY_MB}"))
            .arg(format!("-max_len={LONGEST_INPUT}"))
            .arg(format!("-artifact_prefix={}/", failed.display()))
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self {
            target,
            child,
            program,
            log,
            failed,
            seeds: inputs.len(),
        })
    }

    /// Waits for the end. Good means: nothing failed, and there was more than the seeds to try.
    fn finish(mut self, seconds: u64) -> Result<Tally> {
        let status = self.child.wait()?;
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let inputs = statistic(&log, "number_of_executed_units").unwrap_or(0);
        println!(
            "  {}: {} inputs from {} seeds, {} of interest, {} MB",
            self.target,
            thousands(inputs),
            self.seeds,
            thousands(statistic(&log, "new_units_added").unwrap_or(0)),
            statistic(&log, "peak_rss_mb").unwrap_or(0),
        );
        let mut good = status.success();
        if !good {
            println!("{}", self.failure(&log)?);
        } else if inputs < 2 * self.seeds {
            good = false;
            println!(
                "{}",
                red(&format!(
                    "in {seconds} seconds little more than the seeds was tried"
                ))
            );
        }
        Ok(Tally::of(&format!("fuzz {}", self.target), good))
    }

    /// What failed, with which input, and how to see it again.
    fn failure(&self, log: &str) -> Result<String> {
        let lines: Vec<&str> = log.lines().collect();
        let is_start =
            |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
        let start = lines.iter().position(is_start).unwrap_or(0);
        let shown = lines.iter().skip(start).take(SHOWN_LINES);
        let mut text = format!("{} failed:\n", self.target);
        for line in shown {
            text.extend(line.chars().take(200));
            text.push('\n');
        }
        for entry in fs::read_dir(&self.failed)? {
            let path = entry?.path();
            let input = fs::read(&path)?;
            let input = input.escape_ascii().to_string();
            text.push_str(&format!("input (escaped): {:.SHOWN_INPUT$}\n", input));
            text.push_str(&format!(
                "again: sh -c 'ulimit -s {STACK_KB}; exec {} {}'\n",
                self.program.display(),
                path.display()
            ));
        }
        text.push_str(&format!("the whole output is in {}", self.log.display()));
        Ok(red(&text))
    }
}

/// A program on a small stack.
fn with_small_stack(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -s {STACK_KB} && exec \"$@\""))
        .arg("sh")
        .arg(program);
    command
}

/// A number that libFuzzer prints at its end.
fn statistic(log: &str, name: &str) -> Option<usize> {
    let text = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name))?;
    text.strip_prefix(':')?.trim().parse().ok()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_statistics() {
        let log = "Done 7 runs\nstat::number_of_executed_units: 1234\nstat::peak_rss_mb:              40\n";
        assert_eq!(statistic(log, "number_of_executed_units"), Some(1234));
        assert_eq!(statistic(log, "peak_rss_mb"), Some(40));
        assert_eq!(statistic(log, "peak_rss"), None);
    }

    #[test]
    fn seeds_of_the_evaluator_have_a_document() {
        let seeds = Seeds {
            expressions: vec!["a".to_owned(), "b".to_owned()],
            documents: vec!["{}".to_owned(), "[]".to_owned()],
            suite: vec![("c".to_owned(), "null".to_owned())],
        };
        assert_eq!(seeds.of("fhirpath_parse").len(), 3);
        let pairs = seeds.of("fhirpath_evaluate");
        assert_eq!(pairs.len(), 5);
        assert!(pairs.contains("a\n---\n[]") && pairs.contains("c\n---\nnull"));
    }

    #[test]
    fn the_stack_is_small() {
        let text = capture(with_small_stack(Path::new("sh")).args(["-c", "ulimit -s"])).unwrap();
        assert_eq!(text.trim(), STACK_KB.to_string());
    }
}
