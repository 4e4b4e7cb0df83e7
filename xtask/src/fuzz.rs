//! Coverage-guided fuzzing of every reader: builds `tests/fuzz` with counters, runs its targets.
//!
//! Works with the stable compiler: the counters come from LLVM's own pass, libFuzzer is compiled by
//! the C++ compiler. New inputs stay in the target folder; `--keep` adds to the corpora of the
//! repository those that reach something new. A crasher is put under `tests/fuzz/crashers` and from then on is part of
//! `cargo xtask test`. At the end a table says what each target did; `fuzz/log` in the target folder
//! has libFuzzer's own words.
//!
//! Start with [`run()`]; one target's run is in `session`.

mod session;

use std::{fs, path::PathBuf};

use session::{Limits, Session};

use crate::place::{output, program, root, start, target};

const USAGE: &str = "\
cargo xtask fuzz [--seconds N] [--quiet N] [--target NAME]... [--keep] [--as-built]

  --seconds N      how long each target runs (60)
  --quiet N        ends a target sooner when it found no new edge for so many seconds
  --target NAME    only this one; `--list` names them
  --keep           afterwards, add what reaches something new to tests/fuzz/corpus
  --as-built       run what was built before; the build takes minutes after any change";

/// The counters: edges, the table of their places, and what comparisons compare.
const COUNTERS: &str = "-C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares \
    -C link-dead-code";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut limits = Limits {
        seconds: 60,
        quiet: None,
    };
    let (mut wanted, mut keep, mut as_built) = (Vec::new(), false, false);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let mut value = || {
            rest.next()
                .ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"))
        };
        match word.as_str() {
            "--seconds" => limits.seconds = number(value()?)?,
            "--quiet" => limits.quiet = Some(number(value()?)?),
            "--target" => wanted.push(value()?.clone()),
            "--keep" => keep = true,
            "--as-built" => as_built = true,
            "--list" => {
                for name in targets()? {
                    println!("{name}");
                }
                return Ok(());
            }
            _ => return Err(format!("unknown: {word:?}\n\n{USAGE}")),
        }
    }
    let all = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(format!(
            "there is no target {unknown:?}; there are {}",
            all.join(", ")
        ));
    }
    let chosen = if wanted.is_empty() { all } else { wanted };
    let fuzzer = build(as_built)?;
    let mut failed = Vec::new();
    let mut table = Vec::new();
    for name in &chosen {
        println!("\n==> {name}, {} s", limits.seconds);
        let session = Session::new(&fuzzer, name)?;
        let outcome = session.fuzz(limits)?;
        println!("{}", outcome.row(name));
        table.push(outcome.row(name));
        if !outcome.fine {
            failed.push(name.clone());
        } else if keep {
            println!("added to the corpus: {} inputs", session.keep()?);
        }
    }
    println!("\n{}", session::HEAD);
    for row in table {
        println!("{row}");
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "found something: {}. The input is in tests/fuzz/crashers; \
             `cargo test -p system-tests --test fuzz_replay` shows it",
            failed.join(", ")
        ))
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no number of seconds"))
}

/// The names in `tests/src/fuzz/mod.rs`, without building anything.
fn targets() -> Result<Vec<String>, String> {
    let file = root().join("tests/src/fuzz/mod.rs");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let names = text.lines().filter_map(|line| {
        let (name, call) = line.trim().strip_prefix("(\"")?.split_once("\", ")?;
        call.ends_with("),").then(|| name.to_owned())
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Err(format!("{} names no targets", file.display()));
    }
    Ok(names)
}

fn build(as_built: bool) -> Result<PathBuf, String> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if output(&compiler, &["--version"]).is_none() {
        return Err(format!(
            "libFuzzer is C++ and {compiler:?} is not here: install g++ or clang, or name one in CXX"
        ));
    }
    let host = output("rustc", &["-vV"]).unwrap_or_default();
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not say what it compiles for")?;
    if !host.contains("linux") && !host.contains("apple") {
        return Err(format!(
            "libFuzzer is not built for {host}; Linux and macOS work"
        ));
    }
    let folder = target().join("fuzz");
    let fuzzer = folder.join(host).join("release/fuzz");
    if as_built {
        return if fuzzer.exists() {
            Ok(fuzzer)
        } else {
            Err("nothing is built yet: leave --as-built away".to_owned())
        };
    }
    let mut cargo = program(
        "cargo",
        &[
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            "tests/fuzz/Cargo.toml",
        ],
    );
    // With a target, the counters go into what is fuzzed and not into build scripts.
    cargo
        .args(["--target", host, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", COUNTERS);
    start(cargo).map_err(|error| format!("{error}. It works with the stable compiler alone; with the network away, `cargo fetch --manifest-path tests/fuzz/Cargo.toml` first"))?;
    Ok(fuzzer)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        missing_docs,
        reason = "tests stop at the first surprise"
    )]

    use std::{collections::BTreeSet, fs};

    use crate::place::root;

    /// What the desk's core depends on, as a lock file says.
    fn dependencies(lock: &str) -> BTreeSet<String> {
        let text = fs::read_to_string(root().join(lock)).unwrap();
        let (_, after) = text.split_once("name = \"client-core\"").unwrap();
        let (_, after) = after.split_once("dependencies = [").unwrap();
        let (listed, _) = after.split_once(']').unwrap();
        let names = listed.lines().filter_map(|line| line.split('"').nth(1));
        names
            .filter_map(|name| name.split(' ').next())
            .map(str::to_owned)
            .collect()
    }

    /// The targets are a workspace of their own, built as locked: their lock file has to follow.
    #[test]
    fn the_lock_file_of_the_targets_follows_the_projects() {
        let ours = dependencies("Cargo.lock");
        let theirs = dependencies("tests/fuzz/Cargo.lock");
        // The core's own tests are not built there.
        let for_tests = ["proptest", "rqrr", "tempfile"].map(str::to_owned);
        let missing = ours.difference(&theirs);
        let missing: Vec<_> = missing.filter(|name| !for_tests.contains(name)).collect();
        assert!(
            missing.is_empty(),
            "tests/fuzz/Cargo.lock lacks {missing:?}: run cargo metadata --manifest-path \
             tests/fuzz/Cargo.toml"
        );
    }
}
