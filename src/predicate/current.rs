//! What the current row of a resource says about its versions.
//!
//! A version is shown where the interaction is granted on its own content and on the resource as it is now: what is closed
//! today does not come out by way of yesterday. The second half is a condition on the row of another table, written here.

use super::{Style, Writer, identifier};
use crate::node::expr::ROW;
use crate::node::relation;
use crate::registry::Protected;
use crate::session::reach::{Reach, shown_without};
use access_policy::fields::FieldSet;
use fhir_search::Predicate;

/// The name of the current row in these expressions.
const CURRENT: &str = "current_row";

/// A table of versions and the table that judges them.
pub struct Judge<'a> {
    /// The versions.
    pub versions: &'a Protected,
    /// The resources as they are now.
    pub current: &'a Protected,
    /// What the session reaches of both.
    pub reach: &'a Reach,
}

impl Judge<'_> {
    /// The versions that the current row lets be seen; `None` where it never has anything against one.
    ///
    /// Where some entry grants every row, all that a row can have against it is its project: then a resource that is gone
    /// has nothing. In any other case nobody knows what its row would have said (of a Binary, what it was attached to last),
    /// and its versions are closed.
    pub fn condition(&self, style: Style) -> Option<String> {
        if !self.reach.grants_what_is_gone() {
            let granted = self.reach.predicate();
            if granted == Predicate::Constant(false) {
                return None;
            }
            let granted = self.of_current(style).granted(&granted);
            return Some(format!("EXISTS ({} AND {granted})", self.rows(style, "")));
        }
        if self.reach.scope == Predicate::Constant(true) {
            return None;
        }
        let scope = self.of_current(style).predicate(&self.reach.scope);
        Some(format!(
            "NOT EXISTS ({} AND ({scope}) IS NOT TRUE)",
            self.rows(style, "")
        ))
    }

    /// The fields that the entry hides which grants the current row, as `mask()` reads them; of a resource that is gone, all
    /// that some entry hides.
    pub fn hidden_fields(&self) -> String {
        let writer = self.of_current(Style::Exact).for_new_rows();
        let text = |fields: FieldSet| writer.text(&shown_without(fields).to_string());
        let any = text(self.reach.hidden_by_any());
        let mut fields = String::from("CASE");
        for (granted, hidden) in self.reach.hidden() {
            let hidden = if hidden.is_empty() {
                "NULL".to_owned()
            } else {
                text(hidden)
            };
            fields.push_str(&format!(
                " WHEN {} THEN {hidden}",
                writer.predicate(&granted)
            ));
        }
        let fields = format!("{fields} ELSE {any} END");
        // There is one row, but nothing says so: of several all count.
        let listed = format!("pg_catalog.string_agg({fields}, {})", writer.text(","));
        let column = format!(
            "CASE WHEN pg_catalog.count(*) {} 0 THEN {any} ELSE COALESCE({listed}, {}) END",
            writer.operator("="),
            writer.text(""),
        );
        format!("({})", self.rows(Style::Exact, &column))
    }

    fn of_current(&self, style: Style) -> Writer<'_> {
        Writer::new(self.current, style).naming(CURRENT)
    }

    /// `SELECT column FROM current AS current_row WHERE` it has the id of the version.
    fn rows(&self, style: Style, column: &str) -> String {
        let version = match style {
            Style::Exact => ROW.to_owned(),
            Style::Readable => relation::name(self.versions.relation)
                .map(|name| super::readable_identifier(&name))
                .unwrap_or_else(|| ROW.to_owned()),
        };
        let table = relation::qualified_name(self.current.relation);
        let writer = self.of_current(style);
        let column = match column {
            "" => String::new(),
            column => format!(" {column}"),
        };
        let id = &self.versions.id.name;
        let id = match style {
            Style::Exact => format!("{version}.{}", identifier(id)),
            Style::Readable => format!("{version}.{}", super::readable_identifier(id)),
        };
        format!(
            "SELECT{column} FROM {table} AS {CURRENT} WHERE {} {} {id}",
            writer.column(&self.current.id.name),
            writer.operator("="),
        )
    }
}
