//! `cargo xtask test`: everything that is checked, in an order in which cheap failures come first.

mod canary;
mod cargo_tests;
mod clients;
mod fuzz;
mod licences;
mod lints;
mod regress;
mod tally;

use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::cluster::{Cluster, Purpose, SUPERUSER};
use crate::console::{bold, dim, duration, heading, red};
use crate::demo;
use crate::project::Project;
use crate::setup::{self, Ready};

use tally::Tally;

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// rustfmt and clippy
    Lint,
    /// licences, sources and, with a local database, advisories of all dependencies
    Licences,
    /// unit tests of the pure crates and of xtask
    Unit,
    /// random input for the pure crates, on a small stack
    Fuzz,
    /// SQL files and their expected output
    Regress,
    /// criteria of all kinds, against a reference evaluator
    Criteria,
    /// the demonstration, in a cluster that is thrown away
    Demo,
    /// real drivers
    Client,
    /// real input: Synthea's patients
    Real,
    /// dump and restore, removal, missing library, changes by others, memory
    Operations,
    /// random queries under memberships, against masked copies of the tables
    Inference,
    /// what the check of finished plans refuses when parts of the rewriter are switched off, in a build for this alone
    Switches,
}

/// The order in which stages run.
const STAGES: [Stage; 12] = [
    Stage::Lint,
    Stage::Licences,
    Stage::Unit,
    Stage::Fuzz,
    Stage::Regress,
    Stage::Criteria,
    Stage::Demo,
    Stage::Client,
    Stage::Operations,
    Stage::Real,
    Stage::Inference,
    Stage::Switches,
];

/// What the server writes to its log when a backend crashes; the statement follows.
const CRASH: &str = "was terminated by signal";

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Options {
    /// Run one stage only.
    stage: Option<Stage>,
    /// Names within the stage: SQL files without `.sql`, packages, fuzz targets, or drivers.
    names: Vec<String>,
    /// Of fuzz: how long each target runs; all run at the same time.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// Rewrite the expected output of the SQL files from what they print now.
    #[arg(long)]
    update: bool,
    /// Leave the cluster of the tests running afterwards, to look into it.
    #[arg(long)]
    keep: bool,
}

/// What the stages that need a database share: made by the first of them.
pub struct Database {
    ready: Ready,
    cluster: Cluster,
}

impl Database {
    /// psql on a database, as superuser, in an environment in which it prints the same everywhere.
    fn psql(&self, database: &str) -> Command {
        let server = &self.ready.server;
        let mut command = Command::new(server.program("psql"));
        command
            .env_clear()
            .envs(self.cluster.environment())
            .env("PGDATABASE", database)
            .env("PGCLIENTENCODING", "UTF8")
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", self.path());
        command
    }

    /// The caller's search path, with this PostgreSQL's programs first.
    fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.ready.server.programs()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        std::env::join_paths(folders).unwrap_or_else(|_| path.clone())
    }

    /// An empty database of that name.
    fn create(&self, name: &str) -> Result<()> {
        self.drop(name)?;
        let mut server = self.cluster.connect(SUPERUSER, "postgres")?;
        server.batch_execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(())
    }

    /// No database of that name.
    fn drop(&self, name: &str) -> Result<()> {
        let mut server = self.cluster.connect(SUPERUSER, "postgres")?;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))?;
        Ok(())
    }

    /// A crash of a backend is a failure, also where no test shows it.
    fn crashes(&self) -> Tally {
        let log = std::fs::read(self.cluster.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let mut crashes = 0;
        for crash in lines
            .windows(3)
            .filter(|lines| lines.iter().take(1).any(|line| line.contains(CRASH)))
        {
            println!("{}", red(&crash.join("\n")));
            crashes += 1;
        }
        Tally::counted("no backend crashes", usize::from(crashes == 0), crashes, 0)
    }
}

/// Runs the tests. True when nothing failed.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
    let _lock = project.lock("test")?;
    let begun = Instant::now();
    let mut total = Tally::default();
    let mut database = None;
    let mut lines = Vec::new();
    for stage in STAGES {
        if options.stage.is_some_and(|chosen| chosen != stage) {
            continue;
        }
        let name = format!("{stage:?}").to_lowercase();
        heading(&name);
        let stage_begun = Instant::now();
        let tally = match run_stage(project, options, stage, &mut database) {
            Ok(tally) => tally,
            Err(error) => {
                println!("{}", red(&format!("{name} could not run: {error:#}")));
                Tally::failed(&name)
            }
        };
        lines.push(format!(
            "{name:<10} {tally}  {}",
            dim(&duration(stage_begun.elapsed()))
        ));
        total.add(tally);
    }
    if let Some(database) = database {
        total.add(database.crashes());
        let cluster = database.cluster;
        if options.keep {
            println!(
                "\nThe cluster is left: -h {} -p {}",
                cluster.socket().display(),
                cluster.port()
            );
        } else {
            cluster.remove()?;
        }
    }
    heading("summary");
    for line in lines {
        println!("{line}");
    }
    for failure in total.failures() {
        println!("{} {failure}", red("failed"));
    }
    for skipped in total.skips() {
        println!("{} {skipped}", dim("skipped"));
    }
    println!("{}", bold(&format!("took {}", duration(begun.elapsed()))));
    println!("{total}");
    Ok(total.is_good())
}

fn run_stage(
    project: &Project,
    options: &Options,
    stage: Stage,
    database: &mut Option<Database>,
) -> Result<Tally> {
    match stage {
        Stage::Lint => lints::run(project),
        Stage::Licences => licences::run(project),
        Stage::Unit => cargo_tests::run(project, &options.names),
        Stage::Fuzz => fuzz::run(project, &options.names, options.seconds),
        Stage::Regress => regress::run(
            project,
            with_database(project, database)?,
            &options.names,
            options.update,
        ),
        Stage::Criteria => clients::run(
            project,
            with_database(project, database)?,
            "criteria",
            &options.names,
        ),
        Stage::Demo => {
            demo::check(&with_database(project, database)?.cluster)?;
            Ok(Tally::passed(1))
        }
        Stage::Client => clients::run(
            project,
            with_database(project, database)?,
            "client",
            &options.names,
        ),
        Stage::Operations => clients::run(
            project,
            with_database(project, database)?,
            "operations",
            &options.names,
        ),
        Stage::Real => clients::run(
            project,
            with_database(project, database)?,
            "real",
            &options.names,
        ),
        Stage::Inference => clients::run(
            project,
            with_database(project, database)?,
            "inference",
            &options.names,
        ),
        Stage::Switches => {
            let database = with_database(project, database)?;
            let substitute = setup::substitute(project, &database.ready.server, "switches")?;
            let result = clients::run(project, database, "switches", &options.names);
            substitute.remove()?;
            result
        }
    }
}

fn with_database<'a>(
    project: &Project,
    database: &'a mut Option<Database>,
) -> Result<&'a Database> {
    if database.is_none() {
        let ready = setup::all(project)?;
        let cluster = Cluster::fresh(project, &ready.server, Purpose::Test)?;
        *database = Some(Database { ready, cluster });
    }
    database
        .as_ref()
        .ok_or_else(|| anyhow::anyhow!("no database"))
}
