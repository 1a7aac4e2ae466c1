//! What matches are replaced with.

use regex_automata::PatternID;
use regex_automata::util::captures::GroupInfo;

/// A substitution text, taken apart: `$1` and `${1}` stand for a group, `${name}` for a named one, `$0` for the whole
/// match, `$$` for `$`. Any other `$` stands for itself, also before a group that does not exist.
pub(super) struct Substitution<'s>(Vec<Part<'s>>);

pub(super) enum Part<'s> {
    Text(&'s str),
    Group(usize),
}

impl<'s> Substitution<'s> {
    pub(super) fn new(text: &'s str, groups: &GroupInfo) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            let (before, reference) = rest.split_at(dollar);
            parts.push(Part::Text(before));
            let (part, length) = read(reference, groups).unwrap_or((Part::Text("$"), 1));
            parts.push(part);
            rest = reference.get(length..).unwrap_or_default();
        }
        parts.push(Part::Text(rest));
        Self(parts)
    }

    pub(super) fn parts(&self) -> &[Part<'s>] {
        &self.0
    }

    pub(super) fn uses_groups(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Group(index) if *index > 0))
    }
}

/// What the `$` at the start of `text` means, and how long it is.
fn read<'s>(text: &str, groups: &GroupInfo) -> Option<(Part<'s>, usize)> {
    let after = text.get(1..)?;
    if after.starts_with('$') {
        return Some((Part::Text("$"), 2));
    }
    let exists = |index: &usize| *index < groups.group_len(PatternID::ZERO);
    if let Some(name) = after.strip_prefix('{') {
        let (name, _) = name.split_once('}')?;
        let number = || number(name).filter(exists);
        let index = groups.to_index(PatternID::ZERO, name).or_else(number)?;
        return Some((Part::Group(index), name.len() + 3));
    }
    // As many digits as name a group: `$12` is group 1 and a `2` where there is no group 12.
    let mut group = None;
    for length in 1..=after.len().min(4) {
        match after.get(..length).and_then(number).filter(exists) {
            Some(index) => group = Some((Part::Group(index), length + 1)),
            None => break,
        }
    }
    group
}

/// Digits only, without a sign.
fn number(digits: &str) -> Option<usize> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
