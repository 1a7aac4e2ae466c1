//! fhir_access: FHIR access policies, enforced inside PostgreSQL for every client.
//!
//! A thin shell over the pure crates `access-policy`, `fhir-search`, `fhirpath` and `jsonb`. Start reading at [`hooks`] (how a
//! statement is enforced) and [`session`] (who is asking).

use pgrx::prelude::*;

pgrx::pg_module_magic!(name, version);

mod audit;
mod catalog;
mod constraint;
mod document;
mod error;
mod estimates;
mod functions;
mod hooks;
mod node;
mod predicate;
mod registry;
mod session;
mod settings;
mod tools;
mod triggers;

extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
extension_sql_file!(
    "../sql/doctor.sql",
    name = "doctor",
    requires = ["bootstrap", tools::validate::validate]
);
extension_sql_file!(
    "../sql/leakproof.sql",
    name = "leakproof",
    requires = ["bootstrap"]
);
extension_sql_file!("../sql/grants.sql", name = "grants", finalize);

/// Called once per process: by the postmaster, at session start, or in the middle of a session.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // An error's DETAIL belongs to its reader: no Rust backtrace in it, whatever the server's environment says.
    // SAFETY: a PostgreSQL process has one thread.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    settings::init();
    catalog::init();
    estimates::init();
    functions::init();
    hooks::init();
}
