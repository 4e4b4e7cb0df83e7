//! A relay that lies: the real core, and somebody who changes what it says to one desk.
//!
//! ```text
//!  desk 0, 2 ── frames ───────────────── Organisation
//!  desk 1    ── frames ── Malice ──┘         (it holds the relay's key, so it signs what it likes)
//! ```
//!
//! Each attack runs through the same scene: an honest morning, the attack while people work, then
//! an honest relay again. What the desks noticed is told; once an owner has agreed, nothing that
//! was saved may be missing anywhere.
//!
//! Start with [`run`].

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{AlarmCode, Answer, Command, LinkState, NewClient, Query, StaffRole, Standing},
    replica::Proposal,
    session::Input,
};
use conflict_rules::AppointmentId;
use jiff::SignedDuration;
use sync_protocol::{
    Act, Author, Confirmation, DeviceId, Entry, FeedId, Frame, Hash, Have, Head, IncarnationId,
    Item, Role, SealKey, SeatGrant, SeatId, SignIn, SignedAct, SignedConfirmation, SignedHead,
    SigningKey, Verdict, VerifyKey, Welcome, What, chain_next,
};
use sync_server::core::ConnId;

use super::{Failure, Shape, Told, World, checks};

/// Whom the relay lies to.
const VICTIM: usize = 1;

/// What the relay does to its victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// What the victim sends vanishes.
    DropUp,
    /// What others wrote does not reach the victim, who was told that it exists.
    DropDown,
    /// Items of a frame come in another order under the same head.
    Reorder,
    /// Everything comes twice.
    Replay,
    /// An old head is shown as the newest, signed afresh.
    RollBack,
    /// The relay's data are replaced with an old copy.
    OldCopy,
    /// An entry is left out, and heads are signed over what is left.
    Fork,
    /// A seat that nobody let in.
    GhostSeat,
    /// A sealing key of a seat is exchanged in the act that brings it.
    SwappedKey,
    /// The removal of a seat is left out, and what follows moves up.
    StrippedRemoval,
    /// Rows of keys do not reach the victim.
    KeysWithheld,
    /// A slot is confirmed while confirmations are paused.
    GrantedInPause,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::DropUp,
        Self::DropDown,
        Self::Reorder,
        Self::Replay,
        Self::RollBack,
        Self::OldCopy,
        Self::Fork,
        Self::GhostSeat,
        Self::SwappedKey,
        Self::StrippedRemoval,
        Self::KeysWithheld,
        Self::GrantedInPause,
    ];

    /// One of these must be told by some desk; none where the attack does no harm.
    pub const fn told_as(self) -> &'static [AlarmCode] {
        match self {
            Self::DropUp | Self::DropDown => &[AlarmCode::Stalled],
            Self::Reorder => &[AlarmCode::WrongChain],
            Self::Replay => &[],
            Self::RollBack => &[AlarmCode::WentBack],
            Self::OldCopy | Self::GrantedInPause => &[AlarmCode::RelayRestored],
            Self::Fork => &[AlarmCode::Fork],
            Self::GhostSeat | Self::SwappedKey | Self::StrippedRemoval => &[AlarmCode::FalseChain],
            Self::KeysWithheld => &[AlarmCode::Stalled, AlarmCode::Waiting],
        }
    }
}

/// The liar.
#[derive(Debug)]
pub(crate) struct Malice {
    attack: Attack,
    key: SigningKey,
    /// It only watches until then.
    active: bool,
    /// How often it lied.
    lies: u64,
    /// Of the victim's line: the last challenge and sign-in.
    challenge: Option<([u8; 32], VerifyKey)>,
    sign_in: Option<SignIn>,
    /// The first head of a schedule that went by.
    old: Option<SignedHead>,
    /// What the victim wrote.
    written: BTreeMap<(IncarnationId, u64), Hash>,
    /// For a fork: by feed, the last true place, then place and chain as the victim has them.
    views: BTreeMap<FeedId, (u64, u64, Hash)>,
    left_out: bool,
    stripped: bool,
}

/// What became of an attack.
#[derive(Debug)]
pub struct Outcome {
    /// How often the relay lied.
    pub lies: u64,
    /// What all desks together told while it went on.
    pub told: BTreeSet<AlarmCode>,
    /// Whether the victim believed to be in step at the end of it.
    pub in_step: bool,
}

impl Malice {
    fn new(attack: Attack, key: SigningKey) -> Self {
        Self {
            attack,
            key,
            active: false,
            lies: 0,
            challenge: None,
            sign_in: None,
            old: None,
            written: BTreeMap::new(),
            views: BTreeMap::new(),
            left_out: false,
            stripped: false,
        }
    }

    fn head(&self, honest: &SignedHead, sequence: u64, chain: Hash) -> Option<SignedHead> {
        let head = Head {
            sequence,
            chain,
            ..*honest.value()
        };
        SignedHead::sign(head, &self.key).ok()
    }

    /// Whether a frame reaches the relay.
    fn lets_up(&mut self, frame: &Frame) -> bool {
        match frame {
            Frame::SignIn(sign_in) => self.sign_in = Some(sign_in.clone()),
            Frame::Push { entries } => {
                for entry in entries.iter().filter_map(|bytes| Entry::decode(bytes).ok()) {
                    self.written.insert(entry.id(), entry.hash());
                }
                if self.active && self.attack == Attack::DropUp {
                    self.lies += 1;
                    return false;
                }
            }
            _ => {}
        }
        true
    }

    /// What the victim hears instead of a frame.
    fn bend(&mut self, frame: Frame) -> Vec<Frame> {
        match &frame {
            Frame::Challenge { nonce, relay, .. } => self.challenge = Some((*nonce, *relay)),
            Frame::Items {
                feed: FeedId::Schedule(_),
                head,
                ..
            } if self.old.is_none() => self.old.clone_from(head),
            _ => {}
        }
        if !self.active {
            return vec![frame];
        }
        match (self.attack, frame) {
            (Attack::DropDown, Frame::Items { feed, .. })
                if matches!(feed, FeedId::Schedule(_) | FeedId::Visits(_)) =>
            {
                self.lies += 1;
                Vec::new()
            }
            (Attack::KeysWithheld, Frame::Items { feed, .. }) if feed == FeedId::Keys => {
                self.lies += 1;
                Vec::new()
            }
            (
                Attack::Reorder,
                Frame::Items {
                    feed,
                    epoch,
                    first,
                    mut items,
                    head,
                },
            ) if items.len() > 1 && feed != FeedId::Governance => {
                self.lies += 1;
                items.swap(0, 1);
                vec![Frame::Items {
                    feed,
                    epoch,
                    first,
                    items,
                    head,
                }]
            }
            (Attack::Replay, frame @ (Frame::Items { .. } | Frame::Placed { .. })) => {
                self.lies += 1;
                vec![frame.clone(), frame]
            }
            (Attack::RollBack, Frame::Welcome(welcome)) => {
                vec![Frame::Welcome(self.old_heads(welcome))]
            }
            (Attack::Fork, frame) => self.another_story(frame),
            (
                Attack::SwappedKey | Attack::StrippedRemoval,
                Frame::Items {
                    feed: FeedId::Governance,
                    epoch,
                    first,
                    items,
                    head,
                },
            ) => self.another_chain(epoch, first, &items, head),
            (_, frame) => vec![frame],
        }
    }

    /// A schedule's first head in the place of its newest, in a welcome signed afresh.
    fn old_heads(&mut self, welcome: Welcome) -> Welcome {
        let (Some(old), Some((nonce, relay)), Some(sign_in)) =
            (&self.old, &self.challenge, &self.sign_in)
        else {
            return welcome;
        };
        self.lies += 1;
        let feed = old.value().feed;
        let mut heads = welcome.heads;
        heads.retain(|head| head.value().feed != feed);
        heads.push(old.clone());
        let handshake = sign_in.handshake(nonce, relay);
        Welcome { heads, ..welcome }.signed(&handshake, &self.key)
    }

    /// The first entry of a schedule is left out; what follows moves up, under heads of its own.
    fn another_story(&mut self, frame: Frame) -> Vec<Frame> {
        let (feed, epoch, first, head, hashes) = match &frame {
            Frame::Items {
                feed,
                epoch,
                first,
                items,
                head,
            } => {
                let hashes: Vec<Hash> = items
                    .iter()
                    .filter_map(|bytes| Some(Item::decode(bytes).ok()?.hash()))
                    .collect();
                (*feed, *epoch, *first, head.clone(), hashes)
            }
            Frame::Placed {
                feed,
                epoch,
                first,
                chain_items,
                head,
            } => {
                let written = chain_items.iter().filter_map(|id| self.written.get(id));
                (
                    *feed,
                    *epoch,
                    *first,
                    Some(head.clone()),
                    written.copied().collect(),
                )
            }
            _ => return vec![frame],
        };
        let Some((mut truth, mut place, mut chain)) = self.views.get(&feed).copied() else {
            return vec![frame];
        };
        let (mut kept, begins) = (Vec::new(), place + 1);
        for (number, (hash, at)) in hashes.iter().zip(first..).enumerate() {
            if at <= truth {
                continue;
            }
            truth = at;
            let leave = !self.left_out
                && matches!(feed, FeedId::Schedule(_))
                && matches!(frame, Frame::Items { .. });
            if leave {
                self.left_out = true;
                self.lies += 1;
                continue;
            }
            place += 1;
            chain = chain_next(&chain, hash);
            kept.push(number);
        }
        self.views.insert(feed, (truth, place, chain));
        if kept.is_empty() {
            return Vec::new();
        }
        let head = head.and_then(|head| self.head(&head, place, chain));
        vec![match frame {
            Frame::Items { items, .. } => Frame::Items {
                feed,
                epoch,
                first: begins,
                items: kept.iter().map(|number| items[*number].clone()).collect(),
                head,
            },
            Frame::Placed { chain_items, .. } => {
                let Some(head) = head else { return Vec::new() };
                Frame::Placed {
                    feed,
                    epoch,
                    first: begins,
                    chain_items: kept.iter().map(|number| chain_items[*number]).collect(),
                    head,
                }
            }
            other => other,
        }]
    }

    /// An act is altered or left out; what follows a gap moves up.
    fn another_chain(
        &mut self,
        epoch: u32,
        first: u64,
        items: &[Vec<u8>],
        head: Option<SignedHead>,
    ) -> Vec<Frame> {
        let moved = first - u64::from(self.stripped);
        let mut shown = Vec::new();
        for bytes in items {
            let Ok(Item::Act(act)) = Item::decode(bytes) else {
                continue;
            };
            match (&act.value().what, self.attack) {
                (What::RemoveSeat { .. }, Attack::StrippedRemoval) => {
                    self.stripped = true;
                    self.lies += 1;
                }
                (
                    What::AddSeat {
                        invite,
                        seat,
                        device,
                    },
                    Attack::SwappedKey,
                ) => {
                    self.lies += 1;
                    let mut seat = *seat;
                    seat.seal = SealKey::from_bytes([9; 32]);
                    let what = What::AddSeat {
                        invite: *invite,
                        seat,
                        device: *device,
                    };
                    let act = Act {
                        what,
                        ..act.value().clone()
                    };
                    let act = SignedAct::sign(act, &self.key);
                    shown.extend(act.map(|act| Item::Act(act).encode()));
                }
                _ => shown.push(bytes.clone()),
            }
        }
        if shown.is_empty() {
            return Vec::new();
        }
        vec![Frame::Items {
            feed: FeedId::Governance,
            epoch,
            first: moved,
            items: shown,
            head,
        }]
    }
}

/// Runs an attack in the history of a seed.
///
/// # Errors
/// With the seed and the last steps, when something is missing or differs once the relay is honest
/// again.
pub fn run(seed: u64, attack: Attack) -> Result<Outcome, Box<Failure>> {
    let fail = |what: String, tail: Vec<String>| Box::new(Failure { seed, what, tail });
    let mut world = World::new(seed, Shape::with(3)).map_err(|what| fail(what, Vec::new()))?;
    match world.suffer(attack) {
        Ok(outcome) => Ok(outcome),
        Err(what) => Err(fail(format!("{attack:?}: {what}"), world.trace.tail())),
    }
}

impl World {
    fn suffer(&mut self, attack: Attack) -> Told<Outcome> {
        self.malice = Some(Malice::new(attack, self.relay.key.clone()));
        self.start_relay()?;
        for desk in 0..self.desks() {
            self.start_desk(desk)?;
        }
        self.quiet()?;
        let taste = self.taste();
        // What the attack needs, made while all is well.
        let code = match attack {
            Attack::SwappedKey | Attack::StrippedRemoval => Some(self.invite(StaffRole::Vet)?),
            _ => None,
        };
        let newcomer = match (attack, &code) {
            (Attack::StrippedRemoval, Some(code)) => Some(self.join(code)?),
            _ => None,
        };
        for number in 0..12 {
            self.somebody_acts(number % 3, &taste)?;
            self.quiet()?;
        }
        let kept = self.relay.platter.copy();
        for number in 0..6 {
            self.somebody_acts(number % 3, &taste)?;
            self.quiet()?;
        }

        self.note(format_args!("the relay begins to lie: {attack:?}"));
        let apart = !matches!(attack, Attack::Fork);
        if apart {
            self.unplug(VICTIM)?;
        }
        for number in 0..6 {
            self.somebody_acts([0, 2][number % 2], &taste)?;
            self.somebody_books(0)?;
            self.settle(&[0, 2])?;
        }
        self.begin(attack)?;
        if matches!(attack, Attack::OldCopy | Attack::GrantedInPause) {
            self.relay_begins_anew(Some(&kept))?;
        }
        if apart {
            self.plug_in(VICTIM)?;
        }
        self.minutes(2)?;
        self.strike(attack, code.as_deref(), newcomer)?;
        for number in 0..8 {
            self.somebody_acts(number % 3, &taste)?;
            self.somebody_books(number % 3)?;
            self.minutes(1)?;
        }
        self.minutes(3)?;
        let outcome = self.outcome()?;
        if attack == Attack::GrantedInPause {
            self.no_pause_is_passed_over()?;
        }

        self.note(format_args!("the relay is honest again"));
        self.malice = None;
        if newcomer.is_some() {
            self.desks.pop();
        }
        self.relay_begins_anew(None)?;
        self.quiet()?;
        let now = self.desk_now(0);
        let owner = self.replica_mut(0).ok_or("desk 0 is off")?;
        let approved = owner
            .approve_relay(now)
            .map_err(|refusal| format!("approving: {refusal:?}"))?;
        if approved != Proposal::Done {
            self.tell(0, Input::Wrote)?;
            self.quiet()?;
        }
        checks::nothing_is_missing(self)?;
        Ok(outcome)
    }

    fn begin(&mut self, attack: Attack) -> Told {
        let replica = self.replica(VICTIM).ok_or("the victim is off")?;
        let have = replica.ledger().have();
        let malice = self.malice.as_mut().ok_or("no malice")?;
        malice.active = true;
        if attack == Attack::Fork {
            let view = |have: Have| (have.feed, (have.sequence, have.sequence, have.chain));
            malice.views = have
                .into_iter()
                .filter(|have| have.feed != FeedId::Governance)
                .map(view)
                .collect();
        }
        Ok(())
    }

    /// What somebody has to do for the attack.
    fn strike(&mut self, attack: Attack, code: Option<&str>, newcomer: Option<usize>) -> Told {
        match attack {
            Attack::GhostSeat => self.a_ghost_joins(),
            Attack::SwappedKey => self.join(code.unwrap_or_default()).map(drop),
            Attack::StrippedRemoval => {
                self.remove(newcomer.ok_or("nobody to remove")?)?;
                self.minutes(1)?;
                // The next act shows the gap.
                let now = self.desk_now(0);
                let spare = VerifyKey::from(SigningKey::from_bytes(&[8; 32]).verifying_key());
                let owner = self.replica_mut(0).ok_or("desk 0 is off")?;
                let named = owner.set_standby(now, spare);
                named.map_err(|refusal| format!("naming a spare: {refusal:?}"))?;
                self.tell(0, Input::Wrote)
            }
            Attack::KeysWithheld => {
                let client = NewClient {
                    name: "Ines Prado".to_owned(),
                    phones: vec!["+351 912 000 333".to_owned()],
                    email: None,
                    note: None,
                };
                let added = self.execute(0, Command::AddClient(client));
                added.map_err(|refusal| format!("a client: {refusal:?}"))?;
                self.tell(0, Input::Wrote)
            }
            Attack::GrantedInPause => self.grants_in_pause(),
            _ => Ok(()),
        }
    }

    /// Frames go as they may for some minutes.
    fn minutes(&mut self, minutes: i64) -> Told {
        let until = self.now + SignedDuration::from_mins(minutes);
        while self.now < until {
            self.deliver_all()?;
            if self.relay.has_work() {
                self.commit()?;
            }
            self.pass(SignedDuration::from_millis(500));
            self.wake_due()?;
        }
        Ok(())
    }

    fn relay_begins_anew(&mut self, from: Option<&super::Platter>) -> Told {
        self.commit()?;
        for desk in self.relay.stop() {
            self.desks[desk].line = None;
            self.tell(desk, Input::Closed)?;
        }
        if let Some(copy) = from {
            self.relay.platter = copy.copy();
        }
        self.start_relay()
    }

    fn outcome(&mut self) -> Told<Outcome> {
        let mut told = BTreeSet::new();
        for desk in 0..3 {
            let now = self.desk_now(desk);
            let replica = self.replica_mut(desk).ok_or("a desk is off")?;
            match replica.query(now, Query::State) {
                Ok(Answer::State(state)) => told.extend(state.alarms.iter().map(|a| a.code)),
                other => return Err(format!("desk {desk} has no state: {other:?}")),
            }
        }
        let victim = self.replica(VICTIM).ok_or("the victim is off")?;
        Ok(Outcome {
            lies: self.malice.as_ref().map_or(0, |malice| malice.lies),
            told,
            in_step: victim.link() == LinkState::InStep,
        })
    }

    // ---- hooks -----------------------------------------------------------------------------

    /// Whether a frame of a line reaches the relay.
    pub(crate) fn malice_lets_up(&mut self, conn: ConnId) -> bool {
        let line = self.relay.lines.get(&conn);
        let victims = line.filter(|line| line.desk == Some(VICTIM));
        let frame = victims.and_then(|line| Frame::decode(line.up.front()?).ok());
        match (&mut self.malice, frame) {
            (Some(malice), Some(frame)) => malice.lets_up(&frame),
            _ => true,
        }
    }

    /// What a desk hears of a frame.
    pub(crate) fn malice_bends(&mut self, desk: usize, frame: Frame) -> Vec<Frame> {
        match &mut self.malice {
            Some(malice) if desk == VICTIM => malice.bend(frame),
            _ => vec![frame],
        }
    }

    // ---- lies of their own -----------------------------------------------------------------

    /// The victim hears items that nobody else hears.
    fn inject(&mut self, feed: FeedId, item: &Item) -> Told {
        let replica = self.replica(VICTIM).ok_or("the victim is off")?;
        let have = replica.ledger().have();
        let have = have.into_iter().find(|have| have.feed == feed);
        let have = have.ok_or("the victim does not have the feed")?;
        let head = Head {
            org: replica.org(),
            feed,
            epoch: have.epoch,
            sequence: have.sequence + 1,
            chain: chain_next(&have.chain, &item.hash()),
            at: self.now.as_second(),
        };
        let head = SignedHead::sign(head, &self.relay.key).map_err(|e| format!("{e:?}"))?;
        if let Some(malice) = &mut self.malice {
            malice.lies += 1;
        }
        self.tell(
            VICTIM,
            Input::Frame(Frame::Items {
                feed,
                epoch: have.epoch,
                first: have.sequence + 1,
                items: vec![item.encode()],
                head: Some(head),
            }),
        )
    }

    /// A seat of the relay's own, in the owner's name.
    fn a_ghost_joins(&mut self) -> Told {
        let replica = self.replica(VICTIM).ok_or("the victim is off")?;
        let governance = replica.ledger().governance();
        let (height, prev) = governance.stand();
        let owner = self.replica(0).ok_or("desk 0 is off")?.seat();
        let key = SigningKey::from_bytes(&[66; 32]);
        let seat = SeatGrant::new(
            replica.org(),
            SeatId::from_bytes([66; 16]),
            replica.device(),
            Role::Owner,
            &key,
            SealKey::from_bytes([9; 32]),
        );
        let act = Act {
            org: replica.org(),
            height: height + 1,
            prev,
            at: self.now.as_second(),
            author: Author::Seat(owner),
            what: What::AddSeat {
                invite: None,
                seat,
                device: None,
            },
        };
        let act = SignedAct::sign(act, &self.relay.key).map_err(|e| format!("{e:?}"))?;
        self.inject(FeedId::Governance, &Item::Act(act))?;
        let victim = self.replica(VICTIM).ok_or("the victim is off")?;
        let seats = victim
            .ledger()
            .governance()
            .seat(SeatId::from_bytes([66; 16]));
        match seats {
            None => Ok(()),
            Some(_) => Err("the ghost was let in".to_owned()),
        }
    }

    /// An owner removes a desk's seat; what it wrote stands.
    fn remove(&mut self, desk: usize) -> Told {
        let gone = self.replica(desk).ok_or("it is off")?;
        let (seat, _device): (SeatId, DeviceId) = (gone.seat(), gone.device());
        let mut last: BTreeMap<IncarnationId, u64> = BTreeMap::new();
        for (.., item) in self.audit()?.items {
            if let Item::Entry(entry) = item
                && entry.header().seat == seat
            {
                let (incarnation, sequence) = entry.id();
                let known = last.entry(incarnation).or_default();
                *known = sequence.max(*known);
            }
        }
        self.stop_desk(desk);
        let owner = self.replica(0).ok_or("desk 0 is off")?;
        let (height, prev) = owner.ledger().governance().stand();
        let act = Act {
            org: owner.org(),
            height: height + 1,
            prev,
            at: self.now.as_second(),
            author: Author::Seat(owner.seat()),
            what: What::RemoveSeat {
                seat,
                last: last.into_iter().collect(),
            },
        };
        let secrets = owner.secrets().seats.get(&owner.seat());
        let key = secrets.ok_or("the owner has no keys")?.signing.clone();
        let act = SignedAct::sign(act, &key).map_err(|e| format!("{e:?}"))?;
        let conn = self.desks[0].line.ok_or("the owner is not connected")?;
        self.say(conn, &Frame::Propose { act });
        Ok(())
    }

    /// The victim's newest tentative visit is granted, though no owner has agreed.
    fn grants_in_pause(&mut self) -> Told {
        self.somebody_books(VICTIM)?;
        self.minutes(1)?;
        let book = self.replica(VICTIM).ok_or("the victim is off")?.book();
        let open: Vec<(AppointmentId, _)> = self
            .visits
            .iter()
            .filter(|visit| book.standing(**visit) == Standing::Tentative)
            .filter_map(|visit| {
                let places = book.placements_of(*visit);
                let claim = book.claim(*visit)?;
                Some((*visit, (places.first()?.hash(), claim.location)))
            })
            .collect();
        let (visit, (placement, location)) = *open.first().ok_or("nothing is tentative")?;
        let site = sync_protocol::Site::from_bytes(location.to_bytes());
        let confirmation = Confirmation {
            org: self.replica(VICTIM).ok_or("the victim is off")?.org(),
            feed: FeedId::Schedule(site),
            claim: visit.to_bytes(),
            placement: Hash::from_bytes(placement.0),
            verdict: Verdict::Granted,
            request: (IncarnationId::from_bytes([0; 16]), 0),
            at: self.now.as_second(),
        };
        let signed = SignedConfirmation::sign(confirmation, &self.relay.key);
        let signed = signed.map_err(|e| format!("{e:?}"))?;
        self.inject(FeedId::Schedule(site), &Item::Confirmation(signed))?;
        let book = self.replica(VICTIM).ok_or("the victim is off")?.book();
        match book.standing(visit) {
            Standing::Tentative => Ok(()),
            other => Err(format!("granted in the pause, and it is {other:?}")),
        }
    }

    /// What is confirmed now was confirmed before the relay lost anything.
    fn no_pause_is_passed_over(&self) -> Told {
        let victim = self.replica(VICTIM).ok_or("the victim is off")?;
        match victim.ledger().unapproved() {
            Some(_) => Ok(()),
            None => Err("the pause is over without an owner".to_owned()),
        }
    }
}
