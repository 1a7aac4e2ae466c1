//! What validation has to say about a document: findings with a JSON path.

use std::fmt;

use fhirpath::Span;

/// How much a [`Finding`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document works, but probably not as meant.
    Warning,
    /// The document is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One thing that is wrong, or looks wrong, in a document.
///
/// `Display` gives the whole of it on one line:
/// `resource[2].criteria: unknown search parameter "adress-state" for Patient (did you mean "address-state"?) at
/// character 9`. The excerpt stands apart, for whoever has room for several lines. No finding ever holds the value of a membership's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Where: `resource[2].criteria`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, as a sentence without a final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The 1-based character inside the string at `path` (a criteria, an expression) where the trouble starts.
    pub position: Option<usize>,
    /// The place in an expression, drawn for a person: line and column, the line, and carets below it.
    pub excerpt: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        if let Some(position) = self.position {
            write!(f, " at character {position}")?;
        }
        Ok(())
    }
}

/// Whether any of the findings is an error, which means that the document is refused.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// Findings of each severity that are kept; further ones are only counted, so that a hostile document cannot make a
/// large answer.
const KEPT: usize = 1_000;

/// Collects findings while a document is checked.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Adds an error.
    pub(crate) fn error(&mut self, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Error, path, message.into(), None, None);
    }

    /// Adds an error with a hint.
    pub(crate) fn error_hint(
        &mut self,
        path: &Path<'_>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.add(Severity::Error, path, message.into(), hint, None);
    }

    /// Adds an error at a byte offset of the string `text` that stands at `path`.
    pub(crate) fn error_at(
        &mut self,
        path: &Path<'_>,
        message: impl Into<String>,
        hint: Option<String>,
        text: &str,
        offset: usize,
    ) {
        let place = Place {
            position: position(text, offset),
            excerpt: None,
        };
        self.add(Severity::Error, path, message.into(), hint, Some(place));
    }

    /// Adds a finding on a place of the FHIRPath expression `source` that stands at `path`.
    pub(crate) fn add_in(
        &mut self,
        severity: Severity,
        path: &Path<'_>,
        message: impl Into<String>,
        hint: Option<String>,
        source: &str,
        span: Span,
    ) {
        let place = Place {
            position: position(source, span.range().start),
            excerpt: Some(fhirpath::excerpt(source, span)),
        };
        // A name in backticks may hold any character, and no text of PostgreSQL holds U+0000.
        let message = message.into().replace(char::is_control, "\u{fffd}");
        self.add(severity, path, message, hint, Some(place));
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        path: &Path<'_>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.add(Severity::Warning, path, message.into(), hint, None);
    }

    /// Whether the next warning would still be kept (making its text may be costly).
    pub(crate) fn keeps_warnings(&self) -> bool {
        self.warnings < KEPT
    }

    /// Whether any error was added.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    fn add(
        &mut self,
        severity: Severity,
        path: &Path<'_>,
        message: String,
        hint: Option<String>,
        place: Option<Place>,
    ) {
        let (position, excerpt) = match place {
            Some(place) => (Some(place.position), place.excerpt),
            None => (None, None),
        };
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count = count.saturating_add(1);
        if *count <= KEPT {
            self.kept.push(Finding {
                severity,
                path: path.to_string(),
                message,
                hint,
                position,
                excerpt,
            });
        }
    }

    /// The findings in document order, with a last one that says how many were left out.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        for (severity, count) in [
            (Severity::Error, self.errors),
            (Severity::Warning, self.warnings),
        ] {
            let left_out = count.saturating_sub(KEPT);
            if left_out > 0 {
                self.kept.push(Finding {
                    severity,
                    path: String::new(),
                    message: format!("{left_out} further findings of this severity are not listed"),
                    hint: None,
                    position: None,
                    excerpt: None,
                });
            }
        }
        self.kept
    }
}

/// Where in a string of the document.
struct Place {
    position: usize,
    excerpt: Option<String>,
}

/// The 1-based character of a text that stands at a byte offset.
fn position(text: &str, offset: usize) -> usize {
    text.char_indices()
        .take_while(|(start, _)| *start < offset)
        .count()
        .saturating_add(1)
}

/// A place in a JSON document; rendered only when a finding needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The document.
    Root,
    /// A member of an object.
    Field(&'a Path<'a>, &'a str),
    /// An element of an array.
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(parent, name) => {
                let plain = name.len() <= 64
                    && !name.is_empty()
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                match (plain, parent) {
                    (true, Path::Root) => f.write_str(name),
                    (true, _) => write!(f, "{parent}.{name}"),
                    (false, _) => write!(f, "{parent}[{}]", quote(name)),
                }
            }
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A string of the document in double quotes: control characters escaped, cut after 64 characters.
pub(crate) fn quote(text: &str) -> String {
    escaped(text, 64)
}

/// As [`quote`], cut after so many characters.
pub(crate) fn escaped(text: &str, most: usize) -> String {
    let mut out = String::from("\"");
    for (n, c) in text.chars().enumerate() {
        if n == most {
            out.push('…');
            break;
        }
        if c.is_control() || c == '"' || c == '\\' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

/// `did you mean "x"?` with the candidate that is nearest to `word`, when one is near enough to be a slip.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("did you mean \"{candidate}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_holds_path_message_hint_and_position() {
        let finding = Finding {
            severity: Severity::Error,
            path: "resource[2].criteria".into(),
            message: "unknown search parameter \"adress-state\" for Patient".into(),
            hint: Some("did you mean \"address-state\"?".into()),
            position: Some(9),
            excerpt: None,
        };
        assert_eq!(
            finding.to_string(),
            "resource[2].criteria: unknown search parameter \"adress-state\" for Patient \
             (did you mean \"address-state\"?) at character 9"
        );
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        let mut findings = Findings::default();
        findings.error_at(&Path::Root, "x", None, "äöü=1", 6);
        findings.error_at(&Path::Root, "x", None, "ab", 99);
        let findings = findings.finish();
        assert_eq!(findings[0].position, Some(4));
        assert_eq!(findings[1].position, Some(3));
    }

    #[test]
    fn paths_render_like_json_paths() {
        let root = Path::Root;
        let resource = Path::Field(&root, "resource");
        let second = Path::Index(&resource, 2);
        assert_eq!(
            Path::Field(&second, "criteria").to_string(),
            "resource[2].criteria"
        );
        assert_eq!(
            Path::Field(&second, "a b").to_string(),
            "resource[2][\"a b\"]"
        );
        assert_eq!(root.to_string(), "");
    }

    #[test]
    fn quoting_escapes_and_cuts() {
        assert_eq!(quote("a\"b\n"), "\"a\\\"b\\n\"");
        assert_eq!(quote(&"x".repeat(70)), format!("\"{}…\"", "x".repeat(64)));
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["resourceType", "criteria", "readonly"];
        assert_eq!(
            did_you_mean("criterai", known).as_deref(),
            Some("did you mean \"criteria\"?")
        );
        assert_eq!(
            did_you_mean("readOnly", known).as_deref(),
            Some("did you mean \"readonly\"?")
        );
        assert_eq!(did_you_mean("zebra", known), None);
        assert_eq!(did_you_mean(&"readonly".repeat(100), known), None);
    }

    #[test]
    fn findings_beyond_the_limit_are_counted_and_errors_are_never_lost() {
        let mut findings = Findings::default();
        for _ in 0..KEPT + 5 {
            findings.warning(&Path::Root, "w", None);
        }
        findings.error(&Path::Root, "e");
        assert!(findings.has_errors());
        let findings = findings.finish();
        assert_eq!(findings.len(), KEPT + 2);
        assert!(has_errors(&findings));
        assert!(findings[KEPT + 1].message.starts_with("5 further"));
    }
}
