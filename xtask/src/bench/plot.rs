//! Plots as SVG files.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

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
    /// Ratios as bars, with a line at 1 and one at the bar.
    Ratios {
        name: String,
        title: String,
        ratios: Vec<Ratio>,
        bar: Option<f64>,
    },
    /// Curves with logarithmic axes.
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
            } => draw_ratios(file, title, ratios, *bar),
            Self::Curves {
                title, x, y, lines, ..
            } => draw_curves(file, title, (x, y), lines),
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

/// The rows of a plot of ratios, in pixels.
const ROW: i32 = 24;
const TOP: i32 = 64;
const LEFT: i32 = 380;
const RIGHT: i32 = 900;

/// From ratios to pixels.
struct Axis {
    least: f64,
    most: f64,
    /// A few hundredths cannot be seen beside a factor of a thousand, whatever the axis.
    logarithmic: bool,
}

impl Axis {
    fn of(ratios: &[&Ratio], bar: Option<f64>) -> Self {
        let most = ratios
            .iter()
            .flat_map(|one| [one.ratio, one.spread.1])
            .filter(|one| one.is_finite())
            .fold(bar.unwrap_or(1.0).max(1.2), f64::max);
        let least = ratios.iter().map(|one| one.ratio).fold(1.0, f64::min);
        let logarithmic = most > 6.0;
        Self {
            least: if logarithmic { least * 0.8 } else { 0.0 },
            most: most * 1.05,
            logarithmic,
        }
    }

    fn place(&self, ratio: f64) -> i32 {
        let part = if self.logarithmic {
            (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln()
        } else {
            (ratio - self.least) / (self.most - self.least)
        };
        LEFT + (part.clamp(0.0, 1.0) * f64::from(RIGHT - LEFT)).round() as i32
    }
}

fn draw_ratios(file: &Path, title: &str, ratios: &[Ratio], bar: Option<f64>) -> Result<()> {
    let drawn: Vec<&Ratio> = ratios
        .iter()
        .filter(|one| one.ratio.is_finite() && one.ratio > 0.0)
        .collect();
    let mut series: Vec<&str> = Vec::new();
    for one in &drawn {
        if !series.contains(&one.series.as_str()) {
            series.push(&one.series);
        }
    }
    let bottom = TOP + ROW * i32::try_from(drawn.len())?;
    let root = SVGBackend::new(file, (WIDTH, u32::try_from(bottom + 30)?)).into_drawing_area();
    root.fill(&WHITE).map_err(text)?;
    let words = |size: i32, colour: &RGBColor| (FONT, size).into_font().color(colour);
    root.draw(&Text::new(title.to_owned(), (12, 10), words(18, &BLACK)))
        .map_err(text)?;
    for (index, name) in series.iter().enumerate() {
        let x = 12 + 225 * i32::try_from(index)?;
        let square = Rectangle::new([(x, 40), (x + 12, 52)], colour(index).filled());
        root.draw(&square).map_err(text)?;
        root.draw(&Text::new(
            (*name).to_owned(),
            (x + 17, 38),
            words(14, &BLACK),
        ))
        .map_err(text)?;
    }
    let axis = Axis::of(&drawn, bar);
    for (index, one) in drawn.iter().enumerate() {
        let y = TOP + ROW * i32::try_from(index)?;
        let index = series.iter().position(|name| *name == one.series);
        let colour = colour(index.unwrap_or_default());
        let label: String = one.label.chars().take(52).collect();
        root.draw(&Text::new(label, (12, y + 4), words(14, &BLACK)))
            .map_err(text)?;
        let end = axis.place(one.ratio);
        let body = Rectangle::new([(LEFT, y + 4), (end, y + 19)], colour.mix(0.75).filled());
        root.draw(&body).map_err(text)?;
        let (low, high) = (axis.place(one.spread.0), axis.place(one.spread.1));
        for line in [
            [(low, y + 12), (high, y + 12)],
            [(low, y + 8), (low, y + 16)],
            [(high, y + 8), (high, y + 16)],
        ] {
            root.draw(&PathElement::new(line, BLACK)).map_err(text)?;
        }
        let number = Text::new(
            significant(one.ratio),
            (end.max(high) + 5, y + 5),
            words(13, &BLACK),
        );
        root.draw(&number).map_err(text)?;
    }
    for (ratio, colour) in [(1.0, BLACK)].into_iter().chain(bar.map(|bar| (bar, RED))) {
        let x = axis.place(ratio);
        root.draw(&PathElement::new([(x, TOP - 4), (x, bottom + 4)], colour))
            .map_err(text)?;
        root.draw(&Text::new(
            significant(ratio),
            (x - 10, bottom + 8),
            words(13, &colour),
        ))
        .map_err(text)?;
    }
    root.present().map_err(text)
}

fn draw_curves(file: &Path, title: &str, (x, y): (&str, &str), lines: &[Line]) -> Result<()> {
    let logarithms = |one: &Line| -> Vec<(f64, f64)> {
        let points = one.points.iter();
        points
            .filter(|(x, y)| *x > 0.0 && *y > 0.0)
            .map(|(x, y)| (x.log10(), y.log10()))
            .collect()
    };
    let points: Vec<(f64, f64)> = lines.iter().flat_map(logarithms).collect();
    let range = |side: fn(&(f64, f64)) -> f64| {
        let low = points.iter().map(side).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(side).fold(f64::NEG_INFINITY, f64::max);
        if low <= high {
            low - 0.1..high + 0.1
        } else {
            0.0..1.0
        }
    };
    let root = SVGBackend::new(file, (WIDTH, 540)).into_drawing_area();
    root.fill(&WHITE).map_err(text)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, (FONT, 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))
        .map_err(text)?;
    let label = |logarithm: &f64| significant(10_f64.powf(*logarithm));
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .label_style((FONT, 13))
        .draw()
        .map_err(text)?;
    for (index, one) in lines.iter().enumerate() {
        let colour = colour(index);
        let points = logarithms(one);
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))
            .map_err(text)?
            .label(one.label.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
        let dots = points
            .into_iter()
            .map(|point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(dots).map_err(text)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 13))
        .draw()
        .map_err(text)?;
    root.present().map_err(text)
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
        let ratio = |label: &str, ratio| Ratio {
            label: label.to_owned(),
            series: "b/a".to_owned(),
            ratio,
            spread: (ratio * 0.9, ratio * 1.1),
        };
        let svg = drawn(&Plot::Ratios {
            name: "ratios".to_owned(),
            title: "Row security".to_owned(),
            ratios: vec![ratio("count", 1.03), ratio("broken", f64::NAN)],
            bar: Some(1.05),
        });
        assert!(svg.contains("Row security") && svg.contains("count") && svg.contains("1.03"));
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
        assert!(svg.contains("Growth") && svg.contains("policy") && svg.contains("<polyline"));
    }

    #[test]
    fn axes_hold_what_is_drawn() {
        let ratio = |ratio| Ratio {
            label: String::new(),
            series: String::new(),
            ratio,
            spread: (ratio, ratio),
        };
        for ratios in [[ratio(1.0), ratio(1.1)], [ratio(0.5), ratio(900.0)]] {
            let axis = Axis::of(&ratios.iter().collect::<Vec<_>>(), Some(1.05));
            let places: Vec<i32> = ratios.iter().map(|one| axis.place(one.ratio)).collect();
            assert!(LEFT < places[0] && places[0] < places[1] && places[1] < RIGHT);
        }
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0123, 0.5, 1.034, 12.34, 1234.5].map(significant);
        assert_eq!(texts, ["0.0123", "0.50", "1.03", "12.3", "1,235"]);
    }
}
