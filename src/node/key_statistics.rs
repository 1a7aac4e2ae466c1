//! What `CREATE STATISTICS` keeps of a relation's keys: which of its expressions are our functions of the resource.

use super::index::{KeyColumns, KeyFunction, key_function};
use super::relation::OpenRelation;
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};

/// An expression of a statistics object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatistics {
    /// The statistics object.
    pub oid: pg_sys::Oid,
    /// Which of its expressions, from 0.
    pub place: i32,
    /// The function.
    pub function: KeyFunction,
    /// Its second argument, letter by letter.
    pub paths: String,
}

/// All statistics of `relation` on keys.
pub fn of(relation: &OpenRelation, columns: &KeyColumns<'_>) -> Vec<KeyStatistics> {
    // SAFETY: the relation is open; the list is a copy.
    let objects: Vec<pg_sys::Oid> = unsafe {
        let list = pg_sys::RelationGetStatExtList(relation.as_ptr());
        PgList::<std::ffi::c_void>::from_pg(list)
            .iter_oid()
            .collect()
    };
    objects
        .into_iter()
        .flat_map(|oid| describe(oid, columns))
        .collect()
}

fn describe(oid: pg_sys::Oid, columns: &KeyColumns<'_>) -> Vec<KeyStatistics> {
    // SAFETY: the tuple is released after its text was copied; the text is a list of expressions.
    let expressions = unsafe {
        let cache = pg_sys::SysCacheIdentifier::STATEXTOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(oid));
        if tuple.is_null() {
            return Vec::new();
        }
        let mut is_null = false;
        let number = pg_sys::Anum_pg_statistic_ext_stxexprs as pg_sys::AttrNumber;
        let text = pg_sys::SysCacheGetAttr(cache, tuple, number, &mut is_null);
        let text = (!is_null).then(|| pg_sys::text_to_cstring(text.cast_mut_ptr()));
        pg_sys::ReleaseSysCache(tuple);
        let Some(text) = text else {
            return Vec::new();
        };
        PgList::<pg_sys::Node>::from_pg(pg_sys::stringToNode(text).cast())
    };
    (0..)
        .zip(expressions.iter_ptr())
        .filter_map(|(place, expression)| {
            // SAFETY: an expression of the catalog.
            let (function, paths) = unsafe { key_function(expression, columns)? };
            Some(KeyStatistics {
                oid,
                place,
                function,
                paths,
            })
        })
        .collect()
}

/// Names for statistics objects on one relation: PostgreSQL 15 makes none up.
pub struct Names {
    relation: String,
    schema: pg_sys::Oid,
    taken: BTreeSet<String>,
}

/// PostgreSQL cuts longer names.
const LONGEST: usize = 63;

impl Names {
    /// For `relation`.
    pub fn new(relation: pg_sys::Oid) -> Names {
        // SAFETY: look-ups by OID; the name is null for a relation that is gone.
        let (name, schema) = unsafe {
            let name = pg_sys::get_rel_name(relation);
            let name = (!name.is_null()).then(|| CStr::from_ptr(name));
            (name, pg_sys::get_rel_namespace(relation))
        };
        Names {
            relation: name.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            schema,
            taken: BTreeSet::new(),
        }
    }

    /// A name that no statistics object of the schema has: of the relation, the function, and the first of its paths.
    pub fn next(&mut self, function: KeyFunction, paths: &str) -> String {
        let path = paths.split([':', ',']).next().unwrap_or_default();
        let words = path.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let name = format!("{}_{}_{}", self.relation, function.name(), words.join("_"));
        let numbered = (2_u32..).map(|number| with_end(&name, &format!("_{number}")));
        let mut names = std::iter::once(with_end(&name, "")).chain(numbered);
        let free = names.find(|name| !self.taken.contains(name) && !self.is_there(name));
        let free = free.unwrap_or(name);
        self.taken.insert(free.clone());
        free
    }

    fn is_there(&self, name: &str) -> bool {
        let Ok(name) = CString::new(name) else {
            return false;
        };
        // SAFETY: a catalog look-up; the name is copied into a zeroed NameData, which it fits.
        unsafe {
            let mut data = pg_sys::NameData::default();
            pg_sys::namestrcpy(&mut data, name.as_ptr());
            pg_sys::SearchSysCacheExists(
                pg_sys::SysCacheIdentifier::STATEXTNAMENSP as i32,
                pg_sys::Datum::from(&raw const data),
                pg_sys::Datum::from(self.schema),
                pg_sys::Datum::from(0),
                pg_sys::Datum::from(0),
            )
        }
    }
}

/// `name` and `end`, cut between characters so that both fit.
fn with_end(name: &str, end: &str) -> String {
    let room = LONGEST.saturating_sub(end.len());
    let places = name
        .char_indices()
        .map(|(place, letter)| place + letter.len_utf8());
    let cut = places
        .take_while(|place| *place <= room)
        .last()
        .unwrap_or(0);
    format!("{}{end}", name.get(..cut).unwrap_or_default())
}
