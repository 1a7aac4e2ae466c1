//! What can be wrong with the text of criteria.

/// The criteria cannot be used; its `Display` is the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CriteriaError {
    /// Byte offset in the criteria's text.
    pub offset: usize,
    /// What is wrong, naming it.
    pub message: String,
    /// What to do about it, where that is not obvious.
    pub hint: Option<String>,
}

impl CriteriaError {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// A name or value as messages show it: quoted, escaped, at most 60 characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}…", text.get(..at).unwrap_or_default()),
    }
}
