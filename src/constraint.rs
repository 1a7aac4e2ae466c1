//! Write constraints: what an entry says of a row before it is written, asked of the evaluator of FHIRPath.

use crate::audit::About;
use crate::error::Error;
use crate::session::reach::ReachEntry;
use crate::settings;
use access_policy::{AFTER, BEFORE, Constraint, Interaction, ParameterValue};
use audit_event::Detail;
use chrono::{DateTime, FixedOffset};
use fhirpath::{Context, Fault, Variable, Verdict};
use jsonb::Value;
use pgrx::prelude::*;

/// What every evaluation in a statement has: the time at which the transaction began, in UTC (a writer may set the
/// session's time zone), the limit on steps, and PostgreSQL's interrupts.
pub fn context(resource: Value<'_>) -> Context<'_> {
    // SAFETY: raises an error where the stack is nearly used up.
    unsafe { pg_sys::check_stack_depth() };
    Context::new(Some(resource))
        .now(transaction_start())
        .steps(settings::fhirpath_steps())
        .on_progress(&check_for_interrupts)
}

fn check_for_interrupts() {
    pg_sys::check_for_interrupts!();
}

fn transaction_start() -> DateTime<FixedOffset> {
    /// From 1970 to 2000, where PostgreSQL's time begins.
    const MICROSECONDS: i64 = 946_684_800_000_000;
    // SAFETY: reads the transaction's state.
    let since_2000 = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    DateTime::from_timestamp_micros(since_2000.saturating_add(MICROSECONDS))
        .unwrap_or_default()
        .fixed_offset()
}

/// A constraint that does not permit a write.
pub struct Unmet<'e> {
    entry: &'e ReachEntry,
    number: usize,
    /// The constraint.
    pub constraint: &'e Constraint,
    verdict: Verdict,
}

/// The first constraint of `entry` that `after` does not meet, when it takes the place of `before` or is new.
pub fn unmet<'e>(
    entry: &'e ReachEntry,
    before: Option<Value<'_>>,
    after: Value<'_>,
) -> Option<Unmet<'e>> {
    unmet_among(entry, before, after, |_| true)
}

/// As [`unmet`], for those of the constraints that `asked` chooses.
pub fn unmet_among<'e>(
    entry: &'e ReachEntry,
    before: Option<Value<'_>>,
    after: Value<'_>,
    asked: impl Fn(&Constraint) -> bool,
) -> Option<Unmet<'e>> {
    let constraints = entry.constraints.iter().enumerate();
    constraints
        .filter(|(_, constraint)| asked(constraint))
        .find_map(
            |(number, constraint)| match verdict(entry, constraint, before, after) {
                Verdict::True => None,
                verdict => Some(Unmet {
                    entry,
                    number,
                    constraint,
                    verdict,
                }),
            },
        )
}

fn verdict(
    entry: &ReachEntry,
    constraint: &Constraint,
    before: Option<Value<'_>>,
    after: Value<'_>,
) -> Verdict {
    let mut context = context(after)
        .variable(BEFORE, Variable::Document(before))
        .variable(AFTER, Variable::Document(Some(after)));
    for name in constraint.parameters() {
        context = match entry.parameters.value(name) {
            Some(ParameterValue::Text(text)) => context.variable(name, Variable::Text(text)),
            Some(ParameterValue::Reference(to)) => context.variable(name, Variable::Reference(to)),
            // A membership that lacks one cannot be used; here it would be an error of the evaluation.
            None => context,
        };
    }
    constraint.expression().verdict(&context)
}

impl Unmet<'_> {
    /// The constraint as messages name it: `AccessPolicy/x resource[2].writeConstraint[0] ("final is final")`.
    pub fn describe(&self) -> String {
        format!("{} ({})", self.place(), self.constraint)
    }

    /// Where the constraint stands: `AccessPolicy/x resource[2].writeConstraint[0]`.
    fn place(&self) -> String {
        format!("{}.writeConstraint[{}]", self.entry.place, self.number)
    }

    /// What it came to instead of `true`, in words: `is false`. Nothing of the documents is in it.
    pub fn outcome(&self) -> String {
        match &self.verdict {
            Verdict::True => "is true".to_owned(),
            Verdict::False => "is false".to_owned(),
            Verdict::Empty => "is empty".to_owned(),
            Verdict::NotBoolean(found) => format!("is not a boolean but {found}"),
            Verdict::Several => "has several values".to_owned(),
            Verdict::Error(error) => match error.fault() {
                Fault::Budget => format!("takes more than {} steps", settings::fhirpath_steps()),
                fault => {
                    let source = self.constraint.expression().source();
                    let before = source.get(..error.span().range().start);
                    let position = before.unwrap_or(source).chars().count().saturating_add(1);
                    format!(
                        "cannot be evaluated: {fault}, at character {position} of the expression"
                    )
                }
            },
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match &self.verdict {
            Verdict::True | Verdict::False => None,
            Verdict::Empty => Some(
                "A comparison with something that is not there is empty, and only true permits: ask exists() first, or write \"… implies …\".",
            ),
            Verdict::NotBoolean(_) => {
                Some("A constraint must come to one boolean: compare the value, or ask exists().")
            }
            Verdict::Several => {
                Some("A constraint must come to one boolean: ask all(…), exists(…) or allTrue().")
            }
            Verdict::Error(error) if *error.fault() == Fault::Budget => Some(
                "The constraint is too much work for this row. A superuser can raise fhir_access.fhirpath_steps.",
            ),
            Verdict::Error(_) => Some(
                "The constraint is in the policy; fhir_access.fhirpath(resource, expression) evaluates parts of it.",
            ),
        }
    }

    /// The refusal of a write.
    pub fn refusal(&self, interaction: Interaction, reference: String) -> Error {
        let rules = vec![
            Detail {
                name: "entry",
                value: self.entry.place.clone(),
            },
            Detail {
                name: "constraint",
                value: self.place(),
            },
        ];
        Error::NotPermitted {
            interaction: interaction.code(),
            reference,
            detail: format!("{} is not met: it {}", self.describe(), self.outcome()),
            hint: self.hint(),
        }
        .recorded(About {
            rules,
            ..About::default()
        })
    }
}
