//! Tests and lists of fields by their text. What a text means never changes, whoever asks: a backend keeps those it has parsed
//! last, so that a prepared statement of one row does not parse its policy each time.

use access_policy::fields::FieldSet;
use fhir_search::Test;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr;
use std::thread::LocalKey;

/// How many are kept, of each.
const MOST: usize = 256;

/// Of longer texts, in bytes, there are few, and parsing them is little beside what they are asked for.
const LONGEST: usize = 1024;

type Known<T> = RefCell<HashMap<String, Rc<T>>>;

thread_local! {
    static TESTS: Known<Test> = RefCell::default();
    static FIELDS: Known<FieldSet> = RefCell::default();
}

/// The test that a text stands for, if it does.
pub fn test(text: &str) -> Option<Rc<Test>> {
    of(&TESTS, text)
}

/// The list of fields that a text stands for, if it does.
pub fn fields(text: &str) -> Option<Rc<FieldSet>> {
    of(&FIELDS, text)
}

fn of<T: FromStr>(known: &'static LocalKey<Known<T>>, text: &str) -> Option<Rc<T>> {
    if let Some(value) = known.with_borrow(|known| known.get(text).cloned()) {
        return Some(value);
    }
    let value = Rc::new(text.parse::<T>().ok()?);
    if text.len() <= LONGEST {
        known.with_borrow_mut(|known| {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(text.to_owned(), Rc::clone(&value));
        });
    }
    Some(value)
}
