//! Installs what a fresh Debian or Ubuntu with Rust and Node lacks.
//!
//! Says what it is about to do, and asks when a person is at the terminal. What is there already is
//! left alone, so a second run takes no time.

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    process::Command,
};

use crate::place::{desk, npm, output, program, start};

/// Each with what it is for.
const PACKAGES: [(&str, &str); 6] = [
    ("build-essential", "the C compiler and linker"),
    ("pkg-config", "finds system libraries"),
    ("libwebkit2gtk-4.1-dev", "the web view of the window"),
    ("webkit2gtk-driver", "drives the real window in tests"),
    ("xvfb", "a display for machines without one"),
    (
        "python3-venv",
        "the second implementation which checks the formats",
    ),
];

/// The oldest Node that the front end's tools run on.
const NODE: (u32, u32) = (20, 19);

pub(crate) fn run() -> Result<(), String> {
    node()?;
    system_packages()?;
    front_end_packages()
}

fn node() -> Result<(), String> {
    let version = output("node", &["--version"])
        .ok_or("Node is missing: install Node 20.19 or newer, with npm, and run this again")?;
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map_while(|n| n.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= NODE => Ok(()),
        _ => Err(format!(
            "Node {} is too old: 20.19 or newer is needed",
            version.trim()
        )),
    }
}

fn system_packages() -> Result<(), String> {
    if output("dpkg-query", &["--version"]).is_none() {
        println!(
            "This system has no dpkg: install by its own means what these Debian packages hold:"
        );
        for (package, purpose) in PACKAGES {
            println!("  {package:<24} {purpose}");
        }
        return Ok(());
    }
    let missing: Vec<_> = PACKAGES
        .into_iter()
        .filter(|(name, _)| !is_installed(name))
        .collect();
    if missing.is_empty() {
        println!("All system packages are there.");
        return Ok(());
    }
    println!("These system packages are missing and will be installed with apt-get:");
    for (package, purpose) in &missing {
        println!("  {package:<24} {purpose}");
    }
    if std::io::stdin().is_terminal() && !agreed()? {
        return Err("nothing was installed".to_owned());
    }
    start(apt(&["update"]))?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|(name, _)| *name));
    start(apt(&install))?;
    match missing.iter().find(|(name, _)| !is_installed(name)) {
        Some((name, _)) => Err(format!("apt-get ended well, but {name} is still missing")),
        None => Ok(()),
    }
}

fn is_installed(package: &str) -> bool {
    output(
        "dpkg-query",
        &["--show", "--showformat=${db:Status-Status}", package],
    )
    .is_some_and(|status| status == "installed")
}

fn agreed() -> Result<bool, String> {
    print!("Install them? [Y/n] ");
    let mut answer = String::new();
    std::io::stdout()
        .flush()
        .and_then(|()| std::io::stdin().read_line(&mut answer))
        .map_err(|error| format!("no answer could be read: {error}"))?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "" | "y" | "yes"
    ))
}

/// apt-get as root: directly, or by sudo.
fn apt(arguments: &[&str]) -> Command {
    let is_root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    if is_root {
        let mut apt = program("apt-get", arguments);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    } else {
        let mut all = vec!["DEBIAN_FRONTEND=noninteractive", "apt-get"];
        all.extend(arguments);
        program("sudo", &all)
    }
}

/// `npm ci`, unless the last one was for the lock file that is there now.
fn front_end_packages() -> Result<(), String> {
    let lock = desk().join("package-lock.json");
    let installed = desk().join("node_modules/.package-lock.json");
    let time = |path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if let (Some(lock), Some(installed)) = (time(&lock), time(&installed))
        && installed >= lock
    {
        println!("The front end's packages are there.");
        return Ok(());
    }
    start(npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))
}
