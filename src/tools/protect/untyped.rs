//! Rows of a table of all types that are of no type: nothing will grant them.

use crate::error::{Error, Result};
use crate::node::expr::ROW;
use crate::node::privilege::AsOwner;
use crate::node::relation;
use crate::predicate::{Style, Writer};
use crate::registry;
use fhir_search::Predicate;
use pgrx::prelude::*;

/// Warns of the stored rows that nobody who is subject to policies will see.
pub fn warn(relation: pg_sys::Oid) -> Result<()> {
    let Some(protected) = registry::protected(relation)? else {
        return Ok(());
    };
    if protected.one_type().is_some() {
        return Ok(());
    }
    let typed = Predicate::all([
        Predicate::ResourceType(
            fhir_search::model::resource_types()
                .map(str::to_owned)
                .collect(),
        ),
        Predicate::TypeAgrees,
    ]);
    let name = relation::qualified_name(relation);
    let query = format!(
        "SELECT pg_catalog.count(*) FROM {name} AS {ROW} WHERE ({}) IS NOT TRUE",
        Writer::new(&protected, Style::Exact).predicate(&typed)
    );
    let _owner = AsOwner::of_table(relation)?;
    let rows = Spi::connect(|client| client.select(&query, Some(1), &[])?.first().get::<i64>(1))
        .map_err(|error| Error::Internal(error.to_string()))?;
    if let Some(rows @ 1..) = rows {
        let what = match rows {
            1 => "1 row of".to_owned(),
            rows => format!("{rows} rows of"),
        };
        pgrx::warning!(
            "{what} {name} say no resource type that the table can hold, or another than their column: no policy grants them"
        );
    }
    Ok(())
}
