//! What all benches hand over, and what becomes of it: tables in the terminal, JSON, plots.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::machine::Machine;
use super::pairs::Paired;
use super::plot::Plot;
use crate::console::{bold, dim, note, table};
use crate::project::Project;

/// The results of a bench.
pub struct Outcome {
    /// As measured, for `--json`.
    results: Value,
    sections: Vec<Section>,
    /// All bars are kept.
    good: bool,
}

impl Outcome {
    /// Of what was measured, and how it is shown.
    pub fn new<T: Serialize>(results: &T, sections: Vec<Section>, good: bool) -> Result<Self> {
        Ok(Self {
            results: serde_json::to_value(results)?,
            sections,
            good,
        })
    }

    /// All bars are kept.
    pub fn good(&self) -> bool {
        self.good
    }

    /// Everything, with the machine that it was measured on.
    pub fn json(&self, bench: &str, machine: &Machine) -> Value {
        json!({"bench": bench, "machine": machine, "good": self.good, "results": self.results})
    }

    /// For a reader.
    pub fn print(&self, machine: &Machine) {
        for section in &self.sections {
            section.print();
        }
        println!("\n{}", dim(&machine.line()));
    }

    /// Draws what there is to draw, into `target/bench`.
    pub fn draw(&self, project: &Project, bench: &str) -> Result<()> {
        let folder = project.target("bench");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        for plot in self.sections.iter().flat_map(|section| &section.plots) {
            let file = folder.join(format!("{bench}-{}.svg", plot.name()));
            plot.draw(&file)?;
            note(&project.short(&file));
        }
        Ok(())
    }
}

/// Writes JSON into a file, or for `-` to standard output.
pub fn write_json(value: &Value, file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    if file == Path::new("-") {
        println!("{text}");
        return Ok(());
    }
    fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}

/// A table with its title.
#[derive(Default)]
pub struct Section {
    title: String,
    before: Vec<String>,
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    after: Vec<String>,
    plots: Vec<Plot>,
}

impl Section {
    /// With a title, and nothing else yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// A line below the title.
    pub fn remark(mut self, text: impl Into<String>) -> Self {
        self.before.push(text.into());
        self
    }

    /// The table.
    pub fn table<S: AsRef<str>>(mut self, columns: &[S], rows: Vec<Vec<Option<String>>>) -> Self {
        self.columns = columns
            .iter()
            .map(|name| name.as_ref().to_owned())
            .collect();
        self.rows = rows;
        self
    }

    /// Text below the table.
    pub fn after(mut self, text: impl Into<String>) -> Self {
        self.after.push(text.into());
        self
    }

    /// A plot of it.
    pub fn plot(mut self, plot: Plot) -> Self {
        self.plots.push(plot);
        self
    }

    fn print(&self) {
        println!("\n{}", bold(&self.title));
        for line in &self.before {
            println!("{line}");
        }
        if !self.columns.is_empty() {
            for line in table(&self.columns, &self.rows, 60) {
                println!("  {line}");
            }
        }
        for text in &self.after {
            println!("\n{text}");
        }
    }
}

/// How a bar is shown.
pub fn verdict(good: bool) -> String {
    if good { "kept" } else { "BROKEN" }.to_owned()
}

/// How a bar is shown where there may be none.
pub fn bar(kept: Option<bool>) -> String {
    kept.map_or_else(|| "no bar".to_owned(), verdict)
}

/// The spread of ratios.
pub fn spread(paired: &Paired) -> String {
    let (low, high) = paired.spread;
    format!("{low:.3}–{high:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        assert_eq!(bar(Some(true)), "kept");
        assert_eq!(bar(Some(false)), "BROKEN");
        assert_eq!(bar(None), "no bar");
    }
}
