//! One target under libFuzzer: runs it, reads what it tells, keeps what it found.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::{
    place::{root, target},
    step::now,
};

/// Over the rows of [`Outcome::row`].
pub(super) const HEAD: &str = "| target | executions | seconds | edges | new inputs | \
                               last new edge after | memory | found |\n|---|---|---|---|---|---|---|---|";

/// Inputs that are longer are not kept in the repository.
const KEPT_LENGTH: &str = "-max_len=4096";

/// How often it is looked whether a target has been quiet for long enough.
const LOOK: Duration = Duration::from_secs(1);

/// What libFuzzer ends with when it is interrupted.
const INTERRUPTED: i32 = 72;

/// How long a target runs, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) seconds: u64,
    /// Sooner, when no new edge came for so long.
    pub(super) quiet: Option<u64>,
}

pub(super) struct Session<'a> {
    fuzzer: &'a Path,
    name: &'a str,
    /// What was found on this machine; a cache.
    found: PathBuf,
}

/// What a run came to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) fine: bool,
    executions: u64,
    edges: u64,
    fresh: u64,
    memory: u64,
    last_edge: Duration,
    took: Duration,
}

impl Outcome {
    /// A line of the table.
    pub(super) fn row(&self, name: &str) -> String {
        format!(
            "| {name} | {} | {} | {} | {} | {} s | {} MiB | {} |",
            self.executions,
            self.took.as_secs(),
            self.edges,
            self.fresh,
            self.last_edge.as_secs(),
            self.memory,
            if self.fine {
                "nothing"
            } else {
                "**a crasher**"
            }
        )
    }

    /// Takes what one line of libFuzzer says, heard so long after the start.
    fn hear(&mut self, line: &str, at: Duration) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |label: &str| {
            let place = words.iter().position(|word| *word == label)?;
            words.get(place.checked_add(1)?)?.parse::<u64>().ok()
        };
        if line.starts_with('#') {
            if let Some(edges) = after("cov:").filter(|edges| *edges > self.edges) {
                self.edges = edges;
                // What the kept inputs reach is nothing new.
                if !words.contains(&"INITED") {
                    self.last_edge = at;
                }
            }
            let count = line.trim_start_matches('#').split_whitespace().next();
            if let Some(count) = count.and_then(|text| text.parse().ok()) {
                self.executions = self.executions.max(count);
            }
        } else if let Some(count) = after("stat::number_of_executed_units:") {
            self.executions = count;
        } else if let Some(count) = after("stat::new_units_added:") {
            self.fresh = count;
        } else if let Some(count) = after("stat::peak_rss_mb:") {
            self.memory = count;
        }
    }
}

impl<'a> Session<'a> {
    pub(super) fn new(fuzzer: &'a Path, name: &'a str) -> Result<Self, String> {
        let found = target().join("fuzz/corpus").join(name);
        make(&found)?;
        Ok(Self {
            fuzzer,
            name,
            found,
        })
    }

    fn kept(&self, kind: &str) -> PathBuf {
        root().join("tests/fuzz").join(kind).join(self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.fuzzer);
        command
            .current_dir(root())
            .env("DAYBOOK_FUZZ_TARGET", self.name);
        command
    }

    /// Any bytes, for as long as the limits say; a crasher lies in `tests/fuzz/crashers` afterwards.
    pub(super) fn fuzz(&self, limits: Limits) -> Result<Outcome, String> {
        let crashers = self.kept("crashers");
        make(&crashers)?;
        let mut run = self.command();
        run.arg(format!("-max_total_time={}", limits.seconds))
            .args([
                // By the clock on the wall: a machine that does other things is no finding.
                "-timeout=60",
                "-report_slow_units=60",
                "-rss_limit_mb=2048",
                "-max_len=8192",
                "-use_value_profile=1",
                "-print_final_stats=1",
                "-reload=0",
            ])
            .arg(format!("-artifact_prefix={}/", crashers.display()))
            .arg(&self.found)
            .arg(self.kept("corpus"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let logs = target().join("fuzz/log");
        make(&logs)?;
        let log = logs.join(format!("{}.txt", self.name));
        let outcome =
            watch(run, &log, limits.quiet).map_err(|error| format!("{}: {error}", self.name))?;
        if !outcome.fine {
            println!("{} says what happened", log.display());
        }
        // Empty when nothing was found: no folder to keep.
        let _ = fs::remove_dir(&crashers);
        Ok(outcome)
    }

    /// Adds small inputs that reach something new to the repository's; gives how many. Nothing is taken
    /// away: the made ones, which every corpus has, stay.
    pub(super) fn keep(&self) -> Result<usize, String> {
        let corpus = self.kept("corpus");
        let before = count(&corpus)?;
        let mut merge = self.command();
        merge
            .args(["-merge=1", KEPT_LENGTH])
            .arg(&corpus)
            .arg(&self.found)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = merge.status().map_err(|error| at(self.fuzzer, &error))?;
        if !status.success() {
            return Err(format!("{}: choosing ended with {status}", self.name));
        }
        Ok(count(&corpus)?.saturating_sub(before))
    }
}

/// Runs it to its end, or until nothing new came for as long as `quiet` says; its words go to a file.
fn watch(mut run: Command, log: &Path, quiet: Option<u64>) -> std::io::Result<Outcome> {
    let mut kept = fs::File::create(log)?;
    let mut outcome = Outcome::default();
    let start = now();
    let mut child = run.spawn()?;
    let (said, heard) = mpsc::channel();
    let mut asked_to_end = false;
    if let Some(words) = child.stderr.take() {
        let listener = thread::spawn(move || {
            let lines = BufReader::new(words).split(b'\n');
            // An error is told as the last line is: nobody hears any more.
            lines
                .map_while(Result::ok)
                .try_for_each(|line| said.send(line))
        });
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(line) => {
                    kept.write_all(&line)?;
                    kept.write_all(b"\n")?;
                    outcome.hear(&String::from_utf8_lossy(&line), start.elapsed());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let silence = start.elapsed().saturating_sub(outcome.last_edge);
            if !asked_to_end && quiet.is_some_and(|most| silence.as_secs() >= most) {
                asked_to_end = true;
                // Asked, not killed: it still tells what it did.
                Command::new("kill")
                    .args(["-INT", &child.id().to_string()])
                    .status()?;
            }
        }
        drop(listener);
    }
    let status = child.wait()?;
    outcome.fine = status.success() || (asked_to_end && status.code() == Some(INTERRUPTED));
    outcome.took = start.elapsed();
    Ok(outcome)
}

fn count(folder: &Path) -> Result<usize, String> {
    let files = fs::read_dir(folder).map_err(|error| at(folder, &error))?;
    Ok(files.count())
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
