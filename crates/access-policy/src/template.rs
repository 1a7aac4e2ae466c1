//! A policy's `compartment`: a reference that may be written with a variable.

use std::fmt;

use crate::parameters::{ParameterValue, Parameters, is_name};
use crate::reference;

/// `Organization/abc`, `%organization`, `Organization/%organization` or `Organization/%organization.id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompartmentTemplate {
    resource_type: Option<String>,
    target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Id(String),
    Variable { name: String, id_only: bool },
}

/// Why a template gives no reference under the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// The variable is not defined.
    Undefined,
    /// The variable's value does not make a reference.
    Value,
}

impl CompartmentTemplate {
    /// Reads a template; `None` when the text is none of the forms above.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((resource_type, id)) = reference::literal(text) {
            return Some(CompartmentTemplate {
                resource_type: Some(resource_type.to_owned()),
                target: Target::Id(id.to_owned()),
            });
        }
        let (resource_type, variable) = match text.split_once('/') {
            Some((resource_type, rest)) => (Some(resource_type), rest),
            None => (None, text),
        };
        let variable = variable.strip_prefix('%')?;
        let (name, id_only) = match variable.strip_suffix(".id") {
            Some(name) => (name, true),
            None => (variable, false),
        };
        // An id alone does not say of which type.
        let typed = resource_type.map_or(!id_only, fhir_search::model::is_resource_type);
        (typed && is_name(name)).then(|| CompartmentTemplate {
            resource_type: resource_type.map(str::to_owned),
            target: Target::Variable {
                name: name.to_owned(),
                id_only,
            },
        })
    }

    /// The variable it needs, without `%` and `.id`.
    pub fn variable(&self) -> Option<&str> {
        match &self.target {
            Target::Id(_) => None,
            Target::Variable { name, .. } => Some(name),
        }
    }

    /// The reference `Type/id` under the parameters.
    pub(crate) fn bind(&self, parameters: &Parameters) -> Result<String, TemplateError> {
        let (name, id_only) = match &self.target {
            Target::Id(id) => return join(self.resource_type.as_deref(), id),
            Target::Variable { name, id_only } => (name, *id_only),
        };
        let value = match parameters.value(name).ok_or(TemplateError::Undefined)? {
            ParameterValue::Reference(text) => match (id_only, reference::literal(text)) {
                (true, Some((_, id))) => id,
                (true, None) => return Err(TemplateError::Value),
                (false, _) => text,
            },
            ParameterValue::Text(_) if id_only => return Err(TemplateError::Value),
            ParameterValue::Text(text) => text,
        };
        join(self.resource_type.as_deref(), value)
    }
}

/// A whole reference, or a bare id under the type that is written before it.
fn join(resource_type: Option<&str>, value: &str) -> Result<String, TemplateError> {
    match resource_type {
        None if reference::literal(value).is_some() => Ok(value.to_owned()),
        Some(resource_type) if reference::is_id(value) => Ok(format!("{resource_type}/{value}")),
        _ => Err(TemplateError::Value),
    }
}

impl fmt::Display for CompartmentTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(resource_type) = &self.resource_type {
            write!(f, "{resource_type}/")?;
        }
        match &self.target {
            Target::Id(id) => f.write_str(id),
            Target::Variable { name, id_only } => {
                write!(f, "%{name}{}", if *id_only { ".id" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters::new(
            [
                (
                    "org".to_owned(),
                    ParameterValue::Reference("Organization/a".to_owned()),
                ),
                ("text".to_owned(), ParameterValue::Text("b".to_owned())),
                ("list".to_owned(), ParameterValue::Text("b,c".to_owned())),
                (
                    "whole".to_owned(),
                    ParameterValue::Text("Organization/w".to_owned()),
                ),
            ],
            None,
        )
    }

    #[test]
    fn templates_bind_to_references() {
        for (template, expected) in [
            ("Organization/x", Ok("Organization/x")),
            ("%org", Ok("Organization/a")),
            ("Organization/%org", Err(TemplateError::Value)),
            ("Organization/%org.id", Ok("Organization/a")),
            ("Practitioner/%org", Err(TemplateError::Value)),
            ("Practitioner/%org.id", Ok("Practitioner/a")),
            ("Organization/%text", Ok("Organization/b")),
            ("Organization/%text.id", Err(TemplateError::Value)),
            ("Organization/%list", Err(TemplateError::Value)),
            ("%text", Err(TemplateError::Value)),
            ("%whole", Ok("Organization/w")),
            ("%missing", Err(TemplateError::Undefined)),
        ] {
            let parsed = CompartmentTemplate::parse(template).unwrap();
            assert_eq!(parsed.to_string(), template);
            assert_eq!(
                parsed.bind(&parameters()),
                expected.map(str::to_owned),
                "{template}"
            );
        }
    }

    #[test]
    fn anything_else_is_no_template() {
        for text in [
            "",
            "%",
            "%.id",
            "%org.id",
            "%org.name",
            "Organization",
            "Organization/",
            "Organisation/%org",
            "Organization/%org%x",
            "Organization/a,b",
            "%org,%org",
            "http://x/%org",
        ] {
            assert_eq!(CompartmentTemplate::parse(text), None, "{text}");
        }
    }
}
