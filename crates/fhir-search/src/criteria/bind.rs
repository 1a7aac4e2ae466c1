//! Putting the values of a membership's parameters into criteria.

use super::syntax::{self, MOST_BYTES, MOST_VALUES, Percent, Piece, Template, Variable};
use super::value::{self, Target, Value, Wrong};
use super::{Condition, Item, Search};

/// Where the values of `%variables` come from.
pub trait Bindings {
    /// The value of a variable, given its name without `%`.
    fn get(&self, name: &str) -> Option<Binding>;
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// A `valueString`. Where it is a whole value of the criteria it may be a list, with FHIR's escapes (`a,b\,c`).
    String(String),
    /// A `valueReference`: `Type/id`.
    Reference(String),
}

/// Criteria that cannot be used with the given variables. The message names the variable, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// No such parameter.
    #[error("parameter %{variable} is not defined")]
    Undefined {
        /// The name without `%`.
        variable: String,
    },
    /// The value does not fit the search parameter.
    #[error("parameter %{variable} does not fit search parameter {parameter}: expected {expected}")]
    Value {
        /// The name without `%`.
        variable: String,
        /// The search parameter.
        parameter: String,
        /// What a fitting value looks like.
        expected: String,
    },
    /// The criteria has no meaning for rows of this type.
    #[error("the criteria is not for resources of type {resource_type}")]
    Type {
        /// The type that was asked for.
        resource_type: String,
    },
}

/// How many values variables may bring, beside those that stand in the criteria.
pub fn room(conditions: &[Condition]) -> usize {
    let items = conditions.iter().flat_map(|condition| &condition.items);
    let fixed = items.filter(|item| matches!(item, Item::Fixed(_))).count();
    MOST_VALUES.saturating_sub(fixed)
}

/// The values of a condition with all variables replaced; `room` is for what they bring.
pub fn values(
    condition: &Condition,
    resource_type: &str,
    bindings: &dyn Bindings,
    room: &mut usize,
) -> Result<Vec<Value>, BindError> {
    let mut found = Vec::new();
    for item in &condition.items {
        match item {
            Item::Fixed(value) => found.push(value.clone()),
            Item::Bound(template) => {
                let before = found.len();
                bound(condition, resource_type, template, bindings, &mut found)?;
                let brought = found.len().saturating_sub(before);
                *room = room.checked_sub(brought).ok_or_else(|| {
                    let expected = format!("at most {MOST_VALUES} values in all");
                    unfit(condition, first_variable(template), expected)
                })?;
                // Both would be true of everything; in criteria, too, it takes one value.
                if matches!(condition.search, Search::Missing(_)) && found.len() > 1 {
                    return Err(unfit(condition, first_variable(template), "true or false"));
                }
            }
        }
    }
    Ok(found)
}

fn first_variable(template: &Template) -> Option<&Variable> {
    template.pieces.iter().find_map(|piece| match piece {
        Piece::Variable(variable) => Some(variable),
        _ => None,
    })
}

fn unfit(
    condition: &Condition,
    variable: Option<&Variable>,
    expected: impl Into<String>,
) -> BindError {
    BindError::Value {
        variable: variable.map_or_else(String::new, |variable| variable.name.clone()),
        parameter: condition.name.clone(),
        expected: expected.into(),
    }
}

fn bound(
    condition: &Condition,
    resource_type: &str,
    template: &Template,
    bindings: &dyn Bindings,
    found: &mut Vec<Value>,
) -> Result<(), BindError> {
    let read = |pieces: &[Piece], variable: Option<&Variable>| {
        let value = condition.search.value(pieces, resource_type);
        value.map_err(|wrong: Wrong| unfit(condition, variable, wrong.expected))
    };
    // A variable that is the whole value may hold a list.
    if let [Piece::Variable(variable)] = template.pieces.as_slice()
        && let Binding::String(text) = lookup(condition, variable, bindings)?
        && !variable.id
    {
        let list = syntax::split(&text, 0, Percent::Literal).map_err(|error| {
            unfit(
                condition,
                Some(variable),
                format!("a list of values ({error})"),
            )
        })?;
        for value in list {
            found.push(read(&value.pieces, Some(variable))?);
        }
        return Ok(());
    }
    // Inside a longer value it is data, whatever it looks like.
    let mut pieces = Vec::with_capacity(template.pieces.len());
    let (mut part, mut at_start) = (0_usize, true);
    for piece in &template.pieces {
        pieces.push(match piece {
            Piece::Variable(variable) => {
                let text = literal(condition, variable, bindings)?;
                // A comparison is not data.
                let begins =
                    at_start && text.starts_with(|first: char| first.is_ascii_alphabetic());
                if begins && condition.search.takes_prefix(part) {
                    let expected = "a value without a prefix, because it is part of a longer one";
                    return Err(unfit(condition, Some(variable), expected));
                }
                Piece::Text(text)
            }
            other => other.clone(),
        });
        at_start = *piece == Piece::Dollar;
        part = part.saturating_add(usize::from(at_start));
    }
    found.push(read(&pieces, first_variable(template))?);
    Ok(())
}

fn lookup(
    condition: &Condition,
    variable: &Variable,
    bindings: &dyn Bindings,
) -> Result<Binding, BindError> {
    let binding = bindings
        .get(&variable.name)
        .ok_or_else(|| BindError::Undefined {
            variable: variable.name.clone(),
        })?;
    let (Binding::String(text) | Binding::Reference(text)) = &binding;
    if text.is_empty() {
        return Err(unfit(
            condition,
            Some(variable),
            "a value that is not empty",
        ));
    }
    if text.len() > MOST_BYTES {
        return Err(unfit(
            condition,
            Some(variable),
            format!("at most {MOST_BYTES} bytes"),
        ));
    }
    Ok(binding)
}

/// The value of a variable as literal text.
fn literal(
    condition: &Condition,
    variable: &Variable,
    bindings: &dyn Bindings,
) -> Result<String, BindError> {
    let unfit = |expected: &str| unfit(condition, Some(variable), expected);
    match lookup(condition, variable, bindings)? {
        Binding::String(text) | Binding::Reference(text) if variable.id => {
            match value::target(&text) {
                Ok(Target::Resource(_, id)) => Ok(id),
                _ => Err(unfit("a reference, Type/id")),
            }
        }
        Binding::Reference(text) => match value::target(&text) {
            Ok(Target::Resource(..) | Target::Url(_)) => Ok(text),
            _ => Err(unfit("a reference, Type/id")),
        },
        Binding::String(text) if text.contains(',') => Err(unfit("one value, without a comma")),
        Binding::String(text) if text.contains('\0') => Err(unfit("a text without NUL")),
        Binding::String(text) => Ok(text),
    }
}

/// The values of a condition with something in the place of each variable that fits there, in several ways, with `name` where a
/// text or an id fits: for what depends on the kind of the condition alone. None where nothing that was tried fits.
pub fn samples(
    condition: &Condition,
    resource_type: &str,
    name: &str,
) -> impl Iterator<Item = Vec<Value>> {
    struct Always(Binding);
    impl Bindings for Always {
        fn get(&self, _: &str) -> Option<Binding> {
            Some(self.0.clone())
        }
    }
    let texts = [
        name,
        &format!("Patient/{name}"),
        "2000-01-01",
        "2000",
        "01",
        "10:00",
        "1",
        "true",
        &format!("http://example.org/{name}"),
        &format!("{name}$example"),
        &format!("{name}$1"),
        &format!("{name}$2000"),
        &format!("{name}$true"),
        &format!("{name}$2000$true"),
        "1$1$1",
        &format!("{name}$1$1"),
    ]
    .map(|text| Binding::String(text.to_owned()));
    std::iter::once(Binding::Reference(format!("Patient/{name}")))
        .chain(texts)
        .filter_map(move |binding| {
            let mut room = MOST_VALUES;
            values(condition, resource_type, &Always(binding), &mut room).ok()
        })
}
