//! Of which types the rows of a protected relation are, and how a row says of which it is.

use super::Protected;
use crate::document::Format;
use crate::error::Result;
use crate::node::expr::{self, ROW};
use crate::node::relation::{self, Column, OpenRelation};
use crate::predicate::identifier;
use fhir_search::{Predicate, model};
use jsonb::Value;
use pgrx::prelude::*;

/// The types of a relation's rows.
#[derive(Debug)]
pub enum Types {
    /// All rows are of one type.
    One(&'static str),
    /// Each row is of a type of its own.
    Many(TypeSource),
}

/// Where a row says of which type it is.
#[derive(Debug)]
pub enum TypeSource {
    /// In its document alone.
    Document,
    /// In a column, and in its document.
    Column {
        /// The column.
        column: Column,
        /// Is it the document's own word, computed and stored?
        computed: bool,
    },
}

/// The type that a document says it is of, if there is such a type.
pub fn of_document(document: Value<'_>) -> Option<&'static str> {
    model::resource_type(document.as_object()?.get("resourceType")?.as_str()?)
}

/// Can a column of this type and collation say of which type a row is? What it holds has one text form, and is equal to
/// nothing but itself.
pub fn is_usable(column: &Column) -> bool {
    // SAFETY: catalog look-ups by OID.
    unsafe {
        let base = pg_sys::getBaseType(column.type_oid);
        if pg_sys::type_is_enum(base) {
            return true;
        }
        [pg_sys::TEXTOID, pg_sys::VARCHAROID, pg_sys::NAMEOID].contains(&base)
            && pg_sys::get_collation_isdeterministic(column.collation)
    }
}

/// Is `column` always what the document in `resource` says, because PostgreSQL computes it so?
pub fn is_computed(relation: &OpenRelation, column: &Column, resource: &Column) -> Result<bool> {
    if !column.generated {
        return Ok(false);
    }
    let mut document = format!("{ROW}.{}", identifier(&resource.name));
    if Format::of(resource.type_oid) == Some(Format::Text) {
        document = format!("fhir_access.document({document})");
    }
    let text = format!("{document} OPERATOR(pg_catalog.->>) 'resourceType'::pg_catalog.text");
    let expected = expr::parse(relation.as_ptr(), &text)?;
    // SAFETY: the relation is open and has the column; both are expressions.
    unsafe {
        let actual = pg_sys::build_column_default(relation.as_ptr(), column.number.into());
        Ok(!actual.is_null() && pg_sys::equal(expected.cast(), actual.cast()))
    }
}

/// The types of the rows of a relation that is registered with this type, or this column of types.
pub(super) fn of_relation(
    open: &OpenRelation,
    (one, column): (Option<&str>, Option<&str>),
    columns: &[Column],
    resource: &Column,
) -> std::result::Result<Types, String> {
    // SAFETY: the relation is open.
    let name = || relation::qualified_name(unsafe { (*open.as_ptr()).rd_id });
    if let Some(resource_type) = one {
        return model::resource_type(resource_type)
            .map(Types::One)
            .ok_or_else(|| format!("relation {} has no known resource type", name()));
    }
    let Some(wanted) = column else {
        return Ok(Types::Many(TypeSource::Document));
    };
    let column = columns
        .iter()
        .find(|column| column.name == *wanted && is_usable(column))
        .ok_or_else(|| {
            format!(
                "column \"{wanted}\" of the protected relation {} is gone or cannot hold resource types",
                name()
            )
        })?;
    let computed = is_computed(open, column, resource).map_err(|error| error.to_string())?;
    Ok(Types::Many(TypeSource::Column {
        column: column.clone(),
        computed,
    }))
}

impl Protected {
    /// The type of all rows, where they are of one.
    pub fn one_type(&self) -> Option<&'static str> {
        match self.types {
            Types::One(resource_type) => Some(resource_type),
            Types::Many(_) => None,
        }
    }

    /// The column that says of which type a row is, if there is one.
    pub fn type_column(&self) -> Option<&Column> {
        match &self.types {
            Types::Many(TypeSource::Column { column, .. }) => Some(column),
            _ => None,
        }
    }

    /// The type of the row that holds `document`; `None` where the document does not say one that there is.
    pub fn type_of(&self, document: Value<'_>) -> Option<&'static str> {
        match self.types {
            Types::One(resource_type) => Some(resource_type),
            Types::Many(_) => of_document(document),
        }
    }

    /// May a row of one of these types hold a reference that equality on the stored text cannot find? Of a table of one type,
    /// and where no types are named, any row.
    pub fn is_irregular(&self, types: Option<&[String]>) -> bool {
        match (&self.types, types) {
            (Types::Many(_), Some(types)) => types.iter().any(|name| self.is_irregular_type(name)),
            _ => self.irregular_references,
        }
    }

    /// As [`Self::is_irregular`], of one type.
    pub fn is_irregular_type(&self, resource_type: &str) -> bool {
        match self.types {
            Types::One(_) => self.irregular_references,
            Types::Many(_) => self.irregular_types.contains(&resource_type),
        }
    }

    /// The rows of one type.
    pub fn of_type(&self, resource_type: &str) -> Predicate {
        match self.types {
            Types::One(_) => Predicate::Constant(true),
            Types::Many(_) => Predicate::all([
                Predicate::ResourceType(vec![resource_type.to_owned()]),
                Predicate::TypeAgrees,
            ]),
        }
    }
}
