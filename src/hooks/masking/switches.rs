//! Parts of the rewriter that a test switches off, one by one, to see that the finished plan is refused then.
//!
//! Only in a build with the feature `switches`, which no release has: without it all of this is nothing.

/// A part of the rewriter.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "switches", derive(pgrx::guc::PostgresGucEnum))]
#[allow(
    dead_code,
    reason = "without the feature there is nothing to switch off"
)]
pub enum Part {
    /// None: all is as it should be.
    #[cfg_attr(feature = "switches", name = c"none")]
    None,
    /// Output columns.
    #[cfg_attr(feature = "switches", name = c"output")]
    Output,
    /// `WHERE` and the conditions of joins.
    #[cfg_attr(feature = "switches", name = c"conditions")]
    Conditions,
    /// Subqueries in `FROM`, and views.
    #[cfg_attr(feature = "switches", name = c"subqueries")]
    Subqueries,
    /// `UNION`, `INTERSECT`, `EXCEPT`.
    #[cfg_attr(feature = "switches", name = c"setoperations")]
    SetOperations,
    /// `WITH`.
    #[cfg_attr(feature = "switches", name = c"ctes")]
    Ctes,
    /// Subqueries in expressions.
    #[cfg_attr(feature = "switches", name = c"sublinks")]
    Sublinks,
    /// Functions that the planner inlines.
    #[cfg_attr(feature = "switches", name = c"functions")]
    Functions,
    /// `RETURNING`.
    #[cfg_attr(feature = "switches", name = c"returning")]
    Returning,
    /// `ON CONFLICT DO UPDATE`.
    #[cfg_attr(feature = "switches", name = c"onconflict")]
    OnConflict,
    /// The actions of `MERGE`.
    #[cfg_attr(feature = "switches", name = c"merge")]
    Merge,
    /// The predicates for what views of exempt roles read.
    #[cfg_attr(feature = "switches", name = c"views")]
    Views,
}

#[cfg(not(feature = "switches"))]
mod nothing {
    use super::Part;
    use pgrx::pg_sys;

    /// What is kept of a query: nothing.
    pub struct Nothing;

    pub fn is_off(_: Part) -> bool {
        false
    }

    pub fn before(_: *mut pg_sys::Query) -> Nothing {
        Nothing
    }

    pub fn after(_: *mut pg_sys::Query, _: Nothing) {}
}
#[cfg(not(feature = "switches"))]
pub use nothing::{after, before, is_off};

#[cfg(feature = "switches")]
pub use switched::{after, before, init, is_off};

#[cfg(feature = "switches")]
mod switched {
    use super::Part;
    use crate::node::tree;
    use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
    use pgrx::{PgList, pg_sys};

    static PART: GucSetting<Part> = GucSetting::<Part>::new(Part::None);

    /// Defines the setting.
    pub fn init() {
        GucRegistry::define_enum_guc(
            c"fhir_access.switched_off",
            c"The part of the rewriter that does nothing.",
            c"Only in a build for tests.",
            &PART,
            GucContext::Suset,
            GucFlags::default(),
        );
    }

    /// Is this part switched off?
    pub fn is_off(part: Part) -> bool {
        PART.get() == part
    }

    /// A query as it was before the rewriter came, when a part of it is to stay so.
    ///
    /// # Safety
    /// `query` must be a query.
    pub unsafe fn before(query: *mut pg_sys::Query) -> *mut pg_sys::Query {
        if PART.get() == Part::None {
            return std::ptr::null_mut();
        }
        // SAFETY: by the caller's promise.
        unsafe { pg_sys::copyObjectImpl(query.cast()).cast() }
    }

    /// Puts that part back.
    ///
    /// # Safety
    /// `raw` must be what [`before`] gave for `query`.
    pub unsafe fn after(query: *mut pg_sys::Query, raw: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise; range tables are of the same length.
        unsafe {
            let Some(raw) = raw.as_mut() else {
                return;
            };
            let entries = tree::range_table((*query).rtable)
                .into_iter()
                .zip(tree::range_table(raw.rtable));
            let is = |entry: *mut pg_sys::RangeTblEntry, kind| (*entry).rtekind == kind;
            match PART.get() {
                Part::Output => (*query).targetList = raw.targetList,
                Part::Conditions => (*query).jointree = raw.jointree,
                Part::Subqueries if raw.setOperations.is_null() => {
                    for (entry, raw) in entries {
                        if is(raw, pg_sys::RTEKind::RTE_SUBQUERY) {
                            (*entry).subquery = (*raw).subquery;
                        }
                    }
                }
                Part::SetOperations if !raw.setOperations.is_null() => {
                    for (entry, raw) in entries {
                        if is(raw, pg_sys::RTEKind::RTE_SUBQUERY) {
                            (*entry).subquery = (*raw).subquery;
                        }
                    }
                }
                Part::Ctes => {
                    let ctes = PgList::<pg_sys::CommonTableExpr>::from_pg((*query).cteList);
                    let raw = PgList::<pg_sys::CommonTableExpr>::from_pg(raw.cteList);
                    for (cte, raw) in ctes.iter_ptr().zip(raw.iter_ptr()) {
                        (*cte).ctequery = (*raw).ctequery;
                    }
                }
                Part::Functions => {
                    for (entry, raw) in entries {
                        if is(raw, pg_sys::RTEKind::RTE_FUNCTION) {
                            *entry = *raw;
                        }
                    }
                }
                Part::Returning => (*query).returningList = raw.returningList,
                Part::OnConflict => {
                    if let (Some(conflict), Some(raw)) =
                        ((*query).onConflict.as_mut(), raw.onConflict.as_ref())
                    {
                        conflict.onConflictSet = raw.onConflictSet;
                        conflict.onConflictWhere = raw.onConflictWhere;
                    }
                }
                Part::Merge => (*query).mergeActionList = raw.mergeActionList,
                _ => {}
            }
        }
    }
}
