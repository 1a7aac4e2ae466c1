pub mod criteria;
pub mod evaluate;
pub mod kinds;
pub mod path;
pub mod table;
pub mod truth;
