//! The allocator: free blocks on shelves, a shelf for every power of two.
//!
//! A block goes back to the shelf it came from and is never split or merged, so that taking and giving back are a few
//! instructions each and a page that lives for hours cannot fragment its memory: a shelf never holds more than was once in
//! use at the same time. What that costs is rounding up, at most one half of a block. In the page's module it is 300 bytes
//! of code where talc, which was here before, was 2,600; `dlmalloc`, which std brings, is twice that.
#![allow(unsafe_code)] // An allocator hands out raw memory; every block of it comes from `memory_grow` in this file.
#![expect(
    clippy::cast_ptr_alignment,
    reason = "blocks begin at multiples of 16, where a pointer is aligned"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;
use core::ptr::null_mut;

const PAGE: usize = 65_536;
/// Blocks have 16 bytes at least: room for the link, and an alignment that serves every type of ours.
const LEAST: usize = 16;
const SHELVES: usize = 32;

pub(super) struct Heap {
    /// By the exponent of its blocks' size: the first free block of each shelf, which begins with the next one's address.
    shelves: [Cell<*mut u8>; SHELVES],
    /// Memory that no block was made of yet.
    fresh: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: wasm without threads: each instance of a module has its memory, this static and its one thread for itself.
unsafe impl Sync for Heap {}

impl Heap {
    pub(super) const fn new() -> Self {
        Self {
            shelves: [const { Cell::new(null_mut()) }; SHELVES],
            fresh: Cell::new(0),
            end: Cell::new(0),
        }
    }

    /// Where blocks for so many bytes lie, by the exponent of their size. `None`: nobody could have so many.
    fn shelf(&self, bytes: usize) -> Option<(&Cell<*mut u8>, u32)> {
        let exponent = usize::BITS - (bytes.max(LEAST) - 1).leading_zeros();
        Some((self.shelves.get(exponent as usize)?, exponent))
    }

    /// A block that nobody has had, or null where the host gives no more memory.
    #[inline(never)]
    fn cut(&self, bytes: usize) -> *mut u8 {
        if self.end.get() - self.fresh.get() < bytes {
            let pages = bytes.div_ceil(PAGE);
            let before = memory_grow::<0>(pages);
            if before == usize::MAX {
                return null_mut();
            }
            // What is left of the last pages is added to where the new ones follow on them.
            if before * PAGE != self.end.get() {
                self.fresh.set(before * PAGE);
            }
            self.end.set(memory_size::<0>() * PAGE);
        }
        let block = self.fresh.get();
        self.fresh.set(block + bytes);
        block as *mut u8
    }
}

// SAFETY: a block is in use or on its shelf, never both: `alloc` takes it off, and only `dealloc` puts it back, under the
// size it was asked for with. Blocks do not overlap, since `cut` moves `fresh` past each, within memory that the host has
// given and nobody else asks for. Every size and `fresh` are multiples of 16, and a larger alignment is refused.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((shelf, exponent)) = self.shelf(layout.size()) else {
            return null_mut();
        };
        let block = shelf.get();
        if layout.align() > LEAST {
            return null_mut();
        }
        if block.is_null() {
            return self.cut(1 << exponent);
        }
        // SAFETY: a block on a shelf begins with the address of the next.
        shelf.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some((shelf, _)) = self.shelf(layout.size()) {
            // SAFETY: the block is of this shelf, has 16 bytes at least, and its owner has just given it up.
            unsafe { block.cast::<*mut u8>().write(shelf.get()) };
            shelf.set(block);
        }
    }
}
