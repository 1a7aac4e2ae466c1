//! `kept_plans()`

use crate::hooks::kept_plans;
use pgrx::prelude::*;

/// One row: how many plans this session has at hand for memberships that come again, the memory that they take, and how often one was
/// found instead of made.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.kept_plans(OUT plans bigint, OUT bytes bigint, OUT found bigint)
    RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION fhir_access.kept_plans() IS
    'how many plans this session keeps for memberships that come again, the memory that they take, how often one was found';
")]
#[allow(clippy::type_complexity)] // the row's columns
fn kept_plans() -> TableIterator<'static, (name!(plans, i64), name!(bytes, i64), name!(found, i64))>
{
    let (plans, bytes) = kept_plans::kept_now();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    TableIterator::once((count(plans), count(bytes), kept_plans::found()))
}
