//! What is checked without running anything of ours.

use crate::{
    place::{cargo, desk, npm, output, start},
    step::Step,
};

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "format",
            what: "rustfmt, stable options only",
            needs: &[],
            run: format,
        },
        Step {
            name: "front-end",
            what: "types, lint and format of the desk",
            needs: &[],
            run: front_end,
        },
        Step {
            name: "clippy",
            what: "the lint table, warnings are errors",
            needs: &[],
            run: clippy,
        },
        Step {
            name: "docs",
            what: "rustdoc with private items, warnings are errors",
            needs: &[],
            run: docs,
        },
        Step {
            name: "licences",
            what: "cargo-deny, where it is installed",
            needs: &[],
            run: licences,
        },
    ]
}

pub(crate) fn format() -> Result<(), String> {
    start(cargo(&["fmt", "--all", "--check"]))
}

fn front_end() -> Result<(), String> {
    start(npm(&["run", "--silent", "check"]))?;
    start(npm(&["run", "--silent", "lint"]))
}

fn clippy() -> Result<(), String> {
    embedded_page()?;
    start(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "desktop/custom-protocol",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs() -> Result<(), String> {
    embedded_page()?;
    let mut doc = cargo(&[
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    start(doc)
}

fn licences() -> Result<(), String> {
    if output("cargo", &["deny", "--version"]).is_none() {
        println!(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`): licences were not looked at."
        );
        return Ok(());
    }
    start(cargo(&["deny", "check", "licenses", "bans", "sources"]))
}

/// The Tauri crate embeds the built page at compile time, so there must be one.
fn embedded_page() -> Result<(), String> {
    if desk().join("dist/index.html").exists() {
        return Ok(());
    }
    start(npm(&["run", "--silent", "build"]))
}
