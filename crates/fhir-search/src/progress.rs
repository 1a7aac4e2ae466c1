//! Long work is counted, so that whoever runs it can have it interrupted.

use std::cell::Cell;
use std::sync::OnceLock;

/// So many steps are taken between two checks: some tens of microseconds.
const STEPS: u32 = 1_024;

static CHECK: OnceLock<fn()> = OnceLock::new();

thread_local! {
    static TAKEN: Cell<u32> = const { Cell::new(0) };
}

/// Has `check` called now and then while documents are evaluated; it may unwind to end the work. Only the first call counts.
pub fn on_progress(check: fn()) {
    let _ = CHECK.set(check);
}

/// One step.
pub fn tick() {
    let taken = TAKEN.get().wrapping_add(1);
    TAKEN.set(taken);
    if taken.is_multiple_of(STEPS)
        && let Some(check) = CHECK.get()
    {
        check();
    }
}
