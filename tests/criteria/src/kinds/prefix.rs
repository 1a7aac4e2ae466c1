//! `eq ne gt lt ge le sa eb ap`

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

pub const PREFIXES: [(&str, Prefix); 9] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

/// The prefix of a value, and what follows.
pub fn split(value: &str) -> (Prefix, &str) {
    for (name, prefix) in PREFIXES {
        if let Some(rest) = value.strip_prefix(name) {
            return (prefix, rest);
        }
    }
    (Prefix::Eq, value)
}
