//! A relay.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::channel,
    thread,
};

use super::{
    programs::sync_server,
    running::{PATIENCE, Running, finish},
};

const READY: &str = "listening on ";

/// A running `sync-server`.
#[derive(Debug)]
pub struct Relay {
    /// Its data folder.
    pub data: PathBuf,
    /// `ws://HOST:PORT`.
    pub address: String,
    /// What it wrote to standard error, over all its starts.
    pub log: PathBuf,
    flags: Vec<String>,
    running: Option<Running>,
}

impl Relay {
    /// Starts one on a free port.
    #[track_caller]
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, "127.0.0.1:0", &[]).unwrap_or_else(|said| panic!("{said}"))
    }

    /// Starts one; what it said instead when it does not get ready.
    pub fn start_with(data: &Path, listen: &str, flags: &[&str]) -> Result<Self, String> {
        let log = data.with_extension("log");
        let mut relay = Self {
            data: data.to_owned(),
            address: listen.to_owned(),
            log,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            running: None,
        };
        relay.run()?;
        Ok(relay)
    }

    /// `HOST:PORT`.
    pub fn host(&self) -> &str {
        self.address.trim_start_matches("ws://")
    }

    fn run(&mut self) -> Result<(), String> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("a log can be opened");
        let mut command = Command::new(sync_server());
        command
            .args(["serve", "--listen", self.host(), "--data"])
            .arg(&self.data)
            // A ballast is a matter of minutes of a disk, and tests have many relays.
            .args(["--ballast-mb", "0", "--min-free-mb", "0", "--log", "debug"])
            .args(&self.flags)
            .stdout(Stdio::piped())
            .stderr(log);
        let mut running = Running::start(&mut command);
        let output = BufReader::new(running.child().stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some((_, address)) = line.split_once(READY) {
                        address.trim().clone_into(&mut self.address);
                        self.running = Some(running);
                        return Ok(());
                    }
                }
                Err(_) => return Err(self.said()),
            }
        }
    }

    /// What it wrote to standard error.
    pub fn said(&self) -> String {
        let bytes = fs::read(&self.log).expect("a log can be read");
        let said = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!said.contains("panicked at"), "{said}");
        said
    }

    /// Its process.
    pub fn process(&mut self) -> u32 {
        self.running.as_mut().expect("it runs").child().id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.running.take().expect("it runs").kill();
    }

    /// `kill -9`, unless it has ended by itself.
    pub fn kill_if_running(&mut self) {
        self.running = None;
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.running.take().expect("it runs").terminate()
    }

    /// Starts again at the same address.
    #[track_caller]
    pub fn restart(&mut self) {
        self.run().unwrap_or_else(|said| panic!("{said}"));
    }

    /// The same; what it said when it does not get ready.
    pub fn try_restart(&mut self) -> Result<(), String> {
        self.run()
    }

    /// A ticket for one founding practice.
    #[track_caller]
    pub fn ticket(&self) -> String {
        let said = self.tool(&["org", "invite"]);
        assert!(said.0, "{}", said.1);
        said.1.trim().to_owned()
    }

    /// Runs one of the operator's commands: whether it succeeded, and what it said.
    pub fn tool(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(sync_server());
        command.args(arguments).arg("--data").arg(&self.data);
        let output = finish(&mut command);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("the programs write UTF-8");
        assert!(!said.contains("panicked at"), "{said}");
        (output.status.success(), said)
    }
}
