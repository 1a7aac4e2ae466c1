//! The operator class `prefix_ops`: GIN indexes on `text[]` that serve `^@`, `@~`, `&&` and `?`.
//!
//! The keys of the index are the array's texts, cut and sorted by bytes. `^@` reads for each text looked for the keys from
//! it on, as long as they begin with it. `@~` reads all keys. `&&` and `?` look up keys. They answer from the keys alone,
//! except that `&&` and `?` are asked again of the row where what they looked for may be cut.

use super::cut::{cut, may_be_cut};
use super::needles::Needles;
use super::text_array::{self, TextArray};
use super::version_1;
use crate::node::detoast;
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::ffi::c_void;

/// The strategies, numbered as in bootstrap.sql.
const STARTS_WITH: u16 = 1;
const CONTAINS: u16 = 2;
const IS_ELEMENT: u16 = 4;
const IS_ELEMENT_OF_MANY: u16 = 5;

/// Argument `number` as the pointer that GIN passes.
///
/// # Safety
/// `fcinfo` must be a call with that many arguments.
unsafe fn pointer<T>(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> *mut T {
    // SAFETY: by the caller's promise.
    unsafe { pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number).cast_mut_ptr() }
}

/// # Safety
/// Argument `number` must be the strategy's number.
unsafe fn strategy(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> u16 {
    // SAFETY: by the caller's promise; a smallint is the low half of the datum.
    let datum = unsafe { pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number) };
    u16::try_from(datum.value() & usize::from(u16::MAX)).unwrap_or(0)
}

/// An array in the current memory context, filled with zeros; none for no places.
fn allocate<T>(count: usize) -> *mut T {
    if count == 0 {
        return std::ptr::null_mut();
    }
    // SAFETY: palloc0 raises an error where there is no room.
    unsafe { pg_sys::palloc0(count * size_of::<T>()).cast() }
}

/// Gives GIN its keys: an array of datums, and their number through `count`.
///
/// # Safety
/// `count` must be valid for writing.
unsafe fn give_keys<'a>(
    texts: impl ExactSizeIterator<Item = &'a [u8]>,
    count: *mut i32,
) -> *mut pg_sys::Datum {
    let keys = allocate::<pg_sys::Datum>(texts.len());
    // SAFETY: there are as many places as texts; an array in memory has fewer than i32::MAX elements.
    unsafe {
        *count = i32::try_from(texts.len()).unwrap_or(i32::MAX);
        for (place, text) in texts.enumerate() {
            pg_sys::check_for_interrupts!();
            *keys.add(place) = text_array::text(text);
        }
    }
    keys
}

/// The bytes of a text that may be compressed or have a short header, while `read` looks at them.
///
/// # Safety
/// `datum` must be a text.
unsafe fn with_text<T>(datum: pg_sys::Datum, read: impl FnOnce(&[u8]) -> T) -> T {
    // SAFETY: by the caller's promise; a copy made here is freed here, because an index may have millions of keys.
    unsafe {
        let stored = datum.cast_mut_ptr::<pg_sys::varlena>();
        let text = detoast::packed(datum);
        let answer = read(pgrx::varlena_to_byte_slice(text));
        if text != stored {
            pg_sys::pfree(text.cast());
        }
        answer
    }
}

version_1!(pg_finfo_fhir_access_prefix_extract_value);

/// `extractValue(texts text[], count internal, null_flags internal) → internal`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_prefix_extract_value(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: GIN calls with a value of the indexed type and a pointer to the number of keys. It leaves out duplicates.
    unsafe {
        let texts = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let keys: Vec<&[u8]> = texts.texts().map(cut).collect();
        pg_sys::Datum::from(give_keys(keys.into_iter(), pointer(fcinfo, 1)))
    }
}

version_1!(pg_finfo_fhir_access_prefix_extract_query);

/// `extractQuery(query text[], count internal, strategy smallint, partial internal, extra internal, null_flags internal,
/// mode internal) → internal`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_prefix_extract_query(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: GIN calls with the operator's right side and pointers to what is to be filled in; it keeps them as long as
    // the current memory context. No key at all means that nothing matches.
    unsafe {
        let count = pointer::<i32>(fcinfo, 1);
        if [IS_ELEMENT, IS_ELEMENT_OF_MANY].contains(&strategy(fcinfo, 2)) {
            let wanted = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0);
            let keys = with_text(wanted, |text| give_keys([cut(text)].into_iter(), count));
            return pg_sys::Datum::from(keys);
        }
        let query = TextArray::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0));
        let partial = pointer::<*mut bool>(fcinfo, 3);
        let extra = pointer::<*mut *mut c_void>(fcinfo, 4);
        let strategy = strategy(fcinfo, 2);
        let keys = match strategy {
            STARTS_WITH => give_keys(Needles::new(query.texts()).iter(), count),
            CONTAINS => {
                let needles = Needles::new(query.texts());
                let all_keys = [[].as_slice()];
                let wanted = all_keys.into_iter().take(needles.iter().len());
                let keys = give_keys(wanted, count);
                if *count > 0 {
                    *extra = allocate(1);
                    **extra = PgMemoryContexts::For(pg_sys::CurrentMemoryContext)
                        .leak_and_drop_on_delete(needles)
                        .cast();
                }
                keys
            }
            _ => {
                let mut keys: Vec<&[u8]> = query.texts().map(cut).collect();
                keys.sort_unstable();
                keys.dedup();
                give_keys(keys.into_iter(), count)
            }
        };
        let places = usize::try_from(*count).unwrap_or(0);
        if strategy != CONTAINS {
            // GIN compares each key with all keys before it, to share work between equal ones, unless it has something
            // extra. There are no equal ones.
            *extra = allocate(places);
            for place in 0..places {
                *(*extra).add(place) = (*keys.add(place)).cast_mut_ptr();
            }
        }
        if strategy == STARTS_WITH || strategy == CONTAINS {
            *partial = allocate(places);
            for place in 0..places {
                *(*partial).add(place) = true;
            }
        }
        pg_sys::Datum::from(keys)
    }
}

version_1!(pg_finfo_fhir_access_prefix_compare_partial);

/// `comparePartial(wanted text, key text, strategy smallint, extra internal) → integer`: 0 for a key that matches, -1 for
/// one that does not, 1 where no more can come.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_prefix_compare_partial(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: GIN calls with a key of extractQuery and what was extra with it, and with a key of the index.
    let answer: i32 = unsafe {
        let key = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 1);
        match strategy(fcinfo, 2) {
            STARTS_WITH => {
                let wanted = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0);
                let found = with_text(wanted, |wanted| {
                    with_text(key, |key| key.starts_with(wanted))
                });
                if found { 0 } else { 1 }
            }
            _ => {
                let needles = &*pointer::<Needles>(fcinfo, 3);
                if with_text(key, |key| needles.are_in(key)) {
                    0
                } else {
                    -1
                }
            }
        }
    };
    pg_sys::Datum::from(answer)
}

version_1!(pg_finfo_fhir_access_prefix_consistent);

/// `triConsistent(found internal, strategy smallint, query text[], count integer, extra internal, keys internal,
/// null_flags internal) → "char"`. GIN derives the two-valued answer from this one.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_prefix_consistent(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: GIN calls with arrays of as many places as there are keys.
    let answer = unsafe {
        let count: i32 = pgrx::fcinfo::pg_getarg(fcinfo, 3).unwrap_or(0);
        let count = usize::try_from(count).unwrap_or(0);
        let found = std::slice::from_raw_parts(pointer::<u8>(fcinfo, 0).cast_const(), count);
        let keys = pointer::<pg_sys::Datum>(fcinfo, 5);
        let is_exact = match strategy(fcinfo, 1) {
            STARTS_WITH | CONTAINS => found.contains(&TRUE),
            _ => found.iter().enumerate().any(|(place, found)| {
                *found == TRUE && with_text(*keys.add(place), |key| !may_be_cut(key))
            }),
        };
        // One key is enough.
        if is_exact {
            TRUE
        } else if found.iter().any(|found| *found != FALSE) {
            MAYBE
        } else {
            FALSE
        }
    };
    pg_sys::Datum::from(answer)
}

const FALSE: u8 = pg_sys::GIN_FALSE as u8;
const TRUE: u8 = pg_sys::GIN_TRUE as u8;
const MAYBE: u8 = pg_sys::GIN_MAYBE as u8;
