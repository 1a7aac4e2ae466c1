//! `writeConstraint`: FHIRPath conditions on what may be written.

mod new_row;

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use fhir_model::TypeId;
use fhirpath::{CheckContext, Expression, Limits, SyntaxError, SyntaxErrorKind, VariableType};
use serde_json::{Map, Value};

use crate::entry::TypeSelector;
use crate::finding::{Findings, Path, Severity, did_you_mean, escaped, quote};
use crate::parameters::{PROFILE, is_name};
use crate::shape::{self, ELEMENT, Kind, Shape};
use new_row::{NEW_ROW, reads_new_row};

/// Constraints that one entry may have.
pub(crate) const MAX_CONSTRAINTS: usize = 100;
/// Bytes of expressions that the constraints of one policy may have together: as syntax trees they are much larger.
const MAX_BYTES: usize = 1024 * 1024;
/// Characters of a description that messages show.
const MAX_SHOWN: usize = 300;

const LANGUAGE: &str = "text/fhirpath";

/// FHIR's data type Expression.
pub(crate) const EXPRESSION: Shape = Shape {
    own: &[
        ("language", Kind::Text),
        ("expression", Kind::Text),
        ("description", Kind::Text),
        ("name", Kind::Text),
        ("reference", Kind::Text),
    ],
    inherited: ELEMENT,
};

/// The stored row, in a constraint.
pub const BEFORE: &str = "before";
/// The new row, in a constraint.
pub const AFTER: &str = "after";

/// Whether `%name` has a meaning in constraints that no parameter can take from it: the two rows, or what FHIR defines.
pub(crate) fn is_taken(name: &str) -> bool {
    name == BEFORE
        || NEW_ROW.contains(&name)
        || ["ucum", "sct", "loinc"].contains(&name)
        || name.starts_with("vs-")
        || name.starts_with("ext-")
}

/// A write constraint: a condition on the row to be written, with `%before` as it is stored and `%after` as it will be.
#[derive(Debug)]
pub struct Constraint {
    expression: Expression,
    description: Option<String>,
    parameters: Vec<Box<str>>,
    reads_new_row: bool,
}

impl Constraint {
    /// The condition, which must come to exactly one `true`.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// What its author says that it means.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether the new row can make a difference. Without it the stored row alone decides, whatever is written.
    pub fn reads_new_row(&self) -> bool {
        self.reads_new_row
    }

    /// The variables that the membership's parameters have to define, each once.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|name| &**name)
    }

    /// All names after a `%`, in order of appearance, with repetitions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.expression.ast().externals().map(|name| name.as_str())
    }
}

impl fmt::Display for Constraint {
    /// The description in double quotes, control characters escaped; without one, the expression likewise. Cut after 300 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.description().unwrap_or(self.expression.source());
        f.write_str(&escaped(text, MAX_SHOWN))
    }
}

/// What bounds the expressions of one policy.
pub(crate) struct Bounds<'l> {
    limits: &'l Limits,
    bytes_left: usize,
}

impl<'l> Bounds<'l> {
    /// Each expression within `limits`.
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Bounds {
            limits,
            bytes_left: MAX_BYTES,
        }
    }
}

/// The constraints of an entry; those that cannot be used have been reported.
pub(crate) fn read(
    entry: &Map<String, Value>,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    bounds: &mut Bounds<'_>,
    findings: &mut Findings,
) -> Rc<[Constraint]> {
    let at = Path::Field(path, "writeConstraint");
    shape::objects(entry, "writeConstraint", MAX_CONSTRAINTS)
        .filter_map(|(index, object)| {
            let at = Path::Index(&at, index);
            let constraint = read_one(object, &at, bounds, findings)?;
            check(&constraint, resource_type, &at, findings);
            Some(constraint)
        })
        .collect()
}

/// Reports what can be said of a constraint without a document.
fn check(
    constraint: &Constraint,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let resource_type = match resource_type {
        TypeSelector::Any => None,
        TypeSelector::Named(name) => TypeId::named(name),
    };
    let row = VariableType::Document(resource_type);
    let parameters = constraint.parameters().map(|name| match name {
        PROFILE => (name, VariableType::Reference),
        _ => (name, VariableType::TextOrReference),
    });
    let variables: Vec<_> = [(BEFORE, row), (AFTER, row)]
        .into_iter()
        .chain(parameters)
        .collect();
    let context = CheckContext {
        resource_type,
        variables: &variables,
        condition: true,
    };
    let expression = constraint.expression();
    let at = Path::Field(path, "expression");
    for name in expression.variables() {
        let text = name.as_str();
        if is_taken(text) {
            continue;
        }
        let hint = did_you_mean(text, [BEFORE, AFTER]);
        let (severity, message) = if !is_name(text) {
            let message = "no parameter can have this name, so that no membership could define it";
            (Severity::Error, message.to_owned())
        } else if hint.is_some() {
            let message = format!("%{text} is a parameter, which each membership has to define");
            (Severity::Warning, message)
        } else {
            continue;
        };
        let source = expression.source();
        findings.add_in(severity, &at, message, hint, source, name.span());
    }
    for issue in fhirpath::check(expression.source(), expression.ast(), &context) {
        let severity = match issue.severity {
            fhirpath::Severity::Error => Severity::Error,
            fhirpath::Severity::Warning => Severity::Warning,
        };
        findings.add_in(
            severity,
            &at,
            issue.message,
            issue.hint,
            expression.source(),
            issue.span,
        );
    }
}

fn read_one(
    object: &Map<String, Value>,
    path: &Path<'_>,
    bounds: &mut Bounds<'_>,
    findings: &mut Findings,
) -> Option<Constraint> {
    for name in ["language", "expression"] {
        if !object.contains_key(name) {
            let hint = (name == "language").then(|| format!("write \"{LANGUAGE}\""));
            findings.error_hint(&Path::Field(path, name), "is required", hint);
        }
    }
    if let Some(language) = shape::text(object, "language")
        && language != LANGUAGE
    {
        findings.error_hint(
            &Path::Field(path, "language"),
            format!("unknown language {}", quote(language)),
            Some(format!("only \"{LANGUAGE}\" is known")),
        );
    }
    let source = shape::text(object, "expression")?;
    let at = Path::Field(path, "expression");
    let Some(left) = bounds.bytes_left.checked_sub(source.len()) else {
        bounds.bytes_left = 0;
        findings.error(
            &at,
            format!("the expressions of one policy have more than {MAX_BYTES} bytes"),
        );
        return None;
    };
    bounds.bytes_left = left;
    match Expression::new(source, bounds.limits) {
        Ok(expression) => Some(Constraint {
            parameters: parameters(&expression),
            reads_new_row: reads_new_row(expression.ast()),
            expression,
            description: shape::text(object, "description").map(str::to_owned),
        }),
        Err(error) => {
            let hint = expression_hint(&error);
            let span = error.span();
            findings.add_in(Severity::Error, &at, error.to_string(), hint, source, span);
            None
        }
    }
}

/// How to repair an expression; where it is too large, the setting that bounds it.
pub fn expression_hint(error: &SyntaxError) -> Option<String> {
    let hint = match error.kind() {
        SyntaxErrorKind::TooLong(_) => {
            "shorten it or make several of it; a superuser can raise fhir_access.fhirpath_length"
        }
        SyntaxErrorKind::TooDeep(_) => {
            "nest less or make several of it; a superuser can raise fhir_access.fhirpath_depth, which is at most 128"
        }
        SyntaxErrorKind::TooManyNodes(_) => "make several expressions of it",
        _ => return error.hint().map(str::to_owned),
    };
    Some(hint.to_owned())
}

/// The variables of an expression but those that mean something already, each once.
fn parameters(expression: &Expression) -> Vec<Box<str>> {
    let names: BTreeSet<&str> = expression
        .variables()
        .map(|name| name.as_str())
        .filter(|name| !is_taken(name))
        .collect();
    names.into_iter().map(Box::from).collect()
}
