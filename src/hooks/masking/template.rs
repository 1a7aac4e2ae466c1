//! What stands for each column of a masked relation: expressions over its row, made when a statement first needs them.

use super::versions;
use crate::document::Format;
use crate::error::Result;
use crate::node::expr::{self, ROW};
use crate::node::kept_nodes::{Context, Recent};
use crate::node::relation::Column;
use crate::predicate::current::Judge;
use crate::predicate::{Style, Writer};
use crate::registry::{Derived, Protected};
use crate::session::{Fingerprint, TableReach};
use crate::settings;
use access_policy::fields::{FieldSet, Sight};
use fhir_search::Predicate;
use pgrx::prelude::*;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// What a reference to a column becomes.
#[derive(Clone, Copy)]
pub enum Replacement {
    /// It stays.
    Itself,
    /// NULL.
    Null,
    /// A copy of this expression, whose variables have `varno` 1.
    Expression(*mut pg_sys::Node),
}

/// The mask of one relation under one session.
pub struct Mask {
    protected: Rc<Protected>,
    /// Which predicate hides which fields, in the order of the deciding entries; empty where nothing is hidden.
    hidden: Vec<(Predicate, FieldSet)>,
    /// Of versions: which fields the entry hides that grants the current row, as the text of a subquery. `None` where that
    /// can hide nothing more.
    now: Option<String>,
    /// When rows come before row security was asked (the existing row of an upsert): what must hold to see anything.
    guard: Option<Predicate>,
    made: RefCell<HashMap<i16, Replacement>>,
    sight: OnceCell<Rc<Sight>>,
    /// Where the expressions live, of a mask that is kept for the next statement; else with the statement.
    context: Option<Context>,
}

/// The mask of a session's reads on a relation of one type, or that nothing is masked. What it depends on besides: whether rows come
/// unchecked, and whether what is shown says that something is missing.
type Known = Recent<(bool, bool), Option<Rc<Mask>>>;

thread_local! {
    // Not dropped with the process, which has no memory contexts any more when it ends.
    static KNOWN: RefCell<ManuallyDrop<Known>> = RefCell::new(ManuallyDrop::new(Recent::new()));
}

impl Mask {
    /// The mask of `protected` for `session`; `None` where nothing is hidden.
    pub fn for_session(
        session: Fingerprint,
        protected: &Rc<Protected>,
        reach: &TableReach,
        unchecked_rows: bool,
    ) -> Result<Option<Rc<Mask>>> {
        // Of a table of all types it depends on what the statement asks for; of versions, on another table, too.
        let may_be_kept = protected.one_type().is_some() && protected.history.is_none();
        let key = (unchecked_rows, settings::mark_redacted());
        if may_be_kept
            && let Some(known) = KNOWN.with_borrow_mut(|known| known.get(session, protected, key))
        {
            return Ok(known);
        }
        let mut mask = Mask::of(protected, reach, unchecked_rows)?;
        // Many entries that hide the same are a small mask.
        let is_small = mask
            .as_ref()
            .is_none_or(|mask| mask.hidden.len() <= 1 && mask.guard.is_none());
        let is_kept = may_be_kept && (is_small || !reach.is_large());
        if is_kept && let Some(mask) = &mut mask {
            // SAFETY: there is no node yet.
            let (context, _) = unsafe { Context::of(std::ptr::null()) };
            mask.context = Some(context);
        }
        let mask = mask.map(Rc::new);
        if is_kept {
            let made = mask.clone();
            KNOWN.with_borrow_mut(|known| known.put(session, protected, key, made, None));
        }
        Ok(mask)
    }

    fn of(
        protected: &Rc<Protected>,
        reach: &TableReach,
        unchecked_rows: bool,
    ) -> Result<Option<Mask>> {
        let guard = unchecked_rows
            .then(|| reach.predicate())
            .filter(|predicate| {
                *predicate != Predicate::Constant(true) || protected.format == Format::Text
            });
        let hidden = reach.hidden();
        if hidden.is_empty() && guard.is_none() {
            return Ok(None);
        }
        let now = match (protected.current()?, reach) {
            (Some(current), TableReach::One(reach, _)) if hidden.len() > 1 => {
                let judge = Judge {
                    versions: protected,
                    current: &current,
                    reach,
                };
                Some(judge.hidden_fields())
            }
            _ => None,
        };
        Ok(Some(Mask {
            protected: Rc::clone(protected),
            hidden,
            now,
            guard,
            made: RefCell::default(),
            sight: OnceCell::new(),
            context: None,
        }))
    }

    /// The columns that are written with what may be hidden in them: the resource's, and those that repeat parts of it.
    pub fn written_columns(&self) -> impl Iterator<Item = &Column> {
        let derived = self.protected.derived.iter();
        let derived = derived.map(|derived| &derived.column);
        std::iter::once(&self.protected.resource).chain(derived.filter(|column| !column.generated))
    }

    /// The columns to which no reference may stay as it is; 0 is the whole row.
    pub fn masked_columns(&self) -> Vec<i16> {
        let hidden = self.hidden_by_any();
        let told = |derived: &&Derived| self.guard.is_some() || derived.tells(&hidden);
        let derived = self.protected.derived.iter().filter(told);
        [0, self.protected.resource.number]
            .into_iter()
            .chain(derived.map(|derived| derived.column.number))
            .collect()
    }

    /// The relation that is masked.
    pub fn relation(&self) -> pg_sys::Oid {
        self.protected.relation
    }

    /// Do the expressions hold a subquery?
    pub fn asks_current_row(&self) -> bool {
        self.now.is_some()
    }

    /// How the documents in this column look, whichever entry decides; `None` of another column, of documents kept as text, and
    /// where rows come that may not be seen at all.
    pub fn sight(&self, attribute: i16) -> Option<Rc<Sight>> {
        let resource = &self.protected.resource;
        if attribute != resource.number
            || resource.type_oid != pg_sys::JSONBOID
            || self.guard.is_some()
        {
            return None;
        }
        let sight = || Rc::new(self.hidden_by_any().sight());
        Some(Rc::clone(self.sight.get_or_init(sight)))
    }

    /// What a reference to the column with this number becomes; 0 is the whole row, negative numbers are system columns.
    pub fn replacement(&self, attribute: i16) -> Result<Replacement> {
        if let Some(replacement) = self.made.borrow().get(&attribute) {
            return Ok(*replacement);
        }
        let mut replacement = self.make(attribute)?;
        if let (Replacement::Expression(made), Some(context)) = (&mut replacement, &self.context) {
            // SAFETY: what was made is an expression.
            *made = unsafe { context.keep(*made) };
        }
        self.made.borrow_mut().insert(attribute, replacement);
        Ok(replacement)
    }

    fn make(&self, attribute: i16) -> Result<Replacement> {
        // No index is asked here, and a row may just be getting the first reference in irregular form.
        let writer = Writer::new(&self.protected, Style::Exact).for_new_rows();
        let text = if attribute < 0 {
            return Ok(Replacement::Itself);
        } else if attribute == 0 {
            let by_version = self.choice(&writer, &format!("{ROW}.*"), |row, fields| {
                Some(match fields.is_empty() {
                    true => row.to_owned(),
                    false => {
                        let hidden = writer.text(&fields.to_string());
                        self.masked_row(&writer, row, &hidden, fields)
                    }
                })
            });
            match &self.now {
                Some(now) => self.masked_row(&writer, &by_version, now, &self.hidden_by_any()),
                None => by_version,
            }
        } else if attribute == self.protected.resource.number {
            let by_version = self.choice(&writer, &writer.stored(), |stored, fields| {
                Some(match fields.is_empty() {
                    true => stored.to_owned(),
                    false => writer.masked(stored, &writer.text(&fields.to_string())),
                })
            });
            match &self.now {
                Some(now) => writer.masked(&by_version, now),
                None => by_version,
            }
        } else if let Some(derived) = self
            .protected
            .derived
            .iter()
            .find(|derived| derived.column.number == attribute)
        {
            let mut hidden = self.hidden.iter().map(|(_, fields)| derived.tells(fields));
            if !self.hidden.is_empty() && hidden.all(|hidden| hidden) {
                return Ok(Replacement::Null);
            }
            if !derived.tells(&self.hidden_by_any()) && self.guard.is_none() {
                return Ok(Replacement::Itself);
            }
            let by_version = self.choice(
                &writer,
                &writer.column(&derived.column.name),
                |column, fields| (!derived.tells(fields)).then(|| column.to_owned()),
            );
            match &self.now {
                Some(now) => format!(
                    "CASE WHEN {now} {} {} THEN {by_version} END",
                    writer.operator("="),
                    writer.text("")
                ),
                None => by_version,
            }
        } else if self.guard.is_some() {
            // Any other column of a row that may not be seen at all.
            return self.guarded_column(&writer, attribute);
        } else {
            return Ok(Replacement::Itself);
        };
        let expression = match self.now {
            Some(_) => versions::parse(self.protected.relation, &text),
            None => expr::parse_for(self.protected.relation, &text),
        };
        expression.map(Replacement::Expression)
    }

    fn guarded_column(&self, writer: &Writer<'_>, attribute: i16) -> Result<Replacement> {
        let relation = crate::node::relation::OpenRelation::open(self.protected.relation);
        let columns = crate::node::relation::columns(relation.tuple_desc());
        let Some(column) = columns.iter().find(|column| column.number == attribute) else {
            return Ok(Replacement::Null);
        };
        let text = self.guarded(writer, writer.column(&column.name));
        expr::parse(relation.as_ptr(), &text).map(Replacement::Expression)
    }

    /// `CASE` over the deciding entries; `masked` gives the value under the fields that one of them hides, `None` for NULL.
    fn choice(
        &self,
        writer: &Writer<'_>,
        raw: &str,
        masked: impl Fn(&str, &FieldSet) -> Option<String>,
    ) -> String {
        let value = |fields: &FieldSet| masked(raw, fields).unwrap_or_else(|| "NULL".to_owned());
        let text = match self.hidden.as_slice() {
            [] => raw.to_owned(),
            [(_, fields)] => value(fields),
            [firsts @ .., last] => {
                let mut text = String::from("CASE");
                for (predicate, fields) in firsts {
                    text.push_str(&format!(
                        " WHEN {} THEN {}",
                        writer.predicate(predicate),
                        value(fields)
                    ));
                }
                // A row that is read at all was granted; if by none before, then by the last.
                format!("{text} ELSE {} END", value(&last.1))
            }
        };
        self.guarded(writer, text)
    }

    fn guarded(&self, writer: &Writer<'_>, text: String) -> String {
        match &self.guard {
            Some(guard) => format!("CASE WHEN {} THEN {text} END", writer.granted(guard)),
            None => text,
        }
    }

    /// All that is hidden in some row.
    fn hidden_by_any(&self) -> FieldSet {
        let mut all = FieldSet::default();
        self.hidden.iter().for_each(|(_, fields)| all.merge(fields));
        all
    }

    /// The row without the fields that the expression `hidden` names, which are some of `fields`.
    fn masked_row(
        &self,
        writer: &Writer<'_>,
        row: &str,
        hidden: &str,
        fields: &FieldSet,
    ) -> String {
        let told = |derived: &&Derived| derived.tells(fields);
        let derived: Vec<String> = self
            .protected
            .derived
            .iter()
            .filter(told)
            .map(|derived| derived.column.number.to_string())
            .collect();
        writer.call(
            "mask_row",
            &[
                row.to_owned(),
                self.protected.resource.number.to_string(),
                hidden.to_owned(),
                format!("'{{{}}}'::pg_catalog.int4[]", derived.join(",")),
            ],
        )
    }
}
