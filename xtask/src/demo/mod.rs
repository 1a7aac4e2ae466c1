//! `cargo xtask demo`: a small clinic in a private database, seen by everybody who works with it.

mod calendar;
mod load;
mod population;
mod random;
mod records;
mod story;
mod terms;

use anyhow::{Result, ensure};

use crate::cluster::{Cluster, Purpose};
use crate::console::{bold, dim, step};
use crate::project::Project;
use crate::setup;

/// The database of the demonstration.
pub const DATABASE: &str = "clinic";

/// The role the application connects as: no superuser, no owner, bound by the policies.
pub const APPLICATION: &str = "clinic_app";

/// The fewest patients with whom the story can be told: a family, and somebody else.
const FEWEST_PATIENTS: usize = 8;

/// Options of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// How many patients to generate; about 100 resources each.
    #[arg(long, default_value_t = 200, value_name = "N")]
    patients: usize,
    /// Stop the demonstration's PostgreSQL; its data stay.
    #[arg(long)]
    stop: bool,
}

/// Runs the demonstration, or ends it.
pub fn run(project: &Project, options: &Options) -> Result<()> {
    let _lock = project.lock("demo")?;
    if options.stop {
        let cluster = Cluster::find(project, Purpose::Demo)?;
        let was_running = cluster.is_running();
        cluster.stop()?;
        println!(
            "{}",
            if was_running {
                "The demonstration's PostgreSQL is stopped."
            } else {
                "It is not running."
            }
        );
        return Ok(());
    }
    ensure!(
        (FEWEST_PATIENTS..=100_000).contains(&options.patients),
        "--patients must be from {FEWEST_PATIENTS} to 100000"
    );
    let ready = setup::all(project)?;
    step("starting the demonstration's PostgreSQL");
    let (cluster, _) = Cluster::up(project, &ready.server, Purpose::Demo)?;
    load::provide(&cluster, options.patients, ready.extension.digest)?;
    story::tell(&cluster, None)?;
    invite(project, &ready.server, &cluster);
    Ok(())
}

/// Tells the story in a cluster that is thrown away afterwards: the demonstration as a test.
pub fn check(cluster: &Cluster) -> Result<()> {
    let clinic = population::Clinic { patients: 40 };
    load::provide(cluster, clinic.patients, 0)?;
    story::tell(cluster, Some(clinic))
}

/// So many Observations of the clinic's patients, at the least: their ids and their JSON.
pub fn observations(least: usize) -> Vec<(String, String)> {
    let clinic = population::Clinic { patients: least };
    let mut observations = Vec::new();
    for index in 0..clinic.patients {
        if observations.len() >= least {
            break;
        }
        let resources = records::of_patient(clinic, index).into_iter();
        let kept = resources.filter(|resource| resource.kind == "Observation");
        observations.extend(kept.map(|resource| (resource.id, resource.body.to_string())));
    }
    observations
}

/// How to go on by hand.
fn invite(project: &Project, server: &setup::Server, cluster: &Cluster) {
    println!(
        "\n{}",
        bold("Go on by hand, as the application, for the general practitioner:")
    );
    println!(
        "  PGOPTIONS='-c fhir_access.membership=gp' {} -h {} -p {} -U {APPLICATION} {DATABASE}",
        project.short(&server.program("psql")),
        cluster.socket().display(),
        cluster.port(),
    );
    println!(
        "{}",
        dim("  and in there, for somebody else:  SET fhir_access.membership = 'parent';")
    );
    println!(
        "{}",
        dim(
            "  why is that so?                   SELECT * FROM fhir_access.explain('Observation');"
        )
    );
    println!(
        "{}",
        dim("  end it:                           cargo xtask demo --stop")
    );
}

/// The resources of a type that belong to so many patients of the clinic: their ids and their JSON.
pub fn resources(patients: usize, kind: &str) -> Vec<(String, String)> {
    let clinic = population::Clinic { patients };
    let resources = (0..patients).flat_map(|index| {
        let person = clinic.person(index).resources(clinic);
        person.into_iter().chain(records::of_patient(clinic, index))
    });
    resources
        .filter(|resource| resource.kind == kind)
        .map(|resource| (resource.id, resource.body.to_string()))
        .collect()
}
