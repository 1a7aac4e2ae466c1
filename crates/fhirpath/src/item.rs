//! Items of a collection: places in documents, values, and types.

use fhir_model::{Kind, TypeId};
use jsonb::{Number, Object, Value};
use smallvec::SmallVec;

use crate::eval::Fault;
use crate::types::SystemType;
use crate::value::{Decimal, Quantity, Scalar, Text};

/// Bytes of the longest text of a number that is read; a [`Decimal`] has 1,000 digits on each side of its point.
const LONGEST_NUMBER: usize = 2_010;

/// Bytes of the longest name of a type.
pub(crate) const LONGEST_NAME: usize = 64;

/// Bytes of the largest Quantity that is read.
const LARGEST_QUANTITY: usize = 1 << 16;

/// Bytes of the longest text of a date or time that is read.
const LONGEST_TEMPORAL: usize = 64;

/// A collection; most hold one item.
pub(crate) type Items<'a> = SmallVec<[Item<'a>; 1]>;

/// One item of a collection.
#[derive(Clone, Debug)]
pub(crate) enum Item<'a> {
    /// A place in a document, not looked into until that is needed.
    Element(Element<'a>),
    /// A value of the language.
    Scalar(Scalar<'a>),
    /// A reference that the caller gave, `Type/id`.
    Reference(&'a str),
    /// A resource of which only the type and the reference to it are known.
    Stub(Stub<'a>),
    /// What `type()` gives.
    Type(TypeInfo),
}

/// A place in a document: an element with its value, its primitive sibling (`_birthDate`), or both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// The JSON value; `None` where only the sibling is there. Never an array.
    pub(crate) value: Option<Value<'a>>,
    /// Id and extensions of a primitive.
    pub(crate) sibling: Option<Object<'a>>,
    /// Its type, where that is known.
    pub(crate) type_id: Option<TypeId>,
    /// Which of the documents of this evaluation it is in.
    pub(crate) root: u16,
}

/// What is known of a resource that a reference names.
#[derive(Clone, Debug)]
pub(crate) struct Stub<'a> {
    pub(crate) type_id: TypeId,
    pub(crate) reference: Text<'a>,
}

impl Stub<'_> {
    /// The id of the resource, where the reference says it.
    pub(crate) fn id(&self) -> Option<&str> {
        target(&self.reference).map(|(_, id)| id)
    }

    /// Whether both are the same resource; `None` where their references do not tell: other servers have the same ids, and a
    /// resource has versions.
    pub(crate) fn equal(&self, other: &Self) -> Option<bool> {
        if self.type_id != other.type_id {
            return Some(false);
        }
        if !self.reference.is_empty() && *self.reference == *other.reference {
            return Some(true);
        }
        match (self.id(), other.id()) {
            (Some(left), Some(right)) if left != right => Some(false),
            _ => None,
        }
    }
}

/// The type and the id in `Type/id` at the end of a reference, or before `/_history/version`. A search
/// (`Patient?identifier=1`) and a part of a resource (`Patient/1#x`) have none.
pub(crate) fn target(reference: &str) -> Option<(&str, &str)> {
    let resource = match reference.split_once("/_history/") {
        Some((resource, _)) => resource,
        None => reference,
    };
    let (rest, id) = resource.rsplit_once('/')?;
    let is_id = !id.is_empty() && !id.contains(['?', '#']) && !rest.contains(['?', '#']);
    is_id.then(|| (rest.rsplit('/').next().unwrap_or(rest), id))
}

/// The type of an item, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeInfo {
    /// `System` or `FHIR`; none where the type is not known.
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
}

impl<'a> Item<'a> {
    /// The item as a value of the language, as FHIR's primitives and quantities convert implicitly; `None` for what
    /// has no value: other elements, and primitives that have extensions only.
    pub(crate) fn scalar(&self) -> Result<Option<Scalar<'a>>, Fault> {
        match self {
            Self::Element(element) => element.scalar(),
            Self::Scalar(scalar) => Ok(Some(scalar.clone())),
            Self::Reference(text) => Ok(Some(Scalar::String(Text::Borrowed(text)))),
            Self::Stub(_) | Self::Type(_) => Ok(None),
        }
    }

    /// The item as a boolean, where it is one.
    pub(crate) fn boolean(&self) -> Result<Option<bool>, Fault> {
        match self {
            Self::Scalar(Scalar::Boolean(value)) => Ok(Some(*value)),
            Self::Element(element) if element.may_be_boolean() => match element.scalar()? {
                Some(Scalar::Boolean(value)) => Ok(Some(value)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Whether it is a primitive of FHIR that has extensions only.
    pub(crate) fn is_valueless(&self) -> bool {
        matches!(self, Self::Element(element) if element.value.is_none())
    }

    /// Whether it is a boolean of FHIR that has extensions only: as good as empty, and not something that is there.
    pub(crate) fn is_boolean_without_value(&self) -> bool {
        matches!(self, Self::Element(element) if element.value.is_none() && element.may_be_boolean())
    }

    /// The name of its type, for messages and for `type()`.
    pub(crate) fn type_info(&self) -> TypeInfo {
        let fhir = |type_id: TypeId| TypeInfo {
            namespace: "FHIR",
            name: match type_id.kind() {
                Kind::Backbone => type_id.path(),
                _ => type_id.name(),
            },
        };
        let system = |name| TypeInfo {
            namespace: "System",
            name,
        };
        match self {
            Self::Element(element) => match element.type_id {
                Some(type_id) => fhir(type_id),
                None => TypeInfo {
                    namespace: "",
                    name: "Element",
                },
            },
            Self::Stub(stub) => fhir(stub.type_id),
            Self::Scalar(scalar) => system(scalar.type_name()),
            Self::Reference(_) => TypeInfo {
                namespace: "FHIR",
                name: "Reference",
            },
            Self::Type(_) => system("TypeInfo"),
        }
    }

    /// Its type's name for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        self.type_info().name
    }
}

impl<'a> Element<'a> {
    /// The resource itself, whose type it says.
    pub(crate) fn resource(value: Value<'a>, root: u16) -> Self {
        Self {
            value: Some(value),
            sibling: None,
            type_id: resource_type(value),
            root,
        }
    }

    /// The JSON object, if it is one.
    pub(crate) fn object(&self) -> Option<Object<'a>> {
        self.value.and_then(|value| value.as_object())
    }

    fn may_be_boolean(&self) -> bool {
        matches!(self.value, Some(Value::Bool(_)))
            || self
                .type_id
                .is_some_and(|type_id| type_id.name() == "boolean")
    }

    fn scalar(&self) -> Result<Option<Scalar<'a>>, Fault> {
        let Some(value) = self.value else {
            return Ok(None);
        };
        let Some(type_id) = self.type_id else {
            return untyped(value);
        };
        if type_id.kind() == Kind::Primitive {
            return primitive(type_id, value).map(Some);
        }
        match value {
            Value::Object(object) if is_quantity(type_id) => quantity(object),
            Value::Object(_) => Ok(None),
            // A complex type written as a string or a number.
            _ => Err(Fault::WrongJson(type_id.name())),
        }
    }
}

/// The type that a resource says it has.
pub(crate) fn resource_type(value: Value<'_>) -> Option<TypeId> {
    let name = value.as_object()?.get_short("resourceType", LONGEST_NAME)?;
    TypeId::named(name).filter(|type_id| type_id.kind() == Kind::Resource)
}

pub(crate) fn is_quantity(type_id: TypeId) -> bool {
    TypeId::named("Quantity").is_some_and(|quantity| type_id.is_a(quantity))
}

/// A value whose type nobody knows is what JSON says.
fn untyped<'a>(value: Value<'a>) -> Result<Option<Scalar<'a>>, Fault> {
    Ok(match value {
        Value::Bool(value) => Some(Scalar::Boolean(value)),
        Value::String(text) => Some(Scalar::String(Text::Borrowed(text))),
        Value::Number(value) => Some(number(value, "a number")?),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// A JSON number as an Integer where it is written as one and fits, else as a Decimal.
fn number<'a>(number: Number<'_>, expected: &'static str) -> Result<Scalar<'a>, Fault> {
    let text = digits(number, expected)?;
    match text.parse() {
        Ok(value) => Ok(Scalar::Integer(value)),
        Err(_) => decimal(&text, expected).map(Scalar::Decimal),
    }
}

/// The number's text, unless that is longer than any that has a value here.
fn digits(number: Number<'_>, expected: &'static str) -> Result<String, Fault> {
    if number.decimal_len() > LONGEST_NUMBER {
        return Err(Fault::WrongJson(expected));
    }
    Ok(number.to_decimal())
}

fn decimal(text: &str, expected: &'static str) -> Result<Decimal, Fault> {
    Decimal::parse(text).ok_or(Fault::WrongJson(expected))
}

fn primitive<'a>(type_id: TypeId, value: Value<'a>) -> Result<Scalar<'a>, Fault> {
    let name = type_id.name();
    let wrong = Fault::WrongJson(name);
    match (SystemType::of_primitive(name), value) {
        (SystemType::Boolean, Value::Bool(value)) => Ok(Scalar::Boolean(value)),
        (SystemType::Integer, Value::Number(value)) => match number(value, name)? {
            Scalar::Integer(value) => Ok(Scalar::Integer(value)),
            _ => Err(wrong),
        },
        (SystemType::Decimal, Value::Number(value)) => {
            decimal(&digits(value, name)?, name).map(Scalar::Decimal)
        }
        (SystemType::String, Value::String(text)) => Ok(Scalar::String(Text::Borrowed(text))),
        (_, Value::String(text)) if text.len() > LONGEST_TEMPORAL => Err(wrong),
        (SystemType::Date, Value::String(text)) => {
            text.parse().map(Scalar::Date).map_err(|_| wrong)
        }
        (SystemType::DateTime, Value::String(text)) => {
            text.parse().map(Scalar::DateTime).map_err(|_| wrong)
        }
        (SystemType::Time, Value::String(text)) => {
            text.parse().map(Scalar::Time).map_err(|_| wrong)
        }
        _ => Err(wrong),
    }
}

/// UCUM, as FHIR names it.
const UCUM: &str = "http://unitsofmeasure.org";

/// A FHIR Quantity with a number. One with a comparator (`<`), or a unit of another system than UCUM, has no value to
/// compute with. Where only `unit` says the unit, it is taken for a UCUM code.
fn quantity<'a>(object: Object<'a>) -> Result<Option<Scalar<'a>>, Fault> {
    if Value::Object(object).byte_len() > LARGEST_QUANTITY {
        return Err(Fault::WrongJson("Quantity"));
    }
    let text = |name: &str| match object.get(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::WrongJson("Quantity")),
        None => Ok(None),
    };
    let is_plain = text("system")?.is_none_or(|system| system == UCUM);
    let number = match object.get("value") {
        Some(Value::Number(number)) => number,
        Some(_) => return Err(Fault::WrongJson("Quantity")),
        None => return Ok(None),
    };
    if !is_plain || object.get("comparator").is_some() {
        return Ok(None);
    }
    let value = decimal(&digits(number, "Quantity")?, "Quantity")?;
    let unit = text("code")?.or(text("unit")?);
    Ok(Some(Scalar::Quantity(Box::new(match unit {
        Some(code) => Quantity::new(value, code),
        None => Quantity::plain(value),
    }))))
}
