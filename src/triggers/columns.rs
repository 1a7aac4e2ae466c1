//! The columns beside the document that repeat a part of it: derived columns go with their fields, and the project column is
//! the session's to set.

use super::kept::{self, Kept};
use super::row::{self, Row};
use crate::error::{Error, Result};
use crate::node::privilege;
use crate::node::relation::Column;
use crate::registry::{Derived, Protected};
use crate::session::Session;
use access_policy::Interaction;
use access_policy::fields::FieldSet;
use jsonb::Value;
use pgrx::prelude::*;

/// The derived columns that repeat something of `fields` and that writers fill. Generated ones follow the document by
/// themselves, and the project column has rules of its own.
fn filled<'p>(
    protected: &'p Protected,
    fields: &'p FieldSet,
) -> impl Iterator<Item = &'p Derived> + 'p {
    let project = protected.project.as_ref().map(|project| project.number);
    protected.derived.iter().filter(move |derived| {
        let number = derived.column.number;
        !derived.column.generated && Some(number) != project && derived.tells(fields)
    })
}

/// The derived columns that a new row sets although it may not set their fields, by name.
pub fn set_by_insert(row: &Row<'_>, protected: &Protected, fields: &FieldSet) -> Vec<String> {
    filled(protected, fields)
        .filter(|derived| row.column(derived.column.number).is_some())
        .map(|derived| derived.column.name.clone())
        .collect()
}

/// Empties the derived columns of these fields in a new row; says whether anything was in them.
pub fn drop(row: &mut Row<'_>, protected: &Protected, fields: &FieldSet) -> bool {
    let set: Vec<i16> = filled(protected, fields)
        .map(|derived| derived.column.number)
        .filter(|number| row.column(*number).is_some())
        .collect();
    for number in &set {
        row.set_column(*number, None);
    }
    !set.is_empty()
}

/// Puts the stored values of the derived columns of these fields back into a row that is updated, or refuses it.
///
/// # Safety
/// `data` must be the trigger data of the UPDATE that makes `row` of `old`.
pub unsafe fn put_back(
    row: &mut Row<'_>,
    old: &Row<'_>,
    data: &pg_sys::TriggerData,
    protected: &Protected,
    (fields, unseen): (&FieldSet, &FieldSet),
) -> Result<()> {
    let mut changed = Vec::new();
    let mut stored = Vec::new();
    for derived in filled(protected, fields) {
        let number = derived.column.number;
        if row.has_same(old, number) {
            continue;
        }
        let is_violation = match derived.tells(unseen) {
            // Whoever reads NULL may write it back; which other value is the stored one is not told.
            true => row.column(number).is_some(),
            false => true,
        };
        if is_violation {
            changed.push(derived.column.name.clone());
        }
        stored.push((number, old.column(number)));
    }
    // A hidden value that was sent is refused even where it is the stored one.
    for derived in filled(protected, unseen) {
        let number = derived.column.number;
        // SAFETY: by the caller's promise.
        let sent = unsafe { kept::Sent::in_update(data, number) } == kept::Sent::Document;
        if sent && row.column(number).is_some() && !changed.contains(&derived.column.name) {
            changed.push(derived.column.name.clone());
        }
    }
    if !stored.is_empty() && privilege::keeps_foreign_key() {
        // Put back, it would refer to what is gone.
        let kept = filled(protected, fields).map(|derived| &derived.column);
        let undone =
            kept.filter(|column| stored.iter().any(|(number, _)| *number == column.number));
        return Err(not_by_foreign_key(row, undone));
    }
    kept::refuse_columns(Interaction::Update, row, &changed)?;
    for (number, value) in stored {
        row.set_column(number, value);
    }
    Ok(())
}

/// The refusal of what a foreign key's action does to columns that must stay as they are. It names no row: which one refers to
/// what is written may be hidden.
fn not_by_foreign_key<'c>(row: &mut Row<'_>, columns: impl Iterator<Item = &'c Column>) -> Error {
    let columns: Vec<String> = columns
        .map(|column| format!("column \"{}\"", column.name))
        .collect();
    row.conceal();
    Error::NotPermitted {
        interaction: Interaction::Update.code(),
        reference: row.name(),
        detail: format!(
            "A foreign key's action would change what must stay as it is: {}.",
            columns.join(", ")
        ),
        hint: Some("Leave what is referred to as it is, or let a role with BYPASSRLS change it."),
    }
}

/// Sets the project of a new row that is tagged already: the session's, or for a super admin what the row says of itself.
pub fn project_on_create(session: &Session, row: &mut Row<'_>) -> Result<()> {
    if row.project_column().is_none() {
        return Ok(());
    }
    if session.access.super_admin {
        if row.project().is_none() {
            let project = row.project_of_document()?;
            row.set_project(project.as_deref());
        }
        return Ok(());
    }
    let project = session.access.project.clone();
    row.set_project(project.as_deref());
    Ok(())
}

/// What an update does to the project of a row.
pub struct Project {
    /// The one that the stored row's column has.
    stored: Option<String>,
    /// The one that the stored document has.
    stored_in_document: Option<String>,
    /// May the writer change it? Only a super admin may.
    free: bool,
}

impl Project {
    /// Of an update of the row whose document is `stored`, which leaves `kept` as it is.
    pub fn of(session: &Session, kept: &Kept, stored: Value<'_>) -> Project {
        Project {
            stored: kept.project.clone(),
            stored_in_document: row::project_in(stored),
            free: session.access.super_admin && !kept.fields.touches("meta.project"),
        }
    }

    /// What the document must say, where the row alone was given another project.
    pub fn moved(&self, row: &Row<'_>) -> Result<Option<Option<String>>> {
        if !self.free || row.project() == self.stored {
            return Ok(None);
        }
        let document_moved = row.project_of_document()? != self.stored_in_document;
        Ok((!document_moved).then(|| row.project()))
    }

    /// Sets the column of a row that is tagged already.
    pub fn settle(&self, row: &mut Row<'_>) -> Result<()> {
        if !self.free {
            if let Some(column) = row.project_column()
                && row.project() != self.stored
                && privilege::keeps_foreign_key()
            {
                return Err(not_by_foreign_key(row, std::iter::once(column)));
            }
            row.set_project(self.stored.as_deref());
            return Ok(());
        }
        let said = row.project_of_document()?;
        if row.project() == self.stored && said != self.stored_in_document {
            row.set_project(said.as_deref());
        }
        Ok(())
    }
}
