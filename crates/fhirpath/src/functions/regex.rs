//! Regular expressions (N1 §5.6): `matches`, `matchesFull`, `replaceMatches`.
//!
//! The dialect is that of Rust's `regex` crate (whose engine this is): near PCRE, without look-around and back
//! references, which have no bound on their time. `.` matches line ends ("single line mode"), `^` and `$` are the ends
//! of the text, classes are Unicode's. Flags: `i` ignores case, `m` lets `^` and `$` match at lines.
//!
//! Patterns are hostile input. A pattern is [weighed](weight) after it was parsed and before anything is built from it;
//! searches are linear in text and weight, and pay for both.

mod substitution;
mod weight;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, PatternID};
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Hir, Look};

use self::substitution::{Part, Substitution};
use self::weight::Weight;
use super::{Call, Value, make_text};
use crate::eval::{Fault, Work};
use crate::function::Function;
use crate::value::{MAX_TEXT, Scalar};

/// Bytes of a pattern.
const MAX_PATTERN: usize = 4_096;

/// Groups and classes within each other.
const MAX_NESTING: u32 = 64;

/// Bytes of one automaton; a regular expression has two.
const MAX_AUTOMATON: usize = 8 << 20;

/// Bytes that one search may use for a cache of states.
const CACHE: usize = 1 << 20;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    program: meta::Regex,
    weight: Weight,
    /// Bytes that a match has at most; `None` without such a bound.
    longest_match: Option<usize>,
}

impl Regex {
    /// What it takes in memory, roughly: bytes.
    pub(crate) fn size(&self) -> usize {
        self.program.memory_usage()
    }

    /// Steps for searching so many bytes.
    fn search_steps(&self, bytes: usize) -> u64 {
        self.weight.search_steps(bytes)
    }
}

/// Compiles a pattern; `whole` lets it match whole texts only. Each stage is paid for before it is done: what is
/// compiled ahead needs a budget as much as what is compiled by an evaluation.
///
/// # Errors
/// [`Fault::Regex`] where the pattern is no regular expression or too large; [`Fault::Other`] for unknown flags;
/// [`Fault::Budget`].
pub(crate) fn compile(
    pattern: &str,
    flags: &str,
    whole: bool,
    work: &Work<'_>,
) -> Result<Regex, Fault> {
    let (mut ignore_case, mut lines) = (false, false);
    for flag in flags.chars() {
        match flag {
            'i' => ignore_case = true,
            'm' => lines = true,
            _ => return Err(Fault::Other("a regular expression has the flags i and m")),
        }
    }
    if pattern.len() > MAX_PATTERN {
        return Err(Fault::Regex);
    }
    work.spend(pattern.len() as u64)?;
    let ast = ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .build()
        .parse(pattern)
        .map_err(|_| Fault::Regex)?;
    work.spend(weight::folding_steps(&ast, ignore_case)?)?;
    let hir = TranslatorBuilder::new()
        .case_insensitive(ignore_case)
        .multi_line(lines)
        .dot_matches_new_line(true)
        .build()
        .translate(pattern, &ast)
        .map_err(|_| Fault::Regex)?;
    let weight = Weight::of(&hir)?;
    work.spend(weight.compile_steps())?;
    let longest_match = hir.properties().maximum_len();
    // Around the parsed pattern, not its text: no text can break out of it.
    let hir = match whole {
        true => Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]),
        false => hir,
    };
    let program = meta::Builder::new()
        .configure(
            meta::Config::new()
                .nfa_size_limit(Some(MAX_AUTOMATON))
                .onepass_size_limit(Some(CACHE))
                .hybrid_cache_capacity(CACHE),
        )
        .build_from_hir(&hir)
        .map_err(|_| Fault::Regex)?;
    Ok(Regex {
        program,
        weight,
        longest_match,
    })
}

/// The regular expression of a call: the one that was compiled ahead, or one that is compiled for this call.
fn regex<T>(
    call: &Call<'_, '_>,
    prepared: Option<&Regex>,
    flags: usize,
    then: impl FnOnce(&Regex) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if let Some(prepared) = prepared {
        return then(prepared);
    }
    let pattern = call.text_argument(0, "a string as its pattern")?;
    let flags = match call.args.get(flags) {
        None => "",
        Some(_) => call.text_argument(flags, "a string as its flags")?,
    };
    let whole = call.function == Function::MatchesFull;
    then(&compile(pattern, flags, whole, call.work)?)
}

pub(super) fn matches<'a>(call: &Call<'_, 'a>, prepared: Option<&Regex>) -> Value<'a> {
    let text = call.text()?;
    regex(call, prepared, 1, |regex| {
        call.work.spend(regex.search_steps(text.len()))?;
        Ok(Some(Scalar::Boolean(regex.program.is_match(&**text))))
    })
}

/// An empty pattern changes nothing, as HL7's suite has it.
pub(super) fn replace_matches<'a>(call: &Call<'_, 'a>, prepared: Option<&Regex>) -> Value<'a> {
    let text = call.text()?;
    let pattern = call.text_argument(0, "a string as its pattern")?;
    let substitution = call.text_argument(1, "a string as its substitution")?;
    if pattern.is_empty() {
        return Ok(Some(Scalar::String(text.clone())));
    }
    call.work.spend_text(substitution.len())?;
    let replaced = regex(call, prepared, 2, |regex| {
        let substitution = Substitution::new(substitution, regex.program.group_info());
        replace(regex, text, &substitution, call.work)
    })?;
    Ok(Some(Scalar::String(match replaced {
        Some(replaced) => replaced.into(),
        None => text.clone(),
    })))
}

/// `None` where nothing matches.
fn replace(
    regex: &Regex,
    text: &str,
    substitution: &Substitution<'_>,
    work: &Work<'_>,
) -> Result<Option<String>, Fault> {
    let info = regex.program.group_info();
    // Remembering groups costs the engine something for each of them.
    let (mut groups, slots) = match substitution.uses_groups() {
        true => (Captures::all(info.clone()), info.group_len(PatternID::ZERO)),
        false => (Captures::matches(info.clone()), 1),
    };
    let slots = slots as u64;
    let steps = |bytes| regex.search_steps(bytes).saturating_mul(slots);
    // All searches together pass over the text once, …
    work.spend(steps(text.len()))?;
    let mut result = String::new();
    let mut copied = 0;
    let mut start = Some(0);
    let mut found = false;
    while let Some(from) = start {
        // … and each may look beyond the match that it finds, as far as a longer one could reach.
        let left = text.len() - from;
        work.spend(steps(
            regex.longest_match.map_or(left, |most| most.min(left)),
        ))?;
        let input = Input::new(text).range(from..);
        regex.program.search_captures(&input, &mut groups);
        let Some(matched) = groups.get_match() else {
            break;
        };
        if matched.is_empty() && found && matched.start() == copied {
            // The empty match at the end of the last one is not another one.
            start = next_character(text, matched.end());
            continue;
        }
        found = true;
        push(&mut result, text.get(copied..matched.start()), work)?;
        for part in substitution.parts() {
            push(
                &mut result,
                match part {
                    Part::Text(text) => Some(text),
                    Part::Group(index) => groups
                        .get_group(*index)
                        .and_then(|span| text.get(span.start..span.end)),
                },
                work,
            )?;
        }
        copied = matched.end();
        start = match matched.is_empty() {
            true => next_character(text, matched.end()),
            false => Some(matched.end()),
        };
    }
    if !found {
        return Ok(None);
    }
    push(&mut result, text.get(copied..), work)?;
    Ok(Some(result))
}

/// The position after the character at a position; `None` at the end.
fn next_character(text: &str, at: usize) -> Option<usize> {
    let c = text.get(at..)?.chars().next()?;
    Some(at + c.len_utf8())
}

/// Appends a piece, within the limit; a group that took no part in a match is empty.
fn push(result: &mut String, piece: Option<&str>, work: &Work<'_>) -> Result<(), Fault> {
    let piece = piece.unwrap_or_default();
    if result.len().saturating_add(piece.len()) > MAX_TEXT {
        return Err(Fault::TextTooLong(MAX_TEXT));
    }
    make_text(work, piece.len())?;
    result.push_str(piece);
    Ok(())
}
