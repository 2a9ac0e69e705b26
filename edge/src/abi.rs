//! The face for every host that is not JavaScript: plain exports, no imports, bytes through linear memory.
//!
//! | export             | role                                                                              |
//! |--------------------|-----------------------------------------------------------------------------------|
//! | `spec_version`     | the version of the rules by which bytes become decisions; the first call          |
//! | `alloc_v1`         | a block for the host to write into; 0: there is no such room                      |
//! | `dealloc_v1`       | gives a block back                                                                |
//! | `load_snapshot_v1` | takes an encoded `SnapshotContent` and its version, whole, instead of the one before |
//! | `decide_v1`        | reads a `DecideRequest` and makes a `DecideAnswer`                                |
//! | `open_fold_v1`     | begins a fold as an encoded `FoldSettings` says, instead of the one before        |
//! | `add_revision_v1`  | makes a `Revision` known to the fold under its id                                 |
//! | `explode_v1`       | takes a `LogRecord` apart by unit, at its partition's clock: an `Exploded`        |
//! | `fold_v1`          | joins a unit's events with its state: a `FoldAnswer` to a `FoldRequest`           |
//! | `take_v1`          | the `Differences` that folding made, of all ticks up to this one                  |
//! | `take_tallies_v1`  | the `Tallies` of all minutes that are over and whose differences were taken       |
//! | `add_tallies_v1`   | the sum of the `Tallies` of one minute and revision: a `Tally`                    |
//! | `minute_v1`        | what a minute has brought, with names: a `MinuteAnswer` to a `MinuteRequest`      |
//! | `merge_v1`         | the sum of the `Accumulators` in a `MergeRequest`                                 |
//! | `roll_up_v1`       | `Accumulators` in the widths of a clock; empty where nothing is left in them      |
//! | `answer_v1`        | where the last answer stands; it holds until the next call                        |
//! | `answer_len_v1`    | how long it is                                                                    |
//!
//! A host copies its bytes into a block, calls, and gives the block back. An export carries the version of its own
//! contract in its name, so that a host which asks for one that is gone fails when it loads the module and not in the
//! middle of a decision. `spec_version` alone has no such suffix: by it a host learns whether it may make the others.
//!
//! Nothing here panics on input: what is wrong is a [`Code`].
#![allow(unsafe_code)] // The one border where bytes are addresses: `no_mangle` exports, raw allocation, one static.

mod decide;
mod fold;
mod minutes;

use alloc::alloc::{alloc, dealloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::{ptr, slice};

use tiltwise_core::snapshot::SnapshotContent;
use tiltwise_core::wire::WireError;

pub use decide::Code;

/// Every block is aligned for the widest number that is written into one.
const ALIGN: usize = 8;

/// What an instance holds between calls.
struct State {
    snapshot: Option<(u64, SnapshotContent)>,
    folding: Option<fold::Folding>,
    answer: Vec<u8>,
}

struct Instance(UnsafeCell<State>);

// SAFETY: an instance of a module has one thread; a host that wants more makes more instances.
unsafe impl Sync for Instance {}

static INSTANCE: Instance = Instance(UnsafeCell::new(State {
    snapshot: None,
    folding: None,
    answer: Vec::new(),
}));

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

/// Takes an encoded `SnapshotContent`, whose signature and hash the host has verified. Returns a [`Code`]; with any but 0
/// the snapshot of before stays in use.
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load_snapshot_v1(block: *const u8, len: usize, version: u64) -> u32 {
    // SAFETY: the caller's contract.
    match SnapshotContent::decode(unsafe { bytes(block, len) }) {
        Ok(content) => {
            state().snapshot = Some((version, content));
            Code::Drawn as u32
        }
        Err(WireError::Newer { .. }) => Code::Upgrade as u32,
        Err(_) => Code::Unreadable as u32,
    }
}

/// Decides as an encoded `DecideRequest` asks. Returns a [`Code`]; the encoded `DecideAnswer` stands at [`answer_v1`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn decide_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let request = unsafe { bytes(block, len) };
    let state = state();
    let (code, answer) = decide::answer(state.snapshot.as_ref(), request);
    state.answer = answer;
    code as u32
}

/// Begins a fold as an encoded `FoldSettings` says: without definitions, and with nothing to take. Returns a [`Code`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open_fold_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let opened = fold::Folding::open(unsafe { bytes(block, len) });
    answer(opened.map(|folding| {
        state().folding = Some(folding);
        Vec::new()
    }))
}

/// Makes an encoded `Revision` known under its id. Returns a [`Code`]. One that is known stays as it is.
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_revision_v1(block: *const u8, len: usize, id: u64) -> u32 {
    // SAFETY: the caller's contract.
    let revision = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.add_revision(id, revision).map(|()| Vec::new())))
}

/// Takes an encoded `LogRecord` apart, at the clock of its partition before it, 0 before the first. Returns a [`Code`]; the
/// `Exploded` stands at [`answer_v1`]. Needs no fold.
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn explode_v1(block: *const u8, len: usize, clock_ms: u64) -> u32 {
    // SAFETY: the caller's contract.
    answer(fold::explode(unsafe { bytes(block, len) }, clock_ms))
}

/// Joins as an encoded `FoldRequest` asks. Returns a [`Code`], and with any but 0 nothing has changed; the `FoldAnswer` stands
/// at [`answer_v1`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fold_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let request = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.fold(request)))
}

/// Hands over the differences of all ticks up to this one: `Differences` at [`answer_v1`]. Returns a [`Code`].
#[unsafe(no_mangle)]
pub extern "C" fn take_v1(through_tick: u64) -> u32 {
    answer(folding().map(|folding| folding.take(through_tick)))
}

/// Hands over what all minutes have brought that are over at the end of this tick, of differences that were taken: `Tallies` at
/// [`answer_v1`]; nothing where the settings of the fold do not ask for them. Returns a [`Code`].
#[unsafe(no_mangle)]
pub extern "C" fn take_tallies_v1(through_tick: u64) -> u32 {
    answer(folding().map(|folding| folding.take_tallies(through_tick)))
}

/// Adds up encoded `Tallies` of one minute and revision. Returns a [`Code`]; the `Tally` stands at [`answer_v1`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_tallies_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let request = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.add_tallies(request)))
}

/// Says what a minute has brought, as an encoded `MinuteRequest` asks. Returns a [`Code`]; the `MinuteAnswer` stands at
/// [`answer_v1`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minute_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let request = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.minute(request)))
}

/// Adds up the sums of one revision in an encoded `MergeRequest`. Returns a [`Code`]; the `Accumulators` stand at [`answer_v1`].
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn merge_v1(block: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's contract.
    let request = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.merge(request)))
}

/// Brings encoded `Accumulators` to the widths of a clock that is not before any they have seen. Returns a [`Code`]; they stand
/// at [`answer_v1`], empty where nothing is left in them.
///
/// # Safety
/// `block` points to `len` bytes, or `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roll_up_v1(block: *const u8, len: usize, clock_ms: u64) -> u32 {
    // SAFETY: the caller's contract.
    let sums = unsafe { bytes(block, len) };
    answer(folding().and_then(|folding| folding.roll_up(sums, clock_ms)))
}

/// Where the last answer stands.
#[unsafe(no_mangle)]
pub extern "C" fn answer_v1() -> *const u8 {
    state().answer.as_ptr()
}

/// How many bytes the last answer has.
#[unsafe(no_mangle)]
pub extern "C" fn answer_len_v1() -> usize {
    state().answer.len()
}

/// # Safety
/// `block` points to `len` bytes that stay as they are, or `len` is 0.
unsafe fn bytes<'a>(block: *const u8, len: usize) -> &'a [u8] {
    if len == 0 || block.is_null() {
        return &[];
    }
    // SAFETY: by the contract above.
    unsafe { slice::from_raw_parts(block, len) }
}

/// Keeps an answer until the next call. What is wrong has none.
fn answer(made: Result<Vec<u8>, Code>) -> u32 {
    let (code, answer) = match made {
        Ok(answer) => (Code::Drawn, answer),
        Err(code) => (code, Vec::new()),
    };
    state().answer = answer;
    code as u32
}

fn folding() -> Result<&'static mut fold::Folding, Code> {
    state().folding.as_mut().ok_or(Code::NoFold)
}

fn state() -> &'static mut State {
    // SAFETY: one thread, and no export keeps its borrow across a call of another.
    unsafe { &mut *INSTANCE.0.get() }
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
