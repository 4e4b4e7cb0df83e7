//! One target under libFuzzer: runs it, reads what it tells, keeps what it found.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
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

    /// Any bytes, for so many seconds; a crasher lies in `tests/fuzz/crashers` afterwards.
    pub(super) fn fuzz(&self, seconds: u64) -> Result<Outcome, String> {
        let crashers = self.kept("crashers");
        make(&crashers)?;
        let mut run = self.command();
        run.arg(format!("-max_total_time={seconds}"))
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
        let outcome = watch(run, &log).map_err(|error| format!("{}: {error}", self.name))?;
        if !outcome.fine {
            println!("{} says what happened", log.display());
        }
        // Empty when nothing was found: no folder to keep.
        let _ = fs::remove_dir(&crashers);
        Ok(outcome)
    }

    /// The smallest set of small inputs with the same coverage, into the repository. Gives how many
    /// there are, and their bytes.
    pub(super) fn keep(&self) -> Result<(usize, u64), String> {
        let corpus = self.kept("corpus");
        let fresh = target().join("fuzz/minimised").join(self.name);
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|error| at(&fresh, &error))?;
        }
        make(&fresh)?;
        let mut merge = self.command();
        merge
            .args(["-merge=1", KEPT_LENGTH])
            .arg(&fresh)
            .arg(&corpus)
            .arg(&self.found)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = merge.status().map_err(|error| at(self.fuzzer, &error))?;
        if !status.success() {
            return Err(format!("{}: minimising ended with {status}", self.name));
        }
        fs::remove_dir_all(&corpus).map_err(|error| at(&corpus, &error))?;
        make(&corpus)?;
        let (mut count, mut bytes) = (0, 0);
        for file in fs::read_dir(&fresh).map_err(|error| at(&fresh, &error))? {
            let file = file.map_err(|error| at(&fresh, &error))?;
            let name = file.file_name();
            let short: String = name.to_string_lossy().chars().take(16).collect();
            let copied = fs::copy(file.path(), corpus.join(short));
            bytes += copied.map_err(|error| at(&corpus, &error))?;
            count += 1;
        }
        Ok((count, bytes))
    }
}

/// Runs it to its end, with its words in a file.
fn watch(mut run: Command, log: &Path) -> std::io::Result<Outcome> {
    let mut kept = fs::File::create(log)?;
    let mut outcome = Outcome::default();
    let start = now();
    let mut child = run.spawn()?;
    if let Some(words) = child.stderr.take() {
        for line in BufReader::new(words).split(b'\n') {
            let line = line?;
            kept.write_all(&line)?;
            kept.write_all(b"\n")?;
            outcome.hear(&String::from_utf8_lossy(&line), start.elapsed());
        }
    }
    outcome.fine = child.wait()?.success();
    outcome.took = start.elapsed();
    Ok(outcome)
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
