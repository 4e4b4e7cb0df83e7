//! A newcomer's first conversation: fetch the governance chain and the keys, add the seat.

use jiff::Timestamp;
use rand_core::Rng;
use sync_protocol::{
    ErrorCode, FeedId, Frame, Hash, Head, InviteId, Item, Join, OrgId, Signature, SignedAct,
    SigningKey, VERSION, VerifyKey,
};

/// What the join code told.
#[derive(Debug, Clone)]
pub struct Joining {
    /// The organisation.
    pub org: OrgId,
    /// The invitation.
    pub invite: InviteId,
    /// Hash of the genesis act: the root of trust. None where the root key itself is.
    pub genesis: Option<Hash>,
    /// The relay's key.
    pub relay: VerifyKey,
    /// The relay's address, as the relay knows itself.
    pub host: String,
    phase: Phase,
    acts: Vec<SignedAct>,
    keys: Vec<Item>,
    goals: Vec<Head>,
    proposed: Option<Hash>,
    relay_time: Option<i64>,
    detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Greeted,
    SigningIn { handshake: Hash },
    Fetching,
    Proposed,
}

/// What a step of joining gives.
#[derive(Debug)]
pub enum Joined {
    /// Send this and go on.
    Send(Frame),
    /// The chain and the keys are here: make the seat and call [`Joining::propose`].
    Ready {
        /// The whole chain.
        acts: Vec<SignedAct>,
        /// The items of the keys feed.
        keys: Vec<Item>,
    },
    /// The seat is part of the practice; the chain includes it.
    Done {
        /// The whole chain.
        acts: Vec<SignedAct>,
    },
    /// It cannot be done.
    Refused(ErrorCode),
}

impl Joining {
    /// Begins when the socket is open.
    pub fn new(
        org: OrgId,
        invite: InviteId,
        genesis: Option<Hash>,
        relay: VerifyKey,
        host: String,
    ) -> Self {
        Self {
            org,
            invite,
            genesis,
            relay,
            host,
            phase: Phase::Greeted,
            acts: Vec::new(),
            keys: Vec::new(),
            goals: Vec::new(),
            proposed: None,
            relay_time: None,
            detail: String::new(),
        }
    }

    /// The relay's time as it signed it, in seconds; known once [`Joined::Ready`] was given. An
    /// invitation ends by it, whatever this machine's clock says.
    pub const fn relay_time(&self) -> Option<i64> {
        self.relay_time
    }

    /// What the relay said besides a code. Nobody signed it.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Takes a frame of the relay. `key` is the invitation's one-time key.
    pub fn handle(
        &mut self,
        _now: Timestamp,
        random: &mut impl Rng,
        key: &SigningKey,
        frame: Frame,
    ) -> Vec<Joined> {
        match frame {
            Frame::Challenge {
                version,
                nonce: challenge,
                relay,
                ..
            } if self.phase == Phase::Greeted => {
                if version != VERSION {
                    return vec![Joined::Refused(ErrorCode::WrongVersion)];
                }
                if relay != self.relay {
                    return vec![Joined::Refused(ErrorCode::WrongRelay)];
                }
                let mut nonce = [0; 16];
                random.fill_bytes(&mut nonce);
                let join = Join {
                    org: self.org,
                    invite: self.invite,
                    host: self.host.clone(),
                    nonce,
                    have_governance: 0,
                    signature: Signature::from_bytes([0; 64]),
                }
                .signed(&challenge, &relay, key);
                self.phase = Phase::SigningIn {
                    handshake: join.handshake(&challenge, &relay),
                };
                vec![Joined::Send(Frame::Join(join))]
            }
            Frame::Welcome(welcome) => {
                let Phase::SigningIn { handshake } = &self.phase else {
                    return vec![Joined::Refused(ErrorCode::BadFrame)];
                };
                let ours = self
                    .relay
                    .check()
                    .is_ok_and(|key| welcome.verify(handshake, &key).is_ok());
                if !ours {
                    return vec![Joined::Refused(ErrorCode::WrongRelay)];
                }
                self.relay_time = Some(welcome.at);
                self.goals = welcome.heads.iter().map(|head| *head.value()).collect();
                self.phase = Phase::Fetching;
                self.ready()
            }
            Frame::Items { feed, items, .. } => self.items(feed, &items),
            Frame::Ping { n } => vec![Joined::Send(Frame::Pong { n })],
            Frame::Refused { code, detail, .. } | Frame::Error { code, detail } => {
                self.detail = detail;
                vec![Joined::Refused(code)]
            }
            _ => Vec::new(),
        }
    }

    fn items(&mut self, feed: FeedId, items: &[Vec<u8>]) -> Vec<Joined> {
        let credit = u32::try_from(items.len()).unwrap_or(u32::MAX);
        for bytes in items {
            match Item::decode(bytes) {
                Ok(Item::Act(act)) => self.acts.push(act),
                Ok(item) if feed == FeedId::Keys => self.keys.push(item),
                Ok(_) => {}
                Err(_) => return vec![Joined::Refused(ErrorCode::BadFrame)],
            }
        }
        let mut steps = vec![Joined::Send(Frame::Credit { items: credit })];
        match self.phase {
            Phase::Fetching => steps.extend(self.ready()),
            Phase::Proposed => {
                if self
                    .acts
                    .iter()
                    .any(|act| Some(act.hash()) == self.proposed)
                {
                    steps.push(Joined::Done {
                        acts: self.acts.clone(),
                    });
                }
            }
            Phase::Greeted | Phase::SigningIn { .. } => {}
        }
        steps
    }

    fn ready(&mut self) -> Vec<Joined> {
        let held = |feed| match feed {
            FeedId::Governance => self.acts.len(),
            _ => self.keys.len(),
        };
        let all = self
            .goals
            .iter()
            .all(|goal| held(goal.feed) as u64 >= goal.sequence);
        if !all || self.acts.is_empty() {
            return Vec::new();
        }
        let first = self.acts.first().map(SignedAct::hash);
        if self.genesis.is_some() && first != self.genesis {
            return vec![Joined::Refused(ErrorCode::UnknownOrganisation)];
        }
        vec![Joined::Ready {
            acts: self.acts.clone(),
            keys: self.keys.clone(),
        }]
    }

    /// Asks the relay to take the new seat into the chain.
    pub fn propose(&mut self, act: SignedAct) -> Frame {
        self.phase = Phase::Proposed;
        self.proposed = Some(act.hash());
        Frame::Propose { act }
    }
}
