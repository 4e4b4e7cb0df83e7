//! The demo practice: a relay on this machine and the desktops of two front desks.
//!
//! A second run finds the practice where the first one left it; `--fresh` starts over. On a machine
//! without a display the walkthrough is played through the real windows under Xvfb instead.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    day::Day,
    demo::{self, Ask},
    place::{built, program, start, target},
    relay::Relay,
    setup,
    step::now,
    test,
};

/// The same week on every machine, apart from its date.
const SEED: u64 = 20_260_302;
const PASSPHRASE: &str = "daybook demo practice";
const DESKS: [&str; 2] = ["high-street", "mill-lane"];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (mut fresh, mut headless) = (false, !has_display());
    for argument in arguments {
        match argument.as_str() {
            "--fresh" => fresh = true,
            "--walkthrough" => headless = true,
            other => {
                return Err(format!(
                    "`cargo xtask run` knows --fresh and --walkthrough, not {other:?}"
                ));
            }
        }
    }
    setup::run()?;
    test::page()?;
    test::programs()?;
    let place = target().join("demo");
    let ready = place.join("ready");
    // A practice that was not finished is no practice.
    if place.exists() && (fresh || !ready.exists()) {
        fs::remove_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    let relay = Relay::start(&place.join("relay"))?;
    println!("The relay listens on {}.", relay.address());
    if !ready.exists() {
        found(&place, &relay)?;
        fs::write(&ready, "").map_err(|error| format!("{}: {error}", ready.display()))?;
    }
    println!("The passphrase of both desks is: {PASSPHRASE}");
    if headless {
        // The walkthrough pulls the cable, so it has the relay in its own hands.
        drop(relay);
        walkthrough(&place)
    } else {
        windows(&place)
    }
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|v| !v.is_empty()))
}

/// Founds the practice at the first desk, fills it, and lets the second one in.
fn found(place: &Path, relay: &Relay) -> Result<(), String> {
    let passphrase = place.join("passphrase");
    fs::write(&passphrase, PASSPHRASE)
        .map_err(|error| format!("{}: {error}", passphrase.display()))?;
    let [first, second] = DESKS.map(|desk| Daybook {
        home: place.join(desk),
        passphrase: passphrase.clone(),
    });
    println!("Founding the demo practice…");
    let began = now();
    let words = first.ask(&[
        "found",
        "--practice",
        "Riverside Vets",
        "--location",
        "High Street",
        "--zone",
        "Europe/London",
    ])?;
    let words_file = place.join("recovery-words.json");
    fs::write(&words_file, words.to_string())
        .map_err(|error| format!("{}: {error}", words_file.display()))?;
    first.ask(&["relay", relay.address(), "--ticket", &relay.ticket()?])?;
    let filled = {
        let mut batch = Batch::start(&first)?;
        let filled = demo::fill(&mut batch, SEED, Day::today())?;
        batch.end()?;
        filled
    };
    println!(
        "{} people who take appointments, {} clients, {} pets, {} visits this week, put in within {:.0} s.",
        filled.staff,
        filled.clients,
        filled.pets,
        filled.visits,
        began.elapsed().as_secs_f64()
    );
    first.ask(&["sync"])?;
    let invited = first.ask(&["invite", "--role", "manager"])?;
    let code = invited
        .get("code")
        .and_then(Value::as_str)
        .ok_or("the invitation has no code")?;
    second.ask(&["join", code])?;
    second.ask(&["sync"])?;
    println!("The second desk has joined and holds the same book.");
    Ok(())
}

/// The command line on one home.
struct Daybook {
    home: PathBuf,
    passphrase: PathBuf,
}

impl Daybook {
    fn command(&self) -> Command {
        let mut command = Command::new(built("daybook"));
        command.arg("--home").arg(&self.home);
        command
            .arg("--passphrase-file")
            .arg(&self.passphrase)
            .arg("--json");
        command
    }

    /// Runs one command and gives what it prints.
    fn ask(&self, arguments: &[&str]) -> Result<Value, String> {
        let what = arguments.first().copied().unwrap_or("daybook");
        let output = self
            .command()
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("daybook {what}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!(
                "daybook {what} ended with {}: {said}",
                output.status
            ));
        }
        let last = said.lines().last().unwrap_or("null");
        serde_json::from_str(last)
            .map_err(|error| format!("daybook {what} printed {last:?}: {error}"))
    }
}

/// `daybook batch`, asked line by line.
struct Batch {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Batch {
    fn start(daybook: &Daybook) -> Result<Self, String> {
        let mut process = daybook
            .command()
            .arg("batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("daybook batch: {error}"))?;
        let input = process.stdin.take().ok_or("daybook batch has no input")?;
        let output = process.stdout.take().ok_or("daybook batch has no output")?;
        Ok(Self {
            process,
            input,
            output: BufReader::new(output),
        })
    }

    fn line(&mut self, line: &Value) -> Result<Result<Value, Value>, String> {
        writeln!(self.input, "{line}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("daybook batch takes nothing more: {error}"))?;
        let mut said = String::new();
        self.output
            .read_line(&mut said)
            .map_err(|error| format!("daybook batch: {error}"))?;
        let said: Value = serde_json::from_str(&said)
            .map_err(|error| format!("daybook batch printed {said:?}: {error}"))?;
        match (said.get("ok"), said.get("refused")) {
            (Some(done), _) => Ok(Ok(done.clone())),
            (None, Some(refusal)) => Ok(Err(refusal.clone())),
            (None, None) => Err(format!("daybook batch printed {said}")),
        }
    }

    /// Ends the batch. A refusal in it (a slot that was taken) shows in its exit code and is no
    /// failure here: each was looked at when it came.
    fn end(self) -> Result<(), String> {
        let Self {
            mut process,
            input,
            output: _output,
        } = self;
        drop(input);
        process
            .wait()
            .map(|_| ())
            .map_err(|error| format!("daybook batch: {error}"))
    }
}

impl Ask for Batch {
    fn execute(&mut self, command: Value) -> Result<Result<Value, Value>, String> {
        self.line(&command)
    }

    fn query(&mut self, query: Value) -> Result<Value, String> {
        self.line(&json!({ "ask": query }))?
            .map_err(|refusal| format!("a query was refused: {refusal}"))
    }
}

/// Opens both desks and stays until both are closed.
fn windows(place: &Path) -> Result<(), String> {
    let mut desks = Vec::new();
    for desk in DESKS {
        let child = Command::new(built("daybook-desk"))
            .arg("--home")
            .arg(place.join(desk))
            .spawn()
            .map_err(|error| format!("the window of {desk}: {error}"))?;
        desks.push((desk, child));
    }
    println!("Both front desks are open. The relay stays until both are closed.");
    for (desk, mut child) in desks {
        let status = child
            .wait()
            .map_err(|error| format!("the window of {desk}: {error}"))?;
        println!("{desk} closed: {status}");
    }
    Ok(())
}

/// Plays the journey with both desks. What it books stays in the practice, as what a person books does.
fn walkthrough(place: &Path) -> Result<(), String> {
    let out = target().join("walkthrough");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let desk = built("daybook-desk").to_string_lossy().into_owned();
    let mut journey = program(
        "desktop/e2e/run.sh",
        &[&desk, "desktop/e2e/walkthrough.mjs"],
    );
    journey
        .env("E2E_OUT", &out)
        .env("DEMO", place)
        .env("DEMO_PASSPHRASE", PASSPHRASE)
        .env("DEMO_RELAY", built("sync-server"));
    start(journey)?;
    println!("Transcript and screenshots are in {}.", out.display());
    Ok(())
}
