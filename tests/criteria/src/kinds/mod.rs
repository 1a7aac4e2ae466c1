//! One file for each kind of parameter: when does an element fit a value?

pub mod date;
pub mod number;
pub mod prefix;
pub mod reference;
pub mod string;
pub mod token;
pub mod uri;
