//! libFuzzer over one reader of `system_tests::fuzz`; `DAYBOOK_FUZZ_TARGET` says which.
//! Start it with `cargo xtask fuzz`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    // A change that makes the document library panic is refused behind a fence: no finding.
    schedule::quiet_guarded_panics();
    let name = std::env::var("DAYBOOK_FUZZ_TARGET").unwrap_or_default();
    system_tests::fuzz::target(&name).expect("DAYBOOK_FUZZ_TARGET names a target")
});

fuzz_target!(|data: &[u8]| TARGET(data));
