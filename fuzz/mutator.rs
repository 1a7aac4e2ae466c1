//! How an input is divided, and mutations that know what an expression is; libFuzzer's own take turns with them.

#[path = "../crates/fhirpath/tests/mutate/mod.rs"]
mod mutate;

use libfuzzer_sys::fuzzer_mutate;
use mutate::Random;

/// Between an expression and the document that it is evaluated on.
const SEPARATOR: &[u8] = b"\n---\n";

/// Expressions whose parts are put into others: every construct of the language.
const DONORS: [&str; 8] = [
    "%before.exists() implies %before.status != 'final' and status in ('final' | 'amended')",
    "name.where(use = 'official' and given.exists()).given[0] | {} & family.replaceMatches('[a-z]', '$0')",
    "value as Quantity > 4.50 'mg' or 1 is System.Integer.not() xor value.ofType(Range).low !~ 1 'kg'",
    "@2015-02-04T14:34:28.123+10:00 >= @2015 - 3 days and @T14:34 ~ @T14 + 90 minutes",
    "iif($this in ('a' | 'b'), $index mod 2 div 1, (-$total * +3 / 7).round(2).toString())",
    "repeat(item | children()).select(code.coding.where(system = %loinc).code).distinct().count() <= 10",
    "(1 | 2 | 3).aggregate($total + $this, 0).power(2).sqrt().lowBoundary(8)",
    "defineVariable('v', descendants().ofType(string)).where(%v.all($this.length() < 99)).join(',')",
];

/// The expression of an input, and the document, which may be missing.
pub fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let mut windows = data.windows(SEPARATOR.len());
    match windows.position(|window| window == SEPARATOR) {
        Some(at) => (&data[..at], &data[at + SEPARATOR.len()..]),
        None => (data, &[]),
    }
}

/// Changes the input in the first `size` bytes of `data`, and returns its new size, at most `max_size`.
pub fn expression(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random::new(u64::from(seed));
    let length = split(&data[..size]).0.len();
    let Ok(source) = std::str::from_utf8(&data[..length]) else {
        return fuzzer_mutate(data, size, max_size);
    };
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut input = mutate::mutate(&mut random, source, random_donor(seed)).into_bytes();
    input.extend_from_slice(&data[length..size]);
    if input.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..input.len()].copy_from_slice(&input);
    input.len()
}

fn random_donor(seed: u32) -> &'static str {
    Random::new(!u64::from(seed)).pick(&DONORS)
}
