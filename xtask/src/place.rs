//! Where things are, and how programs are started there.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder of the desk's front end.
pub(crate) fn desk() -> PathBuf {
    root().join("desktop")
}

/// Cargo's target folder; everything that a task leaves behind lies below it.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A program of the profile everything is built in.
pub(crate) fn built(program: &str) -> PathBuf {
    target().join("debug").join(program)
}

/// The cargo that runs this task, in the root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    program(
        std::env::var("CARGO").as_deref().unwrap_or("cargo"),
        arguments,
    )
}

/// npm in the desk's folder.
pub(crate) fn npm(arguments: &[&str]) -> Command {
    let mut npm = program("npm", arguments);
    npm.current_dir(desk());
    npm
}

/// Any program, in the root.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a program with this terminal; a failure says which one it was.
pub(crate) fn start(mut command: Command) -> Result<(), String> {
    let shown = shown(&command);
    println!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}` could not be started: {error}")),
    }
}

/// What a program prints, or nothing if it is not there or fails.
pub(crate) fn output(name: &str, arguments: &[&str]) -> Option<String> {
    let output = program(name, arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let root = root();
    let name = Path::new(command.get_program()).file_name();
    let mut words = vec![
        name.unwrap_or_else(|| command.get_program())
            .to_string_lossy()
            .into_owned(),
    ];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    let place = command
        .get_current_dir()
        .and_then(|dir| dir.strip_prefix(&root).ok());
    let words = words.join(" ").replace(&format!("{}/", root.display()), "");
    match place {
        Some(place) if !place.as_os_str().is_empty() => {
            format!("cd {} && {words}", place.display())
        }
        _ => words,
    }
}
