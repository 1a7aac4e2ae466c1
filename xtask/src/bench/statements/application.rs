//! Access control in the application: rows are fetched, then filtered and masked in Node with `@medplum/core`.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::data::{PLAIN, Size};
use crate::cluster::Cluster;
use crate::console::note;
use crate::process::{capture, digest, in_path};
use crate::project::Project;

const FILES: [&str; 3] = ["package.json", "package-lock.json", "application.mjs"];

/// Installs the program's packages. Tells why not, where that is not possible.
pub fn install(project: &Project) -> Result<Result<(), String>> {
    if !in_path("node") || !in_path("npm") {
        return Ok(Err("node and npm are not installed".to_owned()));
    }
    let (from, to) = (
        project.root().join("benches/application"),
        project.target("bench/application"),
    );
    fs::create_dir_all(&to)?;
    let mut content = Vec::new();
    for file in FILES {
        let bytes = fs::read(from.join(file)).with_context(|| format!("cannot read {file}"))?;
        fs::write(to.join(file), &bytes)?;
        if file != "application.mjs" {
            content.extend(bytes);
        }
    }
    let stamp = to.join("installed-for");
    let wanted = format!("{:016x}", digest(&content));
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(Ok(()));
    }
    note("installing @medplum/core (npm)");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&to);
    if let Err(error) = capture(&mut npm) {
        let reason = format!("{error:#}");
        let last = reason.lines().rfind(|line| !line.trim().is_empty());
        return Ok(Err(format!(
            "npm did not install @medplum/core: {}",
            last.unwrap_or_default()
        )));
    }
    fs::write(&stamp, wanted)?;
    Ok(Ok(()))
}

/// The running program.
pub struct Application {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Its answer.
#[derive(Deserialize)]
pub struct Answer {
    pub ms: Vec<f64>,
    pub rows: usize,
}

impl Application {
    /// Starts it on the tables that no row security applies to.
    pub fn start(project: &Project, cluster: &Cluster, size: &Size) -> Result<Self> {
        Self::start_in(&project.target("bench/application"), cluster, size)
    }

    fn start_in(folder: &Path, cluster: &Cluster, size: &Size) -> Result<Self> {
        let mut child = Command::new("node")
            .arg("application.mjs")
            .current_dir(folder)
            .envs(cluster.environment())
            .env("PGUSER", "bench_by_hand")
            .env("PGDATABASE", PLAIN)
            .env("PGOPTIONS", "")
            .env("BENCH_ENCOUNTER", &size.encounter)
            .env("BENCH_OBSERVATIONS", size.of_clinic.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run node")?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("node has no output")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// Runs a case so often, by so many clients together.
    pub fn run(&mut self, case: &str, clients: usize, runs: usize) -> Result<Answer> {
        let request = serde_json::json!({"case": case, "clients": clients, "runs": runs});
        let requests = self.requests.as_mut().context("node has no input")?;
        writeln!(requests, "{request}").context("node has ended")?;
        requests.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Answer =
            serde_json::from_str(&line).with_context(|| format!("node did not answer {case}"))?;
        ensure!(answer.ms.len() == runs, "node ran {case} less often");
        Ok(answer)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.requests.take());
        self.child.wait().ok();
    }
}
