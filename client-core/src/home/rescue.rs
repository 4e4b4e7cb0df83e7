//! The recovery kit: coming back with the words alone, trying whether the words are good, and what a
//! page of paper needs besides them.

use jiff::Timestamp;
use sync_protocol::{OrgId, VerifyKey};

use super::{
    DRILLED_AT, Home, Opening, PATIENCE, check_new, joining::send, locked, random,
    relay::unreachable, storage, store,
};
use crate::{
    catalogue::{ErrorCode, HomeReply, KitView, Refusal},
    link::Socket,
    replica::{Rescuer, foreign_words, refusal_of_kit, refusal_of_rescue},
    sealing::{Anchor, Kit},
    session::Joined,
    store::LocalStore as _,
};

/// Where a practice is, as the paper says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whereabouts<'a> {
    pub(super) organisation: Option<&'a str>,
    pub(super) relay: &'a str,
    pub(super) relay_key: &'a str,
    pub(super) act: Option<&'a str>,
}

impl Home {
    /// Makes this empty home an owner's device of a practice all of whose devices are lost.
    pub(super) fn rescue(
        &self,
        words: &str,
        whereabouts: Whereabouts<'_>,
        opening: &Opening,
    ) -> Result<HomeReply, Refusal> {
        self.must_be_empty()?;
        check_new(opening)?;
        let kit = Kit::read(words).map_err(refusal_of_kit)?;
        let org = organisation(&kit, whereabouts.organisation)?;
        let key = relay_key(whereabouts.relay_key)?;
        let address = whereabouts.relay.trim();
        crate::replica::relay_address(address)?;
        let mut random = random()?;
        let typed = whereabouts.act.map(str::trim).filter(|act| !act.is_empty());
        let typed = typed.map(str::parse).transpose().map_err(|_| no_act())?;
        let anchor = typed.or(kit.anchor);
        let mut rescuer = Rescuer::new(&mut random, kit.root, anchor, org, key, address.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| storage(&error))?;
        let talk = self.come_back(&mut rescuer, address, &mut random);
        let acts = runtime.block_on(async {
            tokio::time::timeout(PATIENCE * 2, talk)
                .await
                .map_err(|_| unreachable())?
        })?;
        let (secrets, recovery) = (rescuer.secrets().clone(), rescuer.recovery());
        let log = self.fresh_log()?;
        let replica = rescuer.finish(log, &mut random, self.now(), acts)?;
        let mut keys = self.make_keys(&mut random, org, secrets, opening, recovery)?;
        self.save_keys(&mut random, &mut keys)?;
        self.put(replica, random, keys)?;
        self.note_drill()?;
        self.connect_at(Some(address.to_owned()))?;
        self.wait_in_step(super::relay::HEALING)?;
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        let lost = desk.replica.other_devices();
        Ok(HomeReply::Rescued { lost })
    }

    async fn come_back(
        &self,
        rescuer: &mut Rescuer,
        address: &str,
        random: &mut rand_chacha::ChaCha20Rng,
    ) -> Result<Vec<sync_protocol::SignedAct>, Refusal> {
        let mut socket = Socket::open(address, &self.trust)
            .await
            .map_err(|_| unreachable())?;
        let (mut joining, key) = (rescuer.joining(), rescuer.key());
        loop {
            let frame = socket.receive().await.map_err(|_| unreachable())?;
            for step in joining.handle(self.now(), random, &key, frame) {
                match step {
                    Joined::Send(frame) => send(&mut socket, &frame).await?,
                    Joined::Ready { acts, keys } => {
                        let told = joining.relay_time();
                        let told = told.and_then(|at| Timestamp::from_second(at).ok());
                        let now = told.unwrap_or_else(|| self.now());
                        let act = rescuer.add_seat(now, &acts, keys)?;
                        send(&mut socket, &joining.propose(act)).await?;
                    }
                    Joined::Done { acts } => {
                        socket.close().await;
                        return Ok(acts);
                    }
                    Joined::Refused(code) => {
                        return Err(refusal_of_rescue(code, joining.detail()));
                    }
                }
            }
        }
    }

    /// Tries whether recovery words would bring the practice back, and notes when they did.
    pub(super) fn drill(&self, words: &str) -> Result<HomeReply, Refusal> {
        let kit = Kit::read(words).map_err(refusal_of_kit)?;
        {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(|| self.closed())?;
            if kit.org.is_some_and(|org| org != desk.replica.org()) {
                return Err(foreign_words());
            }
            desk.replica.drill(&kit.root)?;
        }
        self.note_drill()?;
        Ok(HomeReply::Drilled { at: self.now() })
    }

    fn note_drill(&self) -> Result<(), Refusal> {
        let seconds = self.now().as_second().to_be_bytes();
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.settings
            .put(&[(DRILLED_AT, Some(&seconds))])
            .map_err(|error| store(&error))
    }

    /// What stands on the page of a recovery kit besides the words.
    pub(super) fn kit(&self) -> Result<HomeReply, Refusal> {
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(|| self.closed())?;
        Ok(HomeReply::Kit(self.kit_of(desk)))
    }

    fn kit_of(&self, desk: &super::Desk) -> KitView {
        let governance = desk.replica.ledger().governance();
        KitView {
            practice: desk.replica.practice_name(),
            organisation: governance.org().to_string(),
            relay: governance.relay_address().map(str::to_owned),
            relay_key: governance
                .relay_key()
                .map(|key| VerifyKey::from(*key).to_string()),
            standby: desk.replica.standby().map(|key| key.to_string()),
            act: Anchor::of(governance).to_string(),
            at: self.now(),
        }
    }
}

/// Whose kit it is: by what was typed, or by the line of the kit itself.
fn organisation(kit: &Kit, typed: Option<&str>) -> Result<OrgId, Refusal> {
    let typed = typed.map(str::trim).filter(|text| !text.is_empty());
    let named = typed
        .map(str::parse::<OrgId>)
        .transpose()
        .map_err(|_| missing("This is not the id of a practice."))?;
    match (named, kit.org) {
        (Some(named), Some(org)) if named != org => Err(foreign_words()),
        (Some(org), _) | (None, Some(org)) => Ok(org),
        (None, None) => Err(missing("The id of the practice is missing.")),
    }
}

fn missing(message: &str) -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        message,
        "It stands on the recovery kit and begins with org_.",
    )
    .at("organisation")
}

fn no_act() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        "This is no act of a recovery kit.",
        "Copy the number, the dash and all 32 letters and digits, or leave it out.",
    )
    .at("act")
}

fn relay_key(text: &str) -> Result<VerifyKey, Refusal> {
    text.trim().parse().map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            "This is no key of a relay.",
            "Copy all 64 letters and digits from the recovery kit.",
        )
        .at("relay_key")
    })
}
