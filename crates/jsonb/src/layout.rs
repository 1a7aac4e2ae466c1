//! The constants of `jsonb.h`, and reading one container's table of entries.

use crate::Corrupt;

/// Bits of the container header.
pub(crate) const COUNT: u32 = 0x0FFF_FFFF;
pub(crate) const SCALAR: u32 = 0x1000_0000;
pub(crate) const OBJECT: u32 = 0x2000_0000;
pub(crate) const ARRAY: u32 = 0x4000_0000;

/// Bits of an entry: the low 28 hold a length, or, with `HAS_OFFSET`, the end's offset.
pub(crate) const LENGTH: u32 = 0x0FFF_FFFF;
pub(crate) const TYPE: u32 = 0x7000_0000;
pub(crate) const HAS_OFFSET: u32 = 0x8000_0000;
pub(crate) const STRING: u32 = 0x0000_0000;
pub(crate) const NUMERIC: u32 = 0x1000_0000;
pub(crate) const FALSE: u32 = 0x2000_0000;
pub(crate) const TRUE: u32 = 0x3000_0000;
pub(crate) const NULL: u32 = 0x4000_0000;
pub(crate) const CONTAINER: u32 = 0x5000_0000;

/// Every so many entries one stores an offset instead of a length.
pub(crate) const STRIDE: usize = 32;

/// Numbers and containers start at a multiple of four.
pub(crate) const fn align(offset: usize) -> usize {
    offset.saturating_add(3) & !3
}

/// The `u32` at the start of `bytes`, in the machine's order.
pub(crate) fn first_u32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// A container cut into its parts: one entry per key and value, and the children's bytes behind them.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) entries: &'a [[u8; 4]],
    pub(crate) data: &'a [u8],
}

/// Splits off the table of `slots` entries; `None` when the bytes end before it does.
pub(crate) fn parts(container: &[u8], slots: usize) -> Option<Parts<'_>> {
    let rest = container.get(4..)?;
    let (entries, data) = rest.split_at_checked(slots.checked_mul(4)?)?;
    Some(Parts {
        entries: entries.as_chunks().0,
        data,
    })
}

/// The number of members or elements that the header at the start of `container` gives.
pub(crate) fn count(container: &[u8]) -> usize {
    first_u32(container).map_or(0, |header| (header & COUNT) as usize)
}

impl<'a> Parts<'a> {
    /// The raw entry `i`.
    pub(crate) fn entry(&self, i: usize) -> Option<u32> {
        self.entries.get(i).map(|chunk| u32::from_ne_bytes(*chunk))
    }

    /// Where child `i` starts in `data`: looks back at most to the last entry that holds an offset.
    pub(crate) fn start(&self, i: usize) -> Option<usize> {
        let mut offset = 0usize;
        for chunk in self.entries.get(..i)?.iter().rev() {
            let entry = u32::from_ne_bytes(*chunk);
            offset = offset.checked_add((entry & LENGTH) as usize)?;
            if entry & HAS_OFFSET != 0 {
                break;
            }
        }
        Some(offset)
    }
}

/// The end of a child that starts at `start`.
pub(crate) fn end(entry: u32, start: usize) -> usize {
    let field = (entry & LENGTH) as usize;
    if entry & HAS_OFFSET != 0 {
        field
    } else {
        start.saturating_add(field)
    }
}

/// The bytes of a child, padding cut off for the aligned types.
pub(crate) fn child_bytes(
    data: &[u8],
    entry: u32,
    start: usize,
    end: usize,
) -> Result<&[u8], Corrupt> {
    let start = match entry & TYPE {
        NUMERIC | CONTAINER => align(start),
        _ => start,
    };
    data.get(start..end)
        .ok_or(Corrupt("a child lies outside its container"))
}
