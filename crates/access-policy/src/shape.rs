//! Phase two, first half: does the tree have the shape of the document?
//!
//! A shape is a static table of property names and kinds. One recursive pass compares a tree with it and reports wrong
//! types (errors) and unknown properties (warnings). Afterwards the typed getters below may ignore what is misshapen:
//! it has been reported, so the document is refused anyway.

use serde_json::{Map, Value};

use crate::finding::{Findings, Path, did_you_mean, quote};

/// What a property must hold.
pub(crate) enum Kind {
    /// A string that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// An object with the properties of the shape.
    Object(&'static Shape),
    /// An object that is not looked into.
    Opaque,
    /// A FHIR Reference.
    Reference,
    /// An array of at most that many strings.
    Texts(usize),
    /// An array of at most that many objects of the shape.
    Objects(usize, &'static Shape),
    /// An array of at most that many objects, whose shape is checked when each is read.
    List(usize),
    /// An array of at most that many References.
    References(usize),
    /// Anything.
    Any,
}

/// The known properties of an object.
pub(crate) struct Shape {
    /// Its own properties.
    pub(crate) own: &'static [(&'static str, Kind)],
    /// Those it has by being a resource or an element.
    pub(crate) inherited: &'static [(&'static str, Kind)],
}

/// What every resource has.
pub(crate) const RESOURCE: &[(&str, Kind)] = &[
    ("resourceType", Kind::Text),
    ("id", Kind::Text),
    ("meta", Kind::Opaque),
    ("implicitRules", Kind::Text),
    ("language", Kind::Text),
    ("text", Kind::Opaque),
    ("contained", Kind::Any),
    ("extension", Kind::Any),
    ("modifierExtension", Kind::Any),
];

/// What every element has.
pub(crate) const ELEMENT: &[(&str, Kind)] = &[
    ("id", Kind::Text),
    ("extension", Kind::Any),
    ("modifierExtension", Kind::Any),
];

const REFERENCE: Shape = Shape {
    own: &[
        ("reference", Kind::Text),
        ("type", Kind::Text),
        ("display", Kind::Text),
        ("identifier", Kind::Opaque),
        ("resource", Kind::Opaque),
    ],
    inherited: ELEMENT,
};

impl Shape {
    fn kind(&self, name: &str) -> Option<&'static Kind> {
        self.own
            .iter()
            .chain(self.inherited)
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| kind)
    }

    /// Compares an object with the shape.
    pub(crate) fn check(
        &self,
        object: &Map<String, Value>,
        path: &Path<'_>,
        findings: &mut Findings,
    ) {
        for (name, value) in object {
            let at = Path::Field(path, name);
            match self.kind(name) {
                Some(kind) => kind.check(value, &at, findings),
                None => self.unknown(name, &at, findings),
            }
        }
    }

    fn unknown(&self, name: &str, at: &Path<'_>, findings: &mut Findings) {
        // A primitive's sibling (`_name`) carries its id and extensions.
        if name
            .strip_prefix('_')
            .is_some_and(|name| self.kind(name).is_some())
        {
            return;
        }
        if !findings.keeps_warnings() {
            findings.warning(at, "unknown property", None);
            return;
        }
        let known = self.own.iter().chain(self.inherited).map(|(name, _)| *name);
        findings.warning(
            at,
            format!("unknown property {}: kept, without meaning", quote(name)),
            did_you_mean(name, known),
        );
    }
}

impl Kind {
    fn check(&self, value: &Value, path: &Path<'_>, findings: &mut Findings) {
        match (self, value) {
            (Kind::Any, _) if !value.is_null() => {}
            (Kind::Flag, Value::Bool(_)) | (Kind::Opaque, Value::Object(_)) => {}
            (Kind::Text, Value::String(text)) => {
                if text.is_empty() {
                    findings.error(path, "must not be an empty string");
                }
            }
            (Kind::Object(shape), Value::Object(object)) => shape.check(object, path, findings),
            (Kind::Reference, Value::Object(object)) => REFERENCE.check(object, path, findings),
            (Kind::Texts(max), Value::Array(items)) => {
                elements(items, *max, &Kind::Text, path, findings)
            }
            (Kind::Objects(max, shape), Value::Array(items)) => {
                elements(items, *max, &Kind::Object(shape), path, findings);
            }
            (Kind::List(max), Value::Array(items)) => {
                elements(items, *max, &Kind::Opaque, path, findings)
            }
            (Kind::References(max), Value::Array(items)) => {
                elements(items, *max, &Kind::Reference, path, findings)
            }
            _ => findings.error(
                path,
                format!("must be {}, not {}", self.expected(), found(value)),
            ),
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Kind::Text => "a string",
            Kind::Flag => "true or false",
            Kind::Object(_) | Kind::Opaque => "an object",
            Kind::Reference => "a Reference (an object)",
            Kind::Texts(_) => "an array of strings",
            Kind::Objects(..) | Kind::List(_) => "an array of objects",
            Kind::References(_) => "an array of References (objects)",
            Kind::Any => "a value",
        }
    }
}

fn elements(items: &[Value], max: usize, kind: &Kind, path: &Path<'_>, findings: &mut Findings) {
    if items.len() > max {
        findings.error(
            path,
            format!("has {} elements, more than the {max} allowed", items.len()),
        );
        return;
    }
    for (index, item) in items.iter().enumerate() {
        kind.check(item, &Path::Index(path, index), findings);
    }
}

/// What stands there, in JSON's words.
pub(crate) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The string property, if it is one.
pub(crate) fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The boolean property, if it is one.
pub(crate) fn flag(object: &Map<String, Value>, name: &str) -> Option<bool> {
    object.get(name).and_then(Value::as_bool)
}

/// The object property, if it is one.
pub(crate) fn object<'v>(
    object: &'v Map<String, Value>,
    name: &str,
) -> Option<&'v Map<String, Value>> {
    object.get(name).and_then(Value::as_object)
}

/// The array property, if it is one.
pub(crate) fn array<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v [Value]> {
    object
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
}

/// The objects of an array property with their index; others, and an array longer than `max`, have been reported.
pub(crate) fn objects<'v>(
    object: &'v Map<String, Value>,
    name: &str,
    max: usize,
) -> impl Iterator<Item = (usize, &'v Map<String, Value>)> {
    array(object, name)
        .filter(|items| items.len() <= max)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(index, item)| Some((index, item.as_object()?)))
}

/// The strings of an array property with their index; others have been reported.
pub(crate) fn texts<'v>(
    object: &'v Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (usize, &'v str)> {
    array(object, name)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(index, item)| Some((index, item.as_str().filter(|text| !text.is_empty())?)))
}
