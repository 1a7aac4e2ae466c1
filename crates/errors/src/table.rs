//! `docs/errors.md`, from the catalogue.

use std::fmt::Write;

use crate::{ENTRIES, Entry, Source};

const HEAD: &str = "# Errors

Written from the code (`crates/errors`) by `UPDATE_ERRORS=1 cargo test -p errors`; do not edit. What each looks like in full, with
detail, hint and fields, shows [errors.out](../tests/regress/expected/errors.out), from top to bottom.

* **What a driver gets.** The message says what happened, the detail why, the hint what to do. Nothing of it holds a value of a protected
  document, and so does no log line and no plan. `…` below stands for names: of documents, tables, types, settings.
* **Fields.** An error about a table has its `schema_name` and `table_name`; where a column is concerned, `column_name`. A write that the
  policies do not permit has the `constraint_name` `fhir_access`, the name of the policy that `\\d` shows: so a program tells it from a
  missing `GRANT`, which has the same SQLSTATE. (psycopg: `error.diag.table_name`; JDBC: `getServerErrorMessage().getTable()`;
  PL/pgSQL: `GET STACKED DIAGNOSTICS`.)
* **Constraint, table and column names of PostgreSQL's own errors** pass through unchanged.
* **Warnings** (01000) come with a document that is stored and looks wrong, in the words of `fhir_access.validate()`.
";

/// The whole document.
pub fn document() -> String {
    let mut out = HEAD.to_owned();
    section(
        &mut out,
        "Errors of fhir_access",
        "By SQLSTATE.",
        |source| !matches!(source, Source::PostgreSql(_)),
    );
    section(
        &mut out,
        "PostgreSQL's own errors on protected tables",
        "Raised by PostgreSQL. To the refusals of its row security that name our policies, fhir_access adds detail and hint.",
        |source| matches!(source, Source::PostgreSql(_)),
    );
    out
}

fn section(out: &mut String, title: &str, about: &str, wanted: impl Fn(&Source) -> bool) {
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "\n## {title}\n\n{about}\n\n| SQLSTATE | message | why | what to do |\n| --- | --- | --- | --- |\n"
    );
    let mut entries: Vec<&Entry> = ENTRIES
        .iter()
        .filter(|entry| wanted(&entry.source))
        .collect();
    entries.sort_by_key(|entry| entry.sqlstate());
    for entry in entries {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} |",
            entry.sqlstate(),
            entry.message,
            cell(entry.cause),
            cell(entry.cure)
        );
    }
}

/// A text in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
