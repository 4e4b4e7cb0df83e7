//! What calls leave behind on the stack.
//!
//! A secret that is moved, returned or copied leaves its bytes in frames that are no longer in use; its
//! type wipes only the place where it ends. What is freed on the heap is wiped by the allocator of the
//! programs. So after every call into a home the part of the stack that its callees used is written over.

/// How deep a request goes with whole key files in its frames; a thread's stack holds 2 MiB.
const REQUEST: usize = 512 * 1024;
/// How deep commands and queries go, which touch keys by reference.
const CALL: usize = 64 * 1024;

/// Overwrites what callees of the caller left on the stack.
#[inline(never)]
#[allow(
    clippy::large_stack_arrays,
    reason = "to lie where others' frames lay is what it is for"
)]
fn wipe<const DEPTH: usize>() {
    let mut over = [0_u8; DEPTH];
    // Nobody reads it; so that it is written all the same.
    core::hint::black_box(&mut over);
}

/// Wipes when it goes out of scope: make one first in a function that others call from outside.
#[derive(Debug)]
pub(super) enum WipesStack {
    AfterRequest,
    AfterCall,
}

impl Drop for WipesStack {
    fn drop(&mut self) {
        match self {
            Self::AfterRequest => wipe::<REQUEST>(),
            Self::AfterCall => wipe::<CALL>(),
        }
    }
}
