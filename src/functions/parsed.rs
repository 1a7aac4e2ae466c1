//! Tests and lists of fields by their text. What a text means never changes, whoever asks: a backend keeps those it has parsed
//! last, so that a prepared statement of one row does not parse its policy each time.

use crate::node::quick::QuickMap;
use access_policy::fields::FieldSet;
use fhir_search::Test;
use std::cell::RefCell;
use std::rc::Rc;
use std::str::FromStr;
use std::thread::LocalKey;

/// How many are kept, of each.
const MOST: usize = 256;

/// Texts of more bytes are lists of thousands, of which a few are kept.
const LONG: usize = 1024;

/// How many long texts are kept, of each, and how many bytes of them.
const MOST_LONG: usize = 16;
const LONGEST_TOGETHER: usize = 1024 * 1024;

struct Known<T> {
    short: QuickMap<String, Rc<T>>,
    /// The last used one is the last. To compare a text takes less than to make a hash of it.
    long: Vec<(String, Rc<T>)>,
}

thread_local! {
    static TESTS: RefCell<Known<Test>> = RefCell::new(Known::new());
    static FIELDS: RefCell<Known<FieldSet>> = RefCell::new(Known::new());
}

/// The test that a text stands for, if it does.
pub fn test(text: &str) -> Option<Rc<Test>> {
    of(&TESTS, text)
}

/// The list of fields that a text stands for, if it does.
pub fn fields(text: &str) -> Option<Rc<FieldSet>> {
    of(&FIELDS, text)
}

fn of<T: FromStr>(known: &'static LocalKey<RefCell<Known<T>>>, text: &str) -> Option<Rc<T>> {
    if let Some(value) = known.with_borrow_mut(|known| known.get(text)) {
        return Some(value);
    }
    let value = Rc::new(text.parse::<T>().ok()?);
    known.with_borrow_mut(|known| known.put(text, &value));
    Some(value)
}

impl<T> Known<T> {
    fn new() -> Self {
        Known {
            short: QuickMap::default(),
            long: Vec::new(),
        }
    }

    fn get(&mut self, text: &str) -> Option<Rc<T>> {
        if text.len() <= LONG {
            return self.short.get(text).cloned();
        }
        let place = self.long.iter().rposition(|(known, _)| known == text)?;
        let found = self.long.remove(place);
        let value = Rc::clone(&found.1);
        self.long.push(found);
        Some(value)
    }

    fn put(&mut self, text: &str, value: &Rc<T>) {
        if text.len() <= LONG {
            if self.short.len() >= MOST {
                self.short.clear();
            }
            self.short.insert(text.to_owned(), Rc::clone(value));
        } else if text.len() <= LONGEST_TOGETHER {
            self.long.push((text.to_owned(), Rc::clone(value)));
            let bytes = |(text, _): &(String, _)| text.len();
            while self.long.len() > MOST_LONG
                || self.long.iter().map(bytes).sum::<usize>() > LONGEST_TOGETHER
            {
                self.long.remove(0);
            }
        }
    }
}
