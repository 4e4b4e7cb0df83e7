//! One connection: the door, then frames in and frames out, each side bounded.
//!
//! ```text
//! Challenge ──> knock (three times at most) ──admitted──> frames ──> actor
//!                      └ deadline ┘                         outbox ──> socket
//! ```
//! Reading and writing never wait for each other, so two sides that both send cannot lock up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::ws::{Message, WebSocket},
};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use sync_protocol::{ErrorCode, Frame, OrgId, SignedAct, limits};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot, watch},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite;

use super::{
    actor::{Command, Handle, ROOM, State},
    budget::{Bucket, Rate},
    folder::random,
    listener::Peer,
    outbox::{Next, Outbox},
    serve::Relay,
};
use crate::core::{ConnId, Door, Knock, Turned};

/// What nobody may exceed before signing in: frames, and bytes in all.
const KNOCKS: usize = 3;
const KNOCK_BYTES: usize = 160 * 1024;
/// What somebody with a ticket may bring before signing in: acts of a chain.
const BROUGHT: usize = 1 << 16;
/// What one connection may send; above, it is read more slowly.
const FRAMES: Rate = Rate {
    burst: 2_000.0,
    per_second: 1_000.0,
};
const BYTES: Rate = Rate {
    burst: 32.0 * 1024.0 * 1024.0,
    per_second: 16.0 * 1024.0 * 1024.0,
};
/// Bytes written before looking at the clock and the outbox again.
const STRETCH: usize = 64 * 1024;
/// For the last words.
const GOODBYE: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(1);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A connection ends, as seen from its reading side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The other side is gone.
    Gone,
    /// There is a farewell in the outbox.
    Farewell,
}

/// Serves a connection until it ends.
pub(super) async fn run(
    socket: WebSocket,
    peer: Peer,
    waiting: OwnedSemaphorePermit,
    relay: Arc<Relay>,
) {
    let stopping = relay.stopping.subscribe();
    let outbox = Arc::new(Outbox::new(relay.queue_bytes, relay.reserve.clone()));
    let (sink, mut stream) = socket.split();
    let mut reader = Reader {
        conn: ConnId(NEXT.fetch_add(1, Ordering::Relaxed)),
        relay: relay.clone(),
        outbox: outbox.clone(),
        organisation: None,
        shown: None,
        entitled: false,
        stopping,
    };
    let writer = Writer {
        sink,
        outbox: outbox.clone(),
        relay: relay.clone(),
    };
    let conn = reader.conn;
    let (told, organisation) = watch::channel(None);
    let writing = writer.run(conn, organisation);
    tokio::pin!(writing);
    let mut spoken = false;
    tokio::select! {
        end = reader.run(&mut stream, &peer, waiting, &told) => {
            if end == End::Farewell {
                spoken = timeout(GOODBYE, &mut writing).await.is_ok();
            }
        }
        () = &mut writing => spoken = true,
    }
    if let Some(handle) = reader.organisation.take() {
        handle.tell(Command::Closed { conn });
    }
    if let Some(farewell) = outbox.farewell() {
        tracing::debug!(code = %farewell.code, "a connection was closed");
    }
    if spoken {
        // A socket closed with unread bytes is reset, and the other side may lose the last words.
        let drained = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = timeout(LINGER, drained).await;
    }
}

struct Reader {
    conn: ConnId,
    relay: Arc<Relay>,
    outbox: Arc<Outbox>,
    organisation: Option<Arc<Handle>>,
    /// The ticket that was shown here, and for whom.
    shown: Option<(OrgId, String)>,
    /// Whether that ticket let somebody bring acts.
    entitled: bool,
    /// Besides telling, holding it keeps the process from ending.
    stopping: watch::Receiver<bool>,
}

impl Reader {
    async fn run(
        &mut self,
        stream: &mut SplitStream<WebSocket>,
        peer: &Peer,
        waiting: OwnedSemaphorePermit,
        told: &watch::Sender<Option<Arc<Handle>>>,
    ) -> End {
        let Some(door) = self.open() else {
            return self.end(ErrorCode::Internal, "no randomness");
        };
        let mut stopping = self.stopping.clone();
        let entered = tokio::select! {
            entered = self.enter(stream, &door) => entered,
            _ = stopping.wait_for(|stopping| *stopping) => {
                Err((ErrorCode::ShuttingDown, "the relay stops: come back later"))
            }
        };
        match entered {
            Ok(true) => {}
            Ok(false) => return End::Gone,
            Err((code, detail)) => return self.end(code, detail),
        }
        drop(waiting);
        peer.admit();
        // The writer asks it for more when the outbox has emptied.
        told.send_replace(self.organisation.clone());
        self.listen(stream, &door).await
    }

    fn open(&self) -> Option<Door> {
        let relay = &self.relay;
        let nonce = random::<32>().ok()?;
        let now = (relay.clock)();
        let (door, challenge) = Door::open(&relay.key, nonce, now, relay.open, &relay.hosts);
        self.outbox.push(challenge.encode().into());
        Some(door)
    }

    /// Whether it was let in; `false` when it has gone.
    async fn enter(
        &mut self,
        stream: &mut SplitStream<WebSocket>,
        door: &Door,
    ) -> Result<bool, (ErrorCode, &'static str)> {
        let (mut bytes_left, mut knocks, mut brought) = (KNOCK_BYTES, 0, 0);
        let mut deadline = Instant::now() + self.relay.sign_in;
        while knocks < KNOCKS && brought < BROUGHT {
            let late = Err((ErrorCode::TooMany, "not signed in in time"));
            let next = timeout_at(deadline, self.next(stream)).await;
            let Some(bytes) = next.unwrap_or(late)? else {
                return Ok(false);
            };
            if !self.entitled {
                bytes_left = bytes_left
                    .checked_sub(bytes.len())
                    .ok_or((ErrorCode::TooLarge, "too much before signing in"))?;
            }
            let frame = decode(&bytes)?;
            let knock = door.knock(frame).map_err(reason)?;
            if let Knock::Bring(act) = knock {
                self.bring(act).await.map_err(reason)?;
                brought += 1;
                deadline = Instant::now() + self.relay.sign_in;
                continue;
            }
            knocks += 1;
            let knocked = timeout_at(deadline, self.knock(door, knock)).await;
            match knocked.map_err(|_| (ErrorCode::TooMany, "not signed in in time"))? {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // A ticket that is used up may be one's own: signing in is still possible.
                Err(turned) if matches!(turned.code, ErrorCode::BadTicket | ErrorCode::Closed) => {
                    self.relay.metrics.refused(turned.code);
                    let frame = Frame::error(turned.code, turned.detail);
                    self.outbox.push(frame.encode().into());
                }
                Err(turned) => return Err(reason(turned)),
            }
        }
        Err((ErrorCode::TooMany, "knocked too often"))
    }

    /// Whether it is signed in now; founding leaves it at the door.
    async fn knock(&mut self, door: &Door, knock: Knock) -> Result<bool, Turned> {
        let org = knock.org();
        if let Knock::Found { ticket, act } = knock {
            door.may_found(&act)?;
            self.shown = Some((org, ticket.clone()));
            self.entitled = false;
            let relay = self.relay.clone();
            let founding = move || relay.hub.found(&ticket, act);
            let founded = tokio::task::spawn_blocking(founding).await;
            founded.unwrap_or(Err(Turned {
                code: ErrorCode::Internal,
                detail: "founding failed",
            }))?;
            self.outbox.push(Frame::Founded.encode().into());
            return Ok(false);
        }
        let unknown = Turned {
            code: ErrorCode::UnknownOrganisation,
            detail: "not served here",
        };
        let handle = self.relay.hub.get(org).ok_or(unknown)?;
        let governance = handle.governance().ok_or_else(|| match handle.state() {
            State::Stopped => Turned {
                code: ErrorCode::ShuttingDown,
                detail: "the relay stops: come back later",
            },
            State::Opening | State::Serving | State::Unusable(_) => Turned {
                code: ErrorCode::Internal,
                detail: "the relay cannot serve this organisation now",
            },
        })?;
        let admission = door.admit(&knock, &governance, (self.relay.clock)())?;
        let opened = Command::Opened {
            conn: self.conn,
            admission,
            outbox: self.outbox.clone(),
        };
        if !handle.tell(opened) {
            return Err(Turned {
                code: ErrorCode::ShuttingDown,
                detail: "the relay stops: come back later",
            });
        }
        self.organisation = Some(handle);
        Ok(true)
    }

    /// Takes an act from somebody whose ticket is good here.
    async fn bring(&mut self, act: SignedAct) -> Result<(), Turned> {
        let turned = |code, detail| Turned { code, detail };
        let org = act.value().org;
        let first = turned(ErrorCode::BadFrame, "sign in first");
        let ticket = match &self.shown {
            Some((shown, ticket)) if *shown == org => ticket.clone(),
            Some(_) | None => return Err(first),
        };
        if !self.entitled {
            let relay = self.relay.clone();
            let asking = move || relay.hub.may_bring(org, &ticket);
            let may = tokio::task::spawn_blocking(asking).await;
            may.unwrap_or(Err(turned(ErrorCode::Internal, "asking failed")))?;
            self.entitled = true;
        }
        let gone = turned(ErrorCode::Internal, "the relay cannot serve it now");
        let handle = self.relay.hub.get(org).ok_or(gone)?;
        let (taken, answer) = oneshot::channel();
        if !handle.tell(Command::Bring { act, taken }) {
            return Err(gone);
        }
        let answer = answer.await.unwrap_or(Err(ErrorCode::Internal));
        answer.map_err(|code| turned(code, "the act that was brought does not stand"))
    }

    async fn listen(&mut self, stream: &mut SplitStream<WebSocket>, door: &Door) -> End {
        let now = Instant::now();
        let (mut frames, mut bytes) = (Bucket::full(FRAMES, now), Bucket::full(BYTES, now));
        let mut asked = false;
        loop {
            let message = match timeout(self.relay.idle, self.next(stream)).await {
                Ok(Ok(Some(message))) => message,
                Ok(Ok(None)) => return End::Gone,
                Ok(Err((code, detail))) => return self.end(code, detail),
                // Silence for too long: ask once, then give up.
                Err(_) if asked => return self.end(ErrorCode::TooMany, "no sign of life"),
                Err(_) => {
                    asked = true;
                    self.outbox.push(Frame::Ping { n: 0 }.encode().into());
                    continue;
                }
            };
            asked = false;
            let size = message.len();
            let frame = match decode(&message) {
                Ok(frame) => frame,
                Err((code, detail)) => return self.end(code, detail),
            };
            drop(message);
            let now = Instant::now();
            #[allow(clippy::cast_precision_loss, reason = "a frame has at most 256 KiB")]
            let wait = frames
                .take(FRAMES, now, 1.0)
                .max(bytes.take(BYTES, now, size as f64));
            if !wait.is_zero() {
                sleep(wait).await;
            }
            if matches!(frame, Frame::Pong { .. }) {
                continue;
            }
            // A newcomer whose seat was added goes on as a device.
            if matches!(frame, Frame::SignIn(_) | Frame::Join(_)) {
                let admitted = match door.knock(frame) {
                    Ok(knock) => self.again(door, knock).await,
                    Err(turned) => Err(turned),
                };
                if let Err(turned) = admitted {
                    return self.end(turned.code, turned.detail);
                }
                continue;
            }
            let Some(handle) = &self.organisation else {
                return End::Gone;
            };
            let Some(permit) = handle.permit(size).await else {
                return End::Gone;
            };
            let conn = self.conn;
            let told = handle.tell(Command::Frame {
                conn,
                frame,
                permit,
            });
            if !told {
                return self.end(ErrorCode::ShuttingDown, "the relay stops: come back later");
            }
        }
    }

    /// Signs in again, in the same organisation.
    async fn again(&mut self, door: &Door, knock: Knock) -> Result<(), Turned> {
        let ours = self.organisation.as_ref().map(|handle| handle.org());
        if ours != Some(knock.org()) {
            return Err(Turned {
                code: ErrorCode::BadFrame,
                detail: "another organisation on the same connection",
            });
        }
        self.knock(door, knock).await.map(drop)
    }

    /// The next binary message.
    async fn next(
        &self,
        stream: &mut SplitStream<WebSocket>,
    ) -> Result<Option<Bytes>, (ErrorCode, &'static str)> {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.relay.metrics.frames_in.inc();
                    self.relay.metrics.bytes_in.inc_by(bytes.len() as u64);
                    return Ok(Some(bytes));
                }
                Some(Ok(Message::Text(_))) => {
                    return Err((ErrorCode::BadFrame, "frames are binary"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Err(error)) => {
                    let inner = error.into_inner();
                    return match inner.downcast_ref::<tungstenite::Error>() {
                        Some(tungstenite::Error::Capacity(_)) => {
                            Err((ErrorCode::TooLarge, "longer than a frame may be"))
                        }
                        Some(_) | None => Ok(None),
                    };
                }
            }
        }
    }

    fn end(&self, code: ErrorCode, detail: &str) -> End {
        self.relay.metrics.closed(code);
        self.outbox.end(code, detail);
        End::Farewell
    }
}

fn reason(turned: Turned) -> (ErrorCode, &'static str) {
    (turned.code, turned.detail)
}

fn decode(bytes: &[u8]) -> Result<Frame, (ErrorCode, &'static str)> {
    Frame::decode(bytes).map_err(|error| (error.into(), "not a frame of this protocol"))
}

struct Writer {
    sink: SplitSink<WebSocket, Message>,
    outbox: Arc<Outbox>,
    relay: Arc<Relay>,
}

impl Writer {
    async fn run(mut self, conn: ConnId, organisation: watch::Receiver<Option<Arc<Handle>>>) {
        loop {
            match self.outbox.next(STRETCH).await {
                Next::Frames(frames) => {
                    let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
                    let metrics = &self.relay.metrics;
                    metrics.frames_out.inc_by(frames.len() as u64);
                    metrics.bytes_out.inc_by(bytes as u64);
                    let stall = self.relay.stall;
                    let written = timeout(stall, write(&mut self.sink, frames)).await;
                    let room = self.outbox.written(bytes, ROOM);
                    match written {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(_) => {
                            // It cannot be told: nothing it does not read will reach it.
                            metrics.closed(ErrorCode::SlowReader);
                            self.outbox.end(ErrorCode::SlowReader, "stalled");
                            return;
                        }
                    }
                    if room && let Some(handle) = &*organisation.borrow() {
                        handle.tell(Command::More { conn });
                    }
                }
                Next::End(farewell) => {
                    if farewell.code == ErrorCode::SlowReader {
                        self.relay.metrics.closed(farewell.code);
                    }
                    let frame = Frame::error(farewell.code, &farewell.detail).encode();
                    let last = async {
                        let said = self.sink.send(Message::Binary(frame.into())).await;
                        if said.is_ok() {
                            let _ = self.sink.send(Message::Close(None)).await;
                        }
                    };
                    let _ = timeout(GOODBYE, last).await;
                    return;
                }
            }
        }
    }
}

/// Writes all frames with as few calls as possible.
async fn write(sink: &mut SplitSink<WebSocket, Message>, frames: Vec<Arc<[u8]>>) -> bool {
    for frame in frames {
        let message = Message::Binary(Bytes::from_owner(frame));
        if sink.feed(message).await.is_err() {
            return false;
        }
    }
    sink.flush().await.is_ok()
}

/// Sizes of a connection's buffers.
pub(super) const BUFFER: usize = 4 * 1024;
/// What tungstenite may hold back while a write waits: one frame and a little.
pub(super) const MAX_WRITE_BUFFER: usize = limits::MAX_FRAME + 16 * 1024;
