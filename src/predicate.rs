//! From the predicate IR to SQL text over one protected relation: the one compiler that row security, masking, write
//! checks and explanations share.
//!
//! Values become literals in one function ([`literal`]), identifiers are quoted in one ([`identifier`]), and every
//! operator, type and function is named with its schema, because the text is parsed under the user's `search_path`.

mod columns;
pub mod current;
pub mod readable;
pub mod served;
mod types;

use crate::node::expr::ROW;
use crate::node::index::KeyFunction;
use crate::registry::Protected;
use crate::session::reach::ReachEntry;
use fhir_search::keys::Paths;
use fhir_search::{Comparison, Condition, KeyValue, Lookup, Predicate, Test};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// How an expression is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For the parser: everything qualified.
    Exact,
    /// For a reader: the same expression without schema names and the row's alias.
    Readable,
}

/// Writes expressions over one relation.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    protected: &'a Protected,
    style: Style,
    new_rows: bool,
    /// May one of the rows in question hold a reference in irregular form?
    irregular: bool,
    /// The row's name: every column is written with it, or, for a reader, those that have one here.
    row: Option<&'a str>,
}

/// More texts than these are looked up in a sorted list rather than one by one, where a row must be compared with them.
const FEW_TEXTS: usize = 64;

/// Without an index, containment of more documents than these is slower than one test.
const MOST_READABLE: usize = 8;

impl<'a> Writer<'a> {
    /// A writer for `protected`.
    pub fn new(protected: &'a Protected, style: Style) -> Writer<'a> {
        Writer {
            protected,
            style,
            new_rows: false,
            irregular: protected.is_irregular(None),
            row: None,
        }
    }

    /// The same for a row of this name.
    pub fn naming(self, row: &'a str) -> Writer<'a> {
        Writer {
            row: Some(row),
            ..self
        }
    }

    /// The same for rows that are being written: no index is asked, and references may be in irregular form even where no
    /// stored row has one yet.
    pub fn for_new_rows(self) -> Writer<'a> {
        Writer {
            new_rows: true,
            ..self
        }
    }

    /// The rows on which `predicate` is true.
    pub fn predicate(&self, predicate: &Predicate) -> String {
        match predicate {
            Predicate::Constant(true) => "true".to_owned(),
            Predicate::Constant(false) => "false".to_owned(),
            Predicate::And(parts) => self.conjunction(parts),
            Predicate::Or(parts) => self.joined(parts, " OR ", "false"),
            Predicate::Id(ids) => self.id(ids),
            Predicate::ResourceType(types) => self.resource_type(types),
            Predicate::TypeAgrees => self.type_agrees(),
            Predicate::Test(test) => self.test(test),
            Predicate::SecurityContext => {
                self.call("security_context_readable", &[self.resource()])
            }
            Predicate::Not(inner) => match inner.as_ref() {
                // The exact test, not containment: on an element of the wrong type it is NULL, and so is its negation.
                Predicate::Test(test) => match self.in_project_column(test) {
                    Some(column) => {
                        format!("(({column}) IS NOT TRUE AND NOT {})", self.exact(test))
                    }
                    None => format!("NOT {}", self.exact(test)),
                },
                other => format!("NOT ({})", self.predicate(other)),
            },
        }
    }

    fn joined(&self, parts: &[Predicate], operator: &str, empty: &str) -> String {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| self.predicate(part))
            .filter(|part| part != empty)
            .collect();
        match parts.as_slice() {
            [] => empty.to_owned(),
            [one] => one.clone(),
            parts => format!("({})", parts.join(operator)),
        }
    }

    /// The rows that pass a test.
    fn test(&self, test: &Test) -> String {
        match (self.in_project_column(test), test.presence()) {
            (None, _) => self.test_of_document(test),
            (Some(column), Some(presence)) if presence != *test => {
                // A document that says otherwise belongs to nobody. The column has the index: of the document one question is
                // asked, not two.
                let text = self.text(&test.to_string());
                let agrees = self.call("test_if_present", &[self.resource(), text]);
                format!("({column} AND {agrees})")
            }
            (Some(column), _) => format!("({column} OR {})", self.test_of_document(test)),
        }
    }

    /// The rows whose documents pass a test: by a condition that an index of the relation can answer, where there is one.
    fn test_of_document(&self, test: &Test) -> String {
        if self.new_rows {
            return self.exact(test);
        }
        let lookups = served::lookups(self.irregular, test);
        let served: Vec<&Lookup> = lookups
            .iter()
            .filter(|lookup| served::serves(self.protected, &lookup.condition))
            .collect();
        match served.first() {
            Some(lookup) if lookup.decides => return self.condition(&lookup.condition),
            Some(_) => {
                let narrow = served.iter().filter(|lookup| !lookup.decides);
                let mut parts: Vec<String> = narrow
                    .map(|lookup| self.condition(&lookup.condition))
                    .collect();
                parts.push(self.exact(test));
                return format!("({})", parts.join(" AND "));
            }
            None => {}
        }
        // Without an index, what everybody can read, as long as it is not slower than the test.
        let readable = lookups.iter().find(|lookup| {
            let few = matches!(&lookup.condition, Condition::Contains(documents) if documents.len() <= MOST_READABLE);
            lookup.decides && few
        });
        match readable {
            Some(lookup) => self.condition(&lookup.condition),
            None => self.exact(test),
        }
    }

    fn condition(&self, condition: &Condition) -> String {
        match condition {
            Condition::Contains(documents) => self.contains(documents),
            Condition::Targets(paths, targets) => {
                self.any_is(&self.key(KeyFunction::Targets, paths), targets)
            }
            Condition::Tokens(paths, tokens) => {
                self.any_is(&self.key(KeyFunction::Tokens, paths), tokens)
            }
            Condition::Uris(paths, uris) => self.any_is(&self.key(KeyFunction::Uris, paths), uris),
            Condition::StringsStartWith(paths, prefixes) => {
                let key = self.key(KeyFunction::Strings, paths);
                format!(
                    "{key} {} {}",
                    self.our_operator("^@"),
                    self.list(prefixes, "text")
                )
            }
            Condition::StringsContain(paths, needles) => {
                let key = self.key(KeyFunction::Strings, paths);
                format!(
                    "{key} {} {}",
                    self.our_operator("@~"),
                    self.list(needles, "text")
                )
            }
            Condition::UrisBelow(paths, uris) => {
                let key = self.key(KeyFunction::Uris, paths);
                let below: Vec<String> = uris.iter().map(|uri| format!("{uri}/")).collect();
                format!(
                    "({} OR {key} {} {})",
                    self.any_is(&key, uris),
                    self.our_operator("^@"),
                    self.list(&below, "text")
                )
            }
            Condition::Compare(paths, alternatives) => {
                let alternatives: Vec<String> = alternatives
                    .iter()
                    .map(|alternative| {
                        let all: Vec<String> = alternative
                            .all
                            .iter()
                            .map(|comparison| self.comparison(paths, comparison))
                            .collect();
                        match all.as_slice() {
                            [one] => one.clone(),
                            all => format!("({})", all.join(" AND ")),
                        }
                    })
                    .collect();
                match alternatives.as_slice() {
                    [one] => one.clone(),
                    alternatives => format!("({})", alternatives.join(" OR ")),
                }
            }
        }
    }

    /// One of the texts of `key` is one of these.
    fn any_is(&self, key: &str, wanted: &[String]) -> String {
        let one = self.our_operator("?");
        match wanted {
            [text] => format!("{key} {one} {}", self.text(text)),
            // Rows that the index found are not looked at again: with few texts that is worth most.
            texts if texts.len() <= FEW_TEXTS => {
                format!("{key} {one} ANY ({})", self.list(texts, "text"))
            }
            texts => format!(
                "{key} {} {}",
                self.our_operator("?|"),
                self.list(texts, "text")
            ),
        }
    }

    fn comparison(&self, paths: &Paths, comparison: &Comparison) -> String {
        let type_name = match comparison.with {
            KeyValue::Time(_) => "timestamptz",
            KeyValue::Number(_) => "numeric",
            KeyValue::Text(_) => "text",
        };
        format!(
            "{} {} {}",
            self.key(comparison.key.into(), paths),
            self.operator(comparison.operator.symbol()),
            self.typed(&comparison.with.to_string(), type_name)
        )
    }

    /// A key of the row, letter by letter as an index has it.
    fn key(&self, function: KeyFunction, paths: &Paths) -> String {
        self.call(
            function.name(),
            &[self.resource(), self.text(&paths.to_string())],
        )
    }

    fn contains(&self, documents: &[serde_json::Value]) -> String {
        let column = self.resource();
        let operator = self.operator("@>");
        match documents {
            [document] => format!(
                "{column} {operator} {}",
                self.typed(&document.to_string(), "jsonb")
            ),
            documents => {
                let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
                format!("{column} {operator} ANY ({})", self.list(&texts, "jsonb"))
            }
        }
    }

    fn exact(&self, test: &Test) -> String {
        self.call("test", &[self.resource(), self.text(&test.to_string())])
    }

    fn id(&self, ids: &[String]) -> String {
        self.is_one_of(&self.protected.id, ids)
    }

    /// The rows that are this version of their resource.
    pub fn version(&self, version: &str) -> String {
        let history = self.protected.history.as_ref();
        match history.and_then(|history| history.version.as_ref()) {
            Some(column) => self.is_one_of(column, &[version.to_owned()]),
            None => self.contains(&[serde_json::json!({ "meta": { "versionId": version } })]),
        }
    }

    /// `CASE WHEN first THEN 0 WHEN second THEN 1 … END`: the place of the first of `entries` that grants the row;
    /// NULL where none does.
    pub fn deciding_entry(&self, entries: &[Rc<ReachEntry>], scope: &Predicate) -> String {
        let mut text = String::from("CASE");
        if let Some(has_document) = self.has_document() {
            text.push_str(&format!(" WHEN NOT ({has_document}) THEN NULL"));
        }
        if *scope != Predicate::Constant(true) {
            text.push_str(&format!(
                " WHEN ({}) IS NOT TRUE THEN NULL",
                self.predicate(scope)
            ));
        }
        for (place, entry) in entries.iter().enumerate() {
            text.push_str(&format!(
                " WHEN {} THEN {place}",
                self.predicate(&entry.predicate)
            ));
        }
        if entries.is_empty() {
            text.push_str(" WHEN false THEN 0");
        }
        format!("{text} END::{}", self.type_name("int4"))
    }

    /// A column's name, as the expression refers to it.
    pub fn column(&self, name: &str) -> String {
        match (self.style, self.row) {
            (Style::Exact, row) => format!("{}.{}", row.unwrap_or(ROW), identifier(name)),
            (Style::Readable, Some(row)) => format!("{row}.{}", readable_identifier(name)),
            (Style::Readable, None) => readable_identifier(name),
        }
    }

    /// An operator of PostgreSQL's own.
    pub fn operator(&self, symbol: &str) -> String {
        self.operator_of("pg_catalog", symbol)
    }

    fn our_operator(&self, symbol: &str) -> String {
        self.operator_of("fhir_access", symbol)
    }

    fn operator_of(&self, schema: &str, symbol: &str) -> String {
        match self.style {
            Style::Exact => format!("OPERATOR({schema}.{symbol})"),
            Style::Readable => symbol.to_owned(),
        }
    }

    /// A type of PostgreSQL's own.
    pub fn type_name(&self, name: &str) -> String {
        match self.style {
            Style::Exact => format!("pg_catalog.{name}"),
            Style::Readable => name.to_owned(),
        }
    }

    fn typed(&self, value: &str, type_name: &str) -> String {
        match (self.style, type_name) {
            (Style::Readable, "text" | "jsonb") => literal(value),
            _ => format!("{}::{}", literal(value), self.type_name(type_name)),
        }
    }

    /// An array constant.
    fn list<T: AsRef<str>>(&self, values: &[T], element: &str) -> String {
        let type_name = format!("{element}[]");
        match self.style {
            Style::Exact => self.typed(&array(values), &type_name),
            Style::Readable => {
                let values: Vec<String> =
                    values.iter().map(|value| literal(value.as_ref())).collect();
                format!("ARRAY[{}]::{type_name}", values.join(", "))
            }
        }
    }

    /// A call of one of our own functions.
    pub fn call(&self, function: &str, arguments: &[String]) -> String {
        format!("fhir_access.{function}({})", arguments.join(", "))
    }

    /// A text constant.
    pub fn text(&self, value: &str) -> String {
        self.typed(value, "text")
    }
}

/// A quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An identifier, quoted only where PostgreSQL needs it.
pub fn readable_identifier(name: &str) -> String {
    let Ok(name) = CString::new(name) else {
        return identifier(name);
    };
    // SAFETY: returns its argument or a quoted copy in the current memory context.
    unsafe { CStr::from_ptr(pg_sys::quote_identifier(name.as_ptr())) }
        .to_string_lossy()
        .into_owned()
}

/// A string literal that reads the same whatever `standard_conforming_strings` says.
pub fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// The text form of an array of texts.
fn array<T: AsRef<str>>(values: &[T]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| {
            format!(
                "\"{}\"",
                value.as_ref().replace('\\', "\\\\").replace('"', "\\\"")
            )
        })
        .collect();
    format!("{{{}}}", quoted.join(","))
}

/// Is this text the text form of some value of an id column's type?
fn may_be_id(type_oid: pg_sys::Oid, id: &str) -> bool {
    match type_oid {
        pg_sys::UUIDOID => is_uuid(id),
        pg_sys::INT4OID | pg_sys::INT8OID => id
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == id),
        _ => true,
    }
}

/// Is this a UUID in its usual text form?
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
