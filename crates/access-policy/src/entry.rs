//! One element of `AccessPolicy.resource`.

use std::fmt;
use std::rc::Rc;

use fhir_search::model::{self, PathCheck};
use fhir_search::{Criteria, Predicate};
use serde_json::{Map, Value};

use crate::admin_types::{is_admin_type, is_closed_type};
use crate::constraint::{self, Bounds, Constraint, MAX_CONSTRAINTS};
use crate::fields::{FieldSet, without_urls};
use crate::finding::{Findings, Path, did_you_mean, quote};
use crate::interaction::{Interaction, Interactions};
use crate::policy;
use crate::reference::similar_type;
use crate::shape::{self, ELEMENT, Kind, Shape};

/// Hidden or readonly fields that one entry may name.
const MAX_FIELDS: usize = 1_000;
/// Elements of `interaction`.
const MAX_INTERACTIONS: usize = 100;

/// The properties of an entry.
const ENTRY: Shape = Shape {
    own: &[
        ("resourceType", Kind::Text),
        ("criteria", Kind::Text),
        ("compartment", Kind::Reference),
        ("readonly", Kind::Flag),
        ("interaction", Kind::Texts(MAX_INTERACTIONS)),
        ("hiddenFields", Kind::Texts(MAX_FIELDS)),
        ("readonlyFields", Kind::Texts(MAX_FIELDS)),
        (
            "writeConstraint",
            Kind::Objects(MAX_CONSTRAINTS, &constraint::EXPRESSION),
        ),
    ],
    inherited: ELEMENT,
};

/// Which resource types an entry is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeSelector {
    /// `*`: every type but the admin types.
    Any,
    /// The one type.
    Named(String),
}

impl TypeSelector {
    /// The type as documents write it: a name, or `*`.
    pub fn as_str(&self) -> &str {
        match self {
            TypeSelector::Any => "*",
            TypeSelector::Named(name) => name,
        }
    }

    /// Whether the entry is for the type. The admin types are never covered by `*`, and the closed types only for a
    /// super admin project.
    pub(crate) fn covers(&self, resource_type: &str, super_admin: bool) -> bool {
        match self {
            TypeSelector::Named(name) => name == resource_type,
            TypeSelector::Any => {
                !is_admin_type(resource_type) && (super_admin || !is_closed_type(resource_type))
            }
        }
    }
}

impl fmt::Display for TypeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A criterion of an entry: the property it came from, its text and what it parsed to.
#[derive(Debug)]
pub(crate) struct Criterion {
    /// `criteria` or `compartment`.
    pub(crate) property: &'static str,
    /// The search text, such as `Patient?address-state=CA`.
    pub(crate) text: String,
    /// The text, parsed and checked; variables are not bound yet.
    pub(crate) parsed: Criteria,
}

/// A validated entry of a policy.
#[derive(Debug)]
pub struct PolicyEntry {
    /// Which types it is for.
    pub resource_type: TypeSelector,
    /// Which interactions it covers: those listed; without a list all seven, or the four that read when `readonly`.
    pub interactions: Interactions,
    /// `hiddenFields`.
    pub hidden: FieldSet,
    /// `readonlyFields`.
    pub readonly: FieldSet,
    /// `writeConstraint`: what a row that it grants must meet to be written.
    pub constraints: Rc<[Constraint]>,
    /// All must hold; none means every row.
    pub(crate) criteria: Vec<Criterion>,
}

impl PolicyEntry {
    /// The criteria as written, with a `compartment` as `Type?_compartment=…`; `None` means every row of the type.
    pub fn criteria(&self) -> Option<String> {
        let mut criteria = self
            .criteria
            .iter()
            .map(|criterion| criterion.text.as_str());
        let mut text = criteria.next()?.to_owned();
        for further in criteria {
            text.push('&');
            text.push_str(further.split_once('?').map_or(further, |(_, query)| query));
        }
        Some(text)
    }

    /// Whether the entry is for the type, for all but super administrators.
    pub fn covers(&self, resource_type: &str) -> bool {
        self.resource_type.covers(resource_type, false)
    }

    /// Whether the rows that it grants depend on parameters of the membership.
    pub fn has_variables(&self) -> bool {
        self.criteria
            .iter()
            .any(|criterion| criterion.parsed.variables().next().is_some())
    }

    /// A predicate of the form of those that the entry gives for rows of the type, with made-up values in the place of variables
    /// (see [`Criteria::sample_for`]).
    pub fn sample_for(&self, resource_type: &str, name: &str) -> Predicate {
        let criteria = self.criteria.iter();
        Predicate::all(criteria.map(|criterion| criterion.parsed.sample_for(resource_type, name)))
    }

    /// Checks the object and makes the entry, unless something needed for it is missing (which is then reported).
    pub(crate) fn read(
        entry: &Map<String, Value>,
        path: &Path<'_>,
        bounds: &mut Bounds<'_>,
        findings: &mut Findings,
    ) -> Option<Self> {
        ENTRY.check(entry, path, findings);
        let resource_type = read_type(entry, path, findings)?;
        let criteria = read_criteria(entry, &resource_type, path, findings);
        let interactions = read_interactions(entry, path, findings);
        let hidden = read_fields(entry, "hiddenFields", &resource_type, path, findings);
        let readonly = read_fields(entry, "readonlyFields", &resource_type, path, findings);
        warn_of_copies(entry, &resource_type, path, findings);
        warn_of_displays(entry, &resource_type, path, findings);
        let constraints = constraint::read(entry, &resource_type, path, bounds, findings);
        let writes =
            [Interaction::Create, Interaction::Update].map(|write| interactions.contains(write));
        if !constraints.is_empty() && writes == [false, false] {
            findings.warning(
                &Path::Field(path, "writeConstraint"),
                "has no effect, because the entry grants neither create nor update",
                None,
            );
        }
        Some(PolicyEntry {
            resource_type,
            interactions,
            hidden: hidden?,
            readonly: readonly?,
            constraints,
            criteria,
        })
    }
}

fn read_type(
    entry: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<TypeSelector> {
    let at = Path::Field(path, "resourceType");
    if !entry.contains_key("resourceType") {
        findings.error_hint(
            &at,
            "is required",
            Some("name a resource type, or * for all".to_owned()),
        );
    }
    let name = shape::text(entry, "resourceType")?;
    if name == "*" {
        return Some(TypeSelector::Any);
    }
    if !model::is_resource_type(name) {
        findings.error_hint(
            &at,
            format!("unknown resource type {}", quote(name)),
            similar_type(name),
        );
        return None;
    }
    if is_admin_type(name) || is_closed_type(name) {
        findings.warning(
            &at,
            format!(
                "an entry for {name} counts only in a super admin project and is dropped elsewhere"
            ),
            None,
        );
    }
    Some(TypeSelector::Named(name.to_owned()))
}

fn read_criteria(
    entry: &Map<String, Value>,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    let mut add = |property: &'static str, at: &Path<'_>, text: String, findings: &mut Findings| {
        if resource_type.as_str() == "Binary" {
            findings.error_hint(
                at,
                "Binary has no search parameters, so it cannot have criteria",
                Some("access to a Binary follows its securityContext".to_owned()),
            );
            return;
        }
        match Criteria::parse(resource_type.as_str(), &text) {
            Ok(parsed) => criteria.push(Criterion {
                property,
                text,
                parsed,
            }),
            Err(error) => {
                let message = error.to_string();
                if property == "criteria" {
                    findings.error_at(at, message, error.hint, &text, error.offset);
                } else {
                    findings.error_hint(at, message, error.hint);
                }
            }
        }
    };
    if let Some(text) = shape::text(entry, "criteria") {
        add(
            "criteria",
            &Path::Field(path, "criteria"),
            text.to_owned(),
            findings,
        );
    }
    if let Some(template) = policy::read_compartment(entry, path, findings) {
        let text = format!("{resource_type}?_compartment={template}");
        add(
            "compartment",
            &Path::Field(path, "compartment"),
            text,
            findings,
        );
    }
    criteria
}

fn read_interactions(
    entry: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Interactions {
    let readonly = shape::flag(entry, "readonly").unwrap_or(false);
    if !entry.contains_key("interaction") {
        return if readonly {
            Interactions::READ
        } else {
            Interactions::ALL
        };
    }
    let at = Path::Field(path, "interaction");
    let mut interactions = Interactions::NONE;
    for (index, code) in shape::texts(entry, "interaction") {
        match code.parse::<Interaction>() {
            Ok(interaction) => interactions = interactions.with(interaction),
            Err(_) => findings.error_hint(
                &Path::Index(&at, index),
                format!("unknown interaction {}", quote(code)),
                did_you_mean(code, Interaction::ALL.map(Interaction::code))
                    .or_else(|| Some(format!("known are: {}", Interactions::ALL))),
            ),
        }
    }
    if shape::array(entry, "interaction").is_some_and(<[Value]>::is_empty) {
        findings.warning(&at, "an empty list allows nothing", None);
    } else if readonly {
        findings.warning(
            &Path::Field(path, "readonly"),
            "is ignored, because the entry lists its interactions",
            None,
        );
    }
    interactions
}

fn read_fields(
    entry: &Map<String, Value>,
    name: &str,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<FieldSet> {
    let at = Path::Field(path, name);
    let mut valid = true;
    let mut paths = Vec::new();
    for (index, field) in shape::texts(entry, name) {
        valid &= check_field(field, resource_type, &Path::Index(&at, index), findings);
        paths.push(field.to_owned());
    }
    if !valid {
        return None;
    }
    match FieldSet::parse(&paths) {
        Ok(fields) => Some(fields),
        Err(error) => {
            findings.error(&at, error.to_string());
            None
        }
    }
}

/// Whether the path can stand in a field set; unknown ones can, with a warning.
fn check_field(
    field: &str,
    resource_type: &TypeSelector,
    at: &Path<'_>,
    findings: &mut Findings,
) -> bool {
    if field == "resourceType" || field == "id" {
        findings.error(at, format!("{field} cannot be hidden or readonly"));
        return false;
    }
    if let Err(error) = FieldSet::parse(&[field.to_owned()]) {
        findings.error(at, error.to_string());
        return false;
    }
    let TypeSelector::Named(name) = resource_type else {
        return true;
    };
    let bare = without_urls(field);
    match model::check_path(name, &bare) {
        PathCheck::Known => true,
        PathCheck::Unknown { suggestion } => {
            // A suggestion has no URLs: beside a path with some it would be another path.
            let suggestion = suggestion.filter(|_| bare == field);
            findings.warning(
                at,
                format!("{name} has no element {} in FHIR R4", quote(field)),
                suggestion.map(|suggestion| format!("did you mean \"{suggestion}\"?")),
            );
            true
        }
        PathCheck::Invalid(message) => {
            findings.error(at, message);
            false
        }
    }
}

/// Elements that often repeat what others say.
const COPIES: [&str; 3] = ["text", "contained", "extension"];
/// Elements that references to a resource show as `display`.
const NAMES: [&str; 2] = ["name", "title"];
/// Elements of a Reference, Coding or CodeableConcept, with those beside them that say the same in words.
const IN_WORDS: [(&str, &[&str]); 4] = [
    ("reference", &["display"]),
    ("identifier", &["display"]),
    ("code", &["display"]),
    ("coding", &["text"]),
];

/// Hiding an element does not hide the copies of it in the narrative, in contained resources of other types, in extensions, and
/// in what references to the resource show.
fn warn_of_copies(
    entry: &Map<String, Value>,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let hides = |name: &str| shape::texts(entry, "hiddenFields").any(|(_, field)| field == name);
    let hides_content = shape::texts(entry, "hiddenFields").any(|(_, field)| {
        let top = field.split(['.', '(']).next().unwrap_or(field);
        !COPIES.contains(&top) && !["meta", "id", "resourceType"].contains(&top)
    });
    if !hides_content {
        return;
    }
    let mut open: Vec<String> = COPIES
        .into_iter()
        .filter(|copy| !hides(copy))
        .filter(|copy| match resource_type {
            TypeSelector::Any => true,
            TypeSelector::Named(name) => model::check_path(name, copy) == PathCheck::Known,
        })
        .map(str::to_owned)
        .collect();
    let is_name = |field: &str| {
        let mut steps = field.splitn(2, '.');
        let is_named = steps.next().is_some_and(|top| NAMES.contains(&top));
        let in_words = |rest: &str| !rest.contains('(') && !matches!(rest, "id" | "use" | "period");
        is_named && steps.next().is_none_or(in_words)
    };
    if shape::texts(entry, "hiddenFields").any(|(_, field)| is_name(field)) {
        open.push(match resource_type {
            TypeSelector::Named(name) => format!("display of references to {name}"),
            TypeSelector::Any => "display of references".to_owned(),
        });
    }
    if open.is_empty() {
        return;
    }
    findings.warning(
        &Path::Field(path, "hiddenFields"),
        format!("what is hidden may also appear in {}", open.join(", ")),
        Some("hide these too, unless they never repeat it".to_owned()),
    );
}

/// A reference or a code that is hidden alone still stands beside its own words.
fn warn_of_displays(
    entry: &Map<String, Value>,
    resource_type: &TypeSelector,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let fields: Vec<String> = shape::texts(entry, "hiddenFields")
        .map(|(_, field)| field.to_owned())
        .collect();
    let Ok(hidden) = FieldSet::parse(&fields) else {
        return;
    };
    let at = Path::Field(path, "hiddenFields");
    for (index, field) in fields.iter().enumerate() {
        let Some((parent, last)) = field.rsplit_once('.') else {
            continue;
        };
        let words = IN_WORDS.iter().filter(|(code, _)| *code == last);
        let beside = words.flat_map(|(_, words)| *words);
        let beside = beside.map(|word| format!("{parent}.{word}"));
        // A coding's code, and its words, are in those of its CodeableConcept, too.
        let above = match (parent.rsplit_once('.'), last) {
            (Some((concept, "coding")), "code" | "display") => Some(format!("{concept}.text")),
            _ => None,
        };
        for beside in beside.chain(above) {
            let is_known = match resource_type {
                TypeSelector::Named(name) => {
                    model::check_path(name, &without_urls(&beside)) == PathCheck::Known
                }
                // Of a type that nobody knows: what is only an element of the data types meant here.
                TypeSelector::Any => {
                    matches!(last, "reference" | "coding") || parent.ends_with(".coding")
                }
            };
            if is_known && !hidden.covers(&beside) {
                findings.warning(
                    &Path::Index(&at, index),
                    format!("what is hidden may also appear in {}", quote(&beside)),
                    Some("hide that too, unless it never repeats it".to_owned()),
                );
            }
        }
    }
}
