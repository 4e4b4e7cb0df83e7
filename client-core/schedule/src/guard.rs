//! A fence around Automerge: a panic inside becomes an error.
//!
//! Every change that others wrote is parsed and applied behind [`guarded`], on a copy that is
//! thrown away when it panics. This needs `panic = "unwind"`, which the release profile keeps.
//!
//! A panic that is caught is no news: it was a hostile change, and is reported as one. Binaries and
//! tests may call [`quiet_guarded_panics`] once so that nothing is printed for it. The library
//! itself never touches the process-wide hook.

use std::{cell::Cell, panic};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Something behind the fence panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change made the document library panic")]
pub struct Panicked;

/// Runs `work` and turns a panic into an error. What `work` changed must be thrown away then.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    struct Depth;
    impl Drop for Depth {
        fn drop(&mut self) {
            DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
        }
    }
    DEPTH.with(|depth| depth.set(depth.get().saturating_add(1)));
    let _depth = Depth;
    panic::catch_unwind(panic::AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Keeps panics behind the fence from printing; all others go to the hook that was there before.
/// For the start of a program, once.
pub fn quiet_guarded_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if DEPTH.with(Cell::get) == 0 {
            before(info);
        }
    }));
}
