//! Steps: run in order, timed, reported in a table at the end.
//!
//! A step that fails does not stop the others; only what needs it is skipped, and says so. The whole
//! fails when any step failed or was skipped.

use std::time::{Duration, Instant};

/// One part of a task.
pub(crate) struct Step {
    /// The name to ask for it alone.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) what: &'static str,
    /// The steps without which it makes no sense.
    pub(crate) needs: &'static [&'static str],
    /// Does it.
    pub(crate) run: fn() -> Result<(), String>,
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(&'static str),
}

/// Runs the steps named in `wanted`, or all.
pub(crate) fn run(task: &str, steps: &[Step], wanted: &[String]) -> Result<(), String> {
    if wanted.iter().any(|word| word == "--list") {
        for step in steps {
            println!("{:<14} {}", step.name, step.what);
        }
        return Ok(());
    }
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !steps.iter().any(|step| step.name == **name))
    {
        return Err(format!(
            "{task} has no step {unknown:?}; `cargo xtask {task} --list` names them"
        ));
    }
    let mut results: Vec<(&'static str, Outcome, Duration)> = Vec::new();
    let whole = now();
    for step in steps {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == step.name) {
            continue;
        }
        let missing = step.needs.iter().find(|need| {
            results
                .iter()
                .any(|(name, outcome, _)| name == *need && !matches!(outcome, Outcome::Passed))
        });
        println!("\n==> {}: {}", step.name, step.what);
        let began = now();
        let outcome = match missing {
            Some(need) => Outcome::Skipped(need),
            None => match (step.run)() {
                Ok(()) => Outcome::Passed,
                Err(reason) => Outcome::Failed(reason),
            },
        };
        match &outcome {
            Outcome::Passed => {}
            Outcome::Failed(reason) => println!("{} FAILED: {reason}", step.name),
            Outcome::Skipped(need) => println!("{} skipped: it needs {need}", step.name),
        }
        results.push((step.name, outcome, began.elapsed()));
    }
    report(task, &results, whole.elapsed())
}

fn report(
    task: &str,
    results: &[(&'static str, Outcome, Duration)],
    whole: Duration,
) -> Result<(), String> {
    println!("\n{:<14} {:>9}  result", "step", "time");
    for (name, outcome, took) in results {
        let result = match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(reason) => format!("FAILED  {reason}"),
            Outcome::Skipped(need) => format!("skipped: it needs {need}"),
        };
        println!("{name:<14} {:>8.1}s  {result}", took.as_secs_f64());
    }
    println!("{:<14} {:>8.1}s", "all", whole.as_secs_f64());
    let bad = results
        .iter()
        .filter(|(_, outcome, _)| !matches!(outcome, Outcome::Passed))
        .count();
    if bad == 0 {
        println!("{task}: all {} steps passed", results.len());
        Ok(())
    } else {
        Err(format!(
            "{task}: {bad} of {} steps did not pass",
            results.len()
        ))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a step took is for the person who waits"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
