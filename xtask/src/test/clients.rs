//! Test programs that connect from outside: Rust, Python and JavaScript, each with its language's own test runner.
//!
//! A folder with `Cargo.toml` is a Rust package, with `requirements.txt` a folder of pytest files, with `package.json`
//! one of node's. Each gets a database of its own, in which `tests/<kind>/setup.sql` has run, and finds it by libpq's
//! variables: `PGHOST` (a socket's folder), `PGPORT`, `PGUSER` (a superuser), `PGPASSWORD`, `PGDATABASE`. The same server
//! listens on 127.0.0.1, with passwords, and its programs (psql, pg_dump, …) come first in `PATH`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Database;
use super::cargo_tests;
use super::tally::Tally;
use crate::console::{dim, step};
use crate::process::{capture, cargo, digest, succeeds, watch};
use crate::project::Project;
use crate::setup;

/// Runs the programs below `tests/<kind>`, all or the named ones.
pub fn run(project: &Project, database: &Database, kind: &str, names: &[String]) -> Result<Tally> {
    let mut tally = Tally::default();
    for folder in folders(&project.root().join("tests").join(kind))? {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        step(&format!("tests/{kind}: {name}"));
        let suite = Suite {
            name: format!("{kind} {name}"),
            cache: project.target("tests").join(format!("{kind}-{name}")),
            environment: environment(project, database, kind, &name)?,
            folder,
        };
        let result = suite.run(project).unwrap_or_else(|error| {
            println!("{}", crate::console::red(&format!("{error:#}")));
            Tally::failed(&suite.name)
        });
        println!("  {result}");
        tally.add(result);
    }
    if tally.is_empty() {
        bail!("there is nothing to run in tests/{kind}");
    }
    Ok(tally)
}

const MANIFESTS: [&str; 3] = ["Cargo.toml", "requirements.txt", "package.json"];

/// The folder itself, when it is a program, or those in it that are, sorted.
pub fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_program = |folder: &PathBuf| MANIFESTS.iter().any(|name| folder.join(name).is_file());
    let mut found = vec![folder.to_path_buf()];
    if !is_program(&folder.to_path_buf()) {
        found = fs::read_dir(folder)
            .with_context(|| format!("cannot read {}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(is_program)
            .collect();
        found.sort();
    }
    Ok(found)
}

/// A database for a program, and the variables by which it is found. It is empty but for what `setup.sql` makes, which
/// the programs of a folder share.
fn environment(
    project: &Project,
    database: &Database,
    kind: &str,
    name: &str,
) -> Result<Vec<(&'static str, String)>> {
    let name = format!("{kind}_{name}").replace('-', "_");
    database.create(&name)?;
    let setup = project.root().join("tests").join(kind).join("setup.sql");
    if setup.is_file() {
        let mut psql = database.psql(&name);
        psql.args([
            "-X",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
            "--file",
        ]);
        capture(psql.arg(&setup))?;
    }
    let mut environment = database.cluster.environment();
    environment.push(("PGDATABASE", name));
    environment.push(("PATH", database.path().to_string_lossy().into_owned()));
    Ok(environment)
}

struct Suite {
    name: String,
    folder: PathBuf,
    /// Installed dependencies and copies, below `target`.
    cache: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Suite {
    fn run(&self, project: &Project) -> Result<Tally> {
        if self.folder.join("Cargo.toml").is_file() {
            self.rust(project)
        } else if self.folder.join("requirements.txt").is_file() {
            self.python()
        } else {
            self.node()
        }
    }

    /// A package with a lock file of its own, built beside the workspace's.
    fn rust(&self, project: &Project) -> Result<Tally> {
        let mut command = cargo();
        command
            .args(["test", "--locked", "--no-fail-fast"])
            .current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", project.cargo_target());
        cargo_tests::count(command.envs(self.variables()), &self.name)
    }

    /// pytest, in a virtual environment that is made anew when the requirements change.
    fn python(&self) -> Result<Tally> {
        let requirements = self.folder.join("requirements.txt");
        let python = self.cache.join("bin/python");
        self.once(&[&requirements], || {
            setup::programs(&[("python3", "python3")])?;
            if !succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
                setup::packages(&["python3-venv"])?;
            }
            capture(
                Command::new("python3")
                    .args(["-m", "venv", "--clear"])
                    .arg(&self.cache),
            )?;
            println!("  {}", dim("installing the pinned packages"));
            capture(
                Command::new(&python)
                    .args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--requirement",
                    ])
                    .arg(&requirements),
            )
            .map(drop)
        })?;
        let mut command = Command::new(&python);
        command
            .args(["-m", "pytest", "-p", "no:cacheprovider", "-q", "."])
            .current_dir(&self.folder);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.variables());
        let mut counts = None;
        let good = watch(&mut command, |line| {
            println!("  {line}");
            counts = pytest_counts(line).or(counts);
        })?;
        self.judge(good, counts)
    }

    /// node's own test runner, on a copy of the folder: what npm installs stays out of the clone.
    fn node(&self) -> Result<Tally> {
        setup::programs(&[("node", "nodejs"), ("npm", "npm")])?;
        let lock = self.folder.join("package-lock.json");
        self.once(&[&self.folder.join("package.json"), &lock], || {
            fs::remove_dir_all(&self.cache).ok();
            self.copy_files()?;
            println!("  {}", dim("installing the pinned packages"));
            capture(
                Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund"])
                    .current_dir(&self.cache),
            )
            .map(drop)
        })?;
        self.copy_files()?;
        let mut command = Command::new("node");
        command
            .args(["--test", "--test-reporter=tap"])
            .current_dir(&self.cache)
            .envs(self.variables());
        let (mut passed, mut failed, mut skipped) = (None, None, None);
        let good = watch(&mut command, |line| {
            if !is_tap_noise(line) {
                println!("  {line}");
            }
            let count = |name: &str| line.strip_prefix(name).and_then(|count| count.parse().ok());
            passed = count("# pass ").or(passed);
            failed = count("# fail ").or(failed);
            skipped = count("# skipped ").or(skipped);
        })?;
        self.judge(
            good,
            passed
                .zip(failed)
                .map(|(passed, failed)| (passed, failed, skipped.unwrap_or(0))),
        )
    }

    /// A run that printed no counts, or ended badly without naming a failure, has failed.
    fn judge(&self, good: bool, counts: Option<(usize, usize, usize)>) -> Result<Tally> {
        let (passed, failed, skipped) = counts.context("it printed no results")?;
        ensure!(passed + failed + skipped > 0, "it ran no tests");
        let failed = if good { failed } else { failed.max(1) };
        Ok(Tally::counted(&self.name, passed, failed, skipped))
    }

    /// The variables, with none of the caller's that libpq would read too.
    fn variables(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.environment
            .iter()
            .cloned()
            .chain([("PGOPTIONS", String::new())])
    }

    /// Installs dependencies, unless they were installed for files that read the same.
    fn once(&self, files: &[&Path], install: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut content = Vec::new();
        for file in files {
            content
                .extend(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        let stamp = self.cache.join("installed-for");
        let wanted = format!("{:016x}", digest(&content));
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok(());
        }
        install()?;
        fs::write(&stamp, wanted)?;
        Ok(())
    }

    fn copy_files(&self) -> Result<()> {
        fs::create_dir_all(&self.cache)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), self.cache.join(entry.file_name()))?;
            }
        }
        Ok(())
    }
}

/// Lines of node's TAP that say nothing of interest to people.
fn is_tap_noise(line: &str) -> bool {
    let line = line.trim_start();
    [
        "#",
        "1..",
        "---",
        "...",
        "duration_ms:",
        "type:",
        "TAP version",
    ]
    .iter()
    .any(|noise| line.starts_with(noise))
}

/// `3 passed, 1 failed, 2 skipped in 0.12s`, with what did not occur left out.
fn pytest_counts(line: &str) -> Option<(usize, usize, usize)> {
    let counts = line.trim_matches([' ', '=']).rsplit_once(" in ")?.0;
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for part in counts.split(", ") {
        let (count, word) = part.split_once(' ')?;
        let count: usize = count.parse().ok()?;
        match word {
            "passed" | "xfailed" => passed += count,
            "failed" | "error" | "errors" | "xpassed" => failed += count,
            "skipped" | "deselected" => skipped += count,
            "warning" | "warnings" => {}
            _ => return None,
        }
    }
    Some((passed, failed, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pytest() {
        assert_eq!(pytest_counts("3 passed in 0.12s"), Some((3, 0, 0)));
        assert_eq!(
            pytest_counts("== 1 failed, 3 passed, 2 skipped, 1 warning in 1.2s =="),
            Some((3, 1, 2))
        );
        assert_eq!(pytest_counts("1 error in 1.2s"), Some((0, 1, 0)));
        assert_eq!(pytest_counts("tests/test_pool.py .. [100%]"), None);
        assert_eq!(pytest_counts("something happened in between"), None);
    }
}
