//! What happens before a connection belongs to an organisation.
//!
//! ```text
//! Door::open      -> Challenge            (nonce, our key, our time)
//! Door::knock     <- Found | SignIn | Join
//! Found           -> the shell takes the ticket, calls Organisation::found, says Founded;
//!                    the door stays open for the SignIn that follows
//! Propose         -> the shell looks whether a ticket was shown, calls Organisation::bring: how a
//!                    device that the lost data named makes itself known to a relay without them
//! Door::admit     -> Admission            (after the signature, with the organisation's governance)
//! ```

use sync_protocol::{
    ErrorCode, Frame, Governance, Hash, Have, Join, OrgId, SignIn, SignedAct, SigningKey, VERSION,
    VerifyKey, chain_start,
};

use super::{Credential, FIRST_EPOCH};

/// The relay's side of a connection that has not signed in.
#[derive(Debug, Clone)]
pub struct Door {
    nonce: [u8; 32],
    relay: VerifyKey,
    hosts: Vec<String>,
}

/// What somebody at the door asks for.
#[allow(
    clippy::large_enum_variant,
    reason = "one a connection, and moved once"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knock {
    /// To open an organisation.
    Found {
        /// From the relay's operator.
        ticket: String,
        /// The genesis.
        act: SignedAct,
    },
    /// To bring an act of the chain before signing in, on the strength of a ticket.
    Bring(SignedAct),
    /// To sign in as a device.
    SignIn(SignIn),
    /// To sign in with an invitation.
    Join(Join),
}

impl Knock {
    /// The organisation it is about.
    pub fn org(&self) -> OrgId {
        match self {
            Self::Found { act, .. } | Self::Bring(act) => act.value().org,
            Self::SignIn(sign_in) => sign_in.org,
            Self::Join(join) => join.org,
        }
    }
}

/// Somebody is turned away: send this as an `Error` frame and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Turned {
    /// Why.
    pub code: ErrorCode,
    /// For a log.
    pub detail: &'static str,
}

/// Who was let in, as proven at the door. Only [`Door::admit`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    pub(crate) credential: Credential,
    pub(crate) have: Vec<Have>,
    pub(crate) handshake: Hash,
}

impl Admission {
    /// As what.
    pub fn credential(&self) -> Credential {
        self.credential
    }
}

const fn turned(code: ErrorCode, detail: &'static str) -> Turned {
    Turned { code, detail }
}

impl Door {
    /// Opens the door for one connection: send the frame. `nonce` is random and new. `hosts` are
    /// the names this relay goes by, as devices have them; any name will do when there are none.
    pub fn open(
        key: &SigningKey,
        nonce: [u8; 32],
        now: jiff::Timestamp,
        orgs_open: bool,
        hosts: &[String],
    ) -> (Self, Frame) {
        let relay = VerifyKey::from(key.verifying_key());
        let challenge = Frame::Challenge {
            version: VERSION,
            nonce,
            relay,
            at: now.as_second(),
            orgs_open,
        };
        let door = Self {
            nonce,
            relay,
            hosts: hosts.to_vec(),
        };
        (door, challenge)
    }

    /// What a frame asks for.
    pub fn knock(&self, frame: Frame) -> Result<Knock, Turned> {
        match frame {
            Frame::Found { ticket, act } => Ok(Knock::Found { ticket, act }),
            Frame::Propose { act } => Ok(Knock::Bring(act)),
            Frame::SignIn(sign_in) => Ok(Knock::SignIn(sign_in)),
            Frame::Join(join) => Ok(Knock::Join(join)),
            Frame::Challenge { .. }
            | Frame::Founded
            | Frame::Welcome(_)
            | Frame::Items { .. }
            | Frame::Placed { .. }
            | Frame::Push { .. }
            | Frame::Refused { .. }
            | Frame::Subscribe { .. }
            | Frame::Vector { .. }
            | Frame::Credit { .. }
            | Frame::Ping { .. }
            | Frame::Pong { .. }
            | Frame::Still(_)
            | Frame::Error { .. }
            | Frame::Bye => Err(turned(ErrorCode::BadFrame, "sign in first")),
        }
    }

    /// Whether a genesis may found an organisation here; the ticket is the shell's to check.
    pub fn may_found(&self, act: &SignedAct) -> Result<(), Turned> {
        Governance::found(act)
            .map(drop)
            .map_err(|error| turned(error.into(), "not a genesis"))
    }

    /// Lets a device or a newcomer in, if it is who it says.
    pub fn admit(
        &self,
        knock: &Knock,
        governance: &Governance,
        now: jiff::Timestamp,
    ) -> Result<Admission, Turned> {
        match knock {
            Knock::Found { .. } | Knock::Bring(_) => {
                Err(turned(ErrorCode::BadFrame, "sign in first"))
            }
            Knock::SignIn(sign_in) => self.device(sign_in, governance),
            Knock::Join(join) => self.newcomer(join, governance, now.as_second()),
        }
    }

    fn device(&self, sign_in: &SignIn, governance: &Governance) -> Result<Admission, Turned> {
        self.is_us(&sign_in.host)?;
        if sign_in.org != governance.org() {
            return Err(turned(
                ErrorCode::UnknownOrganisation,
                "another organisation",
            ));
        }
        let device = governance
            .device(sign_in.device)
            .ok_or(turned(ErrorCode::UnknownDevice, "no such device"))?;
        sign_in
            .verify(&self.nonce, &self.relay, device.key())
            .map_err(|_| turned(ErrorCode::BadSignature, "not signed by the device"))?;
        // Who left is let in as far as the act that says so.
        if governance.seats_on(sign_in.device).next().is_none()
            && governance.gone(sign_in.device).is_none()
        {
            return Err(turned(ErrorCode::Removed, "no seat is on this device"));
        }
        Ok(Admission {
            credential: Credential::Device(sign_in.device),
            have: sign_in.have.clone(),
            handshake: sign_in.handshake(&self.nonce, &self.relay),
        })
    }

    fn newcomer(
        &self,
        join: &Join,
        governance: &Governance,
        now: i64,
    ) -> Result<Admission, Turned> {
        self.is_us(&join.host)?;
        if join.org != governance.org() {
            return Err(turned(
                ErrorCode::UnknownOrganisation,
                "another organisation",
            ));
        }
        if join.invite == Join::BY_ROOT {
            let by = |key| join.verify(&self.nonce, &self.relay, key).is_ok();
            // Old words are let in as far as the sentence that they were replaced.
            let old = governance.replaced().iter().find(|old| by(&old.key));
            let since = match old {
                Some(old) => old.since,
                None if by(governance.root()) => governance.rooted(),
                None => {
                    let detail = "not signed with the root key";
                    return Err(turned(ErrorCode::BadSignature, detail));
                }
            };
            return Ok(self.fetching(Credential::Root(since), join, governance));
        }
        let invite = governance
            .invite(join.invite)
            .ok_or(turned(ErrorCode::UnknownInvite, "no such invitation"))?;
        join.verify(&self.nonce, &self.relay, invite.key())
            .map_err(|_| turned(ErrorCode::BadSignature, "not signed with the invitation"))?;
        let planted = governance.planted();
        if invite.used.is_some() && !planted.codes_count_twice {
            return Err(turned(ErrorCode::UsedInvite, "redeemed before"));
        }
        if invite.revoked.is_some() {
            return Err(turned(ErrorCode::RevokedInvite, "called back"));
        }
        if invite.expires <= now && !planted.codes_never_end {
            return Err(turned(ErrorCode::ExpiredInvite, "too late"));
        }
        Ok(self.fetching(Credential::Invite(join.invite), join, governance))
    }

    fn fetching(&self, credential: Credential, join: &Join, governance: &Governance) -> Admission {
        // A newcomer names no chain; what it holds is compared when it signs in as a device.
        let held = join.have_governance.min(governance.height() + 1);
        let feed = sync_protocol::FeedId::Governance;
        let mut chain = chain_start(governance.org(), feed, FIRST_EPOCH);
        for height in 0..held {
            let act = governance.hash_at(height).unwrap_or(Hash::ZERO);
            chain = sync_protocol::chain_next(&chain, &act);
        }
        Admission {
            credential,
            have: vec![Have {
                feed,
                epoch: FIRST_EPOCH,
                sequence: u64::from(held),
                chain,
            }],
            handshake: join.handshake(&self.nonce, &self.relay),
        }
    }

    fn is_us(&self, host: &str) -> Result<(), Turned> {
        let ours = |known: &String| known.eq_ignore_ascii_case(host);
        if self.hosts.is_empty() || self.hosts.iter().any(ours) {
            Ok(())
        } else {
            Err(turned(ErrorCode::WrongRelay, "meant for another host"))
        }
    }
}
