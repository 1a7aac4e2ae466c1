//! Reading what `ANALYZE` has found out.

use fhir_search::share::{Ordered, Texts, TextsBuilder, time};
use pgrx::prelude::*;

use crate::functions::text_array::TextArray;

/// `pg_statistic_ext_data.stxdexpr`, which PostgreSQL's headers number for the server only.
const EXPRESSIONS: pg_sys::AttrNumber = 6;

/// A row of `pg_statistic`, of a column, of an index's column or of an expression of a statistics object.
pub struct Tuple {
    tuple: pg_sys::HeapTuple,
    is_cached: bool,
}

impl Drop for Tuple {
    fn drop(&mut self) {
        // While an error is on its way the resource owner lets go of what the cache has given.
        if self.is_cached && !std::thread::panicking() {
            // SAFETY: given by the cache, released once.
            unsafe { pg_sys::ReleaseSysCache(self.tuple) };
        }
    }
}

impl Tuple {
    /// The statistics of this column of an index.
    pub fn of_index(index: pg_sys::Oid, column: i16) -> Option<Tuple> {
        Tuple::of_column(index, column, false)
    }

    /// The statistics of this column of a relation, or of its children, too.
    pub fn of_column(relation: pg_sys::Oid, column: i16, with_children: bool) -> Option<Tuple> {
        // SAFETY: the tuple is released when dropped.
        let tuple = unsafe {
            pg_sys::SearchSysCache3(
                pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
                pg_sys::Datum::from(relation),
                pg_sys::Datum::from(column),
                pg_sys::Datum::from(with_children),
            )
        };
        if tuple.is_null() {
            return None;
        }
        Some(Tuple {
            tuple,
            is_cached: true,
        })
    }

    /// The statistics of this expression of a statistics object, of a table with its children or without them.
    pub fn of_expression(object: pg_sys::Oid, place: i32, inherit: bool) -> Option<Tuple> {
        // SAFETY: the tuple is released; what is loaded is a copy in the current memory context.
        unsafe {
            let cache = pg_sys::SysCacheIdentifier::STATEXTDATASTXOID as i32;
            let (object_datum, inherit_datum) =
                (pg_sys::Datum::from(object), pg_sys::Datum::from(inherit));
            let found = pg_sys::SearchSysCache2(cache, object_datum, inherit_datum);
            if found.is_null() {
                return None;
            }
            let mut is_null = false;
            pg_sys::SysCacheGetAttr(cache, found, EXPRESSIONS, &mut is_null);
            pg_sys::ReleaseSysCache(found);
            if is_null {
                return None;
            }
            let tuple = pg_sys::statext_expressions_load(object, inherit, place);
            if tuple.is_null() {
                return None;
            }
            Some(Tuple {
                tuple,
                is_cached: false,
            })
        }
    }

    fn form(&self) -> &pg_sys::FormData_pg_statistic {
        // SAFETY: a tuple of pg_statistic begins with these columns.
        unsafe { &*(pg_sys::GETSTRUCT(self.tuple) as *const pg_sys::FormData_pg_statistic) }
    }

    /// The values and the numbers of a slot, shown to `read`.
    fn slot<T>(
        &self,
        kind: u32,
        read: impl FnOnce(&[pg_sys::Datum], &[f32], pg_sys::Oid) -> T,
    ) -> Option<T> {
        let mut slot = pg_sys::AttStatsSlot::default();
        // What a slot of this kind does not have must not be asked for.
        let flags = match kind {
            pg_sys::STATISTIC_KIND_HISTOGRAM => pg_sys::ATTSTATSSLOT_VALUES,
            pg_sys::STATISTIC_KIND_DECHIST => pg_sys::ATTSTATSSLOT_NUMBERS,
            _ => pg_sys::ATTSTATSSLOT_VALUES | pg_sys::ATTSTATSSLOT_NUMBERS,
        };
        // SAFETY: the lists are as long as they say, and are freed after they were read.
        unsafe {
            let found = pg_sys::get_attstatsslot(
                &mut slot,
                self.tuple,
                i32::try_from(kind).unwrap_or(0),
                pg_sys::InvalidOid,
                flags as i32,
            );
            if !found {
                return None;
            }
            let result = read(
                list(slot.values, slot.nvalues),
                list(slot.numbers, slot.nnumbers),
                slot.valuetype,
            );
            pg_sys::free_attstatsslot(&mut slot);
            Some(result)
        }
    }

    /// The share of rows without a value.
    pub fn missing(&self) -> f64 {
        f64::from(self.form().stanullfrac)
    }

    /// Shows `read` the most common values, each with its share of the rows.
    pub fn common(&self, mut read: impl FnMut(pg_sys::Datum, f64)) {
        self.slot(pg_sys::STATISTIC_KIND_MCV, |values, shares, _| {
            for (value, share) in values.iter().zip(shares) {
                read(*value, f64::from(*share));
            }
        });
    }

    /// Shows `read` values at equal distances among those that are not common.
    pub fn histogram<T>(&self, read: impl FnOnce(&[pg_sys::Datum]) -> T) -> Option<T> {
        self.slot(pg_sys::STATISTIC_KIND_HISTOGRAM, |values, _, _| {
            read(values)
        })
    }

    /// Statistics of texts, of which there are several in a row of a relation with so many rows.
    pub fn texts(&self, rows: f64) -> Texts {
        let most = most_frequent();
        let frequent = self.slot(pg_sys::STATISTIC_KIND_MCELEM, |values, shares, _| {
            let shares = shares.iter().map(|share| f64::from(*share));
            values
                .iter()
                .map(|value| text(*value))
                .zip(shares)
                .collect()
        });
        let texts = self
            .slot(pg_sys::STATISTIC_KIND_DECHIST, |_, numbers, _| {
                numbers.last().copied().map(f64::from)
            })
            .flatten();
        let mut none = f64::from(self.form().stanullfrac);
        let mut samples = Vec::new();
        self.slot(pg_sys::STATISTIC_KIND_MCV, |values, shares, _| {
            for (value, share) in values.iter().zip(shares) {
                let texts = array(*value);
                if texts.is_empty() {
                    none += f64::from(*share);
                }
                samples.extend(texts);
            }
        });
        self.slot(pg_sys::STATISTIC_KIND_HISTOGRAM, |values, _, _| {
            samples.extend(values.iter().flat_map(|value| array(*value)));
        });
        TextsBuilder {
            frequent: frequent.unwrap_or_default(),
            most,
            texts: texts.unwrap_or(0.0),
            looked_at: looked_at(rows),
            samples,
            none,
        }
        .build()
    }

    /// Statistics of a text, of which there is at most one in a row.
    pub fn single_texts(&self, rows: f64) -> Texts {
        let none = f64::from(self.form().stanullfrac);
        let common: Option<Vec<(Box<[u8]>, f64)>> =
            self.slot(pg_sys::STATISTIC_KIND_MCV, |values, shares, _| {
                let shares = shares.iter().map(|share| f64::from(*share));
                values
                    .iter()
                    .map(|value| text(*value))
                    .zip(shares)
                    .collect()
            });
        let samples = self.slot(pg_sys::STATISTIC_KIND_HISTOGRAM, |values, _, _| {
            values.iter().map(|value| text(*value)).collect()
        });
        TextsBuilder {
            frequent: common.unwrap_or_default(),
            most: most_frequent(),
            texts: 1.0 - none,
            looked_at: looked_at(rows),
            samples: samples.unwrap_or_default(),
            none,
        }
        .build()
    }

    /// Statistics of times or numbers.
    pub fn ordered(&self, rows: f64) -> Ordered {
        let form = self.form();
        let common = self.slot(pg_sys::STATISTIC_KIND_MCV, |values, shares, type_oid| {
            let shares = shares.iter().map(|share| f64::from(*share));
            let values = values.iter().map(|value| number(*value, type_oid));
            values.zip(shares).collect()
        });
        let histogram = self.slot(pg_sys::STATISTIC_KIND_HISTOGRAM, |values, _, type_oid| {
            let values = values.iter().map(|value| number(*value, type_oid));
            values.collect()
        });
        let distinct = f64::from(form.stadistinct);
        Ordered::new(
            f64::from(form.stanullfrac),
            common.unwrap_or_default(),
            histogram.unwrap_or_default(),
            if distinct < 0.0 {
                -distinct * rows
            } else {
                distinct
            },
        )
    }
}

/// # Safety
/// There must be so many values, or none.
unsafe fn list<'a, T>(values: *const T, count: i32) -> &'a [T] {
    let count = usize::try_from(count).unwrap_or(0);
    if values.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: by the caller's promise.
    unsafe { std::slice::from_raw_parts(values, count) }
}

fn text(datum: pg_sys::Datum) -> Box<[u8]> {
    // SAFETY: statistics of texts hold texts.
    unsafe {
        let text = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        pgrx::varlena_to_byte_slice(text).into()
    }
}

fn array(datum: pg_sys::Datum) -> Vec<Box<[u8]>> {
    // SAFETY: statistics of arrays of texts hold such.
    let array = unsafe { TextArray::new(datum) };
    array.texts().map(Into::into).collect()
}

fn number(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> f64 {
    // SAFETY: statistics of times and of numbers hold such.
    unsafe {
        match type_oid {
            pg_sys::NUMERICOID => {
                let number = pg_sys::numeric_float8_no_overflow;
                pgrx::direct_function_call::<f64>(number, &[Some(datum)]).unwrap_or(f64::NAN)
            }
            _ => i64::from_datum(datum, false).map_or(f64::NAN, time),
        }
    }
}

/// How many frequent texts PostgreSQL keeps: ten times what it keeps of other values.
fn most_frequent() -> usize {
    // SAFETY: a setting.
    let target = unsafe { pg_sys::default_statistics_target };
    usize::try_from(target).unwrap_or(0).saturating_mul(10)
}

/// At how many rows of so many `ANALYZE` looks.
fn looked_at(rows: f64) -> f64 {
    // SAFETY: a setting.
    let target = unsafe { pg_sys::default_statistics_target };
    (f64::from(target) * 300.0).min(rows)
}
