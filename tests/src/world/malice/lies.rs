//! Lies that are told beside the frames of the real core: items that only the victim hears.

use client_core::catalogue::Standing;
use client_core::session::Input;
use conflict_rules::{AppointmentId, LocationId, PlacementHash};
use sync_protocol::{
    Act, Author, Confirmation, FeedId, Frame, Hash, Head, IncarnationId, Item, Role, SealKey,
    SeatGrant, SeatId, SignedAct, SignedConfirmation, SignedHead, SigningKey, Verdict, What,
    chain_next,
};
use sync_server::core::ConnId;

use crate::world::{Told, World};

impl World {
    // ---- hooks -----------------------------------------------------------------------------

    /// Whether a frame of a line reaches the relay.
    pub(crate) fn malice_lets_up(&mut self, conn: ConnId) -> bool {
        let victim = self.victim();
        if victim.is_none() {
            return true;
        }
        let line = self.relay.lines.get(&conn);
        let victims = line.filter(|line| line.desk == victim);
        let frame = victims.and_then(|line| Frame::decode(line.up.front()?).ok());
        match (&mut self.malice, frame) {
            (Some(malice), Some(frame)) => malice.lets_up(&frame),
            _ => true,
        }
    }

    /// What a desk hears of a frame.
    pub(crate) fn malice_bends(&mut self, desk: usize, frame: Frame) -> Vec<Frame> {
        match &mut self.malice {
            Some(malice) if desk == malice.victim => malice.bend(frame),
            _ => vec![frame],
        }
    }

    // ---- lies of their own -----------------------------------------------------------------

    /// The victim hears items that nobody else hears.
    fn inject(&mut self, feed: FeedId, item: &Item) -> Told {
        let victim = self.victim().ok_or("no victim")?;
        let replica = self.replica(victim).ok_or("the victim is off")?;
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
            malice.lied();
        }
        self.tell(
            victim,
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
    pub(super) fn a_ghost_joins(&mut self) -> Told {
        let at = self.victim().ok_or("no victim")?;
        let replica = self.replica(at).ok_or("the victim is off")?;
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
        let victim = self.replica(at).ok_or("the victim is off")?;
        let seats = victim
            .ledger()
            .governance()
            .seat(SeatId::from_bytes([66; 16]));
        match seats {
            None => Ok(()),
            Some(_) => Err("the ghost was let in".to_owned()),
        }
    }

    /// The victim's newest tentative visit is granted, though no owner has agreed.
    pub(super) fn grants_in_pause(&mut self) -> Told {
        let at = self.victim().ok_or("no victim")?;
        let mut open = None;
        for _ in 0..8 {
            self.somebody_books(at)?;
            self.minutes(1)?;
            open = self.tentative_in_pause(at)?;
            if open.is_some() {
                break;
            }
        }
        let (visit, placement, location) = open.ok_or("nothing is tentative where it counts")?;
        let site = sync_protocol::Site::from_bytes(location.to_bytes());
        let confirmation = Confirmation {
            org: self.replica(at).ok_or("the victim is off")?.org(),
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
        let book = self.replica(at).ok_or("the victim is off")?.book();
        match book.standing(visit) {
            Standing::Tentative => Ok(()),
            other => Err(format!("granted in the pause, and it is {other:?}")),
        }
    }

    /// A visit that waits at a site whose schedule the relay lost something of: at the others it may
    /// grant as ever.
    fn tentative_in_pause(
        &self,
        at: usize,
    ) -> Told<Option<(AppointmentId, PlacementHash, LocationId)>> {
        let replica = self.replica(at).ok_or("the victim is off")?;
        let (book, ledger) = (replica.book(), replica.ledger());
        let restored = ledger.governance().restored_epoch();
        let have = ledger.have();
        let waits = |location: LocationId| {
            let site = sync_protocol::Site::from_bytes(location.to_bytes());
            let mut feeds = have.iter();
            feeds.any(|have| have.feed == FeedId::Schedule(site) && have.epoch > restored)
        };
        let mut tentative = self
            .visits
            .iter()
            .filter(|visit| book.standing(**visit) == Standing::Tentative)
            .filter_map(|visit| {
                let places = book.placements_of(*visit);
                let location = book.claim(*visit)?.location;
                Some((*visit, places.first()?.hash(), location))
            });
        Ok(tentative.find(|(_, _, location)| waits(*location)))
    }

    /// What is confirmed now was confirmed before the relay lost anything.
    pub(crate) fn no_pause_is_passed_over(&self) -> Told {
        let at = self.victim().ok_or("no victim")?;
        let victim = self.replica(at).ok_or("the victim is off")?;
        match victim.ledger().unapproved() {
            Some(_) => Ok(()),
            None => Err("the pause is over without an owner".to_owned()),
        }
    }
}
