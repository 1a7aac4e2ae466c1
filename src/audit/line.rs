//! A line on its way into the log.

use super::rollback;
use crate::error::{Error, Result};
use crate::node::log;
use audit_event::{Actor, Event};
use pgrx::prelude::*;
use std::ffi::CString;

/// The line of a permitted write, which may have to wait until it is clear that the write takes place.
pub struct Line {
    text: String,
    actor: Actor,
}

impl Line {
    /// The line of an event of the actor's.
    pub fn of(text: String, actor: Actor) -> Line {
        Line { text, actor }
    }

    /// Writes it. The transaction is noted, so that its rollback will be recorded.
    pub fn write(self) -> Result<()> {
        write(&self.text)?;
        rollback::note(self.actor);
        Ok(())
    }
}

/// Writes the line of an event that is over already.
pub fn record(event: &Event<'_>) -> Result<()> {
    write(&event.line())
}

fn write(text: &str) -> Result<()> {
    let written = CString::new(text).is_ok_and(|text| log::server_log(&text));
    if written {
        return Ok(());
    }
    Err(Error::NotReady {
        message: "an audit line cannot be written to the server's log".to_owned(),
        hint: "While fhir_access.audit is on, log_min_messages must not be fatal or panic, and log_destination not empty."
            .to_owned(),
    })
}

/// The time, as events have it.
pub fn now() -> i64 {
    /// From 1970 to 2000, where PostgreSQL's time begins.
    const MICROSECONDS: i64 = 946_684_800_000_000;
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }.saturating_add(MICROSECONDS)
}
