//! The cost of a `Box`: `pair` allocates and frees 64 bytes, and compiles to nothing but the hit path.
//!
//! ```text
//! cargo run --release -p larder-examples --example hit
//! objdump -d --disassemble=pair target/release/examples/hit
//! ```
use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::time::Instant;

#[global_allocator]
static HEAP: larder::Larder = larder::Larder;

const PAIRS: u32 = 20_000_000;

/// Allocates 64 bytes and frees them. The function has an unmangled name, so that it can be disassembled.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn pair() {
    let layout = Layout::new::<[u64; 8]>();
    // SAFETY: the layout's size is not 0.
    let object = black_box(unsafe { HEAP.alloc(layout) });
    if object.is_null() {
        return;
    }
    // SAFETY: the object was just allocated with this layout.
    unsafe { HEAP.dealloc(object, layout) };
}

fn main() {
    let start = Instant::now();
    (0..PAIRS).for_each(|_| pair());
    let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(PAIRS);
    println!("{nanoseconds:.2} ns for an allocation and a free of 64 bytes ({:?})", larder::mode());
}
