//! [`Value::verify`]: every part of a document, checked.

use crate::value::key_order;
use crate::{Array, ArrayIter, Corrupt, MAX_DEPTH, Object, ObjectIter, Value};

enum Open<'a> {
    Array(ArrayIter<'a>),
    Object(ObjectIter<'a>, &'a str, bool),
}

impl<'a> Value<'a> {
    /// Checks everything below: each child lies inside its container, strings are UTF-8 without U+0000, numbers are complete and
    /// in normal form, keys are unique
    /// and in order, and containers nest at most [`MAX_DEPTH`] deep. Takes time linear in the size, and does not recurse.
    ///
    /// # Errors
    /// [`Corrupt`] with the first thing found wrong.
    pub fn verify(&self) -> Result<(), Corrupt> {
        let mut open = Vec::new();
        let mut value = *self;
        loop {
            match value {
                Value::Array(array) => open.push(enter_array(&array)),
                Value::Object(object) => open.push(enter_object(&object)),
                Value::String(text) => no_nul(text)?,
                Value::Number(number) if !number.is_normal() => {
                    return Err(Corrupt("a number is not in numeric's normal form"));
                }
                _ => {}
            }
            if open.len() > MAX_DEPTH {
                return Err(Corrupt("containers are nested too deeply"));
            }
            value = loop {
                let Some(top) = open.last_mut() else {
                    return Ok(());
                };
                match advance(top)? {
                    Some(next) => break next,
                    None => open.pop(),
                };
            };
        }
    }
}

fn enter_array<'a>(array: &Array<'a>) -> Open<'a> {
    Open::Array(array.try_iter())
}

fn enter_object<'a>(object: &Object<'a>) -> Open<'a> {
    Open::Object(object.try_iter(), "", true)
}

fn advance<'a>(open: &mut Open<'a>) -> Result<Option<Value<'a>>, Corrupt> {
    match open {
        Open::Array(elements) => elements.next().transpose(),
        Open::Object(members, last, first) => {
            let Some((key, value)) = members.next().transpose()? else {
                return Ok(None);
            };
            no_nul(key)?;
            if !*first && key_order(last.as_bytes(), key.as_bytes()).is_ge() {
                return Err(Corrupt("keys are not in order"));
            }
            (*last, *first) = (key, false);
            Ok(Some(value))
        }
    }
}

fn no_nul(text: &str) -> Result<(), Corrupt> {
    if text.contains('\0') {
        return Err(Corrupt("a string holds U+0000"));
    }
    Ok(())
}
