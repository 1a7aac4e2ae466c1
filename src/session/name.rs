//! Texts that are looked up in each transaction: where they are short, as ids are, their bytes are in the table itself.

/// As long as a UUID with its dashes, and a little more.
const SHORT: usize = 38;

/// A text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Name {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(String),
}

impl Name {
    pub fn of(text: &str) -> Name {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Name::Short { length, bytes }
            }
            _ => Name::Long(text.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Name::Short { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                std::str::from_utf8(text).unwrap_or_default()
            }
            Name::Long(text) => text,
        }
    }
}
