//! A home and the command line on it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;

use super::{
    programs::daybook,
    running::{PATIENCE, Running, finish},
};

/// One installation.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Its folder.
    pub home: PathBuf,
    passphrase: Option<PathBuf>,
    now: Option<String>,
}

/// What an invocation said.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// What was refused.
#[derive(Debug)]
pub struct Refused {
    /// Exit code.
    pub exit: i32,
    /// Stable code.
    pub code: String,
    /// All of it.
    pub value: Value,
}

impl Refused {
    /// Asserts exit and stable code, and that there is a sentence and a way out.
    #[track_caller]
    pub fn is(&self, exit: i32, code: &str) -> &Self {
        assert_eq!((self.exit, self.code.as_str()), (exit, code), "{self:?}");
        for part in ["message", "help"] {
            let text = self.value[part].as_str().unwrap_or_default();
            assert!(text.ends_with('.'), "{part} is no sentence: {self:?}");
        }
        self
    }

    /// Asserts which field is named.
    #[track_caller]
    pub fn field(&self, field: &str) -> &Self {
        assert_eq!(self.value["field"], field, "{self:?}");
        self
    }

    /// Asserts that a warning is among those to confirm.
    #[track_caller]
    pub fn warns(&self, warning: &str) -> &Self {
        let warnings = self.value["warnings"].as_array().expect("warnings");
        assert!(warnings.iter().any(|known| known == warning), "{self:?}");
        self
    }
}

/// The id of what a reply made.
#[track_caller]
pub fn id_of(reply: &Value) -> String {
    reply["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {reply}"))
        .to_owned()
}

impl Desk {
    /// A home whose keys lie beside it, for speed.
    pub fn new(place: &Path, name: &str) -> Self {
        Self {
            home: place.join(name),
            passphrase: None,
            now: None,
        }
    }

    /// A home under a passphrase.
    pub fn with_passphrase(place: &Path, name: &str, passphrase: &str) -> Self {
        let file = place.join(format!("{name}.passphrase"));
        std::fs::write(&file, format!("{passphrase}\n")).expect("a file can be written");
        Self {
            home: place.join(name),
            passphrase: Some(file),
            now: None,
        }
    }

    /// The same home in another folder.
    #[must_use]
    pub fn moved(&self, home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            ..self.clone()
        }
    }

    /// The same home on a machine whose clock stands still at `now`.
    #[must_use]
    pub fn at(&self, now: &str) -> Self {
        Self {
            now: Some(now.to_owned()),
            ..self.clone()
        }
    }

    /// An invocation, not started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(daybook());
        command.arg("--json").arg("--home").arg(&self.home);
        match &self.passphrase {
            Some(file) => command.arg("--passphrase-file").arg(file),
            None => command.arg("--insecure-machine-key"),
        };
        for variable in ["HOME", "PASSPHRASE_FILE", "CA_FILE", "NOW"] {
            command.env_remove(format!("DAYBOOK_{variable}"));
        }
        if let Some(now) = &self.now {
            command.env("DAYBOOK_NOW", now);
        }
        command.args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = finish(&mut self.command(arguments));
        let text = |bytes| String::from_utf8(bytes).expect("the programs write UTF-8");
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!said.err.contains("panicked"), "{arguments:?}: {said:?}");
        said
    }

    /// Runs it; it must succeed. The last line of its output.
    #[track_caller]
    pub fn does(&self, arguments: &[&str]) -> Value {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        let line = said.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{arguments:?}: {said:?}"))
    }

    /// Runs it; it must be refused.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str]) -> Refused {
        let said = self.run(arguments);
        let line = said.err.lines().last().unwrap_or_default();
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{arguments:?}: {said:?}"));
        Refused {
            exit: said.code,
            code: value["code"].as_str().unwrap_or_default().to_owned(),
            value,
        }
    }

    /// Where it stands.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.does(&["state"])
    }

    /// Exchanges with the relay; where it stands then.
    #[track_caller]
    pub fn sync(&self) -> Value {
        self.does(&["sync"])
    }

    /// Runs lines through `batch`; each line's answer.
    #[track_caller]
    pub fn batch(&self, options: &[&str], lines: &[String]) -> Vec<Value> {
        let mut burst = self.burst(options, lines);
        let mut answers = Vec::new();
        while let Some(answer) = burst.next() {
            answers.push(answer);
        }
        assert_eq!(answers.len(), lines.len(), "one answer a line");
        answers
    }

    /// Starts `sync --watch`, which holds the home until it is killed.
    pub fn watch(&self) -> Burst {
        Burst::start(&mut self.command(&["sync", "--watch"]), String::new())
    }

    /// Starts a batch and leaves it running.
    pub fn burst(&self, options: &[&str], lines: &[String]) -> Burst {
        let mut command = self.command(&["batch"]);
        Burst::start(command.args(options), lines.join("\n") + "\n")
    }
}

/// A batch that runs.
#[derive(Debug)]
pub struct Burst {
    running: Running,
    answers: Receiver<String>,
}

impl Burst {
    fn start(command: &mut Command, text: String) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut running = Running::start(command);
        let mut input = running.child().stdin.take().expect("piped");
        thread::spawn(move || {
            // The process may be killed before it has read everything.
            let _ = input.write_all(text.as_bytes());
        });
        let output = BufReader::new(running.child().stdout.take().expect("piped"));
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { running, answers }
    }

    /// The next answer; `None` when the process has ended.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator would be consumed by a loop that ends in the middle"
    )]
    pub fn next(&mut self) -> Option<Value> {
        use std::sync::mpsc::RecvTimeoutError;
        match self.answers.recv_timeout(PATIENCE) {
            // What was being written when the process was killed is not an answer.
            Ok(line) => serde_json::from_str(&line).ok(),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("a batch does not go on"),
        }
    }

    /// Its process.
    pub fn process(&mut self) -> u32 {
        self.running.child().id()
    }

    /// `kill -9`, and the answers that were printed before it.
    pub fn kill(self) -> Vec<Value> {
        let Self { running, answers } = self;
        running.kill();
        let lines = answers.iter();
        lines
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect()
    }
}
