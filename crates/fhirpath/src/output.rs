//! Items as JSON.

use std::borrow::Cow;
use std::fmt;

use jsonb::{Decimal, Node};

use crate::item::{Item, TypeInfo};
use crate::literal::Unit;
use crate::value::{self, Quantity, Scalar, Text};

/// The item as JSON.
pub(crate) fn node<'a>(item: Item<'a>) -> Node<'a> {
    match item {
        Item::Element(element) => element.value.map_or(Node::Null, Node::Value),
        Item::Scalar(scalar) => scalar_node(scalar),
        Item::Reference(text) => Node::String(Cow::Borrowed(text)),
        Item::Stub(stub) => Node::Object(vec![
            (
                "resourceType".into(),
                Node::String(stub.type_id.name().into()),
            ),
            ("reference".into(), string(stub.reference)),
        ]),
        Item::Type(info) => Node::Object(vec![
            ("namespace".into(), Node::String(info.namespace.into())),
            ("name".into(), Node::String(info.name.into())),
        ]),
    }
}

fn scalar_node<'a>(scalar: Scalar<'a>) -> Node<'a> {
    match scalar {
        Scalar::Boolean(value) => Node::Bool(value),
        Scalar::Integer(value) => number(&value.to_string()),
        Scalar::Decimal(value) => decimal(&value),
        Scalar::String(text) => string(text),
        Scalar::Date(date) => Node::String(date.to_string().into()),
        Scalar::DateTime(value) => Node::String(value.to_string().into()),
        Scalar::Time(time) => Node::String(time.to_string().into()),
        Scalar::Quantity(quantity) => quantity_node(*quantity),
    }
}

fn string<'a>(text: Text<'a>) -> Node<'a> {
    Node::String(match text {
        Text::Borrowed(text) => Cow::Borrowed(text),
        Text::Made(text) => Cow::Owned(text.to_string()),
    })
}

fn number<'a>(text: &str) -> Node<'a> {
    Decimal::parse(text).map_or(Node::Null, Node::Decimal)
}

fn decimal<'a>(value: &value::Decimal) -> Node<'a> {
    number(&value.to_string())
}

fn quantity_node<'a>(quantity: Quantity) -> Node<'a> {
    let mut members: Vec<(Cow<'a, str>, Node<'a>)> =
        vec![("value".into(), decimal(&quantity.value))];
    match quantity.unit {
        Unit::Calendar(unit) => members.push(("unit".into(), Node::String(unit.word().into()))),
        Unit::Ucum(code) => {
            members.push((
                "unit".into(),
                Node::String(String::from(code.clone()).into()),
            ));
            members.push((
                "system".into(),
                Node::String("http://unitsofmeasure.org".into()),
            ));
            members.push(("code".into(), Node::String(String::from(code).into())));
        }
    }
    Node::Object(members)
}

impl fmt::Display for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return f.write_str(self.name);
        }
        write!(f, "{}.{}", self.namespace, self.name)
    }
}
