//! Three-valued truth: `None` is unknown (Kleene's strong logic).

pub type Truth = Option<bool>;

/// True where one is, else unknown where one is.
pub fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut all = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}

/// False where one is, else unknown where one is.
pub fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    not(any(truths.into_iter().map(not)))
}

pub fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_decides_nothing() {
        assert_eq!(any([Some(false), None, Some(true)]), Some(true));
        assert_eq!(any([Some(false), None]), None);
        assert_eq!(any([]), Some(false));
        assert_eq!(all([Some(true), None, Some(false)]), Some(false));
        assert_eq!(all([Some(true), None]), None);
        assert_eq!(all([]), Some(true));
        assert_eq!(not(None), None);
    }
}
