//! One installation as a face uses it: a folder, its keys, its replica, its link to the relay.
//!
//! Everything here blocks and may be called from any thread. The replica sits behind one lock;
//! the link's thread takes the same lock for each input, so a command and an arrival never mix.
//!
//! ```text
//!  face ── execute / query ──> Home ── lock ──> Replica ── log
//!                               │                 ^
//!                               └── Link thread ──┘  (Driver)
//! ```
//!
//! Start with [`Home::open`], [`Home::request`], [`Home::execute`] and [`Home::query`].

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "faults that need no words of their own share one sentence"
)]

mod archive;
mod audit;
mod backup;
mod comparing;
mod driver;
mod erasing;
mod evidence;
mod exporting;
mod joining;
mod keys;
mod keystore;
mod lease;
mod manifest;
mod people;
mod recovery;
mod relay;
mod rescue;
mod seats;
mod wipe;

pub use backup::backup_parts;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use conflict_rules::AppointmentId;
use entry_log::DirStorage;
use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

use crate::{
    catalogue::{
        Answer, Command, ErrorCode, Event, HomePhase, HomeReply, HomeRequest, HomeStatus,
        LinkState, Query, Refusal, Reply,
    },
    documents::Opening as Opened,
    keystore::{Keystore, SystemKeystore},
    link::{Link, Trust},
    picture::picture,
    replica::{Founding, Replica, RequestState},
    sealing::{Anchor, Kit, RootSecret, Unlocked},
    store::{Folder, FolderError, LocalStore as _, SledStore, StoreError},
};

pub use erasing::check_certificate;
pub use lease::{Lease, lease};

/// Reads the time. Only binaries hand in the system's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The relay's word on a slot is waited for so long while connected.
const VERDICT: Duration = Duration::from_secs(1);
/// A relay is asked to do something within this time.
const PATIENCE: Duration = Duration::from_secs(15);
const MIN_PASSPHRASE: usize = 8;
const TICKET: &[u8] = b"relay ticket";
const BACKUP_AT: &[u8] = b"backup at";
const DRILLED_AT: &[u8] = b"drilled at";

/// What opens the keys of a home.
#[derive(Clone)]
pub enum Opening {
    /// What a person types.
    Passphrase(Zeroizing<String>),
    /// A file in the home: whoever reads the disk reads everything.
    MachineKey,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(..)")
    }
}

impl Opening {
    /// A typed passphrase.
    pub fn passphrase(text: String) -> Self {
        Self::Passphrase(Zeroizing::new(text))
    }
}

/// An installation. See the module's documentation.
#[derive(Debug)]
pub struct Home {
    folder: Arc<Folder>,
    clock: Clock_,
    trust: Trust,
    keystore: Arc<dyn Keystore>,
    shared: Arc<Shared>,
    /// Apart from `shared`, because a link is joined when it is dropped.
    link: Mutex<Option<Link>>,
    /// Nobody is at the desk, and a PIN brings somebody back.
    resting: Mutex<Option<seats::Resting>>,
}

/// A clock that does not print.
#[derive(Clone)]
struct Clock_(Clock);

impl std::fmt::Debug for Clock_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Option<Desk>>,
    /// Notified after everything that may change an answer.
    changed: Condvar,
    listeners: Mutex<Vec<Sender<Event>>>,
}

/// An open home.
#[derive(Debug)]
struct Desk {
    replica: Replica<DirStorage>,
    random: ChaCha20Rng,
    settings: SledStore,
    keys: Unlocked,
    /// Whether a link is wanted.
    linked: bool,
    /// Slots whose refusal is told by the command that waits for it, not by an event.
    awaited: BTreeSet<AppointmentId>,
}

impl Desk {
    fn has_relay(&self) -> bool {
        self.replica.ledger().governance().relay_key().is_some()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Desk>> {
        // A panic while the lock was held is a bug that was told already; the log stays whole.
        self.desk
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let mut listeners = self
                .listeners
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for event in events {
                listeners.retain(|listener| listener.send(event.clone()).is_ok());
            }
        }
        self.changed.notify_all();
    }
}

impl Home {
    /// Takes the folder of an installation; nothing is unlocked yet.
    ///
    /// # Errors
    /// When another process uses it, or the system refuses.
    pub fn open(path: &Path, clock: Clock, trust: Trust) -> Result<Self, Refusal> {
        let folder = Folder::open(path).map_err(|error| match error {
            FolderError::InUse => Refusal::new(
                ErrorCode::HomeInUse,
                "Another Daybook uses this home.",
                "Close it, or give another folder.",
            ),
            FolderError::Io(error) => storage(&error),
        })?;
        Ok(Self {
            folder: Arc::new(folder),
            clock: Clock_(clock),
            trust,
            keystore: Arc::new(SystemKeystore),
            shared: Arc::default(),
            link: Mutex::new(None),
            resting: Mutex::new(None),
        })
    }

    /// The same with another keystore than the system's.
    #[must_use]
    pub fn keeping(mut self, keystore: Arc<dyn Keystore>) -> Self {
        self.keystore = keystore;
        self
    }

    /// Carries out a wish about the home.
    ///
    /// # Errors
    /// The refusal; nothing was changed.
    pub fn request(&self, request: HomeRequest) -> Result<HomeReply, Refusal> {
        let _after = wipe::WipesStack::AfterRequest;
        let opening = match &request {
            HomeRequest::Found { passphrase, .. }
            | HomeRequest::Join { passphrase, .. }
            | HomeRequest::Unlock { passphrase }
            | HomeRequest::Recover { passphrase, .. }
            | HomeRequest::Rescue { passphrase, .. } => Opening::passphrase(passphrase.clone()),
            HomeRequest::Status
            | HomeRequest::Drill { .. }
            | HomeRequest::Kit
            | HomeRequest::NewWords
            | HomeRequest::RenewKit { .. }
            | HomeRequest::SetPolicy { .. }
            | HomeRequest::HandOver { .. }
            | HomeRequest::PlanBackup { .. }
            | HomeRequest::StopBackup
            | HomeRequest::VerifyBackup { .. }
            | HomeRequest::Lock
            | HomeRequest::Pause
            | HomeRequest::Seats
            | HomeRequest::AddSeat { .. }
            | HomeRequest::JoinSeat { .. }
            | HomeRequest::Switch { .. }
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
            | HomeRequest::SetRelay { .. }
            | HomeRequest::SetStandby { .. }
            | HomeRequest::ApproveRelay
            | HomeRequest::Evidence { .. }
            | HomeRequest::AuditVerify
            | HomeRequest::EraseClient { .. }
            | HomeRequest::Certificate { .. }
            | HomeRequest::ExportClient { .. }
            | HomeRequest::Backup { .. }
            | HomeRequest::Restore { .. } => Opening::MachineKey,
        };
        self.request_with(request, &opening)
    }

    /// The same, with the given way of opening in the place of the request's passphrase.
    ///
    /// # Errors
    /// The refusal; nothing was changed.
    #[inline(never)] // Its frame holds keys: it must end before the stack is wiped.
    pub fn request_with(
        &self,
        request: HomeRequest,
        opening: &Opening,
    ) -> Result<HomeReply, Refusal> {
        self.may_wish(&request)?;
        match request {
            HomeRequest::Status => Ok(HomeReply::Status(self.status())),
            HomeRequest::Found {
                practice,
                location,
                zone,
                ..
            } => self.found(&practice, &location, &zone, opening),
            HomeRequest::Join { code, .. } => self.join(&code, opening),
            HomeRequest::Unlock { .. } => {
                self.unlock(opening)?;
                Ok(self.opened())
            }
            HomeRequest::Recover { words, .. } => self.recover(&words, opening),
            HomeRequest::Rescue {
                words,
                organisation,
                relay,
                relay_key,
                act,
                ..
            } => self.rescue(
                &words,
                rescue::Whereabouts {
                    organisation: organisation.as_deref(),
                    relay: &relay,
                    relay_key: &relay_key,
                    act: act.as_deref(),
                },
                opening,
            ),
            HomeRequest::Drill { words } => self.drill(&words),
            HomeRequest::Kit => self.kit(),
            HomeRequest::NewWords => self.new_words(),
            HomeRequest::RenewKit { words } => self.renew_kit(&words),
            HomeRequest::SetPolicy {
                managers_read_clinical,
            } => self.set_policy(managers_read_clinical),
            HomeRequest::HandOver { seat, role } => self.hand_over_to(&seat, role),
            HomeRequest::Lock => {
                self.lock();
                Ok(HomeReply::Status(self.status()))
            }
            HomeRequest::Pause => Ok(self.pause()),
            HomeRequest::Seats => self.seats(),
            HomeRequest::AddSeat { name, role, pin } => self.add_seat(&name, role, &pin),
            HomeRequest::JoinSeat { code, name, pin } => self.join_seat(&code, &name, &pin),
            HomeRequest::Switch {
                seat,
                pin,
                passphrase,
            } => self.switch(&seat, &pin, passphrase.as_deref()),
            HomeRequest::SetPin { pin } => self.set_pin(&pin),
            HomeRequest::SetPassphrase { passphrase } => self.set_own_passphrase(&passphrase),
            HomeRequest::Keystore => self.keystore_status(),
            HomeRequest::SetKeystore { on } => self.set_keystore(on),
            HomeRequest::RemoveSeat { seat } => self.remove_seat(&seat),
            HomeRequest::RemoveDevice { device } => self.remove_device(&device),
            HomeRequest::SetRole { seat, role } => self.set_role(&seat, role),
            HomeRequest::RevokeInvite { invite } => self.revoke_invite(&invite),
            HomeRequest::Invite {
                role,
                days,
                compare,
            } => self.invite(role, days, compare),
            HomeRequest::Compare { seat } => self.compare(seat.as_deref()),
            HomeRequest::Compared { seat, same } => self.compared(&seat, same),
            HomeRequest::SetRelay {
                address,
                ticket,
                replace,
            } => self.set_relay(&address, ticket.as_deref(), replace.as_deref()),
            HomeRequest::SetStandby { key } => self.set_standby(&key),
            HomeRequest::ApproveRelay => self.approve_relay(),
            HomeRequest::Evidence { file } => self.evidence(&file),
            HomeRequest::AuditVerify => self.audit_verify(),
            HomeRequest::EraseClient {
                client,
                basis,
                confirm,
            } => self.erase(client, basis, &confirm),
            HomeRequest::Certificate { erasure, file } => self.certificate(&erasure, &file),
            HomeRequest::ExportClient { client, folder } => {
                self.export_client(&client, Path::new(&folder))
            }
            HomeRequest::Backup { folder } => self.back_up(Path::new(&folder)),
            HomeRequest::PlanBackup {
                folder,
                hours,
                keep,
            } => self.plan_backup(&folder, hours, keep),
            HomeRequest::StopBackup => self.stop_backup(),
            HomeRequest::VerifyBackup { file, passphrase } => {
                self.verify_backup(Path::new(&file), passphrase.as_deref())
            }
            HomeRequest::Restore { file } => self.restore(Path::new(&file)),
        }
    }

    /// Where the home stands.
    pub fn status(&self) -> HomeStatus {
        match &*self.shared.lock() {
            Some(desk) => HomeStatus {
                phase: HomePhase::Open,
                paused: false,
                relay: desk
                    .replica
                    .ledger()
                    .governance()
                    .relay_address()
                    .map(str::to_owned),
                standby: desk.replica.standby().map(|key| key.to_string()),
            },
            None if self.folder.is_empty() => HomeStatus {
                phase: HomePhase::Empty,
                paused: false,
                relay: None,
                standby: None,
            },
            None if self.is_removed() => HomeStatus {
                phase: HomePhase::Removed,
                paused: false,
                relay: None,
                standby: None,
            },
            None => HomeStatus {
                phase: HomePhase::Locked,
                paused: self.is_paused(),
                relay: None,
                standby: None,
            },
        }
    }

    fn found(
        &self,
        practice: &str,
        location: &str,
        zone: &str,
        opening: &Opening,
    ) -> Result<HomeReply, Refusal> {
        self.must_be_empty()?;
        check_new(opening)?;
        let mut random = random()?;
        let root = RootSecret::generate(&mut random);
        let founding = Founding {
            practice,
            location,
            zone,
        };
        let storage = self.fresh_log()?;
        let (replica, secrets) =
            Replica::found(storage, &mut random, self.now(), &founding, &root)?;
        let keys = self.create_keys(&mut random, &replica, secrets, opening)?;
        let org = replica.org();
        let anchor = Anchor::of(replica.ledger().governance());
        self.put(replica, random, keys)?;
        let words = root.to_words();
        Ok(HomeReply::Founded {
            words: words.split_whitespace().map(str::to_owned).collect(),
            organisation: org.to_string(),
            picture: picture(&Kit::line(org, anchor, &words))?,
        })
    }

    /// Opens the keys and the replica.
    ///
    /// # Errors
    /// When the passphrase is wrong, or local data are damaged.
    pub fn unlock(&self, opening: &Opening) -> Result<(), Refusal> {
        if self.shared.lock().is_some() {
            return Ok(());
        }
        if self.is_removed() {
            return Err(people::removed());
        }
        let keys = self.open_keys(opening)?;
        self.open_replica(keys)
    }

    fn open_replica(&self, keys: Unlocked) -> Result<(), Refusal> {
        self.unpack_restored(&keys)?;
        let mut random = random()?;
        // Who was here before has left the log open.
        let (ledger, settings) = match self.take_resting() {
            Some(resting) => (resting.ledger, resting.settings),
            None => (self.open_ledger(&mut random)?, self.open_settings()?),
        };
        if keys.seat().is_none() {
            // This person works here no more; the others have their PINs.
            self.rest(seats::Resting {
                ledger,
                random,
                settings,
                keys,
            });
            return Ok(());
        }
        let replica = Replica::of_ledger(ledger, &keys.secrets, &mut random, self.now())?;
        self.put_with(replica, random, keys, settings)
    }

    fn open_settings(&self) -> Result<SledStore, Refusal> {
        SledStore::open(&self.folder.index()).map_err(|error| store(&error))
    }

    fn put(
        &self,
        replica: Replica<DirStorage>,
        random: ChaCha20Rng,
        keys: Unlocked,
    ) -> Result<(), Refusal> {
        let settings = self.open_settings()?;
        self.put_with(replica, random, keys, settings)
    }

    fn put_with(
        &self,
        mut replica: Replica<DirStorage>,
        mut random: ChaCha20Rng,
        mut keys: Unlocked,
        settings: SledStore,
    ) -> Result<(), Refusal> {
        self.tidy_keys(&replica, &mut random, &mut keys)?;
        let ticket = settings.get(TICKET).map_err(|error| store(&error))?;
        replica.set_ticket(ticket.and_then(|ticket| String::from_utf8(ticket).ok()));
        let mut desk = Desk {
            replica,
            random,
            settings,
            keys,
            linked: false,
            awaited: BTreeSet::new(),
        };
        if desk.replica.role().is_none() {
            return Err(people::leave(&self.folder, desk)?);
        }
        recovery::follow_words(&self.folder, &mut desk)?;
        lease::note(&mut desk, self.now());
        *self.shared.lock() = Some(desk);
        self.shared.tell(vec![all_changed()]);
        Ok(())
    }

    /// Forgets the keys and closes the link.
    pub fn lock(&self) {
        self.disconnect();
        *self.shared.lock() = None;
        drop(self.take_resting());
        self.shared.tell(vec![all_changed()]);
    }

    /// Carries out a command. What it wrote is durable when the reply is given. While connected,
    /// a booking or a move waits a moment for the relay's word: if the slot went to another desk
    /// it is withdrawn and refused with alternatives.
    ///
    /// # Errors
    /// The refusal; nothing was changed.
    pub fn execute(&self, command: Command) -> Result<Reply, Refusal> {
        let _after = wipe::WipesStack::AfterCall;
        let asks = matches!(command, Command::Book(_) | Command::Move(_));
        let mut held = self.shared.lock();
        self.heal(&mut held)?;
        let desk = held.as_mut().ok_or_else(|| self.closed())?;
        self.may_do(desk, &command)?;
        let now = self.now();
        let reply = desk.replica.execute(now, &mut desk.random, command)?;
        let events = desk.replica.take_events();
        let appointment = if asks { reply.id.parse().ok() } else { None };
        desk.awaited.extend(appointment);
        drop(held);
        self.shared.tell(events);
        self.wrote();
        let Some(appointment) = appointment else {
            return Ok(reply);
        };
        let mut held = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(held, VERDICT, |held| {
                held.as_ref().is_some_and(|desk| {
                    matches!(desk.replica.verdict(appointment), RequestState::Waiting)
                })
            });
        held = match waited {
            Ok((held, _)) => held,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let Some(desk) = held.as_mut() else {
            return Ok(reply);
        };
        desk.awaited.remove(&appointment);
        match desk.replica.verdict(appointment) {
            RequestState::JustTaken { alternatives } => {
                desk.replica.forget_verdict(appointment);
                let mut refusal = Refusal::new(
                    ErrorCode::SlotTaken,
                    "Just taken by another desk.",
                    "Choose one of the free slots, or another time.",
                );
                refusal.alternatives = alternatives;
                Err(refusal)
            }
            RequestState::Granted => {
                desk.replica.forget_verdict(appointment);
                Ok(reply)
            }
            RequestState::None | RequestState::Waiting => Ok(reply),
        }
    }

    /// Answers a query. Nothing is written but who opened a clinical card, before it is shown: if
    /// that cannot be written down the card is not shown.
    ///
    /// # Errors
    /// When what was asked for does not exist here, or the home is locked.
    pub fn query(&self, query: Query) -> Result<Answer, Refusal> {
        let _after = wipe::WipesStack::AfterCall;
        let mut held = self.shared.lock();
        if matches!(query, Query::Cards { .. }) {
            // Who opens it is written down.
            self.heal(&mut held)?;
        }
        let desk = held.as_mut().ok_or_else(|| self.closed())?;
        self.may_ask(desk, &query)?;
        let mut answer = desk.replica.query(self.now(), query)?;
        self.only_the_sheet(desk, &mut answer);
        match &mut answer {
            Answer::State(state) => {
                state.backup_at = moment(&desk.settings, BACKUP_AT);
                state.care = self.care_of(desk);
            }
            Answer::Audit(view) => audit::name_people(desk, view),
            Answer::Erasures(view) => *view = erasing::named(desk)?,
            Answer::Cards(view) => {
                let now = self.now();
                let wrote = desk
                    .replica
                    .note_opened(now, &mut desk.random, view, Opened::Shown);
                let events = desk.replica.take_events();
                drop(held);
                self.shared.tell(events);
                match wrote {
                    Ok(true) => self.wrote(),
                    Ok(false) => {}
                    Err(refusal) => return Err(unnoted(refusal)),
                }
            }
            _ => {}
        }
        Ok(answer)
    }

    /// What happens from now on.
    pub fn subscribe(&self) -> Receiver<Event> {
        let (sender, receiver) = channel();
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(sender);
        receiver
    }

    /// Waits until nothing is left to exchange with the relay.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or the relay needs a person first.
    pub fn wait_in_step(&self, patience: Duration) -> Result<(), Refusal> {
        let held = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(held, patience, |held| {
                held.as_ref().is_some_and(|desk| {
                    desk.replica.link() != LinkState::InStep && desk.replica.trouble().is_none()
                })
            });
        let held = match waited {
            Ok((held, _)) => held,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let desk = held.as_ref().ok_or_else(|| self.closed())?;
        match desk.replica.trouble() {
            Some(code) => Err(relay::trouble(code)),
            None if desk.replica.link() == LinkState::InStep => Ok(()),
            None => Err(relay::unreachable()),
        }
    }

    /// After a write that failed the replica is built anew from its log. If even that fails the
    /// home is locked: what it shows would no longer be what it holds.
    fn heal(&self, held: &mut Option<Desk>) -> Result<(), Refusal> {
        let Some(desk) = held.take_if(|desk| desk.replica.needs_reopening()) else {
            return Ok(());
        };
        let Desk {
            replica,
            mut random,
            settings,
            keys,
            linked,
            awaited,
        } = desk;
        let replica = replica.reopen(&mut random, self.now())?;
        *held = Some(Desk {
            replica,
            random,
            settings,
            keys,
            linked,
            awaited,
        });
        Ok(())
    }

    fn must_be_empty(&self) -> Result<(), Refusal> {
        if self.folder.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorCode::AlreadyFounded,
            "This home holds a practice already.",
            "Use another folder for another practice.",
        ))
    }

    /// An empty log; what an attempt that never got its keys left behind is put away.
    fn fresh_log(&self) -> Result<DirStorage, Refusal> {
        let log = self.folder.log();
        if log.exists() {
            std::fs::remove_dir_all(&log).map_err(|error| storage(&error))?;
        }
        DirStorage::open(log).map_err(|error| storage(&error))
    }

    fn now(&self) -> Timestamp {
        (self.clock.0)()
    }

    fn wrote(&self) {
        if let Some(link) = &*self
            .link
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            link.wrote();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.disconnect();
    }
}

fn check_new(opening: &Opening) -> Result<(), Refusal> {
    match opening {
        Opening::Passphrase(text) => check_passphrase(text),
        Opening::MachineKey => Ok(()),
    }
}

fn check_passphrase(text: &str) -> Result<(), Refusal> {
    if text.chars().count() >= MIN_PASSPHRASE {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::InvalidInput,
        "The passphrase is too short.",
        "Use at least 8 characters; several words are easy to remember.",
    )
    .at("passphrase"))
}

/// A card that nobody would know was opened stays closed.
fn unnoted(refusal: Refusal) -> Refusal {
    Refusal {
        message: format!(
            "Who opens a clinical card is written down first, and that failed. {}",
            refusal.message
        ),
        ..refusal
    }
}

fn all_changed() -> Event {
    Event::Changed {
        schedule: true,
        records: true,
        practice: true,
        link: true,
    }
}

fn random() -> Result<ChaCha20Rng, Refusal> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| {
        Refusal::new(
            ErrorCode::Internal,
            "The system gives no random numbers.",
            "Restart the machine; no keys were made.",
        )
    })?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// A point in time that the settings hold.
fn moment(settings: &SledStore, name: &[u8]) -> Option<Timestamp> {
    let bytes = settings.get(name).ok()??;
    let seconds = i64::from_be_bytes(bytes.try_into().ok()?);
    Timestamp::from_second(seconds).ok()
}

fn locked() -> Refusal {
    Refusal::new(
        ErrorCode::Locked,
        "This home is locked.",
        "Unlock it with the passphrase first.",
    )
}

fn storage(error: &std::io::Error) -> Refusal {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Refusal::new(
            ErrorCode::DiskFull,
            "The disk is full.",
            "Free some space and try again; nothing was lost.",
        ),
        _ => Refusal::new(
            ErrorCode::Storage,
            format!("The system refuses: {error}."),
            "Check the disk and the rights of the folder.",
        ),
    }
}

fn store(error: &StoreError) -> Refusal {
    match error {
        StoreError::DiskFull => storage(&std::io::ErrorKind::StorageFull.into()),
        StoreError::Fault(_) | StoreError::TooLarge { .. } => Refusal::new(
            ErrorCode::Storage,
            format!("{error}."),
            "Close Daybook and open it again; the index is then made anew.",
        ),
    }
}
