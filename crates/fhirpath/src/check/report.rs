//! Issues, and the words they are made of.

use super::shape::{Count, Shape, Type};
use super::walk::Check;
use super::{Issue, Severity};
use crate::ast::{Expr, NodeId};
use crate::span::Span;
use crate::text;

/// More errors, or more warnings, than this help nobody.
const MOST_ISSUES: usize = 16;

impl Check<'_> {
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.report(Severity::Error, span, message.into(), hint);
    }

    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.report(Severity::Warning, span, message.into(), hint);
    }

    /// What works and means nothing: a condition that decides something must not have it.
    pub(super) fn nonsense(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let severity = match self.context.condition {
            true => Severity::Error,
            false => Severity::Warning,
        };
        self.report(severity, span, message.into(), hint);
    }

    fn report(&mut self, severity: Severity, span: Span, message: String, hint: Option<String>) {
        if self.count(severity) < MOST_ISSUES {
            self.issues.push(Issue {
                severity,
                span,
                message,
                hint,
            });
        }
    }

    /// Whether there are so many errors that no more need be looked for. Warnings never hide an error.
    pub(super) fn is_full(&self) -> bool {
        self.count(Severity::Error) >= MOST_ISSUES
    }

    fn count(&self, severity: Severity) -> usize {
        let issues = self.issues.iter();
        issues.filter(|issue| issue.severity == severity).count()
    }

    pub(super) fn span(&self, id: NodeId) -> Span {
        self.ast
            .get(id)
            .map_or_else(Span::default, |node| node.span)
    }

    /// A part of the expression as it is written, on one line, shortened when it is long.
    pub(super) fn quote(&self, id: NodeId) -> String {
        let written = self.source.get(self.span(id).range()).unwrap_or_default();
        short(written)
    }

    /// A short part as it can be written beside an operator or before a dot.
    pub(super) fn as_operand(&self, id: NodeId) -> Option<String> {
        let node = self.ast.get(id)?;
        let written = self.source.get(node.span.range())?;
        let is_short = written.len() <= text::SHOWN && short(written) == written;
        is_short.then(|| match node.expr {
            Expr::Binary { .. } | Expr::Unary { .. } | Expr::Type { .. } => format!("({written})"),
            _ => written.to_owned(),
        })
    }

    /// A hint to write a dot and something behind a part that is short and no literal.
    pub(super) fn followed_by(&self, id: NodeId, behind: &str) -> Option<String> {
        let node = self.ast.get(id)?;
        if matches!(node.expr, Expr::Literal(_)) {
            return None;
        }
        let written = self.as_operand(id)?;
        Some(format!("write `{written}.{behind}`"))
    }

    /// Warns that a single item is needed where there can plainly be several.
    pub(super) fn needs_single(&mut self, id: NodeId, shape: &Shape, what: &str) {
        if shape.count != Count::Many {
            return;
        }
        let message = format!(
            "`{}` can have several items; {what} fails unless there is at most one",
            self.quote(id)
        );
        let hint = match what {
            "`as`" => "`ofType()` keeps all that are of the type".to_owned(),
            _ => each_hint(shape),
        };
        self.warning(self.span(id), message, Some(hint));
    }
}

/// A text for a message: one line, not long, nothing that disturbs it.
pub(super) fn short(written: &str) -> String {
    text::shown(written).into()
}

/// How to ask about several items.
fn each_hint(shape: &Shape) -> String {
    let ordered = if shape.ordered {
        ", or take one with `first()`"
    } else {
        ""
    };
    format!("ask about each with `exists(…)` or `all(…)`{ordered}")
}

/// `a string`, `Quantity or CodeableConcept`; at most three.
pub(super) fn names(shape: &Shape) -> String {
    let Some(types) = shape.known() else {
        return "nothing".to_owned();
    };
    let names: Vec<&str> = types.iter().map(|found| found.name()).collect();
    match names.as_slice() {
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} or {two}"),
        [one, two, three] => format!("{one}, {two} or {three}"),
        [one, two, three, ..] => format!("{one}, {two}, {three} or another type"),
        [] => String::new(),
    }
}

/// `did you mean …?`
pub(super) fn meant(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// The element that holds what people compare a complex type with.
pub(super) fn value_element(shape: &Shape) -> Option<&'static str> {
    let [Type::Fhir(found)] = shape.known()?.as_slice() else {
        return None;
    };
    Some(match found.name() {
        "Reference" => "reference",
        "Identifier" | "ContactPoint" => "value",
        "Coding" => "code",
        "CodeableConcept" => "coding.code",
        "HumanName" => "family",
        "Annotation" => "text",
        "Period" => "start",
        "Meta" => "versionId",
        "Narrative" => "div",
        _ => return None,
    })
}
