//! What the benches share: a relay process, homes on the disk, processor time, and a report.
//!
//! Everything is real: the release binary of the relay, sockets on 127.0.0.1, a folder on the disk
//! (`--dir`, by default the system's temporary folder).

pub(crate) mod practice;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use client_core::{
    catalogue::{HomeReply, HomeRequest, StaffRole},
    home::{Home, Opening},
    link::Trust,
};
use jiff::Timestamp;

/// What was asked for on the command line: `--name value`.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|word| word == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// Whether a part is named.
    pub(crate) fn names(&self, part: &str) -> bool {
        self.0.iter().any(|word| word == part)
    }

    pub(crate) fn number(&self, name: &str, usual: usize) -> usize {
        self.text(name)
            .map_or(usual, |text| text.parse().expect("a number"))
    }

    /// Whether a part is wanted: all are, unless some were named.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.text("--only")
            .is_none_or(|only| only.split(',').any(|name| name == part))
    }

    /// A folder that is gone afterwards.
    pub(crate) fn folder(&self) -> tempfile::TempDir {
        let place = self
            .text("--dir")
            .map_or_else(std::env::temp_dir, PathBuf::from);
        tempfile::Builder::new()
            .prefix("daybook-bench-")
            .tempdir_in(place)
            .unwrap()
    }
}

pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn took<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = now();
    let done = work();
    (done, start.elapsed())
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// One line of the report.
pub(crate) fn say(what: &str, figure: impl std::fmt::Display) {
    println!("{what:<58} {figure}");
}

/// Median, 95th of 100, and worst.
pub(crate) fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| ms(times[(times.len() - 1) * share / 100]);
    format!(
        "p50 {:.2} ms, p95 {:.2} ms, worst {:.2} ms",
        at(50),
        at(95),
        at(100)
    )
}

/// Processor time of all threads of a process.
pub(crate) fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Resident memory of a process in KiB.
pub(crate) fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let line = line.unwrap().trim();
    line.trim_end_matches(" kB").parse().unwrap()
}

/// A running `sync-server`.
pub(crate) struct Relay {
    process: Child,
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

fn program() -> Command {
    // target/release/deps/bench-0123 -> target/release/sync-server
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(Path::parent).unwrap();
    let program = folder.join("sync-server");
    assert!(
        program.exists(),
        "build the relay first: cargo build --release -p sync-server"
    );
    Command::new(program)
}

impl Relay {
    /// Starts a relay over a folder, on a free port.
    pub(crate) fn start(data: &Path) -> Self {
        let mut process = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--min-free-mb", "0"])
            .args(["--ballast-mb", "1", "--address-burst", "1000000"])
            .args(["--log", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap().trim();
        Self {
            process,
            url: url.to_owned(),
            _output: output,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn cpu(&self) -> Duration {
        cpu(self.pid())
    }

    pub(crate) fn memory(&self) -> u64 {
        memory(self.pid())
    }

    /// The value of a metric.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let place = self.url.trim_start_matches("ws://");
        let mut stream = TcpStream::connect(place).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let name = format!("daybook_relay_{name} ");
        let line = answer.lines().find_map(|line| line.strip_prefix(&name));
        line.expect("the metric").parse().unwrap()
    }

    /// Bytes of frames received and sent.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        (
            self.metric("bytes_in_total"),
            self.metric("bytes_out_total"),
        )
    }

    /// Asks it to end and waits.
    pub(crate) fn stop(mut self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.process.wait().unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A ticket from the operator's command.
pub(crate) fn ticket(data: &Path) -> String {
    let made = program()
        .args(["org", "invite", "--data"])
        .arg(data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A home that opens without a passphrase, so that no figure is that of the passphrase's hash.
pub(crate) fn home(folder: &Path) -> Home {
    Home::open(folder, Arc::new(Timestamp::now), Trust::default()).unwrap()
}

pub(crate) fn founded(folder: &Path) -> Home {
    let home = home(folder);
    let request = HomeRequest::Found {
        practice: "The bench".to_owned(),
        location: "Harbour".to_owned(),
        zone: practice::ZONE.to_owned(),
        passphrase: String::new(),
    };
    home.request_with(request, &Opening::MachineKey).unwrap();
    home
}

/// Brings a practice to a relay; returns when everything is there.
pub(crate) fn bring(home: &Home, relay: &Relay, data: &Path) {
    let request = HomeRequest::SetRelay {
        address: relay.url.clone(),
        ticket: Some(ticket(data)),
        replace: None,
    };
    // A large outbox takes longer than the request waits for.
    let _ = home.request_with(request, &Opening::MachineKey);
    home.wait_in_step(Duration::from_mins(10)).unwrap();
}

pub(crate) fn invited(home: &Home) -> String {
    let request = HomeRequest::Invite {
        role: StaffRole::Vet,
        days: 1,
        compare: false,
    };
    match home.request_with(request, &Opening::MachineKey).unwrap() {
        HomeReply::Invited { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

/// A further device, in step.
pub(crate) fn joined(owner: &Home, folder: &Path) -> Home {
    let code = invited(owner);
    let home = home(folder);
    let request = HomeRequest::Join {
        code,
        passphrase: String::new(),
    };
    home.request_with(request, &Opening::MachineKey).unwrap();
    home.wait_in_step(Duration::from_mins(10)).unwrap();
    home
}
