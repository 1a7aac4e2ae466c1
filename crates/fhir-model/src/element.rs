//! Elements: the members of a type.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ptr;

use crate::index::{Index, Named};
use crate::types::TypeId;

/// The definition of an element. Equal is what is the same definition, inherited or repeated ones included.
#[derive(Clone, Copy)]
pub struct ElementDef(pub(crate) &'static Definition);

/// What the table holds of an element.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) repeats: bool,
    pub(crate) choice: bool,
    pub(crate) types: Box<[TypeId]>,
    pub(crate) references: Box<[TypeId]>,
    /// Of a choice, its JSON members in the order of `types`.
    pub(crate) members: Box<[(Box<str>, TypeId)]>,
}

/// One JSON member of a choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChoiceMember {
    pub(crate) name: &'static str,
    pub(crate) element: ElementDef,
    pub(crate) type_id: TypeId,
}

/// The elements of a type by name.
pub(crate) type Members = Index<ElementDef>;

/// The JSON members of a type's choices by name.
pub(crate) type Choices = Index<ChoiceMember>;

impl ElementDef {
    /// Its name; of a choice the name without the type: `value`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether there may be several: its JSON is an array.
    #[must_use]
    pub fn repeats(self) -> bool {
        self.0.repeats
    }

    /// Whether it is a choice of types, so that its JSON member is the name followed by the type.
    #[must_use]
    pub fn is_choice(self) -> bool {
        self.0.choice
    }

    /// The types that it may have, at least one: several only for a choice, in the order of the definition. `Resource`
    /// stands for any resource.
    ///
    /// `Element.id` and the `id` of everything that derives from it is given as `string`, which it is in JSON; its
    /// definition says `System.String`.
    #[must_use]
    pub fn types(self) -> &'static [TypeId] {
        &self.0.types
    }

    /// The resource types that a `Reference` here may point to; empty where any is allowed or there is no reference.
    #[must_use]
    pub fn references(self) -> &'static [TypeId] {
        &self.0.references
    }

    /// Of a choice, the type that goes with a JSON member: `Quantity` with `valueQuantity`.
    #[must_use]
    pub fn member(self, json_name: &str) -> Option<TypeId> {
        // A choice of two or of fifty: the name in front is the same, so that lengths tell most of them apart.
        self.members()
            .find(|(name, _)| *name == json_name)
            .map(|(_, type_id)| type_id)
    }

    /// Of a choice, its JSON members and their types, in the order of [`types`](Self::types); otherwise nothing.
    pub fn members(self) -> impl ExactSizeIterator<Item = (&'static str, TypeId)> {
        self.0
            .members
            .iter()
            .map(|(name, type_id)| (&**name, *type_id))
    }
}

impl Named for ElementDef {
    fn name(self) -> &'static str {
        self.0.name
    }
}

impl Named for ChoiceMember {
    fn name(self) -> &'static str {
        self.name
    }
}

impl PartialEq for ElementDef {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

impl Eq for ElementDef {}

impl Hash for ElementDef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::hash(self.0, state);
    }
}

impl fmt::Debug for ElementDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choice = if self.is_choice() { "[x]" } else { "" };
        let many = if self.repeats() { "*" } else { "" };
        write!(f, "{}{choice}{many} {:?}", self.name(), self.types())
    }
}
