//! `cargo xtask test`: everything that is checked, in an order in which cheap failures come first.

mod cargo_tests;
mod clients;
mod licences;
mod lints;
mod regress;
mod tally;

use std::time::Instant;

use anyhow::Result;

use crate::cluster::{Cluster, Purpose};
use crate::console::{bold, dim, duration, heading};
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
    /// SQL files and their expected output
    Regress,
    /// the demonstration, in a cluster that is thrown away
    Demo,
    /// real drivers
    Client,
    /// real input: Synthea's patients
    Real,
}

/// The order in which stages run.
const STAGES: [Stage; 7] = [
    Stage::Lint,
    Stage::Licences,
    Stage::Unit,
    Stage::Regress,
    Stage::Demo,
    Stage::Client,
    Stage::Real,
];

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Options {
    /// Run one stage only.
    stage: Option<Stage>,
    /// Names within the stage: SQL files without `.sql`, packages, or drivers.
    names: Vec<String>,
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

/// Runs the tests. True when nothing failed.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
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
                println!(
                    "{}",
                    crate::console::red(&format!("{name} could not run: {error:#}"))
                );
                Tally::failed(&name)
            }
        };
        lines.push(format!(
            "{name:<9} {tally}  {}",
            dim(&duration(stage_begun.elapsed()))
        ));
        total.add(tally);
    }
    if let Some(Database { cluster, .. }) = database {
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
        println!("{} {failure}", crate::console::red("failed"));
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
        Stage::Regress => regress::run(
            project,
            with_database(project, database)?,
            &options.names,
            options.update,
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
        Stage::Real => clients::run(
            project,
            with_database(project, database)?,
            "real",
            &options.names,
        ),
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
