//! The operators that have a leakproof twin, and what must hold for it to take their function's place: `docs/leakproof.md` in code.

use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;

/// What must be known of an operator's arguments for its function to be silent, whatever the row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Any,
    /// What the document is compared with is none of a row's, and not nested too deep where it is known.
    Contained,
    /// A known JSON path, of those that raise no error.
    JsonPath,
    /// A known pattern that raises no error, and a collation that LIKE takes.
    Like,
    /// The same, and a collation of the C library: how texts become lower case.
    Insensitive,
    /// Arrays of one type of elements, which compares without a leak itself.
    Arrays,
    /// A known query.
    Search,
    /// What does not come from a row is known, and short: else the time that a hidden row takes could be made long.
    Short,
}

/// A twin.
pub struct Twin {
    /// The operator's OID, the same in all versions of PostgreSQL.
    pub operator: u32,
    /// Where what the rule is about stands among the arguments.
    pub pattern: usize,
    /// The twin's name in the extension's schema.
    pub name: &'static CStr,
    /// The types of the arguments that it is declared with.
    pub arguments: [Oid; 2],
    /// When it takes the function's place.
    pub rule: Rule,
}

/// The twins of an operator: of some there is one for each place of the pattern.
pub fn of(operator: Oid) -> impl Iterator<Item = &'static Twin> {
    TWINS
        .iter()
        .filter(move |twin| twin.operator == operator.to_u32())
}

/// Does an operator give a part of a document?
pub fn gives_part(operator: Oid) -> bool {
    [3211, 3477, 3212, 3481, 3213, 3206].contains(&operator.to_u32())
}

/// Is it one of the comparisons of numeric or jsonb, which are silent without a twin?
pub fn compares(operator: Oid) -> bool {
    matches!(operator.to_u32(), 1752..=1757 | 3240..=3245)
}

const JSONB: Oid = pg_sys::JSONBOID;
const TEXT: Oid = pg_sys::TEXTOID;
const TEXTS: Oid = pg_sys::TEXTARRAYOID;
const INTEGER: Oid = pg_sys::INT4OID;
const NUMERIC: Oid = pg_sys::NUMERICOID;
const ARRAY: Oid = pg_sys::ANYARRAYOID;
const PATH: Oid = pg_sys::JSONPATHOID;
const VECTOR: Oid = pg_sys::TSVECTOROID;
const QUERY: Oid = pg_sys::TSQUERYOID;

const fn twin(
    operator: u32,
    name: &'static CStr,
    arguments: [Oid; 2],
    rule: Rule,
    pattern: usize,
) -> Twin {
    Twin {
        operator,
        pattern,
        name,
        arguments,
        rule,
    }
}

use Rule::{Any, Arrays, Contained, Insensitive, JsonPath, Like, Search, Short};

static TWINS: [Twin; 37] = [
    // -> ->> #> #>>
    twin(3211, c"twin_field", [JSONB, TEXT], Any, 1),
    twin(3477, c"twin_field_text", [JSONB, TEXT], Any, 1),
    twin(3212, c"twin_element", [JSONB, INTEGER], Any, 1),
    twin(3481, c"twin_element_text", [JSONB, INTEGER], Any, 1),
    twin(3213, c"twin_path", [JSONB, TEXTS], Any, 1),
    twin(3206, c"twin_path_text", [JSONB, TEXTS], Any, 1),
    // @> <@
    twin(3246, c"twin_contains", [JSONB, JSONB], Contained, 1),
    twin(
        3246,
        c"twin_contains_document",
        [JSONB, JSONB],
        Contained,
        0,
    ),
    twin(3250, c"twin_contained", [JSONB, JSONB], Contained, 1),
    twin(
        3250,
        c"twin_contained_document",
        [JSONB, JSONB],
        Contained,
        0,
    ),
    // ? ?| ?&
    twin(3247, c"twin_exists", [JSONB, TEXT], Any, 1),
    twin(3248, c"twin_exists_any", [JSONB, TEXTS], Any, 1),
    twin(3249, c"twin_exists_all", [JSONB, TEXTS], Any, 1),
    // @? @@
    twin(4012, c"twin_path_exists", [JSONB, PATH], JsonPath, 1),
    twin(4013, c"twin_path_match", [JSONB, PATH], JsonPath, 1),
    // ~~ !~~ ~~* !~~*
    twin(1209, c"twin_like", [TEXT, TEXT], Like, 1),
    twin(1210, c"twin_not_like", [TEXT, TEXT], Like, 1),
    twin(1627, c"twin_ilike", [TEXT, TEXT], Insensitive, 1),
    twin(1628, c"twin_not_ilike", [TEXT, TEXT], Insensitive, 1),
    // || of texts
    twin(654, c"twin_concat", [TEXT, TEXT], Short, 1),
    // @> <@ && of arrays
    twin(2751, c"twin_array_contains", [ARRAY, ARRAY], Arrays, 1),
    twin(2752, c"twin_array_contained", [ARRAY, ARRAY], Arrays, 1),
    twin(2750, c"twin_array_overlaps", [ARRAY, ARRAY], Arrays, 1),
    // @@ of text search
    twin(3636, c"twin_matches", [VECTOR, QUERY], Search, 1),
    twin(3637, c"twin_is_matched", [QUERY, VECTOR], Search, 0),
    // = <> < <= > >= of numeric
    twin(1752, c"twin_numeric_eq", [NUMERIC, NUMERIC], Any, 1),
    twin(1753, c"twin_numeric_ne", [NUMERIC, NUMERIC], Any, 1),
    twin(1754, c"twin_numeric_lt", [NUMERIC, NUMERIC], Any, 1),
    twin(1755, c"twin_numeric_le", [NUMERIC, NUMERIC], Any, 1),
    twin(1756, c"twin_numeric_gt", [NUMERIC, NUMERIC], Any, 1),
    twin(1757, c"twin_numeric_ge", [NUMERIC, NUMERIC], Any, 1),
    // = <> < <= > >= of jsonb
    twin(3240, c"twin_jsonb_eq", [JSONB, JSONB], Any, 1),
    twin(3241, c"twin_jsonb_ne", [JSONB, JSONB], Any, 1),
    twin(3242, c"twin_jsonb_lt", [JSONB, JSONB], Any, 1),
    twin(3243, c"twin_jsonb_gt", [JSONB, JSONB], Any, 1),
    twin(3244, c"twin_jsonb_le", [JSONB, JSONB], Any, 1),
    twin(3245, c"twin_jsonb_ge", [JSONB, JSONB], Any, 1),
];
