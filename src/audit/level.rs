//! How much is recorded.

use pgrx::guc::PostgresGucEnum;

/// The values of `fhir_access.audit`; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, PostgresGucEnum)]
pub enum Level {
    /// Nothing.
    #[name = c"off"]
    Off,
    /// What is refused.
    #[name = c"denied"]
    Denied,
    /// Each row that is written.
    #[name = c"writes"]
    Writes,
    /// Each statement that reads.
    #[name = c"all"]
    All,
}
