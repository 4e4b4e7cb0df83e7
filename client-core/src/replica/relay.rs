//! The replica's side of a relay: the session's outputs, acts that the relay orders, and slots that
//! are asked for while connected.
//!
//! What always holds:
//!
//! * A claim made while connected is a request. If the relay refuses it because the slot is taken,
//!   it is withdrawn here at once and nothing waits for a review. When the connection is lost
//!   before the answer, it is a tentative claim like any other made offline.
//! * Once a relay orders the chain, an act counts when it comes back from there, never before.

use conflict_rules::{AppointmentId, ClaimState, Placement, PlacementHash};
use entry_log::Storage;
use jiff::{SignedDuration, Timestamp};
use rand_core::CryptoRng;
use sync_protocol::{
    Author, ErrorCode as WireCode, Frame, Hash, InviteId, RefusalReason, SignedAct, Verdict,
    VerifyKey, What,
};
use zeroize::Zeroizing;

use super::{Replica, begin, internal, next_act, not_allowed, random, role_of};
use crate::{
    catalogue::{ErrorCode, Event, LinkState, Refusal, SlotView, StaffRole, Standing},
    ledger::Arrival,
    link::Wish,
    sealing::{JoinCode, JoinSecret, RelayAddress},
    session::{Credentials, Input, Output},
};

/// How a refused request is taken back.
#[derive(Debug, Clone)]
pub(crate) enum Back {
    /// It was new: it is called off.
    Withdraw,
    /// It was moved: it goes back.
    Return(Placement),
    /// It was called off or not come for, and taken up again.
    Restate(ClaimState),
}

/// A slot that was asked for while connected.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) placement: PlacementHash,
    pub(crate) back: Back,
    pub(crate) state: RequestState,
    /// Refused, and not taken back yet.
    pub(crate) lost: bool,
}

/// What became of a slot that was asked for while connected.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// Not asked for while connected, or the connection was lost: it stays tentative.
    None,
    /// The relay has not answered yet.
    Waiting,
    /// The slot is this visit's.
    Granted,
    /// Another has it; what was asked for is taken back already.
    JustTaken {
        /// The next best slots.
        alternatives: Vec<SlotView>,
    },
}

/// An act that waits for the relay.
#[derive(Debug)]
pub(crate) struct Proposed {
    act: SignedAct,
    sent: bool,
    state: ActState,
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActState {
    /// Not in the chain yet.
    Pending,
    /// In the chain.
    Done,
    /// The relay did not take it: somebody else was faster, or it is not allowed. Make it anew.
    Refused(WireCode),
}

/// What came of making an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposal {
    /// It is in the chain: no relay orders it yet.
    Done,
    /// It goes to the relay with the next [`Input::Wrote`]; ask [`Replica::act_state`].
    Proposed(Hash),
}

impl<S: Storage> Replica<S> {
    /// Takes an input of the connection; gives what is to be done with the socket, and what faces
    /// are to be told.
    pub fn session(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        input: Input,
    ) -> (Vec<Wish>, Vec<Event>) {
        let mut wishes = Vec::new();
        self.drive(now, rng, input, &mut wishes);
        self.close_moot_requests();
        // What is taken back because a slot was lost goes out in the same step.
        if self.take_back(now, rng) {
            self.drive(now, rng, Input::Wrote, &mut wishes);
        }
        // What cannot be written now is owed still: the next opening looks again.
        if self.acknowledge_erasures(now, rng).unwrap_or(false) {
            self.drive(now, rng, Input::Wrote, &mut wishes);
        }
        if self.pay_in_turn(now, rng) {
            self.drive(now, rng, Input::Wrote, &mut wishes);
        }
        if self.compare_in_turn(now, rng) {
            self.drive(now, rng, Input::Wrote, &mut wishes);
        }
        self.propose(&mut wishes);
        (wishes, self.take_events())
    }

    fn drive(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        input: Input,
        wishes: &mut Vec<Wish>,
    ) {
        let device = self.secrets.device.signing.clone();
        let (ticket, elsewhere) = (self.ticket.clone(), self.elsewhere.clone());
        let credentials = Credentials {
            device: self.device,
            key: &device,
            ticket: ticket.as_deref(),
            elsewhere: elsewhere.as_deref(),
        };
        let outputs = self
            .session
            .handle(now, rng, &mut self.ledger, credentials, input);
        for output in outputs {
            match output {
                Output::Dial => {
                    let pinned = self.ledger.governance().relay_address();
                    let address = elsewhere.as_deref().or(pinned);
                    wishes.extend(address.map(|address| Wish::Dial(address.to_owned())));
                }
                Output::Send(frame) => wishes.push(Wish::Send(frame)),
                Output::Hangup => wishes.push(Wish::Hangup),
                Output::WakeAt(at) => wishes.push(Wish::WakeAt(at)),
                Output::Arrived(arrivals) => {
                    for arrival in &arrivals {
                        self.answered(arrival);
                    }
                    self.arrived(&arrivals);
                }
                Output::Link(link) => self.linked(now, link),
                Output::ClockOffset(offset) => {
                    self.clock.offset = Some(offset);
                    self.heard = Some(self.clock.corrected(now));
                    self.events.link();
                }
                Output::Refused { what, code } => {
                    if let Some(act) = what.act {
                        self.settle(act, ActState::Refused(code));
                    }
                    // Somebody was faster: whoever made the act is told, and makes it anew. What this
                    // device made by itself is owed still.
                    if what.act.is_none() || code != WireCode::StaleGovernance {
                        self.trouble = Some(code);
                    } else {
                        self.dues.look();
                    }
                    self.events.link();
                }
                Output::Trouble(code) => {
                    self.trouble = Some(code);
                    self.events.link();
                }
                Output::Founded => self.ticket = None,
                Output::Stalled => self.events.link(),
            }
        }
    }

    fn linked(&mut self, now: Timestamp, link: LinkState) {
        match link {
            LinkState::InStep => {
                self.dues.look();
                // What it has no room for waits, whatever else went through.
                let full = self.trouble == Some(WireCode::Quota);
                if !full || self.ledger.outbox_len() == 0 {
                    self.trouble = None;
                }
                self.in_step_at = Some(self.clock.corrected(now));
            }
            LinkState::CatchingUp => {}
            LinkState::NoRelay | LinkState::Offline | LinkState::Connecting => {
                self.requests
                    .retain(|_, request| request.state != RequestState::Waiting);
                for proposed in &mut self.proposals {
                    proposed.sent = false;
                }
            }
        }
        self.events.link();
    }

    /// Whether the relay is listening: what is claimed now is a request.
    pub(crate) fn connected(&self) -> bool {
        matches!(self.link(), LinkState::InStep | LinkState::CatchingUp)
    }

    /// Why the relay cannot be worked with until a person acts.
    pub const fn trouble(&self) -> Option<WireCode> {
        self.trouble
    }

    /// Gives the ticket that lets this practice begin at its relay.
    pub fn set_ticket(&mut self, ticket: Option<String>) {
        self.ticket = ticket;
    }

    /// Whether a ticket is still to be shown.
    pub const fn has_ticket(&self) -> bool {
        self.ticket.is_some()
    }

    /// Looks for the relay here instead of at its pinned address, and starts without the trouble
    /// that an earlier try met.
    pub fn look_elsewhere(&mut self, address: Option<String>) {
        self.elsewhere = address;
        self.trouble = None;
    }

    /// Whether the practice is at no relay yet. Only its founder can know: whoever joined by a
    /// code had the chain from somewhere that orders it.
    pub fn needs_ticket(&self) -> bool {
        let governance = self.ledger.governance();
        let founder = governance
            .seat(self.seat)
            .is_some_and(|seat| seat.added() == 0);
        founder && self.ledger.place_of(&governance.genesis()).is_none()
    }

    // ---- slots -----------------------------------------------------------------------------

    /// What became of a slot that was asked for while connected.
    pub fn verdict(&self, appointment: AppointmentId) -> RequestState {
        self.requests
            .get(&appointment)
            .map_or(RequestState::None, |request| request.state.clone())
    }

    /// The caller knows.
    pub fn forget_verdict(&mut self, appointment: AppointmentId) {
        self.requests.remove(&appointment);
    }

    /// Notes that a slot was asked for, if the relay is listening.
    pub(crate) fn request(&mut self, id: AppointmentId, placement: PlacementHash, back: Back) {
        // Answers nobody asked about are not kept for ever.
        if self.requests.len() > 256 {
            self.requests
                .retain(|_, request| request.state == RequestState::Waiting);
        }
        if self.connected() {
            let state = RequestState::Waiting;
            let request = Request {
                placement,
                back,
                state,
                lost: false,
            };
            self.requests.insert(id, request);
        } else {
            self.requests.remove(&id);
        }
    }

    fn answered(&mut self, arrival: &Arrival) {
        let Arrival::Confirmation { confirmation, .. } = arrival else {
            return;
        };
        let word = confirmation.value();
        let id = AppointmentId::from_bytes(word.claim);
        let incarnation = self.ledger.incarnation();
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let asked = request.placement.to_bytes() == word.placement.to_bytes()
            && request.state == RequestState::Waiting
            && word.request.0 == incarnation;
        // An earlier grant that ended says nothing about what is asked now.
        let ended = word.verdict == Verdict::Refused(RefusalReason::Stale);
        if !asked || ended {
            return;
        }
        request.state = match word.verdict {
            Verdict::Granted => RequestState::Granted,
            Verdict::Refused(RefusalReason::Taken { .. }) => {
                request.lost = true;
                RequestState::JustTaken {
                    alternatives: Vec::new(),
                }
            }
            // It stays tentative: the slot is not known to be another's.
            Verdict::Refused(
                RefusalReason::UnknownParents
                | RefusalReason::NotAuthorised
                | RefusalReason::Stale
                | RefusalReason::Paused,
            ) => RequestState::None,
        };
    }

    /// Some requests get no answer of their own. When somebody else moved the visit or called it off
    /// meanwhile, the relay is not asked for this place any more; when the visit never gave the place
    /// up as the relay saw it, the earlier grant stands; when it stands at two places, of which one
    /// was refused, people settle that first.
    fn close_moot_requests(&mut self) {
        let waits = |request: &Request| request.state == RequestState::Waiting;
        if !self.requests.values().any(waits) {
            return;
        }
        let told = self.ledger.outbox_len() == 0;
        let requests = self.requests.iter_mut();
        for (id, request) in requests.filter(|(_, request)| waits(request)) {
            let places = self.book.placements_of(*id);
            if !places.iter().any(|place| place.hash() == request.placement) {
                request.state = RequestState::None;
            } else if told && self.book.standing(*id) == Standing::Confirmed {
                request.state = RequestState::Granted;
            } else if told && places.len() > 1 && self.book.standing(*id) == Standing::Refused {
                // It was moved to two places at once, which people settle first.
                request.state = RequestState::None;
            }
        }
    }

    /// Takes back what was refused; whether anything was.
    fn take_back(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> bool {
        let lost: Vec<(AppointmentId, Request)> = self
            .requests
            .iter()
            .filter(|(_, request)| request.lost)
            .map(|(id, request)| (*id, request.clone()))
            .collect();
        let mut any = false;
        for (id, request) in lost {
            let title = self.title_of(id);
            let alternatives = self.alternatives_for(now, id);
            if self.withdraw(now, rng, id, &request.back).is_err() {
                // It cannot be written now: it stays as a clash for people to settle.
                self.requests.remove(&id);
                continue;
            }
            any = true;
            if let Some(request) = self.requests.get_mut(&id) {
                request.lost = false;
                request.state = RequestState::JustTaken {
                    alternatives: alternatives.clone(),
                };
            }
            self.events.taken(Event::JustTaken {
                appointment: id,
                title,
                alternatives,
            });
        }
        any
    }

    // ---- acts ------------------------------------------------------------------------------

    /// Trusts a relay: whatever it orders and confirms under this key counts.
    pub fn pin_relay(
        &mut self,
        now: Timestamp,
        acting: VerifyKey,
        address: &str,
    ) -> Result<Proposal, Refusal> {
        begin::relay_address(address)?;
        let known = acting.check().map_err(|_| {
            Refusal::new(
                ErrorCode::WrongRelay,
                "The relay's key is not acceptable.",
                "Ask whoever runs the relay.",
            )
        })?;
        let governance = self.ledger.governance();
        if governance.relay_key() == Some(&known) && governance.relay_address() == Some(address) {
            return Ok(Proposal::Done);
        }
        self.make_act(now, self.pin(acting, address))
    }

    /// Lets a relay that lost data confirm again: an owner has seen that everything is back.
    /// Nothing to do where no epoch waits for it.
    pub fn approve_relay(&mut self, now: Timestamp) -> Result<Proposal, Refusal> {
        let schedules = self
            .ledger
            .have()
            .into_iter()
            .filter(|have| matches!(have.feed, sync_protocol::FeedId::Schedule(_)));
        let epoch = schedules.map(|have| have.epoch).max().unwrap_or(0);
        if epoch <= self.ledger.governance().restored_epoch() {
            return Ok(Proposal::Done);
        }
        self.make_act(now, What::RelayRestore { epoch })
    }

    /// Lets one more device in: gives the code to hand over. The code works once the act is done.
    pub fn invite(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        role: StaffRole,
        days: u32,
    ) -> Result<(Proposal, Zeroizing<String>, Timestamp), Refusal> {
        self.invitation(now, rng, role, days, false)
    }

    /// [`Replica::invite`], for a code that travels where others may read it: who comes with it gets
    /// keys once two people have compared a number.
    ///
    /// # Errors
    /// Also when this seat does not hold the keys that it would hand over.
    pub fn invite_to_compare(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        role: StaffRole,
        days: u32,
    ) -> Result<(Proposal, Zeroizing<String>, Timestamp), Refusal> {
        self.invitation(now, rng, role, days, true)
    }

    fn invitation(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        role: StaffRole,
        days: u32,
        compare: bool,
    ) -> Result<(Proposal, Zeroizing<String>, Timestamp), Refusal> {
        let role = role_of(role);
        if !self.role().is_some_and(|own| own.may_admit(role)) {
            return Err(not_allowed("let such a seat in", "an owner"));
        }
        if !(1..=30).contains(&days) {
            return Err(super::invalid(
                "days",
                "A code works for 1 to 30 days.",
                "Choose a number from 1 to 30.",
            ));
        }
        let governance = self.ledger.governance();
        let (Some(relay), Some(address)) = (governance.relay_key(), governance.relay_address())
        else {
            return Err(Refusal::new(
                ErrorCode::RelayUnreachable,
                "No relay is set: another device would not know where to join.",
                "Set the relay first.",
            ));
        };
        let relay = RelayAddress {
            address: address.to_owned(),
            key: VerifyKey::from(*relay),
        };
        let (org, genesis) = (self.org(), governance.genesis());
        let invite = InviteId::from_bytes(random(rng));
        let secret = JoinSecret::generate(rng);
        if compare && !self.keyring.holds_role(role) {
            // Who compares hands the keys over.
            return Err(not_allowed(
                "make a code to compare for such a seat",
                "an owner",
            ));
        }
        let wrapped = if compare {
            Vec::new()
        } else {
            self.keyring.wrap_for_invite(rng, invite, role, &secret)?
        };
        let expires = self
            .clock
            .corrected(now)
            .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
            .map_err(|_| internal("The code's end cannot be told."))?;
        let verify = VerifyKey::from(secret.signing_key(org, invite).verifying_key());
        let act = self.signed_act(
            now,
            What::Invite {
                id: invite,
                role,
                expires: expires.as_second(),
                verify,
                site: None,
                wrapped,
                compare,
            },
        )?;
        let code = JoinCode {
            org,
            invite,
            genesis,
            head: (act.value().height, act.hash()),
            relay,
            secret,
        };
        let text = code.to_text();
        let proposal = self.put_act(act)?;
        Ok((proposal, text, expires))
    }

    /// What became of an act.
    pub fn act_state(&self, act: &Hash) -> ActState {
        let found = self
            .proposals
            .iter()
            .find(|proposed| proposed.act.hash() == *act);
        if let Some(proposed) = found {
            return proposed.state;
        }
        let governance = self.ledger.governance();
        let mut heights = 0..=governance.height();
        if heights.any(|height| governance.hash_at(height) == Some(*act)) {
            ActState::Done
        } else {
            ActState::Pending
        }
    }

    pub(super) fn make_act(&mut self, now: Timestamp, what: What) -> Result<Proposal, Refusal> {
        let act = self.signed_act(now, what)?;
        self.put_act(act)
    }

    pub(super) fn signed_act(&self, now: Timestamp, what: What) -> Result<SignedAct, Refusal> {
        let now = self.clock.corrected(now);
        let act = next_act(&self.ledger, now, Author::Seat(self.seat), what);
        let secrets = self
            .secrets
            .seats
            .get(&self.seat)
            .ok_or_else(|| internal("This seat has no keys."))?;
        let act = SignedAct::sign(act, &secrets.signing)
            .map_err(|_| internal("The act could not be signed."))?;
        // What the chain would not take is refused before anybody sees it.
        self.ledger.governance().clone().apply(&act)?;
        Ok(act)
    }

    pub(super) fn put_act(&mut self, act: SignedAct) -> Result<Proposal, Refusal> {
        if self.needs_ticket() {
            let arrivals = self.ledger.act(act)?;
            self.ledger.commit()?;
            self.arrived(&arrivals);
            return Ok(Proposal::Done);
        }
        if !self.connected() {
            return Err(Refusal::new(
                ErrorCode::RelayUnreachable,
                "The relay does not answer, and it orders who belongs to the practice.",
                "Connect first, then do it again.",
            ));
        }
        let hash = act.hash();
        if self.proposals.len() >= 16 {
            self.proposals.remove(0);
        }
        self.proposals.push(Proposed {
            act,
            sent: false,
            state: ActState::Pending,
        });
        Ok(Proposal::Proposed(hash))
    }

    /// Whether an act of an erasure is on its way.
    pub(super) fn erasing_is_proposed(&self) -> bool {
        let mut proposed = self.proposals.iter();
        proposed.any(|one| {
            one.state == ActState::Pending && matches!(one.act.value().what, What::Erasure(_))
        })
    }

    fn propose(&mut self, wishes: &mut Vec<Wish>) {
        if !self.connected() {
            return;
        }
        for proposed in &mut self.proposals {
            if !proposed.sent && proposed.state == ActState::Pending {
                proposed.sent = true;
                let act = proposed.act.clone();
                wishes.push(Wish::Send(Frame::Propose { act }));
            }
        }
    }

    pub(crate) fn act_arrived(&mut self, act: Hash) {
        self.dues.look();
        self.settle(act, ActState::Done);
    }

    fn settle(&mut self, act: Hash, state: ActState) {
        for proposed in &mut self.proposals {
            if proposed.act.hash() == act {
                proposed.state = state;
            }
        }
    }
}
