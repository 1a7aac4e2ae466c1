//! `index_advice()`: the indexes and statistics that the stored policies want and the protected tables do not have.

use crate::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::node::index::Index;
use crate::node::key_statistics::Names;
use crate::node::privilege::AsOwner;
use crate::node::relation::{self, Column};
use crate::predicate::readable_identifier;
use crate::predicate::served::{Needed, lookups, serving};
use crate::registry::{self, Protected};
use crate::settings;
use crate::tools::statistics_advice::{self, FunctionOfPaths};
use access_policy::{AccessPolicy, Interaction, PolicyEntry};
use fhir_search::model::resource_types;
use fhir_search::{Condition, Lookup, Predicate, ProjectTest, Test};
use pgrx::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What one condition of a policy comes to on one relation.
enum Plan {
    /// No index can find its rows.
    Scan,
    /// Indexes can: these are there, these are missing.
    Indexes {
        rank: usize,
        existing: BTreeSet<String>,
        missing: BTreeSet<Needed>,
    },
}

impl Plan {
    /// Found by indexes that are there anyway.
    fn ready() -> Plan {
        Plan::Indexes {
            rank: 0,
            existing: BTreeSet::new(),
            missing: BTreeSet::new(),
        }
    }

    /// How `predicate` is best answered.
    fn of(asked: &Asked<'_>, predicate: &Predicate) -> Plan {
        match predicate {
            Predicate::Constant(true)
            | Predicate::Not(_)
            | Predicate::TypeAgrees
            | Predicate::SecurityContext => Plan::Scan,
            Predicate::ResourceType(_) => Plan::of_type(asked.protected),
            // By the table's key.
            Predicate::Constant(false) | Predicate::Id(_) => Plan::ready(),
            Predicate::Test(test) => Plan::of_test(asked, test),
            Predicate::Or(parts) => {
                let mut all = Plan::ready();
                for part in parts {
                    match (&mut all, Plan::of(asked, part)) {
                        (
                            Plan::Indexes {
                                rank,
                                existing,
                                missing,
                            },
                            Plan::Indexes {
                                rank: other,
                                existing: also,
                                missing: more,
                            },
                        ) => {
                            *rank = (*rank).max(other);
                            existing.extend(also);
                            missing.extend(more);
                        }
                        _ => return Plan::Scan,
                    }
                }
                all
            }
            // The planner takes the best; the others filter.
            Predicate::And(parts) => {
                let types = parts.iter().find_map(|part| match part {
                    Predicate::ResourceType(types) => Some(types.as_slice()),
                    _ => None,
                });
                let asked = &Asked {
                    irregular: types.map_or(asked.irregular, |types| {
                        asked.protected.is_irregular(Some(types))
                    }),
                    ..*asked
                };
                let plans: Vec<Plan> = parts.iter().map(|part| Plan::of(asked, part)).collect();
                let others: BTreeSet<String> = plans
                    .iter()
                    .flat_map(|plan| match plan {
                        Plan::Indexes { existing, .. } => existing.clone(),
                        Plan::Scan => BTreeSet::new(),
                    })
                    .collect();
                let best = plans.into_iter().min_by_key(|plan| match plan {
                    Plan::Indexes { rank, missing, .. } => (*rank, missing.len()),
                    Plan::Scan => (usize::MAX, 0),
                });
                match best {
                    Some(Plan::Indexes { rank, missing, .. }) => Plan::Indexes {
                        rank,
                        existing: others,
                        missing,
                    },
                    _ => Plan::Scan,
                }
            }
        }
    }

    /// How all rows of a type are found.
    fn of_type(protected: &Protected) -> Plan {
        let index = protected
            .indexes
            .iter()
            .find(|index| index.is_btree_on_type());
        Plan::Indexes {
            rank: RANK_OF_TYPE,
            existing: index.iter().map(|index| index.name.clone()).collect(),
            missing: match index {
                Some(_) => BTreeSet::new(),
                None => BTreeSet::from([Needed::Type]),
            },
        }
    }

    /// How the project column answers a test, where that is what is asked.
    fn of_project(protected: &Protected, test: &Test) -> Option<Plan> {
        let project = protected.project.as_ref()?;
        Some(match test.of_project()? {
            ProjectTest::Present => Plan::Scan,
            ProjectTest::Is(_) => {
                let (existing, missing) = match protected
                    .indexes
                    .iter()
                    .find(|index| index.leads_with(project))
                {
                    Some(index) => (BTreeSet::from([index.name.clone()]), BTreeSet::new()),
                    None => (BTreeSet::new(), BTreeSet::from([Needed::Project])),
                };
                Plan::Indexes {
                    rank: 1,
                    existing,
                    missing,
                }
            }
        })
    }

    fn of_test(asked: &Asked<'_>, test: &Test) -> Plan {
        if let Some(plan) = Plan::of_project(asked.protected, test) {
            return plan;
        }
        let usable = lookups(asked.irregular, test);
        let served = |lookup: &&Lookup| !serving(asked.protected, &lookup.condition).is_empty();
        // One that only narrows is good enough where nothing that is advised decides.
        let advised = || usable.iter().filter(|lookup| asked.is_advised(lookup));
        let decided = advised().any(|lookup| lookup.decides);
        let there = usable
            .iter()
            .filter(|lookup| asked.is_asked(lookup))
            .filter(|lookup| lookup.decides || !decided)
            .find(served);
        if let Some(lookup) = there {
            let indexes = serving(asked.protected, &lookup.condition);
            return Plan::Indexes {
                rank: rank(&lookup.condition),
                existing: indexes.iter().map(|index| index.name.clone()).collect(),
                missing: BTreeSet::new(),
            };
        }
        let mut good = advised().filter(|lookup| lookup.decides || !decided);
        // One index serves all equality, unless references are asked for in several places: these are others in each type, and
        // an index for each would be too many.
        let of_one_type = asked.protected.one_type().is_some();
        let is_general = |lookup: &&Lookup| match &lookup.condition {
            Condition::Contains(documents) => {
                !of_one_type || !lookup.regular_only || documents.len() == 1
            }
            _ => false,
        };
        match good.clone().find(is_general).or_else(|| good.next()) {
            None => Plan::Scan,
            Some(lookup) => Plan::Indexes {
                rank: rank(&lookup.condition),
                existing: BTreeSet::new(),
                missing: Needed::of(&lookup.condition).into_iter().collect(),
            },
        }
    }
}

/// Of which relation, and how, a condition is asked.
struct Asked<'a> {
    protected: &'a Protected,
    /// With many values: containment is not asked for many references.
    many: bool,
    /// May one of the rows in question hold a reference in irregular form?
    irregular: bool,
}

impl Asked<'_> {
    fn is_asked(&self, lookup: &Lookup) -> bool {
        !(self.many && lookup.regular_only)
    }

    /// The indexes on tokens and URIs serve those who have made them; one index on the document is enough.
    fn is_advised(&self, lookup: &Lookup) -> bool {
        let is_special = matches!(
            lookup.condition,
            Condition::Tokens(..) | Condition::Uris(..)
        );
        self.is_asked(lookup) && !is_special
    }
}

/// The type of a row is what most rows have in common with others.
const RANK_OF_TYPE: usize = 5;

/// What is asked first among conditions that must all hold: equality before texts before ranges.
fn rank(condition: &Condition) -> usize {
    match condition {
        Condition::Contains(_) => 1,
        Condition::Targets(..) | Condition::Tokens(..) | Condition::Uris(..) => 2,
        Condition::StringsStartWith(..)
        | Condition::StringsContain(..)
        | Condition::UrisBelow(..) => 3,
        Condition::Compare(..) => 4,
    }
}

/// What is advised for one relation: by statement, the criteria it serves and the indexes that serve other parts of them.
type Advice = BTreeMap<Needed, (BTreeSet<String>, BTreeSet<String>)>;

/// A stored policy that can be used.
struct Stored {
    id: String,
    policy: AccessPolicy,
    /// Some membership has it several times, each time with other parameters.
    several: bool,
}

/// A predicate of the form of those that an entry gives for the rows of a table.
fn sample(protected: &Protected, entry: &PolicyEntry) -> Predicate {
    let of_type = |resource_type: &str| entry.sample_for(resource_type, "example");
    if let Some(resource_type) = protected.one_type() {
        return match entry.covers(resource_type) {
            true => of_type(resource_type),
            false => Predicate::Constant(false),
        };
    }
    let covered = || resource_types().filter(|resource_type| entry.covers(resource_type));
    let everything = |resource_type| of_type(resource_type) == Predicate::Constant(true);
    if is_wildcard(protected, entry) && covered().all(everything) {
        return Predicate::Constant(true);
    }
    Predicate::any(covered().map(|resource_type| {
        let types = Predicate::ResourceType(vec![resource_type.to_owned()]);
        Predicate::all([types, of_type(resource_type)])
    }))
}

/// Is it an entry for all types of a table of all types?
fn is_wildcard(protected: &Protected, entry: &PolicyEntry) -> bool {
    let mut covered = resource_types().filter(|resource_type| entry.covers(resource_type));
    protected.one_type().is_none() && covered.nth(1).is_some()
}

/// `by_project`: are there memberships of a project?
fn advise(protected: &Protected, policies: &[Stored], by_project: bool) -> Advice {
    let mut advice = Advice::new();
    let is_missing = |project: &Column| {
        let mut indexes = protected.indexes.iter();
        !indexes.any(|index| index.leads_with(project))
    };
    if protected.project.as_ref().is_some_and(is_missing) {
        let (criteria, _) = advice.entry(Needed::Project).or_default();
        criteria.insert("the rows of the membership's project".to_owned());
    }
    for Stored {
        id,
        policy,
        several,
    } in policies
    {
        let entries = policy.entries.iter().enumerate();
        let entries = entries.filter(|(_, entry)| entry.interactions.contains(Interaction::Search));
        // The entries of a policy are asked together: if one of them reads everything, so does the statement.
        let mut plans = Vec::new();
        for (index, entry) in entries {
            pgrx::check_for_interrupts!();
            let asked = Asked {
                protected,
                many: *several && entry.has_variables() && !is_wildcard(protected, entry),
                irregular: protected.is_irregular(None),
            };
            match Plan::of(&asked, &sample(protected, entry)) {
                Plan::Scan => {
                    plans.clear();
                    break;
                }
                Plan::Indexes {
                    existing, missing, ..
                } => {
                    plans.push((place(id, index, entry), existing, missing));
                }
            }
        }
        for (place, existing, missing) in plans {
            for needed in missing {
                let (criteria, others) = advice.entry(needed).or_default();
                criteria.insert(place.clone());
                others.extend(existing.iter().cloned());
            }
        }
    }
    advise_statistics(protected, policies, by_project, &mut advice);
    advice
}

/// Adds what lets the planner know how many rows the policies leave.
fn advise_statistics(
    protected: &Protected,
    policies: &[Stored],
    by_project: bool,
    advice: &mut Advice,
) {
    let advised: BTreeSet<Needed> = advice.keys().cloned().collect();
    let mut add = |keys: BTreeSet<FunctionOfPaths>, place: &str| {
        for key in keys {
            if !statistics_advice::has(protected, &advised, &key) {
                let (function, paths) = key;
                let (criteria, _) = advice
                    .entry(Needed::Statistics(function, paths))
                    .or_default();
                criteria.insert(place.to_owned());
            }
        }
    };
    if by_project && protected.project.is_none() {
        let project = BTreeSet::from([statistics_advice::of_project()]);
        add(project, "the rows of the membership's project");
    }
    for Stored { id, policy, .. } in policies {
        let entries = policy.entries.iter().enumerate();
        // One for all types asks each type something else: these would be too many.
        let entries = entries.filter(|(_, entry)| {
            entry.interactions.contains(Interaction::Search) && !is_wildcard(protected, entry)
        });
        for (index, entry) in entries {
            pgrx::check_for_interrupts!();
            let mut keys = BTreeSet::new();
            statistics_advice::telling(protected, &sample(protected, entry), &mut keys);
            add(keys, &place(id, index, entry));
        }
    }
}

/// Where the criteria stand, and the criteria.
fn place(policy: &str, index: usize, entry: &PolicyEntry) -> String {
    let criteria = entry.criteria().unwrap_or_default();
    format!("AccessPolicy/{policy} resource[{index}]: {criteria}")
}

/// The index that finds the versions of one resource, where it is missing. Ids are no key of a history.
fn by_id(protected: &Protected, name: &str) -> Option<String> {
    let leads = |index: &Index| index.leads_with(&protected.id);
    if protected.history.is_none() || protected.indexes.iter().any(leads) {
        return None;
    }
    let id = readable_identifier(&protected.id.name);
    Some(format!("CREATE INDEX ON {name} USING btree ({id})"))
}

/// The stored policies that can be used, by id.
fn policies() -> Result<Vec<Stored>> {
    let Some(catalog) = catalog::catalog() else {
        return Ok(Vec::new());
    };
    let _owner = AsOwner::of_extension(&catalog);
    let stored = Spi::connect(|client| {
        client
            .select(
                "SELECT p.id, p.resource::pg_catalog.text,
                        p.id OPERATOR(pg_catalog.=) ANY (ARRAY(
                            SELECT pg_catalog.regexp_replace(a.policy OPERATOR(pg_catalog.#>>) '{}', '^AccessPolicy/', '')
                              FROM fhir_access.project_membership m,
                                   pg_catalog.jsonb_path_query(m.resource, '$.access[*].policy.reference') AS a (policy)
                             GROUP BY m.id, 1 HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1))
                   FROM fhir_access.access_policy p
                  ORDER BY p.id COLLATE pg_catalog.\"C\"",
                None,
                &[],
            )?
            .map(|row| {
                let (id, text) = (row.get::<String>(1)?, row.get::<String>(2)?);
                Ok((id, text, row.get::<bool>(3)?))
            })
            .collect::<std::result::Result<Vec<_>, pgrx::spi::Error>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))?;
    Ok(stored
        .into_iter()
        .filter_map(|(id, text, several)| {
            Some(Stored {
                id: id?,
                policy: AccessPolicy::parse_with(&text?, &settings::fhirpath_limits()).ok()?,
                several: several?,
            })
        })
        .collect())
}

/// Is there a membership of a project?
fn any_of_project() -> Result<bool> {
    let Some(catalog) = catalog::catalog() else {
        return Ok(false);
    };
    let _owner = AsOwner::of_extension(&catalog);
    let found = Spi::get_one::<bool>(
        "SELECT EXISTS (SELECT FROM fhir_access.project_membership
                         WHERE resource OPERATOR(pg_catalog.?) 'project')",
    );
    match found {
        Ok(found) => Ok(found.unwrap_or(false)),
        Err(error) => Err(Error::Internal(error.to_string())),
    }
}

/// The indexes that would serve the stored policies on the protected tables, and the statistics that would tell the planner how many
/// rows they leave, where they are not there yet: the statement that makes each, the criteria that it serves, and indexes that are there and serve other conditions of the same criteria.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.index_advice()
    RETURNS TABLE (relation regclass, statement text, criteria text[], existing text[])
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn index_advice() -> TableIterator<
    'static,
    (
        name!(relation, pg_sys::Oid),
        name!(statement, String),
        name!(criteria, Vec<String>),
        name!(existing, Vec<String>),
    ),
> {
    let policies = policies().or_raise();
    let by_project = any_of_project().or_raise();
    let mut rows = Vec::new();
    for relation in registry::all().or_raise() {
        // One that cannot be used, because a column is gone, is doctor()'s.
        let Ok(Some(protected)) = registry::protected(relation) else {
            continue;
        };
        let name = relation::qualified_name(relation);
        if let Some(statement) = by_id(&protected, &name) {
            let what = "the versions of one resource".to_owned();
            rows.push((relation, statement, vec![what], Vec::new()));
        }
        // Versions are asked for by the id of their resource. An index on what they hold would rather be in the way: row
        // security keeps from the planner that most versions of a resource pass.
        if protected.history.is_some() {
            continue;
        }
        let mut names = Names::new(relation);
        for (needed, (criteria, existing)) in advise(&protected, &policies, by_project) {
            rows.push((
                relation,
                needed.statement(&protected, &name, &mut names),
                criteria.into_iter().collect(),
                existing.into_iter().collect(),
            ));
        }
    }
    TableIterator::new(rows)
}
