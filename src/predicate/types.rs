//! Of which type a row is, in a table of several: what the column says, and the document.

use super::{Writer, array, literal};
use crate::node::relation;
use crate::registry::{TypeSource, Types};
use fhir_search::Predicate;
use pgrx::prelude::*;

impl Writer<'_> {
    /// All of these are true. Where they name the row's types, the other conditions are of rows of these types alone: those that
    /// may hold references in irregular form are asked apart from those that cannot, which an index finds more easily.
    pub(super) fn conjunction(&self, parts: &[Predicate]) -> String {
        let named = parts.iter().find_map(|part| match part {
            Predicate::ResourceType(types) => Some(types),
            _ => None,
        });
        let Some(types) = named else {
            return self.joined(parts, " AND ", "true");
        };
        let written = |types: &[String]| {
            let writer = Writer {
                irregular: self.protected.is_irregular(Some(types)),
                ..*self
            };
            let others = parts
                .iter()
                .filter(|part| !matches!(part, Predicate::ResourceType(_)));
            let others = others.map(|part| writer.predicate(part));
            others.filter(|part| part != "true").collect::<Vec<_>>()
        };
        let joined = |types: &[String], others: Vec<String>| {
            let mut all = vec![self.resource_type(types)];
            all.extend(others);
            format!("({})", all.join(" AND "))
        };
        let (irregular, regular): (Vec<String>, Vec<String>) = types
            .iter()
            .cloned()
            .partition(|name| self.protected.is_irregular_type(name));
        if irregular.is_empty() || regular.is_empty() || self.new_rows {
            return joined(types, written(types));
        }
        let (tested, found) = (written(&irregular), written(&regular));
        if tested == found {
            return joined(types, found);
        }
        format!(
            "({} OR {})",
            joined(&regular, found),
            joined(&irregular, tested)
        )
    }

    /// The row is of one of these types.
    pub(super) fn resource_type(&self, types: &[String]) -> String {
        let column = match &self.protected.types {
            Types::One(one) => return types.iter().any(|name| name == one).to_string(),
            Types::Many(TypeSource::Document) => {
                let member = self.document_type();
                return self.one_of(&member, types, "text");
            }
            Types::Many(TypeSource::Column { column, .. }) => column,
        };
        let name = self.column(&column.name);
        // SAFETY: catalog look-ups by OID.
        let (base, is_enum) = unsafe {
            let base = pg_sys::getBaseType(column.type_oid);
            (base, pg_sys::type_is_enum(base))
        };
        match base {
            base if is_enum => {
                // What is no label is no row's type.
                let name = match column.type_oid {
                    own if own == base => name,
                    _ => format!("({name})::{}", relation::type_name(base)),
                };
                let labels: Vec<&String> = types
                    .iter()
                    .filter(|name| relation::is_label(base, name))
                    .collect();
                self.one_of_type(&name, &labels, &relation::type_name(base))
            }
            pg_sys::NAMEOID => self.one_of(&name, types, "text"),
            _ if column.type_oid == pg_sys::TEXTOID => self.one_of(&name, types, "text"),
            _ => {
                let text = format!("({name})::{}", self.type_name("text"));
                self.one_of(&text, types, "text")
            }
        }
    }

    /// The document says the same type as the column beside it.
    pub(super) fn type_agrees(&self) -> String {
        match &self.protected.types {
            Types::Many(TypeSource::Column {
                column,
                computed: false,
            }) => {
                let name = self.column(&column.name);
                let name = match column.type_oid {
                    pg_sys::TEXTOID => name,
                    _ => format!("({name})::{}", self.type_name("text")),
                };
                self.call("is_of_type", &[self.resource(), name])
            }
            _ => "true".to_owned(),
        }
    }

    /// What says of which type a row is, as an index has it.
    pub fn type_key(&self) -> String {
        match self.protected.type_column() {
            Some(column) => self.column(&column.name),
            None => self.document_type(),
        }
    }

    /// What the document itself says of which type it is.
    fn document_type(&self) -> String {
        format!(
            "({} {} {})",
            self.resource(),
            self.operator("->>"),
            self.text("resourceType")
        )
    }

    /// `expression` is one of these values, of a type of PostgreSQL's own.
    pub(super) fn one_of<T: AsRef<str>>(
        &self,
        expression: &str,
        values: &[T],
        type_name: &str,
    ) -> String {
        let equal = self.operator("=");
        match values {
            [] => "false".to_owned(),
            [value] => format!(
                "{expression} {equal} {}",
                self.typed(value.as_ref(), type_name)
            ),
            values => format!(
                "{expression} {equal} ANY ({})",
                self.list(values, type_name)
            ),
        }
    }

    /// As [`Self::one_of`], of a type with this name.
    fn one_of_type<T: AsRef<str>>(
        &self,
        expression: &str,
        values: &[T],
        type_name: &str,
    ) -> String {
        let equal = self.operator("=");
        match values {
            [] => "false".to_owned(),
            [value] => format!(
                "{expression} {equal} {}::{type_name}",
                literal(value.as_ref())
            ),
            values => format!(
                "{expression} {equal} ANY ({}::{type_name}[])",
                literal(&array(values))
            ),
        }
    }
}
