//! Questions that masked and stored documents answer alike: whatever is said to be the same is the same, on random documents
//! of every shape; and what is promised to be found is found.
#![allow(clippy::unwrap_used, clippy::panic)]

use access_policy::fields::{FieldSet, Sight, Spot};
use jsonb::{Node, Value, encode, from_json};
use proptest::prelude::*;

fn sight(paths: &str) -> Sight {
    paths.parse::<FieldSet>().unwrap().sight()
}

fn contains_is_same(paths: &str, constant: &str) -> bool {
    let bytes = from_json(constant).unwrap();
    sight(paths).root().contains(Value::parse(&bytes).unwrap())
}

/// `#>` and the value whole.
fn at<'t>(sight: &'t Sight, steps: &[&str]) -> Option<Spot<'t>> {
    let mut place = sight.root();
    for step in steps {
        place = place.step(step)?;
    }
    Some(place)
}

fn is_same(paths: &str, steps: &[&str]) -> bool {
    at(&sight(paths), steps).is_some_and(|place| place.is_same())
}

#[test]
fn members() {
    let hidden = "birthDate,name.family,value[x],contact.name.given.id";
    for (steps, same) in [
        (&["gender"][..], true),
        (&["birthDate"], false),
        (&["_birthDate"], false),
        (&["birthDate", "x"], false),
        (&["birthDateX"], true),
        (&[], false),
        (&["name"], false),
        (&["name", "0"], false),
        (&["name", "0", "given"], true),
        (&["name", "-1", "given", "0"], true),
        (&["name", " +0", "family"], false),
        (&["name", "family"], false),
        (&["_name", "family"], false),
        (&["name", "0", "0", "_family"], false),
        (&["valueQuantity"], false),
        (&["_valueString", "id"], false),
        (&["valueSet"], true),
        (&["value"], true),
        (&["contact", "0", "name", "0", "given"], false),
        (&["contact", "0", "name", "0", "given", "1", "value"], true),
        (&["contact", "0", "name", "text"], true),
        (&["contained"], true),
        (&["meta"], true),
    ] {
        assert_eq!(is_same(hidden, steps), same, "{steps:?}");
    }
    // An index can follow where there was an array: nothing is known of a step that could be one.
    assert!(!is_same("name.family", &["", "name"]));
    assert!(is_same("name.family", &["gender", "", "1", "x"]));
    assert!(!is_same("name.family", &vec!["0"; 33]));
}

#[test]
fn keys_that_are_there() {
    let sight = sight("birthDate,name.family");
    for (key, same) in [
        ("gender", true),
        ("name", true),
        ("birthDate", false),
        ("_birthDate", false),
        ("family", true),
        ("", true),
        ("0", true),
    ] {
        assert_eq!(sight.root().has(key), same, "{key}");
    }
    let name = sight.root().member("name").unwrap();
    assert!(!name.has("family") && name.has("given"));
}

#[test]
fn containment() {
    let hidden = "birthDate,name.family,contact.name";
    for (constant, same) in [
        (r#"{"gender": "female"}"#, true),
        (r#"{}"#, true),
        (r#"[]"#, true),
        (r#""birthDate""#, true),
        (r#"["birthDate", 1]"#, true),
        (r#"{"birthDate": "1970"}"#, false),
        (r#"{"_birthDate": {}}"#, false),
        (r#"{"name": [{"given": ["Ann"]}]}"#, true),
        (r#"{"name": [{}]}"#, true),
        (r#"{"name": []}"#, true),
        (r#"{"name": "family"}"#, true),
        (r#"{"name": [{"given": ["Ann"], "family": "A"}]}"#, false),
        (r#"{"name": [[{"family": {}}]]}"#, false),
        (r#"[{"gender": "x"}, [{"name": {"_family": 1}}]]"#, false),
        (r#"{"contact": [{"name": {}}]}"#, false),
        (r#"{"contact": [{"telecom": [{"name": "x"}]}]}"#, true),
    ] {
        assert_eq!(contains_is_same(hidden, constant), same, "{constant}");
    }
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(contains_is_same(hidden, &deep(31)));
    assert!(!contains_is_same(hidden, &deep(33)));
    // Beside the fields no mask goes.
    assert!(contains_is_same(
        hidden,
        &format!(r#"{{"x": {}}}"#, deep(3_000))
    ));
}

#[test]
fn what_is_told_by_the_object() {
    // Extensions go out of their arrays; resources inside have the fields of their own type.
    let fields: FieldSet = "name.extension('urn:a').valueCode,modifierExtension('urn:b')"
        .parse()
        .unwrap();
    let mut nested = FieldSet::default();
    nested.merge(&"gender,text.div".parse().unwrap());
    nested.nest("Patient", &"gender".parse().unwrap());
    for (sight, steps, same) in [
        (fields.sight(), &["extension"][..], true),
        (fields.sight(), &["modifierExtension"], false),
        (fields.sight(), &["modifierExtension", "0", "url"], false),
        (fields.sight(), &["name", "0", "extension", "0"], false),
        (fields.sight(), &["name", "0", "family"], true),
        (fields.sight(), &["contained", "0", "gender"], true),
        (nested.sight(), &["contained"], false),
        (nested.sight(), &["contained", "0", "id"], false),
        (nested.sight(), &["entry", "0"], false),
        (nested.sight(), &["entry", "0", "fullUrl"], true),
        (nested.sight(), &["entry", "0", "resource", "id"], false),
        (nested.sight(), &["entry", "0", "response", "status"], true),
        (
            nested.sight(),
            &["entry", "0", "response", "outcome"],
            false,
        ),
        (nested.sight(), &["parameter", "0", "name"], true),
        (
            nested.sight(),
            &["parameter", "0", "part", "0", "resource"],
            false,
        ),
        (nested.sight(), &["text"], false),
        (nested.sight(), &["text", "status"], true),
        (nested.sight(), &["meta"], true),
        // The label comes to documents that have no `meta`.
        (nested.clone().marked().sight(), &["meta"], false),
        (nested.clone().marked().sight(), &["meta", "tag"], false),
        (nested.clone().marked().sight(), &["id"], true),
    ] {
        let found = at(&sight, steps).is_some_and(|spot| spot.is_same());
        assert_eq!(found, same, "{steps:?}");
    }
    assert!(!nested.clone().marked().sight().root().has("meta"));
    assert!(!nested.sight().root().has("contained"));
    assert!(!fields.sight().root().has("modifierExtension"));
}

/// What [`Spot::items`] says: `None`, some items, the same items.
fn items(paths: &str, json_path: &str) -> (bool, bool) {
    let sight = sight(paths);
    let place = sight.root().items(json_path);
    (place.is_some(), place.is_some_and(|place| place.is_same()))
}

#[test]
fn json_paths() {
    let (no, found, same) = ((false, false), (true, false), (true, true));
    for (path, expected) in [
        (r#"$."gender""#, same),
        (r#"strict $."gender""#, same),
        (r#"$"#, found),
        (r#"$[*]"#, found),
        (r#"$."birthDate""#, no),
        (r#"$."\u0062irthDate""#, no),
        (r#"$."_birthDate""#, no),
        (r#"$."name""#, found),
        (r#"$."name"[*]."given"[0]"#, same),
        (r#"$."name"[0 to last]."family""#, no),
        (r#"$."name"[last - 1,2]."given""#, same),
        (r#"$."name"?(@."given" == "Ann")"#, found),
        (r#"$."name"?(@."given" == "Ann")."use""#, same),
        (r#"$."name"?(@."family" == "A")."use""#, no),
        (r#"$."name"?(exists (@."family"))."use""#, no),
        (
            r#"$."name"?(@."given" starts with "A" && !(@."use" == "old"))."use""#,
            same,
        ),
        (
            r#"$."name"."given"?(@ like_regex "^A" flag "i" || @ == $"who")"#,
            same,
        ),
        (r#"$."name"?(@."use" == $."birthDate")."use""#, no),
        (
            r#"$."code"."coding"[*]?(@."code" == "x" && @."system" == "y")"#,
            same,
        ),
        (r#"($."gender" == "female")"#, same),
        (r#"($."birthDate" == "1970")"#, no),
        (r#"("1970" == $."birthDate")"#, no),
        (r#"($."gender" == "a" || $."name"."family" == "b")"#, no),
        (r#"(($."gender" == "a") is unknown)"#, same),
        (r#"exists ($."birthDate")"#, no),
        (r#"exists ($."name")"#, same),
        (r#"-$."multipleBirthInteger""#, same),
        (r#"(+$."birthDate")"#, no),
        (r#"($."a" + 1.50) * 2 - $."b" % 3 > 4"#, same),
        (r#"$."name".size()"#, same),
        (r#"$."name".type()"#, same),
        (r#"$."birthDate".type()"#, no),
        (r#"$."a".double().ceiling().floor().abs()"#, same),
        (
            r#"$."issued".datetime() < "2020-01-01".datetime("YYYY-MM-DD")"#,
            same,
        ),
        (r#"($."name")[0]."family""#, no),
        (r#"($."name" == 1)."family""#, same),
        (r#"$."x"[$."birthDate"]"#, no),
        (r#"$"v"."family""#, same),
        (r#"$.*"#, no),
        (r#"$.**"#, no),
        (r#"$.**{2 to last}."family""#, no),
        (r#"$."gender".*"#, no),
        (r#"$."gender".keyvalue()"#, no),
        (r#"$.keyvalue()."value""#, no),
        (r#"@"#, no),
        (r#"$."a" garbage"#, no),
        (r#"$."a"?("#, no),
        (r#"$."a"#, no),
        (r#""#, no),
        (r#"$."a".later()"#, no),
        (r#"typed"#, no),
    ] {
        assert_eq!(items("birthDate,name.family", path), expected, "{path}");
    }
    let chain = r#"."a""#.repeat(33);
    assert_eq!(items("birthDate", &format!("${chain}")), no);
    let nested = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(items("birthDate", &nested), no);
    assert_eq!(items("birthDate", &"!".repeat(100_000)), no);
}

#[test]
fn keys_of_indexes() {
    let sight = sight("name.family,telecom.value,valueString");
    for (paths, same) in [
        ("gender:text", true),
        ("name*:HumanName", false),
        ("name*.given*:text", true),
        ("name*.family:text", false),
        (r#"telecom*[system="phone"].use:text"#, true),
        (r#"telecom*[value="1"].use:text"#, false),
        ("gender:text, name*.family:text", false),
        ("valueDateTime:dateTime, valueString:text", false),
        ("valueDateTime:dateTime", true),
    ] {
        let same_keys = sight.root().keys(&paths.parse().unwrap());
        assert_eq!(same_keys, same, "{paths}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Documents and questions at random. The operators are written down once more, plainly.

const HIDDEN: [&str; 12] = [
    "extension('a')",
    "name.extension('b').code",
    "secret",
    "name.family",
    "name.given.id",
    "value[x].code",
    "valueMoney",
    "contact.name.family",
    "contact.name",
    "a.b.c",
    "a.b",
    "given.given",
];

const NAMES: [&str; 25] = [
    "url",
    "extension",
    "resourceType",
    "entry",
    "resource",
    "parameter",
    "secret",
    "_secret",
    "name",
    "family",
    "_family",
    "given",
    "_given",
    "id",
    "valueQuantity",
    "valueMoney",
    "valueSet",
    "code",
    "contact",
    "meta",
    "contained",
    "a",
    "b",
    "c",
    "0",
];

fn tree(depth: u32) -> impl Strategy<Value = Node<'static>> {
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        "[a-c]{0,1}".prop_map(|text| Node::String(text.into())),
        prop::sample::select(NAMES.to_vec()).prop_map(|text| Node::String(text.into())),
    ];
    leaf.prop_recursive(depth, 64, 5, |inner| {
        let members = || {
            prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), inner.clone(), 0..7)
                .prop_map(|members| {
                    let members = members.into_iter();
                    Node::Object(members.map(|(k, v)| (k.into(), v)).collect())
                })
        };
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Array),
            members(),
            members(),
            members(),
        ]
    })
}

/// Some part of a document, so that something is contained: members and elements left out at random.
fn part(node: &Node<'static>, choices: &mut impl Iterator<Item = bool>) -> Node<'static> {
    let mut keep = || choices.next().unwrap_or(true);
    match node {
        Node::Object(members) => {
            let kept: Vec<_> = members.iter().filter(|_| keep()).collect();
            let parts = kept
                .into_iter()
                .map(|(key, value)| (key.clone(), part(value, choices)));
            Node::Object(parts.collect())
        }
        Node::Array(elements) => {
            let kept: Vec<_> = elements.iter().filter(|_| keep()).collect();
            Node::Array(kept.into_iter().map(|value| part(value, choices)).collect())
        }
        scalar => scalar.clone(),
    }
}

/// `jsonb_contains` without the exception for a scalar in a root array.
fn contains(value: Value<'_>, part: Value<'_>) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| value.get(key).is_some_and(|value| contains(value, part))),
        (Value::Array(value), Value::Array(part)) => part
            .iter()
            .all(|part| value.iter().any(|value| contains(value, part))),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        (value, part) => value == part,
    }
}

/// `#>`.
fn get<'a>(value: Value<'a>, steps: &[&str]) -> Option<Value<'a>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value);
    };
    let child = match value {
        Value::Object(object) => object.get(step),
        Value::Array(array) => match step.parse::<isize>() {
            Ok(index) if index < 0 => array
                .len()
                .checked_sub(index.unsigned_abs())
                .and_then(|index| array.get(index)),
            Ok(index) => array.get(index.unsigned_abs()),
            Err(_) => None,
        },
        _ => None,
    }?;
    get(child, rest)
}

fn has(value: Value<'_>, key: &str) -> bool {
    match value {
        Value::Object(object) => object.get(key).is_some(),
        Value::Array(array) => array.iter().any(|one| one.as_str() == Some(key)),
        value => value.as_str() == Some(key),
    }
}

/// What a lax path of members, `[*]` and filters finds.
#[derive(Debug, Clone)]
enum Accessor {
    Member(&'static str),
    Elements,
    /// `? (@.a.b == "value")`, from `@` or from `$`.
    Where(bool, Vec<&'static str>, &'static str),
}

fn find<'a>(root: Value<'a>, items: Vec<Value<'a>>, path: &[Accessor]) -> Vec<Value<'a>> {
    let elements = |value: Value<'a>| match value {
        Value::Array(array) => array.iter().collect(),
        value => vec![value],
    };
    let Some((accessor, rest)) = path.split_first() else {
        return items;
    };
    let found = match accessor {
        Accessor::Elements => items.into_iter().flat_map(elements).collect(),
        Accessor::Member(name) => items
            .into_iter()
            .flat_map(elements)
            .filter_map(|item| item.as_object()?.get(name))
            .collect(),
        Accessor::Where(of_root, members, value) => items
            .into_iter()
            .flat_map(elements)
            .filter(|item| {
                let from = if *of_root { root } else { *item };
                let members: Vec<_> = members.iter().map(|m| Accessor::Member(m)).collect();
                find(root, vec![from], &members)
                    .into_iter()
                    .flat_map(elements)
                    .any(|found| found.as_str() == Some(value))
            })
            .collect(),
    };
    find(root, found, rest)
}

fn as_text(path: &[Accessor]) -> String {
    let mut text = String::from("$");
    for accessor in path {
        match accessor {
            Accessor::Member(name) => text.push_str(&format!(".\"{name}\"")),
            Accessor::Elements => text.push_str("[*]"),
            Accessor::Where(of_root, members, value) => {
                let members: String = members.iter().map(|m| format!(".\"{m}\"")).collect();
                let from = if *of_root { '$' } else { '@' };
                text.push_str(&format!("?({from}{members} == \"{value}\")"));
            }
        }
    }
    text
}

fn accessor() -> impl Strategy<Value = Accessor> {
    let name = || prop::sample::select(NAMES.to_vec());
    prop_oneof![
        4 => name().prop_map(Accessor::Member),
        1 => Just(Accessor::Elements),
        1 => (any::<bool>(), prop::collection::vec(name(), 0..3), name())
            .prop_map(|(of_root, members, value)| Accessor::Where(of_root, members, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_said_to_be_the_same_is_the_same(
        hidden in prop::sample::subsequence(HIDDEN.to_vec(), 1..=HIDDEN.len()),
        shown in prop::sample::subsequence(HIDDEN.to_vec(), 0..=3),
        nested in any::<bool>(),
        marked in any::<bool>(),
        document in tree(6),
        other in tree(4),
        choices in prop::collection::vec(any::<bool>(), 0..40),
        paths in prop::collection::vec(prop::collection::vec(prop::sample::select([&NAMES[..], &["-1", "1", " 0", ""]].concat()), 0..6), 20),
        json_paths in prop::collection::vec(prop::collection::vec(accessor(), 0..6), 20),
    ) {
        // The union is asked; one entry of it hides fewer.
        let set = |paths: &[&str]| -> FieldSet {
            let mut set: FieldSet = paths.join(",").parse().unwrap();
            if nested {
                set.nest("*", &set.clone());
            }
            if marked { set.marked() } else { set }
        };
        let all = set(&hidden);
        let sight = all.sight();
        let less: Vec<_> = hidden.iter().filter(|path| !shown.contains(path)).copied().collect();
        let fields = set(&less);

        let bytes = encode(&document).unwrap();
        let raw = Value::parse(&bytes).unwrap();
        let masked = fields.mask(raw).unwrap();
        let masked = masked.as_deref().map_or(raw, |bytes| Value::parse(bytes).unwrap());

        let mut choices = choices.into_iter();
        for constant in [other, part(&document, &mut choices)] {
            let constant = encode(&constant).unwrap();
            let constant = Value::parse(&constant).unwrap();
            if sight.root().contains(constant) {
                prop_assert_eq!(contains(raw, constant), contains(masked, constant));
            }
        }
        for steps in &paths {
            let mut place = Some(sight.root());
            for step in steps {
                place = place.and_then(|place| place.step(step));
            }
            let Some(place) = place else { continue };
            let (one, other) = (get(raw, steps), get(masked, steps));
            // There or not, and what kind of thing.
            prop_assert_eq!(
                one.as_ref().map(std::mem::discriminant),
                other.as_ref().map(std::mem::discriminant)
            );
            if place.is_same() {
                prop_assert_eq!(one, other);
            }
            if let (Some(one), Some(other)) = (one, other) {
                for key in NAMES {
                    if place.has(key) {
                        prop_assert_eq!(has(one, key), has(other, key));
                    }
                }
            }
        }
        for path in &json_paths {
            let Some(place) = sight.root().items(&as_text(path)) else { continue };
            let (one, other) = (find(raw, vec![raw], path), find(masked, vec![masked], path));
            prop_assert_eq!(one.len(), other.len());
            if place.is_same() {
                prop_assert_eq!(one, other);
            }
        }
    }
}

#[test]
fn a_document_that_is_nested_too_deeply() {
    let fields: FieldSet = "name.family".parse().unwrap();
    let document = format!(
        r#"{{"name": [{{"given": "Ann"}}, {}{{"family": "CANARY"}}{}], "gender": "female"}}"#,
        "[".repeat(300),
        "]".repeat(300)
    );
    let bytes = from_json(&document).unwrap();
    let raw = Value::parse(&bytes).unwrap();
    let masked = fields.mask(raw).unwrap().unwrap();
    let masked = Value::parse(&masked).unwrap();
    assert!(!jsonb::to_json(masked).contains("CANARY"));
    // What a path may reach is the same nevertheless.
    for steps in [&["name", "0", "given"][..], &["gender"]] {
        assert!(is_same("name.family", steps));
        assert_eq!(get(raw, steps), get(masked, steps));
    }
    // An array of arrays, and nothing else, is masked as well.
    let document = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
    let bytes = from_json(&document).unwrap();
    assert!(
        fields
            .mask(Value::parse(&bytes).unwrap())
            .unwrap()
            .is_some()
    );
}
