//! The text of one path.

const MAX_PATHS: usize = 1_000;
const MAX_STEPS: usize = 32;
const MAX_STEP_BYTES: usize = 128;
const MAX_URL_BYTES: usize = 1_000;

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
    /// `extension('url')`: the elements of `extension` that have this URL.
    Extension { element: &'p str, url: &'p str },
}

/// The elements whose members are told apart by their URL.
const EXTENSIONS: [&str; 2] = ["extension", "modifierExtension"];

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
    for text in split(path, '.') {
        if steps.len() == MAX_STEPS {
            return Err(error("a path of more than 32 steps"));
        }
        steps.push(step(text).map_err(error)?);
    }
    Ok(steps)
}

fn step(text: &str) -> Result<Step<'_>, &'static str> {
    if let Some((element, argument)) = text.split_once('(') {
        let url = argument
            .strip_suffix(')')
            .and_then(|quoted| quoted.strip_prefix('\'')?.strip_suffix('\''))
            .filter(|_| EXTENSIONS.contains(&element))
            .ok_or("an extension is named by its URL in quotes, like extension('http://example.org/race')")?;
        if url.is_empty() || url.len() > MAX_URL_BYTES {
            return Err("the URL of an extension has 1 to 1000 bytes");
        }
        if url.contains(['\'', '\\']) || url.contains(char::is_control) {
            return Err(
                "the URL of an extension has no quotes, backslashes and control characters",
            );
        }
        return Ok(Step::Extension { element, url });
    }
    let (name, step) = match text.strip_suffix("[x]") {
        Some(name) => (name, Step::Choice(name)),
        None => (text, Step::Name(text)),
    };
    if name.len() > MAX_STEP_BYTES {
        return Err("a step of more than 128 bytes");
    }
    if !is_name(name) {
        return Err("not a path of element names joined by dots, like name.family or value[x]");
    }
    Ok(step)
}

/// The parts of `text` between separators that stand outside quotes.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '\'';
        c == separator && !quoted
    })
}

/// The path without the URLs of extensions: `extension('http://example.org/race').valueCode` is `extension.valueCode`.
/// Element by element it says the same; a text that is no path stays as it is.
pub fn without_urls(path: &str) -> String {
    let Ok(steps) = parse_any(path, 0) else {
        return path.to_owned();
    };
    let mut plain = String::with_capacity(path.len());
    for step in steps {
        if !plain.is_empty() {
            plain.push('.');
        }
        match step {
            Step::Name(name) | Step::Extension { element: name, .. } => plain.push_str(name),
            Step::Choice(name) => {
                plain.push_str(name);
                plain.push_str("[x]");
            }
        }
    }
    plain
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
