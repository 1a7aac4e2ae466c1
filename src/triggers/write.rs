//! The row trigger of a protected table: what may be written, what is put back, what is tagged, and why not.
//!
//! It fires for everybody. For a role that is exempt from policies it only keeps the registry truthful.

use super::{Operation, operation, tag, trigger_data};
use crate::error::{Error, OrRaise, Result};
use crate::functions::{require_preloaded, version_1};
use crate::node::expr::RowEvaluator;
use crate::node::row::{self, JsonbDatum};
use crate::node::{privilege, relation};
use crate::predicate::{Style, Writer};
use crate::registry::{self, Protected};
use crate::session::reach::{Reach, ReachEntry};
use crate::session::{self, Session};
use access_policy::Interaction;
use access_policy::fields::FieldSet;
use jsonb::Value;
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::rc::Rc;

version_1!(pg_finfo_fhir_access_enforce_write);

/// `BEFORE INSERT OR UPDATE OR DELETE … FOR EACH ROW`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_enforce_write(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this as a row trigger, or trigger_data refuses; the tuples are rows of tg_relation.
    unsafe {
        let data = trigger_data(fcinfo).or_raise();
        let relation = data.tg_relation;
        let Some(protected) = registry::protected((*relation).rd_id).or_raise() else {
            not_registered(relation).raise();
        };
        let tuple = match operation(data) {
            Operation::Insert => insert(fcinfo, data, &protected),
            Operation::Update => update(fcinfo, data, &protected),
            _ => delete(fcinfo, data, &protected),
        };
        pg_sys::Datum::from(tuple.or_raise())
    }
}

version_1!(pg_finfo_fhir_access_enforce_truncate);

/// `BEFORE TRUNCATE`: row security says nothing about it, so nobody who is subject to policies may.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_enforce_truncate(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above.
    unsafe {
        let data = trigger_data(fcinfo).or_raise();
        if privilege::writer_is_subject() {
            Error::NotPermitted {
                interaction: "truncate",
                reference: relation::qualified_name((*data.tg_relation).rd_id),
                detail: "A protected table is emptied only by a role with BYPASSRLS.".to_owned(),
            }
            .raise();
        }
        pg_sys::Datum::null()
    }
}

/// # Safety
/// `relation` must be open.
unsafe fn not_registered(relation: pg_sys::Relation) -> Error {
    // SAFETY: by the caller's promise.
    let name = relation::qualified_name(unsafe { (*relation).rd_id });
    Error::NotReady {
        message: format!("{name} has fhir_access's trigger but is not registered as protected"),
        hint: "Call fhir_access.protect() for it, or drop the trigger zzz_fhir_access.".to_owned(),
    }
}

/// # Safety
/// `data` must be the trigger data of an INSERT on the relation of `protected`.
unsafe fn insert(
    fcinfo: pg_sys::FunctionCallInfo,
    data: &pg_sys::TriggerData,
    protected: &Rc<Protected>,
) -> Result<pg_sys::HeapTuple> {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut row = Row::of(data.tg_trigtuple, data.tg_relation, protected);
        row.note_irregular_references()?;
        if !privilege::writer_is_subject() {
            return Ok(data.tg_trigtuple);
        }
        require_preloaded()?;
        let session = session::current()?;
        row.check_shape()?;
        if let Some(tagged) = tag::on_create(&session, protected, row.document()?.value()?)? {
            row.put(&tagged);
        }
        let site = Site::at(fcinfo, &session, protected);
        let entry = site.deciding(Interaction::Create, data.tg_relation, &row)?;
        let Some(entry) = entry else {
            return Err(site.refusal(Interaction::Create, &row, "the new row"));
        };
        let dropped = entry.hidden.union(&entry.readonly);
        if !dropped.is_empty() {
            let kept = dropped.try_remove(row.document()?.value()?).map_err(|_| {
                row.invalid("cannot be written without its readonly and hidden fields")
            })?;
            if let Some(kept) = kept {
                row.put(&kept);
                if site
                    .deciding(Interaction::Create, data.tg_relation, &row)?
                    .is_none()
                {
                    return Err(site.refusal(
                        Interaction::Create,
                        &row,
                        "the new row, without the fields that may not be written,",
                    ));
                }
            }
        }
        Ok(row.tuple)
    }
}

/// # Safety
/// `data` must be the trigger data of an UPDATE on the relation of `protected`.
unsafe fn update(
    fcinfo: pg_sys::FunctionCallInfo,
    data: &pg_sys::TriggerData,
    protected: &Rc<Protected>,
) -> Result<pg_sys::HeapTuple> {
    // SAFETY: by the caller's promise.
    unsafe {
        let old = Row::of(data.tg_trigtuple, data.tg_relation, protected);
        let mut new = Row::of(data.tg_newtuple, data.tg_relation, protected);
        new.note_irregular_references()?;
        if !privilege::writer_is_subject() {
            return Ok(data.tg_newtuple);
        }
        require_preloaded()?;
        let session = session::current()?;
        let site = Site::at(fcinfo, &session, protected);
        let Some(entry) = site.deciding(Interaction::Update, data.tg_relation, &old)? else {
            return Err(site.refusal(Interaction::Update, &old, "the stored row"));
        };
        let mut kept = entry.hidden.union(&entry.readonly);
        // What the reader could not see cannot have been meant to change, whichever entry permits the write.
        if let Some(reader) = site.deciding(Interaction::Search, data.tg_relation, &old)? {
            kept = kept.union(&reader.hidden);
        }
        new.check_shape()?;
        new.check_identity(&old)?;
        restore(&kept, &old, &mut new)?;
        let tagged = {
            let before = old.document()?;
            let after = new.document()?;
            tag::on_update(&session, protected, before.value()?, after.value()?)?
        };
        if let Some(tagged) = tagged {
            new.put(&tagged);
        }
        if site
            .deciding(Interaction::Update, data.tg_relation, &new)?
            .is_none()
        {
            return Err(site.refusal(
                Interaction::Update,
                &old,
                "the row as it would be after the update",
            ));
        }
        Ok(new.tuple)
    }
}

fn restore(kept: &FieldSet, old: &Row<'_>, new: &mut Row<'_>) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let restored = kept
        .try_restore(new.document()?.value()?, old.document()?.value()?)
        .map_err(|_| new.invalid("cannot keep its readonly and hidden fields"))?;
    if let Some(restored) = restored {
        new.put(&restored);
    }
    Ok(())
}

/// # Safety
/// `data` must be the trigger data of a DELETE on the relation of `protected`.
unsafe fn delete(
    fcinfo: pg_sys::FunctionCallInfo,
    data: &pg_sys::TriggerData,
    protected: &Rc<Protected>,
) -> Result<pg_sys::HeapTuple> {
    // SAFETY: by the caller's promise.
    unsafe {
        if privilege::writer_is_subject() {
            require_preloaded()?;
            let session = session::current()?;
            let row = Row::of(data.tg_trigtuple, data.tg_relation, protected);
            let site = Site::at(fcinfo, &session, protected);
            if site
                .deciding(Interaction::Delete, data.tg_relation, &row)?
                .is_none()
            {
                return Err(site.refusal(Interaction::Delete, &row, "the stored row"));
            }
        }
        Ok(data.tg_trigtuple)
    }
}

/// A row on its way into, or out of, a protected table.
struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    protected: &'a Protected,
}

impl<'a> Row<'a> {
    /// # Safety
    /// `tuple` must be a row of `relation`, which `protected` describes.
    unsafe fn of(
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
        }
    }

    fn column(&self, number: i16) -> Option<pg_sys::Datum> {
        // SAFETY: the tuple is a row of the descriptor, by `of`.
        let columns = unsafe { row::deform(self.tuple, self.descriptor) };
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        columns.get(place).copied().flatten()
    }

    fn document(&self) -> Result<JsonbDatum> {
        match self.column(self.protected.resource.number) {
            // SAFETY: the registry checked that the column is jsonb.
            Some(datum) => Ok(unsafe { JsonbDatum::new(datum) }),
            None => Err(self.invalid("is NULL")),
        }
    }

    fn put(&mut self, document: &[u8]) {
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
        if self.protected.id.generated {
            return None;
        }
        // SAFETY: the datum is of the column's type.
        self.column(self.protected.id.number)
            .map(|datum| unsafe { row::output(datum, self.protected.id.type_oid) })
    }

    fn document_id(&self) -> Option<String> {
        let document = self.document().ok()?;
        match document.value().ok()? {
            Value::Object(object) => match object.get("id")? {
                Value::String(id) => Some(id.to_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    /// `Patient/p1`, for messages.
    fn reference(&self) -> String {
        match self.id().or_else(|| self.document_id()) {
            Some(id) => format!("{}/{id}", self.protected.resource_type),
            None => self.protected.resource_type.clone(),
        }
    }

    fn invalid(&self, what: &str) -> Error {
        Error::InvalidResource(format!(
            "column \"{}\" of {} {what}",
            self.protected.resource.name,
            relation::qualified_name(self.protected.relation)
        ))
    }

    /// Refuses what is not a resource of the table's type, or contradicts its own row's id.
    fn check_shape(&self) -> Result<()> {
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
            (Some(Value::String(inner)), Some(outer)) if inner == outer => Ok(()),
            (Some(Value::String(_)), Some(_)) => {
                Err(self.invalid("has an \"id\" that differs from the row's"))
            }
            (Some(_), _) => Err(self.invalid("has an \"id\" that is not a string")),
        }
    }

    /// Refuses an update that makes one resource into another.
    fn check_identity(&self, old: &Row<'_>) -> Result<()> {
        let same_column = self.protected.id.generated || self.id() == old.id();
        let same_document = old.document_id().is_none() || self.document_id() == old.document_id();
        if same_column && same_document {
            Ok(())
        } else {
            Err(self.invalid("cannot change its id"))
        }
    }

    /// Tells the registry of the first reference that equality cannot find.
    fn note_irregular_references(&self) -> Result<()> {
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

    /// The row with its id in place, where the column will be computed only later.
    fn for_evaluation(&self) -> pg_sys::HeapTuple {
        let id = &self.protected.id;
        if !id.generated {
            return self.tuple;
        }
        let datum = self.document_id().and_then(|text| match id.type_oid {
            pg_sys::TEXTOID | pg_sys::VARCHAROID => text.into_datum(),
            pg_sys::UUIDOID => text
                .parse::<UuidText>()
                .ok()
                .and_then(|uuid| uuid.0.into_datum()),
            _ => None,
        });
        // SAFETY: the datum is of the column's type.
        unsafe { row::replace(self.tuple, self.descriptor, &[(id.number, datum)]) }
    }
}

/// A UUID in its usual text form.
struct UuidText(pgrx::Uuid);

impl std::str::FromStr for UuidText {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<UuidText, ()> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| *byte != b'-')
            .map(|byte| {
                char::from(byte)
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
                    .ok_or(())
            })
            .collect::<std::result::Result<_, ()>>()?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit))
            .collect();
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| ())?;
        Ok(UuidText(pgrx::Uuid::from_bytes(bytes)))
    }
}

/// What a trigger keeps between the rows of one statement: the expressions that tell which entry decides.
struct Site {
    session: Rc<Session>,
    protected: Rc<Protected>,
    context: pg_sys::MemoryContext,
    decisions: HashMap<Interaction, Decision>,
}

struct Decision {
    reach: Rc<Reach>,
    evaluator: RowEvaluator,
}

impl Site {
    /// The site of this trigger in this statement, made new when the session or the registry has changed since.
    ///
    /// # Safety
    /// `fcinfo` must be the call info of the trigger, whose `fn_extra` holds nothing else.
    unsafe fn at<'a>(
        fcinfo: pg_sys::FunctionCallInfo,
        session: &Rc<Session>,
        protected: &Rc<Protected>,
    ) -> &'a mut Site {
        // SAFETY: fn_extra is null or was set here; the site is dropped with fn_mcxt.
        unsafe {
            let function = (*fcinfo).flinfo;
            let kept = (*function).fn_extra.cast::<Site>();
            if !kept.is_null() {
                let site = &mut *kept;
                if !(Rc::ptr_eq(&site.session, session) && Rc::ptr_eq(&site.protected, protected)) {
                    site.session = Rc::clone(session);
                    site.protected = Rc::clone(protected);
                    site.decisions.clear();
                }
                return site;
            }
            let site = Site {
                session: Rc::clone(session),
                protected: Rc::clone(protected),
                context: (*function).fn_mcxt,
                decisions: HashMap::new(),
            };
            let pointer = PgMemoryContexts::For((*function).fn_mcxt).leak_and_drop_on_delete(site);
            (*function).fn_extra = pointer.cast();
            &mut *pointer
        }
    }

    fn decision(
        &mut self,
        interaction: Interaction,
        relation: pg_sys::Relation,
    ) -> Result<&mut Decision> {
        if !self.decisions.contains_key(&interaction) {
            let reach = self
                .session
                .reach(&self.protected.resource_type, interaction)?;
            let writer = Writer::new(&self.protected, Style::Exact).for_new_rows();
            let text = writer.deciding_entry(&reach.entries, &reach.scope);
            // SAFETY: fn_mcxt lives as long as the site; the previous context comes back before anything can fail.
            let evaluator = unsafe {
                PgMemoryContexts::For(self.context)
                    .switch_to(|_| RowEvaluator::new(relation, &text))
            }?;
            self.decisions
                .insert(interaction, Decision { reach, evaluator });
        }
        self.decisions
            .get_mut(&interaction)
            .ok_or_else(|| Error::Unsupported("a decision was not prepared".to_owned()))
    }

    /// The first entry that grants `interaction` on `row`.
    fn deciding(
        &mut self,
        interaction: Interaction,
        relation: pg_sys::Relation,
        row: &Row<'_>,
    ) -> Result<Option<ReachEntry>> {
        let decision = self.decision(interaction, relation)?;
        // SAFETY: the row is one of the trigger's relation, for which the evaluator was made.
        let place = unsafe { decision.evaluator.integer(row.for_evaluation()) };
        Ok(place
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| decision.reach.entries.get(place).cloned()))
    }

    /// Why `row` was refused.
    fn refusal(&self, interaction: Interaction, row: &Row<'_>, what: &str) -> Error {
        let detail = match self.decisions.get(&interaction) {
            Some(decision) => {
                decision
                    .reach
                    .refusal(&self.protected.resource_type, interaction, what)
            }
            None => String::new(),
        };
        Error::NotPermitted {
            interaction: interaction.code(),
            reference: row.reference(),
            detail,
        }
    }
}
