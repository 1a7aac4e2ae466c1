//! Which keys of a relation have statistics, and those statistics, as they were when they were first asked for.

use super::load::Tuple;
use crate::node::index::{IndexedKey, KeyFunction};
use crate::node::relation::{self, OpenRelation};
use crate::registry::{self, Protected};
use fhir_search::Key;
use fhir_search::keys::Paths;
use fhir_search::share::{Ordered, Statistics, TextKey, Texts};
use pgrx::prelude::*;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// Where statistics are kept.
#[derive(Clone, Copy)]
enum Origin {
    Index {
        oid: pg_sys::Oid,
        column: i16,
    },
    Object {
        oid: pg_sys::Oid,
        place: i32,
        inherit: bool,
    },
}

#[derive(Clone)]
enum Known {
    Texts(Rc<Texts>),
    Ordered(Rc<Ordered>),
}

/// Statistics of one key.
pub struct Source {
    function: KeyFunction,
    paths: Paths,
    origin: Origin,
    known: OnceCell<Option<Known>>,
}

/// The statistics of a relation's keys.
pub struct Sources {
    rows: f64,
    all: Vec<Source>,
}

thread_local! {
    static SOURCES: RefCell<HashMap<pg_sys::Oid, Rc<Sources>>> = RefCell::default();
    static GENERATION: Cell<u64> = const { Cell::new(0) };
}

/// Of so many relations the statistics are kept.
const MOST: usize = 64;

/// Forgets what was read: something has changed.
pub fn forget() {
    GENERATION.set(GENERATION.get().wrapping_add(1));
    SOURCES.with(|sources| {
        // Nothing is asked while it is being read.
        if let Ok(mut sources) = sources.try_borrow_mut()
            && !sources.is_empty()
        {
            sources.clear();
        }
    });
}

/// The statistics of the keys of a protected relation.
pub fn of(relation: pg_sys::Oid) -> Option<Rc<Sources>> {
    if let Some(known) = SOURCES.with_borrow(|sources| sources.get(&relation).cloned()) {
        return Some(known);
    }
    let generation = GENERATION.get();
    let protected = registry::protected(relation).ok()??;
    let sources = Rc::new(Sources::of(&protected));
    if generation == GENERATION.get() {
        SOURCES.with_borrow_mut(|known| {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(relation, Rc::clone(&sources));
        });
    }
    Some(sources)
}

impl Sources {
    fn of(protected: &Protected) -> Sources {
        let mut all = Vec::new();
        for index in &protected.indexes {
            for (column, key) in (1..).zip(&index.keys) {
                if let IndexedKey::Function {
                    function, paths, ..
                } = key
                {
                    let oid = index.oid;
                    all.extend(Source::new(*function, paths, Origin::Index { oid, column }));
                }
            }
        }
        let relation = protected.relation;
        add_objects(&mut all, protected);
        // What is kept of a partitioned table holds, more or less, of each partition.
        let root = relation::root(relation);
        if root != relation
            && let Ok(Some(root)) = registry::protected(root)
        {
            add_objects(&mut all, &root);
        }
        let open = OpenRelation::open(relation);
        // SAFETY: an open relation has its pg_class row.
        let rows = unsafe { f64::from((*(*open.as_ptr()).rd_rel).reltuples) };
        Sources { rows, all }
    }

    /// The sources on texts, each with its paths.
    pub fn of_texts(&self) -> impl Iterator<Item = (KeyFunction, &Paths, &Source)> {
        let sources = self.all.iter();
        sources.map(|source| (source.function, &source.paths, source))
    }

    /// What is known of the texts of a source; none of another kind, and none where nothing was analyzed.
    pub fn texts_of(&self, source: &Source) -> Option<Rc<Texts>> {
        match source.known(self.rows)? {
            Known::Texts(texts) => Some(texts),
            Known::Ordered(_) => None,
        }
    }

    fn known(&self, function: KeyFunction, paths: &Paths) -> Option<Known> {
        self.all
            .iter()
            .filter(|source| source.function == function && source.paths == *paths)
            .find_map(|source| source.known(self.rows))
    }
}

fn add_objects(all: &mut Vec<Source>, protected: &Protected) {
    let inherit = relation::kind(protected.relation) == Some(pg_sys::RELKIND_PARTITIONED_TABLE);
    for known in &protected.statistics {
        let origin = Origin::Object {
            oid: known.oid,
            place: known.place,
            inherit,
        };
        all.extend(Source::new(known.function, &known.paths, origin));
    }
}

impl Source {
    fn new(function: KeyFunction, paths: &str, origin: Origin) -> Option<Source> {
        Some(Source {
            function,
            paths: paths.parse().ok()?,
            origin,
            known: OnceCell::new(),
        })
    }

    fn known(&self, rows: f64) -> Option<Known> {
        if let Some(known) = self.known.get() {
            return known.clone();
        }
        let tuple = match self.origin {
            Origin::Index { oid, column } => Tuple::of_index(oid, column),
            Origin::Object {
                oid,
                place,
                inherit,
            } => Tuple::of_expression(oid, place, inherit),
        };
        let known = tuple.map(|tuple| match self.function {
            KeyFunction::Unit => Known::Texts(Rc::new(tuple.single_texts(rows))),
            KeyFunction::Strings
            | KeyFunction::Uris
            | KeyFunction::Tokens
            | KeyFunction::Targets => Known::Texts(Rc::new(tuple.texts(rows))),
            KeyFunction::Earliest
            | KeyFunction::Latest
            | KeyFunction::Lowest
            | KeyFunction::Highest => Known::Ordered(Rc::new(tuple.ordered(rows))),
        });
        self.known.get_or_init(|| known).clone()
    }
}

impl Statistics for Sources {
    fn texts(&self, key: TextKey, paths: &Paths) -> Option<Rc<Texts>> {
        let function = match key {
            TextKey::Strings => KeyFunction::Strings,
            TextKey::Uris => KeyFunction::Uris,
            TextKey::Tokens => KeyFunction::Tokens,
            TextKey::Targets => KeyFunction::Targets,
            TextKey::Unit => KeyFunction::Unit,
        };
        match self.known(function, paths)? {
            Known::Texts(texts) => Some(texts),
            Known::Ordered(_) => None,
        }
    }

    fn ordered(&self, key: Key, paths: &Paths) -> Option<Rc<Ordered>> {
        match self.known(key.into(), paths)? {
            Known::Ordered(ordered) => Some(ordered),
            Known::Texts(_) => None,
        }
    }
}
