//! Which indexes of a relation can answer a lookup, and which it would take.

use crate::document::Format;
use crate::node::index::{Index, IndexedKey, KeyFunction};
use crate::node::key_statistics::Names;
use crate::node::relation;
use crate::predicate::{Style, Writer, literal, readable_identifier};
use crate::registry::Protected;
use fhir_search::keys::Paths;
use fhir_search::{Comparisons, Condition, Key, Lookup, Test};

impl From<Key> for KeyFunction {
    fn from(key: Key) -> Self {
        match key {
            Key::Earliest => KeyFunction::Earliest,
            Key::Latest => KeyFunction::Latest,
            Key::Lowest => KeyFunction::Lowest,
            Key::Highest => KeyFunction::Highest,
            Key::Unit => KeyFunction::Unit,
        }
    }
}

/// The index, or the indexes, that a condition takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// A B-tree on what says of which type a row is.
    Type,
    /// GIN on the document itself.
    Document,
    /// A B-tree on the project column.
    Project,
    /// GIN on the values of a function.
    Values(KeyFunction, String),
    /// A B-tree on the keys of ranges.
    Keys(Vec<KeyFunction>, String),
    /// No index, only statistics of the values of a function.
    Statistics(KeyFunction, String),
}

impl Needed {
    /// What a condition needs: all of these.
    pub fn of(condition: &Condition) -> Vec<Needed> {
        let values = |function, paths: &Paths| vec![Needed::Values(function, paths.to_string())];
        match condition {
            Condition::Contains(_) => vec![Needed::Document],
            Condition::Targets(paths, _) => values(KeyFunction::Targets, paths),
            Condition::Tokens(paths, _) => values(KeyFunction::Tokens, paths),
            Condition::StringsStartWith(paths, _) | Condition::StringsContain(paths, _) => {
                values(KeyFunction::Strings, paths)
            }
            Condition::Uris(paths, _) | Condition::UrisBelow(paths, _) => {
                values(KeyFunction::Uris, paths)
            }
            Condition::Compare(paths, alternatives) => {
                let mut needed: Vec<Needed> = alternatives
                    .iter()
                    .map(|alternative| {
                        let columns = alternative.columns.iter().copied();
                        Needed::Keys(columns.map(Into::into).collect(), paths.to_string())
                    })
                    .collect();
                needed.sort_unstable();
                needed.dedup();
                needed
            }
        }
    }

    /// The statement that makes it.
    pub fn statement(&self, protected: &Protected, relation: &str, names: &mut Names) -> String {
        let resource = Writer::new(protected, Style::Readable).resource();
        let key = |function: &KeyFunction, paths: &str| {
            format!(
                "fhir_access.{}({resource}, {})",
                function.name(),
                literal(paths)
            )
        };
        let (method, columns) = match self {
            Needed::Type => ("btree", Writer::new(protected, Style::Readable).type_key()),
            Needed::Document => {
                let document = match protected.format {
                    Format::Jsonb => resource,
                    Format::Text => format!("({resource})"),
                };
                ("gin", format!("{document} jsonb_path_ops"))
            }
            Needed::Project => {
                let column = protected.project.as_ref();
                let name = column.map_or("", |column| column.name.as_str());
                ("btree", readable_identifier(name))
            }
            Needed::Values(function, paths) => (
                "gin",
                format!("({}) fhir_access.prefix_ops", key(function, paths)),
            ),
            Needed::Keys(functions, paths) => {
                let keys: Vec<String> = functions
                    .iter()
                    .map(|function| format!("({})", key(function, paths)))
                    .collect();
                ("btree", keys.join(", "))
            }
            Needed::Statistics(function, paths) => {
                let name = names.next(*function, paths);
                let name = relation::qualified_beside(protected.relation, &name);
                let key = key(function, paths);
                return format!("CREATE STATISTICS {name} ON ({key}) FROM {relation}");
            }
        };
        format!("CREATE INDEX ON {relation} USING {method} ({columns})")
    }
}

/// Containment of any of so many documents is asked of an index, not of more. PostgreSQL has no statistics of resources over
/// 1 kB, and takes 1 % of the rows for each document: with more of them it expects nearly all rows, and would look for all
/// documents in each row of the table rather than in the index.
const MOST_CONTAINED: usize = 256;

/// The lookups of a test that make sense on the relation, whether it has an index for them or not.
/// `irregular`: may one of the rows in question hold a reference in irregular form?
pub fn lookups(irregular: bool, test: &Test) -> Vec<Lookup> {
    let mut lookups = test.lookups();
    lookups.retain(|lookup| {
        let few = match &lookup.condition {
            Condition::Contains(documents) => documents.len() <= MOST_CONTAINED,
            _ => true,
        };
        few && (!lookup.regular_only || !irregular)
    });
    lookups
}

/// Whether the relation's indexes can answer a condition.
pub fn serves(protected: &Protected, condition: &Condition) -> bool {
    !serving(protected, condition).is_empty()
}

/// The indexes by which a condition can be answered; none where some part of it cannot.
pub fn serving<'a>(protected: &'a Protected, condition: &Condition) -> Vec<&'a Index> {
    let gin = |function, paths: &Paths| {
        let paths = paths.to_string();
        first(protected, |index| index.is_gin_on(function, &paths))
    };
    match condition {
        Condition::Contains(_) => first(protected, Index::is_document_gin),
        Condition::Targets(paths, _) => gin(KeyFunction::Targets, paths),
        Condition::Tokens(paths, _) => gin(KeyFunction::Tokens, paths),
        Condition::StringsStartWith(paths, _) | Condition::StringsContain(paths, _) => {
            gin(KeyFunction::Strings, paths)
        }
        Condition::Uris(paths, _) | Condition::UrisBelow(paths, _) => gin(KeyFunction::Uris, paths),
        Condition::Compare(paths, alternatives) => {
            let paths = paths.to_string();
            let mut found: Vec<&Index> = Vec::new();
            for alternative in alternatives {
                let Some(index) = protected
                    .indexes
                    .iter()
                    .find(|index| leads(index, alternative, &paths))
                else {
                    return Vec::new();
                };
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            found
        }
    }
}

fn first(protected: &Protected, serves: impl Fn(&Index) -> bool) -> Vec<&Index> {
    let found = protected.indexes.iter().find(|index| serves(index));
    found.into_iter().collect()
}

/// Whether the first column of a B-tree is one that the comparisons bound.
fn leads(index: &Index, comparisons: &Comparisons, paths: &str) -> bool {
    matches!(index.keys.first(), Some(IndexedKey::Function { .. }))
        && comparisons
            .all
            .iter()
            .any(|comparison| index.is_btree_on(&[(comparison.key.into(), paths)]))
}
