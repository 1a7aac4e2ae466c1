//! Text that is cheap to copy.

use std::ops::Deref;
use std::rc::Rc;

use super::Scalar;
use crate::eval::{Fault, Work};

/// A string: a part of a document or of the expression, or one that was made.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// Lies somewhere else.
    Borrowed(&'a str),
    /// Made by the evaluation.
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

/// Most bytes of a string that an evaluation makes.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// Characters whose case is looked up in one step.
const FOLDED_IN_A_STEP: usize = 16;

/// `~` between strings (N1 §6.1): case does not count, and one white space character is as good as another.
pub(super) fn equivalent(left: &str, right: &str, work: &Work<'_>) -> Result<bool, Fault> {
    let mut left = left.chars().flat_map(folded);
    let mut right = right.chars().flat_map(folded);
    loop {
        for _ in 0..FOLDED_IN_A_STEP {
            match (left.next(), right.next()) {
                (None, None) => return Ok(true),
                (left, right) if left != right => return Ok(false),
                _ => {}
            }
        }
        work.spend(1)?;
    }
}

/// What all spellings of a character have in common.
fn folded(c: char) -> impl Iterator<Item = char> {
    let c = if c.is_whitespace() { ' ' } else { c };
    // Lower case alone would leave `ς` and `σ`, or `ß` and `SS`, apart.
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Both strings in one.
///
/// # Errors
/// [`Fault::TextTooLong`] beyond [`MAX_TEXT`].
pub(super) fn concatenate<'a>(
    left: &str,
    right: &str,
    work: &Work<'_>,
) -> Result<Scalar<'a>, Fault> {
    let length = left.len().saturating_add(right.len());
    if length > MAX_TEXT {
        return Err(Fault::TextTooLong(MAX_TEXT));
    }
    work.spend_text(length)?;
    let mut text = String::with_capacity(length);
    text.push_str(left);
    text.push_str(right);
    Ok(Scalar::String(text.into()))
}
