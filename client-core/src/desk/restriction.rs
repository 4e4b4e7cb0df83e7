//! Restriction: what is kept about a client may not be used until an owner or a manager lifts it.
//!
//! A patient can be treated all the same: booking asks first, and a vet writes on cards when a
//! reason is given. Owners and managers correct the record with a reason. Whatever is written in
//! spite of a restriction puts its reason beside it, into the client's record. These are rules of
//! this program, not of every receiver.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::Role;

use super::{checks, done, undo::TakeBack};
use crate::{
    catalogue::{ClientId, ErrorCode, Refusal, Reply, RestrictClient, Warning},
    documents::{ClientFields, Said, Subject},
    replica::{Batch, Replica, invalid, not_allowed, not_found},
};

/// What is written in spite of a restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The record of a client or a pet.
    Record,
    /// A card: part of a treatment.
    Card,
}

impl<S: Storage> Replica<S> {
    pub(super) fn is_restricted(&self, client: ClientId) -> bool {
        let known = self.book.client_record(client);
        known.is_some_and(|known| known.restriction.is_some())
    }

    /// Whose data a client's or a pet's record is.
    fn household_of(&self, subject: Subject) -> Option<ClientId> {
        match subject {
            Subject::Client(client) => Some(client),
            Subject::Pet(pet) => self.book.pet(pet).map(|(owner, _)| owner),
        }
    }

    /// Whether this may be written about somebody; with the reason to write down, where the
    /// client's data are restricted.
    pub(super) fn despite(
        &self,
        now: Timestamp,
        subject: Subject,
        what: Use,
        reason: Option<&str>,
    ) -> Result<Option<(ClientId, Said)>, Refusal> {
        let client = self.household_of(subject);
        let Some(client) = client.filter(|client| self.is_restricted(*client)) else {
            return Ok(None);
        };
        let (may, who) = match what {
            Use::Record => (
                matches!(self.role(), Some(Role::Owner | Role::Manager)),
                "a manager or an owner, with a reason",
            ),
            Use::Card => (
                matches!(self.role(), Some(Role::Owner | Role::Manager | Role::Vet)),
                "a vet, a manager or an owner, with a reason",
            ),
        };
        if !may {
            return Err(not_allowed(
                "change what is kept about a client whose data are restricted",
                who,
            ));
        }
        let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) else {
            let mut refusal = Refusal::new(
                ErrorCode::NeedsConfirmation,
                "The client's data are restricted: they are kept and not used.",
                "Say why it is needed all the same: what the client agreed to, an emergency, a legal claim.",
            )
            .at("despite_restriction");
            refusal.warnings = vec![Warning::ClientRestricted];
            return Err(refusal);
        };
        let said = Said {
            at: self.clock.corrected(now).as_second(),
            seat: self.seat(),
            reason: checks::name("despite_restriction", reason)?,
        };
        Ok(Some((client, said)))
    }

    /// Writes the reason beside what is written for it.
    pub(super) fn put_despite(
        &self,
        batch: &mut Batch,
        despite: Option<(ClientId, Said)>,
    ) -> Result<(), Refusal> {
        let Some((client, said)) = despite else {
            return Ok(());
        };
        let fields = ClientFields {
            despite: Some(said),
            ..ClientFields::default()
        };
        batch.record(&self.book, Subject::Client(client), |doc, actor, clock| {
            Ok(doc.set_client(actor, clock, &fields)?)
        })
    }

    /// Taking a step back is a change too.
    pub(super) fn may_take_back(&self, subject: Subject) -> Result<(), Refusal> {
        let restricted = self.household_of(subject);
        let restricted = restricted.is_some_and(|client| self.is_restricted(client));
        if restricted && !matches!(self.role(), Some(Role::Owner | Role::Manager)) {
            return Err(not_allowed(
                "take back what concerns a client whose data are restricted",
                "a manager or an owner",
            ));
        }
        Ok(())
    }

    /// Restricts what is kept about a client, or with no reason lifts the restriction.
    pub(super) fn restrict_client(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &RestrictClient,
    ) -> Result<Reply, Refusal> {
        if !matches!(self.role(), Some(Role::Owner | Role::Manager)) {
            let who = "a manager or an owner";
            return Err(not_allowed(
                "restrict what is kept about a client, or lift that",
                who,
            ));
        }
        let id = wish.client;
        let subject = Subject::Client(id);
        let before = self.book.record(subject)?.client();
        let before = before.ok_or_else(|| not_found("client", "client"))?;
        let lifts = wish.reason.trim().is_empty();
        if lifts && before.restriction.is_none() {
            return Err(invalid(
                "reason",
                "What is kept about this client is not restricted.",
                "Give a reason to restrict it.",
            ));
        }
        let at = self.clock.corrected(now).as_second();
        let seat = self.seat();
        let said = Said {
            // A better reason does not make the restriction younger.
            at: match &before.restriction {
                Some(standing) if !lifts => standing.at,
                _ => at,
            },
            seat,
            reason: if lifts {
                String::new()
            } else {
                checks::name("reason", &wish.reason)?
            },
        };
        let fields = ClientFields {
            restriction: Some(said),
            ..ClientFields::default()
        };
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, subject, |doc, actor, clock| {
            Ok(doc.set_client(actor, clock, &fields)?)
        })?;
        self.save(rng, batch)?;
        let lifted = Said {
            at,
            seat,
            reason: String::new(),
        };
        let fields = ClientFields {
            restriction: Some(before.restriction.unwrap_or(lifted)),
            ..ClientFields::default()
        };
        let step = self.steps.keep(TakeBack::Client { id, fields });
        let said = if lifts {
            "The restriction is lifted: what is kept may be used again."
        } else {
            "What is kept about the client is restricted: it stays, and is not used."
        };
        Ok(done(id, step, said))
    }
}
