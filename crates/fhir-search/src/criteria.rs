//! Criteria: parsed and checked against the table of parameters, with places for a membership's parameters.

mod bind;
mod error;
mod parse;
mod syntax;
mod value;

pub use bind::{BindError, Binding, Bindings};
pub use error::CriteriaError;
pub use value::Target;

use crate::lower;
use crate::path::Path;
use crate::predicate::Predicate;
use crate::table::Alternative;
use crate::test::Token;
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
    Project(Path),
    Missing(Vec<Alternative>),
    Token(Vec<Alternative>),
    Truth(Vec<Alternative>),
    Reference(Vec<Alternative>),
    Text(Vec<Alternative>),
    Uri(Vec<Alternative>),
}

/// One of a condition's values.
#[derive(Debug, Clone)]
enum Item {
    Fixed(Value),
    Bound(Template),
}

impl Criteria {
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
        let parts = self.conditions.iter().map(|condition| {
            let values = bind::values(condition, resource_type, bindings)?;
            let found = condition.search.lower(resource_type, values);
            Ok(if condition.negated {
                found.negated()
            } else {
                found
            })
        });
        Ok(Predicate::all(
            parts.collect::<Result<Vec<_>, BindError>>()?,
        ))
    }
}

impl Search {
    /// The condition that one of the values holds.
    fn lower(&self, resource_type: &str, values: Vec<Value>) -> Predicate {
        let targets = |values: Vec<Value>| -> Vec<Target> {
            let targets = values.into_iter().filter_map(|value| match value {
                Value::Target(target) => Some(target),
                _ => None,
            });
            targets.collect()
        };
        let texts = |values: Vec<Value>| -> Vec<String> {
            let texts = values.into_iter().filter_map(|value| match value {
                Value::Text(text) => Some(text),
                _ => None,
            });
            texts.collect()
        };
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
            Search::Project(path) => lower::equals(vec![path.clone()], texts(values)),
            Search::Reference(alternatives) => lower::references(alternatives, &targets(values)),
            Search::Text(alternatives) => lower::starts_with(alternatives, texts(values)),
            Search::Uri(alternatives) => {
                let paths = alternatives.iter().map(|found| found.path.clone());
                lower::equals(paths.collect(), texts(values))
            }
            Search::Token(alternatives) => {
                let tokens = values.into_iter().filter_map(|value| match value {
                    Value::Token(token) => Some(token),
                    _ => None,
                });
                lower::tokens(alternatives, tokens.collect::<Vec<Token>>())
            }
            Search::Truth(alternatives) => {
                Predicate::any(truths(&values).map(|expected| lower::truth(alternatives, expected)))
            }
            Search::Missing(alternatives) => Predicate::any(truths(&values).map(|missing| {
                let present = lower::present(alternatives);
                if missing { present.negated() } else { present }
            })),
        }
    }
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
