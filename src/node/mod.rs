//! Safe wrappers over PostgreSQL's own structures: relations, rows, expressions, query trees.
//!
//! Raw node fields are touched in this module, in `hooks` and in `triggers` only, each time with the reason why it is
//! sound.

pub mod cached;
pub mod call;
pub mod constant;
pub mod detoast;
pub mod expr;
pub mod generations;
pub mod index;
pub mod kept_nodes;
pub mod kept_query;
pub mod key_statistics;
pub mod log;
pub mod origin;
pub mod own_expressions;
pub mod places;
pub mod privilege;
pub mod quick;
pub mod quiet;
pub mod relation;
pub mod row;
pub mod row_security_error;
pub mod scan;
pub mod statement;
pub mod tree;
pub mod trigger;
pub mod withheld_error;
