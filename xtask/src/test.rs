//! Every test there is, in one profile.

use std::{fs, path::PathBuf};

use crate::{
    check,
    place::{built, cargo, npm, output, program, root, start, target},
    setup,
    step::Step,
};

/// The same for every cargo command, or the tree would be compiled twice.
const EVERYTHING: [&str; 3] = ["--workspace", "--features", "desktop/custom-protocol"];

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "setup",
            what: "system packages and the front end's packages",
            needs: &[],
            run: setup::run,
        },
        Step {
            name: "format",
            what: "rustfmt",
            needs: &[],
            run: check::format,
        },
        Step {
            name: "page",
            what: "build the desk's page",
            needs: &["setup"],
            run: page,
        },
        Step {
            name: "build",
            what: "compile everything, once",
            needs: &["setup", "page"],
            run: build,
        },
        Step {
            name: "rust",
            what: "unit, law, fault, system and structure tests",
            needs: &["build"],
            run: rust,
        },
        Step {
            name: "histories",
            what: "20,000 histories of the simulated world, and what they were made of",
            needs: &["build"],
            run: histories,
        },
        Step {
            name: "examples",
            what: "examples in the documentation",
            needs: &["build"],
            run: doctests,
        },
        Step {
            name: "optimised",
            what: "hostile changes and damaged logs, as released",
            needs: &["setup"],
            run: optimised,
        },
        Step {
            name: "python",
            what: "the formats, by a second implementation",
            needs: &["setup"],
            run: python,
        },
        Step {
            name: "types",
            what: "svelte-check",
            needs: &["setup"],
            run: types,
        },
        Step {
            name: "front-end",
            what: "controllers and components",
            needs: &["setup"],
            run: front_end,
        },
        Step {
            name: "window",
            what: "journeys through the real window",
            needs: &["build"],
            run: window,
        },
    ]
}

pub(crate) fn page() -> Result<(), String> {
    start(npm(&["run", "--silent", "build"]))
}

fn build() -> Result<(), String> {
    start(cargo(
        &[&["build"], &EVERYTHING[..], &["--lib", "--bins", "--tests"]].concat(),
    ))
}

/// The programs alone, with the same features as everything else.
pub(crate) fn programs() -> Result<(), String> {
    start(cargo(&[&["build"], &EVERYTHING[..], &["--bins"]].concat()))
}

fn rust() -> Result<(), String> {
    let only = ["--lib", "--bins", "--tests", "--no-fail-fast"];
    let runner: &[&str] = if output("cargo", &["nextest", "--version"]).is_some() {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let mut tests = cargo(&[runner, &EVERYTHING[..], &only[..]].concat());
    // The programs are there already: the tests of real processes need not build them again.
    if let Some(folder) = built("daybook").parent() {
        tests.env("DAYBOOK_PROGRAMS", folder);
    }
    // The next step runs them all.
    tests.env("DAYBOOK_HISTORIES", "20");
    start(tests)
}

fn histories() -> Result<(), String> {
    let named = ["--test", "world", "--", "histories_end", "--nocapture"];
    start(cargo(&[&["test"], &EVERYTHING[..], &named[..]].concat()))
}

fn doctests() -> Result<(), String> {
    start(cargo(&[&["test", "--doc"], &EVERYTHING[..]].concat()))
}

/// What must not panic or pass unseen is tried again the way it ships: optimised, still unwinding.
fn optimised() -> Result<(), String> {
    let mut tests = cargo(&[
        "test",
        "--release",
        "--tests",
        "-p",
        "schedule",
        "-p",
        "entry-log",
    ]);
    // Links test programs in seconds; optimisation within each crate is what counts here.
    tests.env("CARGO_PROFILE_RELEASE_LTO", "off");
    start(tests)
}

/// Runs every `check_*.py` of the Rust crates' and the system tests, in a virtual environment of
/// its own.
fn python() -> Result<(), String> {
    let checks = python_checks()?;
    if checks.is_empty() {
        return Err("no check_*.py was found".to_owned());
    }
    let venv = target().join("python");
    let interpreter = venv.join("bin/python");
    let wanted = root().join("tests/python/requirements.txt");
    let wanted_text = fs::read_to_string(&wanted).unwrap_or_default();
    let stamp = venv.join("requirements.txt");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted_text) {
        start(program(
            "python3",
            &["-m", "venv", "--clear", &venv.to_string_lossy()],
        ))?;
        if !wanted_text.is_empty() {
            let file = wanted.to_string_lossy();
            start(program(
                &interpreter.to_string_lossy(),
                &[
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--requirement",
                    &file,
                ],
            ))?;
        }
        fs::write(&stamp, &wanted_text).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    for check in checks {
        start(program(
            &interpreter.to_string_lossy(),
            &[&check.to_string_lossy()],
        ))?;
    }
    Ok(())
}

fn python_checks() -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for folder in [
        "tests/python",
        "sync-server/protocol/tests",
        "client-core/tests",
        "client-core/src/sealing",
    ] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        let files =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for file in files.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with("check_") && file.path().extension().is_some_and(|end| end == "py")
            {
                found.push(file.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn types() -> Result<(), String> {
    start(npm(&["run", "--silent", "check"]))
}

fn front_end() -> Result<(), String> {
    start(npm(&["run", "--silent", "test"]))
}

fn window() -> Result<(), String> {
    let mut journeys = program(
        "desktop/e2e/run.sh",
        &[&built("daybook-desk").to_string_lossy()],
    );
    journeys.env("E2E_OUT", target().join("e2e"));
    start(journeys)
}
