//! The reference evaluator: what a criteria means, slowly and plainly, by `docs/criteria.md` and the search page of FHIR R4.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::criteria::{self, Condition, Criteria};
use crate::kinds::{date, number, reference, string, token, uri};
use crate::path::{Found, member, walk};
use crate::table::{Alternative, Kind, Parameter, Part, Search, Step, Table};
use crate::truth::{Truth, all, any, not};

/// A criteria with its parameters found and its values read, ready for many resources.
#[derive(Debug)]
pub struct Question<'t> {
    conditions: Vec<Asked<'t>>,
}

/// A condition: a test, and whether it is turned round.
#[derive(Debug)]
struct Asked<'t> {
    test: Test<'t>,
    negated: bool,
}

#[derive(Debug)]
enum Test<'t> {
    /// Is no element there (or one)?
    Missing(&'t [Alternative], Kind),
    /// Does an element fit one of the values?
    Elements(&'t [Alternative], Vec<Wanted>),
    /// Does an element of a context fit all parts of one of the values?
    Composite(&'t [Vec<Step>], &'t [Part], Vec<Vec<Wanted>>),
    Id(Vec<token::Token>),
    Project(Vec<String>),
    /// The compartment's type and id.
    Compartment(&'t Table, Vec<(String, String)>),
}

/// A value of one kind.
#[derive(Debug)]
pub enum Wanted {
    String(string::How, String),
    Token(token::Token),
    Text(String),
    Reference(reference::Asked),
    Date(crate::kinds::prefix::Prefix, date::Range),
    Number(number::Asked),
    Uri(uri::How, String),
}

impl<'t> Question<'t> {
    pub fn new(table: &'t Table, text: &str) -> Result<Self> {
        let Criteria {
            resource_type,
            conditions,
        } = criteria::parse(text)?;
        let conditions = conditions
            .iter()
            .map(|condition| asked(table, &resource_type, condition))
            .collect::<Result<_>>()
            .with_context(|| text.to_owned())?;
        Ok(Self { conditions })
    }

    /// Does the resource meet it? Unknown does not grant.
    pub fn holds(&self, resource: &Value) -> Result<Truth> {
        let root = resource.as_object().context("no resource")?;
        let mut truths = Vec::new();
        for condition in &self.conditions {
            let truth = condition.test.holds(resource, root)?;
            truths.push(if condition.negated { not(truth) } else { truth });
        }
        Ok(all(truths))
    }
}

fn asked<'t>(table: &'t Table, resource_type: &str, condition: &Condition) -> Result<Asked<'t>> {
    let Condition {
        name,
        modifier,
        values,
    } = condition;
    let negated = modifier.as_deref() == Some("not");
    let modifier = modifier.as_deref().filter(|modifier| *modifier != "not");
    let plain = || {
        values
            .iter()
            .map(|value| criteria::unescape(value))
            .collect::<Result<Vec<_>>>()
    };
    let test = match name.as_str() {
        "_id" => Test::Id(
            values
                .iter()
                .map(|value| {
                    let prefix = format!("{resource_type}/");
                    token::Token::parse(value.strip_prefix(&prefix).unwrap_or(value))
                })
                .collect::<Result<_>>()?,
        ),
        "_project" => Test::Project(plain()?),
        "_compartment" => Test::Compartment(
            table,
            plain()?
                .iter()
                .map(|value| {
                    let (resource_type, id) = value.split_once('/').context("no Type/id")?;
                    Ok((resource_type.to_owned(), id.to_owned()))
                })
                .collect::<Result<_>>()?,
        ),
        name => {
            let parameter = table
                .parameter(resource_type, name)
                .with_context(|| format!("no parameter {name}"))?;
            return of_parameter(parameter, modifier, values, negated);
        }
    };
    ensure!(modifier.is_none(), "no such modifier");
    Ok(Asked { test, negated })
}

fn of_parameter<'t>(
    parameter: &'t Parameter,
    modifier: Option<&str>,
    values: &[String],
    negated: bool,
) -> Result<Asked<'t>> {
    let test = match &parameter.search {
        Search::Elements(alternatives) if modifier == Some("missing") => {
            let negated = match values {
                [value] if value == "true" => false,
                [value] if value == "false" => true,
                _ => bail!("neither true nor false"),
            };
            return Ok(Asked {
                test: Test::Missing(alternatives, parameter.kind),
                negated,
            });
        }
        Search::Elements(alternatives) => Test::Elements(
            alternatives,
            values
                .iter()
                .map(|value| wanted(parameter.kind, modifier, value))
                .collect::<Result<_>>()?,
        ),
        Search::Composite(contexts, parts) => {
            ensure!(modifier.is_none(), "no such modifier");
            let values = values
                .iter()
                .map(|value| {
                    let values = criteria::split(value, '$');
                    ensure!(values.len() == parts.len(), "{} parts", values.len());
                    parts
                        .iter()
                        .zip(values)
                        .map(|(part, value)| wanted(part.kind, None, &value))
                        .collect::<Result<_>>()
                })
                .collect::<Result<_>>()?;
            Test::Composite(contexts, parts, values)
        }
    };
    Ok(Asked { test, negated })
}

/// A value as it is written.
fn wanted(kind: Kind, modifier: Option<&str>, value: &str) -> Result<Wanted> {
    let plain = criteria::unescape(value);
    Ok(match (kind, modifier) {
        (Kind::String, None) => Wanted::String(string::How::StartsWith, plain?),
        (Kind::String, Some("contains")) => Wanted::String(string::How::Contains, plain?),
        (Kind::String, Some("exact")) => Wanted::String(string::How::Exact, plain?),
        (Kind::Token, None) => Wanted::Token(token::Token::parse(value)?),
        (Kind::Token, Some("text")) => Wanted::Text(plain?),
        (Kind::Reference, None) => Wanted::Reference(reference::Asked::parse(&plain?)),
        (Kind::Reference, Some("identifier")) => {
            Wanted::Reference(reference::Asked::Identifier(token::Token::parse(value)?))
        }
        (Kind::Reference, Some(resource_type)) => {
            Wanted::Reference(reference::Asked::Of(resource_type.to_owned(), plain?))
        }
        (Kind::Date, None) => {
            let (prefix, range) = date::parse(&plain?)?;
            Wanted::Date(prefix, range)
        }
        (Kind::Number | Kind::Quantity, None) => Wanted::Number(number::Asked::parse(value)?),
        (Kind::Uri, None) => Wanted::Uri(uri::How::Is, plain?),
        (Kind::Uri, Some("below")) => Wanted::Uri(uri::How::Below, plain?),
        (Kind::Uri, Some("above")) => Wanted::Uri(uri::How::Above, plain?),
        _ => bail!("no such modifier"),
    })
}

impl Test<'_> {
    fn holds(&self, resource: &Value, root: &Map<String, Value>) -> Result<Truth> {
        Ok(match self {
            Self::Missing(alternatives, kind) => {
                let mut truths = Vec::new();
                for alternative in *alternatives {
                    for found in walk(Found::Element(resource), &alternative.steps) {
                        truths.push(is_there(found, alternative, *kind, root)?);
                    }
                }
                not(any(truths))
            }
            Self::Elements(alternatives, values) => {
                let mut truths = Vec::new();
                for value in values {
                    truths.push(an_element_fits(
                        Found::Element(resource),
                        root,
                        alternatives,
                        value,
                    )?);
                }
                any(truths)
            }
            Self::Composite(contexts, parts, values) => {
                let mut truths = Vec::new();
                for context in contexts
                    .iter()
                    .flat_map(|context| walk(Found::Element(resource), context))
                {
                    for value in values {
                        let mut together = Vec::new();
                        for (part, value) in parts.iter().zip(value) {
                            together.push(a_part_fits(
                                context,
                                resource,
                                root,
                                &part.alternatives,
                                value,
                            )?);
                        }
                        truths.push(all(together));
                    }
                }
                any(truths)
            }
            Self::Id(tokens) => match member(root, "id") {
                None => Some(false),
                Some(id) => {
                    let mut truths = Vec::new();
                    for token in tokens {
                        truths.push(token.fits(id, "id")?);
                    }
                    any(truths)
                }
            },
            Self::Project(projects) => match member(root, "meta") {
                None => Some(false),
                Some(Value::Object(meta)) => match member(meta, "project") {
                    None => Some(false),
                    Some(Value::String(project)) => Some(projects.contains(project)),
                    Some(_) => None,
                },
                Some(_) => None,
            },
            Self::Compartment(table, compartments) => {
                let mut truths = Vec::new();
                for (resource_type, id) in compartments {
                    truths.push(is_in_compartment(table, resource_type, id, resource, root)?);
                }
                any(truths)
            }
        })
    }
}

/// Does that count as an element?
fn is_there(
    found: Found,
    alternative: &Alternative,
    kind: Kind,
    root: &Map<String, Value>,
) -> Result<Truth> {
    let element = match found {
        Found::Element(element) => element,
        Found::Unknown => return Ok(None),
    };
    if !is_of_type(element, alternative) {
        return Ok(None);
    }
    // An empty object is none, whatever it is the element of.
    if element.as_object().is_some_and(Map::is_empty) {
        return Ok(Some(false));
    }
    Ok(match kind {
        Kind::Reference => reference::is_searched(element, alternative, root),
        _ => Some(true),
    })
}

/// Is it of the JSON type that its datatype has?
fn is_of_type(element: &Value, alternative: &Alternative) -> bool {
    match alternative.datatype.as_str() {
        "boolean" => element.is_boolean(),
        "decimal" | "integer" | "unsignedInt" | "positiveInt" => element.is_number(),
        "truth" if alternative.choice_member().ends_with("Boolean") => element.is_boolean(),
        "truth" => element.is_string(),
        datatype if datatype.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
            element.is_object()
        }
        _ => element.is_string(),
    }
}

fn a_part_fits(
    context: Found,
    resource: &Value,
    root: &Map<String, Value>,
    alternatives: &[Alternative],
    value: &Wanted,
) -> Result<Truth> {
    let (absolute, relative): (Vec<_>, Vec<_>) = alternatives
        .iter()
        .cloned()
        .partition(|alternative| alternative.absolute);
    Ok(any([
        an_element_fits(context, root, &relative, value)?,
        an_element_fits(Found::Element(resource), root, &absolute, value)?,
    ]))
}

/// Does one of the elements from there fit the value?
fn an_element_fits(
    from: Found,
    root: &Map<String, Value>,
    alternatives: &[Alternative],
    value: &Wanted,
) -> Result<Truth> {
    if alternatives
        .iter()
        .any(|alternative| alternative.datatype == "truth")
    {
        let Wanted::Token(token) = value else {
            bail!("no such modifier");
        };
        return Ok(token.is_truth(truth_of(from, alternatives)));
    }
    let mut truths = Vec::new();
    for alternative in alternatives {
        if matches!(value, Wanted::Date(..) | Wanted::Number(_)) {
            for parent in walk(from, alternative.parents()) {
                truths.push(if has_two_choices(parent, alternative, alternatives) {
                    None
                } else {
                    ranges_fit(parent, alternative, value)?
                });
            }
            continue;
        }
        for found in walk(from, &alternative.steps) {
            truths.push(match found {
                Found::Element(element) => fits(element, alternative, root, value)?,
                Found::Unknown => None,
            });
        }
    }
    Ok(any(truths))
}

/// Does the parent hold more than one member of the alternative's choice?
fn has_two_choices(parent: Found, alternative: &Alternative, alternatives: &[Alternative]) -> bool {
    let Found::Element(Value::Object(parent)) = parent else {
        return false;
    };
    alternatives
        .iter()
        .filter(|other| {
            other.parents() == alternative.parents() && other.choice() == alternative.choice()
        })
        .filter_map(|other| other.steps.last())
        .filter(|step| member(parent, &step.member).is_some())
        .count()
        > 1
}

/// The last step of a parameter whose values are ranges.
fn ranges_fit(parent: Found, alternative: &Alternative, value: &Wanted) -> Result<Truth> {
    let last = alternative.steps.last().context("no step")?;
    let mut truths = Vec::new();
    for found in walk(parent, std::slice::from_ref(last)) {
        let Found::Element(element) = found else {
            truths.push(None);
            continue;
        };
        let truth = match value {
            Wanted::Date(prefix, asked) => date::stored(element, &alternative.datatype)?
                .map(|range| range.map(|range| asked.fits(*prefix, range))),
            Wanted::Number(asked) => {
                number::stored(element, &alternative.datatype)?.map(|stored| asked.fits(&stored))
            }
            other => bail!("no range: {other:?}"),
        };
        truths.extend(truth);
    }
    Ok(any(truths))
}

fn fits(
    element: &Value,
    alternative: &Alternative,
    root: &Map<String, Value>,
    value: &Wanted,
) -> Result<Truth> {
    let datatype = alternative.datatype.as_str();
    match value {
        Wanted::String(how, value) => string::fits(element, datatype, *how, value),
        Wanted::Token(token) => token.fits(element, datatype),
        Wanted::Text(value) => token::text_fits(element, datatype, value),
        Wanted::Reference(asked) => Ok(all([
            reference::is_searched(element, alternative, root),
            reference::fits(asked, element, alternative, root)?,
        ])),
        Wanted::Uri(how, value) => Ok(uri::fits(element, *how, value)),
        Wanted::Date(..) | Wanted::Number(_) => bail!("a range: {value:?}"),
    }
}

/// Is the element, of whatever type, there and not `false`?
fn truth_of(from: Found, alternatives: &[Alternative]) -> Truth {
    any(alternatives
        .iter()
        .flat_map(|alternative| {
            walk(from, &alternative.steps)
                .into_iter()
                .map(move |found| (found, alternative))
        })
        .map(|(found, alternative)| match found {
            Found::Element(Value::Bool(truth))
                if alternative.choice_member().ends_with("Boolean") =>
            {
                Some(*truth)
            }
            Found::Element(element @ Value::String(_))
                if alternative.choice_member().ends_with("DateTime") =>
            {
                date::stored(element, "dateTime")
                    .ok()
                    .flatten()
                    .and_then(|range| range.map(|_| true))
            }
            _ => None,
        }))
}

/// Is it the resource itself, does it refer to it, or is it one of its accounts?
fn is_in_compartment(
    table: &Table,
    compartment: &str,
    id: &str,
    resource: &Value,
    root: &Map<String, Value>,
) -> Result<Truth> {
    let text = |name| member(root, name).and_then(Value::as_str);
    let resource_type = text("resourceType").context("no resourceType")?;
    let mut truths = vec![Some(resource_type == compartment && text("id") == Some(id))];
    let wanted = Wanted::Reference(reference::Asked::Of(compartment.to_owned(), id.to_owned()));
    let account = |member: &str, many| Alternative {
        absolute: false,
        steps: [("meta", false), (member, many)]
            .map(|(member, many)| Step {
                member: member.to_owned(),
                many,
                first: false,
                filter: None,
            })
            .to_vec(),
        datatype: "Reference".to_owned(),
        targets: vec![],
        only: None,
    };
    let accounts = [account("account", false), account("accounts", true)];
    truths.push(an_element_fits(
        Found::Element(resource),
        root,
        &accounts,
        &wanted,
    )?);
    for name in table.members(compartment, resource_type) {
        let parameter = table
            .parameter(resource_type, name)
            .with_context(|| format!("no parameter {name} of {resource_type}"))?;
        let Search::Elements(alternatives) = &parameter.search else {
            bail!("{name} is a composite");
        };
        truths.push(an_element_fits(
            Found::Element(resource),
            root,
            alternatives,
            &wanted,
        )?);
    }
    Ok(any(truths))
}
