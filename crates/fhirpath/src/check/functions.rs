//! What functions give, and what they need.

use fhir_model::TypeId;
use smallvec::smallvec;

use super::arguments::Call;
use super::report;
use super::shape::{Class, Count, Shape, Type, Types};
use super::walk::Check;
use crate::ast::NodeId;
use crate::function::{Function, Group};
use crate::types::SystemType;

/// Where the definitions of core types have their URLs.
const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

impl Check<'_> {
    /// What a call gives, its arguments looked at.
    pub(super) fn result(&mut self, call: &Call<'_>) -> Shape {
        self.check_input(call);
        self.check_arguments(call);
        self.check_pattern(call);
        match call.function.group() {
            Group::Scalar => scalar(call),
            Group::Collection => self.collection(call),
        }
    }

    fn collection(&mut self, call: &Call<'_>) -> Shape {
        let base = call.base;
        let first = call.arguments.first();
        match call.function {
            Function::Where | Function::Exists | Function::All => {
                if let Some((id, criterion)) = first {
                    let what = format!("{}()", call.function.name());
                    self.warn_of_condition(*id, criterion, &what);
                }
                match call.function {
                    Function::Where => base.clone().filtered(),
                    _ => Shape::system(SystemType::Boolean),
                }
            }
            Function::Iif => self.iif(call),
            Function::Not => {
                if let Some(left) = call.left {
                    self.warn_of_condition(left, base, "not()");
                }
                Shape::system(SystemType::Boolean)
            }
            Function::First | Function::Last | Function::Tail | Function::Skip | Function::Take => {
                let what = format!("{}()", call.function.name());
                self.needs_order(call.left.unwrap_or(call.id), base, &what);
                match call.function {
                    Function::First | Function::Last => base.item(),
                    _ => base.clone().filtered(),
                }
            }
            Function::Resolve => resolved(base),
            Function::Children | Function::Descendants | Function::Extension => {
                if let Some(types) = &base.types {
                    let name = format!("{}()", call.function.name());
                    self.warn_of_resolved(self.span(call.id), &name, types);
                }
                let count = Count::Perhaps;
                match (call.function, Type::fhir("Extension")) {
                    (Function::Extension, Some(found)) => Shape::of(smallvec![found], count),
                    (Function::Extension, None) => Shape::unknown(count),
                    _ => Shape {
                        ordered: false,
                        ..Shape::unknown(count)
                    },
                }
            }
            Function::ConformsTo => self.conforms_to(call),
            Function::MemberOf | Function::HtmlChecks => {
                let (what, hint) = match call.function {
                    Function::MemberOf => (
                        "memberOf() needs terminology, which is not in the database",
                        Some("name the codes: `code in ('a' | 'b')`".to_owned()),
                    ),
                    _ => ("htmlChecks() is not for the database to decide", None),
                };
                self.error(self.span(call.id), what, hint);
                Shape::system(SystemType::Boolean)
            }
            _ => put_together(call),
        }
    }

    fn iif(&mut self, call: &Call<'_>) -> Shape {
        if let Some((id, criterion)) = call.arguments.first() {
            if criterion.is_never(&[Class::Boolean]) {
                let found = report::names(criterion);
                let message = format!("the criterion of iif() must be a boolean, not {found}");
                self.error(self.span(*id), message, None);
            } else {
                self.needs_single(*id, criterion, "the criterion of iif()");
            }
        }
        let results = call.arguments.iter().skip(1);
        results.fold(Shape::empty(), |all, (_, result)| all.or(result))
    }

    fn conforms_to(&mut self, call: &Call<'_>) -> Shape {
        if let Some((id, _)) = call.arguments.first()
            && let Some(url) = self.written_string(*id)
            && url.strip_prefix(CORE).and_then(TypeId::named).is_none()
        {
            let hint = format!("write `{CORE}` and the name of a type");
            let message = "conformsTo() knows the definitions of FHIR's own types only";
            self.error(self.span(*id), message, Some(hint));
        }
        Shape::system(SystemType::Boolean)
    }

    /// What is no boolean counts as true when it is there.
    pub(super) fn warn_of_condition(&mut self, id: NodeId, shape: &Shape, what: &str) {
        if shape.is_never(&[Class::Boolean]) {
            let found = report::names(shape);
            let message = format!(
                "`{}` is {found}, not a boolean: {what} takes it for true when it is there",
                self.quote(id)
            );
            let hint = self.followed_by(id, "exists()");
            // An element may be meant to be there; a value always is.
            let is_value = |types: &Types| types.iter().all(|it| matches!(it, Type::System(_)));
            if shape.known().is_some_and(is_value) {
                self.nonsense(self.span(id), message, hint);
            } else {
                self.warning(self.span(id), message, hint);
            }
        } else {
            self.needs_single(id, shape, what);
        }
    }

    /// The input must be able to be what the function needs.
    fn check_input(&mut self, call: &Call<'_>) {
        let Some(needed) = input(call.function) else {
            return;
        };
        let name = call.function.name();
        let id = call.left.unwrap_or(call.id);
        if call.base.is_never(needed) {
            let found = report::names(call.base);
            let message = format!("{name}() is not defined for {found}");
            let hint = self.as_string(call, needed);
            self.error(self.span(call.id), message, hint);
        } else if call.function.group() == Group::Scalar {
            self.needs_single(id, call.base, &format!("{name}()"));
        }
    }

    /// How to get at a string of what is none.
    fn as_string(&self, call: &Call<'_>, needed: &[Class]) -> Option<String> {
        if !needed.contains(&Class::String) {
            return None;
        }
        let between = match report::value_element(call.base) {
            Some(element) => element,
            None if call.base.is_never(&[Class::Complex]) => "toString()",
            None => return None,
        };
        let arguments = match call.arguments {
            [] => "()",
            _ => "(…)",
        };
        let name = call.function.name();
        self.followed_by(call.left?, &format!("{between}.{name}{arguments}"))
    }
}

/// The classes of which a function needs its items; `None` where any will do.
fn input(function: Function) -> Option<&'static [Class]> {
    const VALUE: &[Class] = &[
        Class::Boolean,
        Class::Number,
        Class::String,
        Class::Date,
        Class::Time,
        Class::Quantity,
    ];
    Some(match function {
        Function::IndexOf
        | Function::LastIndexOf
        | Function::Substring
        | Function::StartsWith
        | Function::EndsWith
        | Function::Contains
        | Function::Upper
        | Function::Lower
        | Function::Replace
        | Function::Matches
        | Function::MatchesFull
        | Function::ReplaceMatches
        | Function::Length
        | Function::ToChars
        | Function::Encode
        | Function::Decode
        | Function::Escape
        | Function::Unescape
        | Function::Trim
        | Function::Split
        | Function::Join => &[Class::String],
        Function::Abs
        | Function::Ceiling
        | Function::Exp
        | Function::Floor
        | Function::Ln
        | Function::Log
        | Function::Power
        | Function::Round
        | Function::Sqrt
        | Function::Truncate => &[Class::Number, Class::Quantity],
        Function::AllTrue | Function::AnyTrue | Function::AllFalse | Function::AnyFalse => {
            &[Class::Boolean]
        }
        function if function.group() == Group::Scalar => VALUE,
        _ => return None,
    })
}

/// What functions from one value to one or a few give.
fn scalar(call: &Call<'_>) -> Shape {
    Shape::system(match call.function {
        Function::ToInteger
        | Function::IndexOf
        | Function::LastIndexOf
        | Function::Length
        | Function::Precision
        | Function::Ceiling
        | Function::Floor
        | Function::Truncate => SystemType::Integer,
        Function::ToDecimal | Function::Exp | Function::Ln | Function::Log | Function::Sqrt => {
            SystemType::Decimal
        }
        Function::ToDate => SystemType::Date,
        Function::ToDateTime => SystemType::DateTime,
        Function::ToTime => SystemType::Time,
        Function::ToQuantity => SystemType::Quantity,
        Function::ToString
        | Function::Substring
        | Function::Upper
        | Function::Lower
        | Function::Replace
        | Function::ReplaceMatches
        | Function::Encode
        | Function::Decode
        | Function::Escape
        | Function::Unescape
        | Function::Trim => SystemType::String,
        Function::ToChars | Function::Split => {
            return Shape::system(SystemType::String).counted(Count::Perhaps);
        }
        Function::Abs
        | Function::Power
        | Function::Round
        | Function::LowBoundary
        | Function::HighBoundary => return Shape::unknown(Count::One),
        // convertsTo…, startsWith, endsWith, contains, matches, matchesFull, comparable
        _ => SystemType::Boolean,
    })
}

/// What the other functions on collections give.
fn put_together(call: &Call<'_>) -> Shape {
    let base = call.base;
    let first = call.arguments.first().map(|(_, value)| value);
    match call.function {
        Function::Count => Shape::system(SystemType::Integer),
        Function::Join => Shape::system(SystemType::String),
        Function::Today => Shape::system(SystemType::Date),
        Function::Now => Shape::system(SystemType::DateTime),
        Function::TimeOfDay => Shape::system(SystemType::Time),
        Function::Distinct | Function::Intersect | Function::Exclude => base.clone().filtered(),
        Function::Single => base.item(),
        Function::Trace | Function::DefineVariable => base.clone(),
        Function::Sort => Shape {
            ordered: true,
            ..base.clone()
        },
        Function::Select => match first {
            Some(value) => Shape {
                count: base.count.max(value.count),
                ordered: base.ordered && value.ordered,
                ..value.clone()
            },
            None => Shape::unknown(Count::Perhaps),
        },
        Function::Union | Function::Combine => match first {
            Some(other) => union(base, other),
            None => base.clone(),
        },
        Function::Coalesce => call
            .arguments
            .iter()
            .fold(Shape::empty(), |all, (_, value)| all.or(value)),
        Function::Aggregate => {
            let values = call.arguments.iter().map(|(_, value)| value);
            values.fold(Shape::empty(), Shape::or).filtered()
        }
        Function::Type => Shape {
            types: base.known().map(|_| smallvec![Type::Info]),
            ..base.clone()
        },
        Function::GetValue => Shape::unknown(Count::One),
        Function::Repeat => Shape::unknown(Count::Perhaps),
        // empty, allTrue …, subsetOf, supersetOf, isDistinct, hasValue
        _ => Shape::system(SystemType::Boolean),
    }
}

/// `a | b`
pub(super) fn union(left: &Shape, right: &Shape) -> Shape {
    let written = |shape: &Shape| {
        shape
            .known()
            .is_some_and(|types| types.iter().all(|found| matches!(found, Type::System(_))))
    };
    let mut both = left.clone().or(right);
    if !left.is_empty() && !right.is_empty() && both.count == Count::One {
        // Two written values are two; two elements are often alternatives of which one is there.
        both.count = match written(left) && written(right) {
            true => Count::Many,
            false => Count::Perhaps,
        };
    }
    both
}

/// The resources that references name.
fn resolved(base: &Shape) -> Shape {
    let resource = TypeId::named("Resource").map(Type::Resolved);
    Shape {
        types: resource.map(|found| smallvec![found]),
        ..base.clone()
    }
}
