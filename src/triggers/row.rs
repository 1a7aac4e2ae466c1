//! A row as the write trigger sees it: its document, its id, and what makes it unfit for a protected table.

use crate::document::{self, Format};
use crate::error::{Error, Result};
use crate::node::relation::{self, Column};
use crate::node::row::{self, JsonbDatum};
use crate::predicate::is_uuid;
use crate::registry::{self, Protected, types};
use crate::session::reach::{Reach, ReachEntry};
use fhir_search::{Candidate, ProjectTest, Test};
use jsonb::Value;
use pgrx::prelude::*;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

/// What messages call a row of no known type.
const OF_NO_TYPE: &str = "Resource";

/// What a row's column of types says.
enum TypeColumn {
    /// There is none, or nothing in it yet.
    Absent,
    Null,
    Says(String),
}

/// A row on its way into, or out of, a protected table.
pub struct Row<'a> {
    tuple: Cell<pg_sys::HeapTuple>,
    /// The document's column as it will be, where `tuple` does not have it yet.
    put: Cell<Option<pg_sys::Datum>>,
    descriptor: pg_sys::TupleDesc,
    protected: &'a Protected,
    /// The document as it was read, unpacked.
    read: Cell<Option<pg_sys::Datum>>,
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
            tuple: Cell::new(tuple),
            put: Cell::new(None),
            descriptor,
            protected,
            read: Cell::new(None),
            concealed: false,
        }
    }

    /// The row itself. A row whose document is put several times is made anew once.
    pub fn tuple(&self) -> pg_sys::HeapTuple {
        if let Some(document) = self.put.take() {
            self.replace(self.protected.resource.number, Some(document));
        }
        self.tuple.get()
    }

    fn replace(&self, number: i16, value: Option<pg_sys::Datum>) {
        // SAFETY: the tuple is a row of the descriptor; the callers give values of the column's type.
        let tuple = unsafe { row::replace(self.tuple.get(), self.descriptor, &[(number, value)]) };
        self.tuple.set(tuple);
    }

    /// What the row is a row of.
    pub fn protected(&self) -> &'a Protected {
        self.protected
    }

    /// The value of the column with this number; `None` where it is NULL.
    pub fn column(&self, number: i16) -> Option<pg_sys::Datum> {
        if number == self.protected.resource.number
            && let Some(document) = self.put.get()
        {
            return Some(document);
        }
        // SAFETY: the tuple is a row of the descriptor, by `of`.
        unsafe { row::column(self.tuple.get(), self.descriptor, number) }
    }

    /// Puts a value into the column with this number, or NULL.
    pub fn set_column(&mut self, number: i16, value: Option<pg_sys::Datum>) {
        if number == self.protected.resource.number {
            self.read.set(None);
            self.put.set(None);
        }
        self.replace(number, value);
    }

    /// Is the same in this column as in that of `other`?
    pub fn has_same(&self, other: &Row<'_>, number: i16) -> bool {
        match (self.column(number), other.column(number)) {
            (None, None) => true,
            // SAFETY: both rows are of the descriptor.
            (Some(one), Some(two)) => unsafe { row::is_same(one, two, self.descriptor, number) },
            _ => false,
        }
    }

    /// The document, as jsonb.
    pub fn document(&self) -> Result<JsonbDatum> {
        if let Some(read) = self.read.get() {
            // SAFETY: kept below, for this row, or in `put`.
            return Ok(unsafe { JsonbDatum::unpacked(read) });
        }
        let Some(datum) = self.column(self.protected.resource.number) else {
            return Err(self.invalid("is NULL"));
        };
        let format = self.protected.format;
        // SAFETY: the registry checked the column's type.
        let Some(document) = (unsafe { format.read(datum) }) else {
            return Err(self.invalid("must hold JSON"));
        };
        self.read.set(Some(document.datum()));
        Ok(document)
    }

    /// Puts a document into the row's column.
    pub fn put(&mut self, document: &[u8]) -> Result<()> {
        let Some(datum) = self.protected.format.write(document)? else {
            return Err(self.invalid("cannot hold so long a text"));
        };
        self.put.set(Some(datum));
        self.read.set(Some(match self.protected.format {
            Format::Jsonb => datum,
            Format::Text => row::jsonb_datum(document),
        }));
        Ok(())
    }

    /// Of members of one name in a text only the last counts. Others are not stored, where another reader could find them.
    pub fn drop_duplicates(&mut self) -> Result<()> {
        if self.protected.format == Format::Jsonb {
            return Ok(());
        }
        let Some(datum) = self.column(self.protected.resource.number) else {
            return Ok(());
        };
        // SAFETY: a text of any kind is a varlena.
        let text = unsafe { JsonbDatum::new(datum) };
        if document::has_duplicates(text.bytes()) {
            let document = self.document()?;
            self.put(document.bytes())?;
        }
        Ok(())
    }

    /// The table's column for projects, if it has one.
    pub fn project_column(&self) -> Option<&'a Column> {
        self.protected.project.as_ref()
    }

    /// What is in the column for projects, as text.
    pub fn project(&self) -> Option<String> {
        let project = self.protected.project.as_ref()?;
        // SAFETY: the datum is of the column's type.
        self.column(project.number)
            .map(|datum| unsafe { row::output(datum, project.type_oid) })
    }

    /// Puts a project into its column; none where the column cannot hold it.
    pub fn set_project(&mut self, id: Option<&str>) {
        let Some(project) = self.protected.project.as_ref() else {
            return;
        };
        if self.project().as_deref() == id {
            return;
        }
        let (number, type_oid) = (project.number, project.type_oid);
        let fits = |id: &&str| {
            project
                .length
                .is_none_or(|length| id.chars().count() <= length)
        };
        let value = id.filter(fits).and_then(|id| id_datum(id, type_oid));
        self.set_column(number, value);
    }

    /// What the document says of its project.
    pub fn project_of_document(&self) -> Result<Option<String>> {
        let document = self.document()?;
        Ok(project_in(document.value()?))
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
        id_in(document.value().ok()?).map(str::to_owned)
    }

    /// Has the document this id?
    fn has_document_id(&self, id: &str) -> bool {
        let Ok(document) = self.document() else {
            return false;
        };
        document.value().ok().and_then(id_in) == Some(id)
    }

    /// Refuses a document with another id, or of another type, than `stored` has.
    pub fn check_document_identity(&self, stored: Value<'_>) -> Result<()> {
        if self.protected.type_of(stored) != self.resource_type() {
            return Err(self.invalid("cannot change its resourceType"));
        }
        match id_in(stored) {
            Some(id) if !self.has_document_id(id) => Err(self.invalid("cannot change its id")),
            _ => Ok(()),
        }
    }

    /// The type of the row; `None` where it is of none that the table can hold, or where the column and the document disagree.
    pub fn resource_type(&self) -> Option<&'static str> {
        if let Some(one) = self.protected.one_type() {
            return Some(one);
        }
        let document = self.document().ok()?;
        let resource_type = types::of_document(document.value().ok()?)?;
        let agrees = match self.type_column() {
            TypeColumn::Absent => true,
            TypeColumn::Says(text) => text == resource_type,
            TypeColumn::Null => false,
        };
        agrees.then_some(resource_type)
    }

    /// What the column of types says.
    fn type_column(&self) -> TypeColumn {
        match self.protected.type_column() {
            Some(column) if !column.generated => match self.column(column.number) {
                // SAFETY: the datum is of the column's type.
                Some(datum) => TypeColumn::Says(unsafe { row::output(datum, column.type_oid) }),
                None => TypeColumn::Null,
            },
            // One that is computed has no value yet; row security looks at it when it has.
            _ => TypeColumn::Absent,
        }
    }

    /// From now on no message names the row: it is one that the writer cannot see.
    pub fn conceal(&mut self) {
        self.concealed = true;
    }

    /// How messages call the row.
    pub fn name(&self) -> String {
        match self.concealed {
            true => format!(
                "{} (a row that is not shown)",
                self.resource_type().unwrap_or(OF_NO_TYPE)
            ),
            false => self.reference(),
        }
    }

    /// `Patient/p1`. Of a row of no known type nothing but the id is told.
    pub fn reference(&self) -> String {
        let resource_type = self.resource_type().unwrap_or(OF_NO_TYPE);
        match self.id().or_else(|| self.document_id()) {
            Some(id) => format!("{resource_type}/{id}"),
            None => resource_type.to_owned(),
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
        self.check_type(object)?;
        match (object.get("id"), self.id()) {
            (None, _) | (Some(Value::String(_)), None) => Ok(()),
            (Some(Value::String(inner)), Some(outer)) if self.same_id(inner, &outer) => Ok(()),
            (Some(Value::String(_)), Some(_)) => {
                Err(self.invalid("has an \"id\" that differs from the row's"))
            }
            (Some(_), _) => Err(self.invalid("has an \"id\" that is not a string")),
        }
    }

    /// Refuses a resource of another type than the table's; in a table of all types, of none that it can hold, or of another
    /// than the row's column says.
    fn check_type(&self, object: jsonb::Object<'_>) -> Result<()> {
        let named = object.get("resourceType");
        let Some(expected) = self.protected.one_type() else {
            let Some(Value::String(name)) = named else {
                return Err(self.invalid("needs a \"resourceType\""));
            };
            let Some(resource_type) = fhir_search::model::resource_type(name) else {
                return Err(self.invalid("has a \"resourceType\" that is none of FHIR's"));
            };
            return match self.type_column() {
                TypeColumn::Absent => Ok(()),
                TypeColumn::Says(text) if text == resource_type => Ok(()),
                TypeColumn::Says(_) => {
                    Err(self.invalid("has a \"resourceType\" that differs from the row's"))
                }
                TypeColumn::Null => {
                    Err(self.invalid("has a \"resourceType\", and the row has none"))
                }
            };
        };
        match named {
            Some(Value::String(name)) if name == expected => Ok(()),
            Some(_) => Err(self.invalid(&format!(
                "holds {expected} resources, and the new one says otherwise"
            ))),
            None => Err(self.invalid(&format!("needs \"resourceType\": \"{expected}\""))),
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
        if self.resource_type() != old.resource_type() {
            return Err(self.invalid("cannot change its resourceType"));
        }
        let id = &self.protected.id;
        let same_column = id.generated || self.has_same(old, id.number) || self.id() == old.id();
        let stored = old.document().ok();
        let stored = stored.as_ref().and_then(|stored| stored.value().ok());
        let same_document = stored
            .and_then(id_in)
            .is_none_or(|id| self.has_document_id(id));
        if same_column && same_document {
            Ok(())
        } else {
            Err(self.invalid("cannot change its id"))
        }
    }

    /// Tells the registry of the first reference that equality cannot find.
    pub fn note_irregular_references(&self) -> Result<()> {
        // Of a row of no known type no predicate is true.
        let Some(resource_type) = self.resource_type() else {
            return Ok(());
        };
        if self.protected.is_irregular_type(resource_type) {
            return Ok(());
        }
        let Ok(document) = self.document() else {
            return Ok(());
        };
        if fhir_search::has_irregular_references(document.value()?) {
            registry::mark_irregular(resource_type, self.protected.one_type().is_none())?;
        }
        Ok(())
    }

    /// The first entry of `reach` that grants the row, whose id must be a [plain](has_plain_id) one, and in place, if it is asked
    /// for.
    pub fn deciding(&self, reach: &Reach) -> Result<Option<Rc<ReachEntry>>> {
        let is_null = || self.column(self.protected.resource.number).is_none();
        let document = match self.document() {
            Ok(document) => Some(document),
            Err(_) if self.protected.format == Format::Jsonb && is_null() => None,
            // A text that holds no document is granted by nothing.
            Err(_) => return Ok(None),
        };
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
        Row {
            tuple: Cell::new(tuple),
            put: Cell::new(None),
            descriptor: self.descriptor,
            protected: self.protected,
            read: Cell::new(self.read.get()),
            concealed: self.concealed,
        }
    }

    /// The id in its column, computed or not.
    pub fn id_in_column(&self) -> Option<String> {
        let id = &self.protected.id;
        // SAFETY: the datum is of the column's type.
        self.column(id.number)
            .map(|datum| unsafe { row::output(datum, id.type_oid) })
    }
}

/// An id as a value of a column's type, where it can be one.
fn id_datum(id: &str, type_oid: pg_sys::Oid) -> Option<pg_sys::Datum> {
    match type_oid {
        pg_sys::TEXTOID | pg_sys::VARCHAROID => id.into_datum(),
        pg_sys::UUIDOID if is_uuid(id) => row::uuid(id),
        _ => None,
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
        let document = self.document?;
        match &self.row.protected.project {
            Some(column) => test.evaluate_beside(document, |asked| {
                holds_project(column, self.row.project().as_deref(), asked)
            }),
            None => test.evaluate(document),
        }
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

/// What a test of the project comes to on the text of what `column`, which is there for it, holds.
pub fn holds_project(column: &Column, project: Option<&str>, asked: ProjectTest<'_>) -> bool {
    let Some(project) = project else {
        return false;
    };
    match asked {
        ProjectTest::Present => true,
        // A UUID is the same in either case of its digits; a text is not, even where it looks like one.
        ProjectTest::Is(ids) => ids.iter().any(|id| match column.type_oid {
            pg_sys::UUIDOID => id.eq_ignore_ascii_case(project),
            _ => id == project,
        }),
    }
}

/// The `id` member of a document.
fn id_in(document: Value<'_>) -> Option<&str> {
    document.as_object()?.get("id")?.as_str()
}

/// The project that a document says it belongs to.
pub fn project_in(document: Value<'_>) -> Option<String> {
    let meta = document.as_object()?.get("meta")?;
    meta.as_object()?
        .get("project")?
        .as_str()
        .map(str::to_owned)
}
