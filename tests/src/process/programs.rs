//! Where the programs are: beside the test, brought up to date by cargo once per test process.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Set by whoever has built the programs already: the folder they are in.
const BUILT: &str = "DAYBOOK_PROGRAMS";

/// The desk's command line.
pub fn daybook() -> PathBuf {
    programs().join("daybook")
}

/// The relay.
pub fn sync_server() -> PathBuf {
    programs().join("sync-server")
}

fn programs() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| env::var_os(BUILT).map_or_else(build, PathBuf::from))
}

/// `cargo test` builds no programs of other packages. Cargo knows whether they are stale.
fn build() -> PathBuf {
    // TARGET/PROFILE/deps/test-hash
    let test = env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("a test lies in deps")
        .to_owned();
    let target = profile.parent().expect("a profile lies in the target dir");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--locked", "--bins"])
        .args(["-p", "client-core", "-p", "sync-server", "--target-dir"])
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo can be started");
    assert!(built.success(), "the programs do not build");
    profile
}
