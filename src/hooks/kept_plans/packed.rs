//! A plan in PostgreSQL's own form, in one piece of memory.

use pgrx::prelude::*;
use std::ffi::c_void;
use std::ptr;

/// Blocks of memory that a plan is kept in.
const SMALLEST: usize = 1024;
const LARGEST: usize = 64 * 1024;

/// A copy of a plan as PostgreSQL has it, in one piece of memory, where one of a thousand is read faster than in four, counted once; and how many bytes
/// from its beginning on it takes, if they are in one piece.
///
/// # Safety
/// `plan` must be a plan of PostgreSQL's, and `stmt` what it is made of.
pub unsafe fn packed(
    plan: *const pg_sys::CachedPlan,
    stmt: *const pg_sys::PlannedStmt,
) -> (*mut pg_sys::CachedPlan, usize) {
    // SAFETY: by the caller's promise. The new context is a child of the current one until all is there, so that an error leaves
    // nothing behind. After an error PostgreSQL itself says which context is current.
    unsafe {
        let size = pg_sys::MemoryContextMemAllocated((*plan).context, true)
            .next_multiple_of(SMALLEST)
            .clamp(SMALLEST, LARGEST);
        let context = pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            c"fhir_access kept plan".as_ptr(),
            size,
            SMALLEST,
            LARGEST,
        );
        let outer = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = context;
        let copy = pg_sys::palloc(size_of::<pg_sys::CachedPlan>()).cast::<pg_sys::CachedPlan>();
        copy.write(*plan);
        (*copy).context = context;
        (*copy).refcount = 1;
        (*copy).stmt_list = pg_sys::lappend(
            ptr::null_mut(),
            pg_sys::copyObjectImpl(stmt.cast()).cast::<c_void>(),
        );
        let end = pg_sys::palloc(1);
        pg_sys::CurrentMemoryContext = outer;
        pg_sys::MemoryContextSetParent(context, pg_sys::CacheMemoryContext);
        let span = end.addr().wrapping_sub(copy.addr());
        (copy, if span < size { span } else { 0 })
    }
}

/// Has the processor begin to fetch what will be read. Of a thousand plans none is at hand, and each part of it that is met one by one
/// is waited for.
pub fn fetch(plan: *const pg_sys::CachedPlan, span: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..span).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, whatever the address.
        unsafe { _mm_prefetch(plan.cast::<i8>().wrapping_add(line), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (plan, span);
}
