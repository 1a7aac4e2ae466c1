//! The audit trail: one line in the server's log for each refusal, write or reading statement, as `fhir_access.audit` says.
//!
//! A line is a FHIR R4 AuditEvent (crate `audit-event`). It is written at once and stays when the transaction is rolled
//! back; [`rollback`] says in another line that what was permitted came to nothing. No line holds a value of a document,
//! nor the text of a statement. A line that cannot be written is an error: what is not recorded is not done.

mod actor;
mod denied;
mod level;
mod line;
mod reads;
mod rollback;
mod with_check;
mod writes;

pub use denied::{About, denied, denied_at_start};
pub use level::Level;
pub use line::Line;
pub use reads::{copied, one, reading};
pub use with_check::callback as with_check_callback;
pub use writes::{permitted, truncated};

use crate::settings;

/// Are permitted writes recorded?
pub fn records_writes() -> bool {
    settings::audit() >= Level::Writes
}
