//! The fields that a write must leave as they are: put back, or the write is refused, as `fhir_access.readonly_violation` says.

use super::row::Row;
use super::{tag, upsert};
use crate::error::{Error, Result};
use crate::node::row::parse;
use crate::settings::{self, ReadonlyViolation};
use access_policy::Interaction;
use access_policy::fields::{FieldSet, label_as_stored};
use jsonb::Value;
use pgrx::prelude::*;
use std::rc::Rc;

/// How many paths a refusal names.
const MOST_NAMED: usize = 10;

/// The fields of one stored row that an update keeps.
#[derive(Default)]
pub struct Kept {
    /// Hidden and readonly ones.
    pub fields: Rc<FieldSet>,
    /// Those of them that the writer could not see.
    pub unseen: Rc<FieldSet>,
    /// Are security labels among these?
    pub labels_unseen: bool,
    /// What the column for projects holds, where there is one.
    pub project: Option<String>,
}

impl Kept {
    /// Puts the fields of the document `stored` back into `row`, or refuses it.
    pub fn put_back(&self, row: &mut Row<'_>, stored: Value<'_>, sent: Sent) -> Result<()> {
        if self.fields.is_empty() {
            return Ok(());
        }
        let cannot = |row: &Row<'_>| row.invalid("cannot keep its readonly and hidden fields");
        let visible = Some(stored).filter(|_| !self.labels_unseen);
        self.settle_label(row, visible)?;
        let document = row.document()?;
        let new = document.value()?;
        if settings::readonly_violation() == ReadonlyViolation::Error {
            // What was taken over from the stored row as it is has hidden fields in it, which nobody sent.
            let nothing = FieldSet::default();
            let unseen = match sent {
                Sent::Document => &*self.unseen,
                Sent::Nothing => &nothing,
            };
            // What an upsert brings has been tagged as a new row: that was not sent.
            let without_tags = |document| match upsert::is_running() {
                true => tag::untagged(document),
                false => Ok(None),
            };
            let (sent, before) = (without_tags(new)?, without_tags(stored)?);
            let sent = sent.as_deref().map_or(Ok(new), parse)?;
            let before = before.as_deref().map_or(Ok(stored), parse)?;
            let paths = self
                .fields
                .violations(sent, Some(before), unseen)
                .map_err(|_| cannot(row))?;
            refuse(Interaction::Update, row, &paths)?;
        }
        let restored = self
            .fields
            .try_restore(new, stored, &self.unseen)
            .map_err(|_| cannot(row))?;
        if let Some(restored) = restored {
            row.put(&restored)?;
        }
        self.settle_label(row, Some(stored))
    }

    /// Whoever does not see all of a row may have been shown it with a label that it has not.
    fn settle_label(&self, row: &mut Row<'_>, stored: Option<Value<'_>>) -> Result<()> {
        if self.unseen.is_empty() {
            return Ok(());
        }
        if let Some(settled) = with_label_of(row, row.document()?.value()?, stored)? {
            row.put(&settled)?;
        }
        Ok(())
    }
}

/// The document with the label `REDACTED` if `stored` has it, and without if not; `None` when that is what it is.
pub fn with_label_of(
    row: &Row<'_>,
    document: Value<'_>,
    stored: Option<Value<'_>>,
) -> Result<Option<Vec<u8>>> {
    label_as_stored(document, stored).map_err(|_| row.invalid("cannot keep its security labels"))
}

/// What the statement of an update says about the resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// There is a new one, made of what the writer could see and of what it brought.
    Document,
    /// None: it is the stored one, unless a trigger of the owner's has changed it.
    Nothing,
}

impl Sent {
    /// # Safety
    /// `data` must be the trigger data of an UPDATE; `column` the number of a column of its relation.
    pub unsafe fn in_update(data: &pg_sys::TriggerData, column: i16) -> Sent {
        let member = i32::from(column).saturating_sub(pg_sys::FirstLowInvalidHeapAttributeNumber);
        // SAFETY: by the caller's promise, the set is null or one.
        match unsafe { pg_sys::bms_is_member(member, data.tg_updatedcols) } {
            true => Sent::Document,
            false => Sent::Nothing,
        }
    }
}

/// The refusal of a new row that `sent` fields which may not be written, where that is an error.
pub fn violation_of_insert(
    row: &Row<'_>,
    sent: Value<'_>,
    fields: &FieldSet,
) -> Result<Option<Error>> {
    if settings::readonly_violation() != ReadonlyViolation::Error {
        return Ok(None);
    }
    let paths = fields
        .violations(sent, None, fields)
        .map_err(|_| row.invalid("cannot be written without its readonly and hidden fields"))?;
    Ok(refuse(Interaction::Create, row, &paths).err())
}

/// Refuses a row that sets columns whose fields it may not write, where that is an error.
pub fn refuse_columns(interaction: Interaction, row: &Row<'_>, columns: &[String]) -> Result<()> {
    if settings::readonly_violation() != ReadonlyViolation::Error {
        return Ok(());
    }
    let named = columns.iter().map(|name| format!("column \"{name}\""));
    refuse(interaction, row, &named.collect::<Vec<_>>())
}

fn refuse(interaction: Interaction, row: &Row<'_>, paths: &[String]) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = paths.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = match paths.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = match interaction {
        Interaction::Create => "sets",
        _ => "changes",
    };
    Err(Error::NotPermitted {
        interaction: interaction.code(),
        reference: row.name(),
        detail: format!(
            "It {what} fields that are readonly or hidden: {}{more}.",
            named.join(", ")
        ),
        hint: Some(
            "Write them as they were read, or SET fhir_access.readonly_violation = 'restore': what is sent for them is then ignored.",
        ),
    })
}
