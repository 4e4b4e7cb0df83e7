//! A process that is ended when its guard is dropped.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// No invocation may take longer.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// A process of ours.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{}: {error}", program.display())),
        )
    }

    /// Its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Ends it at once, as a power cut would end it: `kill -9`.
    pub fn kill(mut self) {
        self.0.kill().expect("a child can be killed");
        self.0.wait().expect("a child can be waited for");
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(asked.expect("kill can be started").success());
        let (sender, ended) = channel();
        let id = self.0.id();
        // Told if it does not end; a `Child` cannot be waited for with a limit.
        let watch = thread::spawn(move || {
            if ended.recv_timeout(PATIENCE).is_err() {
                let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            }
        });
        let status = self.0.wait().expect("a child can be waited for");
        let _ = sender.send(());
        watch.join().expect("the watch does not panic");
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end, which must come in time.
pub(super) fn finish(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running::start(command);
    let stdout = gather(running.0.stdout.take().expect("piped"));
    let stderr = gather(running.0.stderr.take().expect("piped"));
    let all = |pipe: Receiver<Vec<u8>>| {
        pipe.recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("does not end: {shown}"))
    };
    let (stdout, stderr) = (all(stdout), all(stderr));
    let status = running.0.wait().expect("a child can be waited for");
    Output {
        status,
        stdout,
        stderr,
    }
}

/// Everything a pipe gives until it is closed.
fn gather(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        // Nobody waits any more when the test has given up.
        let _ = sender.send(bytes);
    });
    receiver
}
