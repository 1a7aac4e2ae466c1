//! Tests by their text. What a text means never changes, whoever asks: a backend keeps those it has parsed last, so that a
//! prepared statement of one row does not parse its policy each time.

use fhir_search::Test;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How many are kept.
const MOST: usize = 256;

/// Of longer texts, in bytes, there are few, and parsing them is little beside what they are asked for.
const LONGEST: usize = 1024;

thread_local! {
    static PARSED: RefCell<HashMap<String, Rc<Test>>> = RefCell::default();
}

/// The test that a text stands for, if it does.
pub fn of(text: &str) -> Option<Rc<Test>> {
    if let Some(known) = PARSED.with_borrow(|parsed| parsed.get(text).cloned()) {
        return Some(known);
    }
    let test = Rc::new(text.parse::<Test>().ok()?);
    if text.len() <= LONGEST {
        PARSED.with_borrow_mut(|parsed| {
            if parsed.len() >= MOST {
                parsed.clear();
            }
            parsed.insert(text.to_owned(), Rc::clone(&test));
        });
    }
    Some(test)
}
