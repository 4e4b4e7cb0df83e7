//! One connection's conversation with the relay, without a socket: inputs in, outputs out.
//!
//! ```text
//! offline ──Wake──> dialling ──Connected──> greeted ──Challenge──> (founding) ──> signing in
//!    ^                                                                              │ Welcome
//!    └────────────── Closed / fault, back-off with jitter ──────── in step <── catching up
//! ```
//!
//! What always holds: work never waits for a session; an entry leaves the outbox only when a head
//! covers it, so a lost connection costs a repetition and nothing else; what the relay says is
//! believed only under the pinned relay key.
//!
//! Start with [`Session::handle`]. [`peer`] is the same between two devices without a relay.

#![allow(
    clippy::large_enum_variant,
    reason = "one value at a time, moved once: a box would cost more than it saves"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a frame that has no business in a phase is refused, whichever it is"
)]

mod backoff;
mod join;
pub mod peer;
mod stall;

use entry_log::{Index, Storage};
use jiff::{SignedDuration, Timestamp};
use rand_core::Rng;
use sync_protocol::{
    DeviceId, ErrorCode, FeedId, Frame, Hash, Head, IncarnationId, Item, Refusal, SignIn,
    Signature, SignedAct, SigningKey, Still, VERSION, VerifyKey, Welcome,
};

use crate::{
    catalogue::LinkState,
    ledger::{Arrival, Ledger, LedgerError},
};
pub use join::{Joined, Joining};
use stall::Stall;

/// Entries sent and not placed yet, at most.
const IN_FLIGHT: usize = 512;
/// Bytes of entries in one frame, at most.
const PUSH_BYTES: usize = 128 * 1024;
/// A connection that says nothing for so long is asked.
const QUIET: SignedDuration = SignedDuration::from_secs(20);
/// A connection that does not answer for so long is given up.
const DEAD: SignedDuration = SignedDuration::from_secs(45);
/// No pause is longer; one that seems so was agreed before the machine's clock was set back.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// The socket is open.
    Connected,
    /// A frame came.
    Frame(Frame),
    /// The socket is closed, or could not be opened.
    Closed,
    /// The time asked for by `WakeAt` has come.
    Wake,
    /// Something was written into the ledger.
    Wrote,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Open a socket to the relay.
    Dial,
    /// Send this.
    Send(Frame),
    /// Close the socket.
    Hangup,
    /// Come back at this time with `Wake`.
    WakeAt(Timestamp),
    /// Show these to the book.
    Arrived(Vec<Arrival>),
    /// The connection's state changed.
    Link(LinkState),
    /// Relay time minus ours, in seconds.
    ClockOffset(i64),
    /// The relay will not take something.
    Refused {
        /// What.
        what: Refusal,
        /// Why.
        code: ErrorCode,
    },
    /// The relay cannot be worked with until a person acts.
    Trouble(ErrorCode),
    /// The practice exists at the relay and knows this device: the ticket is of no more use.
    Founded,
    /// Nothing gets through any more, or something does again: see [`Session::stalled`].
    Stalled,
}

/// The device's part of signing in.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// This device.
    pub device: DeviceId,
    /// Its key.
    pub key: &'a SigningKey,
    /// What `sync-server org invite` printed, until the practice exists at the relay.
    pub ticket: Option<&'a str>,
    /// Where a person sent this device, when that is not the pinned address. A relay there may be
    /// one that the chain at this device does not know yet: see `Phase::Proving`.
    pub elsewhere: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Offline,
    Dialling,
    Greeted,
    Founding {
        challenge: [u8; 32],
        relay: VerifyKey,
    },
    SigningIn {
        handshake: Hash,
        relay: VerifyKey,
    },
    /// Signed in at a relay whose key nobody pinned as far as this device knows. It gets nothing,
    /// and nothing of it is believed but acts, which prove themselves: if one of them pins this
    /// very key, an owner chose it.
    Proving {
        relay: VerifyKey,
        welcome: Welcome,
    },
    Open,
}

/// One connection's conversation. See the module's documentation.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    /// This one, once it was told.
    device: Option<DeviceId>,
    attempts: u32,
    wake: Option<Timestamp>,
    heard: Timestamp,
    /// The question that is open, and which one was last.
    asked: Option<u64>,
    questions: u64,
    /// Since when nothing was asked.
    settled: Timestamp,
    /// What the relay's words on this connection are signed over, and by which key.
    line: Option<(Hash, VerifyKey)>,
    /// The last outbox entry sent on this connection.
    sent: Option<Index>,
    proposed: Option<Hash>,
    refused: std::collections::HashSet<(IncarnationId, u64)>,
    /// Heads of the welcome that are still to be reached.
    goals: Vec<Head>,
    link: LinkState,
    stall: Stall,
    /// Whether a ticket was shown on this connection.
    showed: bool,
    /// Why it was not taken.
    turned: Option<ErrorCode>,
    /// A planted fault: nothing waits for the acts.
    pub(crate) uploads_first: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session that is offline until it is woken.
    pub fn new() -> Self {
        Self {
            phase: Phase::Offline,
            device: None,
            attempts: 0,
            wake: None,
            heard: Timestamp::UNIX_EPOCH,
            asked: None,
            questions: 0,
            settled: Timestamp::UNIX_EPOCH,
            line: None,
            sent: None,
            proposed: None,
            refused: std::collections::HashSet::new(),
            goals: Vec::new(),
            link: LinkState::Offline,
            stall: Stall::default(),
            showed: false,
            turned: None,
            uploads_first: false,
        }
    }

    /// Since when nothing gets through although the relay is connected.
    pub fn stalled(&self) -> Option<Timestamp> {
        self.stall.since()
    }

    /// What the connection does.
    pub fn link(&self) -> LinkState {
        self.link
    }

    /// Takes an input; what is to be done comes back in order.
    #[must_use = "outputs that are not carried out are lost"]
    pub fn handle<S: Storage>(
        &mut self,
        now: Timestamp,
        random: &mut impl Rng,
        ledger: &mut Ledger<S>,
        credentials: Credentials<'_>,
        input: Input,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        self.device = Some(credentials.device);
        match input {
            Input::Connected => {
                self.phase = Phase::Greeted;
                self.heard = now;
                self.asked = None;
                self.settled = now;
                self.wake_in(now, QUIET, &mut out);
            }
            Input::Closed => {
                if self.phase != Phase::Offline {
                    self.lost(now, random, ledger, &mut out);
                }
            }
            Input::Wake => self.woken(now, random, ledger, &mut out),
            Input::Wrote => {
                if self.phase == Phase::Open {
                    self.push(ledger, &mut out);
                }
            }
            Input::Frame(frame) => {
                self.heard = now;
                if let Err(trouble) = self.frame(now, random, ledger, credentials, frame, &mut out)
                {
                    if let Some(code) = trouble {
                        // A person must act: ask again, but rarely.
                        self.attempts = self.attempts.max(backoff::RARE);
                        out.push(Output::Trouble(code));
                    }
                    out.push(Output::Hangup);
                    self.lost(now, random, ledger, &mut out);
                }
            }
        }
        self.tell_link(ledger, &mut out);
        self.watch(now, ledger, &mut out);
        out
    }

    fn woken<S: Storage>(
        &mut self,
        now: Timestamp,
        random: &mut impl Rng,
        ledger: &mut Ledger<S>,
        out: &mut Vec<Output>,
    ) {
        if let Some(wake) = self.wake
            && now < wake
            && wake.duration_since(now) <= LONGEST
        {
            // A new line under an old session: it does not know of the pause yet.
            out.push(Output::WakeAt(wake));
            return;
        }
        // A clock that was set back makes the last word lie in the future: count from now.
        self.heard = self.heard.min(now);
        self.settled = self.settled.min(now);
        self.wake = None;
        self.stall.look();
        match self.phase {
            Phase::Offline => {
                self.phase = Phase::Dialling;
                out.push(Output::Dial);
                self.heard = now;
                self.wake_in(now, DEAD, out);
            }
            _ if now.duration_since(self.heard) >= DEAD => {
                out.push(Output::Hangup);
                self.lost(now, random, ledger, out);
            }
            Phase::Dialling => self.wake_in(now, QUIET, out),
            _ => {
                // Asked also while other frames come: they do not tell what was left out.
                if self.phase == Phase::Open
                    && self.asked.is_none()
                    && now.duration_since(self.settled) >= QUIET
                {
                    self.questions += 1;
                    self.asked = Some(self.questions);
                    out.push(Output::Send(Frame::Ping { n: self.questions }));
                }
                self.wake_in(now, QUIET, out);
            }
        }
    }

    fn wake_in(&mut self, now: Timestamp, after: SignedDuration, out: &mut Vec<Output>) {
        let at = now.checked_add(after).unwrap_or(Timestamp::MAX);
        self.wake = Some(at);
        out.push(Output::WakeAt(at));
    }

    fn lost<S: Storage>(
        &mut self,
        now: Timestamp,
        random: &mut impl Rng,
        ledger: &mut Ledger<S>,
        out: &mut Vec<Output>,
    ) {
        self.phase = Phase::Offline;
        self.sent = None;
        self.proposed = None;
        self.refused.clear();
        self.goals.clear();
        self.showed = false;
        self.turned = None;
        self.asked = None;
        self.line = None;
        ledger.drop_unproven();
        let pause = backoff::pause(self.attempts, random);
        self.attempts = self.attempts.saturating_add(1);
        self.wake_in(now, pause, out);
    }

    /// `Err(None)` is a fault to retry after, `Err(Some(code))` one for a person.
    fn frame<S: Storage>(
        &mut self,
        now: Timestamp,
        random: &mut impl Rng,
        ledger: &mut Ledger<S>,
        credentials: Credentials<'_>,
        frame: Frame,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        match frame {
            Frame::Challenge {
                version,
                nonce,
                relay,
                ..
            } if self.phase == Phase::Greeted => {
                if version != VERSION {
                    return Err(Some(ErrorCode::WrongVersion));
                }
                let pinned = is_pinned(ledger, &relay);
                if !pinned && (credentials.elsewhere.is_none() || relay.check().is_err()) {
                    return Err(Some(ErrorCode::WrongRelay));
                }
                match (credentials.ticket, ledger.acts().map_err(|_| None)?.first()) {
                    (Some(ticket), Some(genesis)) if pinned => {
                        let (ticket, act) = (ticket.to_owned(), genesis.clone());
                        self.showed = true;
                        out.push(Output::Send(Frame::Found { ticket, act }));
                        self.phase = Phase::Founding {
                            challenge: nonce,
                            relay,
                        };
                    }
                    _ => self.sign_in(random, ledger, credentials, nonce, relay, out),
                }
                Ok(())
            }
            Frame::Founded => {
                let Phase::Founding { challenge, relay } = self.phase else {
                    return Err(None);
                };
                // An empty relay knows nobody but the founding device. Others bring the acts that
                // made them part of the practice; it checks them as it checks every act.
                let added = ledger.governance().device(credentials.device);
                let added = added.map_or(0, sync_protocol::DeviceState::added);
                let acts = ledger.acts().map_err(|_| None)?;
                let names = |act: &SignedAct| (1..=added).contains(&act.value().height);
                for act in acts.into_iter().filter(names) {
                    out.push(Output::Send(Frame::Propose { act }));
                }
                self.sign_in(random, ledger, credentials, challenge, relay, out);
                Ok(())
            }
            Frame::Welcome(welcome) => {
                let Phase::SigningIn { handshake, relay } = &self.phase else {
                    return Err(None);
                };
                let key = relay.check().map_err(|_| Some(ErrorCode::WrongRelay))?;
                welcome
                    .verify(handshake, &key)
                    .map_err(|_| Some(ErrorCode::BadSignature))?;
                if is_pinned(ledger, relay) {
                    return self.welcomed(now, ledger, &welcome, out);
                }
                let relay = *relay;
                if !knows_more_acts(ledger, &welcome) {
                    return Err(Some(ErrorCode::WrongRelay));
                }
                self.phase = Phase::Proving { relay, welcome };
                Ok(())
            }
            Frame::Items {
                feed,
                epoch,
                first,
                items,
                head,
            } if matches!(self.phase, Phase::Proving { .. }) => {
                if feed != FeedId::Governance {
                    return Err(Some(ErrorCode::WrongRelay));
                }
                let credit = u32::try_from(items.len()).unwrap_or(u32::MAX);
                let items: Result<Vec<Item>, _> =
                    items.iter().map(|bytes| Item::decode(bytes)).collect();
                let items = items.map_err(|_| None)?;
                let arrivals = ledger
                    .receive_items(feed, epoch, first, items, head)
                    .map_err(|_| Some(ErrorCode::WrongRelay))?;
                if !arrivals.is_empty() {
                    out.push(Output::Arrived(arrivals));
                }
                out.push(Output::Send(Frame::Credit { items: credit }));
                self.proven(now, ledger, out)
            }
            Frame::Items {
                feed,
                epoch,
                first,
                items,
                head,
            } if self.phase == Phase::Open => {
                let credit = u32::try_from(items.len()).unwrap_or(u32::MAX);
                let items: Result<Vec<Item>, _> =
                    items.iter().map(|bytes| Item::decode(bytes)).collect();
                let items = items.map_err(|_| None)?;
                let arrivals = ledger.receive_items(feed, epoch, first, items, head);
                self.arrived(ledger, arrivals, out)?;
                out.push(Output::Send(Frame::Credit { items: credit }));
                Ok(())
            }
            Frame::Placed {
                feed,
                epoch,
                first,
                chain_items,
                head,
            } if self.phase == Phase::Open => {
                let arrivals = ledger.receive_placed(feed, epoch, first, &chain_items, head);
                self.arrived(ledger, arrivals, out)
            }
            Frame::Refused { what, code, .. } => {
                self.refused.extend(what.entry);
                if what.act.is_some() {
                    self.proposed = None;
                }
                out.push(Output::Refused { what, code });
                self.push(ledger, out);
                Ok(())
            }
            Frame::Ping { n } => {
                out.push(Output::Send(Frame::Pong { n }));
                Ok(())
            }
            Frame::Still(still) if self.phase == Phase::Open && self.asked == Some(still.n) => {
                self.stands(now, ledger, &still, out)
            }
            Frame::Error { code, .. } => {
                // The practice exists there already, or the ticket was used: sign in instead.
                if let Phase::Founding { challenge, relay } = self.phase
                    && matches!(code, ErrorCode::BadTicket | ErrorCode::Closed)
                {
                    self.turned = Some(code);
                    self.sign_in(random, ledger, credentials, challenge, relay, out);
                    return Ok(());
                }
                // Nobody is known at an empty relay: it is the ticket that stands in the way.
                let stranger = matches!(
                    code,
                    ErrorCode::UnknownOrganisation | ErrorCode::UnknownDevice
                );
                let code = self.turned.filter(|_| stranger).unwrap_or(code);
                Err(backoff::needs_a_person(code).then_some(code))
            }
            Frame::Credit { .. } => Ok(()),
            Frame::Bye
            | Frame::Challenge { .. }
            | Frame::Found { .. }
            | Frame::SignIn(_)
            | Frame::Join(_)
            | Frame::Items { .. }
            | Frame::Placed { .. }
            | Frame::Push { .. }
            | Frame::Propose { .. }
            | Frame::Subscribe { .. }
            | Frame::Pong { .. }
            | Frame::Still(_)
            | Frame::Vector { .. } => Err(None),
        }
    }

    /// The relay is the pinned one and answered these very frontiers.
    fn welcomed<S: Storage>(
        &mut self,
        now: Timestamp,
        ledger: &mut Ledger<S>,
        welcome: &Welcome,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        self.phase = Phase::Open;
        self.attempts = 0;
        if std::mem::take(&mut self.showed) {
            out.push(Output::Founded);
        }
        out.push(Output::ClockOffset(welcome.at - now.as_second()));
        for head in &welcome.heads {
            let ours = head.value().org == ledger.org() && ledger.governance().relay_signed(head);
            if !ours {
                return Err(Some(ErrorCode::BadSignature));
            }
            let feed = head.value().feed;
            let behind = welcome.behind.contains(&feed);
            ledger.hear_head(head, behind).map_err(|_| None)?;
        }
        self.goals = welcome.heads.iter().map(|head| *head.value()).collect();
        for feed in &welcome.behind {
            if *feed == FeedId::Governance {
                let head = self.goals.iter().find(|head| head.feed == *feed);
                ledger.governance_lost(head).map_err(|_| None)?;
            } else {
                ledger.feed_lost(*feed);
            }
        }
        self.propose(ledger, out)?;
        self.push(ledger, out);
        Ok(())
    }

    /// The relay's signed word on where everything stands: what this device lacks of it is on its
    /// way, or withheld; what it has otherwise is another story.
    fn stands<S: Storage>(
        &mut self,
        now: Timestamp,
        ledger: &mut Ledger<S>,
        still: &Still,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        let Some((handshake, relay)) = &self.line else {
            return Err(None);
        };
        let key = relay.check().map_err(|_| Some(ErrorCode::WrongRelay))?;
        still
            .verify(handshake, &key)
            .map_err(|_| Some(ErrorCode::BadSignature))?;
        self.asked = None;
        self.settled = now;
        out.push(Output::ClockOffset(still.at - now.as_second()));
        for have in &still.stand {
            let head = Head {
                org: ledger.org(),
                feed: have.feed,
                epoch: have.epoch,
                sequence: have.sequence,
                chain: have.chain,
                at: still.at,
            };
            ledger.hear_still(&head).map_err(|_| None)?;
            if !ledger.reached(&head) {
                self.goals.retain(|goal| goal.feed != head.feed);
                self.goals.push(head);
            }
        }
        Ok(())
    }

    /// Goes on with a relay once an act of an owner named its key; gives it up when all its acts
    /// are here and none did.
    fn proven<S: Storage>(
        &mut self,
        now: Timestamp,
        ledger: &mut Ledger<S>,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        let Phase::Proving { relay, welcome } = &self.phase else {
            return Ok(());
        };
        if is_pinned(ledger, relay) {
            let welcome = welcome.clone();
            return self.welcomed(now, ledger, &welcome, out);
        }
        if knows_more_acts(ledger, welcome) {
            Ok(())
        } else {
            Err(Some(ErrorCode::WrongRelay))
        }
    }

    fn sign_in<S: Storage>(
        &mut self,
        random: &mut impl Rng,
        ledger: &Ledger<S>,
        credentials: Credentials<'_>,
        challenge: [u8; 32],
        relay: VerifyKey,
        out: &mut Vec<Output>,
    ) {
        let mut nonce = [0; 16];
        random.fill_bytes(&mut nonce);
        let pinned = ledger.governance().relay_address();
        let host = credentials.elsewhere.or(pinned).unwrap_or_default();
        let sign_in = SignIn {
            org: ledger.org(),
            device: credentials.device,
            host: host.to_owned(),
            nonce,
            have: ledger.have(),
            signature: Signature::from_bytes([0; 64]),
        }
        .signed(&challenge, &relay, credentials.key);
        let handshake = sign_in.handshake(&challenge, &relay);
        self.line = Some((handshake, relay));
        self.phase = Phase::SigningIn { handshake, relay };
        out.push(Output::Send(Frame::SignIn(sign_in)));
    }

    fn arrived<S: Storage>(
        &mut self,
        ledger: &mut Ledger<S>,
        arrivals: Result<Vec<Arrival>, LedgerError>,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        let unheard = ledger.take_unheard();
        if !unheard.is_empty() {
            out.push(Output::Arrived(unheard));
        }
        let arrivals = arrivals.map_err(|error| match error {
            LedgerError::BadHead { .. } => Some(ErrorCode::Fork),
            LedgerError::Governance(_) => Some(ErrorCode::BadAct),
            _ => None,
        })?;
        if !arrivals.is_empty() {
            out.push(Output::Arrived(arrivals));
        }
        self.propose(ledger, out)?;
        self.push(ledger, out);
        Ok(())
    }

    /// Proposes the next act that has no position, one at a time.
    fn propose<S: Storage>(
        &mut self,
        ledger: &Ledger<S>,
        out: &mut Vec<Output>,
    ) -> Result<(), Option<ErrorCode>> {
        let acts = ledger.unplaced_acts().map_err(|_| None)?;
        let Some(act) = acts.into_iter().next() else {
            self.proposed = None;
            return Ok(());
        };
        // The relay has the genesis since the founding.
        if act.value().height > 0 && self.proposed != Some(act.hash()) {
            self.proposed = Some(act.hash());
            out.push(Output::Send(Frame::Propose { act }));
        }
        Ok(())
    }

    /// Sends what is in the outbox, in order, a bounded part at a time.
    fn push<S: Storage>(&mut self, ledger: &Ledger<S>, out: &mut Vec<Output>) {
        // First the acts: one may take away what would go out.
        let acts = self
            .goals
            .iter()
            .filter(|goal| goal.feed == FeedId::Governance);
        if acts.into_iter().any(|goal| !ledger.reached(goal)) && !self.uploads_first {
            return;
        }
        let Some(device) = self.device else { return };
        // What was refused stays in the outbox, and has landed all the same.
        let flying = self.sent.map_or(0, |sent| ledger.outbox_until(sent));
        let flying = flying.saturating_sub(self.refused.len());
        // A half-empty pipe is filled up at once rather than entry by entry.
        if flying > IN_FLIGHT / 2 {
            return;
        }
        let Ok(entries) = ledger.outbox(self.sent, IN_FLIGHT - flying) else {
            return;
        };
        let mut batch: Vec<Vec<u8>> = Vec::new();
        let mut size = 0;
        for (index, entry) in entries {
            self.sent = Some(index);
            if self.refused.contains(&entry.id()) || !ledger.may_send(&entry, device) {
                continue;
            }
            let bytes = entry.encode();
            if size + bytes.len() > PUSH_BYTES && !batch.is_empty() {
                out.push(Output::Send(Frame::Push {
                    entries: std::mem::take(&mut batch),
                }));
                size = 0;
            }
            size += bytes.len() + 5;
            batch.push(bytes);
        }
        if !batch.is_empty() {
            out.push(Output::Send(Frame::Push { entries: batch }));
        }
    }

    fn awaits_places<S: Storage>(&self, ledger: &Ledger<S>) -> bool {
        self.device
            .is_some_and(|device| ledger.awaits_places(device))
    }

    /// Notices that nothing moves although something should.
    fn watch<S: Storage>(&mut self, now: Timestamp, ledger: &Ledger<S>, out: &mut Vec<Output>) {
        let before = self.stall.since();
        if self.phase == Phase::Open {
            let waits = ledger.outbox_len().saturating_sub(self.refused.len());
            let waits_for_word = self.asked.is_some();
            let owed = (waits > 0 && self.awaits_places(ledger))
                || !self.goals.is_empty()
                || waits_for_word;
            self.stall.watch(now, owed, (waits, ledger.places()));
        }
        if before != self.stall.since() {
            out.push(Output::Stalled);
        }
    }

    fn tell_link<S: Storage>(&mut self, ledger: &Ledger<S>, out: &mut Vec<Output>) {
        let link = match self.phase {
            Phase::Offline => LinkState::Offline,
            Phase::Dialling
            | Phase::Greeted
            | Phase::Founding { .. }
            | Phase::SigningIn { .. }
            | Phase::Proving { .. } => LinkState::Connecting,
            Phase::Open => {
                let chain = ledger.governance();
                let device = self.device;
                self.goals.retain(|goal| {
                    // Of a feed that nobody here reads any more, nothing follows.
                    let read = device.is_none_or(|device| chain.device_may_read(device, goal.feed));
                    read && !ledger.reached(goal)
                });
                let waits = ledger.outbox_len().saturating_sub(self.refused.len());
                let waits = waits > 0 && self.awaits_places(ledger);
                if self.goals.is_empty() && !waits {
                    LinkState::InStep
                } else {
                    LinkState::CatchingUp
                }
            }
        };
        if link != self.link {
            self.link = link;
            out.push(Output::Link(link));
        }
    }
}

fn is_pinned<S: Storage>(ledger: &Ledger<S>, relay: &VerifyKey) -> bool {
    let key = relay.check();
    key.is_ok_and(|key| ledger.governance().is_relay_key(&key))
}

/// Whether a relay speaks of acts that this device does not hold.
fn knows_more_acts<S: Storage>(ledger: &Ledger<S>, welcome: &Welcome) -> bool {
    let held = u64::from(ledger.governance().height()) + 1;
    let mut heads = welcome.heads.iter().map(sync_protocol::Signed::value);
    heads.any(|head| head.feed == FeedId::Governance && head.sequence > held)
}
