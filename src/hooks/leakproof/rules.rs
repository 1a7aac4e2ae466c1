//! Does the rule hold by which an operator is silent?

use super::table::{Rule, Twin};
use crate::catalog::catalog;
use crate::functions::twins::{fits_levels, fits_like, fits_path, fits_query, levels};
use crate::node::tree::{self, Visitor};
use crate::node::{constant, row};
use pgrx::PgList;
use pgrx::prelude::*;

/// Documents that are looked for are not nested deeper.
const DEEPEST: usize = 64;

/// The longest patterns, in bytes: each takes stack.
const LONGEST: usize = 1_000;

/// Texts are joined by no more operators than these: each keeps all that was joined before, and where there is no memory left for
/// that, an error would tell that a row was met.
const MOST_JOINED: usize = 8;

/// Counts the operators that join texts.
struct Joined(usize);

impl Visitor for Joined {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        let joins = unsafe {
            pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr)
                && (*node.cast::<pg_sys::OpExpr>()).opno.to_u32() == 654
        };
        self.0 = self.0.saturating_add(usize::from(joins));
        self.0 < MOST_JOINED
    }
}

/// Does what stands in the place of the pattern keep the operator from raising an error, whatever the row?
///
/// # Safety
/// `operator` must be an operator of a query that the twin is declared for, with arguments [as they are known](with_known).
pub unsafe fn holds(operator: &pg_sys::OpExpr, twin: &Twin) -> bool {
    // SAFETY: by the caller's promise; constants are read as what the operator's arguments are.
    unsafe {
        let arguments = PgList::<pg_sys::Node>::from_pg(operator.args);
        let (Some(pattern), Some(other)) = (
            arguments.get_ptr(twin.pattern),
            arguments.get_ptr(1 - twin.pattern),
        ) else {
            return false;
        };
        let known = || known(pattern);
        match twin.rule {
            Rule::Any => true,
            // What is not known yet is measured when it is.
            Rule::Contained => known().is_none_or(|known| {
                let document = row::JsonbDatum::new(known.constvalue);
                row::parse(document.bytes()).is_ok_and(|value| {
                    let levels = levels(value);
                    levels <= DEEPEST && fits_levels(levels)
                })
            }),
            Rule::JsonPath => known().is_some_and(|known| {
                let path = row::output(known.constvalue, pg_sys::JSONPATHOID);
                path.len() <= LONGEST
                    && fits_path(pg_sys::toast_raw_datum_size(known.constvalue))
                    && is_utf8()
                    && patterns::is_silent_json_path(&path)
            }),
            Rule::Like => known().is_some_and(|known| is_like(operator, known)),
            Rule::Insensitive => known().is_some_and(|known| {
                is_like(operator, known) && is_of_c_library(operator.inputcollid)
            }),
            Rule::Arrays => match (element(pattern), element(other)) {
                (Some(one), Some(two)) => one == two && compares_silently(one),
                _ => false,
            },
            Rule::Short => {
                let parts = [pattern, other];
                let mut joined = Joined(0);
                parts
                    .iter()
                    .for_each(|part| tree::visit(*part, &mut joined));
                joined.0 < MOST_JOINED
                    && parts.into_iter().all(|part| {
                        super::reads(part).is_some_and(|columns| {
                            !columns.is_empty()
                                || self::known(part).is_some_and(|known| is_short(known))
                        })
                    })
            }
            Rule::Search => known().is_some_and(|known| {
                is_short(known) && fits_query(pg_sys::toast_raw_datum_size(known.constvalue))
            }),
        }
    }
}

/// The value of a constant that is not NULL.
///
/// # Safety
/// `expression` must be an expression.
unsafe fn known(expression: *mut pg_sys::Node) -> Option<pg_sys::Const> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(expression, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let known = *expression.cast::<pg_sys::Const>();
        (!known.constisnull).then_some(known)
    }
}

/// The arguments of an operator, with constants in the place of those that have one value for all rows, where that is known.
///
/// # Safety
/// `arguments` must be those of an operator of a query, `root` the planner's state with the statement's parameters.
pub unsafe fn with_known(
    root: *mut pg_sys::PlannerInfo,
    arguments: *mut pg_sys::List,
) -> *mut pg_sys::List {
    // SAFETY: by the caller's promise; what is simplified is a copy.
    unsafe {
        let mut all = std::ptr::null_mut();
        for argument in PgList::<pg_sys::Node>::from_pg(arguments).iter_ptr() {
            let simple = match pgrx::is_a(argument, pg_sys::NodeTag::T_FuncExpr)
                && makes_query((*argument.cast::<pg_sys::FuncExpr>()).funcid)
            {
                true => {
                    let copy = pg_sys::copyObjectImpl(argument.cast()).cast();
                    pg_sys::eval_const_expressions(root, copy)
                }
                false => argument,
            };
            let known =
                constant::of(root, simple).map_or(argument, |known| known.cast_mut().cast());
            all = pg_sys::lappend(all, known.cast());
        }
        all
    }
}

/// May the planner put something else in the place of a function's call: what it says in SQL? So it may with what is in SQL, or will
/// be, as functions run while a statement is planned: those of users who are no superusers may be made anew.
pub fn has_body(function: pg_sys::Oid) -> bool {
    /// The language, the same in all databases.
    const SQL: u32 = 14;
    if function.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    // SAFETY: look-ups in the catalogs; the tuple holds what their rows begin with.
    unsafe {
        look_up(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            function,
            |row: &pg_sys::FormData_pg_proc| {
                row.prolang.to_u32() == SQL || !pg_sys::superuser_arg(row.proowner)
            },
        )
        .unwrap_or(true)
    }
}

/// # Safety
/// The constant must be a varlena, not NULL.
unsafe fn is_short(known: pg_sys::Const) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { pg_sys::toast_raw_datum_size(known.constvalue) <= 4 * LONGEST }
}

/// What makes text search queries of texts: `plainto_tsquery`, `phraseto_tsquery`, `websearch_to_tsquery` and `to_tsquery` with a
/// configuration that is named.
fn makes_query(function: pg_sys::Oid) -> bool {
    [3746, 3747, 5006, 5007].contains(&function.to_u32())
}

/// # Safety
/// `pattern` must be a text, not NULL.
unsafe fn is_like(operator: &pg_sys::OpExpr, pattern: pg_sys::Const) -> bool {
    // SAFETY: by the caller's promise.
    let text = unsafe { row::output(pattern.constvalue, pg_sys::TEXTOID) };
    text.len() <= LONGEST
        && fits_like(text.len().saturating_add(size_of::<pg_sys::varattrib_4b>()))
        && is_utf8()
        && patterns::is_silent_like(&text)
        && operator.inputcollid != pg_sys::InvalidOid
        // SAFETY: a look-up in the catalogs.
        && unsafe { pg_sys::get_collation_isdeterministic(operator.inputcollid) }
}

/// Texts in other encodings are converted to be compared, which may fail.
fn is_utf8() -> bool {
    // SAFETY: reads the backend's state.
    unsafe { pg_sys::GetDatabaseEncoding() == pg_sys::pg_enc::PG_UTF8 as i32 }
}

/// Does the C library make texts of this collation lower case?
fn is_of_c_library(collation: pg_sys::Oid) -> bool {
    const LIBC: std::ffi::c_char = b'c' as std::ffi::c_char;
    const DEFAULT: std::ffi::c_char = b'd' as std::ffi::c_char;
    // SAFETY: look-ups in the catalogs; the tuples hold what their catalogs' rows begin with.
    unsafe {
        let provider = look_up(
            pg_sys::SysCacheIdentifier::COLLOID as i32,
            collation,
            |row: &pg_sys::FormData_pg_collation| row.collprovider,
        );
        match provider {
            Some(LIBC) => true,
            Some(DEFAULT) => {
                look_up(
                    pg_sys::SysCacheIdentifier::DATABASEOID as i32,
                    pg_sys::MyDatabaseId,
                    |row: &pg_sys::FormData_pg_database| row.datlocprovider,
                ) == Some(LIBC)
            }
            _ => false,
        }
    }
}

/// Something of a catalog's row.
///
/// # Safety
/// `T` must be what the rows of the cache's catalog begin with.
pub unsafe fn look_up<T, R>(cache: i32, oid: pg_sys::Oid, read: impl Fn(&T) -> R) -> Option<R> {
    // SAFETY: by the caller's promise; the tuple is valid until it is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(oid));
        let header = tuple.as_ref()?.t_data;
        let data = header.cast::<u8>().add(usize::from((*header).t_hoff));
        let found = read(&*data.cast::<T>());
        pg_sys::ReleaseSysCache(tuple);
        Some(found)
    }
}

/// Is an operator neither PostgreSQL's nor the extension's?
pub fn is_made(operator: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs; the tuple holds what their rows begin with.
    operator.to_u32() >= pg_sys::FirstNormalObjectId
        && unsafe {
            look_up(
                pg_sys::SysCacheIdentifier::OPEROID as i32,
                operator,
                |row: &pg_sys::FormData_pg_operator| row.oprnamespace,
            )
        } != catalog().map(|ours| ours.schema)
}

/// The type of an array's elements, as it is stored: what is only relabelled keeps the type that it was made with.
///
/// # Safety
/// `array` must be an expression.
unsafe fn element(array: *mut pg_sys::Node) -> Option<pg_sys::Oid> {
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        let of = |node: *mut pg_sys::Node| {
            let found = pg_sys::get_element_type(pg_sys::getBaseType(pg_sys::exprType(node)));
            (found != pg_sys::InvalidOid).then_some(found)
        };
        let mut inside = array;
        while pgrx::is_a(inside, pg_sys::NodeTag::T_RelabelType) {
            inside = (*inside.cast::<pg_sys::RelabelType>()).arg.cast();
        }
        of(array).filter(|element| of(inside) == Some(*element))
    }
}

/// Is the equality of a type known not to leak?
///
/// # Safety
/// `element` must be a type.
unsafe fn compares_silently(element: pg_sys::Oid) -> bool {
    // SAFETY: by the caller's promise; the entry stays.
    unsafe {
        let entry = pg_sys::lookup_type_cache(element, pg_sys::TYPECACHE_EQ_OPR as i32);
        let operator = (*entry).eq_opr;
        operator != pg_sys::InvalidOid && pg_sys::get_func_leakproof(pg_sys::get_opcode(operator))
    }
}
