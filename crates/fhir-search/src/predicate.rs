//! What a bound criteria comes to: a condition that PostgreSQL can be asked.

mod merge;

use std::fmt;

use crate::test::{Test, all, any, write_quoted};

/// A row that a [`Predicate`] is asked about.
pub trait Candidate {
    /// Whether its logical id is one of these; `None` is unknown.
    fn has_id_of(&self, ids: &[String]) -> Option<bool>;

    /// Whether its document passes the test; `None` is unknown.
    fn passes(&self, test: &Test) -> Option<bool>;
}

/// A condition on a stored row. [`Display`](fmt::Display) is the explanation that users read.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Always or never.
    Constant(bool),
    /// All of these.
    And(Vec<Predicate>),
    /// At least one of these.
    Or(Vec<Predicate>),
    /// Directly over a condition of the row only. Unknown stays unknown.
    Not(Box<Predicate>),
    /// The row's own logical id is one of these; those of a criteria are sorted and distinct.
    Id(Vec<String>),
    /// The row is of one of these resource types: in a table that holds several.
    ResourceType(Vec<String>),
    /// The document says itself that it is of the type that its table keeps it under.
    TypeAgrees,
    /// The document passes the test.
    Test(Test),
    /// The resource that the document's `securityContext` refers to may be read, or there is none. No criteria says so, and
    /// only who has all resources can tell.
    SecurityContext,
}

impl Predicate {
    /// The conjunction, simplified.
    pub fn all(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Predicate::Constant(true) => {}
                Predicate::Constant(false) => return Predicate::Constant(false),
                Predicate::And(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Predicate::Constant(true),
            1 => kept.pop().unwrap_or(Predicate::Constant(false)),
            _ => Predicate::And(kept),
        }
    }

    /// The disjunction, simplified: conditions that differ in their values only become one with all the values.
    pub fn any(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Predicate::Constant(false) => {}
                Predicate::Constant(true) => return Predicate::Constant(true),
                Predicate::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        let mut kept = merge::merged(flat);
        match kept.len() {
            0 => Predicate::Constant(false),
            1 => kept.pop().unwrap_or(Predicate::Constant(false)),
            _ => Predicate::Or(kept),
        }
    }

    /// How many conditions there are in it.
    pub fn size(&self) -> usize {
        match self {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter().map(Predicate::size).sum(),
            _ => 1,
        }
    }

    /// Whether the row meets it: what is unknown (`None`) is not granted. What is asked of other rows
    /// ([`asks_elsewhere`](Self::asks_elsewhere)) is unknown here, and so is the row's type, which whoever asks has settled.
    pub fn evaluate(&self, row: &impl Candidate) -> Option<bool> {
        match self {
            Predicate::Constant(value) => Some(*value),
            Predicate::And(parts) => all(parts.iter(), |part| part.evaluate(row)),
            Predicate::Or(parts) => any(parts.iter(), |part| part.evaluate(row)),
            Predicate::Not(inner) => inner.evaluate(row).map(|held| !held),
            Predicate::Id(ids) => row.has_id_of(ids),
            Predicate::Test(test) => row.passes(test),
            Predicate::ResourceType(_) | Predicate::TypeAgrees | Predicate::SecurityContext => None,
        }
    }

    /// Whether it asks for more than the row itself tells.
    pub fn asks_elsewhere(&self) -> bool {
        match self {
            Predicate::Constant(_)
            | Predicate::Test(_)
            | Predicate::Id(_)
            | Predicate::ResourceType(_)
            | Predicate::TypeAgrees => false,
            Predicate::SecurityContext => true,
            Predicate::Not(inner) => inner.asks_elsewhere(),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().any(Predicate::asks_elsewhere)
            }
        }
    }

    /// Whether all that it looks at in the document, by the names of the document's own members, `may` be looked at. Ids aside,
    /// which no document can be without.
    pub fn looks_only_at(&self, may: &impl Fn(&str) -> bool) -> bool {
        match self {
            Predicate::Constant(_) | Predicate::Id(_) => true,
            Predicate::ResourceType(_) | Predicate::TypeAgrees => may("resourceType"),
            Predicate::SecurityContext => false,
            Predicate::Test(test) => test.looks_only_at(may),
            Predicate::Not(inner) => inner.looks_only_at(may),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().all(|part| part.looks_only_at(may))
            }
        }
    }

    /// Whether it asks for the row's own id.
    pub fn asks_for_id(&self) -> bool {
        match self {
            Predicate::Constant(_)
            | Predicate::Test(_)
            | Predicate::ResourceType(_)
            | Predicate::TypeAgrees
            | Predicate::SecurityContext => false,
            Predicate::Id(_) => true,
            Predicate::Not(inner) => inner.asks_for_id(),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().any(Predicate::asks_for_id)
            }
        }
    }

    /// Whether an index could answer some part of it.
    pub(crate) fn has_lookups(&self) -> bool {
        match self {
            Predicate::Constant(_)
            | Predicate::Not(_)
            | Predicate::TypeAgrees
            | Predicate::SecurityContext => false,
            Predicate::Id(_) | Predicate::ResourceType(_) => true,
            Predicate::Test(test) => !test.lookups().is_empty(),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().any(Predicate::has_lookups)
            }
        }
    }

    /// The negation, with `Not` only over the innermost conditions.
    pub fn negated(self) -> Self {
        match self {
            Predicate::Constant(value) => Predicate::Constant(!value),
            Predicate::And(parts) => Predicate::any(parts.into_iter().map(Predicate::negated)),
            Predicate::Or(parts) => Predicate::all(parts.into_iter().map(Predicate::negated)),
            Predicate::Not(inner) => *inner,
            inner @ (Predicate::Id(_)
            | Predicate::ResourceType(_)
            | Predicate::TypeAgrees
            | Predicate::Test(_)
            | Predicate::SecurityContext) => Predicate::Not(Box::new(inner)),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Predicate], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { word })?;
                match part {
                    Predicate::And(_) | Predicate::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        let values = |f: &mut fmt::Formatter<'_>, name: &str, values: &[String]| {
            f.write_str(name)?;
            for (index, value) in values.iter().enumerate() {
                f.write_str(if index == 0 { " " } else { ", " })?;
                write_quoted(f, value)?;
            }
            Ok(())
        };
        match self {
            Predicate::Constant(value) => write!(f, "{value}"),
            Predicate::And(parts) => join(f, parts, " and "),
            Predicate::Or(parts) => join(f, parts, " or "),
            Predicate::Not(inner) => write!(f, "not {inner}"),
            Predicate::Id(ids) => values(f, "id", ids),
            Predicate::ResourceType(types) => values(f, "type", types),
            Predicate::TypeAgrees => f.write_str("type agrees"),
            Predicate::Test(test) => write!(f, "{test}"),
            Predicate::SecurityContext => f.write_str("what securityContext refers to may be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Predicate::{And, Constant, Id, Not, Or};
    use super::*;

    fn id(id: &str) -> Predicate {
        Id(vec![id.to_owned()])
    }

    #[test]
    fn simplification() {
        assert_eq!(Predicate::all([]), Constant(true));
        assert_eq!(Predicate::any([]), Constant(false));
        assert_eq!(Predicate::all([Constant(true), id("a")]), id("a"));
        assert_eq!(Predicate::all([Constant(false), id("a")]), Constant(false));
        assert_eq!(Predicate::any([Constant(true), id("a")]), Constant(true));
        assert_eq!(
            Predicate::all([And(vec![id("a"), id("b")]), id("c")]),
            And(vec![id("a"), id("b"), id("c")])
        );
        let either = Or(vec![id("a"), Not(Box::new(id("b")))]);
        assert_eq!(
            either.clone().negated(),
            And(vec![Not(Box::new(id("a"))), id("b")])
        );
        assert_eq!(either.clone().negated().negated(), either);
        assert_eq!(Constant(true).negated(), Constant(false));
        let context = Predicate::SecurityContext;
        assert_eq!(Predicate::any([context.clone(), context.clone()]), context);
        assert_eq!(context.clone().negated().negated(), context);
        assert!(!context.has_lookups());
    }

    #[test]
    fn what_it_looks_at() {
        let asks = |text: &str, member: &str| {
            let test = Predicate::Test(text.parse().unwrap());
            let both = Predicate::all([id("a"), test]);
            let within = Or(vec![Not(Box::new(both)), Constant(false)]);
            !within.looks_only_at(&|name| name != member)
        };
        let token = r#"token(code:CodeableConcept, value*:Coding) "a""#;
        assert!(asks(token, "code") && asks(token, "value"));
        assert!(!asks(token, "coding") && !asks(token, "contained"));
        assert!(asks(r#"equals(meta.project:text) "a""#, "meta"));
        assert!(!asks(r#"equals(meta.project:text) "a""#, "project"));
        // A reference may be to what is in the document.
        let reference = r#"reference(subject:Reference) "Patient/1""#;
        assert!(asks(reference, "subject") && asks(reference, "contained"));
        assert!(!Predicate::SecurityContext.looks_only_at(&|_| true));
        assert!(id("a").looks_only_at(&|_| false));
        assert!(!Predicate::TypeAgrees.looks_only_at(&|name| name != "resourceType"));
    }

    #[test]
    fn evaluation() {
        /// Its id is `a`; what its document says is unknown.
        struct Row;
        impl Candidate for Row {
            fn has_id_of(&self, ids: &[String]) -> Option<bool> {
                Some(ids.iter().any(|id| id == "a"))
            }
            fn passes(&self, _test: &Test) -> Option<bool> {
                None
            }
        }
        let not = |inner| Not(Box::new(inner));
        let unknown = || Predicate::Test("equals(url:text) \"http://x\"".parse().unwrap());
        let table = [
            (Constant(true), Some(true)),
            (Constant(false), Some(false)),
            (id("a"), Some(true)),
            (not(id("a")), Some(false)),
            (unknown(), None),
            (not(unknown()), None),
            (And(vec![id("a"), unknown()]), None),
            (And(vec![unknown(), id("b")]), Some(false)),
            (And(vec![id("a"), not(id("b"))]), Some(true)),
            (Or(vec![unknown(), id("a")]), Some(true)),
            (Or(vec![id("b"), unknown()]), None),
            (Or(vec![id("b"), not(id("a"))]), Some(false)),
            (And(Vec::new()), Some(true)),
            (Or(Vec::new()), Some(false)),
        ];
        for (predicate, expected) in table {
            assert_eq!(predicate.evaluate(&Row), expected, "{predicate}");
        }
        assert_eq!(Predicate::SecurityContext.evaluate(&Row), None);
        assert!(And(vec![id("a"), not(Predicate::SecurityContext)]).asks_elsewhere());
        assert!(!Or(vec![unknown(), not(id("a"))]).asks_elsewhere());
        assert!(And(vec![unknown(), not(id("a"))]).asks_for_id());
        assert!(!Or(vec![unknown(), Constant(true)]).asks_for_id());
    }

    #[test]
    fn size_counts_conditions() {
        assert_eq!(id("a").size(), 1);
        assert_eq!(
            And(vec![Or(vec![id("a"), id("b")]), Not(Box::new(id("c")))]).size(),
            3
        );
    }

    fn of_type(name: &str, of: Predicate) -> Predicate {
        Predicate::all([Predicate::ResourceType(vec![name.to_owned()]), of])
    }

    #[test]
    fn types_of_equal_conditions_are_one_list() {
        assert_eq!(
            Predicate::any([of_type("B", id("a")), of_type("A", id("a"))]).to_string(),
            r#"type "A", "B" and id "a""#
        );
        assert_eq!(
            Predicate::any([of_type("A", id("a")), of_type("A", id("b"))]).to_string(),
            r#"type "A" and id "a", "b""#
        );
        assert_eq!(
            Predicate::any([of_type("A", id("a")), of_type("B", id("b"))]).to_string(),
            r#"(type "A" and id "a") or (type "B" and id "b")"#
        );
        assert_eq!(
            Predicate::any([
                Predicate::ResourceType(vec!["A".to_owned(), "B".to_owned()]),
                Predicate::ResourceType(vec!["B".to_owned()])
            ])
            .to_string(),
            r#"type "A", "B""#
        );
    }

    #[test]
    fn a_type_is_negated_as_a_condition() {
        let typed = of_type("A", Predicate::TypeAgrees);
        let negated = typed.clone().negated();
        assert_eq!(negated.to_string(), r#"not type "A" or not type agrees"#);
        assert_eq!(negated.negated(), typed);
    }

    #[test]
    fn reading() {
        let both = And(vec![Or(vec![id("a"), id("b")]), Not(Box::new(id("c")))]);
        assert_eq!(both.to_string(), r#"(id "a" or id "b") and not id "c""#);
        let context = Predicate::SecurityContext.negated();
        assert_eq!(
            context.to_string(),
            "not what securityContext refers to may be read"
        );
    }
}
