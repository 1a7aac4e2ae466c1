//! How a statement is enforced: PostgreSQL's hooks, each chained to whatever was installed before.
//!
//! * [`row_security`] marks the places of the predicates, when PostgreSQL rewrites the statement;
//! * [`planner`] puts the predicates there, and masks hidden fields in every reference to a protected relation ([`masking`]);
//! * [`finished`] refuses a finished plan that reaches one, or what is hidden in it, by any other way;
//! * [`statistics`] keeps what indexes know of hidden rows from the estimates of anybody's own conditions;
//! * [`relation`] shows each relation that the planner begins to know to those four that change what it knows;
//! * [`lookups`] says what it costs to ask an index for each of a policy's many values;
//! * [`brin`] keeps [`statistics`] from what PostgreSQL has not set;
//! * [`fuzzy`] keeps GIN indexes from dropping rows by chance;
//! * [`leakproof`] lets a statement's own conditions use indexes where these cannot leak;
//! * [`copy`] writes what `COPY … FROM` reads;
//! * [`deletion`] spares the trigger where the predicates of a `DELETE` say all that it would say;
//! * [`kept_plans`] hands out the plan that was made for the same statement and session before;
//! * [`executor`] is the fence: a plan runs only for the session context that it was made for.

mod brin;
mod copy;
mod deletion;
pub mod executor;
mod finished;
mod foreign_key;
mod fuzzy;
pub mod kept_plans;
mod leakproof;
mod lookups;
mod mark;
mod masking;
mod planner;
pub mod portals;
mod relation;
pub mod row_security;
mod standard;
pub mod statistics;
mod utility;

#[cfg(feature = "switches")]
pub use masking::switches;

/// Installs all hooks.
pub fn init() {
    row_security::install();
    planner::install();
    executor::install();
    utility::install();
    statistics::install();
    relation::install();
    leakproof::analyze::init();
    kept_plans::install();
    fuzzy::install();
}
