//! What an entry hides: its own fields, those of resources inside the row, and the narratives.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::{EffectiveAccess, Entry};
use crate::entry::TypeSelector;
use crate::fields::FieldSet;
use crate::interaction::Interaction;

/// Longer lists of fields are not looked for inside: resources there are hidden whole. Plans repeat the list for each group
/// of entries.
const LONGEST: usize = 16 * 1024;

/// Where resources stand inside others.
const PLACES: [&str; 5] = [
    "contained",
    "entry.resource",
    "entry.response.outcome",
    "parameter.resource",
    "parameter.part",
];

/// The fields of resources inside rows, once they were asked for: by interaction.
#[derive(Debug, Default)]
pub(super) struct Inside([OnceCell<FieldSet>; Interaction::ALL.len()]);

impl EffectiveAccess {
    /// What `entry` hides of a row of the type that it grants for the interaction.
    ///
    /// Besides its own hidden fields these are, inside rows of which it hides something and inside every Bundle and Parameters,
    /// the fields of resources there: of each type what the entries hide that may grant the interaction, all together, because
    /// nobody can tell which of them would decide for what is no row; where none may, what all entries for the type hide.
    /// With `hide_narrative`, a row of which something is hidden has no `text`, nor have the resources inside.
    pub fn hidden_by(
        &self,
        entry: &Entry,
        resource_type: &str,
        interaction: Interaction,
    ) -> FieldSet {
        let own = entry.hidden();
        let is_holder = matches!(resource_type, "Bundle" | "Parameters");
        let mut hidden = own.clone();
        if is_holder || !own.is_empty() {
            hidden.merge(self.hidden_inside(interaction));
        }
        if self.hide_narrative && !own.is_empty() {
            hidden.merge(&narrative());
        }
        hidden
    }

    /// The fields of resources inside rows; worked out once.
    fn hidden_inside(&self, interaction: Interaction) -> &FieldSet {
        self.inside
            .of(interaction)
            .get_or_init(|| self.find_inside(interaction))
    }

    fn find_inside(&self, interaction: Interaction) -> FieldSet {
        let mut inside = FieldSet::default();
        if self.entries.iter().all(|entry| entry.hidden().is_empty()) {
            return inside;
        }
        let selectors = self.entries.iter().map(|entry| entry.resource_type());
        for resource_type in selectors.collect::<BTreeSet<_>>() {
            inside.nest(
                resource_type,
                &self.hidden_of_any(resource_type, interaction),
            );
        }
        if self.hide_narrative && !inside.is_empty() {
            inside.nest("*", &narrative());
        }
        if inside.to_string().len() > LONGEST {
            return paths(&PLACES);
        }
        inside
    }

    /// What the entries for the type hide that may decide for a resource of it. What those for every type (`*`) hide counts for
    /// each, and is asked for once.
    fn hidden_of_any(&self, resource_type: &str, interaction: Interaction) -> FieldSet {
        let covers = |entry: &&Entry| {
            let selector = &entry.definition.resource_type;
            match resource_type {
                "*" => *selector == TypeSelector::Any,
                name => selector.covers(name, self.super_admin),
            }
        };
        let (mut of_granting, mut of_all) = (FieldSet::default(), FieldSet::default());
        let mut is_granted = false;
        for entry in self.entries.iter().filter(covers) {
            if entry.always == Some(false) {
                continue;
            }
            let grants = entry.interactions().contains(interaction);
            is_granted |= grants;
            if entry.resource_type() == resource_type {
                of_all.merge(entry.hidden());
                if grants {
                    of_granting.merge(entry.hidden());
                }
            }
            if grants && entry.always == Some(true) {
                break;
            }
        }
        match is_granted {
            true => of_granting,
            false if interaction.is_read() => of_all,
            // Nothing of what is written was shown, and nothing more is said of it.
            false => FieldSet::default(),
        }
    }
}

impl Inside {
    fn of(&self, interaction: Interaction) -> &OnceCell<FieldSet> {
        let [read, vread, search, history, create, update, delete] = &self.0;
        match interaction {
            Interaction::Read => read,
            Interaction::Vread => vread,
            Interaction::Search => search,
            Interaction::History => history,
            Interaction::Create => create,
            Interaction::Update => update,
            Interaction::Delete => delete,
        }
    }
}

fn narrative() -> FieldSet {
    paths(&["text"])
}

fn paths(paths: &[&str]) -> FieldSet {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    // These are paths.
    FieldSet::parse(&paths).unwrap_or_default()
}
