//! What the reader sees: headings, small tables, durations; colours only on a terminal.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

/// Colours, when standard output is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        !refused && !dumb && std::io::stdout().is_terminal()
    })
}

fn paint(code: &str, text: &str) -> String {
    if coloured() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Text that matters.
pub fn bold(text: &str) -> String {
    paint("1", text)
}

/// Text in the background.
pub fn dim(text: &str) -> String {
    paint("2", text)
}

/// What went well.
pub fn green(text: &str) -> String {
    paint("32", text)
}

/// What was refused or failed.
pub fn red(text: &str) -> String {
    paint("31", text)
}

/// Statements.
pub fn cyan(text: &str) -> String {
    paint("36", text)
}

/// A line that says what begins now. It goes to standard error: results are what standard output is for.
pub fn step(text: &str) {
    eprintln!("{} {text}", paint("1;34", "▸"));
}

/// A line about what has just been done.
pub fn note(text: &str) {
    eprintln!("  {}", dim(text));
}

/// A heading over a part of the output.
pub fn heading(text: &str) {
    let rule = "─".repeat(76_usize.saturating_sub(text.chars().count()));
    println!("\n{} {} {}", dim("──"), bold(text), dim(&rule));
}

/// A duration in the unit a reader expects.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 60.0 {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    } else if seconds >= 1.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How SQL's NULL is shown.
const NULL: &str = "∅";

/// A table as text: one cell per column, cut at `widest` characters; columns of numbers are right-aligned.
pub fn table(columns: &[String], rows: &[Vec<Option<String>>], widest: usize) -> Vec<String> {
    let text = |cell: &Option<String>| match cell {
        Some(text) => shorten(text, widest),
        None => NULL.to_owned(),
    };
    let body: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(text).collect())
        .collect();
    let shape: Vec<(usize, bool)> = columns
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let cells = || body.iter().filter_map(|row| row.get(index));
            let width = cells().map(|cell| length(cell)).max().unwrap_or(0);
            let known = || cells().filter(|cell| *cell != NULL);
            let number = known().count() > 0 && known().all(|cell| is_number(cell));
            (width.max(length(name)), number)
        })
        .collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&shape)
            .map(|(cell, (width, number))| {
                let space = " ".repeat(width.saturating_sub(length(cell)));
                if *number {
                    format!("{space}{cell}")
                } else {
                    format!("{cell}{space}")
                }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let rule: Vec<String> = shape.iter().map(|(width, _)| "─".repeat(*width)).collect();
    let mut lines = vec![line(columns), rule.join("  ")];
    lines.extend(body.iter().map(|row| line(row)));
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn is_number(text: &str) -> bool {
    text.trim_end_matches([' ', '×', '%'])
        .replace(',', "")
        .parse::<f64>()
        .is_ok()
}

fn shorten(text: &str, widest: usize) -> String {
    let text = text.replace('\n', " ");
    if length(&text) <= widest {
        return text;
    }
    let mut short: String = text.chars().take(widest.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align() {
        let columns = ["name".to_owned(), "n".to_owned()];
        let rows = vec![
            vec![Some("Zoë".to_owned()), Some("7".to_owned())],
            vec![None, Some("1,200".to_owned())],
            vec![Some("a very long name".to_owned()), None],
        ];
        assert_eq!(
            table(&columns, &rows, 8),
            [
                "name          n",
                "────────  ─────",
                "Zoë           7",
                "∅         1,200",
                "a very …      ∅",
            ]
        );
        let unknown = table(&["phone".to_owned()], &[vec![None]], 8);
        assert_eq!(unknown, ["phone", "─────", "∅"]);
    }

    #[test]
    fn numbers_and_times() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(123_456), "123,456");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(duration(Duration::from_micros(640)), "0.64 ms");
        assert_eq!(duration(Duration::from_millis(2500)), "2.5 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
    }
}
