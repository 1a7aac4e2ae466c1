//! How much an evaluation may do.

use std::cell::Cell;

use super::Fault;

/// So many steps are taken between two calls of the caller's check: some tens of microseconds.
const STEPS_BETWEEN_CHECKS: u64 = 1_024;

/// Counts steps. A step is about one visited item, one operation or 64 bytes of text.
pub(crate) struct Work<'c> {
    left: Cell<u64>,
    until_check: Cell<u64>,
    check: Option<&'c dyn Fn()>,
}

impl<'c> Work<'c> {
    /// Allows `steps`; `check` is called now and then, and may unwind to end the work.
    pub(crate) fn new(steps: u64, check: Option<&'c dyn Fn()>) -> Self {
        Self {
            left: Cell::new(steps),
            until_check: Cell::new(STEPS_BETWEEN_CHECKS),
            check,
        }
    }

    /// Takes `steps`, before they are done.
    pub(crate) fn spend(&self, steps: u64) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(steps).ok_or(Fault::Budget)?;
        self.left.set(left);
        match self.until_check.get().checked_sub(steps) {
            Some(left) => self.until_check.set(left),
            None => {
                self.until_check.set(STEPS_BETWEEN_CHECKS);
                if let Some(check) = self.check {
                    check();
                }
            }
        }
        Ok(())
    }

    /// Takes what reading or making so many bytes of text costs.
    pub(crate) fn spend_text(&self, bytes: usize) -> Result<(), Fault> {
        self.spend((bytes / 64) as u64 + 1)
    }
}
