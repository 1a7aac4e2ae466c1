//! A row as the write trigger sees it: its document, its id, and what makes it unfit for a protected table.

use crate::error::{Error, Result};
use crate::node::relation;
use crate::node::row::{self, JsonbDatum};
use crate::predicate::is_uuid;
use crate::registry::{self, Protected};
use crate::session::reach::{Reach, ReachEntry};
use fhir_search::{Candidate, Test};
use jsonb::Value;
use pgrx::prelude::*;
use std::cell::OnceCell;
use std::rc::Rc;

/// A row on its way into, or out of, a protected table.
pub struct Row<'a> {
    /// The row itself.
    pub tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    protected: &'a Protected,
    /// Must messages not tell which row it is?
    concealed: bool,
}

impl<'a> Row<'a> {
    /// # Safety
    /// `tuple` must be a row of `relation`, which `protected` describes.
    pub unsafe fn of(
        tuple: pg_sys::HeapTuple,
        relation: pg_sys::Relation,
        protected: &'a Protected,
    ) -> Row<'a> {
        // SAFETY: by the caller's promise.
        let descriptor = unsafe { (*relation).rd_att };
        Row {
            tuple,
            descriptor,
            protected,
            concealed: false,
        }
    }

    /// What the row is a row of.
    pub fn protected(&self) -> &'a Protected {
        self.protected
    }

    fn column(&self, number: i16) -> Option<pg_sys::Datum> {
        // SAFETY: the tuple is a row of the descriptor, by `of`.
        unsafe { row::column(self.tuple, self.descriptor, number) }
    }

    pub fn document(&self) -> Result<JsonbDatum> {
        match self.column(self.protected.resource.number) {
            // SAFETY: the registry checked that the column is jsonb.
            Some(datum) => Ok(unsafe { JsonbDatum::new(datum) }),
            None => Err(self.invalid("is NULL")),
        }
    }

    pub fn put(&mut self, document: &[u8]) {
        let datum = row::jsonb_datum(document);
        // SAFETY: as above.
        self.tuple = unsafe {
            row::replace(
                self.tuple,
                self.descriptor,
                &[(self.protected.resource.number, Some(datum))],
            )
        };
    }

    /// The id in its column, as text; `None` while it is NULL or not computed yet.
    fn id(&self) -> Option<String> {
        match self.protected.id.generated {
            true => None,
            false => self.id_in_column(),
        }
    }

    fn document_id(&self) -> Option<String> {
        let document = self.document().ok()?;
        document.value().ok().and_then(id_in)
    }

    /// Refuses a document with another id than `stored` has.
    pub fn check_document_id(&self, stored: Value<'_>) -> Result<()> {
        match id_in(stored) {
            Some(id) if self.document_id().as_ref() != Some(&id) => {
                Err(self.invalid("cannot change its id"))
            }
            _ => Ok(()),
        }
    }

    /// From now on no message names the row: it is one that the writer cannot see.
    pub fn conceal(&mut self) {
        self.concealed = true;
    }

    /// How messages call the row.
    pub fn name(&self) -> String {
        match self.concealed {
            true => format!("{} (a row that is not shown)", self.protected.resource_type),
            false => self.reference(),
        }
    }

    /// `Patient/p1`.
    pub fn reference(&self) -> String {
        match self.id().or_else(|| self.document_id()) {
            Some(id) => format!("{}/{id}", self.protected.resource_type),
            None => self.protected.resource_type.clone(),
        }
    }

    pub fn invalid(&self, what: &str) -> Error {
        let relation = self.protected.relation;
        let column = &self.protected.resource.name;
        Error::InvalidResource(format!(
            "column \"{column}\" of {} {what}",
            relation::qualified_name(relation)
        ))
        .about_column(relation, column)
    }

    /// Refuses what is not a resource of the table's type, or contradicts its own row's id.
    pub fn check_shape(&self) -> Result<()> {
        let document = self.document()?;
        let Value::Object(object) = document.value()? else {
            return Err(self.invalid("must hold a JSON object"));
        };
        let expected = &self.protected.resource_type;
        match object.get("resourceType") {
            Some(Value::String(name)) if name == expected => {}
            Some(_) => {
                return Err(self.invalid(&format!(
                    "holds {expected} resources, and the new one says otherwise"
                )));
            }
            None => return Err(self.invalid(&format!("needs \"resourceType\": \"{expected}\""))),
        }
        match (object.get("id"), self.id()) {
            (None, _) | (Some(Value::String(_)), None) => Ok(()),
            (Some(Value::String(inner)), Some(outer)) if self.same_id(inner, &outer) => Ok(()),
            (Some(Value::String(_)), Some(_)) => {
                Err(self.invalid("has an \"id\" that differs from the row's"))
            }
            (Some(_), _) => Err(self.invalid("has an \"id\" that is not a string")),
        }
    }

    /// A UUID is the same in either case of its digits.
    fn same_id(&self, inner: &str, outer: &str) -> bool {
        match self.protected.id.type_oid {
            pg_sys::UUIDOID => inner.eq_ignore_ascii_case(outer),
            _ => inner == outer,
        }
    }

    /// Refuses an update that makes one resource into another.
    pub fn check_identity(&self, old: &Row<'_>) -> Result<()> {
        let same_column = self.protected.id.generated || self.id() == old.id();
        let same_document = old.document_id().is_none() || self.document_id() == old.document_id();
        if same_column && same_document {
            Ok(())
        } else {
            Err(self.invalid("cannot change its id"))
        }
    }

    /// Tells the registry of the first reference that equality cannot find.
    pub fn note_irregular_references(&self) -> Result<()> {
        if self.protected.irregular_references {
            return Ok(());
        }
        let Some(datum) = self.column(self.protected.resource.number) else {
            return Ok(());
        };
        // SAFETY: the registry checked that the column is jsonb.
        let document = unsafe { JsonbDatum::new(datum) };
        if fhir_search::has_irregular_references(document.value()?) {
            registry::mark_irregular(&self.protected.resource_type)?;
        }
        Ok(())
    }

    /// The first entry of `reach` that grants the row, whose id must be a [plain](has_plain_id) one, and in place, if it is asked
    /// for.
    pub fn deciding(&self, reach: &Reach) -> Result<Option<Rc<ReachEntry>>> {
        let column = self.column(self.protected.resource.number);
        // SAFETY: the registry checked that the column is jsonb.
        let document = column.map(|datum| unsafe { JsonbDatum::new(datum) });
        let judged = Judged {
            row: self,
            id: OnceCell::new(),
            document: document
                .as_ref()
                .map(|document| document.value())
                .transpose()?,
        };
        Ok(reach.deciding(&judged).cloned())
    }

    /// The row in another form: with its id in place, where the column will be computed only later.
    ///
    /// # Safety
    /// `tuple` must be a row of the same relation.
    pub unsafe fn with_id(&self, tuple: pg_sys::HeapTuple) -> Row<'a> {
        Row { tuple, ..*self }
    }

    /// The id in its column, computed or not.
    pub fn id_in_column(&self) -> Option<String> {
        let id = &self.protected.id;
        // SAFETY: the datum is of the column's type.
        self.column(id.number)
            .map(|datum| unsafe { row::output(datum, id.type_oid) })
    }
}

/// A row that predicates are asked about.
struct Judged<'r, 'a> {
    row: &'r Row<'a>,
    id: OnceCell<Option<String>>,
    /// `None` for NULL, of which nothing is known.
    document: Option<Value<'r>>,
}

impl Candidate for Judged<'_, '_> {
    fn has_id_of(&self, ids: &[String]) -> Option<bool> {
        /// So many are compared one by one.
        const FEW: usize = 16;
        let is_uuid_column = self.row.protected.id.type_oid == pg_sys::UUIDOID;
        if is_uuid_column && !ids.iter().any(|id| is_uuid(id)) {
            return Some(false);
        }
        let id = self.id.get_or_init(|| self.row.id_in_column()).as_ref()?;
        Some(if is_uuid_column || ids.len() <= FEW {
            ids.iter().any(|wanted| self.row.same_id(wanted, id))
        } else {
            ids.binary_search(id).is_ok()
        })
    }

    fn passes(&self, test: &Test) -> Option<bool> {
        test.evaluate(self.document?)
    }
}

/// Are the ids of the relation equal where their text is?
///
/// # Safety
/// `relation` must be open, and the one that `protected` describes.
pub unsafe fn has_plain_id(relation: pg_sys::Relation, protected: &Protected) -> bool {
    let id = &protected.id;
    match id.type_oid {
        pg_sys::UUIDOID => true,
        pg_sys::TEXTOID | pg_sys::VARCHAROID => {
            // SAFETY: by the caller's promise.
            unsafe { relation::has_plain_collation((*relation).rd_att, id.number) }
        }
        _ => false,
    }
}

/// The `id` member of a document.
fn id_in(document: Value<'_>) -> Option<String> {
    document.as_object()?.get("id")?.as_str().map(str::to_owned)
}
