//! From an element to its children, by the R4 model.

use fhir_model::{ElementDef, Kind, TypeId};
use jsonb::{Object, Value};

use crate::eval::{Fault, Work};
use crate::item::{Element, Item, Items, LONGEST_NAME, resource_type, target};
use crate::value::{Scalar, Text};

/// The name of an element and of its primitive sibling, kept as one text: `_birthDate`.
#[derive(Clone, Debug)]
pub(crate) struct MemberName(Box<str>);

impl MemberName {
    pub(crate) fn new(name: &str) -> Self {
        Self(format!("_{name}").into())
    }

    /// `birthDate`
    pub(crate) fn name(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }

    /// `_birthDate`
    fn sibling(&self) -> &str {
        &self.0
    }
}

/// Adds the children with this name to `out`. What the type does not have is not there, whatever the document holds;
/// where the type is not known, the document decides.
pub(crate) fn child<'a>(
    item: &Item<'a>,
    name: &MemberName,
    out: &mut Items<'a>,
    work: &Work<'_>,
) -> Result<(), Fault> {
    work.spend(1)?;
    match item {
        Item::Element(element) => element_child(element, name, out, work),
        Item::Reference(text) => {
            match name.name() {
                "reference" => out.push(Item::Scalar(Scalar::String(Text::Borrowed(text)))),
                "id" => out.extend(id_of(text)),
                _ => {}
            }
            Ok(())
        }
        Item::Stub(stub) => match name.name() {
            "resourceType" => {
                out.push(string(stub.type_id.name()));
                Ok(())
            }
            "id" => {
                let id = stub.id().map(|id| Scalar::String(id.to_owned().into()));
                out.extend(id.map(Item::Scalar));
                Ok(())
            }
            _ => Err(Fault::Undecidable("what a reference refers to")),
        },
        Item::Type(info) => {
            match name.name() {
                "namespace" => out.push(string(info.namespace)),
                "name" => out.push(string(info.name)),
                _ => {}
            }
            Ok(())
        }
        Item::Scalar(_) => Ok(()),
    }
}

fn string<'a>(text: &'static str) -> Item<'a> {
    Item::Scalar(Scalar::String(Text::Borrowed(text)))
}

fn id_of(reference: &str) -> Option<Item<'_>> {
    let (_, id) = target(reference)?;
    Some(Item::Scalar(Scalar::String(Text::Borrowed(id))))
}

fn element_child<'a>(
    element: &Element<'a>,
    name: &MemberName,
    out: &mut Items<'a>,
    work: &Work<'_>,
) -> Result<(), Fault> {
    let Some(type_id) = element.type_id.filter(|type_id| type_id.is_described()) else {
        return untyped_child(element, name, out, work);
    };
    let Some(object) = holder(element, type_id) else {
        return Ok(());
    };
    let reader = Reader {
        root: element.root,
        work,
    };
    let before = out.len();
    match type_id.element(name.name()) {
        Some(definition) if definition.is_choice() => {
            reader.choice(object, definition, name.name(), out)?;
            has_one(definition, before, out)
        }
        Some(definition) => {
            let type_id = definition.types().first().copied();
            let value = object.get(name.name());
            let sibling = match type_id.map(TypeId::kind) {
                Some(Kind::Primitive) | None => object.get(name.sibling()),
                _ => None,
            };
            reader.take(value, sibling, type_id, out)?;
            has_one(definition, before, out)
        }
        None => {
            if name.name() == "resourceType" && type_id.kind() == Kind::Resource {
                out.extend(resource_type_item(object));
            }
            Ok(())
        }
    }
}

/// Where the model has one value there cannot be several: what is asked about it would be asked of no FHIR.
fn has_one(definition: ElementDef, before: usize, out: &Items<'_>) -> Result<(), Fault> {
    if definition.repeats() || out.len() <= before + 1 {
        Ok(())
    } else {
        Err(Fault::WrongJson("one value"))
    }
}

/// The object that holds an element's children: a primitive's are in its sibling.
fn holder<'a>(element: &Element<'a>, type_id: TypeId) -> Option<Object<'a>> {
    match type_id.kind() {
        Kind::Primitive => element.sibling,
        _ => element.object(),
    }
}

fn resource_type_item<'a>(object: Object<'a>) -> Option<Item<'a>> {
    let name = object.get_short("resourceType", LONGEST_NAME)?;
    Some(Item::Scalar(Scalar::String(Text::Borrowed(name))))
}

fn untyped_child<'a>(
    element: &Element<'a>,
    name: &MemberName,
    out: &mut Items<'a>,
    work: &Work<'_>,
) -> Result<(), Fault> {
    let Some(object) = element.object().or(element.sibling) else {
        return Ok(());
    };
    let reader = Reader {
        root: element.root,
        work,
    };
    let type_id = match name.name() {
        "extension" => TypeId::named("Extension"),
        "meta" => TypeId::named("Meta"),
        _ => None,
    };
    reader.take(
        object.get(name.name()),
        object.get(name.sibling()),
        type_id,
        out,
    )
}

/// Adds all children to `out`.
pub(crate) fn children<'a>(
    item: &Item<'a>,
    out: &mut Items<'a>,
    work: &Work<'_>,
) -> Result<(), Fault> {
    work.spend(1)?;
    let element = match item {
        Item::Element(element) => element,
        Item::Stub(_) => return Err(Fault::Undecidable("what a reference refers to")),
        Item::Reference(_) | Item::Scalar(_) | Item::Type(_) => return Ok(()),
    };
    let known = element.type_id.filter(|type_id| type_id.is_described());
    let object = match known {
        Some(type_id) => holder(element, type_id),
        None => element.object().or(element.sibling),
    };
    let Some(object) = object else {
        return Ok(());
    };
    let reader = Reader {
        root: element.root,
        work,
    };
    for (key, value) in object.iter() {
        work.spend(1 + reading_member(key, value))?;
        let (name, value, sibling) = match key.strip_prefix('_') {
            // Comes with the value.
            Some(name) if object.get(name).is_some() => continue,
            Some(name) => (name, None, Some(value)),
            None => (key, Some(value), None),
        };
        if name == "resourceType" && known.is_none_or(|it| it.kind() == Kind::Resource) {
            continue;
        }
        let type_id = known.and_then(|known| member_type(known, name));
        let sibling = match (sibling, type_id.map(TypeId::kind)) {
            (None, Some(Kind::Primitive) | None) => object.get(&format!("_{name}")),
            (sibling, _) => sibling,
        };
        reader.take(value, sibling, type_id, out)?;
    }
    Ok(())
}

/// The type of a JSON member of a type.
fn member_type(type_id: TypeId, member: &str) -> Option<TypeId> {
    match type_id.element(member) {
        Some(definition) if !definition.is_choice() => definition.types().first().copied(),
        _ => type_id.choice_of(member).map(|(_, type_id)| type_id),
    }
}

/// A step is enough to see that so many bytes are UTF-8.
const CHECKED_IN_A_STEP: usize = 1_024;

/// No element has a longer name.
const LONGEST_MEMBER: usize = 64;

/// What it takes to take a value out of a document: to take a string is to see that it is UTF-8.
pub(crate) fn reading(value: Option<Value<'_>>) -> u64 {
    match value {
        Some(Value::String(text)) => (text.len() / CHECKED_IN_A_STEP) as u64,
        _ => 0,
    }
}

/// What it takes to take a member out of a document.
pub(crate) fn reading_member(key: &str, value: Value<'_>) -> u64 {
    (key.len() / CHECKED_IN_A_STEP) as u64 + reading(Some(value))
}

struct Reader<'w, 'c> {
    root: u16,
    work: &'w Work<'c>,
}

impl Reader<'_, '_> {
    /// `value[x]`: the member whose name is the element's with one of its types, and no other that merely begins so.
    fn choice<'a>(
        &self,
        object: Object<'a>,
        definition: ElementDef,
        name: &str,
        out: &mut Items<'a>,
    ) -> Result<(), Fault> {
        self.work.spend(object.len() as u64 / 8)?;
        for (place, key) in object.keys().enumerate() {
            let short = key.ok().filter(|key| key.len() <= LONGEST_MEMBER);
            let Some(key) = short.and_then(|key| str::from_utf8(key).ok()) else {
                continue;
            };
            let (plain, is_sibling) = match key.strip_prefix('_') {
                Some(plain) => (plain, true),
                None => (key, false),
            };
            if !plain.starts_with(name) {
                continue;
            }
            let Some(type_id) = definition.member(plain) else {
                continue;
            };
            let found = object.value_at(place).ok().flatten();
            let (value, sibling) = if is_sibling {
                if object.get(plain).is_some() {
                    continue;
                }
                (None, found)
            } else if type_id.kind() == Kind::Primitive {
                (found, object.get(&format!("_{plain}")))
            } else {
                (found, None)
            };
            self.take(value, sibling, Some(type_id), out)?;
        }
        Ok(())
    }

    /// The element or, of an array, the elements; each with its sibling.
    fn take<'a>(
        &self,
        value: Option<Value<'a>>,
        sibling: Option<Value<'a>>,
        type_id: Option<TypeId>,
        out: &mut Items<'a>,
    ) -> Result<(), Fault> {
        let values = value.and_then(|value| value.as_array());
        let siblings = sibling.and_then(|sibling| sibling.as_array());
        let is_single = match value {
            None | Some(Value::Null) => siblings.is_none(),
            Some(_) => values.is_none(),
        };
        if is_single {
            return self.one(value, sibling, type_id, out);
        }
        let mut values = values.into_iter().flat_map(|values| values.iter());
        let mut siblings = siblings.into_iter().flat_map(|siblings| siblings.iter());
        loop {
            match (values.next(), siblings.next()) {
                (None, None) => return Ok(()),
                (value, sibling) => {
                    self.work.spend(1)?;
                    self.one(value, sibling, type_id, out)?;
                }
            }
        }
    }

    fn one<'a>(
        &self,
        value: Option<Value<'a>>,
        sibling: Option<Value<'a>>,
        type_id: Option<TypeId>,
        out: &mut Items<'a>,
    ) -> Result<(), Fault> {
        self.work.spend(reading(value) + reading(sibling))?;
        let value = value.filter(|value| !matches!(value, Value::Null));
        let sibling = sibling.and_then(|sibling| sibling.as_object());
        if value.is_none() && sibling.is_none() {
            return Ok(());
        }
        // What may be any resource says itself which one it is.
        let type_id = match (type_id, value) {
            (Some(type_id), Some(value))
                if type_id.kind() == Kind::Resource && type_id.is_abstract() =>
            {
                resource_type(value)
            }
            (type_id, _) => type_id,
        };
        out.push(Item::Element(Element {
            value,
            sibling,
            type_id,
            root: self.root,
        }));
        Ok(())
    }
}
