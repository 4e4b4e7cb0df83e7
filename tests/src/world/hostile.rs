//! Somebody with a seat and a program of their own: entries that are signed, chained and sealed as
//! they should be, and carry changes that are not.
//!
//! The entries are like real ones, each by a new author; what its change holds, the caller says.

use client_core::{
    documents::PrivateBody,
    replica::Newcomer,
    sealing::{KeyRing, RowAuthor, decode_rows, encode_rows, seal},
};
use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use schedule::{GridBody, ScheduleBody};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, FeedId, Frame, Governance, Hash, Header,
    IncarnationId, KeyId, OrgId, Role, SeatGrant, SeatId, SignedAct, SigningKey, What,
};

use super::{Told, World};

/// What an entry carries.
#[derive(Debug, Clone)]
enum Body {
    Week(ScheduleBody),
    Grid(GridBody),
    Sealed(KeyId, PrivateBody),
}

/// A real entry, to make others like it.
#[derive(Debug, Clone)]
pub struct Template {
    feed: FeedId,
    document: DocumentId,
    body: Body,
}

impl Template {
    /// Whether the relay reads it.
    pub fn is_clear(&self) -> bool {
        self.feed.clear()
    }

    fn changes(&mut self) -> &mut Vec<Vec<u8>> {
        match &mut self.body {
            Body::Week(body) => &mut body.changes,
            Body::Grid(body) => &mut body.changes,
            Body::Sealed(_, body) => &mut body.changes,
        }
    }
}

/// What becomes of the bytes of a change, given the incarnation that sends them.
pub type Changes<'a> = dyn FnMut(&[u8], [u8; 16]) -> Vec<u8> + 'a;

/// Who writes what nobody should.
#[derive(Debug)]
pub struct Insider {
    org: OrgId,
    device: DeviceId,
    seat: SeatId,
    signing: SigningKey,
    governance: (u32, Hash),
    rng: ChaCha8Rng,
}

/// What became of entries that were offered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// Not refused.
    pub taken: u64,
    /// Refused by name and with a reason.
    pub refused: u64,
}

impl Insider {
    /// An entry like the template, whose first change was made anew: `change` gets its bytes and
    /// the author that it must name. None when it is
    /// too large for any entry, or the key is missing.
    pub fn entry(
        &mut self,
        keys: &KeyRing,
        template: &Template,
        change: &mut Changes<'_>,
    ) -> Option<Entry> {
        let mut incarnation = [0; 16];
        self.rng.fill_bytes(&mut incarnation);
        let mut template = template.clone();
        let changes = template.changes();
        changes.truncate(1);
        for bytes in changes {
            *bytes = change(bytes, incarnation);
        }
        let mut header = Header {
            org: self.org,
            feed: template.feed,
            document: template.document,
            key: None,
            device: self.device,
            seat: self.seat,
            incarnation: IncarnationId::from_bytes(incarnation),
            sequence: 0,
            prev: Hash::ZERO,
            governance: self.governance,
            seen: None,
            seal: None,
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let body = match &template.body {
            Body::Week(body) => body.encode().ok()?,
            Body::Grid(body) => body.encode().ok()?,
            Body::Sealed(id, body) => {
                header.key = Some(*id);
                let plain = body.encode().ok()?;
                seal(&mut self.rng, keys.key(*id)?, &mut header, &plain).ok()?
            }
        };
        Entry::sign(header, body, &self.signing).ok()
    }
}

/// The act by which somebody comes in who looks neither at the end of a code nor at whether it was
/// used, and says what time it is.
///
/// # Errors
/// When the chain does not hold together.
pub(crate) fn forged_seat(
    newcomer: &Newcomer,
    acts: &[SignedAct],
    at: Timestamp,
) -> Told<SignedAct> {
    let (genesis, rest) = acts.split_first().ok_or("no chain")?;
    let mut governance = Governance::found(genesis).map_err(|error| error.to_string())?;
    for act in rest {
        governance.apply(act).map_err(|error| error.to_string())?;
    }
    let code = newcomer.code();
    let role = governance.invite(code.invite).map(|invite| invite.role);
    let secrets = newcomer.secrets();
    let seat = newcomer.seat_secrets().map_err(|e| format!("{e:?}"))?;
    let (height, prev) = governance.stand();
    let device = DeviceId::from_bytes(newcomer.seat().to_bytes());
    let act = Act {
        org: code.org,
        height: height + 1,
        prev,
        at: at.as_second(),
        author: Author::Invite(code.invite),
        what: What::AddSeat {
            invite: Some(code.invite),
            seat: SeatGrant::new(
                code.org,
                newcomer.seat(),
                device,
                role.ok_or("the chain does not know the code")?,
                &seat.signing,
                seat.sealing.public(),
            ),
            device: Some(DeviceGrant::new(code.org, device, &secrets.device.signing)),
        },
    };
    SignedAct::sign(act, &newcomer.key()).map_err(|error| format!("{error:?}"))
}

impl World {
    /// Somebody at a desk who writes with a program of their own.
    ///
    /// # Errors
    /// When the desk is off.
    pub fn insider(&mut self, desk: usize) -> Told<Insider> {
        let rng = ChaCha8Rng::seed_from_u64(self.below(u64::MAX));
        let replica = self.replica(desk).ok_or("the desk is off")?;
        let secrets = replica.secrets().seats.get(&replica.seat());
        Ok(Insider {
            org: replica.org(),
            device: replica.device(),
            seat: replica.seat(),
            signing: secrets.ok_or("the seat has no keys")?.signing.clone(),
            governance: replica.ledger().governance().stand(),
            rng,
        })
    }

    /// An entry by which somebody who is no owner hands out new keys.
    pub(crate) fn forged_keys(&mut self, desk: usize) -> Told<Option<Entry>> {
        let replica = self.replica(desk);
        let role = replica.and_then(client_core::replica::Replica::role);
        let Some(role) = role.filter(|role| *role != Role::Owner) else {
            return Ok(None);
        };
        let mut insider = self.insider(desk)?;
        let replica = self.replica(desk).ok_or("the desk is off")?;
        let governance = replica.ledger().governance();
        let secrets = replica.secrets().seats.get(&replica.seat());
        let secrets = secrets.ok_or("the seat has no keys")?;
        let mut ring = KeyRing::of_seat(replica.org(), replica.seat(), secrets);
        let held = replica.ledger().beyond(&[], usize::MAX);
        for entry in held.map_err(|error| error.to_string())? {
            let header = entry.header();
            let authors = RowAuthor::of(governance, header);
            let rows = entry.body().filter(|_| header.feed == FeedId::Keys);
            let rows = rows.and_then(|body| decode_rows(body).ok());
            for row in rows.into_iter().flatten() {
                if let Some(author) = authors.first()
                    && authors.iter().all(|author| author.may_write(&row))
                {
                    let _ = ring.learn(&row, *author);
                }
            }
        }
        let rows = ring.forged_rows(&mut insider.rng, role);
        if rows.is_empty() {
            return Ok(None);
        }
        let mut incarnation = [0; 16];
        insider.rng.fill_bytes(&mut incarnation);
        let header = Header {
            org: insider.org,
            feed: FeedId::Keys,
            document: DocumentId::from_bytes(incarnation),
            key: None,
            device: insider.device,
            seat: insider.seat,
            incarnation: IncarnationId::from_bytes(incarnation),
            sequence: 0,
            prev: Hash::ZERO,
            governance: insider.governance,
            seen: None,
            seal: None,
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let signed = Entry::sign(header, encode_rows(&rows), &insider.signing);
        signed.map(Some).map_err(|error| format!("{error:?}"))
    }

    /// What a desk holds that changes documents, to make others like it.
    ///
    /// # Errors
    /// When the desk is off, or holds what it cannot read.
    pub fn templates(&self, desk: usize) -> Told<Vec<Template>> {
        let replica = self.replica(desk).ok_or("the desk is off")?;
        let entries = replica.ledger().beyond(&[], usize::MAX);
        let mut templates = Vec::new();
        for entry in entries.map_err(|error| error.to_string())? {
            let header = entry.header();
            let body = match (header.feed, header.key, entry.body()) {
                (FeedId::Schedule(_), _, Some(bytes)) => {
                    Body::Week(ScheduleBody::decode(bytes).map_err(|error| error.to_string())?)
                }
                (FeedId::Grid, _, Some(bytes)) => {
                    Body::Grid(GridBody::decode(bytes).map_err(|error| error.to_string())?)
                }
                (_, Some(id), Some(_)) => {
                    let plain = replica.keyring().open(&entry);
                    let plain = plain.map_err(|error| error.to_string())?;
                    let body = PrivateBody::decode(&plain).map_err(|error| error.to_string())?;
                    Body::Sealed(id, body)
                }
                _ => continue,
            };
            templates.push(Template {
                feed: header.feed,
                document: header.document,
                body,
            });
        }
        Ok(templates)
    }

    /// Offers entries to the relay, beside a desk and with its key.
    ///
    /// # Errors
    /// When the relay does not go on.
    pub fn offer_relay(&mut self, desk: usize, entries: &[Entry]) -> Told<Offered> {
        let conn = self.sign_in(desk)?;
        let refused = self.push(conn, entries)?;
        self.leave(conn);
        if let Some(other) = refused
            .iter()
            .find(|frame| !matches!(frame, Frame::Refused { .. }))
        {
            return Err(format!("the relay hung up: {other:?}"));
        }
        let (all, refused) = (entries.len() as u64, refused.len() as u64);
        Ok(Offered {
            taken: all - refused,
            refused,
        })
    }

    /// Offers entries to a desk, as a neighbour would.
    ///
    /// # Errors
    /// When the desk does not go on, or does not hold what was signed as it should be.
    pub fn offer_desk(&mut self, desk: usize, entries: &[Entry]) -> Told<Offered> {
        let before = self.withheld(desk)?;
        let bytes = entries.iter().map(Entry::encode).collect();
        self.hear(desk, Frame::Push { entries: bytes })?;
        let replica = self.replica(desk).ok_or("the desk is off")?;
        let holds = |entry: &Entry| matches!(replica.ledger().entry(&entry.hash()), Ok(Some(_)));
        if let Some(lost) = entries.iter().find(|entry| !holds(entry)) {
            return Err(format!("desk {desk} does not hold {:?}", lost.id()));
        }
        let refused = self.withheld(desk)? - before;
        Ok(Offered {
            taken: entries.len() as u64 - refused,
            refused,
        })
    }

    fn withheld(&self, desk: usize) -> Told<u64> {
        let book = self.replica(desk).ok_or("the desk is off")?.book();
        Ok(book.refused().len() as u64)
    }
}
