//! What a backend holds after many switches of membership.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use postgres::Client;
use serde::Serialize;

/// Switches after which memory is read last.
const LAST: usize = 10_000;

/// Resident memory of one backend, in megabytes.
#[derive(Debug, Serialize)]
pub struct Memory {
    pub after_first_mb: f64,
    pub after_last_mb: f64,
    pub grown_mb: f64,
    /// Without pages of shared buffers, which belong to all backends.
    pub private_grown_mb: f64,
    pub switch_ms: f64,
}

/// Switches the membership again and again, with a query under each, and reads the backend's memory: after so many switches,
/// and after 10,000. There are so many memberships, with a letter and a number as their names.
pub fn measure(
    mut client: Client,
    (letter, memberships): (&str, usize),
    early: usize,
) -> Result<Memory> {
    let process: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
    client.batch_execute(&format!("SET fhir_access.membership = '{letter}0'"))?;
    let statement = client.prepare("SELECT count(*) FROM observation")?;
    let mut first = None;
    let begun = Instant::now();
    for switch in 0..LAST {
        let member = switch % memberships;
        client.batch_execute(&format!("SET fhir_access.membership = '{letter}{member}'"))?;
        let count: i64 = client.query_one(&statement, &[])?.get(0);
        anyhow::ensure!(
            count == 100,
            "membership {letter}{member} sees {count} rows, not 100"
        );
        if switch + 1 == early {
            first = Some(resident(process)?);
        }
    }
    let time = begun.elapsed();
    let (first, first_private) = first.context("nothing was measured")?;
    let (last, last_private) = resident(process)?;
    Ok(Memory {
        after_first_mb: first,
        after_last_mb: last,
        grown_mb: last - first,
        private_grown_mb: last_private - first_private,
        switch_ms: time.as_secs_f64() * 1e3 / LAST as f64,
    })
}

/// `VmRSS` and `RssAnon` of a process, in megabytes.
fn resident(process: i32) -> Result<(f64, f64)> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let field = |name| field(&status, name).with_context(|| format!("{path} has no {name}"));
    Ok((field("VmRSS:")?, field("RssAnon:")?))
}

fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status() {
        let status = "Name:\tpostgres\nVmRSS:\t   20480 kB\nRssAnon:\t    1024 kB\n";
        assert_eq!(field(status, "VmRSS:"), Some(20.0));
        assert_eq!(field(status, "RssAnon:"), Some(1.0));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
