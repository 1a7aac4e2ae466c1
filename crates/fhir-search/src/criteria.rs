//! Criteria: parsed and checked against the table of parameters, with places for a membership's parameters.

mod bind;
mod error;
mod parameter;
mod parse;
mod syntax;
mod value;

pub use bind::{BindError, Binding, Bindings};
pub use error::CriteriaError;
pub use value::Target;

use crate::lower;
use crate::path::Step;
use crate::predicate::Predicate;
use crate::table::Alternative;
use crate::test::{TestOp, Token};
use syntax::Template;
use value::Value;

/// The criteria of an access policy's entry, such as `Observation?subject=%patient&status:not=cancelled`.
///
/// Everything that can be known without a membership has been checked; what is left are the values of `%variables`.
#[derive(Debug, Clone)]
pub struct Criteria {
    resource_type: String,
    conditions: Vec<Condition>,
    variables: Vec<String>,
}

/// One `name:modifier=values`.
#[derive(Debug, Clone)]
struct Condition {
    name: String,
    search: Search,
    negated: bool,
    items: Vec<Item>,
}

/// What a condition searches.
#[derive(Debug, Clone)]
enum Search {
    Id,
    Compartment,
    Project(Vec<Alternative>),
    Missing(Vec<Alternative>),
    Token(Vec<Alternative>),
    TokenText(Vec<Alternative>),
    Truth(Vec<Alternative>),
    /// With the type that ids are of, when the modifier says so.
    Reference(Vec<Alternative>, Option<String>),
    Identifier(Vec<Alternative>),
    Text(Vec<Alternative>),
    Contains(Vec<Alternative>),
    Exact(Vec<Alternative>),
    Uri(Vec<Alternative>),
    Above(Vec<Alternative>),
    Below(Vec<Alternative>),
    Date(Vec<Alternative>),
    Number(Vec<Alternative>),
    Quantity(Vec<Alternative>),
    Composite(CompositeSearch),
}

/// What a composite parameter searches.
#[derive(Debug, Clone)]
struct CompositeSearch {
    contexts: Vec<Vec<Step>>,
    /// Each with whether it looks from the resource's root.
    parts: Vec<(bool, Search)>,
}

/// One of a condition's values.
#[derive(Debug, Clone)]
enum Item {
    Fixed(Value),
    Bound(Template),
}

impl Criteria {
    /// The most bytes of criteria, or of one variable's value.
    pub const MOST_BYTES: usize = syntax::MOST_BYTES;
    /// The most values in one criteria, those of its variables included.
    pub const MOST_VALUES: usize = syntax::MOST_VALUES;

    /// The type before the `?`; `*` in an entry for all types.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The names of the variables, without `%` and `.id`, each once, in order of appearance.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str)
    }

    /// The predicate for the criteria's own type.
    ///
    /// # Errors
    /// As [`Criteria::bind_for`]; also when the criteria is for all types (`*`), whose meaning depends on the type.
    pub fn bind(&self, bindings: &dyn Bindings) -> Result<Predicate, BindError> {
        self.bind_for(&self.resource_type, bindings)
    }

    /// The predicate for rows of a concrete type: the values of the variables are put in as data, and can add neither a
    /// parameter nor a modifier.
    ///
    /// # Errors
    /// A variable is undefined or its value does not fit, or the criteria is for another type.
    pub fn bind_for(
        &self,
        resource_type: &str,
        bindings: &dyn Bindings,
    ) -> Result<Predicate, BindError> {
        let fits = self.resource_type == "*" || self.resource_type == resource_type;
        if !fits || !crate::model::is_resource_type(resource_type) {
            return Err(BindError::Type {
                resource_type: resource_type.to_owned(),
            });
        }
        let mut room = bind::room(&self.conditions);
        let parts = self.conditions.iter().map(|condition| {
            let values = bind::values(condition, resource_type, bindings, &mut room)?;
            Ok(condition.lower(resource_type, values))
        });
        Ok(Predicate::all(
            parts.collect::<Result<Vec<_>, BindError>>()?,
        ))
    }

    /// A predicate of the same form as [`Criteria::bind_for`] gives, with made-up values in the place of variables, in which `name`
    /// appears where a text or an id fits: to see which indexes could serve it. A condition for which no value could be made up
    /// is left out.
    pub fn sample_for(&self, resource_type: &str, name: &str) -> Predicate {
        let conditions = self.conditions.iter().filter_map(|condition| {
            let samples = bind::samples(condition, resource_type, name);
            let mut samples = samples.map(|values| condition.lower(resource_type, values));
            let first = samples.next()?;
            // A reference to a type that the element cannot refer to is never true, and shows nothing.
            if first.has_lookups() {
                return Some(first);
            }
            Some(samples.find(Predicate::has_lookups).unwrap_or(first))
        });
        Predicate::all(conditions)
    }
}

impl Condition {
    fn lower(&self, resource_type: &str, values: Vec<Value>) -> Predicate {
        let found = self.search.lower(resource_type, values);
        if self.negated { found.negated() } else { found }
    }
}

impl Search {
    /// The condition that one of the values holds.
    fn lower(&self, resource_type: &str, values: Vec<Value>) -> Predicate {
        match self {
            Search::Id => {
                let mut ids = texts(values);
                ids.sort_unstable();
                ids.dedup();
                if ids.is_empty() {
                    Predicate::Constant(false)
                } else {
                    Predicate::Id(ids)
                }
            }
            Search::Compartment => lower::compartments(resource_type, &targets(values)),
            Search::Project(found) | Search::Uri(found) | Search::Above(found) => {
                lower::elements(found, TestOp::Equals(texts(values)))
            }
            Search::Exact(found) => lower::elements(found, TestOp::Equals(texts(values))),
            Search::Text(found) => lower::elements(found, TestOp::StartsWith(texts(values))),
            Search::Contains(found) => lower::elements(found, TestOp::Contains(texts(values))),
            Search::Below(found) => lower::elements(found, TestOp::Below(texts(values))),
            Search::TokenText(found) => lower::texts(found, TestOp::StartsWith(texts(values))),
            Search::Reference(found, _) => lower::references(found, &targets(values)),
            Search::Token(found) => lower::tokens(found, tokens(values)),
            Search::Identifier(found) => lower::identifiers(found, tokens(values)),
            Search::Date(found) => {
                let moments = values.into_iter().filter_map(|value| match value {
                    Value::Moment(moment) => Some(moment),
                    _ => None,
                });
                lower::elements(found, TestOp::Date(moments.collect()))
            }
            Search::Number(found) => {
                let amounts = values.into_iter().filter_map(|value| match value {
                    Value::Quantity(amount, _) => Some(amount),
                    _ => None,
                });
                lower::elements(found, TestOp::Number(amounts.collect()))
            }
            Search::Quantity(found) => {
                let amounts = values.into_iter().filter_map(|value| match value {
                    Value::Quantity(amount, unit) => Some((amount, unit)),
                    _ => None,
                });
                lower::elements(found, TestOp::Quantity(amounts.collect()))
            }
            Search::Truth(alternatives) => Predicate::any(
                truths(&values)
                    .map(|expected| lower::elements(alternatives, TestOp::Truth(expected))),
            ),
            Search::Missing(alternatives) => Predicate::any(truths(&values).map(|missing| {
                let present = lower::present(alternatives);
                if missing { present.negated() } else { present }
            })),
            Search::Composite(found) => {
                let values = values.into_iter().filter_map(|value| match value {
                    Value::Parts(parts) => Some(parts),
                    _ => None,
                });
                Predicate::any(values.map(|value| found.lower(resource_type, value)))
            }
        }
    }
}

impl CompositeSearch {
    /// The condition that all parts of a value hold for the same element.
    fn lower(&self, resource_type: &str, value: Vec<Value>) -> Predicate {
        let parts = || {
            let pairs = self.parts.iter().zip(value.iter().cloned());
            pairs
                .map(|((from_root, search), value)| {
                    (*from_root, search.lower(resource_type, vec![value]))
                })
                .collect::<Vec<_>>()
        };
        let contexts = self.contexts.iter();
        Predicate::any(contexts.map(|context| lower::composite(context, parts())))
    }
}

fn targets(values: Vec<Value>) -> Vec<Target> {
    let targets = values.into_iter().filter_map(|value| match value {
        Value::Target(target) => Some(target),
        _ => None,
    });
    targets.collect()
}

fn texts(values: Vec<Value>) -> Vec<String> {
    let mut texts = Vec::new();
    for value in values {
        match value {
            Value::Text(text) => texts.push(text),
            Value::Texts(more) => texts.extend(more),
            _ => {}
        }
    }
    texts
}

fn tokens(values: Vec<Value>) -> Vec<Token> {
    let tokens = values.into_iter().filter_map(|value| match value {
        Value::Token(token) => Some(token),
        _ => None,
    });
    tokens.collect()
}

/// The distinct truth values among the values.
fn truths(values: &[Value]) -> impl Iterator<Item = bool> + '_ {
    let has = |truth: bool| {
        values
            .iter()
            .any(|value| matches!(value, Value::Truth(found) if *found == truth))
    };
    [true, false].into_iter().filter(move |truth| has(*truth))
}
