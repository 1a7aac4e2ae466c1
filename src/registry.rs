//! Which relation holds which resource type: the backend's view of `fhir_access.protection`.

pub mod types;

use crate::audit::About;
use crate::catalog::{Catalog, catalog};
use crate::document::Format;
use crate::error::{Error, Result};
use crate::estimates;
use crate::node::index::{self, Index, KeyColumns};
use crate::node::key_statistics::{self, KeyStatistics};
use crate::node::privilege::AsOwner;
use crate::node::relation::{self, Column, OpenRelation};
use crate::node::row::{self, JsonbDatum};
use crate::node::scan::{self, Key};
use crate::node::trigger;
use crate::node::{own_expressions, places};
use access_policy::Interaction;
use access_policy::fields::FieldSet;
use pgrx::prelude::*;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
pub use types::{TypeSource, Types};

/// A protected relation, as the hooks and triggers need it.
#[derive(Debug)]
pub struct Protected {
    /// The relation.
    pub relation: pg_sys::Oid,
    /// The FHIR types of its rows.
    pub types: Types,
    /// The column that holds the resource.
    pub resource: Column,
    /// How it holds it.
    pub format: Format,
    /// The column that holds the resource's id.
    pub id: Column,
    /// Columns that repeat a part of the resource.
    pub derived: Vec<Derived>,
    /// The column that holds the row's project.
    pub project: Option<Column>,
    /// Does some row hold a reference that equality on the stored text cannot find?
    pub irregular_references: bool,
    /// In a table of all types: the types of such rows.
    pub irregular_types: Vec<&'static str>,
    /// Where the rows are versions of resources: of which.
    pub history: Option<History>,
    /// The indexes that may serve lookups. A change to any of them invalidates this.
    pub indexes: Vec<Index>,
    /// What `CREATE STATISTICS` keeps of keys. A change to it invalidates this.
    pub statistics: Vec<KeyStatistics>,
    without_trigger: OnceCell<Option<pg_sys::Oid>>,
    partitions: OnceCell<Vec<pg_sys::Oid>>,
    may_quote: OnceCell<bool>,
}

/// A column that repeats a part of the resource.
#[derive(Debug)]
pub struct Derived {
    /// The column.
    pub column: Column,
    /// The elements that it repeats; `None` of one that is computed from nobody knows which.
    pub paths: Option<Vec<String>>,
}

impl Derived {
    /// Does it tell something of these fields?
    pub fn tells(&self, fields: &FieldSet) -> bool {
        let touches = |paths: &Vec<String>| paths.iter().any(|path| fields.touches(path));
        !fields.is_empty() && self.paths.as_ref().is_none_or(touches)
    }
}

/// What a history table adds to a protected relation.
#[derive(Debug)]
pub struct History {
    /// The relation that holds the resources as they are now; invalid where it is gone.
    pub current: pg_sys::Oid,
    /// The column that holds the version; without one it is the document's `meta.versionId`.
    pub version: Option<Column>,
}

impl Protected {
    /// The interaction that a SELECT on it is.
    pub fn reading(&self) -> Interaction {
        match self.history {
            Some(_) => Interaction::History,
            None => Interaction::Search,
        }
    }

    /// What to say to whoever is subject to policies and writes to a history table.
    pub fn not_written(&self, interaction: Interaction, reference: String) -> Error {
        Error::NotPermitted {
            interaction: interaction.code(),
            reference,
            detail: format!(
                "{} keeps the versions of {} resources: what they were is not their users' to write.",
                relation::qualified_name(self.relation),
                self.one_type().unwrap_or_default()
            ),
            hint: Some("Let a trigger on the table of the current resources write them, with a SECURITY DEFINER function of a role that has BYPASSRLS."),
        }
        .about(self.relation)
        .recorded(About {
            relation: Some(self.relation),
            ..About::default()
        })
    }

    /// Of a history table, the table that holds its resources as they are now; `None` for any other.
    ///
    /// # Errors
    /// When the versions cannot be judged by it: they stay closed then.
    pub fn current(&self) -> Result<Option<Rc<Protected>>> {
        let Some(history) = &self.history else {
            return Ok(None);
        };
        let unfit = match protected(history.current)? {
            None if relation::kind(history.current).is_none() => "is gone",
            None => "is not protected",
            Some(current) => match unfit_as_current(&current, self.one_type(), &self.id) {
                None => return Ok(Some(current)),
                Some(unfit) => unfit,
            },
        };
        let current = match relation::kind(history.current) {
            Some(_) => relation::qualified_name(history.current),
            None => "a table".to_owned(),
        };
        Err(Error::NotReady {
            message: format!(
                "{} is the history of {current}, which {unfit}",
                relation::qualified_name(self.relation)
            ),
            hint: "Call fhir_access.protect() for the table of the current resources, then for the history.".to_owned(),
        }
        .about(self.relation))
    }

    /// A relation with the default columns, to explain policies for a type that no table holds yet.
    pub fn imagined(resource_type: &'static str) -> Protected {
        let column = |name: &str, type_oid| Column {
            number: 0,
            name: name.to_owned(),
            type_oid,
            collation: pg_sys::InvalidOid,
            generated: false,
            limited: false,
            length: None,
        };
        Protected {
            relation: pg_sys::InvalidOid,
            types: Types::One(resource_type),
            resource: column("resource", pg_sys::JSONBOID),
            format: Format::Jsonb,
            id: column("id", pg_sys::TEXTOID),
            derived: Vec::new(),
            project: None,
            irregular_references: false,
            irregular_types: Vec::new(),
            history: None,
            indexes: Vec::new(),
            statistics: Vec::new(),
            without_trigger: OnceCell::new(),
            partitions: OnceCell::new(),
            may_quote: OnceCell::new(),
        }
    }

    /// Was `relation`, a partition or an index, looked at?
    fn knows(&self, relation: pg_sys::Oid) -> bool {
        self.indexes.iter().any(|index| index.oid == relation)
            || self
                .partitions
                .get()
                .is_some_and(|partitions| partitions.contains(&relation))
    }

    /// May an error of the relation's own expressions (constraints, indexes, generated columns) quote what a row holds of its
    /// resource? Looked up once: a change to any of them invalidates this.
    pub fn may_quote(&self) -> bool {
        *self.may_quote.get_or_init(|| {
            let derived = self.derived.iter().map(|derived| derived.column.number);
            let columns: Vec<i16> = derived.chain([self.resource.number]).collect();
            catalog().is_none_or(|catalog| {
                own_expressions::may_quote(self.relation, &columns, catalog.schema)
            })
        })
    }

    /// The relation, or the first of its partitions, that lacks the trigger which enforces writes. Looked up once: a
    /// change to any of them invalidates this.
    pub fn without_trigger(&self) -> Option<pg_sys::Oid> {
        *self.without_trigger.get_or_init(|| {
            let partitions = self
                .partitions
                .get_or_init(|| relation::partitions(self.relation));
            std::iter::once(&self.relation)
                .chain(partitions)
                .copied()
                .find(|relation| !trigger::is_active(*relation))
        })
    }
}

/// Why the versions in a history table, of this type and with these ids, cannot be judged by the rows of `current`.
pub fn unfit_as_current(
    current: &Protected,
    resource_type: Option<&str>,
    id: &Column,
) -> Option<&'static str> {
    // What one index orders, another value can be looked up in.
    let kind = |column: &Column| match column.type_oid {
        pg_sys::VARCHAROID => pg_sys::TEXTOID,
        pg_sys::INT4OID => pg_sys::INT8OID,
        other => other,
    };
    if current.history.is_some() {
        Some("is a history itself")
    } else if relation::root(current.relation) != current.relation {
        Some("is only a part of a table")
    } else if current.one_type().is_none() {
        Some("holds resources of all types")
    } else if current.one_type() != resource_type {
        Some("holds resources of another type")
    } else if kind(&current.id) != kind(id) || current.id.collation != id.collation {
        Some("has ids of another type or collation")
    } else {
        None
    }
}

type Answer = std::result::Result<Option<Rc<Protected>>, String>;

thread_local! {
    static CACHE: RefCell<HashMap<pg_sys::Oid, Answer>> = RefCell::new(HashMap::new());
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    static BY_TYPE: RefCell<HashMap<String, Vec<pg_sys::Oid>>> = RefCell::new(HashMap::new());
}

/// The protection of `relation`; `None` where it has none, or where the extension is not installed.
///
/// # Errors
/// When the relation is registered but a column that its protection needs is gone or has another type.
pub fn protected(relation: pg_sys::Oid) -> Result<Option<Rc<Protected>>> {
    let Some(catalog) = catalog() else {
        return Ok(None);
    };
    let known = CACHE.with_borrow(|cache| cache.get(&relation).cloned());
    let answer = match known {
        Some(answer) => answer,
        None => {
            let generation = GENERATION.get();
            let answer = load(&catalog, relation);
            // What was invalidated while it was read is not kept.
            if generation == GENERATION.get() {
                CACHE.with_borrow_mut(|cache| cache.insert(relation, answer.clone()));
            }
            answer
        }
    };
    answer.map_err(|message| {
        Error::NotReady {
            message,
            hint: "Call fhir_access.protect() again with the columns as they are now.".to_owned(),
        }
        .about(relation)
    })
}

/// Forgets one relation. Was anything known by it that is protected?
pub fn forget(relation: pg_sys::Oid) -> bool {
    estimates::forget();
    places::forget(relation);
    GENERATION.set(GENERATION.get().wrapping_add(1));
    // A callback may come while the cache is being read: then the reader asks PostgreSQL nothing that could call back.
    let was_protected = CACHE.with(|cache| {
        let Ok(mut cache) = cache.try_borrow_mut() else {
            return true;
        };
        let known = cache.remove(&relation);
        let before = cache.len();
        // What was found out of a partition or an index was kept with the table that it belongs to.
        cache.retain(|_, answer| match answer {
            Ok(Some(protected)) => !protected.knows(relation),
            _ => true,
        });
        cache.len() < before || known.is_some_and(|answer| !matches!(answer, Ok(None)))
    });
    forget_types();
    was_protected
}

/// Forgets all relations.
pub fn forget_all() {
    estimates::forget();
    places::forget_all();
    GENERATION.set(GENERATION.get().wrapping_add(1));
    CACHE.with(|cache| {
        if let Ok(mut cache) = cache.try_borrow_mut() {
            cache.clear();
        }
    });
    forget_types();
}

fn forget_types() {
    BY_TYPE.with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            known.clear();
        }
    });
}

struct Row {
    resource_type: Option<String>,
    resource_column: String,
    id_column: String,
    irregular_references: bool,
    resource_type_column: Option<String>,
    irregular_types: Option<Vec<Option<String>>>,
    derived_columns: Vec<(String, Vec<String>)>,
    project_column: Option<String>,
    history_of: Option<pg_sys::Oid>,
    version_column: Option<String>,
}

/// The columns that the registry's `derived_columns` names, each with its paths.
///
/// # Safety
/// `datum` must be a jsonb.
unsafe fn derived_columns(datum: pg_sys::Datum) -> Option<Vec<(String, Vec<String>)>> {
    // SAFETY: by the caller's promise.
    let document = unsafe { JsonbDatum::new(datum) };
    let columns = document.value().ok()?.as_object()?;
    let paths = |paths: jsonb::Value<'_>| {
        let jsonb::Value::Array(paths) = paths else {
            return None;
        };
        let paths = paths.iter().map(|path| path.as_str().map(str::to_owned));
        paths.collect()
    };
    columns
        .iter()
        .map(|(name, value)| Some((name.to_owned(), paths(value)?)))
        .collect()
}

fn load(catalog: &Catalog, relation: pg_sys::Oid) -> Answer {
    let row = scan::by_key(catalog.protection, Key::Oid(relation), |columns| {
        let datum = |place: usize| columns.get(place).copied().flatten();
        // SAFETY: the registry's columns have the types that bootstrap.sql gives them.
        unsafe {
            Some(Row {
                resource_type: datum(1).and_then(|text| String::from_datum(text, false)),
                resource_column: row::output(datum(2)?, pg_sys::NAMEOID),
                id_column: row::output(datum(3)?, pg_sys::NAMEOID),
                irregular_references: bool::from_datum(datum(4)?, false)?,
                resource_type_column: datum(5).map(|name| row::output(name, pg_sys::NAMEOID)),
                irregular_types: datum(6).and_then(|array| Vec::from_datum(array, false)),
                derived_columns: match datum(7) {
                    Some(columns) => derived_columns(columns)?,
                    None => Vec::new(),
                },
                project_column: datum(8).map(|name| row::output(name, pg_sys::NAMEOID)),
                history_of: datum(9).and_then(|datum| pg_sys::Oid::from_datum(datum, false)),
                version_column: datum(10).map(|datum| row::output(datum, pg_sys::NAMEOID)),
            })
        }
    })
    .flatten();
    let Some(row) = row.filter(|_| relation::kind(relation).is_some()) else {
        return Ok(None);
    };
    let open = OpenRelation::open(relation);
    let columns = relation::columns(open.tuple_desc());
    let named = |name: &str| columns.iter().find(|column| column.name == name).cloned();
    let gone = |name: &str| {
        format!(
            "column \"{name}\" of the protected relation {} is gone or has another type",
            relation::qualified_name(relation)
        )
    };
    let (resource, format) = named(&row.resource_column)
        .and_then(|column| Some((column.clone(), Format::of(column.type_oid)?)))
        .ok_or_else(|| gone(&row.resource_column))?;
    let id = named(&row.id_column).ok_or_else(|| gone(&row.id_column))?;
    let types = types::of_relation(
        &open,
        (
            row.resource_type.as_deref(),
            row.resource_type_column.as_deref(),
        ),
        &columns,
        &resource,
    )?;
    let is_type = |column: &Column| match &types {
        Types::Many(TypeSource::Column { column: found, .. }) => found.number == column.number,
        _ => false,
    };
    let mut derived = Vec::new();
    for (name, paths) in &row.derived_columns {
        derived.push(Derived {
            column: named(name).ok_or_else(|| gone(name))?,
            paths: Some(paths.clone()),
        });
    }
    let project = match &row.project_column {
        Some(name) => {
            let column = named(name).filter(is_of_projects);
            let column = column.ok_or_else(|| gone(name))?;
            derived.push(Derived {
                column: column.clone(),
                paths: Some(vec!["meta.project".to_owned()]),
            });
            Some(column)
        }
        None => None,
    };
    // Of other generated columns nobody said what they are computed from. Types and ids are never hidden.
    for column in columns.iter().filter(|column| column.generated) {
        let is_known = |known: &Derived| known.column.number == column.number;
        if column.number != id.number && !is_type(column) && !derived.iter().any(is_known) {
            derived.push(Derived {
                column: column.clone(),
                paths: None,
            });
        }
    }
    let version = match &row.version_column {
        Some(name) => Some(named(name).ok_or_else(|| gone(name))?),
        None => None,
    };
    let keys = KeyColumns {
        resource: &resource,
        types: &types,
        schema: catalog.schema,
    };
    let indexes = index::indexes(&open, &keys);
    let statistics = key_statistics::of(&open, &keys);
    Ok(Some(Rc::new(Protected {
        relation,
        types,
        resource,
        format,
        id,
        derived,
        project,
        irregular_references: row.irregular_references,
        irregular_types: row
            .irregular_types
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|name| fhir_search::model::resource_type(&name))
            .collect(),
        history: row.history_of.map(|current| History { current, version }),
        indexes,
        statistics,
        without_trigger: OnceCell::new(),
        partitions: OnceCell::new(),
        may_quote: OnceCell::new(),
    })))
}

/// Can a column of this type and collation hold the ids of projects? One that is equal to another is that project.
pub fn is_of_projects(column: &Column) -> bool {
    match column.type_oid {
        pg_sys::UUIDOID => true,
        pg_sys::TEXTOID | pg_sys::VARCHAROID => {
            // SAFETY: a catalog look-up by OID.
            unsafe { pg_sys::get_collation_isdeterministic(column.collation) }
        }
        _ => false,
    }
}

/// Notes that a row of `resource_type` with an irregular reference is coming into the tables of this type, or into those of all
/// types, so that predicates look for such references from now on, in every session.
pub fn mark_irregular(resource_type: &str, of_all_types: bool) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Ok(());
    };
    let _owner = AsOwner::of_extension(&catalog);
    Spi::connect_mut(|client| {
        client
            .update(
                if of_all_types {
                    "UPDATE fhir_access.protection
                        SET irregular_references = true, irregular_types = irregular_types OPERATOR(pg_catalog.||) $1
                      WHERE resource_type IS NULL AND $1 OPERATOR(pg_catalog.<>) ALL (irregular_types)"
                } else {
                    "UPDATE fhir_access.protection SET irregular_references = true
                      WHERE resource_type OPERATOR(pg_catalog.=) $1 AND NOT irregular_references"
                },
                None,
                &[resource_type.into()],
            )
            .map(|_| ())
    })
    .map_err(|error| Error::Internal(error.to_string()))
}

/// The protected relations that hold resources of this type as they are now, without those that are partitions or children of
/// another; those that hold no others first.
pub fn relations_of(resource_type: &str) -> Result<Vec<pg_sys::Oid>> {
    let Some(catalog) = catalog() else {
        return Ok(Vec::new());
    };
    if let Some(known) = BY_TYPE.with_borrow(|known| known.get(resource_type).cloned()) {
        return Ok(known);
    }
    let generation = GENERATION.get();
    let _owner = AsOwner::of_extension(&catalog);
    let relations = Spi::connect(|client| {
        client
            .select(
                "SELECT p.relation::pg_catalog.oid
                   FROM fhir_access.protection p
                   JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relation
                  WHERE (p.resource_type OPERATOR(pg_catalog.=) $1 OR p.resource_type IS NULL)
                    AND p.history_of IS NULL
                    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                     WHERE i.inhrelid OPERATOR(pg_catalog.=) p.relation)
                  ORDER BY p.resource_type IS NULL, 1",
                None,
                &[resource_type.into()],
            )?
            .filter_map(|row| row.get::<pg_sys::Oid>(1).transpose())
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))?;
    if generation == GENERATION.get() {
        BY_TYPE.with_borrow_mut(|known| known.insert(resource_type.to_owned(), relations.clone()));
    }
    Ok(relations)
}

/// The tables that hold the versions of the resources in `current`, without those that are partitions or children of
/// another.
pub fn histories_of(current: pg_sys::Oid) -> Result<Vec<Rc<Protected>>> {
    let Some(catalog) = catalog() else {
        return Ok(Vec::new());
    };
    let histories = {
        let _owner = AsOwner::of_extension(&catalog);
        Spi::connect(|client| {
            client
                .select(
                    "SELECT p.relation::pg_catalog.oid
                       FROM fhir_access.protection p
                       JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relation
                      WHERE p.history_of::pg_catalog.oid OPERATOR(pg_catalog.=) $1
                        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                         WHERE i.inhrelid OPERATOR(pg_catalog.=) p.relation)
                      ORDER BY 1",
                    None,
                    &[current.into()],
                )?
                .filter_map(|row| row.get::<pg_sys::Oid>(1).transpose())
                .collect::<std::result::Result<Vec<_>, _>>()
        })
        .map_err(|error| Error::Internal(error.to_string()))?
    };
    let mut found = Vec::new();
    for history in histories {
        found.extend(protected(history)?);
    }
    Ok(found)
}

/// All protected relations without partitions, by name. The documents' own tables are not among them: nobody tends those.
pub fn all() -> Result<Vec<pg_sys::Oid>> {
    let Some(catalog) = catalog() else {
        return Ok(Vec::new());
    };
    let _owner = AsOwner::of_extension(&catalog);
    Spi::connect(|client| {
        client
            .select(
                "SELECT p.relation::pg_catalog.oid
                   FROM fhir_access.protection p
                   JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relation
                  WHERE NOT c.relispartition AND c.relnamespace OPERATOR(pg_catalog.<>) $1
                  ORDER BY c.relname, 1",
                None,
                &[catalog.schema.into()],
            )?
            .filter_map(|row| row.get::<pg_sys::Oid>(1).transpose())
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))
}
