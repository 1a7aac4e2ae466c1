//! The catalogue against what is raised, and against `docs/errors.md`.
//!
//! `UPDATE_ERRORS=1 cargo test -p errors` writes the document.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use errors::{ENTRIES, Entry, Kind, Raised, Source, document};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An error as the regression test prints it.
#[derive(Debug, Default)]
struct Printed {
    sqlstate: String,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    fields: Option<String>,
}

/// The errors in `tests/regress/expected/errors.out`.
fn printed() -> Vec<Printed> {
    let path = repository().join("tests/regress/expected/errors.out");
    let text = std::fs::read_to_string(path).unwrap();
    let mut errors: Vec<Printed> = Vec::new();
    for line in text.lines() {
        let is_sqlstate = |text: &str| {
            text.len() == 5
                && text
                    .chars()
                    .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        };
        if let Some((sqlstate, message)) = line.split_once(": ")
            && is_sqlstate(sqlstate)
        {
            errors.push(Printed {
                sqlstate: sqlstate.to_owned(),
                message: message.to_owned(),
                ..Printed::default()
            });
        } else if let Some(detail) = line.strip_prefix("  detail: ") {
            errors.last_mut().unwrap().detail = Some(detail.to_owned());
        } else if let Some(hint) = line.strip_prefix("  hint: ") {
            errors.last_mut().unwrap().hint = Some(hint.to_owned());
        } else if let Some(fields) = line.strip_prefix("  fields: ") {
            errors.last_mut().unwrap().fields = Some(fields.to_owned());
        }
    }
    assert!(errors.len() > 50, "only {} errors", errors.len());
    errors
}

/// The entry of an error: the one that says most.
fn entry_of(error: &Printed) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .filter(|entry| entry.describes(&error.sqlstate, &error.message))
        .max_by_key(|entry| entry.message.len())
}

#[test]
fn the_document_is_committed() {
    let path = repository().join("docs/errors.md");
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == document(),
        "docs/errors.md is not what the code says; UPDATE_ERRORS=1 cargo test -p errors writes it"
    );
}

#[test]
fn every_kind_has_an_entry() {
    for kind in Kind::ALL {
        let described = |entry: &Entry| entry.source == Source::Extension(*kind);
        assert!(ENTRIES.iter().any(described), "{kind:?}");
    }
    let distinct: BTreeSet<_> = ENTRIES
        .iter()
        .map(|entry| {
            let by_postgresql = matches!(entry.source, Source::PostgreSql(_));
            (by_postgresql, entry.sqlstate(), entry.message)
        })
        .collect();
    assert_eq!(distinct.len(), ENTRIES.len(), "an entry stands twice");
}

#[test]
fn every_error_that_is_raised_is_known_with_its_sqlstate() {
    for error in printed() {
        assert!(entry_of(&error).is_some(), "no entry: {error:?}");
    }
}

#[test]
fn every_known_error_is_raised_or_has_a_reason_why_not() {
    let printed = printed();
    for entry in ENTRIES {
        let raised = printed
            .iter()
            .any(|error| entry_of(error).is_some_and(|found| std::ptr::eq(found, entry)));
        match entry.raised {
            Raised::Yes => assert!(raised, "not in errors.out: {}", entry.message),
            Raised::No(why) => assert!(!raised, "is in errors.out: {} ({why})", entry.message),
        }
    }
}

#[test]
fn the_words_are_as_postgresql_writes_them() {
    for error in printed() {
        let message = &error.message;
        assert!(!message.ends_with('.'), "{error:?}");
        // A name stands as it is, an ordinary word in lower case.
        let word = message.split(' ').next().unwrap();
        let is_name =
            word.contains(['_', '.', '/', '(', '"']) || word.chars().all(|c| !c.is_lowercase());
        assert!(
            is_name || word.chars().next().unwrap().is_lowercase(),
            "{error:?}"
        );
        for sentence in [&error.detail, &error.hint].into_iter().flatten() {
            let first = sentence.split(' ').next().unwrap();
            let begins = first.contains(['_', '.', '/', '(', '[', '"'])
                || first.chars().next().unwrap().is_uppercase()
                // An excerpt of an expression is a drawing.
                || sentence.starts_with("line 1, column ");
            assert!(begins, "{error:?}");
        }
        if let Some(hint) = &error.hint {
            assert!(hint.ends_with(['.', '?']), "{error:?}");
        }
        assert!(
            !format!("{error:?}").contains("CANARY"),
            "a value is shown: {error:?}"
        );
    }
}

#[test]
fn every_error_of_ours_says_what_to_do_and_names_its_table() {
    for error in printed() {
        let Some(Source::Extension(kind)) = entry_of(&error).map(|entry| entry.source) else {
            continue;
        };
        assert!(error.hint.is_some(), "{error:?}");
        let fields = error.fields.as_deref().unwrap_or_default();
        let about_a_table = match kind {
            Kind::NotPermitted
            | Kind::NoPrivilege
            | Kind::NotOwner
            | Kind::InvalidDocument
            | Kind::InvalidResource
            | Kind::WrongRelation
            | Kind::NoColumn
            | Kind::Unsupported => true,
            Kind::NotReady => !error.message.starts_with("fhir_access "),
            _ => false,
        };
        assert_eq!(
            fields.starts_with("schema ") && fields.contains(" table "),
            about_a_table,
            "{error:?}"
        );
        assert_eq!(
            fields.ends_with(" constraint fhir_access"),
            kind == Kind::NotPermitted,
            "{error:?}"
        );
        if matches!(
            kind,
            Kind::InvalidDocument | Kind::InvalidResource | Kind::NoColumn
        ) {
            assert!(fields.contains(" column "), "{error:?}");
        }
    }
}
