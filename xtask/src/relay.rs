//! The relay of the demo, on this machine and for as long as the command runs.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::place::built;

const READY: &str = "listening on ";

/// A running `sync-server`. Stops it when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    process: Child,
    data: PathBuf,
    /// Kept open: a closed pipe would break the relay's output.
    _output: BufReader<ChildStdout>,
    address: String,
}

impl Relay {
    /// Starts the relay on the port it had before, or on a free one, and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let remembered = folder.join("listen");
        let listen = fs::read_to_string(&remembered).unwrap_or_else(|_| "127.0.0.1:0".to_owned());
        let data = folder.join("data");
        let mut process = Command::new(built("sync-server"))
            .args(["serve", "--listen", listen.trim(), "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the relay could not be started: {error}"))?;
        let output = process.stdout.take().ok_or("the relay has no output")?;
        let mut output = BufReader::new(output);
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            let read = output
                .read_line(&mut line)
                .map_err(|error| format!("the relay: {error}"))?;
            if read == 0 {
                return Err(format!("the relay ended before it was ready:\n{said}"));
            }
            if let Some((_, address)) = line.split_once(READY) {
                break address.trim().to_owned();
            }
            said.push_str(&line);
        };
        let socket = address.trim_start_matches("ws://").trim_end_matches('/');
        fs::write(&remembered, socket)
            .map_err(|error| format!("{}: {error}", remembered.display()))?;
        Ok(Self {
            process,
            data,
            _output: output,
            address,
        })
    }

    /// A ticket with which one practice can be founded here.
    pub(crate) fn ticket(&self) -> Result<String, String> {
        let output = Command::new(built("sync-server"))
            .args(["org", "invite", "--data"])
            .arg(&self.data)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("sync-server org invite: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "sync-server org invite ended with {}",
                output.status
            ));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let ticket = said
            .split_whitespace()
            .last()
            .ok_or("sync-server org invite said nothing")?;
        Ok(ticket.to_owned())
    }

    /// Where desks find it: `ws://HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Relay {
    /// Asks it to end, so that it stops cleanly, and waits.
    fn drop(&mut self) {
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        if !asked.is_ok_and(|status| status.success()) {
            self.process.kill().ok();
        }
        self.process.wait().ok();
    }
}
