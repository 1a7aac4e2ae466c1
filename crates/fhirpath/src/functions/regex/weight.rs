//! How much a pattern asks of the engine, before it is built.

use regex_syntax::ast::{self, Ast, ClassSet, ClassSetItem, Flag, FlagsItemKind, Visitor};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::eval::Fault;

/// What a regular expression may weigh when it is built: `\pL{1,100}` may, and takes 30 ms.
const MAX_SIZE: u64 = 100_000;

/// Steps for building anything at all: some 30 µs.
const STEPS_TO_COMPILE: u64 = 500;

/// Steps for each unit of size when it is built: some 200 ns.
const STEPS_PER_SIZE: u64 = 4;

/// A step pays for so many bytes of text at width 1. The engine needs the time that this allows only for patterns made
/// to be slow; the usual ones are far faster than a step for 64 bytes.
const BYTES_PER_STEP: u64 = 128;

/// The weight of a regular expression. It grows with counted repetitions, as the automaton does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    /// Transitions of the automaton, roughly: what building it costs.
    size: u64,
    /// States that one byte of text can touch, roughly: what a search costs.
    width: u64,
}

impl Weight {
    /// Refuses what is too large to build.
    pub(super) fn of(hir: &Hir) -> Result<Self, Fault> {
        let weight = weigh(hir);
        if weight.size > MAX_SIZE {
            return Err(Fault::Regex);
        }
        Ok(weight)
    }

    pub(super) fn compile_steps(self) -> u64 {
        self.size.saturating_mul(STEPS_PER_SIZE) + STEPS_TO_COMPILE
    }

    pub(super) fn search_steps(self, bytes: usize) -> u64 {
        (bytes as u64).saturating_mul(self.width) / BYTES_PER_STEP + 1
    }

    fn plus(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            width: self.width.saturating_add(other.width),
        }
    }

    fn times(self, count: u64) -> Self {
        Self {
            size: self.size.saturating_mul(count),
            width: self.width.saturating_mul(count),
        }
    }
}

const ONE: Weight = Weight { size: 1, width: 1 };

/// Recursion is bounded by the limit on nesting.
fn weigh(hir: &Hir) -> Weight {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ONE,
        HirKind::Literal(literal) => ONE.times(literal.0.len() as u64),
        HirKind::Class(Class::Bytes(class)) => Weight {
            size: class.ranges().len() as u64 + 1,
            width: 1,
        },
        // A character has up to four bytes.
        HirKind::Class(Class::Unicode(class)) => Weight {
            size: class.ranges().len() as u64 + 1,
            width: if class.is_ascii() { 1 } else { 4 },
        },
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min).max(1);
            weigh(&repetition.sub).plus(ONE).times(most.into())
        }
        HirKind::Capture(capture) => weigh(&capture.sub).plus(ONE).plus(ONE),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .map(weigh)
            .fold(ONE, |sum, part| sum.plus(part).plus(ONE)),
    }
}

/// Code points that all classes under a flag `i` may have together. Looking up the cases of all of Unicode takes 4 ms.
const MAX_FOLDED: u64 = 8 * ALL;

/// Code points there are.
const ALL: u64 = 0x11_0000;

/// Code points that are folded in one step.
const FOLDED_PER_STEP: u64 = 10;

/// The steps that it takes to make the classes of a pattern ignore case; 0 where none does.
pub(super) fn folding_steps(ast: &Ast, ignore_case: bool) -> Result<u64, Fault> {
    let folding = Folding {
        ignores_case: ignore_case,
        code_points: 0,
    };
    ast::visit(ast, folding)
}

struct Folding {
    ignores_case: bool,
    code_points: u64,
}

impl Folding {
    fn flags(&mut self, flags: &ast::Flags) {
        let ignores_case =
            |item: &ast::FlagsItem| matches!(item.kind, FlagsItemKind::Flag(Flag::CaseInsensitive));
        // Anywhere is enough: where a flag ends need not be known.
        self.ignores_case |= flags.items.iter().any(ignores_case);
    }
}

impl Visitor for Folding {
    type Output = u64;
    type Err = Fault;

    fn finish(self) -> Result<u64, Fault> {
        match self.ignores_case {
            false => Ok(0),
            true if self.code_points > MAX_FOLDED => Err(Fault::Regex),
            true => Ok(self.code_points / FOLDED_PER_STEP),
        }
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Fault> {
        let code_points = match ast {
            Ast::Flags(set) => {
                self.flags(&set.flags);
                0
            }
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    self.flags(flags);
                }
                0
            }
            Ast::ClassUnicode(_) => ALL / 2,
            Ast::ClassPerl(_) => ALL / 8,
            Ast::ClassBracketed(class) => code_points(class),
            _ => 0,
        };
        self.code_points = self.code_points.saturating_add(code_points);
        Ok(())
    }
}

/// The code points that a class in brackets names. Where classes lie within each other, each may have all there are.
fn code_points(class: &ast::ClassBracketed) -> u64 {
    let one = |item: &ClassSetItem| match item {
        ClassSetItem::Empty(_) => Some(0),
        ClassSetItem::Literal(_) => Some(1),
        ClassSetItem::Ascii(_) => Some(0x80),
        ClassSetItem::Range(range) => {
            Some(u64::from(u32::from(range.end.c)).saturating_sub(u32::from(range.start.c).into()))
        }
        ClassSetItem::Unicode(_) => Some(ALL / 2),
        ClassSetItem::Perl(_) => Some(ALL / 8),
        ClassSetItem::Bracketed(_) | ClassSetItem::Union(_) => None,
    };
    let flat = match &class.kind {
        ClassSet::Item(ClassSetItem::Union(union)) => union.items.iter().map(one).sum(),
        ClassSet::Item(item) => one(item),
        ClassSet::BinaryOp(_) => None,
    };
    flat.unwrap_or_else(|| {
        let bytes = class.span.end.offset - class.span.start.offset;
        // The least class within another one has three bytes.
        ALL.saturating_mul(bytes as u64 / 3)
    })
}
