//! What a row holds in which column: its document, as jsonb or as text; its project, in a column of its own or in the document.

use super::{Writer, may_be_id};
use crate::document::Format;
use crate::node::index::DOCUMENT;
use crate::node::relation::Column;
use crate::registry::{TypeSource, Types};
use fhir_search::{Predicate, ProjectTest, Test};
use pgrx::prelude::*;

impl Writer<'_> {
    /// The rows that `predicate` grants: those on which it is true, and that hold a document.
    pub fn granted(&self, predicate: &Predicate) -> String {
        let condition = self.predicate(predicate);
        match self.has_document() {
            Some(_) if self.asks_document(predicate) => condition,
            Some(has_document) if *predicate == Predicate::Constant(true) => has_document,
            Some(has_document) if *predicate != Predicate::Constant(false) => {
                format!("({condition} AND {has_document})")
            }
            _ => condition,
        }
    }

    /// Whether rows can be without a document although there is something in their column, and the condition that says of
    /// one that it is not.
    pub(super) fn has_document(&self) -> Option<String> {
        match self.protected.format {
            Format::Jsonb => None,
            Format::Text => Some(format!("{} IS NOT NULL", self.resource())),
        }
    }

    /// Is `predicate` never true of a row without a document, because each way to satisfy it takes a look at that?
    fn asks_document(&self, predicate: &Predicate) -> bool {
        match predicate {
            Predicate::And(parts) => parts.iter().any(|part| self.asks_document(part)),
            Predicate::Or(parts) => parts.iter().all(|part| self.asks_document(part)),
            Predicate::Test(test) => !matches!(test.of_project(), Some(ProjectTest::Present)),
            Predicate::Not(inner) => matches!(inner.as_ref(), Predicate::Test(_)),
            Predicate::SecurityContext => true,
            Predicate::ResourceType(_) => {
                matches!(self.protected.types, Types::Many(TypeSource::Document))
            }
            Predicate::TypeAgrees => matches!(
                self.protected.types,
                Types::Many(TypeSource::Column {
                    computed: false,
                    ..
                })
            ),
            Predicate::Constant(_) | Predicate::Id(_) => false,
        }
    }

    /// What a test of the row's project asks of the column that holds it; `None` of any other test, and where there is none.
    pub(super) fn in_project_column(&self, test: &Test) -> Option<String> {
        let project = self.protected.project.as_ref()?;
        Some(match test.of_project()? {
            ProjectTest::Is(ids) => self.is_one_of(project, ids),
            ProjectTest::Present => format!("{} IS NOT NULL", self.column(&project.name)),
        })
    }

    /// The rows in which a column that holds ids has one of these.
    pub(super) fn is_one_of(&self, column: &Column, ids: &[String]) -> String {
        let type_oid = column.type_oid;
        let column = self.column(&column.name);
        let fitting: Vec<&String> = ids.iter().filter(|id| may_be_id(type_oid, id)).collect();
        let (column, type_name, ids) = match type_oid {
            // A text that is no UUID is nobody's id here.
            pg_sys::UUIDOID => (column, "uuid", fitting),
            pg_sys::INT4OID | pg_sys::INT8OID => (column, "int8", fitting),
            pg_sys::TEXTOID => (column, "text", fitting),
            _ => (
                format!("({column})::{}", self.type_name("text")),
                "text",
                fitting,
            ),
        };
        self.one_of(&column, &ids, type_name)
    }

    /// The row's document, as jsonb.
    pub fn resource(&self) -> String {
        let column = self.stored();
        match self.protected.format {
            Format::Jsonb => column,
            Format::Text => self.call(DOCUMENT, &[column]),
        }
    }

    /// The resource column's name, as the expression refers to it: the document as it is stored.
    pub fn stored(&self) -> String {
        self.column(&self.protected.resource.name)
    }

    /// The stored document without the fields that an expression names, of the column's type.
    pub fn masked(&self, stored: &str, fields: &str) -> String {
        let function = match self.protected.format {
            Format::Jsonb => "mask",
            Format::Text => "mask_text",
        };
        let masked = self.call(function, &[stored.to_owned(), fields.to_owned()]);
        match self.protected.resource.type_oid {
            pg_sys::VARCHAROID => format!("{masked}::{}", self.type_name("varchar")),
            _ => masked,
        }
    }
}
