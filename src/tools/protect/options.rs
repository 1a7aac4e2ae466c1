//! The arguments of `protect()` that say what is in the columns beside the resource.

use crate::error::{Error, Result};
use access_policy::fields::{FieldSet, without_urls};
use fhir_search::model::{PathCheck, check_path, resource_types};
use std::collections::BTreeMap;
use std::ffi::CStr;

/// Columns, each with the paths of the elements that it repeats.
pub type DerivedColumns = BTreeMap<String, Vec<String>>;

/// An argument that must not be NULL.
pub fn given<T>(value: Option<T>, name: &str) -> Result<T> {
    value.ok_or_else(|| Error::Argument {
        message: format!("{name} is NULL"),
        hint: "protect() takes the table, the FHIR type of its rows, and the names of its columns."
            .to_owned(),
    })
}

/// The text of a name. It is a zero-terminated string; in a UTF8 database, which is checked elsewhere, it is UTF-8.
pub fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// The columns that `{"birth_date": "birthDate", "names": ["name.family", "name.given"]}` names.
pub fn derived_columns(given: Option<pgrx::JsonB>) -> Result<DerivedColumns> {
    let wrong = |what: String| {
        Error::Argument {
        message: format!("invalid derived_columns: {what}"),
        hint: "Write an object that gives each column a path, or an array of paths: {\"birth_date\": \"birthDate\"}."
            .to_owned(),
    }
    };
    let given = match given {
        None => return Ok(DerivedColumns::new()),
        Some(pgrx::JsonB(serde_json::Value::Object(columns))) => columns,
        Some(_) => return Err(wrong("it is not an object".to_owned())),
    };
    let mut derived = DerivedColumns::new();
    for (column, paths) in given {
        let paths = match paths {
            serde_json::Value::String(path) => vec![path],
            serde_json::Value::Array(paths) => paths
                .into_iter()
                .map(|path| match path {
                    serde_json::Value::String(path) => Ok(path),
                    _ => Err(wrong(format!("a path of \"{column}\" is not a string"))),
                })
                .collect::<Result<Vec<String>>>()?,
            _ => {
                return Err(wrong(format!(
                    "\"{column}\" is given neither a path nor an array of paths"
                )));
            }
        };
        if paths.is_empty() {
            return Err(wrong(format!("\"{column}\" is given no path")));
        }
        derived.insert(column, paths);
    }
    Ok(derived)
}

/// Refuses paths that resources of the type, or where each row has its own, of any type do not have: a column would not be
/// hidden with the field that was meant.
pub fn check_paths(resource_type: Option<&str>, derived: &DerivedColumns) -> Result<()> {
    for (column, paths) in derived {
        for path in paths {
            let element = &without_urls(path);
            let checked = match resource_type {
                Some(resource_type) => check_path(resource_type, element),
                None => resource_types()
                    .filter(|resource_type| is_described(resource_type))
                    .map(|resource_type| check_path(resource_type, element))
                    .find(|checked| !matches!(checked, PathCheck::Unknown { .. }))
                    .unwrap_or(PathCheck::Unknown { suggestion: None }),
            };
            let (what, hint) = match checked {
                PathCheck::Known => continue,
                PathCheck::Invalid(why) => (why, None),
                PathCheck::Unknown { suggestion } => (
                    match resource_type {
                        Some(resource_type) => format!("{resource_type} has no element {path:?}"),
                        None => format!("no resource type has an element {path:?}"),
                    },
                    suggestion.map(|path| format!("Did you mean \"{path}\"?")),
                ),
            };
            return Err(Error::Argument {
                message: format!("invalid derived_columns: \"{column}\": {what}"),
                hint: hint.unwrap_or_else(|| {
                    "A path is a list of element names, such as name.family, as in hiddenFields.".to_owned()
                }),
            });
        }
        FieldSet::parse(paths).map_err(|error| Error::Argument {
            message: format!("invalid derived_columns: \"{column}\": {error}"),
            hint: "Name the element that holds them instead.".to_owned(),
        })?;
    }
    Ok(())
}

/// Is it known which elements the type has? Of another any may be one.
fn is_described(resource_type: &str) -> bool {
    check_path(resource_type, "noElementOfAnyType") != PathCheck::Known
}

/// As the registry keeps them.
pub fn registered(derived: &DerivedColumns) -> Option<pgrx::JsonB> {
    let object = || {
        let columns = derived.iter().map(|(name, paths)| {
            let paths = paths.iter().cloned().map(serde_json::Value::String);
            (name.clone(), serde_json::Value::Array(paths.collect()))
        });
        pgrx::JsonB(serde_json::Value::Object(columns.collect()))
    };
    (!derived.is_empty()).then(object)
}
