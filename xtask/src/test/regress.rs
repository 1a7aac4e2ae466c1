//! SQL files whose output is compared with what is expected, as PostgreSQL's own regression tests do it.
//!
//! `tests/regress/sql/NAME.sql` runs in psql (`-X -a -q`) as superuser, in a database of its own that is empty at first,
//! and must print what `tests/regress/expected/NAME.out` holds. Roles belong to the whole cluster and files run at the
//! same time: those that all files share are made by `tests/regress/setup.sql`, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Database;
use super::canary;
use super::tally::Tally;
use crate::console::{duration, green, red};
use crate::project::Project;

/// Files that run at the same time.
const PARALLEL: usize = 2;

/// A file that takes longer than this has failed.
const LONGEST: Duration = Duration::from_secs(300);

/// Runs all files, or the named ones. With `update`, what they print becomes what is expected.
pub fn run(
    project: &Project,
    database: &Database,
    names: &[String],
    update: bool,
) -> Result<Tally> {
    let folder = project.root().join("tests/regress");
    let files = files(&folder, names)?;
    let results = project.target("regress");
    fs::create_dir_all(&results)?;
    let runner = Runner {
        database,
        folder,
        results,
        update,
    };
    runner.setup()?;
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(name) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let verdict = runner.run(name);
                    let time = duration(begun.elapsed());
                    // One lock for the output too: what a file prints stays together.
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    match &verdict {
                        Ok(()) => println!("  {} {name} ({time})", green("ok")),
                        Err(error) => println!("  {} {name} ({time})\n{error:#}", red("FAILED")),
                    }
                    tally.add(Tally::of(&format!("regress {name}"), verdict.is_ok()));
                }
            });
        }
    });
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Names of the files to run, sorted; the named ones must exist.
fn files(folder: &Path, names: &[String]) -> Result<Vec<String>> {
    let sql = folder.join("sql");
    let mut all: Vec<String> = fs::read_dir(&sql)
        .with_context(|| format!("cannot read {}", sql.display()))?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            (path.extension()? == "sql").then(|| path.file_stem()?.to_str().map(str::to_owned))?
        })
        .collect();
    all.sort();
    for name in names {
        ensure!(
            all.contains(name),
            "there is no tests/regress/sql/{name}.sql"
        );
    }
    if !names.is_empty() {
        all.retain(|name| names.contains(name));
    }
    Ok(all)
}

struct Runner<'a> {
    database: &'a Database,
    folder: PathBuf,
    results: PathBuf,
    update: bool,
}

impl Runner<'_> {
    /// Runs `setup.sql`, which must not fail.
    fn setup(&self) -> Result<()> {
        let file = self.folder.join("setup.sql");
        if !file.exists() {
            return Ok(());
        }
        let results = self.results.join("setup.out");
        let mut psql = self.psql("postgres");
        psql.arg("--set=ON_ERROR_STOP=1");
        if !self.finish(psql, &file, &results)? {
            bail!(
                "setup.sql failed:\n{}",
                fs::read_to_string(&results).unwrap_or_default()
            );
        }
        Ok(())
    }

    /// Runs a file and compares. The error is the difference.
    fn run(&self, name: &str) -> Result<()> {
        let database = format!("regress_{}", name.replace('-', "_"));
        self.database.create(&database)?;
        let actual = self.results.join(format!("{name}.out"));
        let psql = self.psql(&database);
        self.finish(psql, &self.folder.join(format!("sql/{name}.sql")), &actual)?;
        self.database.drop(&database)?;
        self.refuse_leaks(name, &actual)?;
        self.compare(&actual, &self.folder.join(format!("expected/{name}.out")))
    }

    /// Refuses what files about masking print, where it shows the canary to a role that must not see it: not even as what is
    /// expected.
    fn refuse_leaks(&self, name: &str, actual: &Path) -> Result<()> {
        if !name.starts_with("masking") {
            return Ok(());
        }
        let read = |path: PathBuf| {
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let source = read(self.folder.join(format!("sql/{name}.sql")))?;
        let mut sources = canary::included(&source)
            .map(|file| read(self.folder.join(file)))
            .collect::<Result<Vec<_>>>()?;
        sources.push(source);
        let output = read(actual.to_owned())?;
        let leaks: Vec<String> = canary::leaks(&output, &sources)
            .into_iter()
            .map(|(number, line)| format!("{}:{number}: {line}", actual.display()))
            .collect();
        ensure!(
            leaks.is_empty(),
            "a hidden value is shown:\n{}",
            leaks.join("\n")
        );
        Ok(())
    }

    fn compare(&self, actual: &Path, expected: &Path) -> Result<()> {
        let text = fs::read(actual)?;
        if fs::read(expected).is_ok_and(|known| known == text) {
            return Ok(());
        }
        if self.update {
            fs::create_dir_all(self.folder.join("expected"))?;
            fs::write(expected, text)?;
            return Ok(());
        }
        ensure!(
            expected.exists(),
            "no expected output yet; look at {} and write it with --update",
            actual.display()
        );
        let diff = Command::new("diff")
            .arg("-U3")
            .arg(expected)
            .arg(actual)
            .output()?;
        bail!("{}", String::from_utf8_lossy(&diff.stdout));
    }

    /// psql as PostgreSQL's own tests run it.
    fn psql(&self, database: &str) -> Command {
        let mut command = self.database.psql(database);
        command
            .args([
                "-X",
                "-a",
                "-q",
                "--set=HIDE_TABLEAM=on",
                "--set=HIDE_TOAST_COMPRESSION=on",
            ])
            .current_dir(&self.folder);
        command
    }

    /// Feeds a file to a command and waits for it, no longer than [`LONGEST`]. Output and errors go to `results`, in the
    /// order in which they are written. Returns whether the command ended well.
    fn finish(&self, mut command: Command, file: &Path, results: &Path) -> Result<bool> {
        let output = fs::File::create(results)?;
        let mut child = command
            .stdin(fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?)
            .stdout(output.try_clone()?)
            .stderr(Stdio::from(output))
            .spawn()
            .context("cannot run psql")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            if begun.elapsed() > LONGEST {
                child.kill()?;
                child.wait()?;
                bail!("took longer than {}", duration(LONGEST));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
