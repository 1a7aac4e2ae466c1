//! From SQL text to an expression over one relation, and its evaluation on a single row.
//!
//! The text is ours (see `predicate`): every name in it is qualified, every value a literal.

use super::origin;
use super::relation::OpenRelation;
use super::row;
use super::tree::{self, Mutator};
use crate::error::{Error, Result};
use crate::hooks::statistics;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::CString;

/// The name under which the text of an expression refers to its row.
pub const ROW: &str = "r";

/// Parses and transforms `text`, an expression over the columns of `relation` (which it names [`ROW`]), into an
/// expression whose variables have `varno` 1.
pub fn parse(relation: pg_sys::Relation, text: &str) -> Result<*mut pg_sys::Node> {
    let source = CString::new(text)
        .map_err(|_| Error::Internal("a policy value contains a NUL character".to_owned()))?;
    let row = CString::new(ROW).unwrap_or_default();
    // SAFETY: raw_parser and transformExpr are given what the parser itself would give them; nodes live in the current
    // memory context.
    unsafe {
        let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::raw_parser(
            source.as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_PLPGSQL_EXPR,
        ));
        let raw = statements
            .get_ptr(0)
            .map(|statement| (*statement).stmt)
            .filter(|statement| pgrx::is_a(*statement, pg_sys::NodeTag::T_SelectStmt))
            .map(|statement| {
                PgList::<pg_sys::ResTarget>::from_pg(
                    (*statement.cast::<pg_sys::SelectStmt>()).targetList,
                )
            })
            .and_then(|targets| targets.get_ptr(0))
            .map(|target| (*target).val)
            .ok_or_else(|| Error::Internal("an expression did not parse".to_owned()))?;

        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        let alias = pg_sys::makeAlias(row.as_ptr(), std::ptr::null_mut());
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            relation,
            pg_sys::AccessShareLock as i32,
            alias,
            false,
            false,
        );
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let expression = pg_sys::transformExpr(state, raw, pg_sys::ParseExprKind::EXPR_KIND_POLICY);
        pg_sys::assign_expr_collations(state, expression);
        pg_sys::free_parsestate(state);
        origin::stamp(expression);
        Ok(tree::mutate(expression, &mut Marker))
    }
}

/// Marks constants as a policy's.
struct Marker;

impl Mutator for Marker {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node is looked at as what its tag says; the copy is ours to change.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                tree::mutate_query(node.cast(), self);
                return Some(node);
            }
            if !pgrx::is_a(node, pg_sys::NodeTag::T_Const) {
                return None;
            }
            let copy = pg_sys::copyObjectImpl(node.cast()).cast::<pg_sys::Const>();
            (*copy).location = statistics::MARK;
            Some(copy.cast())
        }
    }
}

/// An expression made ready to be evaluated on rows of one relation, one at a time.
pub struct RowEvaluator {
    state: *mut pg_sys::ExprState,
    context: *mut pg_sys::ExprContext,
    slot: *mut pg_sys::TupleTableSlot,
}

impl RowEvaluator {
    /// Prepares `text` over `relation`. Everything is allocated in the current memory context, which must outlive this.
    pub fn new(relation: pg_sys::Relation, text: &str) -> Result<RowEvaluator> {
        let expression = parse(relation, text)?;
        // SAFETY: the expression comes from transformExpr.
        Ok(unsafe { RowEvaluator::of(relation, expression) })
    }

    /// Prepares the expression that a generated column of `relation` is computed by. Allocated likewise.
    pub fn of_column(relation: pg_sys::Relation, number: i16) -> Result<RowEvaluator> {
        // SAFETY: the relation is open; a column that is not computed has a default or none, which is checked.
        unsafe {
            let expression = pg_sys::build_column_default(relation, number.into());
            if expression.is_null() {
                return Err(Error::Internal("a column has no expression".to_owned()));
            }
            Ok(RowEvaluator::of(relation, expression))
        }
    }

    /// # Safety
    /// `expression` must be one over the rows of `relation`, with `varno` 1.
    unsafe fn of(relation: pg_sys::Relation, expression: *mut pg_sys::Node) -> RowEvaluator {
        // SAFETY: by the caller's promise; the slot fits the relation's rows.
        unsafe {
            let planned = pg_sys::expression_planner(expression.cast());
            RowEvaluator {
                state: pg_sys::ExecInitExpr(planned, std::ptr::null_mut()),
                context: pg_sys::CreateStandaloneExprContext(),
                // A copy, because the slot may live longer than the resource owner that would pin the original.
                slot: pg_sys::MakeSingleTupleTableSlot(
                    pg_sys::CreateTupleDescCopy((*relation).rd_att),
                    &pg_sys::TTSOpsHeapTuple,
                ),
            }
        }
    }

    /// The value of the expression, an integer, on `tuple`; `None` for NULL.
    ///
    /// # Safety
    /// `tuple` must be a row of the relation that this was prepared for.
    pub unsafe fn integer(&mut self, tuple: pg_sys::HeapTuple) -> Option<i32> {
        // SAFETY: by the caller's promise; an integer is no pointer.
        unsafe {
            self.value(tuple, |value| {
                value.and_then(|datum| i32::from_datum(datum, false))
            })
        }
    }

    /// `tuple` with the value of the expression, which must be of the column's type, in the column of this number.
    ///
    /// # Safety
    /// As for [`integer`](Self::integer).
    pub unsafe fn filled(&mut self, tuple: pg_sys::HeapTuple, number: i16) -> pg_sys::HeapTuple {
        // SAFETY: by the caller's promise; the new tuple is a copy.
        unsafe {
            let descriptor = (*self.slot).tts_tupleDescriptor;
            self.value(tuple, |value| {
                row::replace(tuple, descriptor, &[(number, value)])
            })
        }
    }

    /// Shows the value of the expression on `tuple` to `read`, which must not keep it.
    ///
    /// # Safety
    /// As for [`integer`](Self::integer).
    unsafe fn value<T>(
        &mut self,
        tuple: pg_sys::HeapTuple,
        read: impl FnOnce(Option<pg_sys::Datum>) -> T,
    ) -> T {
        // SAFETY: by the caller's promise; per-row memory is given back before the next row.
        unsafe {
            pg_sys::ExecStoreHeapTuple(tuple, self.slot, false);
            (*self.context).ecxt_scantuple = self.slot;
            let mut is_null = false;
            let datum = pg_sys::ExecEvalExprSwitchContext(self.state, self.context, &mut is_null);
            let read = read((!is_null).then_some(datum));
            pg_sys::MemoryContextReset((*self.context).ecxt_per_tuple_memory);
            pg_sys::ExecClearTuple(self.slot);
            read
        }
    }
}

/// As [`parse`], for a relation named by its OID.
pub fn parse_for(relation: pg_sys::Oid, text: &str) -> Result<*mut pg_sys::Node> {
    let relation = OpenRelation::open(relation);
    parse(relation.as_ptr(), text)
}
