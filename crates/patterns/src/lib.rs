//! Patterns that raise no error in PostgreSQL, whatever they are matched with: an error would tell of rows that its reader may
//! not see. What is not known to be silent is not.

#![forbid(unsafe_code)]

mod json_path;
mod like;

pub use json_path::is_silent as is_silent_json_path;
pub use like::is_silent as is_silent_like;
