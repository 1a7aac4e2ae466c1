//! The leakproof twins of PostgreSQL's operators: the same functions, run only where they raise no error that depends on a row.
//!
//! What a function is asked is checked when a statement is planned ([`crate::hooks::leakproof`]). Two things are left for here:
//!
//! * **The stack.** PostgreSQL's functions look how deep the stack is where they recurse, which depends on the document: who calls
//!   them with hardly any stack left could tell shapes of documents by the error. So there must be room for all that any pattern may
//!   ask for, before a statement looks at its first row ([`begin`]). A twin looks again, for the same room: what one twin has found
//!   is not told by the error of another. A pattern that asks for more has no twin, or gives NULL where it was not known.
//! * **Who calls.** Everybody may execute them, as the functions of operators. Those that are silent only with the patterns that
//!   were checked are NULL when they are called by any other way than the operator whose twin they are.
//!
//! The functions are plain frames, with nothing to drop, that an error of PostgreSQL's may jump over.

use super::version_1;
use crate::node::cached;
use crate::node::row::{self, JsonbDatum};
use pgrx::prelude::*;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// PostgreSQL's own functions, called as C would call them: see [`crate::hooks`] on its chain.
mod original {
    use pgrx::pg_sys::{Datum, FunctionCallInfo};

    unsafe extern "C-unwind" {
        pub fn check_stack_depth();
        pub fn set_stack_base() -> *mut std::ffi::c_char;
        pub fn restore_stack_base(base: *mut std::ffi::c_char);
        pub fn toast_raw_datum_size(datum: pgrx::pg_sys::Datum) -> usize;
        pub fn lc_ctype_is_c(collation: pgrx::pg_sys::Oid) -> bool;
    }

    macro_rules! originals {
        ($($name:ident)*) => {
            unsafe extern "C-unwind" {
                $(pub fn $name(fcinfo: FunctionCallInfo) -> Datum;)*
            }
        };
    }
    originals!(jsonb_object_field jsonb_object_field_text jsonb_array_element jsonb_array_element_text
        jsonb_extract_path jsonb_extract_path_text jsonb_contains jsonb_contained
        jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_path_exists_opr jsonb_path_match_opr
        textcat textlike textnlike texticlike texticnlike arraycontains arraycontained arrayoverlap
        ts_match_vq ts_match_qv numeric_eq numeric_ne numeric_lt numeric_le numeric_gt numeric_ge
        jsonb_eq jsonb_ne jsonb_lt jsonb_le jsonb_gt jsonb_ge);
}

/// What each twin leaves room for, in bytes, or a quarter of the stack where that is less: what row security's own conditions take of
/// a row that the statement's have found is hardly more. A statement begins with as much again, for its plan.
const ROOM: usize = 256 * 1024;

/// The frames in which the stack is measured step by step, where there may not be enough of it.
const FRAME: usize = 4 * 1024;

/// What each level of nesting takes, of the document that is looked for; what each byte takes of a JSON path, an item of which has
/// at least eight; of a LIKE pattern; and of a text search query, an operator of which has twelve. More than PostgreSQL's frames.
const LEVEL: usize = 512;
const PATH_BYTE: usize = 384;
const LIKE_BYTE: usize = 256;
const QUERY_BYTE: usize = 64;

/// A document of so many bytes is not nested deeper than leaves little room: it is not looked at.
const SMALL: usize = 512;

/// From this size on, in bytes, the text of a part of a document may be longer than a text can be.
const LARGE: usize = 1 << 27;

/// The longest text, a little less than PostgreSQL's limit on an allocation.
const LONGEST: usize = 0x3FFF_FF00;

/// From this size on, in bytes, PostgreSQL cannot make a text lower case.
const LOWEST: usize = 0x0FFF_FFFF;

/// Where the backend's stack begins; 0 as long as that is not known.
static BASE: AtomicUsize = AtomicUsize::new(0);

/// The size of the stack.
fn stack() -> usize {
    // SAFETY: reads a setting.
    usize::try_from(unsafe { pg_sys::max_stack_depth })
        .unwrap_or(0)
        .saturating_mul(1024)
}

/// What each twin leaves room for.
fn room() -> usize {
    ROOM.min(stack() / 4)
}

/// May a pattern ask for so much of the stack?
fn fits(bytes: usize) -> bool {
    bytes <= room()
}

/// Is there room for a document that is nested so deep, in the place of the pattern?
pub fn fits_levels(levels: usize) -> bool {
    fits(levels.saturating_mul(LEVEL))
}

/// Is there room for a JSON path of so many bytes, as it is stored?
pub fn fits_path(bytes: usize) -> bool {
    fits(bytes.saturating_mul(PATH_BYTE))
}

/// Is there room for a LIKE pattern of so many bytes?
pub fn fits_like(bytes: usize) -> bool {
    fits(bytes.saturating_mul(LIKE_BYTE))
}

/// Is there room for a text search query of so many bytes?
pub fn fits_query(bytes: usize) -> bool {
    fits(bytes.saturating_mul(QUERY_BYTE))
}

/// Raises PostgreSQL's error where there is not enough of the stack left for a statement whose conditions are asked before row
/// security's: else it would be raised where these meet a row, and tell that there is one. A plain frame.
///
/// # Safety
/// Nothing needs to be dropped in the caller's frame, which an error jumps over.
pub unsafe fn begin() {
    // SAFETY: by the caller's promise.
    unsafe { require(room().saturating_mul(2)) }
}

/// Raises PostgreSQL's error where there is not so much stack left. A plain frame.
unsafe fn require(bytes: usize) {
    // SAFETY: as below.
    unsafe {
        if left() < bytes {
            step(bytes);
        }
    }
}

/// What is left of it.
#[inline]
unsafe fn left() -> usize {
    let here = 0_u8;
    // SAFETY: the base is put back at once; what stands on the stack has an address on it.
    unsafe {
        let mut base = BASE.load(Ordering::Relaxed);
        if base == 0 {
            let known = original::set_stack_base();
            original::restore_stack_base(known);
            base = known.addr();
            BASE.store(base, Ordering::Relaxed);
        }
        stack().saturating_sub(base.abs_diff((&raw const here).addr()))
    }
}

/// Goes down on the stack by so much, or as far as it goes. A plain frame.
#[cold]
#[inline(never)]
unsafe fn step(bytes: usize) {
    let frame = MaybeUninit::<[u8; FRAME]>::uninit();
    std::hint::black_box(&frame);
    // SAFETY: nothing needs to be dropped in any frame that an error jumps over.
    unsafe {
        original::check_stack_depth();
        if let Some(more) = bytes.checked_sub(FRAME) {
            step(more);
        }
    }
    std::hint::black_box(&frame);
}

/// Is the function called as that of this operator of PostgreSQL's?
///
/// # Safety
/// `fcinfo` must be a call.
unsafe fn is_operator(fcinfo: pg_sys::FunctionCallInfo, operator: u32) -> bool {
    // SAFETY: by the caller's promise; the calling expression is null or a node.
    unsafe {
        let call = (*(*fcinfo).flinfo).fn_expr;
        !call.is_null()
            && pgrx::is_a(call, pg_sys::NodeTag::T_OpExpr)
            && (*call.cast::<pg_sys::OpExpr>()).opno.to_u32() == operator
    }
}

/// The argument at a place.
///
/// # Safety
/// The call must have it, not NULL.
unsafe fn datum(fcinfo: pg_sys::FunctionCallInfo, place: usize) -> pg_sys::Datum {
    // SAFETY: by the caller's promise.
    unsafe { pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, place) }
}

/// The bytes of a pattern, without its compression.
///
/// # Safety
/// The argument must be a varlena.
unsafe fn size(fcinfo: pg_sys::FunctionCallInfo, place: usize) -> usize {
    // SAFETY: by the caller's promise.
    unsafe { original::toast_raw_datum_size(datum(fcinfo, place)) }
}

/// # Safety
/// `fcinfo` must be a call.
unsafe fn null(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by the caller's promise.
    unsafe { pgrx::fcinfo::pg_return_null(fcinfo) }
}

/// A twin that is silent whatever it is asked.
macro_rules! silent {
    ($($(#[$signature:meta])* $name:ident, $record:ident, $original:ident;)*) => {$(
        version_1!($record);

        $(#[$signature])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: PostgreSQL calls with the arguments that the original is declared with, too.
            unsafe {
                require(room());
                original::$original(fcinfo)
            }
        }
    )*};
}

/// A twin that is silent as the operator's function, with so much stack for its pattern.
macro_rules! checked {
    ($($(#[$signature:meta])* $name:ident, $record:ident, $original:ident, $operator:literal, $bytes:expr;)*) => {$(
        version_1!($record);

        $(#[$signature])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: as above.
            unsafe {
                if !is_operator(fcinfo, $operator) {
                    return null(fcinfo);
                }
                let bytes: unsafe fn(pg_sys::FunctionCallInfo) -> usize = $bytes;
                if !fits(bytes(fcinfo)) && !fits_levels(shallower(fcinfo, $operator)) {
                    return null(fcinfo);
                }
                require(room());
                original::$original(fcinfo)
            }
        }
    )*};
}

silent! {
    /// Twin of `jsonb -> text`
    fhir_access_twin_field, pg_finfo_fhir_access_twin_field, jsonb_object_field;
    /// Twin of `jsonb -> integer`
    fhir_access_twin_element, pg_finfo_fhir_access_twin_element, jsonb_array_element;
    /// Twin of `jsonb #> text[]`
    fhir_access_twin_path, pg_finfo_fhir_access_twin_path, jsonb_extract_path;
    /// Twin of `jsonb ? text`
    fhir_access_twin_exists, pg_finfo_fhir_access_twin_exists, jsonb_exists;
    /// Twin of `jsonb ?| text[]`
    fhir_access_twin_exists_any, pg_finfo_fhir_access_twin_exists_any, jsonb_exists_any;
    /// Twin of `jsonb ?& text[]`
    fhir_access_twin_exists_all, pg_finfo_fhir_access_twin_exists_all, jsonb_exists_all;
    /// Twin of `numeric = numeric`
    fhir_access_twin_numeric_eq, pg_finfo_fhir_access_twin_numeric_eq, numeric_eq;
    /// Twin of `numeric <> numeric`
    fhir_access_twin_numeric_ne, pg_finfo_fhir_access_twin_numeric_ne, numeric_ne;
    /// Twin of `numeric < numeric`
    fhir_access_twin_numeric_lt, pg_finfo_fhir_access_twin_numeric_lt, numeric_lt;
    /// Twin of `numeric <= numeric`
    fhir_access_twin_numeric_le, pg_finfo_fhir_access_twin_numeric_le, numeric_le;
    /// Twin of `numeric > numeric`
    fhir_access_twin_numeric_gt, pg_finfo_fhir_access_twin_numeric_gt, numeric_gt;
    /// Twin of `numeric >= numeric`
    fhir_access_twin_numeric_ge, pg_finfo_fhir_access_twin_numeric_ge, numeric_ge;
    /// Twin of `jsonb = jsonb`
    fhir_access_twin_jsonb_eq, pg_finfo_fhir_access_twin_jsonb_eq, jsonb_eq;
    /// Twin of `jsonb <> jsonb`
    fhir_access_twin_jsonb_ne, pg_finfo_fhir_access_twin_jsonb_ne, jsonb_ne;
    /// Twin of `jsonb < jsonb`
    fhir_access_twin_jsonb_lt, pg_finfo_fhir_access_twin_jsonb_lt, jsonb_lt;
    /// Twin of `jsonb <= jsonb`
    fhir_access_twin_jsonb_le, pg_finfo_fhir_access_twin_jsonb_le, jsonb_le;
    /// Twin of `jsonb > jsonb`
    fhir_access_twin_jsonb_gt, pg_finfo_fhir_access_twin_jsonb_gt, jsonb_gt;
    /// Twin of `jsonb >= jsonb`
    fhir_access_twin_jsonb_ge, pg_finfo_fhir_access_twin_jsonb_ge, jsonb_ge;
}

checked! {
    /// Twin of `jsonb @> jsonb`, a document on the left
    fhir_access_twin_contains, pg_finfo_fhir_access_twin_contains, jsonb_contains, 3246, |call| depth(call, 1);
    /// Twin of `jsonb @> jsonb`, a document on the right
    fhir_access_twin_contains_document, pg_finfo_fhir_access_twin_contains_document, jsonb_contains, 3246, |call| depth(call, 0);
    /// Twin of `jsonb <@ jsonb`, a document on the left
    fhir_access_twin_contained, pg_finfo_fhir_access_twin_contained, jsonb_contained, 3250, |call| depth(call, 1);
    /// Twin of `jsonb <@ jsonb`, a document on the right
    fhir_access_twin_contained_document, pg_finfo_fhir_access_twin_contained_document, jsonb_contained, 3250, |call| depth(call, 0);
    /// Twin of `jsonb @? jsonpath`
    fhir_access_twin_path_exists, pg_finfo_fhir_access_twin_path_exists, jsonb_path_exists_opr, 4012, |call| size(call, 1) * PATH_BYTE;
    /// Twin of `jsonb @@ jsonpath`
    fhir_access_twin_path_match, pg_finfo_fhir_access_twin_path_match, jsonb_path_match_opr, 4013, |call| size(call, 1) * PATH_BYTE;
    /// Twin of `text LIKE text`
    fhir_access_twin_like, pg_finfo_fhir_access_twin_like, textlike, 1209, |call| size(call, 1) * LIKE_BYTE;
    /// Twin of `text NOT LIKE text`
    fhir_access_twin_not_like, pg_finfo_fhir_access_twin_not_like, textnlike, 1210, |call| size(call, 1) * LIKE_BYTE;
    /// Twin of `anyarray @> anyarray`
    fhir_access_twin_array_contains, pg_finfo_fhir_access_twin_array_contains, arraycontains, 2751, |_| 0;
    /// Twin of `anyarray <@ anyarray`
    fhir_access_twin_array_contained, pg_finfo_fhir_access_twin_array_contained, arraycontained, 2752, |_| 0;
    /// Twin of `anyarray && anyarray`
    fhir_access_twin_array_overlaps, pg_finfo_fhir_access_twin_array_overlaps, arrayoverlap, 2750, |_| 0;
    /// Twin of `tsvector @@ tsquery`
    fhir_access_twin_matches, pg_finfo_fhir_access_twin_matches, ts_match_vq, 3636, |call| size(call, 1) * QUERY_BYTE;
    /// Twin of `tsquery @@ tsvector`
    fhir_access_twin_is_matched, pg_finfo_fhir_access_twin_is_matched, ts_match_qv, 3637, |call| size(call, 0) * QUERY_BYTE;
}

/// How deep two documents are compared, where the pattern asks for more than there is room for: it was not known when the statement
/// was planned, or `max_stack_depth` was another one. One is not looked for deeper than the other goes.
///
/// # Safety
/// `fcinfo` must be a call of the operator's twin.
#[cold]
unsafe fn shallower(fcinfo: pg_sys::FunctionCallInfo, operator: u32) -> usize {
    // SAFETY: by the caller's promise; both arguments of these operators are jsonb.
    unsafe {
        match operator {
            3246 | 3250 => measured_once(fcinfo, 0).min(measured_once(fcinfo, 1)),
            _ => usize::MAX,
        }
    }
}

/// How deep a document is nested, and nothing is kept: what is kept is about the pattern.
///
/// # Safety
/// The argument must be jsonb.
#[pg_guard]
unsafe extern "C-unwind" fn measured_once(fcinfo: pg_sys::FunctionCallInfo, place: usize) -> usize {
    // SAFETY: by the caller's promise.
    let document = unsafe { JsonbDatum::new(datum(fcinfo, place)) };
    row::parse(document.bytes()).map_or(usize::MAX, levels)
}

/// The stack for comparing a document with the one at this place, level by level.
///
/// # Safety
/// The argument must be jsonb.
unsafe fn depth(fcinfo: pg_sys::FunctionCallInfo, place: usize) -> usize {
    // SAFETY: by the caller's promise. A level takes eight bytes of a document, at least.
    let levels = unsafe {
        match size(fcinfo, place) {
            size if size <= SMALL => size / 8,
            _ => measured(fcinfo, place),
        }
    };
    levels.saturating_mul(LEVEL)
}

/// How deep a document is nested.
///
/// # Safety
/// As above.
#[pg_guard]
unsafe extern "C-unwind" fn measured(fcinfo: pg_sys::FunctionCallInfo, place: usize) -> usize {
    // SAFETY: by the caller's promise; the original does not use the call site's memory.
    unsafe {
        let document = JsonbDatum::new(datum(fcinfo, place));
        *cached::of_argument(fcinfo, place, document.bytes(), || {
            row::parse(document.bytes()).map_or(usize::MAX, levels)
        })
    }
}

/// How deep a value is nested, on the heap.
pub fn levels(value: jsonb::Value<'_>) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1_usize)];
    while let Some((value, level)) = open.pop() {
        deepest = deepest.max(level);
        let below = level.saturating_add(1);
        match value {
            jsonb::Value::Array(array) => open.extend(array.iter().map(|part| (part, below))),
            jsonb::Value::Object(object) => {
                open.extend(object.iter().map(|(_, part)| (part, below)));
            }
            _ => {}
        }
    }
    deepest
}

/// Is there so much stack left that comparing a document with one of so many levels cannot run into its end? What a twin asks for.
pub fn has_room(levels: usize) -> bool {
    // SAFETY: as in `require`, which this tells of beforehand.
    unsafe { left() >= room().max(levels.saturating_mul(LEVEL)) }
}

/// A twin that gives a part of a document as text. The text of a large object or array may be longer than a text can be, and is
/// NULL then: PostgreSQL raises an error.
macro_rules! texts {
    ($($(#[$signature:meta])* $name:ident, $record:ident, $original:ident, $part:ident;)*) => {$(
        version_1!($record);

        $(#[$signature])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: as above; what gives a part has the same arguments as what gives its text.
            unsafe {
                require(room());
                if size(fcinfo, 0) >= LARGE {
                    let part = original::$part(fcinfo);
                    if (*fcinfo).isnull {
                        return part;
                    }
                    let mut text = pg_sys::Datum::null();
                    match large_text(part, &mut text) {
                        Text::Original => {}
                        Text::Long => return null(fcinfo),
                        Text::This => return text,
                    }
                }
                original::$original(fcinfo)
            }
        }
    )*};
}

texts! {
    /// Twin of `jsonb ->> text`
    fhir_access_twin_field_text, pg_finfo_fhir_access_twin_field_text, jsonb_object_field_text, jsonb_object_field;
    /// Twin of `jsonb ->> integer`
    fhir_access_twin_element_text, pg_finfo_fhir_access_twin_element_text, jsonb_array_element_text, jsonb_array_element;
    /// Twin of `jsonb #>> text[]`
    fhir_access_twin_path_text, pg_finfo_fhir_access_twin_path_text, jsonb_extract_path_text, jsonb_extract_path;
}

/// What the text of a part of a large document is.
#[repr(C)]
enum Text {
    /// What the original says.
    Original,
    /// Too long.
    Long,
    /// The one that was made.
    This,
}

/// The text of an object or an array.
///
/// # Safety
/// `part` must be jsonb.
#[pg_guard]
unsafe extern "C-unwind" fn large_text(part: pg_sys::Datum, text: &mut pg_sys::Datum) -> Text {
    // SAFETY: by the caller's promise.
    let part = unsafe { JsonbDatum::new(part) };
    match row::parse(part.bytes()) {
        Ok(value @ (jsonb::Value::Array(_) | jsonb::Value::Object(_))) => {
            match jsonb::to_json_within(value, LONGEST) {
                None => Text::Long,
                Some(written) => {
                    // Any varlena looks the same.
                    *text = row::jsonb_datum(written.as_bytes());
                    Text::This
                }
            }
        }
        _ => Text::Original,
    }
}

/// A twin of ILIKE. A text that PostgreSQL cannot make lower case, because of its length, is like nothing and unlike nothing.
macro_rules! insensitive {
    ($($(#[$signature:meta])* $name:ident, $record:ident, $original:ident, $operator:literal;)*) => {$(
        version_1!($record);

        $(#[$signature])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: as above.
            unsafe {
                let cannot = !is_operator(fcinfo, $operator)
                    || (size(fcinfo, 0) >= LOWEST && !original::lc_ctype_is_c((*fcinfo).fncollation));
                if cannot {
                    return null(fcinfo);
                }
                if !fits_like(size(fcinfo, 1)) {
                    return null(fcinfo);
                }
                require(room());
                original::$original(fcinfo)
            }
        }
    )*};
}

insensitive! {
    /// Twin of `text ILIKE text`
    fhir_access_twin_ilike, pg_finfo_fhir_access_twin_ilike, texticlike, 1627;
    /// Twin of `text NOT ILIKE text`
    fhir_access_twin_not_ilike, pg_finfo_fhir_access_twin_not_ilike, texticnlike, 1628;
}

version_1!(pg_finfo_fhir_access_twin_concat);

/// Twin of `text || text`. What would be longer than a text can be is NULL: PostgreSQL raises an error.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn fhir_access_twin_concat(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: as above.
    unsafe {
        // How many are joined, and that what is known is short, is checked of the operator.
        if !is_operator(fcinfo, 654) {
            return null(fcinfo);
        }
        require(room());
        match size(fcinfo, 0).saturating_add(size(fcinfo, 1)) {
            bytes if bytes > LONGEST => null(fcinfo),
            _ => original::textcat(fcinfo),
        }
    }
}
