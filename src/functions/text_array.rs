//! `text[]` values: reading them in place, and making them in one piece.

use crate::node::detoast;
use pgrx::prelude::*;

/// A `text[]` outside of its storage. Its dimensions do not matter here, only its elements.
pub struct TextArray {
    pointer: *mut pg_sys::ArrayType,
}

/// The sizes that `array.h` computes with.
const HEADER: usize = size_of::<pg_sys::ArrayType>();
const INT: usize = size_of::<i32>();

fn aligned(size: usize, to: usize) -> usize {
    size.next_multiple_of(to)
}

impl TextArray {
    /// Detoasts `datum`.
    ///
    /// # Safety
    /// `datum` must be an array of text, not NULL.
    pub unsafe fn new(datum: pg_sys::Datum) -> TextArray {
        // SAFETY: by the caller's promise; the result has a four-byte header and lives in the current memory context or
        // where the datum already was.
        let pointer = unsafe { detoast::whole(datum) };
        TextArray {
            pointer: pointer.cast(),
        }
    }

    /// The bytes behind the varlena header: equal bytes, equal arrays.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a detoasted varlena holds the size that its header says.
        unsafe { pgrx::varlena_to_byte_slice(self.pointer.cast()) }
    }

    /// The elements that are not NULL.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        // SAFETY: the array's header is valid: its dimensions follow it, behind them and their lower bounds the bitmap of
        // elements that are there (where there is one), and at dataoffset (or there) the elements.
        let (count, bitmap, mut element) = unsafe {
            let array = &*self.pointer;
            let start = self.pointer.cast::<u8>();
            let dimensions = usize::try_from(array.ndim).unwrap_or(0);
            let count = pg_sys::ArrayGetNItems(array.ndim, start.add(HEADER).cast());
            let bounds_end = HEADER + 2 * INT * dimensions;
            match usize::try_from(array.dataoffset).unwrap_or(0) {
                0 => {
                    let data = aligned(bounds_end, pg_sys::MAXIMUM_ALIGNOF as usize);
                    (count, std::ptr::null(), start.add(data))
                }
                data => (count, start.add(bounds_end).cast_const(), start.add(data)),
            }
        };
        (0..usize::try_from(count).unwrap_or(0)).filter_map(move |place| {
            // SAFETY: the bitmap has a bit for each element, the data an aligned varlena for each that is there; none of
            // them is toasted.
            unsafe {
                if !bitmap.is_null() && *bitmap.add(place / 8) & (1 << (place % 8)) == 0 {
                    return None;
                }
                element = element.add(element.align_offset(INT));
                let varlena = element.cast::<pg_sys::varlena>();
                element = element.add(pgrx::varsize_any(varlena));
                Some(pgrx::varlena_to_byte_slice(varlena))
            }
        })
    }
}

/// A one-dimensional `text[]` of these texts, in the current memory context.
pub fn text_array<'a>(texts: impl Iterator<Item = &'a [u8]> + Clone) -> pg_sys::Datum {
    let (mut count, mut size) = (0_usize, 0_usize);
    for text in texts.clone() {
        count += 1;
        size += aligned(pg_sys::VARHDRSZ + text.len(), INT);
    }
    // SAFETY: the allocation has room for the header, one dimension with its lower bound, and all elements; palloc0 raises
    // an error where that is more than PostgreSQL allocates, so the sizes below fit.
    unsafe {
        if count == 0 {
            return pg_sys::Datum::from(pg_sys::construct_empty_array(pg_sys::TEXTOID));
        }
        let data = aligned(HEADER + 2 * INT, pg_sys::MAXIMUM_ALIGNOF as usize);
        let start = pg_sys::palloc0(data + size).cast::<u8>();
        let array = start.cast::<pg_sys::ArrayType>();
        pgrx::set_varsize_4b(array.cast(), i32::try_from(data + size).unwrap_or(i32::MAX));
        (*array).ndim = 1;
        (*array).dataoffset = 0;
        (*array).elemtype = pg_sys::TEXTOID;
        let dimension = start.add(HEADER).cast::<i32>();
        *dimension = i32::try_from(count).unwrap_or(i32::MAX);
        *dimension.add(1) = 1;
        let mut element = start.add(data);
        for text in texts {
            let length = pg_sys::VARHDRSZ + text.len();
            pgrx::set_varsize_4b(element.cast(), i32::try_from(length).unwrap_or(i32::MAX));
            std::ptr::copy_nonoverlapping(text.as_ptr(), element.add(pg_sys::VARHDRSZ), text.len());
            element = element.add(aligned(length, INT));
        }
        pg_sys::Datum::from(array)
    }
}

/// A `text` of these bytes, in the current memory context.
pub fn text(bytes: &[u8]) -> pg_sys::Datum {
    // A bytea looks the same.
    bytes.into_datum().unwrap_or(pg_sys::Datum::null())
}
