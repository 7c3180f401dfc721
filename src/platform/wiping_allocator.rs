//! The system's allocator, which overwrites memory before it frees it.
//!
//! The HTTP and TLS libraries keep requests and responses in buffers that they free as they are: an API key and tokens
//! would stay readable there. Rust has one allocator for a program, so this is a feature that builds of the C library
//! enable; a Rust program chooses its own allocator.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

#[global_allocator]
static WIPING: WipingAllocator = WipingAllocator;

struct WipingAllocator;

// SAFETY: all memory comes from the system's allocator, with the same layout. `realloc` is the default one, which moves to
// new memory: the system's could leave a copy behind.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: by the caller, the memory has this size and nothing else uses it.
        unsafe {
            memory.write_bytes(0, layout.size());
            // The optimizer would leave out a write that nothing reads.
            black_box(memory);
            System.dealloc(memory, layout);
        }
    }
}
