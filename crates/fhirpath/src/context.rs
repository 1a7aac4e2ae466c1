//! What an expression is evaluated on.

use chrono::{DateTime, FixedOffset};
use jsonb::Value;

/// What an expression is evaluated on: a resource, variables, the time, and how much work it may be.
#[derive(Clone)]
pub struct Context<'a> {
    pub(crate) resource: Option<Value<'a>>,
    pub(crate) variables: Vec<(&'a str, Variable<'a>)>,
    pub(crate) now: DateTime<FixedOffset>,
    pub(crate) steps: u64,
    pub(crate) check: Option<&'a dyn Fn()>,
}

/// The value of a variable that the caller gives.
#[derive(Clone, Copy, Debug)]
pub enum Variable<'a> {
    /// A resource; `None` is the empty collection.
    Document(Option<Value<'a>>),
    /// A string.
    Text(&'a str),
    /// A reference, `Type/id`: compares as that string, and has `reference`, `id` and `resolve()`.
    Reference(&'a str),
}

/// Steps that an evaluation may take unless the caller says otherwise: some tens of milliseconds.
pub const DEFAULT_STEPS: u64 = 1_000_000;

impl<'a> Context<'a> {
    /// The context with a resource, or with none (the empty collection). Until the caller says otherwise there are no
    /// variables but those of FHIR, and the time is the epoch.
    #[must_use]
    pub fn new(resource: Option<Value<'a>>) -> Self {
        Self {
            resource,
            variables: Vec::new(),
            now: DateTime::UNIX_EPOCH.fixed_offset(),
            steps: DEFAULT_STEPS,
            check: None,
        }
    }

    /// Defines `%name`. The names that FHIR and the language define (`resource`, `ucum`, `vs-…`) cannot be redefined.
    #[must_use]
    pub fn variable(mut self, name: &'a str, value: Variable<'a>) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Sets what `now()`, `today()` and `timeOfDay()` say.
    #[must_use]
    pub fn now(mut self, now: DateTime<FixedOffset>) -> Self {
        self.now = now;
        self
    }

    /// Allows so many steps. A step is about one visited item, one operation or 64 bytes of text.
    #[must_use]
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// Has `check` called now and then during long evaluations; it may unwind to end the work.
    #[must_use]
    pub fn on_progress(mut self, check: &'a dyn Fn()) -> Self {
        self.check = Some(check);
        self
    }
}
