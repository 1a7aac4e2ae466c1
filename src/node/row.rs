//! Rows in PostgreSQL's form: taking columns out, putting columns in, and jsonb values as bytes.

use super::detoast;
use pgrx::prelude::*;
use std::ffi::CString;

/// The columns of a tuple, in order; `None` for NULL. Dropped columns are NULL.
///
/// # Safety
/// `tuple` must be a valid tuple of `descriptor`; the datums point into it.
pub unsafe fn deform(
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
) -> Vec<Option<pg_sys::Datum>> {
    // SAFETY: both arrays have natts places.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let mut values = vec![pg_sys::Datum::null(); count];
        let mut nulls = vec![true; count];
        pg_sys::heap_deform_tuple(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        values
            .into_iter()
            .zip(nulls)
            .map(|(value, null)| (!null).then_some(value))
            .collect()
    }
}

unsafe extern "C-unwind" {
    fn datum_image_eq(
        one: pg_sys::Datum,
        two: pg_sys::Datum,
        by_value: bool,
        length: std::ffi::c_int,
    ) -> bool;
}

/// Are two values of column `number` (from 1) the same, byte for byte, however they are stored?
///
/// # Safety
/// Both must be values of that column, not NULL.
pub unsafe fn is_same(
    one: pg_sys::Datum,
    two: pg_sys::Datum,
    descriptor: pg_sys::TupleDesc,
    number: i16,
) -> bool {
    // SAFETY: a tuple descriptor holds natts attributes.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let attributes = (*descriptor).attrs.as_slice(count);
        place
            .and_then(|place| attributes.get(place))
            .is_some_and(|attribute| {
                let length = i32::from(attribute.attlen);
                let (by_value, equal) = (attribute.attbyval, datum_image_eq);
                pg_sys::ffi::pg_guard_ffi_boundary(|| equal(one, two, by_value, length))
            })
    }
}

/// One column of a tuple, by its number from 1; `None` for NULL, and for a column that there is not.
///
/// # Safety
/// `tuple` must be a valid tuple of `descriptor`; the datum points into it.
pub unsafe fn column(
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    number: i16,
) -> Option<pg_sys::Datum> {
    let number = i32::from(number);
    // SAFETY: by the caller's promise; the number is that of a column.
    unsafe {
        if number < 1 || number > (*descriptor).natts {
            return None;
        }
        let mut is_null = false;
        let datum = pg_sys::heap_getattr(tuple, number, descriptor, &mut is_null);
        (!is_null).then_some(datum)
    }
}

/// `tuple` with some columns (numbered from 1) replaced.
///
/// # Safety
/// `tuple` must be a valid tuple of `descriptor`, the datums of the columns' types.
pub unsafe fn replace(
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    columns: &[(i16, Option<pg_sys::Datum>)],
) -> pg_sys::HeapTuple {
    // SAFETY: all arrays have natts places; heap_modify_tuple copies what it keeps.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let mut values = vec![pg_sys::Datum::null(); count];
        let mut nulls = vec![false; count];
        let mut replaced = vec![false; count];
        for (number, value) in columns {
            let Some(place) = usize::try_from(*number)
                .ok()
                .and_then(|number| number.checked_sub(1))
            else {
                continue;
            };
            if let (Some(slot), Some(null), Some(flag)) = (
                values.get_mut(place),
                nulls.get_mut(place),
                replaced.get_mut(place),
            ) {
                *slot = value.unwrap_or(pg_sys::Datum::null());
                *null = value.is_none();
                *flag = true;
            }
        }
        pg_sys::heap_modify_tuple(
            tuple,
            descriptor,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            replaced.as_mut_ptr(),
        )
    }
}

/// A text that is known to be one, as a UUID.
pub fn uuid(text: &str) -> Option<pg_sys::Datum> {
    let text = CString::new(text).ok()?;
    // SAFETY: uuid_in reads a C string.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::uuid_in, &[text.as_c_str().into_datum()]) }
}

/// A jsonb value outside of its (possibly compressed, possibly toasted) storage.
pub struct JsonbDatum {
    pointer: *mut pg_sys::varlena,
}

impl JsonbDatum {
    /// Detoasts `datum`.
    ///
    /// # Safety
    /// `datum` must be a jsonb value, not NULL.
    pub unsafe fn new(datum: pg_sys::Datum) -> JsonbDatum {
        // SAFETY: by the caller's promise; the result has a four-byte header and lives in the current memory context
        // or where the datum already was.
        let pointer = unsafe { detoast::whole(datum) };
        JsonbDatum { pointer }
    }

    /// What [`new`](Self::new) made before.
    ///
    /// # Safety
    /// `datum` must be that of a `JsonbDatum` whose memory is still there, or made by [`jsonb_datum`].
    pub unsafe fn unpacked(datum: pg_sys::Datum) -> JsonbDatum {
        JsonbDatum {
            pointer: datum.cast_mut_ptr(),
        }
    }

    /// The bytes behind the varlena header.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a detoasted varlena holds the size that its header says.
        unsafe { pgrx::varlena_to_byte_slice(self.pointer) }
    }

    /// The parsed root, or an error where the bytes are not jsonb.
    pub fn value(&self) -> crate::error::Result<jsonb::Value<'_>> {
        parse(self.bytes())
    }

    /// The datum itself.
    pub fn datum(&self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.pointer)
    }
}

/// The root of a document in jsonb's binary form, or an error where the bytes are none.
pub fn parse(bytes: &[u8]) -> crate::error::Result<jsonb::Value<'_>> {
    jsonb::Value::parse(bytes).map_err(|_| {
        crate::error::Error::Corrupted("a stored jsonb value cannot be read".to_owned())
    })
}

/// Encoded jsonb as a datum in the current memory context.
pub fn jsonb_datum(bytes: &[u8]) -> pg_sys::Datum {
    // SAFETY: the allocation has room for header and content.
    unsafe {
        let size = bytes.len() + pg_sys::VARHDRSZ;
        let pointer = pg_sys::palloc(size).cast::<pg_sys::varlena>();
        pgrx::set_varsize_4b(pointer, i32::try_from(size).unwrap_or(i32::MAX));
        std::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            pointer.cast::<u8>().add(pg_sys::VARHDRSZ),
            bytes.len(),
        );
        pg_sys::Datum::from(pointer)
    }
}

/// The text form of any value, by its type's output function.
///
/// # Safety
/// `datum` must be a value of `type_oid`, not NULL.
pub unsafe fn output(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> String {
    // SAFETY: by the caller's promise.
    unsafe {
        if [pg_sys::TEXTOID, pg_sys::VARCHAROID].contains(&type_oid) {
            let text = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            let bytes = pgrx::varlena_to_byte_slice(text);
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let mut function = pg_sys::InvalidOid;
        let mut is_varlena = false;
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut is_varlena);
        let text = pg_sys::OidOutputFunctionCall(function, datum);
        std::ffi::CStr::from_ptr(text)
            .to_string_lossy()
            .into_owned()
    }
}
