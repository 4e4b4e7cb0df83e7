//! The door between the page and the replica: three commands, one event.
//!
//! Every call runs on a blocking thread, so the window never waits. A home that cannot be opened
//! (in use, damaged, written by a newer program) still gets its window: each call then answers
//! with the refusal, which names the way out.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use client_core::{
    catalogue::{
        Answer, Command, ErrorCode, Event, HomePhase, HomeReply, HomeRequest, Query, Refusal, Reply,
    },
    home::Home,
    link::Trust,
};
use tauri::{AppHandle, Emitter as _, State};

/// The name of the event which carries [`Event`] to the page.
const EVENT: &str = "daybook";

/// A window that was just closed may hold its home for a moment longer.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How often is looked for what is due by the clock.
const TEND_EVERY: Duration = Duration::from_mins(1);

/// The way to one replica, which is opened at the first call and tried again at every call while it
/// cannot be.
pub(crate) struct Door {
    folder: PathBuf,
    trust: Trust,
    app: AppHandle,
    home: OnceLock<Home>,
    opening: Mutex<()>,
}

impl Door {
    /// A door to the replica in `folder`, which is made if there is none.
    pub(crate) fn new(folder: PathBuf, trust: Trust, app: AppHandle) -> Self {
        Self {
            folder,
            trust,
            app,
            home: OnceLock::new(),
            opening: Mutex::new(()),
        }
    }

    /// The replica. Opening may block; whoever comes meanwhile waits for the same answer.
    pub(crate) fn opened(&self) -> Result<&Home, Refusal> {
        if let Some(home) = self.home.get() {
            return Ok(home);
        }
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = self.home.get() {
            return Ok(home);
        }
        let home = self.open()?;
        self.forward_events(&home);
        Ok(self.home.get_or_init(|| home))
    }

    fn open(&self) -> Result<Home, Refusal> {
        let mut looks = 1;
        loop {
            match Home::open(&self.folder, Arc::new(now), self.trust.clone()) {
                Ok(home) => return Ok(home),
                Err(refusal) if refusal.code == ErrorCode::HomeInUse && looks < LOOKS => {
                    looks += 1;
                    thread::sleep(BETWEEN_LOOKS);
                }
                Err(refusal) => {
                    tracing::warn!(code = ?refusal.code, "the home could not be opened");
                    return Err(refusal);
                }
            }
        }
    }

    /// Starts the thread which looks every minute for what is due by the clock, as long as there is
    /// a door.
    pub(crate) fn tend(self: &Arc<Self>) {
        let door = Arc::downgrade(self);
        let started = thread::Builder::new()
            .name("care".to_owned())
            .spawn(move || {
                while let Some(door) = door.upgrade() {
                    if let Some(home) = door.home.get() {
                        home.tend();
                    }
                    drop(door);
                    thread::sleep(TEND_EVERY);
                }
            });
        if let Err(error) = started {
            tracing::error!(%error, "no backups will be made by themselves");
        }
    }

    /// Starts the thread which hands every event of the replica to the page.
    fn forward_events(&self, home: &Home) {
        let events: std::sync::mpsc::Receiver<Event> = home.subscribe();
        let app = self.app.clone();
        let started = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || {
                for event in events {
                    if let Err(error) = app.emit(EVENT, event) {
                        tracing::warn!(%error, "an event did not reach the page");
                    }
                }
            });
        if let Err(error) = started {
            tracing::error!(%error, "the page will not hear of changes");
        }
    }

    fn request(&self, request: HomeRequest) -> Result<HomeReply, Refusal> {
        let home = self.opened()?;
        let may_open = match request {
            HomeRequest::Found { .. }
            | HomeRequest::Join { .. }
            | HomeRequest::Unlock { .. }
            | HomeRequest::Recover { .. }
            | HomeRequest::Rescue { .. }
            | HomeRequest::Switch { .. }
            | HomeRequest::SetRelay { .. }
            | HomeRequest::Restore { .. } => true,
            HomeRequest::Status
            | HomeRequest::SetStandby { .. }
            | HomeRequest::ApproveRelay
            | HomeRequest::AuditVerify
            | HomeRequest::ExportClient { .. }
            | HomeRequest::Evidence { .. }
            | HomeRequest::EraseClient { .. }
            | HomeRequest::Certificate { .. }
            | HomeRequest::Lock
            | HomeRequest::Pause
            | HomeRequest::Seats
            | HomeRequest::AddSeat { .. }
            | HomeRequest::JoinSeat { .. }
            | HomeRequest::SetPin { .. }
            | HomeRequest::SetPassphrase { .. }
            | HomeRequest::Keystore
            | HomeRequest::SetKeystore { .. }
            | HomeRequest::RemoveSeat { .. }
            | HomeRequest::RemoveDevice { .. }
            | HomeRequest::SetRole { .. }
            | HomeRequest::RevokeInvite { .. }
            | HomeRequest::Invite { .. }
            | HomeRequest::Compare { .. }
            | HomeRequest::Compared { .. }
            | HomeRequest::Drill { .. }
            | HomeRequest::Kit
            | HomeRequest::NewWords
            | HomeRequest::RenewKit { .. }
            | HomeRequest::SetPolicy { .. }
            | HomeRequest::HandOver { .. }
            | HomeRequest::PlanBackup { .. }
            | HomeRequest::StopBackup
            | HomeRequest::VerifyBackup { .. }
            | HomeRequest::Backup { .. } => false,
        };
        let reply = home.request(request)?;
        if may_open {
            link(home);
        }
        Ok(reply)
    }
}

/// Keeps the link to the relay, if the practice is open and has one. A relay that cannot be reached
/// is no error: the link goes on trying, and the page asks for the state.
fn link(home: &Home) {
    let status = home.status();
    if status.phase == HomePhase::Open
        && status.relay.is_some()
        && let Err(refusal) = home.connect()
    {
        tracing::warn!(code = ?refusal.code, "the link to the relay was not started");
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the desk is a binary: here the clock is read"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Found, join, unlock, lock, invite, back up.
#[tauri::command]
pub(crate) async fn home(
    door: State<'_, Arc<Door>>,
    request: HomeRequest,
) -> Result<HomeReply, Refusal> {
    apart(&door, move |door| door.request(request)).await
}

/// Changes something; durable when it answers.
#[tauri::command]
pub(crate) async fn execute(
    door: State<'_, Arc<Door>>,
    command: Command,
) -> Result<Reply, Refusal> {
    apart(&door, move |door| door.opened()?.execute(command)).await
}

/// Reads something.
#[tauri::command]
pub(crate) async fn query(door: State<'_, Arc<Door>>, query: Query) -> Result<Answer, Refusal> {
    apart(&door, move |door| door.opened()?.query(query)).await
}

/// Runs a call on a thread that may block.
async fn apart<T: Send + 'static>(
    door: &Arc<Door>,
    call: impl FnOnce(&Door) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let door = Arc::clone(door);
    tauri::async_runtime::spawn_blocking(move || call(&door))
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "a call stopped half-way");
            Err(Refusal::new(
                ErrorCode::Internal,
                "Something went wrong inside the program.",
                "What you saved before is safe. Close the window and open it again.",
            ))
        })
}
