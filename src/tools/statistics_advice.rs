//! What `index_advice()` proposes for the planner's sake: statistics of the keys that policies ask for, where no index has them.

use crate::node::index::{IndexedKey, KeyFunction};
use crate::predicate::served::Needed;
use crate::registry::Protected;
use fhir_search::Predicate;
use fhir_search::share::{AnyKey, TextKey};
use std::collections::BTreeSet;

/// A key: the function, and the paths letter by letter.
pub type FunctionOfPaths = (KeyFunction, String);

/// The keys that tell how many rows of `protected` a predicate leaves.
pub fn telling(
    protected: &Protected,
    predicate: &Predicate,
    found: &mut BTreeSet<FunctionOfPaths>,
) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            for part in parts {
                telling(protected, part, found);
            }
        }
        Predicate::Not(inner) => telling(protected, inner, found),
        // A column tells of itself.
        Predicate::Test(test) if test.of_project().is_some() => {
            found.extend(protected.project.is_none().then(of_project));
        }
        Predicate::Test(test) => {
            let keys = test.telling().into_iter();
            found.extend(keys.map(|(key, paths)| (function(key), paths.to_string())));
        }
        Predicate::Constant(_)
        | Predicate::Id(_)
        | Predicate::ResourceType(_)
        | Predicate::TypeAgrees
        | Predicate::SecurityContext => {}
    }
}

/// The key that tells of which project rows are.
pub fn of_project() -> FunctionOfPaths {
    (KeyFunction::Uris, "meta.project:text".to_owned())
}

fn function(key: AnyKey) -> KeyFunction {
    match key {
        AnyKey::Texts(TextKey::Strings) => KeyFunction::Strings,
        AnyKey::Texts(TextKey::Uris) => KeyFunction::Uris,
        AnyKey::Texts(TextKey::Tokens) => KeyFunction::Tokens,
        AnyKey::Texts(TextKey::Targets) => KeyFunction::Targets,
        AnyKey::Texts(TextKey::Unit) => KeyFunction::Unit,
        AnyKey::Ordered(key) => key.into(),
    }
}

/// Are there statistics of the key, or will there be with the indexes that are advised?
pub fn has(protected: &Protected, advised: &BTreeSet<Needed>, key: &FunctionOfPaths) -> bool {
    let (function, paths) = key;
    let indexed = |indexed: &IndexedKey| {
        matches!(indexed, IndexedKey::Function { function: of, paths: on, .. }
            if of == function && on == paths)
    };
    let kept = protected.statistics.iter();
    let will_be = advised.iter().any(|needed| match needed {
        Needed::Values(of, on) => of == function && on == paths,
        Needed::Keys(all, on) => all.contains(function) && on == paths,
        _ => false,
    });
    will_be
        || kept
            .map(|kept| (kept.function, &kept.paths))
            .any(|key| key == (*function, paths))
        || protected
            .indexes
            .iter()
            .any(|index| index.keys.iter().any(indexed))
}
