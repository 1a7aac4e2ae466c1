//! FHIR interactions, and which of them an entry covers.

use std::fmt;
use std::str::FromStr;

/// What is done to a resource (FHIR R4 `restful-interaction`, the seven that policies know).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interaction {
    /// One resource by its id.
    Read,
    /// One version of a resource.
    Vread,
    /// Rows found by a query: every `SELECT`.
    Search,
    /// The versions of a resource.
    History,
    /// A new resource: `INSERT`.
    Create,
    /// A changed resource: `UPDATE`.
    Update,
    /// A removed resource: `DELETE`.
    Delete,
}

impl Interaction {
    /// All seven, in the order the documents list them.
    pub const ALL: [Interaction; 7] = [
        Interaction::Read,
        Interaction::Vread,
        Interaction::Search,
        Interaction::History,
        Interaction::Create,
        Interaction::Update,
        Interaction::Delete,
    ];

    /// The code as documents write it: `read`, `vread`, …
    pub fn code(self) -> &'static str {
        match self {
            Interaction::Read => "read",
            Interaction::Vread => "vread",
            Interaction::Search => "search",
            Interaction::History => "history",
            Interaction::Create => "create",
            Interaction::Update => "update",
            Interaction::Delete => "delete",
        }
    }

    /// Whether it changes nothing: read, vread, search, history.
    pub fn is_read(self) -> bool {
        matches!(
            self,
            Interaction::Read | Interaction::Vread | Interaction::Search | Interaction::History
        )
    }

    fn bit(self) -> u8 {
        match self {
            Interaction::Read => 1,
            Interaction::Vread => 2,
            Interaction::Search => 4,
            Interaction::History => 8,
            Interaction::Create => 16,
            Interaction::Update => 32,
            Interaction::Delete => 64,
        }
    }
}

impl fmt::Display for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Interaction {
    type Err = UnknownInteraction;

    fn from_str(code: &str) -> Result<Self, UnknownInteraction> {
        Interaction::ALL
            .into_iter()
            .find(|interaction| interaction.code() == code)
            .ok_or(UnknownInteraction)
    }
}

/// The code is none of the seven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown interaction")]
pub struct UnknownInteraction;

/// A set of interactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interactions(u8);

impl Interactions {
    /// None at all.
    pub const NONE: Interactions = Interactions(0);
    /// All seven.
    pub const ALL: Interactions = Interactions(127);
    /// The four that change nothing.
    pub const READ: Interactions = Interactions(15);
    /// All but delete.
    pub const ALL_BUT_DELETE: Interactions = Interactions(63);

    /// Whether the set holds the interaction.
    pub fn contains(self, interaction: Interaction) -> bool {
        self.0 & interaction.bit() != 0
    }

    /// The set with the interaction added.
    #[must_use]
    pub fn with(self, interaction: Interaction) -> Interactions {
        Interactions(self.0 | interaction.bit())
    }

    /// Its members, in the order of [`Interaction::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Interaction> {
        Interaction::ALL
            .into_iter()
            .filter(move |i| self.contains(*i))
    }

    /// One bit per interaction, for the fingerprint.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, interaction) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(interaction.code())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_sets_hold_what_they_say() {
        for interaction in Interaction::ALL {
            assert_eq!(interaction.code().parse(), Ok(interaction));
            assert!(Interactions::ALL.contains(interaction));
            assert_eq!(
                Interactions::READ.contains(interaction),
                interaction.is_read()
            );
            assert_eq!(
                Interactions::ALL_BUT_DELETE.contains(interaction),
                interaction != Interaction::Delete
            );
            assert!(!Interactions::NONE.contains(interaction));
            assert!(Interactions::NONE.with(interaction).contains(interaction));
        }
        assert_eq!("patch".parse::<Interaction>(), Err(UnknownInteraction));
        assert_eq!(Interactions::READ.to_string(), "read vread search history");
    }
}
