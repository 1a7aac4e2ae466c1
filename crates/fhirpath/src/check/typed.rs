//! `is`, `as` and `ofType()`.

use fhir_model::{Kind, TypeId, similar};

use super::members::narrowed;
use super::report::{self, meant, short};
use super::shape::{Count, Shape, Type, Types, add};
use super::walk::Check;
use crate::ast::{NodeId, TypeName};
use crate::function::Function;
use crate::operator::TypeOp;
use crate::span::Span;
use crate::types::{SystemType, TypeSpec};

impl Check<'_> {
    /// `operand is Type`, `operand as Type`
    pub(super) fn type_operator(
        &mut self,
        op: TypeOp,
        name: &TypeName,
        left: NodeId,
        base: &Shape,
    ) -> Shape {
        let function = match op {
            TypeOp::Is => Function::Is,
            TypeOp::As => Function::As,
        };
        self.typed(function, Some(name), name.span(), Some(left), base)
    }

    /// `is(Type)`, `as(Type)`, `ofType(Type)`, and the operators. `left` is what the items come from, if
    /// not what is at hand.
    pub(super) fn typed(
        &mut self,
        function: Function,
        name: Option<&TypeName>,
        span: Span,
        left: Option<NodeId>,
        base: &Shape,
    ) -> Shape {
        let answer = match function {
            Function::Is => Shape::system(SystemType::Boolean),
            Function::As => Shape::unknown(Count::One),
            _ => Shape::unknown(base.count.min(Count::Perhaps)),
        };
        let Some(name) = name else {
            let message = format!("{}() needs the name of a type", function.name());
            self.error(span, message, None);
            return answer;
        };
        let Some(spec) = TypeSpec::resolve(name) else {
            let (message, hint) = unknown_type(name);
            self.error(span, message, hint);
            return answer;
        };
        let kept = kept(function, base, spec);
        if kept.is_empty() && !base.is_empty() {
            self.never(function, (name, spec), left, base);
            return answer;
        }
        match function {
            Function::OfType => return kept.filtered(),
            _ => {
                if let Some(left) = left {
                    self.needs_single(left, base, &format!("`{}`", function.name()));
                }
            }
        }
        match function {
            Function::Is => answer,
            _ => kept.counted(Count::One),
        }
    }

    /// No item can be of the type.
    fn never(
        &mut self,
        function: Function,
        (name, spec): (&TypeName, TypeSpec),
        left: Option<NodeId>,
        base: &Shape,
    ) {
        let wanted = match spec {
            TypeSpec::System(system) => format!("System.{}", system.name()),
            TypeSpec::Fhir(found) | TypeSpec::Either(_, found) => found.name().to_owned(),
            TypeSpec::Nothing => format!("`{}`, which is no type", written(name)),
        };
        let found = report::names(base);
        let what = match left {
            Some(left) => format!("`{}`", self.quote(left)),
            None => "the item here".to_owned(),
        };
        let message = format!("{what} is {found}, never {wanted}");
        let hint = own_type(function, spec, base);
        let is_value = |found: &Type| match found {
            Type::Fhir(found) => found.kind() == Kind::Primitive,
            Type::System(_) => true,
            _ => false,
        };
        let are_values = base.known().is_some_and(|types| types.iter().all(is_value));
        // To ask is no mistake, and the answer is false; nor are values and what looks like them, as HL7's suite has it.
        if function == Function::Is || are_values {
            self.warning(name.span(), message, hint);
        } else {
            self.error(name.span(), message, hint);
        }
    }
}

/// The type to ask for instead: FHIR's own for the language's, and what a value is declared to be.
fn own_type(function: Function, spec: TypeSpec, base: &Shape) -> Option<String> {
    let fits = |found: &Type| match (*found, spec) {
        (Type::Fhir(found), TypeSpec::System(wanted)) => {
            found.kind() == Kind::Primitive && SystemType::of_primitive(found.name()) == wanted
        }
        (Type::Fhir(found), TypeSpec::Fhir(wanted)) => {
            function != Function::Is && found.is_a(wanted)
        }
        _ => false,
    };
    let found = base.known()?.iter().find(|found| fits(found))?;
    Some(format!("its own type is `{}`", found.name()))
}

/// What is of the type; as [`TypeSpec::holds`] and, for other functions than `is`, [`TypeSpec::keeps`].
fn kept(function: Function, base: &Shape, spec: TypeSpec) -> Shape {
    let nothing = Shape {
        types: Some(Types::new()),
        ..base.clone()
    };
    let fhir = |wanted: TypeId| {
        let mut kept = narrowed(base, wanted);
        if function != Function::Is && wanted.kind() == Kind::Primitive {
            // A primitive is kept as its own type only, though a code is a string.
            let is_wanted = |found: &mut Type| *found == Type::Fhir(wanted);
            if let Some(types) = &mut kept.types {
                types.retain(is_wanted);
            }
        }
        kept
    };
    match spec {
        TypeSpec::Nothing => nothing,
        TypeSpec::Fhir(wanted) => fhir(wanted),
        TypeSpec::System(wanted) => system(base, wanted, nothing),
        TypeSpec::Either(also, wanted) => fhir(wanted).or(&system(base, also, nothing)),
    }
}

fn system(base: &Shape, wanted: SystemType, nothing: Shape) -> Shape {
    if wanted == SystemType::Any {
        return base.clone();
    }
    let wanted = Type::System(wanted);
    let mut kept = Types::new();
    match &base.types {
        None => add(&mut kept, wanted),
        Some(types) => {
            for found in types {
                if *found == wanted || *found == Type::System(SystemType::Any) {
                    add(&mut kept, wanted);
                }
            }
        }
    }
    Shape {
        types: Some(kept),
        ..nothing
    }
}

/// The name of a type, for a message.
fn written(name: &TypeName) -> String {
    let parts: Vec<&str> = name.parts().iter().map(|part| part.as_str()).collect();
    short(&parts.join("."))
}

fn unknown_type(name: &TypeName) -> (String, Option<String>) {
    let parts: Vec<&str> = name.parts().iter().map(|part| part.as_str()).collect();
    let last = parts.last().copied().unwrap_or_default();
    if let [namespace, _] = parts.as_slice()
        && !["FHIR", "System"].contains(namespace)
    {
        let message = format!("there is no namespace `{}`", short(namespace));
        return (
            message,
            Some("namespaces are `FHIR` and `System`".to_owned()),
        );
    }
    let known = TypeId::all()
        .filter(|found| found.kind() != Kind::Backbone)
        .map(TypeId::name);
    let hint = match last {
        // Profiles of it, which HL7's own texts use like types.
        "SimpleQuantity" | "MoneyQuantity" => Some(meant("Quantity")),
        _ => similar(last, known).map(meant),
    };
    (format!("there is no type `{}`", written(name)), hint)
}
