//! Criteria, as the extension compiles them to SQL, against an evaluator that was written from `docs/criteria.md` and the
//! search page of FHIR R4 alone: it shares no code with the extension, and no mistake.
#![cfg(test)]

mod agreement;
mod criteria;
mod database;
mod dice;
mod documents;
mod evaluate;
mod generate;
mod kinds;
mod mutate;
mod path;
mod plant;
mod shrink;
mod table;
mod truth;
mod values;
