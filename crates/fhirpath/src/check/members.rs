//! Names: elements of what is at hand, and types at the start of a path.

use std::collections::BTreeSet;

use fhir_model::{ElementDef, Kind, TypeId, similar};

use super::report::{self, meant, short};
use super::shape::{Count, Shape, Type, Types, add};
use super::walk::{Check, Scope};
use crate::ast::{Expr, Name, NodeId};
use crate::function::Function;
use crate::span::Span;
use crate::types::SystemType;

/// What a type has under a name.
enum Found {
    Element(ElementDef),
    /// A string that is no element.
    String,
    /// Its elements are not known.
    Anything,
    Nothing,
}

impl Check<'_> {
    /// `base.name`
    pub(super) fn member(&mut self, name: &Name, base: &Shape) -> Shape {
        let Some(types) = &base.types else {
            return base.clone().counted(base.count.max(Count::Perhaps));
        };
        let mut result = Shape {
            types: Some(Types::new()),
            ..base.clone()
        };
        let (mut found_any, mut known) = (false, true);
        for one in types {
            match member(*one, name.as_str()) {
                Found::Nothing => continue,
                Found::Anything => known = false,
                Found::String => {
                    let string = Type::System(SystemType::String);
                    result = result.or(&Shape::of(Types::from_elem(string, 1), Count::One));
                }
                Found::Element(element) => result = result.or(&children(element)),
            }
            found_any = true;
        }
        if found_any {
            self.warn_of_resolved(name.span(), name.as_str(), types);
        } else if !types.is_empty() {
            self.no_member(name, types);
            known = false;
        }
        if !known {
            result.types = None;
            result.count = result.count.max(Count::Perhaps);
        }
        result
    }

    /// A name with nothing before it: an element of what is at hand, or its type.
    pub(super) fn root_name(&mut self, name: &Name, scope: Scope<'_>) -> Shape {
        let Some(root) = names_root(name.as_str()) else {
            return self.member(name, scope.focus);
        };
        let kept = narrowed(scope.focus, root);
        if !kept.is_empty() || scope.focus.is_empty() {
            return kept;
        }
        let at_hand = report::names(scope.focus);
        let written = short(name.as_str());
        let message = format!("`{written}` gives nothing: the item here is {at_hand}");
        let is_resource = self.context.resource_type.is_some_and(|it| it.is_a(root));
        let hint = match is_resource {
            true => Some("write `%resource` for the resource itself".to_owned()),
            false => None,
        };
        self.error(name.span(), message, hint);
        Shape::unknown(Count::Perhaps)
    }

    /// Nothing that can be at hand has an element of this name.
    fn no_member(&mut self, name: &Name, types: &Types) {
        let shape = Shape::of(types.clone(), Count::One);
        let written = name.as_str();
        let message = format!(
            "{} has no element `{}`",
            report::names(&shape),
            short(written)
        );
        let hint = self.instead(written, types);
        self.error(name.span(), message, hint);
    }

    /// What was probably meant by a name that is none.
    fn instead(&self, name: &str, types: &Types) -> Option<String> {
        let fhir = || types.iter().filter_map(|found| fhir_type(*found));
        let choice = |name: &str| {
            let (choice, found) = fhir().find_map(|it| it.choice_of(name))?;
            let (choice, found) = (choice.name(), found.name());
            Some(format!(
                "write `{choice}.ofType({found})` or `({choice} as {found})`"
            ))
        };
        if let Some(hint) = choice(name) {
            return Some(hint);
        }
        if name == "null" {
            return Some("nothing is null: ask `exists()` or `empty()`".to_owned());
        }
        if self
            .context
            .variables
            .iter()
            .any(|(known, _)| *known == name)
        {
            return Some(report::meant(&format!("%{name}")));
        }
        if types.contains(&Type::Reference) {
            return Some("it has `reference`, `id` and `resolve()`".to_owned());
        }
        if Function::from_name(name).is_some() {
            return Some(format!("a function has parentheses: `{name}(…)`"));
        }
        let elements: BTreeSet<&str> = fhir()
            .flat_map(TypeId::elements)
            .flat_map(|element| {
                let members = element.members().map(|(name, _)| name);
                members.chain([element.name()])
            })
            .collect();
        if let Some(meant) = similar(name, elements.into_iter()) {
            return choice(meant).or_else(|| Some(report::meant(meant)));
        }
        let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
        let resource = self.context.resource_type.filter(|_| is_type);
        if resource.is_some_and(|found| found.name() == name) {
            return Some("the name of a type stands at the start of a path only".to_owned());
        }
        similar(name, resource.map(TypeId::name).into_iter()).map(meant)
    }

    /// What a reference names is in the database, not in the document, unless it is contained.
    pub(super) fn warn_of_resolved(&mut self, span: Span, name: &str, types: &Types) {
        let is_resolved = types.iter().any(|it| matches!(it, Type::Resolved(_)));
        if is_resolved && !["id", "resourceType"].contains(&name) {
            let message = format!(
                "`{}` is known of contained resources only; for any other reference it fails",
                short(name)
            );
            let hint = "of what a reference names, `resolve()` knows the type and the id";
            self.warning(span, message, Some(hint.to_owned()));
        }
    }

    /// What `repeat(name)` gives: the elements of this name, and theirs; `None` where the argument is not that simple.
    pub(super) fn repeated(&mut self, argument: NodeId, base: &Shape) -> Option<Shape> {
        let name = match &self.ast.get(argument)?.expr {
            Expr::Member { base: None, name } if names_root(name.as_str()).is_none() => name,
            _ => return None,
        };
        let mut all = self.member(name, base);
        let mut next = 0;
        // Each round adds the children of one type; there are few types.
        while let Some(found) = all.types.as_ref().and_then(|types| types.get(next)) {
            match member(*found, name.as_str()) {
                Found::Nothing => {}
                Found::Anything => all.types = None,
                Found::String => all = all.or(&Shape::system(SystemType::String)),
                Found::Element(element) => all = all.or(&children(element)),
            }
            next += 1;
        }
        Some(all.counted(Count::Perhaps))
    }
}

/// The items that are of a type of FHIR.
pub(super) fn narrowed(base: &Shape, wanted: TypeId) -> Shape {
    let Some(types) = &base.types else {
        return Shape::of(Types::from_elem(Type::Fhir(wanted), 1), base.count);
    };
    let mut kept = Types::new();
    for found in types {
        let narrower = match *found {
            Type::Fhir(found) if found.is_a(wanted) => Some(Type::Fhir(found)),
            Type::Fhir(found) if may_be(found, wanted) => Some(Type::Fhir(wanted)),
            Type::Resolved(found) if found.is_a(wanted) => Some(Type::Resolved(found)),
            Type::Resolved(found) if may_be(found, wanted) => Some(Type::Resolved(wanted)),
            Type::Reference if is_reference(wanted) => Some(Type::Reference),
            Type::System(SystemType::Any) => Some(Type::Fhir(wanted)),
            _ => None,
        };
        if let Some(narrower) = narrower {
            add(&mut kept, narrower);
        }
    }
    Shape {
        types: Some(kept),
        ..base.clone()
    }
}

/// Whether something that is declared to be `declared` can be a `wanted`: only what no element really has stands for
/// the types that extend it.
fn may_be(declared: TypeId, wanted: TypeId) -> bool {
    declared.is_abstract() && wanted.is_a(declared)
}

fn is_reference(wanted: TypeId) -> bool {
    TypeId::named("Reference").is_some_and(|found| found.is_a(wanted))
}

/// A type whose name can stand at the start of a path. Elements begin with a small letter, these types do not.
fn names_root(name: &str) -> Option<TypeId> {
    TypeId::named(name).filter(|found| found.kind() != Kind::Primitive)
}

fn fhir_type(found: Type) -> Option<TypeId> {
    match found {
        Type::Fhir(found) | Type::Resolved(found) => Some(found),
        _ => None,
    }
}

fn member(of: Type, name: &str) -> Found {
    match of {
        Type::Fhir(found) | Type::Resolved(found) => match found.element(name) {
            Some(element) => Found::Element(element),
            None if found.kind() == Kind::Resource && name == "resourceType" => Found::String,
            None if found.is_abstract() || !found.is_described() => Found::Anything,
            None => Found::Nothing,
        },
        Type::Reference if ["reference", "id"].contains(&name) => Found::String,
        Type::Info if ["namespace", "name"].contains(&name) => Found::String,
        Type::System(SystemType::Any) => Found::Anything,
        Type::System(_) | Type::Reference | Type::Info => Found::Nothing,
    }
}

fn children(element: ElementDef) -> Shape {
    let types = element.types().iter().map(|found| Type::Fhir(*found));
    let count = if element.repeats() {
        Count::Many
    } else {
        Count::One
    };
    Shape::of(types.collect(), count)
}
