//! The static checks on the largest, widest and deepest expressions that the parser admits: on a 2 MB stack, in little
//! time, with a bounded number of issues.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;
use std::time::{Duration, Instant};

use fhir_model::TypeId;
use fhirpath::{CheckContext, Issue, Limits, Severity, VariableType, check, parse, parse_with};

/// Generous: debug builds on a busy machine take well under a second.
const TIME: Duration = Duration::from_secs(5);

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no panic");
}

fn issues(source: &str, resource_type: Option<TypeId>) -> Vec<Issue> {
    let ast = parse(source).unwrap_or_else(|error| panic!("{error}: {:.60}", source));
    let context = CheckContext {
        resource_type,
        variables: &[("profile", VariableType::Reference)],
        condition: true,
    };
    check(source, &ast, &context)
}

/// As often as the parser's limits on the text and the tree allow.
fn most(text: &str, nodes: usize) -> usize {
    let limits = Limits::default();
    (limits.length / text.len()).min(limits.nodes / nodes) - 1
}

fn chain(first: &str, more: &str, nodes: usize) -> String {
    first.to_owned() + &more.repeat(most(more, nodes) - first.len().div_ceil(more.len()))
}

fn nest(open: &str, middle: &str, close: &str) -> String {
    // What is open at the same place for one `open`.
    let opened = open.matches(['(', '[', '|', '=', '-']).count();
    let depth = (Limits::default().depth - 1) / opened;
    open.repeat(depth) + middle + &close.repeat(depth)
}

fn hostile() -> Vec<String> {
    let defined: String = (0..1_500)
        .map(|place| format!(".defineVariable('v{place}')"))
        .collect();
    let used: String = (0..2_000).map(|_| ".select(%v0)").collect();
    vec![
        chain("extension", ".extension", 1),
        chain("extension", ".value.extension", 2),
        chain("extension.value", " | extension.value", 3),
        chain("extension.value", " = extension.value", 3),
        chain("a", " or a", 2),
        chain("name", ".nope", 1),
        chain("name", ".where(use = 'a')", 4),
        chain("name", ".repeat(period)", 2),
        chain("item", ".repeat(item)", 2),
        chain("a", "[0]", 2),
        chain("name", " is HumanNmae", 1),
        chain("name", ".ofType(HumanNmae)", 2),
        chain("coalesce(a", ", a", 1) + ")",
        chain("coalesce(%a", ", %b", 1) + ")",
        chain("coalesce(f()", ", f()", 1) + ")",
        chain("coalesce(name", ", name.given = 'x'", 4) + ")",
        chain("gender", ".matches('\\\\w{99}')", 2),
        chain("gender", ".matches('(')", 2),
        format!("gender.matches('{}')", "\\\\w".repeat(20_000)),
        format!("gender.matches('{}')", "(".repeat(60_000)),
        format!("this{defined}{used}").replace("this", "name"),
        chain("name", ".defineVariable(use)", 2) + ".select(%a)",
        nest("(", "name", ")"),
        nest("iif(true, ", "name", ")"),
        nest("name.where(", "use = 'a'", ")"),
        nest("where(", "use = 'a'", ")"),
        nest("select(extension.value | ", "name", ")"),
        nest("repeat(extension | ", "name", ")"),
        nest("-(", "name", ")"),
        nest("name[", "0", "]"),
        nest("name = (", "name", ")"),
        nest("aggregate($total | ", "name", ")"),
        nest("sort(-", "name", ")"),
        format!("name is {}", "a.".repeat(30_000) + "a"),
        format!("name.ofType({}a)", "a.".repeat(16_000)),
        format!("`{}`", "é".repeat(30_000)),
        format!("'{}'.a", "é".repeat(30_000)),
    ]
}

#[test]
fn bounded() {
    on_small_stack(|| {
        for source in hostile() {
            for name in ["Patient", "Questionnaire", "Extension", "Cron", "*"] {
                let start = Instant::now();
                let found = issues(&source, TypeId::named(name));
                let shown: String = source.chars().take(40).collect();
                assert!(start.elapsed() < TIME, "{shown} {:?}", start.elapsed());
                assert!(found.len() <= 32, "{shown}");
                for issue in found {
                    assert!(source.get(issue.span.range()).is_some(), "{shown}");
                    assert!(issue.message.len() < 1_000, "{shown}");
                }
            }
        }
    });
}

/// Warnings, however many, never hide an error.
#[test]
fn errors_after_warnings() {
    let source = "name.given = 'x' or ".repeat(1_000) + "nope";
    let found = issues(&source, TypeId::named("Patient"));
    let errors = found.iter().filter(|it| it.severity == Severity::Error);
    assert_eq!(errors.count(), 1);
    assert!(found.len() > 10);
}

/// A checker that is given another text than the one that was parsed says nonsense, and no more than that.
#[test]
fn another_text() {
    let ast = parse("name.given.nope = ('ä' | 'b') and name is Foo").unwrap();
    for source in ["", "ä", "öööööööööööööööö", "\n\n\n"] {
        let context = CheckContext {
            resource_type: TypeId::named("Patient"),
            ..CheckContext::default()
        };
        assert!(!check(source, &ast, &context).is_empty());
    }
}

/// Trees larger than the default limits allow are a matter of time only.
#[test]
fn larger_trees() {
    on_small_stack(|| {
        let limits = Limits {
            length: 1 << 24,
            nodes: 1 << 20,
            ..Limits::default()
        };
        let source = "name".to_owned() + &".where(use = 'a')".repeat(100_000);
        let ast = parse_with(&source, &limits).unwrap();
        let context = CheckContext {
            resource_type: TypeId::named("Patient"),
            ..CheckContext::default()
        };
        let start = Instant::now();
        assert_eq!(check(&source, &ast, &context), []);
        assert!(start.elapsed() < TIME, "{:?}", start.elapsed());
    });
}

/// Expressions that are pieces of others, put together at random.
#[test]
fn mutations() {
    let texts: Vec<&str> = [
        include_str!("check/names.txt"),
        include_str!("check/values.txt"),
        include_str!("check/sensible.txt"),
    ]
    .iter()
    .flat_map(|text| text.lines())
    .filter(|line| line.is_ascii())
    .filter_map(|line| Some(line.split_once(" | ")?.1))
    .collect();
    // A linear congruential generator: the same pieces every time.
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let (mut parsed, mut reported) = (0, 0);
    for _ in 0..50_000 {
        let mut source = String::new();
        for _ in 0..1 + random(3) {
            let text = texts[random(texts.len())];
            let start = random(text.len());
            source += &text[start..start + 1 + random(text.len() - start)];
            source += ["", ".", " = ", " and ", "("][random(5)];
        }
        let Ok(ast) = parse(&source) else { continue };
        let context = CheckContext {
            resource_type: TypeId::named(["Patient", "Observation", "*"][random(3)]),
            variables: &[],
            condition: true,
        };
        let found = check(&source, &ast, &context);
        parsed += 1;
        reported += usize::from(!found.is_empty());
        for issue in found {
            assert!(source.get(issue.span.range()).is_some(), "{source}");
            assert!(issue.excerpt(&source).contains('^'), "{source}");
        }
    }
    assert!(parsed > 2_000 && reported > 1_000, "{parsed} {reported}");
}
