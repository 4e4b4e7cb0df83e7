//! Conversations of their own with the relay: a newcomer's, an auditor's, a stranger's.
//!
//! They run to their end at once, through the same door and core as every desk.

use client_core::{
    replica::Newcomer,
    session::{Input, Joined},
};
use sync_protocol::{
    Entry, FeedId, Frame, Item, SignIn, Signature, SignedHead, chain_next, chain_start,
};
use sync_server::core::ConnId;

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::{Told, World, disk::Platter, hostile, relay::ADDRESS};

/// Everything the relay tells a device that has nothing.
#[derive(Debug, Default)]
pub struct Audit {
    /// By feed, in order of position: epoch and item.
    pub items: Vec<(FeedId, u32, u64, Item)>,
    /// The heads that cover them.
    pub heads: Vec<SignedHead>,
}

impl World {
    /// A newcomer redeems a code and becomes a desk.
    ///
    /// # Errors
    /// When the relay turns it away, or what it says is not followed.
    pub fn join(&mut self, code: &str) -> Told<usize> {
        let joined = self.redeem(code, None)?;
        joined.map_err(|turned| format!("joining: {turned}"))
    }

    /// Somebody brings a code; who is turned away is told why. With a time, somebody whose program
    /// checks nothing and says that it is that time.
    pub(crate) fn redeem(
        &mut self,
        code: &str,
        forged: Option<Timestamp>,
    ) -> Told<Result<usize, String>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.rng.next_u64());
        let code = code
            .parse()
            .map_err(|error| format!("the code: {error:?}"))?;
        let mut newcomer = Newcomer::new(&mut rng, code);
        let (mut joining, key) = (newcomer.joining(), newcomer.key());
        let conn = self.line()?;
        let mut done = None;
        while done.is_none() {
            let frames = self.answers(conn)?;
            if frames.is_empty() {
                return Err("joining stands still".to_owned());
            }
            for frame in frames {
                for step in joining.handle(self.now, &mut rng, &key, frame) {
                    match step {
                        Joined::Send(frame) => self.say(conn, &frame),
                        Joined::Ready { acts, keys } => {
                            let made = match forged {
                                None => newcomer.add_seat(self.now, &acts, keys),
                                Some(at) => Ok(hostile::forged_seat(&newcomer, &acts, at)?),
                            };
                            let act = made.map_err(|refusal| format!("a seat: {refusal:?}"))?;
                            let frame = joining.propose(act);
                            self.say(conn, &frame);
                        }
                        Joined::Done { acts } => done = Some(acts),
                        Joined::Refused(code) => {
                            let now = self.now;
                            self.relay.closed(now, conn);
                            return Ok(Err(code.to_string()));
                        }
                    }
                }
            }
        }
        let now = self.now;
        self.relay.closed(now, conn);
        let platter = Platter::default();
        let (replica, secrets) = newcomer
            .finish(
                platter.mount(),
                &mut rng,
                self.now,
                done.unwrap_or_default(),
            )
            .map_err(|refusal| format!("becoming a replica: {refusal:?}"))?;
        let desk = self.add_desk(platter, secrets);
        self.desks[desk].up = Some(replica);
        self.desks[desk].promise();
        self.desks[desk].new = true;
        self.note(format_args!("desk {desk} joined"));
        self.tell(desk, Input::Wake)?;
        Ok(Ok(desk))
    }

    /// Reads everything from the relay, as a device without any entry would.
    pub fn audit(&mut self) -> Told<Audit> {
        let conn = self.sign_in(0)?;
        let mut audit = Audit::default();
        loop {
            let frames = self.answers(conn)?;
            if frames.is_empty() {
                break;
            }
            for frame in frames {
                let Frame::Items {
                    feed,
                    epoch,
                    first,
                    items,
                    head,
                } = frame
                else {
                    continue;
                };
                let credit = u32::try_from(items.len()).unwrap_or(u32::MAX);
                for (item, sequence) in items.iter().zip(first..) {
                    let item = Item::decode(item).map_err(|e| format!("an item: {e:?}"))?;
                    audit.items.push((feed, epoch, sequence, item));
                }
                audit.heads.extend(head);
                self.say(conn, &Frame::Credit { items: credit });
            }
        }
        let now = self.now;
        self.relay.closed(now, conn);
        audit.check_chains(self)?;
        Ok(audit)
    }

    /// Signs in beside a desk, with its key, and says nothing more.
    pub(crate) fn sign_in(&mut self, desk: usize) -> Told<ConnId> {
        let conn = self.line()?;
        let challenge = self.answers(conn)?;
        let Some(Frame::Challenge { nonce, relay, .. }) = challenge.first() else {
            return Err(format!("the relay does not greet: {challenge:?}"));
        };
        let mut own = [0; 16];
        self.rng.fill_bytes(&mut own);
        let machine = &self.desks[desk];
        let replica = machine.up.as_ref().ok_or("the desk is off")?;
        let sign_in = SignIn {
            org: replica.org(),
            device: replica.device(),
            host: ADDRESS.to_owned(),
            nonce: own,
            have: Vec::new(),
            signature: Signature::NONE,
        }
        .signed(nonce, relay, &replica.secrets().device.signing);
        self.say(conn, &Frame::SignIn(sign_in));
        Ok(conn)
    }

    /// Pushes entries on a line of their own; what the relay refuses comes back.
    pub(crate) fn push(&mut self, conn: ConnId, entries: &[Entry]) -> Told<Vec<Frame>> {
        let entries = entries.iter().map(Entry::encode).collect();
        self.say(conn, &Frame::Push { entries });
        let mut refused = Vec::new();
        loop {
            let frames = self.answers(conn)?;
            if frames.is_empty() {
                return Ok(refused);
            }
            for frame in frames {
                match frame {
                    Frame::Items { items, .. } => {
                        let items = u32::try_from(items.len()).unwrap_or(u32::MAX);
                        self.say(conn, &Frame::Credit { items });
                    }
                    Frame::Refused { .. } | Frame::Error { .. } => refused.push(frame),
                    _ => {}
                }
            }
        }
    }

    pub(crate) fn leave(&mut self, conn: ConnId) {
        let now = self.now;
        self.relay.closed(now, conn);
    }

    fn line(&mut self) -> Told<ConnId> {
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        let now = self.now;
        let conn = self.relay.open(None, nonce, now);
        conn.ok_or_else(|| "the relay is down".to_owned())
    }

    pub(crate) fn say(&mut self, conn: ConnId, frame: &Frame) {
        if let Some(line) = self.relay.lines.get_mut(&conn) {
            line.up.push_back(frame.encode());
        }
    }

    /// Lets the relay take what was said; everything it answers.
    pub(crate) fn answers(&mut self, conn: ConnId) -> Told<Vec<Frame>> {
        while self
            .relay
            .lines
            .get(&conn)
            .is_some_and(|line| !line.up.is_empty())
        {
            self.deliver_up(conn)?;
        }
        self.commit()?;
        let now = self.now;
        self.relay.more(now, conn);
        let line = self.relay.lines.get_mut(&conn);
        let frames = line.map(|line| std::mem::take(&mut line.down));
        frames
            .into_iter()
            .flatten()
            .map(|bytes| Frame::decode(&bytes).map_err(|error| format!("{error:?}")))
            .collect()
    }
}

impl Audit {
    /// Positions without gaps, and heads that the items lead to.
    fn check_chains(&self, world: &World) -> Told {
        let org = world.replica(0).ok_or("desk 0 is off")?.org();
        let key = world.relay.key.verifying_key();
        for head in &self.heads {
            let value = head.value();
            head.verify(&key).map_err(|e| format!("a head: {e:?}"))?;
            let mut chain = chain_start(org, value.feed, value.epoch);
            let mut next = 1;
            let of_it = self.items.iter().filter(|(feed, ..)| *feed == value.feed);
            for (feed, epoch, sequence, item) in of_it.take_while(|item| item.2 <= value.sequence) {
                if *epoch != value.epoch || *sequence != next {
                    return Err(format!("{feed}: {epoch}/{sequence} where {next} was due"));
                }
                chain = chain_next(&chain, &item.hash());
                next += 1;
            }
            if next <= value.sequence || chain != value.chain {
                return Err(format!("{}: the head does not match the items", value.feed));
            }
        }
        Ok(())
    }
}
