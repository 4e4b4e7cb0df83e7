//! The socket under a [`Session`](crate::session::Session): one thread, one connection.
//!
//! The thread owns no state of the replica. It hands inputs to a driver, which locks the replica,
//! lets the session decide and shows arrivals to the book; what comes back are wishes about the
//! socket alone.

#![allow(
    clippy::large_enum_variant,
    reason = "one value at a time, moved once: a box would cost more than it saves"
)]

mod socket;

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use jiff::Timestamp;
use sync_protocol::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use socket::{Socket, SocketError, Trust};

use crate::session::{Input, LONGEST};

/// A wish about the socket.
#[derive(Debug)]
pub enum Wish {
    /// Open a socket to this address.
    Dial(String),
    /// Send this.
    Send(Frame),
    /// Close the socket.
    Hangup,
    /// Come back at this time.
    WakeAt(Timestamp),
}

/// Turns inputs into wishes. Called on the link's thread only.
pub trait Drive: Send + 'static {
    /// What the session wants after this input.
    fn handle(&mut self, input: Input) -> Vec<Wish>;
    /// The time.
    fn now(&self) -> Timestamp;
}

#[derive(Debug)]
enum Call {
    Wrote,
    Stop,
}

/// A running link. Dropping it closes the connection and waits for the thread.
#[derive(Debug)]
pub struct Link {
    calls: UnboundedSender<Call>,
    thread: Option<JoinHandle<()>>,
}

impl Link {
    /// Starts dialling, and goes on until it is dropped.
    ///
    /// # Errors
    /// When the machine has no thread or socket to give.
    pub fn start(driver: impl Drive, trust: Trust) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (calls, inbox) = unbounded_channel();
        let thread = thread::Builder::new()
            .name("daybook-link".to_owned())
            .spawn(move || runtime.block_on(Line::new(driver, trust, inbox).run()))?;
        Ok(Self {
            calls,
            thread: Some(thread),
        })
    }

    /// Something was written: send it.
    pub fn wrote(&self) {
        // A link that has ended has nothing to send.
        let _ = self.calls.send(Call::Wrote);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.calls.send(Call::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Line<D> {
    driver: D,
    trust: Arc<Trust>,
    inbox: UnboundedReceiver<Call>,
    socket: Option<Socket>,
    wake: Option<Timestamp>,
}

impl<D: Drive> Line<D> {
    fn new(driver: D, trust: Trust, inbox: UnboundedReceiver<Call>) -> Self {
        Self {
            driver,
            trust: Arc::new(trust),
            inbox,
            socket: None,
            wake: None,
        }
    }

    async fn run(mut self) {
        let mut next = vec![Input::Wake];
        loop {
            for input in std::mem::take(&mut next) {
                let wishes = self.driver.handle(input);
                next.extend(self.carry_out(wishes).await);
            }
            if !next.is_empty() {
                continue;
            }
            match self.wait().await {
                Some(input) => next.push(input),
                None => break,
            }
        }
        if let Some(mut socket) = self.socket.take() {
            socket.close().await;
        }
    }

    async fn carry_out(&mut self, wishes: Vec<Wish>) -> Vec<Input> {
        let mut inputs = Vec::new();
        for wish in wishes {
            match wish {
                Wish::Dial(address) => {
                    self.socket = Socket::open(&address, &self.trust).await.ok();
                    inputs.push(match self.socket {
                        Some(_) => Input::Connected,
                        None => Input::Closed,
                    });
                }
                Wish::Send(frame) => {
                    if let Some(socket) = &mut self.socket
                        && socket.feed(&frame).await.is_err()
                    {
                        self.socket = None;
                        inputs.push(Input::Closed);
                    }
                }
                Wish::Hangup => {
                    if let Some(mut socket) = self.socket.take() {
                        socket.close().await;
                    }
                }
                Wish::WakeAt(at) => self.wake = Some(at),
            }
        }
        // One write for all frames of a step.
        if let Some(socket) = &mut self.socket
            && socket.flush().await.is_err()
        {
            self.socket = None;
            inputs.push(Input::Closed);
        }
        inputs
    }

    /// The next input; `None` when the link is to stop.
    async fn wait(&mut self) -> Option<Input> {
        let pause = self.wake.map(|at| {
            // Not by a clock alone that may be set back meanwhile.
            let left = at.duration_since(self.driver.now()).min(LONGEST);
            std::time::Duration::try_from(left).unwrap_or_default()
        });
        let sleep = tokio::time::sleep(pause.unwrap_or(std::time::Duration::from_hours(1)));
        tokio::select! {
            call = self.inbox.recv() => match call {
                Some(Call::Wrote) => Some(Input::Wrote),
                Some(Call::Stop) | None => None,
            },
            frame = receive(&mut self.socket) => Some(if let Ok(frame) = frame {
                Input::Frame(frame)
            } else {
                self.socket = None;
                Input::Closed
            }),
            () = sleep => {
                self.wake = None;
                Some(Input::Wake)
            }
        }
    }
}

async fn receive(socket: &mut Option<Socket>) -> Result<Frame, SocketError> {
    match socket {
        Some(socket) => socket.receive().await,
        None => std::future::pending().await,
    }
}
