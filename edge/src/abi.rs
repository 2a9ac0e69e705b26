//! The face for every host that is not JavaScript: plain exports, no imports, bytes through linear memory.
//!
//! A host copies its bytes into memory that it got from `alloc_v1`, calls, and gives the memory back with
//! `dealloc_v1`. An export carries the version of its own contract in its name, so that a host which asks for one that
//! is gone fails when it loads the module and not in the middle of a decision. `spec_version` alone has no such suffix:
//! it is the first call, by which a host learns whether it may make the others.
#![allow(unsafe_code)] // The one border where bytes are addresses: `no_mangle` exports and raw allocation.

extern crate alloc;

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ptr;

/// Every block is aligned for the widest number that is written into one.
const ALIGN: usize = 8;

/// The version of the rules by which bytes become decisions.
#[unsafe(no_mangle)]
pub extern "C" fn spec_version() -> u32 {
    tiltwise_core::SPEC_VERSION
}

/// `len` bytes for the host to write into, or null where there is no such room or `len` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn alloc_v1(len: usize) -> *mut u8 {
    match Layout::from_size_align(len, ALIGN) {
        // SAFETY: the layout's size is not zero.
        Ok(layout) if len > 0 => unsafe { alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// Gives back what `alloc_v1` gave.
///
/// # Safety
/// `block` came from `alloc_v1(len)` with this `len`, and was not given back before. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dealloc_v1(block: *mut u8, len: usize) {
    if let (false, Ok(layout)) = (block.is_null(), Layout::from_size_align(len, ALIGN)) {
        // SAFETY: by the contract above, `block` was allocated with this very layout.
        unsafe { dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_can_be_written_to_its_end_and_given_back() {
        for len in [1, 7, 64, 60_000] {
            let block = alloc_v1(len);
            assert!(!block.is_null());
            // SAFETY: the block is `len` bytes long and ours until it is given back.
            unsafe {
                ptr::write_bytes(block, 0xa5, len);
                assert_eq!(*block.add(len - 1), 0xa5);
                dealloc_v1(block, len);
            }
        }
    }

    #[test]
    fn what_cannot_be_had_is_null_and_null_can_be_given_back() {
        assert!(alloc_v1(0).is_null());
        assert!(alloc_v1(usize::MAX).is_null());
        // SAFETY: null is ignored.
        unsafe { dealloc_v1(ptr::null_mut(), 8) };
    }
}
