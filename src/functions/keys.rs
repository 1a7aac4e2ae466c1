//! The index functions: what the elements at some paths of a document come to, as a value that an index can hold.
//!
//! They raise no error whatever the document holds, and are leakproof. What does not fit into an index is shortened: texts are
//! [cut](super::cut); numbers keep [`DIGITS`] digits to the base 10,000 and one more, which leaves every comparison with a
//! number of at most so many digits as it was.

use super::cut::cut;
use super::text_array::{text, text_array};
use super::{argument, version_1};
use crate::error::{Error, OrRaise, Result};
use crate::node::cached;
use fhir_search::keys::{Bound, Paths};
use pgrx::prelude::*;

/// More than any number in a criteria needs (1,000 decimal digits), and few enough for an index on unit and both bounds.
const DIGITS: usize = 300;

/// What is said of paths that cannot be read.
pub fn invalid_paths() -> Error {
    Error::Argument {
        message: "invalid paths".to_owned(),
        hint: "Paths are members down to an element, with its type: 'birthDate:date', 'name*:HumanName', separated by ', '."
            .to_owned(),
    }
}

/// The value of an index function on the arguments of this call.
///
/// # Safety
/// `fcinfo` must be a call with a jsonb and a text, not NULL.
unsafe fn value(
    fcinfo: pg_sys::FunctionCallInfo,
    read: impl FnOnce(&Paths, jsonb::Value<'_>) -> Option<pg_sys::Datum>,
) -> pg_sys::Datum {
    // SAFETY: by the caller's promise.
    unsafe {
        let source = argument(fcinfo, 1);
        let paths: Result<&Paths> = cached::at_call_site(
            fcinfo,
            1,
            source.bytes(),
            |text| text.parse::<Paths>().map_err(|_| invalid_paths()),
            invalid_paths,
        );
        // Paths out of a row: an error would tell of it.
        if paths.is_err() && !cached::is_given(fcinfo, 1) {
            return pgrx::fcinfo::pg_return_null(fcinfo);
        }
        let paths = paths.or_raise();
        let resource = argument(fcinfo, 0);
        read(paths, resource.value().or_raise())
            .unwrap_or_else(|| pgrx::fcinfo::pg_return_null(fcinfo))
    }
}

/// An index function: its C name, the name of its record, and how it makes its value.
macro_rules! index_function {
    ($(#[$signature:meta])* $name:ident, $record:ident, $read:expr) => {
        version_1!($record);

        $(#[$signature])*
        #[unsafe(no_mangle)]
        #[pg_guard]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
            unsafe { value(fcinfo, $read) }
        }
    };
}

index_function!(
    /// `fhir_access.earliest(resource jsonb, paths text) → timestamptz`
    fhir_access_earliest,
    pg_finfo_fhir_access_earliest,
    |paths, document| paths.earliest(document).map(timestamp)
);
index_function!(
    /// `fhir_access.latest(resource jsonb, paths text) → timestamptz`
    fhir_access_latest,
    pg_finfo_fhir_access_latest,
    |paths, document| paths.latest(document).map(timestamp)
);
index_function!(
    /// `fhir_access.lowest(resource jsonb, paths text) → numeric`
    fhir_access_lowest,
    pg_finfo_fhir_access_lowest,
    |paths, document| paths.lowest(document).map(numeric)
);
index_function!(
    /// `fhir_access.highest(resource jsonb, paths text) → numeric`
    fhir_access_highest,
    pg_finfo_fhir_access_highest,
    |paths, document| paths.highest(document).map(numeric)
);
index_function!(
    /// `fhir_access.unit(resource jsonb, paths text) → text`
    fhir_access_unit,
    pg_finfo_fhir_access_unit,
    |paths, document| paths.unit(document).map(|unit| text(cut(unit.as_bytes())))
);
index_function!(
    /// `fhir_access.strings(resource jsonb, paths text) → text[]`
    fhir_access_strings,
    pg_finfo_fhir_access_strings,
    |paths, document| Some(texts(&paths.strings(document)))
);
index_function!(
    /// `fhir_access.uris(resource jsonb, paths text) → text[]`
    fhir_access_uris,
    pg_finfo_fhir_access_uris,
    |paths, document| Some(texts(&paths.uris(document)))
);
index_function!(
    /// `fhir_access.tokens(resource jsonb, paths text) → text[]`
    fhir_access_tokens,
    pg_finfo_fhir_access_tokens,
    |paths, document| Some(texts(&paths.tokens(document)))
);
index_function!(
    /// `fhir_access.targets(resource jsonb, paths text) → text[]`
    fhir_access_targets,
    pg_finfo_fhir_access_targets,
    |paths, document| Some(texts(&paths.targets(document)))
);

/// Microseconds since 2000-01-01 UTC as a `timestamptz`; infinite where they are beyond what it holds.
fn timestamp(microseconds: i64) -> pg_sys::Datum {
    // From timestamp.h: the start of 4714-11-24 BC, and the end of 294276.
    const FIRST: i64 = -211_813_488_000_000_000;
    const END: i64 = 9_223_371_331_200_000_000;
    pg_sys::Datum::from(match microseconds {
        ..FIRST => i64::MIN,
        END.. => i64::MAX,
        inside => inside,
    })
}

/// A bound as a `numeric`.
fn numeric(bound: Bound<jsonb::Decimal>) -> pg_sys::Datum {
    /// The headers of a numeric that has neither digits nor weight, from numeric.c.
    const INFINITY: u16 = 0xD000;
    const NEGATIVE_INFINITY: u16 = 0xF000;
    let content = match bound {
        Bound::NegativeInfinity => return text(&NEGATIVE_INFINITY.to_ne_bytes()),
        Bound::Infinity => return text(&INFINITY.to_ne_bytes()),
        Bound::At(number) => number.shortened(DIGITS),
    };
    // Any varlena looks the same.
    let datum = content.as_number().datum_bytes();
    text(datum.get(pg_sys::VARHDRSZ..).unwrap_or_default())
}

/// Sorted and distinct texts as a `text[]`, cut, and distinct again.
fn texts(texts: &[String]) -> pg_sys::Datum {
    let mut kept: Vec<&[u8]> = texts.iter().map(|text| cut(text.as_bytes())).collect();
    kept.dedup();
    text_array(kept.into_iter())
}
