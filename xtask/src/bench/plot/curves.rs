//! Points joined by lines.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Line, WIDTH, colour, placed, round, text, ticks, words};

/// All in pixels.
const HEIGHT: i32 = 520;
const TOP: i32 = 56;
const LEFT: i32 = 64;
const RIGHT: i32 = 680;
const BOTTOM: i32 = 460;
/// Names of lines that end close together stand below each other.
const APART: i32 = 18;

/// From numbers to pixels.
struct Axis {
    least: f64,
    most: f64,
    from: i32,
    to: i32,
}

impl Axis {
    fn of(numbers: impl Iterator<Item = f64>, from: i32, to: i32) -> Self {
        let (least, most) = numbers.fold((f64::INFINITY, 0.0_f64), |(least, most), number| {
            (least.min(number), most.max(number))
        });
        let (least, most) = if least <= most {
            (least, most)
        } else {
            (1.0, 10.0)
        };
        Self {
            least: least / 1.25,
            most: most * 1.25,
            from,
            to,
        }
    }

    fn place(&self, number: f64) -> i32 {
        let part = (number / self.least).ln() / (self.most / self.least).ln();
        self.from + (part * f64::from(self.to - self.from)).round() as i32
    }
}

pub fn draw(file: &Path, title: &str, (x, y): (&str, &str), lines: &[Line]) -> Result<()> {
    let lines: Vec<(&str, Vec<(f64, f64)>)> = lines
        .iter()
        .map(|line| {
            let points = line.points.iter().copied();
            let drawn = points.filter(|(x, y)| *x > 0.0 && *y > 0.0);
            (line.label.as_str(), drawn.collect())
        })
        .collect();
    let points = || lines.iter().flat_map(|(_, points)| points);
    let across = Axis::of(points().map(|point| point.0), LEFT, RIGHT);
    let up = Axis::of(points().map(|point| point.1), BOTTOM, TOP);
    let root = SVGBackend::new(file, (WIDTH, HEIGHT.unsigned_abs())).into_drawing_area();
    root.fill(&WHITE).map_err(text)?;
    root.draw(&Text::new(title.to_owned(), (12, 10), words(18, &BLACK)))
        .map_err(text)?;
    // Where it was measured, rather than round numbers, if these are few.
    let mut measured: Vec<f64> = points().map(|point| point.0).collect();
    measured.sort_by(f64::total_cmp);
    measured.dedup();
    if measured.len() > 8 {
        measured = ticks(across.least, across.most);
    }
    for tick in measured {
        let x = across.place(tick);
        let line = PathElement::new([(x, TOP), (x, BOTTOM + 4)], BLACK.mix(0.15));
        root.draw(&line).map_err(text)?;
        root.draw(&Text::new(
            round(tick),
            (x, BOTTOM + 16),
            placed(13, &BLACK, HPos::Center),
        ))
        .map_err(text)?;
    }
    for tick in ticks(up.least, up.most) {
        let y = up.place(tick);
        let line = PathElement::new([(LEFT - 4, y), (RIGHT, y)], BLACK.mix(0.15));
        root.draw(&line).map_err(text)?;
        root.draw(&Text::new(
            round(tick),
            (LEFT - 8, y),
            placed(13, &BLACK, HPos::Right),
        ))
        .map_err(text)?;
    }
    let frame = PathElement::new([(LEFT, TOP), (LEFT, BOTTOM), (RIGHT, BOTTOM)], BLACK);
    root.draw(&frame).map_err(text)?;
    let below = ((LEFT + RIGHT) / 2, BOTTOM + 38);
    root.draw(&Text::new(
        x.to_owned(),
        below,
        placed(13, &BLACK, HPos::Center),
    ))
    .map_err(text)?;
    root.draw(&Text::new(
        y.to_owned(),
        (LEFT - 8, TOP - 14),
        placed(13, &BLACK, HPos::Right),
    ))
    .map_err(text)?;
    let mut ends: Vec<(i32, i32, usize, &str)> = Vec::new();
    for (index, (label, points)) in lines.iter().enumerate() {
        let colour = colour(index);
        let places: Vec<(i32, i32)> = points
            .iter()
            .map(|(x, y)| (across.place(*x), up.place(*y)))
            .collect();
        for place in &places {
            root.draw(&Circle::new(*place, 3, colour.filled()))
                .map_err(text)?;
        }
        if let Some((x, y)) = places.last() {
            ends.push((*y, *x, index, label));
        }
        root.draw(&PathElement::new(places, colour.stroke_width(2)))
            .map_err(text)?;
    }
    ends.sort_unstable();
    let mut free = i32::MIN;
    for (y, x, index, label) in ends {
        let beside = y.max(free);
        free = beside.saturating_add(APART);
        let style = placed(13, &colour(index), HPos::Left);
        root.draw(&Text::new(label.to_owned(), (x + 10, beside), style))
            .map_err(text)?;
    }
    root.present().map_err(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_within_the_frame() {
        let axis = Axis::of([0.01, 5.0].into_iter(), BOTTOM, TOP);
        assert!(axis.place(0.01) < BOTTOM && axis.place(5.0) > TOP);
        assert!(axis.place(5.0) < axis.place(0.01));
    }
}
