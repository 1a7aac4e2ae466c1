//! Triggers: on protected tables ([`write`]) and on the documents' tables ([`documents`]).

mod documents;
mod kept;
mod member;
pub mod movement;
mod note;
mod row;
mod site;
mod tag;
pub mod upsert;
mod write;

use crate::error::{Error, Result};
use pgrx::prelude::*;

/// What a trigger was called with.
///
/// # Safety
/// `fcinfo` must be the call info of a function that PostgreSQL calls.
unsafe fn trigger_data<'a>(fcinfo: pg_sys::FunctionCallInfo) -> Result<&'a pg_sys::TriggerData> {
    // SAFETY: the context of a trigger call is a TriggerData node, and nothing else has that tag.
    unsafe {
        let context = (*fcinfo).context;
        if context.is_null() || !pgrx::is_a(context, pg_sys::NodeTag::T_TriggerData) {
            return Err(Error::Argument {
                message: "this function can only be called as a trigger".to_owned(),
                hint: "fhir_access.protect() makes the triggers as they must be.".to_owned(),
            });
        }
        Ok(&*context.cast::<pg_sys::TriggerData>())
    }
}

/// Refuses a trigger that was made otherwise than `BEFORE … FOR EACH ROW`: it has no rows to look at.
fn require_before_row(data: &pg_sys::TriggerData) -> Result<()> {
    let row = data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
    let before = data.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_BEFORE;
    if row && before && operation(data) != Operation::Truncate {
        return Ok(());
    }
    Err(Error::Argument {
        message: "this trigger function works only BEFORE INSERT, UPDATE or DELETE, FOR EACH ROW"
            .to_owned(),
        hint: "fhir_access.protect() makes the triggers as they must be.".to_owned(),
    })
}

/// The operation that a trigger fires for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Insert,
    Update,
    Delete,
    Truncate,
}

fn operation(data: &pg_sys::TriggerData) -> Operation {
    match data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
        pg_sys::TRIGGER_EVENT_INSERT => Operation::Insert,
        pg_sys::TRIGGER_EVENT_UPDATE => Operation::Update,
        pg_sys::TRIGGER_EVENT_DELETE => Operation::Delete,
        _ => Operation::Truncate,
    }
}
