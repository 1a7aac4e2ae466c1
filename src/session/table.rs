//! What one interaction reaches in a table: in one of a single type, what it reaches in that type; in one of all types, what it
//! reaches in each, told apart by the row's type.
//!
//! Types are a closed list: a row of a type that is not in it is reached by nothing.

use super::reach::{Reach, shown_without};
use crate::error::Result;
use access_policy::fields::FieldSet;
use access_policy::{EffectiveAccess, Interaction};
use fhir_search::Predicate;
use pgrx::check_for_interrupts;
use std::rc::Rc;

/// The reach of an interaction in a table.
#[derive(Clone, Debug)]
pub enum TableReach {
    /// All rows in question are of one type: those of which this is true.
    One(Rc<Reach>, Predicate),
    /// Each row is of a type of its own.
    Several(Rc<Several>),
}

impl TableReach {
    /// The rows that some entry grants.
    pub fn predicate(&self) -> Predicate {
        match self {
            TableReach::One(reach, of_type) => Predicate::all([of_type.clone(), reach.predicate()]),
            TableReach::Several(reach) => reach.predicate.clone(),
        }
    }

    /// Which granted rows have which fields hidden, when any has; the first that is true of a row decides, the last is true of
    /// all others.
    pub fn hidden(&self) -> Vec<(Predicate, FieldSet)> {
        let mut hidden = match self {
            TableReach::One(reach, _) => reach.hidden_of_granted(),
            TableReach::Several(reach) => reach.hidden.clone(),
        };
        for (_, fields) in &mut hidden {
            *fields = shown_without(std::mem::take(fields));
        }
        hidden
    }

    /// Are there so many entries that compiling expressions over them to machine code costs more than it can give?
    pub fn is_large(&self) -> bool {
        match self {
            TableReach::One(reach, _) => reach.is_large(),
            TableReach::Several(reach) => reach.is_large,
        }
    }
}

/// The reach of an interaction in rows of several types.
#[derive(Debug)]
pub struct Several {
    predicate: Predicate,
    hidden: Vec<(Predicate, FieldSet)>,
    is_large: bool,
}

/// Types of whose rows the same is true.
struct Group<T> {
    types: Vec<String>,
    same: T,
}

/// Adds a type to the group that it belongs to.
fn add<T: PartialEq>(groups: &mut Vec<Group<T>>, resource_type: &str, same: T) {
    match groups.iter_mut().find(|group| group.same == same) {
        Some(group) => group.types.push(resource_type.to_owned()),
        None => groups.push(Group {
            types: vec![resource_type.to_owned()],
            same,
        }),
    }
}

impl Several {
    /// Works out the reach of `interaction` on each of these types.
    pub fn of(
        access: &EffectiveAccess,
        interaction: Interaction,
        types: impl Iterator<Item = &'static str>,
    ) -> Result<Several> {
        let mut granted: Vec<Group<(Predicate, Predicate)>> = Vec::new();
        let mut hidden: Vec<Group<Vec<(Predicate, FieldSet)>>> = Vec::new();
        for resource_type in types {
            check_for_interrupts!();
            let reach = Reach::of(access, resource_type, interaction)?;
            let rows = reach.granted();
            if rows == Predicate::Constant(false) {
                continue;
            }
            add(&mut hidden, resource_type, reach.hidden_of_granted());
            add(&mut granted, resource_type, (reach.scope, rows));
        }
        let conditions: usize = granted.iter().map(|group| group.same.1.size()).sum();
        Ok(Several {
            predicate: predicate(granted),
            hidden: fields(hidden),
            is_large: conditions > Reach::LARGE,
        })
    }
}

/// The rows that are granted: `granted` is each group's scope, and its rows in it.
fn predicate(granted: Vec<Group<(Predicate, Predicate)>>) -> Predicate {
    // Nearly always there are few scopes.
    let mut scopes: Vec<(Predicate, Vec<Predicate>)> = Vec::new();
    for Group { types, same } in granted {
        let (scope, rows) = same;
        let rows = Predicate::all([Predicate::ResourceType(types), rows]);
        match scopes.iter_mut().find(|(found, _)| *found == scope) {
            Some((_, alternatives)) => alternatives.push(rows),
            None => scopes.push((scope, vec![rows])),
        }
    }
    // The scope after the types: what it asks may be asked of other rows, and takes longer.
    let within = scopes
        .into_iter()
        .map(|(scope, rows)| Predicate::all([Predicate::any(rows), scope]));
    match Predicate::any(within.collect::<Vec<_>>()) {
        Predicate::Constant(false) => Predicate::Constant(false),
        granted => Predicate::all([Predicate::TypeAgrees, granted]),
    }
}

/// What is hidden of granted rows: of each group, in the order of the deciding entries.
fn fields(groups: Vec<Group<Vec<(Predicate, FieldSet)>>>) -> Vec<(Predicate, FieldSet)> {
    if groups.iter().all(|group| group.same.is_empty()) {
        return Vec::new();
    }
    let mut hidden = Vec::new();
    let mut open = false;
    for Group { types, same } in groups {
        let Some((last, firsts)) = same.split_last() else {
            open = true;
            continue;
        };
        let of_types = |rows| Predicate::all([Predicate::ResourceType(types.clone()), rows]);
        for (rows, fields) in firsts {
            hidden.push((of_types(rows.clone()), fields.clone()));
        }
        hidden.push((of_types(Predicate::Constant(true)), last.1.clone()));
    }
    if open {
        hidden.push((Predicate::Constant(true), FieldSet::default()));
    }
    hidden
}
