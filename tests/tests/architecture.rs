//! Who may import whom, and what the pure parts may not touch.
//!
//! Read from `cargo metadata`, so a dependency is seen in whichever way it is written. The rules are
//! the tables at the top; `violations` compares, and is itself shown to see planted edges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Each crate of ours, with those of ours it may import. The relay has no way to client-core: it has
/// no type for a client or a pet, and no record key.
const ALLOWED: &[(&str, &[&str])] = &[
    ("conflict-rules", &[]),
    ("schedule", &["conflict-rules"]),
    ("sync-protocol", &[]),
    ("entry-log", &[]),
    (
        "sync-server",
        &["sync-protocol", "entry-log", "schedule", "conflict-rules"],
    ),
    (
        "client-core",
        &["sync-protocol", "entry-log", "schedule", "conflict-rules"],
    ),
    (
        "desktop",
        &[
            "client-core",
            "sync-protocol",
            "entry-log",
            "schedule",
            "conflict-rules",
        ],
    ),
    (
        "system-tests",
        &[
            "client-core",
            "sync-server",
            "sync-protocol",
            "entry-log",
            "schedule",
            "conflict-rules",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that do no input or output, read no clock and draw no randomness.
const PURE: &[&str] = &["conflict-rules", "schedule", "sync-protocol"];

/// What a pure crate may not depend on, except in its tests.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "fs2",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "sled",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tokio-util",
    "tungstenite",
    "ureq",
    "uuid",
];

/// What the sources of pure parts may not name.
const IMPURE_PATHS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "thread_rng",
    "OsRng",
];

/// Sources that keep to [`IMPURE_PATHS`]: the pure crates, and the pure parts of others.
const PURE_SOURCES: &[&str] = &[
    "conflict-rules/src",
    "client-core/schedule/src",
    "sync-server/protocol/src",
];

/// One dependency as the manifest states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    for_tests_only: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn edges(metadata: &Value) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            edges.insert(Edge {
                from: package["name"].as_str().unwrap().to_owned(),
                to: dependency["name"].as_str().unwrap().to_owned(),
                for_tests_only: dependency["kind"].as_str() == Some("dev"),
            });
        }
    }
    edges
}

/// Every edge which the tables forbid, in words.
fn violations(edges: &BTreeSet<Edge>) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut found = Vec::new();
    for Edge {
        from,
        to,
        for_tests_only,
    } in edges
    {
        let ours = allowed.contains_key(to.as_str());
        if ours
            && !allowed
                .get(from.as_str())
                .is_some_and(|may| may.contains(&to.as_str()))
        {
            found.push(format!("{from} may not import {to}"));
        }
        if PURE.contains(&from.as_str()) && IMPURE.contains(&to.as_str()) && !for_tests_only {
            found.push(format!("{from} is pure and may not depend on {to}"));
        }
    }
    found
}

#[test]
fn nobody_imports_what_it_may_not() {
    assert_eq!(violations(&edges(&metadata())), Vec::<String>::new());
}

#[test]
fn the_table_names_every_crate_of_the_workspace() {
    let metadata = metadata();
    let there: BTreeSet<_> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    let listed: BTreeSet<_> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, listed);
}

#[test]
fn only_the_window_is_left_out_of_the_default() {
    let metadata = metadata();
    let ids = |key: &str| -> BTreeSet<String> {
        metadata[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    };
    let left_out: Vec<String> = ids("workspace_members")
        .difference(&ids("workspace_default_members"))
        .map(|id| {
            let packages = metadata["packages"].as_array().unwrap();
            let package = packages
                .iter()
                .find(|package| package["id"].as_str() == Some(id));
            package.unwrap()["name"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(left_out, ["desktop"]);
}

#[test]
fn planted_edges_are_seen() {
    let planted = |from: &str, to: &str, for_tests_only| {
        let mut edges = edges(&metadata());
        edges.insert(Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            for_tests_only,
        });
        violations(&edges)
    };
    assert_eq!(
        planted("sync-server", "client-core", false),
        ["sync-server may not import client-core"]
    );
    // Not even in tests: what the relay's tests can name, its code soon names too.
    assert_eq!(
        planted("sync-server", "client-core", true),
        ["sync-server may not import client-core"]
    );
    assert_eq!(
        planted("conflict-rules", "schedule", false),
        ["conflict-rules may not import schedule"]
    );
    assert_eq!(
        planted("sync-protocol", "tokio", false),
        ["sync-protocol is pure and may not depend on tokio"]
    );
    assert_eq!(
        planted("sync-protocol", "tempfile", true),
        Vec::<String>::new()
    );
}

#[test]
fn pure_sources_touch_no_clock_disk_network_or_chance() {
    let mut read = 0;
    let mut found = Vec::new();
    for folder in PURE_SOURCES {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            read += 1;
            // Unit tests stand at the end of a file and may read fixtures.
            let code = text.split("#[cfg(test)]").next().unwrap();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap();
                for path in IMPURE_PATHS {
                    if line.contains(path) {
                        let file = file.strip_prefix(root()).unwrap().display();
                        found.push(format!("{file}:{} names {path}", number + 1));
                    }
                }
            }
        }
    }
    assert!(
        read >= PURE_SOURCES.len(),
        "the pure sources have moved: only {read} files were read"
    );
    assert_eq!(found, Vec::<String>::new());
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}
