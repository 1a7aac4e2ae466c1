//! Observations to write: Synthea's, where they lie beside the repository, else the demo clinic's.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::demo;
use crate::process::capture;
use crate::project::Project;

/// Where Synthea's resources are, seen from the repository; one JSON document per line.
const SYNTHEA: &str = "../shared/data/synthea.ndjson.gz";

/// How many are written by the statements for many.
pub const ROWS: usize = 10_000;

/// Ids and JSON texts.
pub struct Observations {
    pub origin: &'static str,
    pub rows: Vec<(String, String)>,
}

impl Observations {
    /// Exactly [`ROWS`] of them.
    pub fn of(project: &Project) -> Result<Self> {
        let (origin, mut rows) = match synthea(project, "Observation")? {
            Some(rows) => ("Synthea", rows),
            None => ("the demo clinic", demo::observations(ROWS)),
        };
        rows.truncate(ROWS);
        ensure!(
            rows.len() == ROWS,
            "there are only {} Observations",
            rows.len()
        );
        Ok(Self { origin, rows })
    }

    /// The mean size of the JSON texts.
    pub fn mean_bytes(&self) -> usize {
        let bytes: usize = self.rows.iter().map(|(_, body)| body.len()).sum();
        bytes / self.rows.len().max(1)
    }

    /// In COPY's text format.
    pub fn as_copy(&self) -> String {
        as_copy(&self.rows)
    }
}

/// Ids and JSON texts in COPY's text format.
pub fn as_copy(rows: &[(String, String)]) -> String {
    rows.iter()
        .map(|(id, body)| format!("{id}\t{}\n", body.replace('\\', "\\\\")))
        .collect()
}

/// Synthea's resources of a type, ids and JSON texts, where they lie beside the repository.
pub fn synthea(project: &Project, kind: &str) -> Result<Option<Vec<(String, String)>>> {
    let file = project.root().join(SYNTHEA);
    if !file.exists() {
        return Ok(None);
    }
    let text = capture(Command::new("gzip").arg("-dc").arg(&file))?;
    of_type(&text, kind).map(Some)
}

fn of_type(text: &str, kind: &str) -> Result<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let resource: Value = serde_json::from_str(line).context("Synthea's data are not JSON")?;
        if resource.get("resourceType").and_then(Value::as_str) == Some(kind) {
            let id = resource
                .get("id")
                .and_then(Value::as_str)
                .context("a resource has no id")?;
            rows.push((id.to_owned(), line.to_owned()));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_are_taken_and_escaped() {
        let lines = "{\"resourceType\":\"Patient\",\"id\":\"p\"}\n{\"resourceType\":\"Observation\",\"id\":\"o\",\"x\":\"\\\"\"}\n";
        let rows = of_type(lines, "Observation").unwrap();
        let observations = Observations {
            origin: "Synthea",
            rows,
        };
        assert_eq!(
            observations.as_copy(),
            "o\t{\"resourceType\":\"Observation\",\"id\":\"o\",\"x\":\"\\\\\"\"}\n"
        );
        assert!(of_type("no JSON", "Observation").is_err());
    }
}
