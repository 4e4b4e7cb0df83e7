//! What the liar makes of frames.

use std::collections::BTreeMap;

use sync_protocol::{
    Act, Entry, FeedId, Frame, Hash, Have, Head, IncarnationId, Item, SealKey, SignIn, SignedAct,
    SignedHead, SigningKey, VerifyKey, Welcome, What, chain_next,
};

use super::Attack;

/// The liar.
#[derive(Debug)]
pub(crate) struct Malice {
    attack: Attack,
    pub(super) victim: usize,
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

impl Malice {
    pub(crate) fn new(attack: Attack, victim: usize, key: SigningKey) -> Self {
        Self {
            attack,
            victim,
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

    pub(super) fn lies(&self) -> u64 {
        self.lies
    }

    pub(super) fn lied(&mut self) {
        self.lies += 1;
    }

    /// From now on it lies; a fork begins where the victim stands.
    pub(super) fn begins(&mut self, have: Vec<Have>) {
        self.active = true;
        let view = |have: Have| (have.feed, (have.sequence, have.sequence, have.chain));
        let feeds = have
            .into_iter()
            .filter(|have| have.feed != FeedId::Governance);
        self.views = feeds.map(view).collect();
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
    pub(super) fn lets_up(&mut self, frame: &Frame) -> bool {
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
    pub(super) fn bend(&mut self, frame: Frame) -> Vec<Frame> {
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
            (
                Attack::DropDown | Attack::Silent,
                Frame::Items {
                    feed: FeedId::Schedule(_) | FeedId::Visits(_),
                    ..
                },
            )
            | (
                Attack::KeysWithheld,
                Frame::Items {
                    feed: FeedId::Keys, ..
                },
            ) => {
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
