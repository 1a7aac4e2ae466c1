//! What share of the rows a policy's conditions hold for, from statistics of keys.
//!
//! PostgreSQL has no statistics that could tell what `resource @> …` or a test of ours finds. But indexes on keys have statistics,
//! and `CREATE STATISTICS` keeps them without an index; a document that rows contain has keys, and a test is another way to ask
//! for keys. Only conditions that a policy has put into a statement are answered: see [`hooks::statistics`](crate::hooks::statistics).

mod comparisons;
mod documents;
mod load;
mod place;
mod sources;

use crate::hooks::statistics::is_mark;
use crate::node::constant;
use crate::node::index::KeyFunction;
use crate::node::row::JsonbDatum;
use crate::predicate::served;
use crate::registry;
use fhir_search::keys::Paths;
use fhir_search::share::{Texts, share_of_all};
use fhir_search::{Condition, Lookup, Test};
use pgrx::prelude::*;
use place::{arguments, pair, policys};
use sources::Sources;
use std::cell::Cell;
use std::rc::Rc;

pub use comparisons::{Conditional, conditional};
pub use sources::forget;

/// `jsonb @> jsonb`
const CONTAINS: u32 = 3246;

/// What is asked about has at most so many values.
const MOST_VALUES: usize = 20_000;

/// Registers the callbacks that tell of new statistics.
pub fn init() {
    let caches = [
        pg_sys::SysCacheIdentifier::STATRELATTINH,
        pg_sys::SysCacheIdentifier::STATEXTDATASTXOID,
    ];
    for cache in caches {
        // SAFETY: the callback is a guarded function that touches only this backend's caches.
        unsafe {
            pg_sys::CacheRegisterSyscacheCallback(
                cache as i32,
                Some(changed),
                pg_sys::Datum::from(0),
            );
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    forget();
}

/// A condition with many values is asked about once for each of them: the share is worked out the first time.
#[derive(Clone, Copy)]
struct Last {
    root: *const pg_sys::PlannerInfo,
    relation: u32,
    values: *const pg_sys::Const,
    share: Option<f64>,
}

thread_local! {
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

/// A statement is about to be planned: nodes may be where others were.
pub fn start() {
    LAST.set(None);
}

/// The relation that stands for this number.
///
/// # Safety
/// `root` must be the planner's state.
unsafe fn relation_of(root: *const pg_sys::PlannerInfo, number: u32) -> Option<pg_sys::Oid> {
    // SAFETY: by the caller's promise; the array has a place for each entry.
    unsafe {
        let size = u32::try_from((*root).simple_rel_array_size).ok()?;
        if number == 0 || number >= size || (*root).simple_rte_array.is_null() {
            return None;
        }
        let entry = (*(*root).simple_rte_array.add(number as usize)).as_ref()?;
        (entry.rtekind == pg_sys::RTEKind::RTE_RELATION).then_some(entry.relid)
    }
}

/// The share of rows of which `variable`, the document, contains what a policy compares it with: of one document, or for each
/// of several such that together they come to what all find.
///
/// # Safety
/// `variable` must be the planner's, of an expression that is a side of an operator.
pub unsafe fn of_containment(
    root: *const pg_sys::PlannerInfo,
    variable: &pg_sys::VariableStatData,
) -> Option<f64> {
    // SAFETY: by the caller's promise; conditions on a relation are expressions.
    unsafe {
        // Most columns that a planner asks about are none of ours.
        if variable.vartype != pg_sys::JSONBOID {
            return None;
        }
        let relation = variable.rel.as_ref()?;
        let asked = variable.var;
        let is = |node: *mut pg_sys::Node| {
            arguments(node).is_some_and(|(left, right)| left == asked && policys(right).is_some())
        };
        // Where there are several values the planner asks with a copy. That of a column bears the mark of the original; that of
        // a child's column does not.
        let mark = mark_in(asked);
        let is_copied = |node: *mut pg_sys::Node| {
            pgrx::is_a(node, pg_sys::NodeTag::T_ScalarArrayOpExpr)
                && arguments(node).is_some_and(|(left, right)| {
                    policys(right).is_some()
                        && mark_in(left) == mark
                        && pg_sys::equal(left.cast(), asked.cast())
                })
        };
        let found = place::find(relation, &is).or_else(|| place::find(relation, &is_copied));
        let node = found?.node;
        let (_, right) = arguments(node)?;
        let values = policys(right)?;
        match (*node).type_ {
            pg_sys::NodeTag::T_OpExpr => {
                let operator = (*node.cast::<pg_sys::OpExpr>()).opno;
                if operator.to_u32() != CONTAINS {
                    return None;
                }
                let sources = sources::of(relation_of(root, relation.relid)?)?;
                contained(&sources, &[values.constvalue])
            }
            pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                let call = &*node.cast::<pg_sys::ScalarArrayOpExpr>();
                if call.opno.to_u32() != CONTAINS || !call.useOr {
                    return None;
                }
                if let Some(last) = LAST.get()
                    && last.root == root
                    && last.relation == relation.relid
                    && std::ptr::eq(last.values, values)
                {
                    return last.share;
                }
                let last = |share| Last {
                    root,
                    relation: relation.relid,
                    values,
                    share,
                };
                let known = each_of(root, relation, values);
                // What is asked below comes here, too, and gets what PostgreSQL knows.
                LAST.set(Some(last(None)));
                let share = known.or_else(|| of_some(root, asked, values));
                LAST.set(Some(last(share)));
                share
            }
            _ => None,
        }
    }
}

/// # Safety
/// `values` must be an array of jsonb.
unsafe fn each_of(
    root: *const pg_sys::PlannerInfo,
    relation: &pg_sys::RelOptInfo,
    values: &pg_sys::Const,
) -> Option<f64> {
    // SAFETY: by the caller's promise.
    unsafe {
        let sources = sources::of(relation_of(root, relation.relid)?)?;
        let (_, documents) = constant::elements(values, MOST_VALUES)?;
        let documents: Vec<pg_sys::Datum> = documents.into_iter().flatten().collect();
        let share = contained(&sources, &documents)?;
        // The planner takes them for independent.
        Some(1.0 - (1.0 - share).powf(1.0 / documents.len().max(1) as f64))
    }
}

/// Of more documents than these, some are asked about where there are no statistics of keys. PostgreSQL unpacks those of the whole
/// column for each.
const MANY_DOCUMENTS: usize = 8;
const SOME_DOCUMENTS: usize = 3;

/// The share of rows that contain one of many documents, as PostgreSQL expects it of some of them.
///
/// # Safety
/// `values` must be an array of jsonb, `column` what the planner asks about with it.
unsafe fn of_some(
    root: *const pg_sys::PlannerInfo,
    column: *mut pg_sys::Node,
    values: &pg_sys::Const,
) -> Option<f64> {
    // SAFETY: by the caller's promise: the estimator of the operator gets what the planner would pass. New nodes live in the
    // current memory context.
    unsafe {
        let (_, documents) = constant::elements(values, MOST_VALUES)?;
        let documents: Vec<pg_sys::Datum> = documents.into_iter().flatten().collect();
        if documents.len() <= MANY_DOCUMENTS {
            return None;
        }
        let mut shares = Vec::new();
        for document in documents.iter().step_by(documents.len() / SOME_DOCUMENTS) {
            let document = pg_sys::makeConst(
                pg_sys::JSONBOID,
                -1,
                pg_sys::InvalidOid,
                -1,
                *document,
                false,
                false,
            );
            let mut arguments = pgrx::PgList::<pg_sys::Node>::new();
            arguments.push(column);
            arguments.push(document.cast());
            let expected = pgrx::fcinfo::direct_function_call_as_datum(
                pg_sys::matchingsel,
                &[
                    Some(pg_sys::Datum::from(root)),
                    Some(pg_sys::Datum::from(pg_sys::Oid::from(CONTAINS))),
                    Some(pg_sys::Datum::from(arguments.into_pg())),
                    Some(pg_sys::Datum::from(0_i32)),
                ],
            );
            shares.push(f64::from_datum(expected?, false)?);
        }
        Some(shares.iter().sum::<f64>() / shares.len().max(1) as f64)
    }
}

/// # Safety
/// `documents` must be jsonb.
unsafe fn contained(sources: &Sources, documents: &[pg_sys::Datum]) -> Option<f64> {
    // SAFETY: by the caller's promise.
    let documents: Vec<JsonbDatum> = documents
        .iter()
        .map(|datum| unsafe { JsonbDatum::new(*datum) })
        .collect();
    let values = documents.iter().map(|document| document.value().ok());
    let values: Vec<jsonb::Value<'_>> = values.collect::<Option<_>>()?;
    documents::share(sources, &values)
}

/// The share of rows that pass the test with this text, in the place of a call of `test()` with these arguments: of those that
/// conditions beside it leave, where a policy has put such.
///
/// # Safety
/// `arguments` must be those of a call that the planner asks about.
pub unsafe fn of_test(
    root: *const pg_sys::PlannerInfo,
    arguments: *mut pg_sys::List,
    parse: impl Fn(&str) -> Option<Rc<Test>>,
) -> Option<f64> {
    // SAFETY: by the caller's promise.
    unsafe {
        let (resource, text) = pair(arguments)?;
        let text = String::from_datum(policys(text)?.constvalue, false)?;
        let number = u32::try_from((*column_in(resource)?).varno).ok()?;
        let oid = relation_of(root, number)?;
        let test = parse(&text)?;
        let sources = sources::of(oid)?;
        let share = test.share(&*sources)?;
        let relation = *(*root).simple_rel_array.add(number as usize);
        let is = |node: *mut pg_sys::Node| {
            pgrx::is_a(node, pg_sys::NodeTag::T_FuncExpr)
                && (*node.cast::<pg_sys::FuncExpr>()).args == arguments
        };
        let Some(place) = place::find(relation, &is).filter(|place| !place.negated) else {
            return Some(share);
        };
        let narrowed = narrowed(oid, &sources, &test)?;
        if narrowed < 1.0 {
            return Some((share / narrowed.max(share)).min(1.0));
        }
        // Those that must hold with it, and come before it.
        let before = place.group.iter().take_while(|node| **node != place.node);
        let before = before.filter_map(|node| {
            let call = node.cast::<pg_sys::FuncExpr>();
            let is_same = pgrx::is_a(*node, pg_sys::NodeTag::T_FuncExpr)
                && (*call).funcid == (*place.node.cast::<pg_sys::FuncExpr>()).funcid;
            if !is_same {
                return None;
            }
            let (_, text) = pair((*call).args)?;
            parse(&String::from_datum(policys(text)?.constvalue, false)?)
        });
        let before: Vec<Rc<Test>> = before.collect();
        let of = |tests: &[&Test]| share_of_all(tests, &*sources);
        let together = before.iter().find_map(|other| {
            let both = of(&[other, &test])?;
            Some(both / of(&[other])?.max(both))
        });
        Some(together.unwrap_or(share).min(1.0))
    }
}

/// The share of rows that are left where a policy asks `test` after what an index can answer: see
/// [`Writer`](crate::predicate::Writer).
fn narrowed(relation: pg_sys::Oid, sources: &Sources, test: &Test) -> Option<f64> {
    let protected = registry::protected(relation).ok()??;
    let lookups = served::lookups(protected.is_irregular(None), test);
    let served = lookups
        .iter()
        .filter(|lookup| served::serves(&protected, &lookup.condition));
    let share = |lookup: &Lookup| match &lookup.condition {
        Condition::Contains(documents) => {
            let documents: Option<Vec<Vec<u8>>> = documents
                .iter()
                .map(|document| jsonb::from_json(&document.to_string()).ok())
                .collect();
            let documents = documents?;
            let values = documents
                .iter()
                .map(|document| jsonb::Value::parse(document).ok());
            documents::share(sources, &values.collect::<Option<Vec<_>>>()?)
        }
        other => other.share(sources),
    };
    served.map(share).product()
}

/// The mark that a policy's column bears.
///
/// # Safety
/// `resource` must be an expression.
unsafe fn mark_in(resource: *mut pg_sys::Node) -> Option<i32> {
    // SAFETY: by the caller's promise.
    let location = unsafe { (*column_in(resource)?).location };
    is_mark(location).then_some(location)
}

/// The column that holds the document which an expression is.
///
/// # Safety
/// `resource` must be an expression.
unsafe fn column_in(resource: *mut pg_sys::Node) -> Option<*const pg_sys::Var> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let mut node = resource;
        // A text is read as a document by a function of one argument, a varchar as a text before.
        for _ in 0..3 {
            match (*node).type_ {
                pg_sys::NodeTag::T_Var => return Some(node.cast::<pg_sys::Var>().cast_const()),
                pg_sys::NodeTag::T_RelabelType => {
                    node = (*node.cast::<pg_sys::RelabelType>()).arg.cast();
                }
                pg_sys::NodeTag::T_FuncExpr => {
                    let arguments = (*node.cast::<pg_sys::FuncExpr>()).args;
                    node = pgrx::PgList::<pg_sys::Node>::from_pg(arguments).get_ptr(0)?;
                }
                _ => return None,
            }
        }
        None
    }
}

/// How texts are compared.
#[derive(Clone, Copy)]
pub enum Asked {
    /// `?`, `?|`: one of the texts is there.
    Any,
    /// `^@`
    Starts,
    /// `@~`
    Contains,
}

/// The share of rows for which a policy's condition on texts holds: `key(document, 'paths') operator constant`.
///
/// # Safety
/// `arguments` must be those of an operator that the planner asks about.
pub unsafe fn of_texts(
    root: *const pg_sys::PlannerInfo,
    arguments: *mut pg_sys::List,
    asked: Asked,
) -> Option<f64> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let (key, wanted) = pair(arguments)?;
        // Of several texts each is asked about, without the mark that they bear together.
        if !pgrx::is_a(wanted, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let wanted = &*wanted.cast::<pg_sys::Const>();
        if wanted.constisnull {
            return None;
        }
        let (function, resource, paths) = key_of(key)?;
        let paths: Paths = paths.parse().ok()?;
        let number = u32::try_from((*column_in(resource)?).varno).ok()?;
        let sources = sources::of(relation_of(root, number)?)?;
        let known: Rc<Texts> = sources
            .of_texts()
            .filter(|(found, on, _)| *found == function && **on == paths)
            .find_map(|(_, _, source)| sources.texts_of(source))?;
        let texts: Vec<String> = match wanted.consttype {
            pg_sys::TEXTOID => vec![String::from_datum(wanted.constvalue, false)?],
            _ => Vec::<Option<String>>::from_datum(wanted.constvalue, false)?
                .into_iter()
                .flatten()
                .collect(),
        };
        let texts = texts.iter().map(String::as_bytes);
        Some(match asked {
            Asked::Any => known.any(texts),
            Asked::Starts => known.starting(texts),
            Asked::Contains => known.containing(texts),
        })
    }
}

/// `key(document, 'paths')` in a policy: the function, the document and the paths.
///
/// # Safety
/// `node` must be an expression.
unsafe fn key_of(node: *mut pg_sys::Node) -> Option<(KeyFunction, *mut pg_sys::Node, String)> {
    // SAFETY: by the caller's promise.
    unsafe {
        let schema = crate::catalog::catalog()?.schema;
        let (name, arguments) = crate::node::index::our_call(node, schema)?;
        let (resource, paths) = (arguments.get_ptr(0)?, arguments.get_ptr(1)?);
        let paths = policys(paths)?;
        let paths = (paths.consttype == pg_sys::TEXTOID)
            .then(|| String::from_datum(paths.constvalue, false))??;
        Some((KeyFunction::from_name(&name)?, resource, paths))
    }
}
