//! The row trigger of a protected table: what may be written, what is put back, what is tagged, and why not.
//!
//! It fires for everybody. For a role that is exempt from policies it only keeps the registry truthful.

use super::kept::{self, Kept, Sent};
use super::movement::Moved;
use super::row::Row;
use super::site::Site;
use super::{
    Operation, columns, member, movement, operation, require_before_row, tag, trigger_data, upsert,
};
use crate::audit::{self, About, Line};
use crate::constraint;
use crate::error::{Error, OrRaise, Result};
use crate::functions::{require_preloaded, version_1};
use crate::node::row::parse;
use crate::node::{privilege, relation, statement};
use crate::registry::{self, Protected};
use crate::session::reach::{self, ReachEntry};
use crate::session::{self, Session};
use access_policy::Interaction;
use pgrx::prelude::*;
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
        statement::hold(false);
        let data = trigger_data(fcinfo).or_raise();
        require_before_row(data).or_raise();
        let relation = data.tg_relation;
        let Some(protected) = registry::protected((*relation).rd_id).or_raise() else {
            not_registered(relation).raise();
        };
        let interaction = match operation(data) {
            Operation::Insert => Interaction::Create,
            Operation::Update => Interaction::Update,
            _ => Interaction::Delete,
        };
        let tuple = if protected.history.is_some() && privilege::writer_is_subject() {
            let row = Row::of(data.tg_trigtuple, relation, &protected);
            Err(protected.not_written(interaction, row.reference()))
        } else {
            match interaction {
                Interaction::Create => insert(fcinfo, data, &protected),
                Interaction::Update => update(fcinfo, data, &protected),
                _ => delete(fcinfo, data, &protected),
            }
        };
        let tuple = tuple.map_err(|error| {
            let row = Row::of(data.tg_trigtuple, relation, &protected);
            error.about(protected.relation).recorded(About {
                relation: Some(protected.relation),
                interaction: Some(interaction),
                reference: Some(row.reference()),
                rules: Vec::new(),
            })
        });
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
                hint: Some("DELETE the rows that the policies permit, or TRUNCATE as such a role."),
            }
            .about((*data.tg_relation).rd_id)
            .recorded(About {
                relation: Some((*data.tg_relation).rd_id),
                ..About::default()
            })
            .raise();
        }
        if audit::records_writes()
            && let Some(protected) = registry::protected((*data.tg_relation).rd_id).or_raise()
        {
            audit::truncated(&protected).or_raise();
        }
        pg_sys::Datum::null()
    }
}

/// # Safety
/// `relation` must be open.
unsafe fn not_registered(relation: pg_sys::Relation) -> Error {
    // SAFETY: by the caller's promise.
    let oid = unsafe { (*relation).rd_id };
    Error::NotReady {
        message: format!(
            "{} has fhir_access's trigger but is not registered as protected",
            relation::qualified_name(oid)
        ),
        hint: "Call fhir_access.protect() for it, or drop the trigger zzz_fhir_access.".to_owned(),
    }
    .about(oid)
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
            record_exempt_insert(data, &row, protected)?;
            return Ok(data.tg_trigtuple);
        }
        require_preloaded()?;
        let session = writing_session()?;
        if let Some(moved) = movement::of_this_insert(data) {
            return arrival(fcinfo, data, row, &session, protected, &moved);
        }
        movement::settle()?;
        upsert::settle()?;
        upsert::begin();
        row.check_shape()?;
        row.drop_duplicates()?;
        let sent = row.document()?;
        let tagged = tag::on_create(&session, protected, sent.value()?, row.project(), None)?;
        if let Some(tagged) = tagged {
            row.put(&tagged)?;
        }
        columns::project_on_create(&session, &mut row)?;
        if let Some(own) = member::in_project(&session, protected, row.document()?.value()?)? {
            row.put(&own)?;
        }
        let site = Site::at(fcinfo, &session, protected);
        let entry = site.deciding(Interaction::Create, data.tg_relation, &row)?;
        let Some(mut entry) = entry else {
            return Err(site.refusal(Interaction::Create, &row, "the new row"));
        };
        let dropped = Rc::clone(&entry.kept);
        if !dropped.is_empty() {
            let set = columns::set_by_insert(&row, protected, &dropped);
            // What was read with the label is a copy now, and has none of its own.
            let without_label = |document| match entry.hidden.is_empty() {
                true => Ok(None),
                false => kept::with_label_of(&row, document, None),
            };
            let unlabelled = without_label(sent.value()?)?;
            let meant = unlabelled.as_deref().map_or(sent.value(), parse)?;
            let violation = match kept::violation_of_insert(&row, meant, &dropped)? {
                None => kept::refuse_columns(Interaction::Create, &row, &set).err(),
                violation => violation,
            };
            if let Some(violation) = violation {
                // Where an update may yet take the insert's place, it is judged by what was sent.
                upsert::refuse(of_relation(violation, protected))?;
                return Ok(row.tuple());
            }
            let tagged = row.document()?;
            let kept = dropped.try_remove(tagged.value()?).map_err(|_| {
                row.invalid("cannot be written without its readonly and hidden fields")
            })?;
            let unlabelled = without_label(kept.as_deref().map_or(tagged.value(), parse)?)?;
            let emptied = columns::drop(&mut row, protected, &dropped);
            if emptied || kept.is_some() {
                upsert::note(protected.relation, row.reference(), &dropped);
            }
            // What is left out of most rows changes neither their tags nor who may write them.
            let asks_again = unlabelled.is_some()
                || emptied
                || site.asks_for_kept(Interaction::Create, data.tg_relation, &row, &entry)?;
            if let Some(kept) = unlabelled.or(kept) {
                row.put(&kept)?;
                let kept = parse(&kept)?;
                let before = tagged.value().ok();
                let again = match asks_again {
                    true => tag::on_create(&session, protected, kept, row.project(), before)?,
                    false => None,
                };
                if let Some(again) = again {
                    row.put(&again)?;
                }
                let document = row.document()?;
                if let Some(own) = member::in_project(&session, protected, document.value()?)? {
                    row.put(&own)?;
                }
                if asks_again {
                    let granting = site.deciding(Interaction::Create, data.tg_relation, &row)?;
                    entry = granting.ok_or_else(|| {
                        let what = "the new row, without the fields that may not be written,";
                        site.refusal(Interaction::Create, &row, what)
                    })?;
                }
            }
        }
        let document = row.document()?;
        let written = (None, document.value()?);
        if let Err(refusal) = check_document(&session, Interaction::Create, &row, written) {
            upsert::refuse(of_relation(refusal, protected))?;
        } else if let Some(unmet) = constraint::unmet(&entry, None, document.value()?) {
            let refusal = unmet.refusal(Interaction::Create, row.name());
            upsert::refuse(of_relation(refusal, protected))?;
        } else {
            upsert::permit(permitted(
                Interaction::Create,
                &row,
                protected,
                Some(&entry),
            ))?;
        }
        Ok(row.tuple())
    }
}

/// What the documents' own tables ask besides, of a row as it was and as it will be.
fn check_document(
    session: &Session,
    interaction: Interaction,
    row: &Row<'_>,
    (stored, new): (Option<jsonb::Value<'_>>, jsonb::Value<'_>),
) -> Result<()> {
    let reference = || row.name();
    member::check(
        session,
        row.protected(),
        interaction,
        reference,
        stored,
        new,
    )
}

/// Who writes. What a statement finds, and shows of it, is what those may see whom it was made for; where they are others by
/// now (a function in it has switched the session), it ends.
fn writing_session() -> Result<Rc<Session>> {
    let session = session::current()?;
    match statement::fence() {
        Some(fence) if fence != session.fingerprint => Err(Error::Fence),
        _ => Ok(session),
    }
}

/// A refusal that may be raised only later, with the relation that it is about.
fn of_relation(refusal: Error, protected: &Protected) -> Error {
    refusal.about(protected.relation).recorded(About {
        relation: Some(protected.relation),
        ..About::default()
    })
}

/// The audit trail's line of a permitted write, where one is asked for.
fn permitted(
    interaction: Interaction,
    row: &Row<'_>,
    protected: &Protected,
    entry: Option<&ReachEntry>,
) -> Option<Line> {
    audit::permitted(interaction, protected, || row.reference(), entry)
}

/// Whoever is exempt from policies is not exempt from the audit trail.
///
/// # Safety
/// `data` must be the trigger data of an INSERT on the relation of `protected`, `row` its row.
unsafe fn record_exempt_insert(
    data: &pg_sys::TriggerData,
    row: &Row<'_>,
    protected: &Protected,
) -> Result<()> {
    let Some(line) = permitted(Interaction::Create, row, protected, None) else {
        return Ok(());
    };
    // SAFETY: by the caller's promise.
    if unsafe { movement::of_this_insert(data) }.is_some() {
        return Ok(());
    }
    movement::settle()?;
    upsert::settle()?;
    upsert::permit(Some(line))
}

/// # Safety
/// `data` must be the trigger data of an UPDATE on the relation of `protected`, `row` its row.
unsafe fn record_exempt_update(
    data: &pg_sys::TriggerData,
    row: &Row<'_>,
    protected: &Protected,
) -> Result<()> {
    let Some(line) = permitted(Interaction::Update, row, protected, None) else {
        return Ok(());
    };
    upsert::updates();
    movement::settle()?;
    line.write()?;
    // SAFETY: by the caller's promise. What the row holds matters to nobody.
    unsafe { movement::note_update(data, &[], &[], Kept::default()) };
    Ok(())
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
        let mut old = Row::of(data.tg_trigtuple, data.tg_relation, protected);
        let mut new = Row::of(data.tg_newtuple, data.tg_relation, protected);
        new.note_irregular_references()?;
        if !privilege::writer_is_subject() {
            record_exempt_update(data, &old, protected)?;
            return Ok(data.tg_newtuple);
        }
        require_preloaded()?;
        upsert::updates();
        movement::settle()?;
        let session = writing_session()?;
        let site = Site::at(fcinfo, &session, protected);
        let [reader, entry] = site.deciding_of_read(Interaction::Update, data.tg_relation, &old)?;
        if reader.is_none() && privilege::keeps_foreign_key() {
            old.conceal();
            new.conceal();
        }
        let Some(entry) = entry else {
            return Err(site.refusal(Interaction::Update, &old, "the stored row"));
        };
        // What the reader could not see cannot have been meant to change, whichever entry permits the write.
        let mut left = match reader {
            Some(reader) => entry.kept_of(&reader),
            None => reach::Kept::new(Rc::clone(&entry.kept), Rc::clone(&entry.kept)),
        };
        if let Some(dropped) = upsert::dropped(protected.relation, || old.reference()) {
            left = reach::Kept::new(
                Rc::new(left.fields.union(&dropped)),
                Rc::new(left.unseen.union(&dropped)),
            );
        }
        let kept = Kept {
            fields: left.fields,
            unseen: left.unseen,
            labels_unseen: left.labels_unseen,
            project: old.project(),
        };
        new.check_shape()?;
        new.check_identity(&old)?;
        new.drop_duplicates()?;
        let fields = (&*kept.fields, &*kept.unseen);
        columns::put_back(&mut new, &old, data, protected, fields)?;
        let stored = old.document()?;
        let entry = finish_update(
            site,
            data.tg_relation,
            (&kept, Sent::in_update(data, protected.resource.number)),
            [stored.value()?; 2],
            &mut new,
            "the row as it would be after the update",
        )?;
        Site::at(fcinfo, &session, protected).check_computed_id(data.tg_relation, &old, &new)?;
        if let Some(line) = permitted(Interaction::Update, &new, protected, Some(&entry)) {
            line.write()?;
        }
        statement::hold(!kept.unseen.is_empty() && protected.may_quote());
        movement::note_update(data, stored.bytes(), new.document()?.bytes(), kept);
        Ok(new.tuple())
    }
}

/// The second half of a row's movement to this partition: an update still, that other triggers may have changed.
///
/// # Safety
/// `data` must be the trigger data of an INSERT on the relation of `protected`, `row` its row.
unsafe fn arrival(
    fcinfo: pg_sys::FunctionCallInfo,
    data: &pg_sys::TriggerData,
    mut row: Row<'_>,
    session: &Rc<Session>,
    protected: &Rc<Protected>,
    moved: &Moved,
) -> Result<pg_sys::HeapTuple> {
    // SAFETY: by the caller's promise.
    unsafe {
        if row.document()?.bytes() == moved.document {
            statement::hold(!moved.kept.unseen.is_empty() && protected.may_quote());
            return Ok(row.tuple());
        }
        let parse =
            |document| jsonb::Value::parse(document).map_err(|_| row.invalid("cannot be read"));
        let (before, updated) = (parse(&moved.stored)?, parse(&moved.document)?);
        row.check_shape()?;
        row.check_document_identity(updated)?;
        finish_update(
            Site::at(fcinfo, session, protected),
            data.tg_relation,
            (&moved.kept, Sent::Nothing),
            [before, updated],
            &mut row,
            "the row as it arrives in its new partition",
        )?;
        statement::hold(!moved.kept.unseen.is_empty() && protected.may_quote());
        Ok(row.tuple())
    }
}

/// What each update comes to: the fields of the stored document back in their places, the tags, and the questions whether
/// `row` may be what it is now, and whether it may become that from what was `before`. Returns the entry that says so.
fn finish_update(
    site: &mut Site,
    relation: pg_sys::Relation,
    (kept, sent): (&Kept, Sent),
    [before, stored]: [jsonb::Value<'_>; 2],
    row: &mut Row<'_>,
    what: &str,
) -> Result<Rc<ReachEntry>> {
    kept.put_back(row, stored, sent)?;
    let project = columns::Project::of(&site.session, kept, stored);
    let moved = project.moved(row)?;
    if let Some(tagged) = tag::on_update(
        &site.session,
        &site.protected,
        [stored, row.document()?.value()?],
        moved,
    )? {
        row.put(&tagged)?;
    }
    project.settle(row)?;
    let Some(entry) = site.deciding(Interaction::Update, relation, row)? else {
        return Err(site.refusal(Interaction::Update, row, what));
    };
    let document = row.document()?;
    let written = (Some(before), document.value()?);
    check_document(&site.session, Interaction::Update, row, written)?;
    match constraint::unmet(&entry, Some(before), document.value()?) {
        Some(unmet) => Err(unmet.refusal(Interaction::Update, row.name())),
        None => Ok(entry),
    }
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
        let mut row = Row::of(data.tg_trigtuple, data.tg_relation, protected);
        if privilege::writer_is_subject() {
            require_preloaded()?;
            let session = writing_session()?;
            let site = Site::at(fcinfo, &session, protected);
            let (refusal, line) =
                match site.deciding(Interaction::Delete, data.tg_relation, &row)? {
                    Some(entry) => {
                        let line = permitted(Interaction::Delete, &row, protected, Some(&entry));
                        (None, line)
                    }
                    None => {
                        let unseen = privilege::keeps_foreign_key()
                            && site
                                .deciding(Interaction::Search, data.tg_relation, &row)?
                                .is_none();
                        if unseen {
                            row.conceal();
                        }
                        let refusal = site.refusal(Interaction::Delete, &row, "the stored row");
                        (Some(refusal), None)
                    }
                };
            movement::delete(data, refusal, line)?;
        } else if let Some(line) = permitted(Interaction::Delete, &row, protected, None) {
            movement::delete(data, None, Some(line))?;
        }
        Ok(data.tg_trigtuple)
    }
}
