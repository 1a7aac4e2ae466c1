//! Ratios as bars.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Ratio, WIDTH, colour, placed, round, significant, text, ticks, words};

/// All in pixels.
const ROW: i32 = 21;
const BETWEEN_GROUPS: i32 = 7;
const TOP: i32 = 84;
const LEFT: i32 = 390;
const RIGHT: i32 = 890;

/// From ratios to pixels. Half as long is as far from 1 as twice as long.
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    fn of(ratios: &[&Ratio], bar: Option<f64>) -> Self {
        let ends = || {
            ratios
                .iter()
                .flat_map(|one| [one.ratio, one.spread.0, one.spread.1])
        };
        let drawable = |one: &f64| one.is_finite() && *one > 0.0;
        let most = ends()
            .filter(drawable)
            .fold(bar.unwrap_or(1.0).max(1.2), f64::max);
        // What takes a thousandth of the time may be off the scale; what takes half may not.
        let least = ends().filter(drawable).fold(0.9, f64::min).max(0.2);
        Self {
            least: least / 1.03,
            most: most * 1.03,
        }
    }

    fn place(&self, ratio: f64) -> i32 {
        let part = (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        LEFT + (part.clamp(0.0, 1.0) * f64::from(RIGHT - LEFT)).round() as i32
    }
}

pub fn draw(file: &Path, title: &str, ratios: &[Ratio], bar: Option<f64>) -> Result<()> {
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
    let grouped = series.len() > 1;
    let mut rows: Vec<(i32, Option<&str>)> = Vec::new();
    let mut bottom = TOP;
    for (index, one) in drawn.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| drawn.get(before));
        let new = before.is_none_or(|before| before.label != one.label);
        if new && grouped && index > 0 {
            bottom += BETWEEN_GROUPS;
        }
        rows.push((bottom, new.then_some(one.label.as_str())));
        bottom += ROW;
    }
    let root = SVGBackend::new(file, (WIDTH, u32::try_from(bottom + 34)?)).into_drawing_area();
    root.fill(&WHITE).map_err(text)?;
    root.draw(&Text::new(title.to_owned(), (12, 10), words(18, &BLACK)))
        .map_err(text)?;
    for (index, name) in series.iter().enumerate() {
        let x = 12 + 190 * i32::try_from(index)?;
        let square = Rectangle::new([(x, 40), (x + 12, 52)], colour(index).filled());
        root.draw(&square).map_err(text)?;
        root.draw(&Text::new(
            (*name).to_owned(),
            (x + 17, 46),
            placed(14, &BLACK, HPos::Left),
        ))
        .map_err(text)?;
    }
    let axis = Axis::of(&drawn, bar);
    for tick in ticks(axis.least, axis.most) {
        let x = axis.place(tick);
        let line = PathElement::new([(x, TOP - 4), (x, bottom + 6)], BLACK.mix(0.15));
        root.draw(&line).map_err(text)?;
        root.draw(&Text::new(
            round(tick),
            (x, bottom + 16),
            placed(13, &BLACK, HPos::Center),
        ))
        .map_err(text)?;
    }
    let one = axis.place(1.0);
    for (ratio, (y, label)) in drawn.iter().zip(rows) {
        if let Some(label) = label {
            let label: String = label.chars().take(54).collect();
            root.draw(&Text::new(
                label,
                (12, y + 10),
                placed(14, &BLACK, HPos::Left),
            ))
            .map_err(text)?;
        }
        let index = series.iter().position(|name| *name == ratio.series);
        let colour = colour(index.unwrap_or_default()).mix(0.75);
        let end = axis.place(ratio.ratio);
        let body = [(one.min(end), y + 3), (one.max(end), y + 17)];
        root.draw(&Rectangle::new(body, colour.filled()))
            .map_err(text)?;
        let (low, high) = (axis.place(ratio.spread.0), axis.place(ratio.spread.1));
        for line in [
            [(low, y + 10), (high, y + 10)],
            [(low, y + 7), (low, y + 13)],
            [(high, y + 7), (high, y + 13)],
        ] {
            root.draw(&PathElement::new(line, BLACK)).map_err(text)?;
        }
        let after = end.max(high).max(one);
        // Not through the bar's line.
        let beside = 6 + match bar.map(|bar| axis.place(bar)) {
            Some(line) if (after..after + 40).contains(&line) => line,
            _ => after,
        };
        root.draw(&Text::new(
            significant(ratio.ratio),
            (beside, y + 10),
            placed(13, &BLACK, HPos::Left),
        ))
        .map_err(text)?;
    }
    let line = |x| PathElement::new([(x, TOP - 4), (x, bottom + 6)], BLACK);
    root.draw(&line(one)).map_err(text)?;
    if let Some(bar) = bar {
        let x = axis.place(bar);
        let line = PathElement::new([(x, TOP - 8), (x, bottom + 6)], RED);
        root.draw(&line).map_err(text)?;
        let name = format!("bar {}", significant(bar));
        root.draw(&Text::new(
            name,
            (x, TOP - 16),
            placed(13, &RED, HPos::Center),
        ))
        .map_err(text)?;
    }
    root.present().map_err(text)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
