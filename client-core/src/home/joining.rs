//! Joining a practice by code: one conversation with its relay.

use jiff::Timestamp;
use sync_protocol::{Frame, Governance, SignedAct};

use super::{Home, Opening, PATIENCE, check_new, random, relay::unreachable, storage};
use crate::{
    catalogue::{HomeReply, Refusal},
    link::Socket,
    replica::{Newcomer, refusal_of_code, refusal_of_join},
    sealing::JoinCode,
    session::Joined,
};

/// Keeps a newcomer's secrets.
pub(super) type Keep<'a> =
    dyn FnMut(&mut rand_chacha::ChaCha20Rng, &Governance, &Newcomer) -> Result<(), Refusal> + 'a;

impl Home {
    pub(super) fn join(&self, code: &str, opening: &Opening) -> Result<HomeReply, Refusal> {
        self.must_be_empty()?;
        check_new(opening)?;
        let code: JoinCode = code.parse().map_err(refusal_of_code)?;
        let mut random = random()?;
        let mut newcomer = Newcomer::new(&mut random, code);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| storage(&error))?;
        let mut keys = None;
        let mut keep: Box<Keep<'_>> = Box::new(|random, governance, newcomer| {
            let (org, secrets) = (governance.org(), newcomer.secrets().clone());
            let recovery = governance.recovery();
            keys = Some(self.make_keys(random, org, secrets, opening, recovery)?);
            Ok(())
        });
        let talk = self.talk(&mut newcomer, &mut random, &mut keep);
        let acts = runtime.block_on(async {
            tokio::time::timeout(PATIENCE * 2, talk)
                .await
                .map_err(|_| unreachable())?
        })?;
        drop(keep);
        let mut keys = keys.ok_or_else(unreachable)?;
        let log = self.fresh_log()?;
        let (replica, secrets) = newcomer.finish(log, &mut random, self.now(), acts)?;
        keys.secrets = secrets;
        self.save_keys(&mut random, &mut keys)?;
        self.put(replica, random, keys)?;
        self.connect()?;
        Ok(HomeReply::Opened)
    }

    /// The secrets of the new seat are kept before the seat is proposed, so that a seat that
    /// exists always has its keys.
    pub(super) async fn talk(
        &self,
        newcomer: &mut Newcomer,
        random: &mut rand_chacha::ChaCha20Rng,
        keep: &mut Keep<'_>,
    ) -> Result<Vec<SignedAct>, Refusal> {
        let address = newcomer.code().relay.address.clone();
        let mut socket = Socket::open(&address, &self.trust)
            .await
            .map_err(|_| unreachable())?;
        let (mut joining, key) = (newcomer.joining(), newcomer.key());
        loop {
            let frame = socket.receive().await.map_err(|_| unreachable())?;
            for step in joining.handle(self.now(), random, &key, frame) {
                match step {
                    Joined::Send(frame) => send(&mut socket, &frame).await?,
                    Joined::Ready { acts, keys: rows } => {
                        let told = joining.relay_time();
                        let told = told.and_then(|at| Timestamp::from_second(at).ok());
                        let now = told.unwrap_or_else(|| self.now());
                        let act = newcomer.add_seat(now, &acts, rows)?;
                        let genesis = acts.first().ok_or_else(unreachable)?;
                        let governance = Governance::found(genesis).map_err(|_| unreachable())?;
                        keep(random, &governance, newcomer)?;
                        send(&mut socket, &joining.propose(act)).await?;
                    }
                    Joined::Done { acts } => {
                        socket.close().await;
                        return Ok(acts);
                    }
                    Joined::Refused(code) => return Err(refusal_of_join(code)),
                }
            }
        }
    }
}

pub(super) async fn send(socket: &mut Socket, frame: &Frame) -> Result<(), Refusal> {
    socket.feed(frame).await.map_err(|_| unreachable())?;
    socket.flush().await.map_err(|_| unreachable())
}
