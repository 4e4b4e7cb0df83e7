//! What happened, in order: the last lines for a person, a hash of all for comparing two runs.

use std::{collections::VecDeque, fmt};

use jiff::Timestamp;

/// Lines kept, and lines shown unless `DAYBOOK_TRACE` asks for all.
const KEPT: usize = 100_000;
const SHOWN: usize = 60;

/// The course of one history.
#[derive(Debug, Default)]
pub struct Trace {
    hash: blake3::Hasher,
    last: VecDeque<String>,
    lines: u64,
}

impl Trace {
    /// Notes a line.
    pub fn note(&mut self, now: Timestamp, what: fmt::Arguments<'_>) {
        self.lines += 1;
        let line = format!("{:>5} {now} {what}", self.lines);
        self.hash.update(line.as_bytes());
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Equal for equal histories.
    pub fn hash(&self) -> String {
        self.hash.finalize().to_hex().to_string()
    }

    /// The end of it.
    pub fn tail(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}

/// A history that went wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Run this one again.
    pub seed: u64,
    /// What does not hold.
    pub what: String,
    /// What happened before.
    pub tail: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        let all = std::env::var_os("DAYBOOK_TRACE").is_some();
        let hidden = if all {
            0
        } else {
            self.tail.len().saturating_sub(SHOWN)
        };
        for line in self.tail.iter().skip(hidden) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
