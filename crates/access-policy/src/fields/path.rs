//! The text of one path.

const MAX_PATHS: usize = 1_000;
const MAX_STEPS: usize = 32;
const MAX_STEP_BYTES: usize = 128;

/// A path is not one that a field set can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    /// The index of the path in the list.
    pub index: usize,
    /// What is wrong with it.
    pub message: &'static str,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'p> {
    /// An element's name.
    Name(&'p str),
    /// `value[x]`: the name without `[x]`.
    Choice(&'p str),
}

/// The steps of a path that may be hidden or readonly.
pub(super) fn parse(path: &str, index: usize) -> Result<Vec<Step<'_>>, PathError> {
    if matches!(path, "resourceType" | "id") {
        return Err(PathError {
            index,
            message: "resourceType and id can be neither hidden nor readonly",
        });
    }
    if index >= MAX_PATHS {
        return Err(PathError {
            index,
            message: "more than 1000 paths",
        });
    }
    parse_any(path, index)
}

/// The steps of any path.
pub(super) fn parse_any(path: &str, index: usize) -> Result<Vec<Step<'_>>, PathError> {
    let error = |message| PathError { index, message };
    if path.is_empty() {
        return Err(error("an empty path"));
    }
    let mut steps = Vec::new();
    for text in path.split('.') {
        if steps.len() == MAX_STEPS {
            return Err(error("a path of more than 32 steps"));
        }
        let (name, step) = match text.strip_suffix("[x]") {
            Some(name) => (name, Step::Choice(name)),
            None => (text, Step::Name(text)),
        };
        if name.len() > MAX_STEP_BYTES {
            return Err(error("a step of more than 128 bytes"));
        }
        if !is_name(name) {
            return Err(error(
                "not a path of element names joined by dots, like name.family or value[x]",
            ));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
