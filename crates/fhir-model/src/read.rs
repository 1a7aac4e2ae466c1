//! The text of the table, line by line. See `data/README.md` for its form.

use std::iter::Peekable;

static SOURCE: &str = include_str!("../data/elements.txt");

/// A type with a name, as written.
#[derive(Debug)]
pub(crate) struct TypeText {
    /// `resource`, `datatype`, `primitive` or `undescribed`.
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    /// The type that it extends, or `-`.
    pub(crate) base: &'static str,
    pub(crate) children: Vec<ElementText>,
}

/// An element, as written.
#[derive(Debug)]
pub(crate) struct ElementText {
    /// Without `[x]` and `*`.
    pub(crate) name: &'static str,
    pub(crate) choice: bool,
    pub(crate) many: bool,
    pub(crate) types: Vec<&'static str>,
    /// The resource types that a `Reference` may point to.
    pub(crate) targets: Vec<&'static str>,
    /// The path of the element whose children this one repeats.
    pub(crate) repeats: Option<&'static str>,
    pub(crate) children: Vec<ElementText>,
}

/// All types with a name, in the order of the text, which is alphabetical.
pub(crate) fn types() -> Vec<TypeText> {
    let mut types = Vec::new();
    let mut lines = SOURCE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .peekable();
    while let Some(line) = lines.next() {
        let mut words = line.split(' ');
        if let (Some(kind), Some(name), Some(base)) = (words.next(), words.next(), words.next()) {
            types.push(TypeText {
                kind,
                name,
                base,
                children: children(&mut lines, 1),
            });
        }
    }
    types
}

/// Reads the lines indented by `depth` (as deep as R4's elements are nested) and, below each, its children.
fn children(
    lines: &mut Peekable<impl Iterator<Item = &'static str>>,
    depth: usize,
) -> Vec<ElementText> {
    let mut elements = Vec::new();
    while let Some(line) = lines.next_if(|line| line.len() - line.trim_start().len() == depth) {
        let mut words = line.trim_start().split(' ');
        let name = words.next().unwrap_or_default();
        let (name, many) = strip(name, "*");
        let (name, choice) = strip(name, "[x]");
        let mut element = ElementText {
            name,
            choice,
            many,
            types: Vec::new(),
            targets: Vec::new(),
            repeats: None,
            children: Vec::new(),
        };
        for word in words {
            match (word.strip_prefix('#'), word.split_once('(')) {
                (Some(path), _) => element.repeats = Some(path),
                (None, Some((name, targets))) => {
                    element.types.push(name);
                    element.targets = targets.trim_end_matches(')').split('|').collect();
                }
                (None, None) => element.types.push(word),
            }
        }
        element.children = children(lines, depth + 1);
        elements.push(element);
    }
    elements
}

/// A name without its mark, and whether it had it.
fn strip(name: &'static str, mark: &str) -> (&'static str, bool) {
    name.strip_suffix(mark)
        .map_or((name, false), |name| (name, true))
}
