//! What a wasm module without std must bring along: an allocator and an end.

mod heap;

use core::arch::wasm32::unreachable;
use core::panic::PanicInfo;

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

/// A panic is a defect, and traps: the host sees a `RuntimeError` and falls back. Saying more would bring the formatting
/// machinery of core into every page, several kilobytes of it.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unreachable()
}
