//! Types: of resources, of elements, and the anonymous ones of elements with children of their own.

use std::fmt;

use crate::element::ElementDef;
use crate::table::{self, TypeData};

/// A type of FHIR R4 or of Medplum.
///
/// Most have a name (`Patient`, `HumanName`, `string`). An element that defines children of its own has an anonymous
/// type, known by the element's [path](Self::path) (`Patient.contact`); elements that repeat another's children
/// (`Questionnaire.item.item`) share its type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(crate) u16);

/// What sort of type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A primitive type: its JSON is a string, a number or a boolean. Named in lower case.
    Primitive,
    /// A data type with elements, such as `HumanName`.
    Complex,
    /// The anonymous type of an element with children of its own.
    Backbone,
    /// A resource type.
    Resource,
}

impl TypeId {
    /// The type of this name, as FHIR writes it: no prefix, case matters. Anonymous types are not found by a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        table::table().named.get(name).map(|found| found.id)
    }

    /// The anonymous type of the element at this path (`Patient.contact`), or the type of this name.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let mut parts = path.split('.');
        let mut found = Self::named(parts.next()?)?;
        for part in parts {
            found = found
                .element(part)?
                .types()
                .first()
                .copied()
                .filter(|part| part.kind() == Kind::Backbone)?;
        }
        Some(found)
    }

    /// All types: those with a name in alphabetical order, then the anonymous ones.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..table::table().count()).map(Self)
    }

    /// Its name; of an anonymous type that of its base, `BackboneElement` or `Element`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.data().name
    }

    /// Where it is defined: its name, or the path of the element whose children it holds.
    #[must_use]
    pub fn path(self) -> &'static str {
        &self.data().path
    }

    /// What sort of type it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.data().kind
    }

    /// Whether nothing has this type without having one that derives from it: `Resource`, `DomainResource`, `Element`,
    /// `BackboneElement`.
    #[must_use]
    pub fn is_abstract(self) -> bool {
        self.kind() != Kind::Backbone
            && ["Resource", "DomainResource", "Element", "BackboneElement"].contains(&self.name())
    }

    /// The type that this one extends; `Element` and `Resource` have none.
    #[must_use]
    pub fn base(self) -> Option<Self> {
        self.data().base
    }

    /// Whether this is `ancestor` or derives from it: a `code` is a `string`, a `Patient` is a `Resource`.
    #[must_use]
    pub fn is_a(self, ancestor: Self) -> bool {
        std::iter::successors(Some(self), |it| it.base()).any(|it| it == ancestor)
    }

    /// Whether its elements are known. They are not for a few of Medplum's resource types.
    #[must_use]
    pub fn is_described(self) -> bool {
        self.data().described
    }

    /// The element of this name, its own or inherited. A choice has the name without the type: `value`.
    #[must_use]
    pub fn element(self, name: &str) -> Option<ElementDef> {
        self.data().members.get(name)
    }

    /// All elements in the order of the definition, inherited ones first.
    #[must_use]
    pub fn elements(self) -> &'static [ElementDef] {
        &self.data().elements
    }

    /// The choice that a JSON member belongs to, and its type then: `valueQuantity` is `value` as a `Quantity`.
    #[must_use]
    pub fn choice_of(self, json_member: &str) -> Option<(ElementDef, Self)> {
        let found = self.data().choices.get(json_member)?;
        Some((found.element, found.type_id))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "only the table makes ids, and there is one table"
    )]
    fn data(self) -> &'static TypeData {
        &table::table().types[usize::from(self.0)]
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

impl fmt::Display for TypeId {
    /// Its path: `Patient`, `Patient.contact`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}
