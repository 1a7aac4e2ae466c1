//! Plots as SVG files.

mod curves;
mod ratios;

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::pairs::Paired;

const WIDTH: u32 = 960;
const FONT: &str = "sans-serif";

/// Told apart also by those who see no red or green.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 86, 86),
];

/// A ratio with its spread.
pub struct Ratio {
    pub label: String,
    /// Ratios of one series have one colour.
    pub series: String,
    pub ratio: f64,
    pub spread: (f64, f64),
}

impl Ratio {
    /// What was measured in pairs.
    pub fn of(label: impl Into<String>, series: impl Into<String>, paired: &Paired) -> Self {
        Self {
            label: label.into(),
            series: series.into(),
            ratio: paired.ratio,
            spread: paired.spread,
        }
    }
}

/// Points joined by lines.
pub struct Line {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

/// What is drawn.
pub enum Plot {
    /// Ratios as bars that begin at 1, on a logarithmic axis, with a line at the bar. Neighbours with one label are a group.
    Ratios {
        name: String,
        title: String,
        ratios: Vec<Ratio>,
        bar: Option<f64>,
    },
    /// Curves with logarithmic axes, each named where it ends.
    Curves {
        name: String,
        title: String,
        x: String,
        y: String,
        lines: Vec<Line>,
    },
}

impl Plot {
    /// A part of the file's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Ratios { name, .. } | Self::Curves { name, .. } => name,
        }
    }

    /// Writes an SVG file.
    pub fn draw(&self, file: &Path) -> Result<()> {
        match self {
            Self::Ratios {
                title, ratios, bar, ..
            } => ratios::draw(file, title, ratios, *bar),
            Self::Curves {
                title, x, y, lines, ..
            } => curves::draw(file, title, (x, y), lines),
        }
        .map_err(|error| error.context(format!("cannot draw {}", file.display())))
    }
}

fn colour(index: usize) -> RGBColor {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(BLACK)
}

/// Errors of the library borrow from the drawing.
fn text<E: std::fmt::Display>(error: E) -> anyhow::Error {
    anyhow!("{error}")
}

fn words(size: i32, colour: &RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(colour)
}

/// The same, beginning, ending or centred at a point.
fn placed(size: i32, colour: &RGBColor, side: HPos) -> TextStyle<'static> {
    words(size, colour).pos(Pos::new(side, VPos::Center))
}

/// Three digits.
fn significant(number: f64) -> String {
    match number {
        _ if number >= 99.95 => crate::console::thousands(number.round() as usize),
        _ if number >= 9.995 => format!("{number:.1}"),
        _ if number >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

/// A number of an axis: no digits that say nothing.
fn round(number: f64) -> String {
    if number >= 1000.0 {
        crate::console::thousands(number.round() as usize)
    } else {
        number.to_string()
    }
}

/// Round numbers between two others, for a logarithmic axis: some eight of them at most.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let decades = least.log10().floor() as i32..=most.log10().ceil() as i32;
    let of = |digits: &[f64]| -> Vec<f64> {
        let numbers = decades.clone().flat_map(|decade| {
            // The text is the nearest number: 5 times a power of ten may not be.
            digits.iter().map(move |digit| format!("{digit}e{decade}"))
        });
        numbers
            .filter_map(|number| number.parse().ok())
            .filter(|number| (least..=most).contains(number))
            .collect()
    };
    let fine = of(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]);
    let middle = of(&[1.0, 2.0, 5.0]);
    match () {
        () if fine.len() <= 8 => fine,
        () if middle.len() <= 8 => middle,
        () => of(&[1.0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(plot: &Plot) -> String {
        let name = format!(
            "fhir_access-plot-{}-{}.svg",
            plot.name(),
            std::process::id()
        );
        let file = std::env::temp_dir().join(name);
        plot.draw(&file).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        svg
    }

    #[test]
    fn ratios_are_drawn() {
        let ratio = |label: &str, series: &str, ratio| Ratio {
            label: label.to_owned(),
            series: series.to_owned(),
            ratio,
            spread: (ratio * 0.9, ratio * 1.1),
        };
        let svg = drawn(&Plot::Ratios {
            name: "ratios".to_owned(),
            title: "Row security".to_owned(),
            ratios: vec![
                ratio("count", "b/a", 1.03),
                ratio("count", "c/a", 61.2),
                ratio("broken", "b/a", f64::NAN),
            ],
            bar: Some(1.05),
        });
        for text in ["Row security", "1.03", "61.2", "bar 1.05"] {
            assert!(svg.contains(text), "{text} is not in the plot");
        }
        assert_eq!(svg.matches("\ncount\n").count(), 1);
        assert!(!svg.contains("broken"));
    }

    #[test]
    fn curves_are_drawn() {
        let svg = drawn(&Plot::Curves {
            name: "curves".to_owned(),
            title: "Growth".to_owned(),
            x: "rows".to_owned(),
            y: "ms".to_owned(),
            lines: vec![Line {
                label: "policy".to_owned(),
                points: vec![(10.0, 1.0), (1000.0, 2.0), (0.0, 1.0)],
            }],
        });
        for text in ["Growth", "policy", "<polyline", "1,000"] {
            assert!(svg.contains(text), "{text} is not in the plot");
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let svg = drawn(&Plot::Curves {
            name: "nothing".to_owned(),
            title: "Nothing".to_owned(),
            x: "rows".to_owned(),
            y: "ms".to_owned(),
            lines: Vec::new(),
        });
        assert!(svg.contains("Nothing"));
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(ticks(0.9, 3.2), [1.0, 1.5, 2.0, 3.0]);
        assert_eq!(ticks(0.01, 0.9), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
        assert_eq!(ticks(0.7, 4000.0), [1.0, 10.0, 100.0, 1000.0]);
        let texts = [0.05, 1.5, 200.0, 1_000_000.0].map(round);
        assert_eq!(texts, ["0.05", "1.5", "200", "1,000,000"]);
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0123, 0.5, 1.034, 12.34, 1234.5].map(significant);
        assert_eq!(texts, ["0.0123", "0.50", "1.03", "12.3", "1,235"]);
    }
}
