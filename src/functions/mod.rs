//! The functions that run inside statements: tests, masks, the marker, and what indexes are made of. They read only their
//! arguments.
//!
//! Written against PostgreSQL's calling convention directly: they are called for every row, and keep what they parse
//! from their constant arguments with the call site.

pub mod cut;
mod document;
mod elements;
mod estimates;
mod fhirpath;
mod keys;
mod needles;
mod of_type;
mod operators;
mod parsed;
mod prefix_ops;
mod security_context;
pub mod text_array;
pub mod twins;

pub use keys::invalid_paths;

use crate::catalog;
use crate::document::Format;
use crate::error::{Error, OrRaise, Result};
use crate::node::cached;
use crate::node::row::{self, JsonbDatum};
use access_policy::fields::FieldSet;
use fhir_search::Test;
use pgrx::prelude::*;
use std::rc::Rc;

/// Lets PostgreSQL interrupt the evaluation of large documents.
pub fn init() {
    fhir_search::on_progress(|| {
        pg_sys::check_for_interrupts!();
    });
}

/// Declares the record by which PostgreSQL recognises a function of the version-1 calling convention.
macro_rules! version_1 {
    ($record:ident) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C-unwind" fn $record() -> &'static pg_sys::Pg_finfo_record {
            const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &RECORD
        }
    };
}
pub(crate) use version_1;

/// A text or jsonb argument, which a strict function gets only when it is not NULL.
///
/// # Safety
/// Argument `number` of the call must be a varlena.
pub(crate) unsafe fn argument(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> JsonbDatum {
    // SAFETY: detoasting treats text and jsonb alike.
    unsafe { JsonbDatum::new(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, number)) }
}

fn invalid_argument(what: &str) -> Error {
    Error::Argument {
        message: format!("invalid {what}"),
        hint: "The function is for plans that fhir_access makes; fhir_access.explain() says what is in them."
            .to_owned(),
    }
}

version_1!(pg_finfo_fhir_access_test);

/// `fhir_access.test(resource jsonb, test text) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_test(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments; both are not NULL, because the function is strict.
    unsafe {
        let source = argument(fcinfo, 1);
        let invalid = || invalid_argument("test");
        let test: &Rc<Test> = cached::at_call_site(
            fcinfo,
            1,
            source.bytes(),
            |text| parsed::test(text).ok_or_else(invalid),
            invalid,
        )
        .or_raise();
        let resource = argument(fcinfo, 0);
        match test.evaluate(resource.value().or_raise()) {
            Some(answer) => pg_sys::Datum::from(answer),
            None => pgrx::fcinfo::pg_return_null(fcinfo),
        }
    }
}

version_1!(pg_finfo_fhir_access_mask);

/// `fhir_access.mask(resource jsonb, fields text) → jsonb`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_mask(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above.
    unsafe {
        let fields = fields(fcinfo, 1).or_raise();
        let resource = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0);
        document_without(resource, Format::Jsonb, fields)
            .or_raise()
            .unwrap_or_else(|| pgrx::fcinfo::pg_return_null(fcinfo))
    }
}

/// # Safety
/// Argument `number` of the call must be a text.
unsafe fn fields<'a>(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> Result<&'a FieldSet> {
    // SAFETY: by the caller's promise.
    unsafe {
        let source = argument(fcinfo, number);
        let invalid = || invalid_argument("list of fields");
        let fields: &Rc<FieldSet> = cached::at_call_site(
            fcinfo,
            number,
            source.bytes(),
            |text| parsed::fields(text).ok_or_else(invalid),
            invalid,
        )?;
        Ok(fields)
    }
}

/// The value of a column without some fields of its document; `None` for a text that holds no document, or whose document is
/// too long to be written. A text is always written anew: which of its bytes changed would tell what there was, and of members of
/// one name those are left that do not count.
///
/// # Safety
/// `datum` must be a value of a column of this format, not NULL.
unsafe fn document_without(
    datum: pg_sys::Datum,
    format: Format,
    fields: &FieldSet,
) -> Result<Option<pg_sys::Datum>> {
    if fields.is_empty() {
        return Ok(Some(datum));
    }
    // SAFETY: by the caller's promise.
    let Some(resource) = (unsafe { format.read(datum) }) else {
        return Ok(None);
    };
    let value = resource.value()?;
    let cannot = |_| Error::Corrupted("a stored resource cannot be masked".to_owned());
    match (fields.mask(value).map_err(cannot)?, format) {
        (None, Format::Jsonb) => Ok(Some(resource.datum())),
        (None, Format::Text) => format.write(resource.bytes()),
        (Some(bytes), format) => format.write(&bytes),
    }
}

version_1!(pg_finfo_fhir_access_mask_row);

/// `fhir_access.mask_row(tuple anyelement, resource_column integer, fields text, derived_columns integer[]) → anyelement`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_mask_row(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments, none of them NULL; the first is checked to be a row.
    unsafe {
        let composite = pgrx::fcinfo::pg_getarg_type(fcinfo, 0);
        if !pg_sys::type_is_rowtype(composite) {
            invalid_argument("row").raise();
        }
        let number: i32 = pgrx::fcinfo::pg_getarg(fcinfo, 1).unwrap_or(0);
        let derived: Vec<i32> = pgrx::fcinfo::pg_getarg(fcinfo, 3).unwrap_or_default();
        let fields = fields(fcinfo, 2).or_raise();
        if fields.is_empty() {
            return pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0);
        }

        let header =
            pg_sys::pg_detoast_datum(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr())
                .cast::<pg_sys::HeapTupleHeaderData>();
        let datum_fields = (*header).t_choice.t_datum;
        let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(
            datum_fields.datum_typeid,
            datum_fields.datum_typmod,
        );
        let mut tuple = pg_sys::HeapTupleData {
            t_len: u32::try_from(pgrx::varsize(header.cast())).unwrap_or(0),
            t_tableOid: pg_sys::InvalidOid,
            t_data: header,
            ..Default::default()
        };

        let columns = row::deform(&mut tuple, descriptor);
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let resource = place.and_then(|place| columns.get(place).copied().flatten());
        let mut replaced: Vec<(i16, Option<pg_sys::Datum>)> = Vec::with_capacity(derived.len() + 1);
        if let (Some(resource), Ok(number)) = (resource, i16::try_from(number)) {
            let format = crate::node::relation::columns(descriptor)
                .into_iter()
                .find(|column| column.number == number)
                .and_then(|column| Format::of(column.type_oid));
            let Some(format) = format else {
                invalid_argument("resource column").raise();
            };
            let masked = document_without(resource, format, fields).or_raise();
            replaced.push((number, masked));
        }
        replaced.extend(
            derived
                .into_iter()
                .filter_map(|number| i16::try_from(number).ok())
                .map(|number| (number, None)),
        );
        let tuple = row::replace(&mut tuple, descriptor, &replaced);
        pg_sys::heap_copy_tuple_as_datum(tuple, descriptor)
    }
}

version_1!(pg_finfo_fhir_access_has_irregular_references);

/// `fhir_access.has_irregular_references(resource jsonb) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_has_irregular_references(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared argument, not NULL.
    unsafe {
        let resource = argument(fcinfo, 0);
        pg_sys::Datum::from(fhir_search::has_irregular_references(
            resource.value().or_raise(),
        ))
    }
}

version_1!(pg_finfo_fhir_access_enforced);

/// `fhir_access.enforced() → boolean`: the marker policy's expression.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_enforced(
    _fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    require_preloaded().or_raise();
    pg_sys::Datum::from(true)
}

/// Refuses to go on in a session that loaded the library only now.
pub fn require_preloaded() -> Result<()> {
    if catalog::preloaded() {
        return Ok(());
    }
    Err(Error::NotReady {
        message: "fhir_access was not loaded when this session started".to_owned(),
        hint: "ALTER DATABASE … SET session_preload_libraries = 'fhir_access'; then connect again."
            .to_owned(),
    })
}

version_1!(pg_finfo_fhir_access_enforced_support);

/// The planner's support function of `enforced()`: where the answer is known the call goes away.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_enforced_support(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the planner passes a node; only a request to simplify is answered, with a new constant.
    unsafe {
        let request = pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr::<pg_sys::Node>();
        if catalog::preloaded() && pgrx::is_a(request, pg_sys::NodeTag::T_SupportRequestSimplify) {
            return pg_sys::Datum::from(pg_sys::makeBoolConst(true, false));
        }
        pg_sys::Datum::null()
    }
}
