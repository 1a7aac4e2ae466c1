//! Finding things by name in a sorted slice.

/// What has a name that it can be found by.
pub(crate) trait Named: Copy {
    /// The name.
    fn name(self) -> &'static str;
}

/// Things of distinct names, sorted by the first bytes and the length of the name: most comparisons are of one integer.
#[derive(Debug)]
pub(crate) struct Index<T>(Box<[(u64, T)]>);

impl<T: Named> Index<T> {
    pub(crate) fn new(things: impl IntoIterator<Item = T>) -> Self {
        let mut entries: Vec<_> = things
            .into_iter()
            .map(|thing| (key(thing.name()), thing))
            .collect();
        entries.sort_by_key(|(key, _)| *key);
        Self(entries.into())
    }

    /// The thing of this name.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        let wanted = key(name);
        let first = self.0.partition_point(|(key, _)| *key < wanted);
        self.0
            .get(first..)?
            .iter()
            .take_while(|(key, _)| *key == wanted)
            .map(|(_, thing)| *thing)
            .find(|thing| thing.name() == name)
    }
}

/// The first seven bytes of a name and its length, so far as it fits.
fn key(name: &str) -> u64 {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(name.bytes().take(7)) {
        *to = from;
    }
    u64::from_be_bytes(bytes) | u64::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Named for &'static str {
        fn name(self) -> &'static str {
            self
        }
    }

    #[test]
    fn finds_exactly_the_names_it_holds() {
        let long: &'static str = Box::leak("x".repeat(300).into_boxed_str());
        let names = [
            "a",
            "ab",
            "abcdefgh",
            "abcdefgi",
            "abcdefg",
            "é",
            "valueCode",
            "valueDate",
            long,
        ];
        let index = Index::new(names);
        for name in names {
            assert_eq!(index.get(name), Some(name));
        }
        for name in [
            "",
            "b",
            "abcdefgj",
            "abcdefghi",
            "valueTime",
            "A",
            &"x".repeat(299),
        ] {
            assert_eq!(index.get(name), None, "{name}");
        }
        assert_eq!(Index::<&'static str>::new([]).get("a"), None);
    }
}
