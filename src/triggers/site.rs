//! What the write trigger keeps between the rows of one statement: for each type and interaction, how it is told which entry decides.
//!
//! The predicates are asked directly, as `fhir_access.test` would be: nothing is parsed for a statement of one row. Ids whose
//! type or collation has an equality of its own, and questions about other rows, are left to PostgreSQL, in an expression.

use super::row::{self, Row};
use super::tag;
use crate::audit::About;
use crate::error::{Error, Result};
use crate::node::expr::RowEvaluator;
use crate::predicate::{Style, Writer};
use crate::registry::Protected;
use crate::session::Session;
use crate::session::reach::{Reach, ReachEntry};
use access_policy::Interaction;
use audit_event::Detail;
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a trigger keeps between the rows of one statement.
pub struct Site {
    /// Who writes.
    pub session: Rc<Session>,
    /// What is written to.
    pub protected: Rc<Protected>,
    context: pg_sys::MemoryContext,
    /// What computes the id, where its column is a generated one: only after the triggers have fired.
    id: Option<RowEvaluator>,
    /// By the row's own type: in a table of all types each row is asked what holds for its type, and nothing else.
    decisions: BTreeMap<&'static str, Vec<Decision>>,
}

struct Decision {
    interaction: Interaction,
    reach: Rc<Reach>,
    /// Is the row's id asked for?
    asks_for_id: bool,
    /// The expression that tells the entry's place, where that takes one.
    evaluator: Option<RowEvaluator>,
}

impl Decision {
    /// How it is told which entry decides.
    fn prepare(
        (session, protected, context): (&Session, &Protected, pg_sys::MemoryContext),
        (resource_type, interaction): (&str, Interaction),
        relation: pg_sys::Relation,
    ) -> Result<Decision> {
        let reach = session.reach(resource_type, interaction)?;
        let asks_for_id = reach.asks_for_id();
        // SAFETY: the relation is the trigger's, which is open.
        let has_plain_id = || unsafe { row::has_plain_id(relation, protected) };
        let evaluator = if reach.asks_elsewhere() || asks_for_id && !has_plain_id() {
            let writer = Writer::new(protected, Style::Exact).for_new_rows();
            let text = writer.deciding_entry(&reach.entries, &reach.scope);
            // SAFETY: the context lives as long as the site; the previous one comes back before anything can fail.
            Some(unsafe {
                PgMemoryContexts::For(context).switch_to(|_| RowEvaluator::new(relation, &text))
            }?)
        } else {
            None
        };
        Ok(Decision {
            interaction,
            reach,
            asks_for_id,
            evaluator,
        })
    }

    /// The first entry that grants the interaction on `row`, a row of the site's relation.
    fn ask(&mut self, row: &Row<'_>) -> Result<Option<Rc<ReachEntry>>> {
        let Some(evaluator) = &mut self.evaluator else {
            return row.deciding(&self.reach);
        };
        // SAFETY: the evaluator was made for the relation of the site.
        let place = unsafe { evaluator.integer(row.tuple()) };
        Ok(place
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| self.reach.entries.get(place).cloned()))
    }
}

impl Site {
    /// The site of this trigger in this statement, made new when the session or the registry has changed since.
    ///
    /// # Safety
    /// `fcinfo` must be the call info of the trigger, whose `fn_extra` holds nothing else.
    pub unsafe fn at<'a>(
        fcinfo: pg_sys::FunctionCallInfo,
        session: &Rc<Session>,
        protected: &Rc<Protected>,
    ) -> &'a mut Site {
        // SAFETY: fn_extra is null or was set here; the site is dropped with fn_mcxt.
        unsafe {
            let function = (*fcinfo).flinfo;
            let kept = (*function).fn_extra.cast::<Site>();
            if !kept.is_null() {
                let site = &mut *kept;
                if !(Rc::ptr_eq(&site.session, session) && Rc::ptr_eq(&site.protected, protected)) {
                    site.session = Rc::clone(session);
                    site.protected = Rc::clone(protected);
                    site.id = None;
                    site.decisions.clear();
                }
                return site;
            }
            let site = Site {
                session: Rc::clone(session),
                protected: Rc::clone(protected),
                context: (*function).fn_mcxt,
                id: None,
                decisions: BTreeMap::new(),
            };
            let pointer = PgMemoryContexts::For((*function).fn_mcxt).leak_and_drop_on_delete(site);
            (*function).fn_extra = pointer.cast();
            &mut *pointer
        }
    }

    fn decision(
        &mut self,
        resource_type: &'static str,
        interaction: Interaction,
        relation: pg_sys::Relation,
    ) -> Result<&mut Decision> {
        let decisions = self.decisions.entry(resource_type).or_default();
        let is_known = |decision: &Decision| decision.interaction == interaction;
        let place = match decisions.iter().position(is_known) {
            Some(place) => place,
            None => {
                let decision = Decision::prepare(
                    (&self.session, &self.protected, self.context),
                    (resource_type, interaction),
                    relation,
                )?;
                decisions.push(decision);
                decisions.len().saturating_sub(1)
            }
        };
        decisions
            .get_mut(place)
            .ok_or_else(|| Error::Internal("a decision was not prepared".to_owned()))
    }

    /// The first entry that grants `interaction` on `row`. A row of no type that the table can hold is granted by none.
    pub fn deciding(
        &mut self,
        interaction: Interaction,
        relation: pg_sys::Relation,
        row: &Row<'_>,
    ) -> Result<Option<Rc<ReachEntry>>> {
        let Some(resource_type) = row.resource_type() else {
            return Ok(None);
        };
        let decision = self.decision(resource_type, interaction, relation)?;
        if !decision.asks_for_id {
            return decision.ask(row);
        }
        let with_id = self.with_id(relation, row)?;
        let decision = self.decision(resource_type, interaction, relation)?;
        decision.ask(with_id.as_ref().unwrap_or(row))
    }

    /// The first entries that let `row` be read, and that grant `interaction` on it. Where the same is asked for both, it is asked
    /// once.
    pub fn deciding_of_read(
        &mut self,
        interaction: Interaction,
        relation: pg_sys::Relation,
        row: &Row<'_>,
    ) -> Result<[Option<Rc<ReachEntry>>; 2]> {
        let reader = self.deciding(Interaction::Search, relation, row)?;
        let Some(resource_type) = row.resource_type() else {
            return Ok([None, None]);
        };
        let search = &self
            .decision(resource_type, Interaction::Search, relation)?
            .reach;
        let search = Rc::clone(search);
        let decision = self.decision(resource_type, interaction, relation)?;
        let entry = if decision.evaluator.is_none() && decision.reach.is_as_search(&search) {
            let is_reader = |entry: &Rc<ReachEntry>| {
                let reader = reader.as_ref();
                reader.is_some_and(|reader| Rc::ptr_eq(entry, reader))
            };
            let place = search.entries.iter().position(is_reader);
            place.and_then(|place| decision.reach.entries.get(place).cloned())
        } else {
            self.deciding(interaction, relation, row)?
        };
        Ok([reader, entry])
    }

    /// May it matter, to the tags of a row that `entry` grants and to which entry grants it, whether it has the fields that `entry`
    /// keeps?
    pub fn asks_for_kept(
        &mut self,
        interaction: Interaction,
        relation: pg_sys::Relation,
        row: &Row<'_>,
        entry: &ReachEntry,
    ) -> Result<bool> {
        let Some(resource_type) = row.resource_type() else {
            return Ok(true);
        };
        let decision = self.decision(resource_type, interaction, relation)?;
        let is_tagged = || tag::looks_at(resource_type, &entry.kept);
        Ok(decision.reach.asks_for_kept(entry) || entry.kept_is_tagged(is_tagged))
    }

    /// The row with the id that its column will have; `None` where it has it already.
    fn with_id<'r>(
        &mut self,
        relation: pg_sys::Relation,
        row: &Row<'r>,
    ) -> Result<Option<Row<'r>>> {
        let column = &self.protected.id;
        if !column.generated {
            return Ok(None);
        }
        if self.id.is_none() {
            // SAFETY: as for decisions.
            let evaluator = unsafe {
                PgMemoryContexts::For(self.context)
                    .switch_to(|_| RowEvaluator::of_column(relation, column.number))
            }?;
            self.id = Some(evaluator);
        }
        let id = self.id.as_mut();
        // SAFETY: the row is one of the trigger's relation, for which the evaluator was made.
        Ok(id.map(|id| unsafe { row.with_id(id.filled(row.tuple(), column.number)) }))
    }

    /// Refuses an update that makes one resource into another by what its id is computed from.
    pub fn check_computed_id(
        &mut self,
        relation: pg_sys::Relation,
        old: &Row<'_>,
        new: &Row<'_>,
    ) -> Result<()> {
        match self.with_id(relation, new)? {
            Some(with_id) if with_id.id_in_column() != old.id_in_column() => {
                Err(new.invalid("cannot change its id"))
            }
            _ => Ok(()),
        }
    }

    /// Why `row` was refused.
    pub fn refusal(&self, interaction: Interaction, row: &Row<'_>, what: &str) -> Error {
        let decided = row.resource_type().and_then(|resource_type| {
            let mut decisions = self.decisions.get(resource_type)?.iter();
            let decision = decisions.find(|decision| decision.interaction == interaction)?;
            Some((resource_type, decision))
        });
        let detail = match decided {
            Some((resource_type, decision)) => {
                decision.reach.refusal(resource_type, interaction, what)
            }
            None => format!("{what} is of no resource type that the table can hold"),
        };
        let places = decided.map_or_else(Vec::new, |(_, decision)| decision.reach.places());
        let rules = places
            .into_iter()
            .map(|value| Detail {
                name: "entry",
                value,
            })
            .collect();
        Error::NotPermitted {
            interaction: interaction.code(),
            reference: row.name(),
            detail,
            hint: None,
        }
        .about(self.protected.relation)
        .recorded(About {
            relation: Some(self.protected.relation),
            rules,
            ..About::default()
        })
    }
}
