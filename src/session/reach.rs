//! What one interaction reaches in the resources of one type: the entries that can decide, in order, and the project's
//! limits. Row security, masks, write checks and explanations all start from this.

use crate::settings;
use access_policy::fields::FieldSet;
use access_policy::{Constraint, EffectiveAccess, Grant, Interaction, Origin, Parameters};
use fhir_search::{Candidate, Predicate};
use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// One entry that can decide.
#[derive(Clone, Debug)]
pub struct ReachEntry {
    /// Where it comes from, as messages name it: `AccessPolicy/x resource[2]`.
    pub place: String,
    /// The policy, or what stands for one: `AccessPolicy/x`, `readable by default`.
    pub policy: String,
    /// The index in the policy's `resource[]`.
    pub index: Option<i32>,
    /// The source text of its criteria.
    pub criteria: Option<String>,
    /// The rows that it grants, project isolation aside.
    pub predicate: Predicate,
    /// What it hides: also of resources inside, and the narrative where that goes, too.
    pub hidden: FieldSet,
    /// What it protects from being written.
    pub readonly: FieldSet,
    /// Both: what it keeps as it is stored.
    pub kept: Rc<FieldSet>,
    /// What a row that it grants must meet to be written.
    pub constraints: Rc<[Constraint]>,
    /// The parameters of its policy's instance.
    pub parameters: Rc<Parameters>,
    kept_is_asked_for: OnceCell<bool>,
    kept_is_tagged: OnceCell<bool>,
    beside: RefCell<Option<(Weak<ReachEntry>, Kept)>>,
}

/// What an update that an entry grants leaves as it is, of a row that some entry lets its writer read.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The fields: those that the entry keeps, and those that the reader does not see.
    pub fields: Rc<FieldSet>,
    /// Those of them that the reader does not see.
    pub unseen: Rc<FieldSet>,
    /// Are security labels among these?
    pub labels_unseen: bool,
}

impl Kept {
    /// Where these fields are left as they are, of which the reader does not see `unseen`.
    pub fn new(fields: Rc<FieldSet>, unseen: Rc<FieldSet>) -> Kept {
        Kept {
            labels_unseen: unseen.touches_labels(),
            fields,
            unseen,
        }
    }
}

impl ReachEntry {
    fn of(grant: Grant<'_>, hidden: FieldSet) -> ReachEntry {
        let entry = grant.entry;
        let (policy, index) = match &entry.origin {
            Origin::Policy { policy, index, .. } => {
                (format!("AccessPolicy/{policy}"), i32::try_from(*index).ok())
            }
            other => (other.to_string(), None),
        };
        ReachEntry {
            place: entry.origin.to_string(),
            policy,
            index,
            criteria: entry.criteria(),
            predicate: grant.predicate.into_owned(),
            readonly: entry.readonly().clone(),
            kept: Rc::new(hidden.union(entry.readonly())),
            hidden,
            constraints: Rc::clone(entry.constraints()),
            parameters: Rc::clone(&entry.parameters),
            kept_is_asked_for: OnceCell::new(),
            kept_is_tagged: OnceCell::new(),
            beside: RefCell::default(),
        }
    }

    /// What is left as it is by an update of this entry's, of a row that `reader` lets be read. The answer for the last reader is kept.
    pub fn kept_of(&self, reader: &Rc<ReachEntry>) -> Kept {
        if let Some((known, kept)) = &*self.beside.borrow()
            && std::ptr::eq(known.as_ptr(), Rc::as_ptr(reader))
        {
            return kept.clone();
        }
        let fields = match reader.hidden == self.hidden {
            true => Rc::clone(&self.kept),
            false => Rc::new(self.kept.union(&reader.hidden)),
        };
        // Nearly always all that is kept is hidden: then both are one.
        let unseen = match *fields == reader.hidden {
            true => Rc::clone(&fields),
            false => Rc::new(reader.hidden.clone()),
        };
        let kept = Kept::new(fields, unseen);
        *self.beside.borrow_mut() = Some((Rc::downgrade(reader), kept.clone()));
        kept
    }

    /// As `ask` says, who is asked once: whether the tags of resources depend on what it keeps.
    pub fn kept_is_tagged(&self, ask: impl FnOnce() -> bool) -> bool {
        *self.kept_is_tagged.get_or_init(ask)
    }

    /// The entry as messages name it: `AccessPolicy/x resource[2] (Patient?active=true)`.
    pub fn describe(&self) -> String {
        match &self.criteria {
            Some(criteria) => format!("{} ({criteria})", self.place),
            None => self.place.clone(),
        }
    }
}

/// The fields that a reader does not get: with `fhir_access.mark_redacted`, what is shown without them says so.
pub fn shown_without(fields: FieldSet) -> FieldSet {
    match settings::mark_redacted() && !fields.is_empty() {
        true => fields.marked(),
        false => fields,
    }
}

/// Of many entries, those that are named.
const SHOWN: usize = 5;

/// The reach of one interaction on one type.
#[derive(Debug)]
pub struct Reach {
    /// The entries up to and with the first that grants every row.
    pub entries: Vec<Rc<ReachEntry>>,
    /// What must hold besides: the project isolation, whose ids are sorted, as they are in criteria; of a Binary, that its
    /// security context may be read.
    pub scope: Predicate,
    limits: Vec<&'static str>,
    is_as_search: OnceCell<bool>,
}

impl Reach {
    /// More entries than these are many.
    pub const LARGE: usize = 64;

    /// Works out the reach of `interaction` on `resource_type`.
    pub fn of(
        access: &EffectiveAccess,
        resource_type: &str,
        interaction: Interaction,
    ) -> crate::error::Result<Reach> {
        let entries = access
            .entries_for(resource_type, interaction)?
            .into_iter()
            .map(|grant| {
                let hidden = access.hidden_by(grant.entry, resource_type, interaction);
                Rc::new(ReachEntry::of(grant, hidden))
            })
            .collect();
        let mut project = access.project_scope(resource_type, interaction)?;
        if let Predicate::Id(ids) = &mut project {
            ids.sort_unstable();
        }
        let mut limits = Vec::new();
        if project != Predicate::Constant(true) {
            limits.push("in the membership's project");
        }
        let context = if resource_type == "Binary" {
            limits.push("with no securityContext or one that may be read");
            Predicate::SecurityContext
        } else {
            Predicate::Constant(true)
        };
        Ok(Reach {
            entries,
            scope: Predicate::all([project, context]),
            limits,
            is_as_search: OnceCell::new(),
        })
    }

    /// The first entry that grants the row. What is unknown grants nothing.
    pub fn deciding(&self, row: &impl Candidate) -> Option<&Rc<ReachEntry>> {
        if self.scope.evaluate(row) != Some(true) {
            return None;
        }
        self.entries
            .iter()
            .find(|entry| entry.predicate.evaluate(row) == Some(true))
    }

    /// Does some condition of it ask for the row's own id?
    pub fn asks_for_id(&self) -> bool {
        self.scope.asks_for_id()
            || self
                .entries
                .iter()
                .any(|entry| entry.predicate.asks_for_id())
    }

    /// May it matter to any of its conditions whether a document has the fields that `entry`, one of its own, keeps? The answer is
    /// kept.
    pub fn asks_for_kept(&self, entry: &ReachEntry) -> bool {
        *entry.kept_is_asked_for.get_or_init(|| {
            let may = |member: &str| !entry.kept.touches(member);
            let entries = self.entries.iter().map(|entry| &entry.predicate);
            !entries
                .chain([&self.scope])
                .all(|predicate| predicate.looks_only_at(&may))
        })
    }

    /// Does some condition of it ask for more than the row itself tells?
    pub fn asks_elsewhere(&self) -> bool {
        self.scope.asks_elsewhere()
            || self
                .entries
                .iter()
                .any(|entry| entry.predicate.asks_elsewhere())
    }

    /// What [`scope`](Self::scope) asks, in words that follow a verb: "in the membership's project".
    pub fn limits(&self) -> String {
        self.limits.join(", ")
    }

    /// The rows that some entry grants.
    pub fn predicate(&self) -> Predicate {
        Predicate::all([self.scope.clone(), self.granted()])
    }

    /// The rows that some entry grants, project isolation aside.
    pub fn granted(&self) -> Predicate {
        Predicate::any(self.entries.iter().map(|entry| entry.predicate.clone()))
    }

    /// Does it grant the rows that `search` grants, entry by entry? That must be the reach of [`Interaction::Search`] on the same
    /// type, of the same session: the answer is kept.
    pub fn is_as_search(&self, search: &Reach) -> bool {
        *self.is_as_search.get_or_init(|| {
            let ours = self.entries.iter().map(|entry| &entry.predicate);
            let theirs = search.entries.iter().map(|entry| &entry.predicate);
            self.scope == search.scope && ours.eq(theirs)
        })
    }

    /// Does some entry grant every row, the project isolation aside?
    pub fn grants_all_rows(&self) -> bool {
        let last = self.entries.last();
        last.is_some_and(|entry| entry.predicate == Predicate::Constant(true))
    }

    /// Can a resource that is gone be told to be granted: had its row nothing to say against it but its project? (A Binary's
    /// had the resource that it was attached to last.)
    pub fn grants_what_is_gone(&self) -> bool {
        self.grants_all_rows() && !self.asks_elsewhere()
    }

    /// All that some entry hides.
    pub fn hidden_by_any(&self) -> FieldSet {
        let mut all = FieldSet::default();
        let entries = self.entries.iter();
        entries.for_each(|entry| all.merge(&entry.hidden));
        all
    }

    /// What the entries hide, in order, when any hides something: neighbours that hide the same are one.
    pub fn hidden(&self) -> Vec<(Predicate, FieldSet)> {
        let groups = self.hidden_groups();
        groups.map(Self::hidden_of).collect()
    }

    /// The same of rows that are granted: what is none of the others' is the last one's.
    pub fn hidden_of_granted(&self) -> Vec<(Predicate, FieldSet)> {
        let mut groups: Vec<&[Rc<ReachEntry>]> = self.hidden_groups().collect();
        // To join the conditions of a thousand instances takes longer than to plan a statement.
        let last = groups.pop().and_then(|group| group.first());
        let firsts = groups.into_iter().map(Self::hidden_of);
        firsts
            .chain(last.map(|entry| (Predicate::Constant(true), entry.hidden.clone())))
            .collect()
    }

    /// Neighbours that hide the same, when any hides something.
    fn hidden_groups(&self) -> impl Iterator<Item = &[Rc<ReachEntry>]> {
        let hides = self.entries.iter().any(|entry| !entry.hidden.is_empty());
        let entries = if hides { self.entries.as_slice() } else { &[] };
        entries.chunk_by(|one, next| one.hidden == next.hidden)
    }

    fn hidden_of(group: &[Rc<ReachEntry>]) -> (Predicate, FieldSet) {
        let granted = Predicate::any(group.iter().map(|entry| entry.predicate.clone()));
        let hidden = group.first().map(|entry| entry.hidden.clone());
        (granted, hidden.unwrap_or_default())
    }

    /// Are there so many entries that compiling expressions over them to machine code costs more than it can give?
    pub fn is_large(&self) -> bool {
        self.entries.len() > Reach::LARGE
    }

    /// Why none of the entries grants `what`, in terms of the policies alone.
    pub fn refusal(&self, resource_type: &str, interaction: Interaction, what: &str) -> String {
        let interaction = interaction.code();
        if self.entries.is_empty() {
            return format!(
                "no entry of the membership's policies grants {interaction} on {resource_type}"
            );
        }
        let limits = match self.limits() {
            limits if limits.is_empty() => limits,
            limits => format!(" {limits}"),
        };
        format!(
            "{what} matches no entry that grants {interaction}{limits}: {}",
            self.listed()
        )
    }

    /// The places of the entries, as the audit trail names them.
    pub fn places(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for entry in &self.entries {
            if places.len() < SHOWN && !places.contains(&entry.place) {
                places.push(entry.place.clone());
            }
        }
        places
    }

    /// The entries as messages name them, each once, and no more than a reader can use.
    pub fn listed(&self) -> String {
        let mut entries: Vec<String> = Vec::new();
        let mut others = 0_usize;
        for entry in self.entries.iter().map(|entry| entry.describe()) {
            if entries.contains(&entry) {
                continue;
            }
            if entries.len() < SHOWN {
                entries.push(entry)
            } else {
                others += 1
            }
        }
        let more = if others == 0 {
            String::new()
        } else {
            format!("; and {others} more")
        };
        format!("{}{more}", entries.join("; "))
    }
}
