//! Messages with gaps.

/// Is `message` of the shape `shape`, in which each `…` stands for any text that is not empty?
pub fn matches(shape: &str, message: &str) -> bool {
    let mut parts = shape.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = message.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    // Leftmost places for the parts between leave the most for the last.
    for part in parts {
        let after_gap = rest.chars().next().map_or(0, char::len_utf8);
        let found = rest
            .get(after_gap..)
            .filter(|_| after_gap > 0)
            .and_then(|behind| behind.split_once(part));
        let Some((_, behind)) = found else {
            return false;
        };
        rest = behind;
    }
    rest.len() > last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn gaps_are_filled() {
        for (shape, message, expected) in [
            ("none is set", "none is set", true),
            ("none is set", "none is set now", false),
            ("… is a view", "public.v is a view", true),
            ("… is a view", " is a view", false),
            ("… is a view", "public.v is a viewer", false),
            ("a … of … is", "a create of x of y is", true),
            ("a … of … is", "a  of  is", false),
            ("a …", "a ü", true),
            ("a …", "a ", false),
            ("…", "", false),
            ("a … b … c", "a 1 b 2 b 3 c", true),
            ("a … b … c", "a 1 b c", false),
        ] {
            assert_eq!(matches(shape, message), expected, "{shape} / {message}");
        }
    }
}
