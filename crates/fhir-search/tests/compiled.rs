//! `data/compiled.md`: what every parameter of every type searches, and which index serves it, from the compiler itself.
//!
//! `UPDATE_COMPILED=1 cargo test -p fhir-search --test compiled` writes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use fhir_search::keys::Paths;
use fhir_search::table::{self, Alternative, Kind, Parameter, Searched};
use fhir_search::{Condition, Criteria, Key, Leaf, Lookup, Predicate, Step, model};
use support::predicate;

/// Modifiers besides `:not` and `:missing`.
const MODIFIERS: [&str; 6] = ["exact", "contains", "text", "identifier", "above", "below"];
const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

const HEAD: &str = "# What every search parameter searches
Generated from the compiler by `UPDATE_COMPILED=1 cargo test -p fhir-search --test compiled`; do not edit. The meaning of each kind stands
in [docs/criteria.md](../../../docs/criteria.md).

* **elements**: as the index functions take them: `fhir_access.earliest(resource, 'birthDate:date')`. `*` is an array; several are
  separated by `, `. `(Patient)`: only references to these types count. A composite's context stands before `:`, its parts after it;
  `/` is the resource itself.
* **modifiers**: besides `:not`, which fits every parameter, and `:missing`, which fits every one but composites, `_id` and
  `_compartment`. `:Type` is a resource type that the reference may be to.
* **index**: what finds the rows. `document` is a GIN index on the document itself, the others are indexes on the functions of these names;
  names joined by `+` are columns of one index. `~` before a name: the index narrows, the rows found are tested. `-`: no index; the
  condition is tested on the rows that others find. What a modifier changes stands after it; `unit` is a value with a unit.
* Prefixes: `ne` has no index. Where the index of a date, number or quantity narrows, `gt` and `lt` (of numbers without ranges also `ge`
  and `le`) are decided by it all the same. `|code` of elements with systems narrows.
* References by `id` alone, where the element may refer to any type, have no index. Nor have `:missing` and `:not`.
";

/// The names of the indexes that serve a predicate; `None` where one of its alternatives has none.
fn served(predicate: &Predicate) -> Option<BTreeSet<String>> {
    match predicate {
        Predicate::Constant(_) | Predicate::SecurityContext => panic!("{predicate} needs no index"),
        Predicate::Id(_) => Some(BTreeSet::from(["id".to_owned()])),
        Predicate::Not(_) | Predicate::ResourceType(_) | Predicate::TypeAgrees => None,
        Predicate::And(parts) => {
            let all: Vec<_> = parts.iter().filter_map(served).collect();
            (!all.is_empty()).then(|| all.into_iter().flatten().collect())
        }
        Predicate::Or(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(served).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        Predicate::Test(test) => {
            let lookups = test.lookups();
            (!lookups.is_empty()).then(|| lookups.iter().map(name).collect())
        }
    }
}

fn name(lookup: &Lookup) -> String {
    let name = match &lookup.condition {
        Condition::Contains(_) => "document".to_owned(),
        Condition::Targets(..) => "targets".to_owned(),
        Condition::StringsStartWith(..) | Condition::StringsContain(..) => "strings".to_owned(),
        Condition::Tokens(..) => "tokens".to_owned(),
        Condition::Uris(..) | Condition::UrisBelow(..) => "uris".to_owned(),
        Condition::Compare(_, alternatives) => {
            let columns = alternatives.iter().flat_map(|found| &found.columns);
            let mut columns: Vec<Key> = columns.copied().collect();
            columns.sort_by_key(|key| (*key != Key::Unit, *key));
            columns.dedup();
            let names = columns.iter().map(|key| match key {
                Key::Earliest => "earliest",
                Key::Latest => "latest",
                Key::Lowest => "lowest",
                Key::Highest => "highest",
                Key::Unit => "unit",
            });
            names.collect::<Vec<_>>().join("+")
        }
    };
    format!("{}{name}", if lookup.decides { "" } else { "~" })
}

fn shown(served: Option<BTreeSet<String>>) -> String {
    served.map_or_else(
        || "-".to_owned(),
        |names| names.into_iter().collect::<Vec<_>>().join(", "),
    )
}

fn steps(steps: &[Step]) -> String {
    let path = fhir_search::Path {
        steps: steps.to_vec(),
        leaf: Leaf::Object,
    };
    path.to_string().trim_end_matches(":object").to_owned()
}

fn elements(alternatives: &[Alternative]) -> String {
    let paths: Vec<_> = alternatives
        .iter()
        .map(|found| found.path.clone())
        .collect();
    let text = Paths::from(paths.clone()).to_string();
    assert_eq!(text.parse(), Ok(Paths::from(paths)), "an index can name it");
    let only: BTreeSet<&str> = alternatives
        .iter()
        .filter(|found| found.only_targets)
        .flat_map(|found| found.targets.iter().copied())
        .collect();
    let only: Vec<&str> = only.into_iter().collect();
    if only.is_empty() {
        format!("`{text}`")
    } else {
        format!("`{text}` ({})", only.join(", "))
    }
}

fn searched(parameter: &Parameter) -> String {
    match &parameter.searched {
        Searched::Elements(alternatives) => elements(alternatives),
        Searched::Composite(found) => {
            let contexts = found
                .contexts
                .iter()
                .map(|context| match context.as_slice() {
                    [] => "`/`".to_owned(),
                    context => format!("`{}`", steps(context)),
                });
            let parts = found.parts.iter().map(|part| {
                let root = if part.from_root { "/ " } else { "" };
                format!("{} {root}{}", part.kind, elements(&part.alternatives))
            });
            let contexts: Vec<String> = contexts.collect();
            let parts: Vec<String> = parts.collect();
            format!("{}: {}", contexts.join(" or "), parts.join(" $ "))
        }
        Searched::Nothing(reason) => format!("refused: {reason}"),
    }
}

/// The sample of `Type?{text}`, which has a variable.
fn sample(kind: &str, text: &str) -> Predicate {
    let criteria = Criteria::parse(kind, &format!("{kind}?{text}"));
    let criteria = criteria.unwrap_or_else(|error| panic!("{kind}?{text}: {error}"));
    criteria.sample_for(kind, "example")
}

fn fits(kind: &str, code: &str, modifier: &str) -> bool {
    Criteria::parse(kind, &format!("{kind}?{code}:{modifier}=%x")).is_ok()
}

/// The prefixes of a date, number or quantity parameter: all have the keys of `eq` but `ne`, which has none.
fn check_prefixes(kind: &str, parameter: &Parameter, columns: &str) {
    let value = if parameter.kind == Kind::Date {
        "2000"
    } else {
        "1"
    };
    for prefix in PREFIXES {
        let text = format!("{kind}?{}={prefix}{value}", parameter.code);
        let served = shown(served(&predicate(&text)));
        if prefix == "ne" {
            assert_eq!(served, "-", "{text}");
            continue;
        }
        let points = parameter
            .elements()
            .iter()
            .all(|found| found.path.leaf == Leaf::Number);
        let decided = !columns.starts_with('~')
            || matches!(prefix, "gt" | "lt")
            || (points && matches!(prefix, "ge" | "le"));
        let expected = columns.trim_start_matches('~');
        let expected = format!("{}{expected}", if decided { "" } else { "~" });
        assert_eq!(served, expected, "{text}");
    }
}

/// The cells for the modifiers and the indexes.
fn indexes(kind: &str, parameter: &Parameter) -> (String, String) {
    let code = parameter.code;
    let plain = sample(kind, &format!("{code}=%x"));
    let by_default = shown(served(&plain));
    let mut modifiers = Vec::new();
    let mut indexes = vec![by_default.clone()];
    for modifier in MODIFIERS {
        if fits(kind, code, modifier) {
            modifiers.push(format!(":{modifier}"));
            let found = shown(served(&sample(kind, &format!("{code}:{modifier}=%x"))));
            if found != by_default {
                indexes.push(format!(":{modifier} {found}"));
            }
        }
    }
    let is_reference = parameter.kind == Kind::Reference;
    let mut types = model::resource_types().filter(|_| is_reference);
    if let Some(name) = types.find(|name| fits(kind, code, name)) {
        modifiers.push(":Type".to_owned());
        let found = shown(served(&sample(kind, &format!("{code}:{name}=%x"))));
        assert!(found.contains("targets"), "{kind}?{code}:{name} {found}");
    }
    match parameter.kind {
        Kind::Date | Kind::Number => check_prefixes(kind, parameter, &by_default),
        Kind::Quantity => {
            check_prefixes(kind, parameter, &by_default);
            let with_unit = sample(kind, &format!("{code}=%x|urn:iso:std:iso:4217|EUR"));
            indexes.push(format!("unit {}", shown(served(&with_unit))));
        }
        _ => {}
    }
    assert!(fits(kind, code, "not"), "{kind}?{code}");
    let may_miss = parameter.kind != Kind::Composite && code != "_id";
    assert_eq!(fits(kind, code, "missing"), may_miss, "{kind}?{code}");
    (modifiers.join(" "), indexes.join("; "))
}

fn row(out: &mut String, kind: &str, parameter: &Parameter) {
    let (modifiers, indexes) = match &parameter.searched {
        Searched::Nothing(_) => (String::new(), String::new()),
        _ => indexes(kind, parameter),
    };
    writeln!(
        out,
        "| {} | {} | {} | {modifiers} | {indexes} |",
        parameter.code,
        parameter.kind,
        searched(parameter)
    )
    .unwrap();
}

fn heading(out: &mut String, text: &str) {
    write!(
        out,
        "\n## {text}\n| parameter | kind | elements | modifiers | index |\n|---|---|---|---|---|\n"
    )
    .unwrap();
}

fn compiled() -> String {
    let mut out = HEAD.to_owned();
    let of_all: BTreeSet<&str> = table::codes("Resource").collect();
    heading(&mut out, "All types");
    // Basic stands for all of them: it has no parameter of these names itself.
    for code in &of_all {
        row(&mut out, "Basic", &table::parameter("Basic", code).unwrap());
    }
    for (code, kind, text, value) in [
        (
            "_compartment",
            "reference",
            "the row itself; the references of R4's compartment definition; `meta.account:Reference, meta.accounts*:Reference`",
            "Patient/1",
        ),
        ("_project", "special", "`meta.project:text`", "x"),
    ] {
        let found = shown(served(&predicate(&format!("Observation?{code}={value}"))));
        writeln!(out, "| {code} | {kind} | {text} | | {found} |").unwrap();
    }
    out.push_str("\nRefused for all types:\n");
    for code in ["_filter", "_has", "_list", "_type", "_count", "_sort"] {
        let error = Criteria::parse("Basic", &format!("Basic?{code}=x")).unwrap_err();
        writeln!(out, "* `{code}`: {error}").unwrap();
    }
    let types: BTreeSet<&str> = model::resource_types().collect();
    for kind in types {
        let own: BTreeSet<&str> = table::codes(kind)
            .filter(|code| !of_all.contains(code))
            .collect();
        if own.is_empty() || kind == "Binary" {
            continue;
        }
        heading(&mut out, kind);
        for code in own {
            row(&mut out, kind, &table::parameter(kind, code).unwrap());
        }
    }
    out
}

#[test]
fn committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/compiled.md");
    let compiled = compiled();
    if std::env::var_os("UPDATE_COMPILED").is_some() {
        std::fs::write(&path, &compiled).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = compiled
        .lines()
        .zip(committed.lines())
        .position(|(compiled, committed)| compiled != committed)
        .unwrap_or(committed.lines().count());
    assert!(
        committed == compiled,
        "data/compiled.md differs from line {} on:\n  {}\nUPDATE_COMPILED=1 cargo test -p fhir-search --test compiled writes it",
        differs + 1,
        compiled.lines().nth(differs).unwrap_or_default()
    );
}
