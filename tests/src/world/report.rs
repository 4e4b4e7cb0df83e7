//! What the histories were made of: a check that never sees a clash proves nothing.

use std::{collections::BTreeMap, fmt};

use conflict_rules::concurrency::{Act, TABLE};

/// What one history was made of.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Commands that changed something.
    pub operations: u64,
    /// Commands that were refused, as they should be.
    pub refusals: u64,
    /// Whether visits clashed at some time.
    pub clash: bool,
    /// Whether a process died between a write and its sync.
    pub crash_between: bool,
    /// Whether anything about membership changed.
    pub governed: bool,
    /// Concurrent acts on one visit, by cell of the table.
    pub met: BTreeMap<(Act, Act), u64>,
    /// Other things that happened, by name.
    pub events: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts something.
    pub fn count(&mut self, what: &'static str) {
        *self.events.entry(what).or_default() += 1;
    }

    /// Two people acted on one visit without knowing of each other.
    pub fn meet(&mut self, a: Act, b: Act) {
        *self.met.entry((a.min(b), a.max(b))).or_default() += 1;
    }
}

/// What many histories were made of.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many.
    pub histories: u64,
    clash: u64,
    crash_between: u64,
    governed: u64,
    operations: Vec<u64>,
    met: BTreeMap<(Act, Act), u64>,
    events: BTreeMap<&'static str, u64>,
    refusals: u64,
}

impl Report {
    /// Adds a history.
    pub fn add(&mut self, tally: &Tally) {
        self.histories += 1;
        self.clash += u64::from(tally.clash);
        self.crash_between += u64::from(tally.crash_between);
        self.governed += u64::from(tally.governed);
        self.operations.push(tally.operations);
        self.refusals += tally.refusals;
        for (cell, count) in &tally.met {
            *self.met.entry(*cell).or_default() += count;
        }
        for (event, count) in &tally.events {
            *self.events.entry(event).or_default() += count;
        }
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Self) {
        self.histories += other.histories;
        self.clash += other.clash;
        self.crash_between += other.crash_between;
        self.governed += other.governed;
        self.operations.extend(other.operations);
        self.refusals += other.refusals;
        for (cell, count) in other.met {
            *self.met.entry(cell).or_default() += count;
        }
        for (event, count) in other.events {
            *self.events.entry(event).or_default() += count;
        }
    }

    /// Share of histories in which visits clashed.
    pub fn clash_share(&self) -> f64 {
        share(self.clash, self.histories)
    }

    /// Share of histories in which a process died between a write and its sync.
    pub fn crash_share(&self) -> f64 {
        share(self.crash_between, self.histories)
    }

    /// Share of histories in which membership changed.
    pub fn governed_share(&self) -> f64 {
        share(self.governed, self.histories)
    }

    /// How often something happened, for each history.
    pub fn share_of(&self, what: &str) -> f64 {
        share(self.events(what), self.histories)
    }

    /// Commands in the middle history.
    pub fn median_operations(&self) -> u64 {
        let mut sorted = self.operations.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// How often something happened.
    pub fn events(&self, what: &str) -> u64 {
        self.events.get(what).copied().unwrap_or(0)
    }

    /// Cells of the concurrency table that no history reached.
    pub fn cells_missed(&self) -> Vec<(Act, Act)> {
        let cells = TABLE.iter().map(|rule| {
            let (a, b) = rule.acts;
            (a.min(b), a.max(b))
        });
        cells.filter(|cell| !self.met.contains_key(cell)).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share for people")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "histories                  {}", self.histories)?;
        writeln!(
            f,
            "  with a clash             {:.1} %",
            100.0 * self.clash_share()
        )?;
        writeln!(
            f,
            "  died between write, sync {:.1} %",
            100.0 * self.crash_share()
        )?;
        writeln!(
            f,
            "  membership changed       {:.1} %",
            100.0 * self.governed_share()
        )?;
        writeln!(f, "  median operations        {}", self.median_operations())?;
        writeln!(f, "  commands refused         {}", self.refusals)?;
        for (event, count) in &self.events {
            writeln!(f, "  {event:<30} {count}")?;
        }
        for ((a, b), count) in &self.met {
            writeln!(f, "  met: {:<20}{count}", format!("{a:?} x {b:?}"))?;
        }
        Ok(())
    }
}
