//! The canary of the files about masking: every hidden value holds the word, so it must not stand in what a role that is subject
//! to policies gets, wherever psql prints it.
//!
//! psql prints what it reads (`-a`), so a line that stands in one of the files is a statement's and no answer. Which role a
//! file works as is said by its `\c - role`; a file begins as the superuser. The membership "everything" hides nothing.

use std::collections::HashSet;

/// What hidden values hold.
const CANARY: &str = "CANARY";

/// Roles that may see everything.
const EXEMPT: [&str; 2] = ["postgres", "loader"];

/// How a file takes on a membership, and the one that may see everything.
const MEMBERSHIP: &str = "SET fhir_access.membership = ";
const EVERYTHING: &str = "'everything';";

/// The lines of `output` that show the canary to a role that is subject to policies, each with its number. `sources` are the
/// texts of the file that was run and of those that it includes.
pub fn leaks<'a>(output: &'a str, sources: &[String]) -> Vec<(usize, &'a str)> {
    let statements: HashSet<&str> = sources.iter().flat_map(|source| source.lines()).collect();
    let (mut subject, mut everything) = (false, false);
    let mut found = Vec::new();
    for (number, line) in (1..).zip(output.lines()) {
        if statements.contains(line) {
            if let Some(role) = line.strip_prefix("\\c - ") {
                subject = !EXEMPT.contains(&role.trim());
                everything = false;
            }
            if let Some(membership) = line.strip_prefix(MEMBERSHIP) {
                everything = membership == EVERYTHING;
            }
        } else if subject && !everything && line.contains(CANARY) {
            found.push((number, line));
        }
    }
    found
}

/// The files that a file includes (`\ir name`), in order.
pub fn included(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("\\ir "))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(output: &str, source: &str) -> Vec<usize> {
        let leaks = leaks(output, &[source.to_owned()]);
        leaks.into_iter().map(|(number, _)| number).collect()
    }

    const SOURCE: &str =
        "INSERT INTO t VALUES ('CANARY');\nSELECT * FROM t;\n\\c - app\n\\c - loader\n";

    #[test]
    fn statements_are_no_answers() {
        assert_eq!(found(SOURCE, SOURCE), [0_usize; 0]);
        assert_eq!(
            found("\\c - app\nINSERT INTO t VALUES ('CANARY');\n", SOURCE),
            [0_usize; 0]
        );
    }

    #[test]
    fn exempt_roles_may_see_it() {
        let answer = "SELECT * FROM t;\n CANARY 1\n(1 row)\n";
        assert_eq!(found(answer, SOURCE), [0_usize; 0]);
        let as_app = format!("\\c - app\n{answer}");
        assert_eq!(found(&as_app, SOURCE), [3]);
        let as_loader = format!("{as_app}\\c - loader\n{answer}\\c - app\nERROR:  \"CANARY\"\n");
        assert_eq!(found(&as_loader, SOURCE), [3, 10]);
    }

    #[test]
    fn a_membership_may_see_it() {
        let source = "\\c - app\nSET fhir_access.membership = 'everything';\nSET fhir_access.membership = 'desk';\n";
        let output = "\\c - app\nSET fhir_access.membership = 'everything';\nCANARY\nSET fhir_access.membership = 'desk';\nCANARY\n";
        assert_eq!(found(output, source), [5]);
        let again = "\\c - app\nSET fhir_access.membership = 'everything';\n\\c - app\nCANARY\n";
        assert_eq!(found(again, source), [4]);
    }

    /// An answer that only looks like a change of role is none.
    #[test]
    fn answers_change_no_role() {
        assert_eq!(
            found("\\c - app\n \\c - loader\n\\c - postgres\nCANARY\n", SOURCE),
            [4]
        );
    }

    #[test]
    fn included_files() {
        let source = "-- \\ir no.sql\n\\ir prologue.sql\nSELECT 1;\n\\ir masked_shapes.sql\n";
        assert_eq!(
            included(source).collect::<Vec<_>>(),
            ["prologue.sql", "masked_shapes.sql"]
        );
    }
}
