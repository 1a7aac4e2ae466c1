//! The table: what the text says, with every name resolved.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::element::{ChoiceMember, Choices, Definition, ElementDef, Members};
use crate::index::{Index, Named};
use crate::read::{self, ElementText, TypeText};
use crate::types::{Kind, TypeId};

/// All types.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) types: Vec<TypeData>,
    pub(crate) named: Index<NamedType>,
}

/// What the table holds of a type.
#[derive(Debug)]
pub(crate) struct TypeData {
    pub(crate) name: &'static str,
    pub(crate) path: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) described: bool,
    pub(crate) base: Option<TypeId>,
    /// Inherited ones first.
    pub(crate) elements: Box<[ElementDef]>,
    pub(crate) members: Members,
    pub(crate) choices: Choices,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

/// The one table.
pub(crate) fn table() -> &'static Table {
    &TABLE
}

/// A type before its elements are resolved.
struct Shape<'t> {
    name: &'static str,
    path: String,
    kind: Kind,
    described: bool,
    base: &'static str,
    children: &'t [ElementText],
}

/// Ids by name or path.
type Ids = HashMap<String, TypeId>;

fn build() -> Table {
    let texts = read::types();
    let shapes = shapes(&texts);
    let ids: Ids = (0u16..)
        .zip(&shapes)
        .map(|(id, shape)| (shape.path.clone(), TypeId(id)))
        .collect();

    let mut own: Vec<Vec<ElementDef>> = Vec::with_capacity(shapes.len());
    for shape in &shapes {
        let definitions: Box<[Definition]> = shape
            .children
            .iter()
            .map(|child| definition(child, &shape.path, &ids))
            .collect();
        // Definitions live as long as the table, which is as long as the program.
        own.push(Box::leak(definitions).iter().map(ElementDef).collect());
    }
    let bases: Vec<Option<TypeId>> = shapes
        .iter()
        .map(|shape| ids.get(shape.base).copied())
        .collect();
    let types = shapes
        .into_iter()
        .zip(0u16..)
        .map(|(shape, id)| {
            let elements = with_inherited(TypeId(id), &bases, &own);
            TypeData {
                name: shape.name,
                path: shape.path.into(),
                kind: shape.kind,
                described: shape.described,
                base: ids.get(shape.base).copied(),
                members: Index::new(elements.iter().copied()),
                choices: Index::new(elements.iter().flat_map(|element| choice_members(*element))),
                elements: elements.into(),
            }
        })
        .collect();
    let named = texts.iter().zip(0u16..).map(|(text, id)| NamedType {
        name: text.name,
        id: TypeId(id),
    });
    Table {
        types,
        named: Index::new(named),
    }
}

/// The types with a name, then the anonymous ones, depth first.
fn shapes(texts: &[TypeText]) -> Vec<Shape<'_>> {
    let mut shapes: Vec<Shape<'_>> = texts
        .iter()
        .map(|text| Shape {
            name: text.name,
            path: text.name.to_owned(),
            kind: match text.kind {
                "primitive" => Kind::Primitive,
                "datatype" => Kind::Complex,
                _ => Kind::Resource,
            },
            described: text.kind != "undescribed",
            base: text.base,
            children: &text.children,
        })
        .collect();
    for text in texts {
        add_anonymous(&mut shapes, text.name, &text.children);
    }
    shapes
}

/// Adds the types of the elements below `path`, as deep as R4's elements are nested.
fn add_anonymous<'t>(shapes: &mut Vec<Shape<'t>>, path: &str, elements: &'t [ElementText]) {
    for element in elements.iter().filter(|it| !it.children.is_empty()) {
        let path = format!("{path}.{}", element.name);
        let base = element.types.first().copied().unwrap_or("Element");
        shapes.push(Shape {
            name: base,
            path: path.clone(),
            kind: Kind::Backbone,
            described: true,
            base,
            children: &element.children,
        });
        add_anonymous(shapes, &path, &element.children);
    }
}

fn definition(text: &ElementText, parent: &str, ids: &Ids) -> Definition {
    let find = |names: &[&str]| -> Box<[TypeId]> {
        names
            .iter()
            .filter_map(|name| ids.get(*name).copied())
            .collect()
    };
    let types = match text.repeats {
        Some(path) => find(&[path]),
        None if text.children.is_empty() => find(&text.types),
        None => find(&[&format!("{parent}.{}", text.name)]),
    };
    let choices = if text.choice { &*text.types } else { &[] };
    let members = choices.iter().filter_map(|name| {
        let member = format!("{}{}", text.name, capitalised(name));
        Some((member.into(), *ids.get(*name)?))
    });
    Definition {
        name: text.name,
        repeats: text.many,
        choice: text.choice,
        members: members.collect(),
        references: find(&text.targets),
        types,
    }
}

/// The elements of a type's ancestors and its own, which replace inherited ones of the same name.
fn with_inherited(
    id: TypeId,
    bases: &[Option<TypeId>],
    own: &[Vec<ElementDef>],
) -> Vec<ElementDef> {
    let base = |id: &TypeId| bases.get(usize::from(id.0)).copied().flatten();
    let mut chain: Vec<TypeId> = std::iter::successors(Some(id), base).collect();
    chain.reverse();
    let mut elements: Vec<ElementDef> = Vec::new();
    for element in chain
        .iter()
        .filter_map(|id| own.get(usize::from(id.0)))
        .flatten()
    {
        elements.retain(|inherited| inherited.name() != element.name());
        elements.push(*element);
    }
    elements
}

fn choice_members(element: ElementDef) -> impl Iterator<Item = ChoiceMember> {
    element.members().map(move |(name, type_id)| ChoiceMember {
        name,
        element,
        type_id,
    })
}

/// `dateTime` as it appears in `valueDateTime`.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// A name and its type: [`TypeId::name`] needs the table, which is not there while it is built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedType {
    name: &'static str,
    pub(crate) id: TypeId,
}

impl Named for NamedType {
    fn name(self) -> &'static str {
        self.name
    }
}

impl Table {
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.types.len()).unwrap_or(u16::MAX)
    }
}
