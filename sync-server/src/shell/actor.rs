//! The thread of one organisation: a batch of inputs, one commit, then the effects.
//!
//! ```text
//! open ──> serve ──Stop──> commit, close all, checkpoint, end
//!   ^        │ failure or panic: close all, begin again
//!   └────────┘            log damaged: turn everybody away until somebody acts
//! ```

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use entry_log::{DirStorage, Recovery};
use sync_protocol::{Entry, ErrorCode, Frame, Governance, OrgId, SignedAct, SigningKey, VERSION};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};

use super::{
    disk::Disk,
    folder::Folder,
    metrics::{Alarm, Metrics},
    outbox::Outbox,
    serve::Clock,
    settings::{Checkpoint, Settings},
};
use crate::core::{
    Admission, ConnId, Effect, Input, Limits, OpenError, Organisation, Stats, StorageError,
};

/// Inputs in one batch, at most.
const BATCH: u32 = 512;
/// A connection with fewer bytes waiting than this has room for the next part of a tail.
pub(super) const ROOM: usize = 192 * 1024;
/// Frames on their way to one organisation, in units of 1 KiB.
const BUDGET: usize = 16 * 1024;
/// How often counts are taken and checkpoints are written, at most.
const COUNT_EVERY: Duration = Duration::from_millis(100);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
/// Between two tries to open a log or to write to a full disk.
const RETRY_OPEN: Duration = Duration::from_secs(10);
const RETRY_FULL: Duration = Duration::from_secs(1);
/// A thread that works this long on one batch is stuck.
pub(super) const STUCK: Duration = Duration::from_secs(15);

/// What all organisations of a relay share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: Folder,
    pub(super) key: SigningKey,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) disk: Arc<Disk>,
    pub(super) settings: Settings,
}

/// What an organisation's thread is told.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all commands are frames, the largest"
)]
pub(super) enum Command {
    /// Somebody was let in.
    Opened {
        conn: ConnId,
        admission: Admission,
        outbox: Arc<Outbox>,
    },
    /// A frame; the permit is its share of the budget.
    Frame {
        conn: ConnId,
        frame: Frame,
        permit: OwnedSemaphorePermit,
    },
    /// An act that somebody brings before signing in; the answer is given once it is durable.
    Bring {
        act: SignedAct,
        taken: oneshot::Sender<Result<(), ErrorCode>>,
    },
    /// The outbox has room again.
    More { conn: ConnId },
    /// The connection is gone.
    Closed { conn: ConnId },
    /// Commit, close all connections and end.
    Stop,
}

/// What an organisation's thread is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Opening,
    Serving,
    /// Nobody is served until somebody acts.
    Unusable(String),
    Stopped,
}

/// Reaches an organisation's thread.
#[derive(Debug)]
pub(super) struct Handle {
    org: OrgId,
    commands: mpsc::Sender<Command>,
    budget: Arc<Semaphore>,
    governance: RwLock<Option<Arc<Governance>>>,
    state: Mutex<State>,
    stopping: AtomicBool,
    busy_since: Mutex<Option<Instant>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    /// Starts the thread. `founded` is an organisation that is open already; `ready` is dropped
    /// once it is clear whether the log can be used.
    pub(super) fn start(
        shared: Arc<Shared>,
        org: OrgId,
        limits: Limits,
        founded: Option<Organisation<DirStorage>>,
        ready: mpsc::Sender<()>,
    ) -> std::io::Result<Arc<Self>> {
        let (commands, inbox) = mpsc::channel();
        let handle = Arc::new(Self {
            org,
            commands,
            budget: Arc::new(Semaphore::new(BUDGET)),
            governance: RwLock::default(),
            state: Mutex::new(State::Opening),
            stopping: AtomicBool::new(false),
            busy_since: Mutex::default(),
            thread: Mutex::default(),
        });
        let actor = Actor {
            shared,
            limits,
            inbox,
            handle: handle.clone(),
            connections: HashMap::new(),
            ready: Some(ready),
        };
        let thread = thread::Builder::new()
            .name(format!("{org}").chars().take(15).collect())
            .spawn(move || actor.run(founded))?;
        *locked(&handle.thread) = Some(thread);
        Ok(handle)
    }

    /// Whose thread it is.
    pub(super) fn org(&self) -> OrgId {
        self.org
    }

    /// Who may do what, as of the last commit; `None` while nobody is served.
    pub(super) fn governance(&self) -> Option<Arc<Governance>> {
        let governance = self.governance.read();
        governance.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn state(&self) -> State {
        locked(&self.state).clone()
    }

    /// Whether it has worked on one batch for too long.
    pub(super) fn is_stuck(&self) -> bool {
        locked(&self.busy_since).is_some_and(|since| since.elapsed() > STUCK)
    }

    /// Hands a command over; `false` when the thread has ended.
    pub(super) fn tell(&self, command: Command) -> bool {
        self.commands.send(command).is_ok()
    }

    /// Waits until a frame of so many bytes may be handed over.
    pub(super) async fn permit(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes / 1024 + 1).ok()?;
        self.budget.clone().acquire_many_owned(units).await.ok()
    }

    /// Asks the thread to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.tell(Command::Stop);
    }

    /// Waits for the thread to end.
    pub(super) fn join(&self) {
        if let Some(thread) = locked(&self.thread).take() {
            // It catches its panics; there is nothing to learn from how it ended.
            let _ = thread.join();
        }
    }

    fn set_state(&self, state: State) {
        *locked(&self.state) = state;
    }

    fn publish(&self, governance: Option<Arc<Governance>>) {
        let mut published = self
            .governance
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *published = governance;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Stopped,
    Failed,
}

struct Actor {
    shared: Arc<Shared>,
    limits: Limits,
    inbox: mpsc::Receiver<Command>,
    handle: Arc<Handle>,
    connections: HashMap<ConnId, Arc<Outbox>>,
    ready: Option<mpsc::Sender<()>>,
}

impl Actor {
    fn run(mut self, founded: Option<Organisation<DirStorage>>) {
        let org = self.handle.org;
        let mut next = founded.map(Ok);
        loop {
            let opened = next.take().unwrap_or_else(|| self.open());
            let mut serving = match opened {
                Ok(organisation) => Serving::new(&self, organisation),
                Err(error) => {
                    if self.turn_away(&error) == Ending::Stopped {
                        break;
                    }
                    continue;
                }
            };
            self.handle.set_state(State::Serving);
            self.ready = None;
            let served = catch_unwind(AssertUnwindSafe(|| serving.serve(&mut self)));
            *locked(&self.handle.busy_since) = None;
            serving.end(&self);
            if matches!(served, Ok(Ending::Stopped)) {
                break;
            }
            tracing::error!(%org, panicked = served.is_err(), "begins again after a failure");
            self.shared.metrics.alarm(Alarm::Restarted);
            self.handle.set_state(State::Opening);
            self.handle.publish(None);
            self.close_all(ErrorCode::Internal, "the relay begins again: come back");
        }
        self.handle.set_state(State::Stopped);
        self.handle.publish(None);
        // Who came in meanwhile.
        while let Ok(command) = self.inbox.try_recv() {
            if let Command::Opened { outbox, .. } = command {
                outbox.end(ErrorCode::ShuttingDown, STOPS);
            }
        }
        self.close_all(ErrorCode::ShuttingDown, STOPS);
    }

    fn open(&self) -> Result<Organisation<DirStorage>, OpenError> {
        let org = self.handle.org;
        let storage = DirStorage::open(self.shared.folder.log(org))
            .map_err(|error| OpenError::Log(entry_log::OpenError::Io(error)))?;
        let key = self.shared.key.clone();
        let opening = || Organisation::open(storage, key, Some(org), self.limits);
        let (organisation, recovery) = catch_unwind(AssertUnwindSafe(opening))
            .unwrap_or(Err(OpenError::Storage(StorageError::Failed)))?;
        let records = organisation.stats().records;
        match recovery {
            Recovery::TornTail { kept, cut_bytes } => {
                tracing::warn!(%org, kept, cut_bytes, "cut a tail that was never acknowledged");
            }
            Recovery::Clean | Recovery::Damaged(_) => {}
        }
        // A checkpoint that cannot be read says nothing.
        let checkpoint = self.shared.settings.checkpoint(org).ok().flatten();
        if let Some(before) = checkpoint
            && before.records > records
        {
            tracing::error!(%org, records, before = before.records, "the log is shorter than it was");
            self.shared.metrics.alarm(Alarm::LogRolledBack);
        }
        Ok(organisation)
    }

    /// The log cannot be used: says so to whoever comes, and tries again when that may help.
    fn turn_away(&mut self, error: &OpenError) -> Ending {
        let org = self.handle.org;
        let first = !matches!(self.handle.state(), State::Unusable(_));
        let text = chain_of(error);
        if first {
            tracing::error!(%org, %error, "the organisation cannot be served");
            self.shared.metrics.alarm(Alarm::LogDamaged);
        }
        self.handle.set_state(State::Unusable(text));
        self.ready = None;
        let again = match error {
            OpenError::Log(_) | OpenError::Storage(_) => true,
            OpenError::Damaged(_)
            | OpenError::Empty
            | OpenError::NotEmpty
            | OpenError::OtherOrganisation(_)
            | OpenError::Governance(_) => false,
        };
        let until = Instant::now() + RETRY_OPEN;
        loop {
            let patience = if again {
                until.saturating_duration_since(Instant::now())
            } else {
                Duration::from_hours(1)
            };
            match self.inbox.recv_timeout(patience) {
                Ok(Command::Opened { outbox, .. }) => {
                    outbox.end(ErrorCode::Internal, "the relay cannot read its log");
                }
                Ok(Command::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Ending::Stopped;
                }
                Err(mpsc::RecvTimeoutError::Timeout) if again => return Ending::Failed,
                Ok(
                    Command::Frame { .. }
                    | Command::Bring { .. }
                    | Command::More { .. }
                    | Command::Closed { .. },
                )
                | Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn close_all(&mut self, code: ErrorCode, detail: &str) {
        for (_, outbox) in self.connections.drain() {
            outbox.end(code, detail);
            self.shared.metrics.closed(code);
            self.shared.metrics.signed_in.dec();
        }
    }
}

const STOPS: &str = "the relay stops: come back later";

/// An error with all its causes, in one line.
pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// An organisation while it is served.
struct Serving {
    organisation: Organisation<DirStorage>,
    height: Option<u32>,
    /// What the metrics know of.
    counted: Stats,
    counted_at: Instant,
    uncounted: bool,
    checkpoint: Option<Checkpoint>,
    checkpoint_at: Instant,
    /// Connections that may get the next part of a tail.
    asking: BTreeSet<ConnId>,
    /// Who brought an act of this batch, and what came of it.
    brought: Vec<Brought>,
}

type Brought = (
    oneshot::Sender<Result<(), ErrorCode>>,
    Result<(), ErrorCode>,
);

impl Serving {
    fn new(actor: &Actor, organisation: Organisation<DirStorage>) -> Self {
        let now = Instant::now();
        let mut serving = Self {
            organisation,
            height: None,
            counted: Stats::default(),
            counted_at: now,
            uncounted: true,
            checkpoint: None,
            checkpoint_at: now,
            asking: BTreeSet::new(),
            brought: Vec::new(),
        };
        serving.publish(actor);
        serving.count(actor);
        serving
    }

    fn serve(&mut self, actor: &mut Actor) -> Ending {
        loop {
            let patience = if self.uncounted {
                COUNT_EVERY
            } else {
                CHECKPOINT_EVERY
            };
            let first = match actor.inbox.recv_timeout(patience) {
                Ok(command) => command,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.count(actor);
                    self.save_checkpoint(actor);
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ending::Stopped,
            };
            let started = Instant::now();
            *locked(&actor.handle.busy_since) = Some(started);
            let ending = self.batch(actor, first, started);
            *locked(&actor.handle.busy_since) = None;
            match ending {
                Some(Ending::Stopped) => {
                    let effects = self.organisation.close_all(ErrorCode::ShuttingDown, STOPS);
                    self.deliver(actor, effects);
                    return Ending::Stopped;
                }
                Some(Ending::Failed) => return Ending::Failed,
                None => {}
            }
        }
    }

    fn batch(&mut self, actor: &mut Actor, first: Command, started: Instant) -> Option<Ending> {
        let mut next = Some(first);
        let (mut inputs, mut stop) = (0_u32, false);
        while let Some(command) = next {
            inputs += 1;
            stop |= self.take(actor, command);
            next = (inputs < BATCH && !stop)
                .then(|| actor.inbox.try_recv().ok())
                .flatten();
        }
        if self.organisation.has_work() || self.organisation.has_failed() {
            let effects = self.commit(actor)?;
            self.publish(actor);
            self.deliver(actor, effects);
        }
        for (waiting, taken) in self.brought.drain(..) {
            // Whoever is gone needs no answer.
            let _ = waiting.send(taken);
        }
        self.pump(actor);
        if self.organisation.has_failed() {
            return Some(Ending::Failed);
        }
        let metrics = &actor.shared.metrics;
        metrics
            .commit_seconds
            .observe(started.elapsed().as_secs_f64());
        metrics.batch_inputs.observe(f64::from(inputs));
        self.uncounted = true;
        if self.counted_at.elapsed() >= COUNT_EVERY {
            self.count(actor);
        }
        if self.checkpoint_at.elapsed() >= CHECKPOINT_EVERY {
            self.save_checkpoint(actor);
        }
        stop.then_some(Ending::Stopped)
    }

    /// Takes a command; gives whether it asks to stop.
    fn take(&mut self, actor: &mut Actor, command: Command) -> bool {
        let now = (actor.shared.clock)();
        match command {
            Command::Opened {
                conn,
                admission,
                outbox,
            } => self.opened(actor, conn, admission, outbox),
            Command::Frame {
                conn,
                frame,
                permit,
            } => {
                if let Some(outbox) = actor.connections.get(&conn) {
                    if let Frame::Push { entries } = &frame
                        && !actor.shared.disk.has_space()
                    {
                        refuse_all(actor, outbox, entries);
                    } else {
                        self.asking.insert(conn);
                        self.organisation.handle(now, Input::Frame { conn, frame });
                    }
                }
                drop(permit);
            }
            Command::Bring { act, taken } => {
                let done = if actor.shared.disk.has_space() {
                    self.organisation.bring(now, &act)
                } else {
                    Err(ErrorCode::Quota)
                };
                self.brought.push((taken, done));
            }
            Command::More { conn } => {
                self.asking.insert(conn);
            }
            Command::Closed { conn } => self.forget(actor, conn),
            Command::Stop => return true,
        }
        false
    }

    fn opened(
        &mut self,
        actor: &mut Actor,
        conn: ConnId,
        admission: Admission,
        outbox: Arc<Outbox>,
    ) {
        if actor.connections.insert(conn, outbox).is_none() {
            actor.shared.metrics.signed_in.inc();
        }
        self.asking.insert(conn);
        let now = (actor.shared.clock)();
        self.organisation
            .handle(now, Input::Opened { conn, admission });
    }

    fn forget(&mut self, actor: &mut Actor, conn: ConnId) {
        if actor.connections.remove(&conn).is_some() {
            actor.shared.metrics.signed_in.dec();
            let now = (actor.shared.clock)();
            self.organisation.handle(now, Input::Closed { conn });
        }
        self.asking.remove(&conn);
    }

    /// `None` when nothing works any more.
    fn commit(&mut self, actor: &Actor) -> Option<Vec<Effect>> {
        loop {
            match self.organisation.commit((actor.shared.clock)()) {
                Ok(effects) => return Some(effects),
                Err(StorageError::DiskFull) => {
                    let org = actor.handle.org;
                    let released = actor.shared.disk.is_full().unwrap_or(false);
                    tracing::error!(%org, released, "the disk is full: nothing is acknowledged");
                    if actor.handle.stopping.load(Ordering::Relaxed) {
                        return Some(Vec::new());
                    }
                    if !released {
                        thread::sleep(RETRY_FULL);
                    }
                }
                Err(error) => {
                    let org = actor.handle.org;
                    tracing::error!(%org, error = %chain_of(&error), "a commit failed");
                    return None;
                }
            }
        }
    }

    fn deliver(&mut self, actor: &mut Actor, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    count_refusal(&actor.shared.metrics, &bytes);
                    let sent = actor
                        .connections
                        .get(&conn)
                        .is_none_or(|outbox| outbox.push(bytes));
                    if !sent {
                        self.forget(actor, conn);
                    }
                }
                Effect::Close { conn, code, detail } => {
                    self.asking.remove(&conn);
                    if let Some(outbox) = actor.connections.remove(&conn) {
                        actor.shared.metrics.signed_in.dec();
                        actor.shared.metrics.closed(code);
                        outbox.end(code, &detail);
                    }
                }
            }
        }
    }

    /// Gives the next parts of tails to who has room.
    fn pump(&mut self, actor: &mut Actor) {
        for conn in mem::take(&mut self.asking) {
            while actor
                .connections
                .get(&conn)
                .is_some_and(|outbox| outbox.has_room(ROOM))
            {
                let effects = self.organisation.more((actor.shared.clock)(), conn);
                if effects.is_empty() {
                    break;
                }
                self.deliver(actor, effects);
            }
        }
    }

    fn publish(&mut self, actor: &Actor) {
        let governance = self.organisation.governance();
        if self.height != Some(governance.height()) {
            self.height = Some(governance.height());
            actor.handle.publish(Some(Arc::new(governance.clone())));
        }
    }

    fn count(&mut self, actor: &Actor) {
        let stats = self.organisation.stats();
        actor.shared.metrics.add(&self.counted, &stats);
        self.counted = stats;
        self.counted_at = Instant::now();
        self.uncounted = false;
    }

    fn save_checkpoint(&mut self, actor: &Actor) {
        let org = actor.handle.org;
        self.checkpoint_at = Instant::now();
        let checkpoint = Checkpoint {
            records: self.counted.records,
            bytes: self.counted.bytes,
            governance: self.height.unwrap_or_default(),
        };
        if self.checkpoint == Some(checkpoint) {
            return;
        }
        match actor.shared.settings.set_checkpoint(org, checkpoint) {
            Ok(()) => self.checkpoint = Some(checkpoint),
            Err(error) => tracing::warn!(%org, %error, "no checkpoint was written"),
        }
    }

    fn end(&mut self, actor: &Actor) {
        self.count(actor);
        if !self.organisation.has_failed() {
            self.save_checkpoint(actor);
        }
        // The logs' sizes are counted anew when the organisation is opened again.
        let nothing = Stats {
            records: 0,
            bytes: 0,
            ..self.counted
        };
        actor.shared.metrics.add(&self.counted, &nothing);
    }
}

/// The disk is nearly full: entries stay with their devices.
fn refuse_all(actor: &Actor, outbox: &Outbox, entries: &[Vec<u8>]) {
    for bytes in entries {
        let code = ErrorCode::Quota;
        match Entry::decode(bytes) {
            Ok(entry) => {
                let detail = "the relay's disk is nearly full";
                let frame = Frame::refused_entry(entry.id(), code, detail);
                actor.shared.metrics.refused(code);
                if !outbox.push(frame.encode().into()) {
                    return;
                }
            }
            Err(error) => {
                outbox.end(error.into(), "not an entry");
                return;
            }
        }
    }
}

/// Counts a frame that says what was refused. Only those begin like this.
fn count_refusal(metrics: &Metrics, bytes: &[u8]) {
    const REFUSED: [u8; 4] = [VERSION, 0, 0x84, 10];
    if bytes.starts_with(&REFUSED)
        && let Ok(Frame::Refused { code, .. }) = Frame::decode(bytes)
    {
        metrics.refused(code);
    }
}
