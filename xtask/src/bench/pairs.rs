//! Paired, interleaved runs of prepared statements.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::types::ToSql;
use postgres::{Client, Statement};
use serde::Serialize;

/// Runs before anything is measured: more than the five after which PostgreSQL settles on a plan.
pub const WARM_UP: usize = 50;

/// The fewest runs before anything is measured, and the fewest that are, however long they take.
const LEAST_WARM_UP: usize = 6;
const LEAST_PAIRS: usize = 10;

/// Parts of a run whose ratios show the spread.
const PARTS: usize = 20;

/// How much is run.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Runs of both sides before anything is measured.
    pub warm_up: usize,
    /// Pairs of runs.
    pub pairs: usize,
    /// After this time there are no more.
    pub time: Duration,
}

impl Budget {
    /// So many pairs, however long they take.
    pub fn pairs(pairs: usize) -> Self {
        Self {
            warm_up: WARM_UP,
            pairs,
            time: Duration::MAX,
        }
    }
}

/// What two statements cost that were run in turn.
#[derive(Debug, Clone, Serialize)]
pub struct Paired {
    /// Medians over all runs.
    pub policy_ms: f64,
    pub by_hand_ms: f64,
    /// The typical ratio of a pair: what drifts in the course of a run changes both sides of it.
    pub ratio: f64,
    /// The tenth and the ninetieth percentile of the ratios of twenty parts of the run.
    pub spread: (f64, f64),
}

/// Has the clients' servers run on the core where this runs, as far as that is allowed. To wake a process on another core takes 15 µs
/// more than on the same one, and where each of two servers runs stays as it is for thousands of statements: in a statement of
/// 50 µs that would be all that a comparison shows.
pub fn on_one_core(clients: &mut [&mut Client]) -> Result<()> {
    let mut processes = vec![i64::from(std::process::id())];
    for client in clients {
        let server = client.query_one("SELECT pg_backend_pid()::bigint", &[])?;
        processes.push(server.get(0));
    }
    pin(&processes, "0");
    Ok(())
}

/// Has processes, and those that they start, run on these cores (`0`, `0-3`), where that is allowed.
pub fn pin(processes: &[i64], cores: &str) {
    for process in processes {
        // Without it there is more noise, and nothing else.
        let _ = Command::new("taskset")
            .args(["--cpu-list", "--pid", cores, &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Runs both sides in turn; each tells how long it took.
pub fn interleave(
    budget: Budget,
    mut policy: impl FnMut() -> Result<Duration>,
    mut by_hand: impl FnMut() -> Result<Duration>,
) -> Result<Paired> {
    let begun = Instant::now();
    for run in 0..budget.warm_up {
        if run >= LEAST_WARM_UP && begun.elapsed() > budget.time / 4 {
            break;
        }
        policy()?;
        by_hand()?;
    }
    let begun = Instant::now();
    let mut times = Vec::with_capacity(budget.pairs);
    for pair in 0..budget.pairs {
        if pair >= LEAST_PAIRS && begun.elapsed() > budget.time {
            break;
        }
        // Whoever goes second finds warmer caches: take turns.
        let (first, second);
        if pair % 2 == 0 {
            first = policy()?;
            second = by_hand()?;
        } else {
            second = by_hand()?;
            first = policy()?;
        }
        times.push((first, second));
    }
    let (policy_ms, by_hand_ms) = medians(&times);
    // Of both orders as many.
    let part = times.len().div_ceil(PARTS).next_multiple_of(2);
    let mut parts: Vec<f64> = times.chunks(part).map(typical_ratio).collect();
    parts.sort_by(f64::total_cmp);
    Ok(Paired {
        policy_ms,
        by_hand_ms,
        ratio: typical_ratio(&times),
        spread: (percentile(&parts, 10), percentile(&parts, 90)),
    })
}

/// All rows as text, sorted: what both sides must agree on.
pub fn rows(
    client: &mut Client,
    statement: &Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for row in client.query(statement, parameters)? {
        let mut text = String::new();
        for column in 0..row.len() {
            match row.try_get::<_, String>(column) {
                Ok(value) => text.push_str(&value),
                Err(_) => text.push_str(&row.get::<_, i64>(column).to_string()),
            }
            text.push('\t');
        }
        rows.push(text);
    }
    rows.sort();
    Ok(rows)
}

/// How many rows a statement finds: of a count, what it says.
pub fn rows_seen(client: &mut Client, statement: &Statement) -> Result<usize> {
    let rows = client.query(statement, &[])?;
    let counted = match rows.as_slice() {
        [one] => one.try_get::<_, i64>(0).ok(),
        _ => None,
    };
    match counted {
        Some(count) => Ok(usize::try_from(count)?),
        None => Ok(rows.len()),
    }
}

/// The time a client waits for all rows.
pub fn timed(
    client: &mut Client,
    statement: &Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Duration> {
    let begun = Instant::now();
    let rows = client.query(statement, parameters)?;
    let time = begun.elapsed();
    std::hint::black_box(rows);
    Ok(time)
}

/// The time a client waits for statements without rows.
pub fn timed_batch(client: &mut Client, statements: &str) -> Result<Duration> {
    let begun = Instant::now();
    client
        .batch_execute(statements)
        .with_context(|| format!("{statements} failed"))?;
    Ok(begun.elapsed())
}

/// The ratio of pairs. Whoever went second found what the first had brought into the processor's caches, so the ratios lie around
/// two values: this is the geometric mean of their medians.
fn typical_ratio(times: &[(Duration, Duration)]) -> f64 {
    let median = |order: usize| {
        let pairs = times.iter().skip(order).step_by(2);
        let mut ratios: Vec<f64> = pairs
            .map(|(policy, by_hand)| policy.as_secs_f64() / by_hand.as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        percentile(&ratios, 50)
    };
    match times {
        [_] => median(0),
        _ => (median(0) * median(1)).sqrt(),
    }
}

/// The medians of both sides, in milliseconds.
fn medians(times: &[(Duration, Duration)]) -> (f64, f64) {
    let side = |side: fn(&(Duration, Duration)) -> Duration| times.iter().map(side).collect();
    (
        median_ms(side(|pair| pair.0)),
        median_ms(side(|pair| pair.1)),
    )
}

/// The median, in milliseconds.
pub fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let milliseconds: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    percentile(&milliseconds, 50)
}

/// A percentile of sorted numbers: the nearest rank. Not a number, for none.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(percentile(&numbers, 50), 3.0);
        assert_eq!(percentile(&numbers, 0), 1.0);
        assert_eq!(percentile(&numbers, 100), 5.0);
        assert!(percentile(&[], 50).is_nan());
    }

    #[test]
    fn medians_of_both_sides() {
        let milliseconds = Duration::from_millis;
        let times = [
            (milliseconds(3), milliseconds(1)),
            (milliseconds(1), milliseconds(2)),
            (milliseconds(2), milliseconds(9)),
        ];
        assert_eq!(medians(&times), (2.0, 2.0));
        let times = [(4, 1), (1, 1), (40, 10), (4, 4)]
            .map(|(policy, by_hand)| (milliseconds(policy), milliseconds(by_hand)));
        assert_eq!(typical_ratio(&times), 2.0);
        assert_eq!(typical_ratio(&times[..1]), 4.0);
        assert!(typical_ratio(&[]).is_nan());
    }

    #[test]
    fn sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name: char, time: u64| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok(Duration::from_millis(time))
            }
        };
        let paired = interleave(Budget::pairs(3), side('p', 4), side('h', 2)).unwrap();
        assert_eq!(paired.ratio, 2.0);
        assert_eq!(order.borrow().get(2 * WARM_UP..), Some("phhpph"));
    }

    #[test]
    fn the_time_ends_a_run() {
        let runs = std::cell::Cell::new(0);
        let budget = Budget {
            warm_up: WARM_UP,
            pairs: 1_000,
            time: Duration::ZERO,
        };
        let side = || {
            runs.set(runs.get() + 1);
            std::thread::sleep(Duration::from_micros(10));
            Ok(Duration::from_millis(1))
        };
        interleave(budget, side, side).unwrap();
        assert_eq!(runs.get(), 2 * (LEAST_WARM_UP + LEAST_PAIRS));
    }
}
