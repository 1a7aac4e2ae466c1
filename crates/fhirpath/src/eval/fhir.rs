//! The functions that FHIR adds (FHIR R4 §2.9.0.7).

use fhir_model::{Kind, TypeId};
use jsonb::Value;

use super::{Call, Evaluation, Fault, Function, Items, Result, Scalar, boolean, single};
use crate::item::{Element, Item, LONGEST_NAME, Stub, target};
use crate::navigate::{self, MemberName};
use crate::types::TypeSpec;
use crate::value::Text;

/// Bytes of the longest reference that is looked into.
const LONGEST_REFERENCE: usize = 4_096;

/// Where the definitions of core types have their URLs.
const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'a> Evaluation<'a> {
    pub(super) fn fhir(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        match call.function {
            Function::Extension => self.extension(call, input),
            Function::HasValue => {
                let value = match input.as_slice() {
                    [item] => self.primitive_value(item)?,
                    _ => None,
                };
                Ok(boolean(value.is_some()))
            }
            Function::GetValue => Ok(match input.as_slice() {
                [item] => self
                    .primitive_value(item)?
                    .map(Item::Scalar)
                    .into_iter()
                    .collect(),
                _ => Items::new(),
            }),
            Function::Resolve => {
                let mut out = Items::new();
                for item in input {
                    out.extend(self.resolve(item)?);
                }
                Ok(out)
            }
            Function::ConformsTo => self.conforms_to(call, input),
            Function::HtmlChecks => Err(Fault::Undecidable("htmlChecks()").into()),
            _ => Err(Fault::Undecidable("membership in a value set").into()),
        }
    }

    /// `extension(url)`: the extensions with this URL.
    fn extension(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let url = self.argument(call, 0)?;
        let Some(url) = single(&url, "extension")? else {
            return Ok(Items::new());
        };
        let Some(Scalar::String(url)) = url.scalar()? else {
            return Err(Fault::Argument {
                function: "extension",
                expected: "a URL",
            }
            .into());
        };
        let name = MemberName::new("extension");
        let mut all = Items::new();
        for item in input {
            navigate::child(item, &name, &mut all, &self.work)?;
        }
        let steps = (url.len() as u64 / 64).saturating_mul(all.len() as u64);
        self.work.spend(steps)?;
        all.retain(|item| {
            let Item::Element(element) = item else {
                return false;
            };
            let object = element.object();
            object.and_then(|object| object.get_short("url", url.len())) == Some(&url)
        });
        Ok(all)
    }

    /// The resource that a reference names: what is contained in the same document itself, of any other only its type.
    fn resolve(&self, item: &Item<'a>) -> Result<Option<Item<'a>>> {
        let (reference, declared, root) = match item {
            Item::Reference(text) => (Text::Borrowed(text), None, None),
            Item::Element(element) => match element.value {
                Some(Value::Object(object)) => {
                    let declared = object.get_short("type", LONGEST_NAME);
                    let Some(reference) = object.get_short("reference", LONGEST_REFERENCE) else {
                        return Ok(declared.and_then(|name| stub(name, Text::Borrowed(""))));
                    };
                    (Text::Borrowed(reference), declared, Some(element.root))
                }
                Some(Value::String(text)) => (Text::Borrowed(text), None, Some(element.root)),
                _ => return Ok(None),
            },
            Item::Scalar(Scalar::String(text)) => (text.clone(), None, Some(0)),
            _ => return Ok(None),
        };
        if let Some(id) = reference.strip_prefix('#') {
            return self.contained(id, root.unwrap_or(0));
        }
        let type_name = target(&reference).map(|(name, _)| name).or(declared);
        Ok(type_name.and_then(|name| stub(name, reference.clone())))
    }

    fn contained(&self, id: &str, root: u16) -> Result<Option<Item<'a>>> {
        let Some(document) = self.root(root) else {
            return Ok(None);
        };
        let object = document.as_object();
        if id.is_empty() {
            return Ok(Some(Item::Element(Element::resource(document, root))));
        }
        let contained = object.and_then(|object| object.get("contained"));
        let has_id = |resource: Value<'a>| {
            let object = resource.as_object();
            object.and_then(|object| object.get_short("id", id.len())) == Some(id)
        };
        let found = match contained {
            Some(Value::Array(contained)) => {
                let mut found = None;
                for resource in contained.iter() {
                    self.work.spend(1 + navigate::reading(Some(resource)))?;
                    if has_id(resource) {
                        found = Some(resource);
                        break;
                    }
                }
                found
            }
            single => single.filter(|resource| has_id(*resource)),
        };
        Ok(found.map(|resource| Item::Element(Element::resource(resource, root))))
    }

    /// The value of a FHIR primitive, or a value of the language.
    fn primitive_value(&self, item: &Item<'a>) -> Result<Option<Scalar<'a>>> {
        let value = match item {
            Item::Element(element) if matches!(element.value, Some(Value::Object(_))) => None,
            item => item.scalar()?,
        };
        self.work.spend(value.as_ref().map_or(0, Scalar::cost))?;
        Ok(value)
    }

    /// `conformsTo(url)` for the definitions of FHIR's own types; other profiles are not known here.
    fn conforms_to(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let (item, url) = (single(input, "conformsTo")?, self.argument(call, 0)?);
        let (Some(item), Some(url)) = (item, single(&url, "conformsTo")?) else {
            return Ok(Items::new());
        };
        let Some(Scalar::String(url)) = url.scalar()? else {
            return Err(Fault::Argument {
                function: "conformsTo",
                expected: "a URL",
            }
            .into());
        };
        let type_id = url.strip_prefix(CORE).and_then(TypeId::named);
        let type_id = type_id.ok_or(Fault::Undecidable("conformance to a profile"))?;
        Ok(boolean(TypeSpec::Fhir(type_id).holds(item)))
    }
}

fn stub<'a>(type_name: &str, reference: Text<'a>) -> Option<Item<'a>> {
    let type_id = TypeId::named(type_name).filter(|it| it.kind() == Kind::Resource)?;
    Some(Item::Stub(Stub { type_id, reference }))
}
