//! The parameters of one policy instance: what `%name` stands for.

use std::collections::BTreeMap;

use fhir_search::{Binding, Bindings};

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// `valueString`.
    Text(String),
    /// `valueReference`, as `Type/id`.
    Reference(String),
}

impl ParameterValue {
    /// The text that `%name` stands for.
    pub fn as_str(&self) -> &str {
        match self {
            ParameterValue::Text(text) | ParameterValue::Reference(text) => text,
        }
    }
}

/// The built-in parameters. `profile` cannot be redefined by an instance, `patient` can.
pub(crate) const PROFILE: &str = "profile";
const PATIENT: &str = "patient";

/// What the variables of one instance of a policy stand for: its own parameters, `profile` and `patient`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    values: BTreeMap<String, ParameterValue>,
    /// Bytes of the longest value, and elements of the longest list.
    longest: (usize, usize),
}

impl Parameters {
    /// The instance's own parameters with the built-in ones. Without a profile, `%profile` stays undefined, and so does
    /// `%patient` unless the instance defines it.
    pub fn new(
        own: impl IntoIterator<Item = (String, ParameterValue)>,
        profile: Option<&str>,
    ) -> Self {
        let mut values: BTreeMap<String, ParameterValue> = own.into_iter().collect();
        values.remove(PROFILE);
        if let Some(profile) = profile {
            let value = ParameterValue::Reference(profile.to_owned());
            values
                .entry(PATIENT.to_owned())
                .or_insert_with(|| value.clone());
            values.insert(PROFILE.to_owned(), value);
        }
        let most = |measure: fn(&str) -> usize| {
            let sizes = values.values().map(|value| measure(value.as_str()));
            sizes.max().unwrap_or(0)
        };
        let longest = (
            most(str::len),
            most(|text| text.matches(',').count().saturating_add(1)),
        );
        Parameters { values, longest }
    }

    /// The value of a variable, if it is defined.
    pub fn value(&self, name: &str) -> Option<&ParameterValue> {
        self.values.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParameterValue)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Bytes of the longest value and elements of the longest list, for the limit on substitution.
    pub(crate) fn longest(&self) -> (usize, usize) {
        self.longest
    }
}

impl Bindings for Parameters {
    fn get(&self, name: &str) -> Option<Binding> {
        self.value(name).map(|value| match value {
            ParameterValue::Text(text) => Binding::String(text.clone()),
            ParameterValue::Reference(text) => Binding::Reference(text.clone()),
        })
    }
}

/// Whether the text can be the name of a variable: what criteria read as one name after a `%`.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> ParameterValue {
        ParameterValue::Reference(text.to_owned())
    }

    #[test]
    fn patient_is_the_profile_unless_the_instance_defines_it() {
        let plain = Parameters::new([], Some("Practitioner/p"));
        assert_eq!(plain.value("profile"), Some(&reference("Practitioner/p")));
        assert_eq!(plain.value("patient"), Some(&reference("Practitioner/p")));

        let own = [("patient".to_owned(), reference("Patient/child"))];
        let defined = Parameters::new(own.clone(), Some("Practitioner/p"));
        assert_eq!(defined.value("profile"), Some(&reference("Practitioner/p")));
        assert_eq!(defined.value("patient"), Some(&reference("Patient/child")));

        let without = Parameters::new(own, None);
        assert_eq!(without.value("profile"), None);
        assert_eq!(without.value("patient"), Some(&reference("Patient/child")));
        assert_eq!(Parameters::new([], None), Parameters::default());
    }

    #[test]
    fn the_profile_is_never_what_an_instance_says() {
        let own = [("profile".to_owned(), reference("Practitioner/other"))];
        assert_eq!(
            Parameters::new(own.clone(), Some("Practitioner/p")).value("profile"),
            Some(&reference("Practitioner/p"))
        );
        assert_eq!(Parameters::new(own, None).value("profile"), None);
    }
}
