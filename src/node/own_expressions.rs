//! The expressions that come with a table: constraints, generated columns, indexes, partition bounds. PostgreSQL evaluates them
//! over each row as it is stored, and where one fails, its error may quote what it was given.

use super::relation::OpenRelation;
use super::tree::{self, Mutator};
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::c_char;

unsafe extern "C-unwind" {
    #[link_name = "RelationGetPartitionQual"]
    fn partition_bound(relation: pg_sys::Relation) -> *mut pg_sys::List;
}

/// PostgreSQL's functions that raise no error which depends on a value, beside those that it marks as leakproof: what reads
/// `jsonb` and compares it, `||`, LIKE, `lower`, `upper`, `btrim`, `length`.
const SILENT: [u32; 35] = [
    850, 851, 1633, 1634, 870, 871, 884, 885, 1258, 1317, 1381, 3210, 3214, 3215, 3216, 3217, 3478,
    3940, 4038, 4039, 4040, 4041, 4042, 4043, 4045, 4046, 4047, 4048, 4049, 4050, 2087, 3060, 3301,
    1372, 1318,
];

/// May an expression of `relation` that reads one of these columns raise an error which quotes what it reads? `ours` is the schema
/// of fhir_access, whose functions do not.
pub fn may_quote(relation: pg_sys::Oid, columns: &[i16], ours: pg_sys::Oid) -> bool {
    let relation = OpenRelation::open(relation);
    let mut look = Look {
        columns,
        ours,
        reads: false,
        speaks: false,
    };
    // SAFETY: the relation is open; each expression is a tree of its own.
    unsafe {
        expressions(&relation)
            .into_iter()
            .any(|expression| look.at(expression))
    }
}

/// # Safety
/// `relation` must be open.
unsafe fn expressions(relation: &OpenRelation) -> Vec<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise; a constraint's text is a tree that PostgreSQL wrote.
    unsafe {
        let parse = |text: *mut c_char| pg_sys::stringToNode(text).cast::<pg_sys::Node>();
        let mut found = Vec::new();
        if let Some(constraints) = (*relation.tuple_desc()).constr.as_ref() {
            if !constraints.check.is_null() {
                let checks = std::slice::from_raw_parts(
                    constraints.check,
                    usize::from(constraints.num_check),
                );
                found.extend(checks.iter().map(|check| parse(check.ccbin)));
            }
            if constraints.has_generated_stored && !constraints.defval.is_null() {
                // Plain defaults are among them: they read no column.
                let defaults = std::slice::from_raw_parts(
                    constraints.defval,
                    usize::from(constraints.num_defval),
                );
                found.extend(defaults.iter().map(|default| parse(default.adbin)));
            }
        }
        let relation = relation.as_ptr();
        let bound = pg_sys::ffi::pg_guard_ffi_boundary(|| partition_bound(relation));
        found.push(bound.cast());
        let indexes = pg_sys::RelationGetIndexList(relation);
        for index in PgList::<std::ffi::c_void>::from_pg(indexes).iter_oid() {
            let index = pg_sys::index_open(index, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            found.push(pg_sys::RelationGetIndexExpressions(index).cast());
            found.push(pg_sys::RelationGetIndexPredicate(index).cast());
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
        found
    }
}

/// Goes through an expression and replaces nothing.
struct Look<'a> {
    columns: &'a [i16],
    ours: pg_sys::Oid,
    reads: bool,
    speaks: bool,
}

impl Look<'_> {
    /// # Safety
    /// `expression` must be null or a node.
    unsafe fn at(&mut self, expression: *mut pg_sys::Node) -> bool {
        (self.reads, self.speaks) = (false, false);
        // SAFETY: by the caller's promise; the tree is copied, and the copy goes with its memory context.
        unsafe { tree::mutate(expression, self) };
        self.reads && self.speaks
    }

    fn is_silent(&self, function: pg_sys::Oid) -> bool {
        // SAFETY: look-ups in the catalogs.
        unsafe {
            SILENT.contains(&function.to_u32())
                || pg_sys::get_func_leakproof(function)
                || pg_sys::get_func_namespace(function) == self.ours
        }
    }
}

impl Mutator for Look<'_> {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        use pg_sys::NodeTag;
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            let silent = match (*node).type_ {
                NodeTag::T_Var => {
                    let number = (*node.cast::<pg_sys::Var>()).varattno;
                    self.reads |= number == 0 || self.columns.contains(&number);
                    true
                }
                NodeTag::T_FuncExpr => self.is_silent((*node.cast::<pg_sys::FuncExpr>()).funcid),
                NodeTag::T_OpExpr | NodeTag::T_DistinctExpr | NodeTag::T_NullIfExpr => {
                    self.is_silent(pg_sys::get_opcode((*node.cast::<pg_sys::OpExpr>()).opno))
                }
                NodeTag::T_ScalarArrayOpExpr => {
                    let operator = (*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno;
                    self.is_silent(pg_sys::get_opcode(operator))
                }
                tag => [
                    NodeTag::T_Const,
                    NodeTag::T_List,
                    NodeTag::T_BoolExpr,
                    NodeTag::T_CaseExpr,
                    NodeTag::T_CaseWhen,
                    NodeTag::T_CaseTestExpr,
                    NodeTag::T_CoalesceExpr,
                    NodeTag::T_NullTest,
                    NodeTag::T_BooleanTest,
                    NodeTag::T_RelabelType,
                    NodeTag::T_ArrayExpr,
                    NodeTag::T_CollateExpr,
                ]
                .contains(&tag),
            };
            self.speaks |= !silent;
            None
        }
    }
}
