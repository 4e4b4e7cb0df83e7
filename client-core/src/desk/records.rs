//! Clients and pets.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{FeedId, Role};

use super::{checks, done, restriction::Use, undo::TakeBack};
use crate::{
    catalogue::{
        ClientId, EditClient, EditPet, HoldClient, NewClient, NewPet, PetId, Refusal, Reply,
        Warning,
    },
    documents::{ClientFields, PetFields, Subject},
    replica::{Replica, not_allowed, not_found, random},
};

impl<S: Storage> Replica<S> {
    fn may_write_records(&self) -> Result<(), Refusal> {
        if self
            .role()
            .is_some_and(|role| role.may_write(FeedId::Contact))
        {
            Ok(())
        } else {
            Err(not_allowed(
                "change clients or pets",
                "the reception, a vet, a manager or an owner",
            ))
        }
    }

    fn known_phone(&self, phones: &[String], own: Option<ClientId>) -> Vec<Warning> {
        let known = phones.iter().any(|phone| {
            let holders = self.book.phone_known(phone);
            holders.iter().any(|holder| Some(*holder) != own)
        });
        known.then_some(Warning::PhoneKnown).into_iter().collect()
    }

    pub(super) fn add_client(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewClient,
    ) -> Result<Reply, Refusal> {
        self.may_write_records()?;
        let phones = checks::phones("phones", &new.phones)?;
        let warnings = self.known_phone(&phones, None);
        let fields = ClientFields {
            name: Some(checks::name("name", &new.name)?),
            phones: Some(phones),
            email: new
                .email
                .as_deref()
                .map(|text| checks::email("email", text))
                .transpose()?,
            note: new
                .note
                .as_deref()
                .map(|text| checks::note("note", text))
                .transpose()?,
            ..ClientFields::default()
        };
        let id = ClientId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, Subject::Client(id), |doc, actor, clock| {
            Ok(doc.set_client(actor, clock, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = ClientFields {
            gone: Some(true),
            ..ClientFields::default()
        };
        let step = self.steps.keep(TakeBack::Client { id, fields });
        let mut reply = done(id, step, "The client is in the book.");
        reply.warnings = warnings;
        Ok(reply)
    }

    /// Says why a client must be kept, or, with nothing, that the duty is over.
    pub(super) fn hold_client(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &HoldClient,
    ) -> Result<Reply, Refusal> {
        if !matches!(self.role(), Some(Role::Owner | Role::Manager)) {
            let who = "a manager or an owner";
            return Err(not_allowed("say that a client must be kept", who));
        }
        let id = wish.client;
        let subject = Subject::Client(id);
        let before = self.book.record(subject)?.client();
        let before = before.ok_or_else(|| not_found("client", "client"))?;
        let reason = if wish.reason.trim().is_empty() {
            String::new()
        } else {
            checks::name("reason", &wish.reason)?
        };
        let said = if reason.is_empty() {
            "The client need not be kept any more."
        } else {
            "The client is kept, and is not erased before this ends."
        };
        let fields = ClientFields {
            hold: Some(reason),
            ..ClientFields::default()
        };
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, subject, |doc, actor, clock| {
            Ok(doc.set_client(actor, clock, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = ClientFields {
            hold: Some(before.hold),
            ..ClientFields::default()
        };
        let step = self.steps.keep(TakeBack::Client { id, fields });
        Ok(done(id, step, said))
    }

    pub(super) fn edit_client(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &EditClient,
    ) -> Result<Reply, Refusal> {
        self.may_write_records()?;
        let id = wish.client;
        let subject = Subject::Client(id);
        let before = self
            .book
            .record(subject)?
            .client()
            .ok_or_else(|| not_found("client", "client"))?;
        let phones = wish
            .phones
            .as_deref()
            .map(|phones| checks::phones("phones", phones))
            .transpose()?;
        let warnings = self.known_phone(phones.as_deref().unwrap_or_default(), Some(id));
        let despite = self.despite(
            now,
            subject,
            Use::Record,
            wish.despite_restriction.as_deref(),
        )?;
        let fields = ClientFields {
            name: wish
                .name
                .as_deref()
                .map(|text| checks::name("name", text))
                .transpose()?,
            phones,
            email: wish
                .email
                .as_deref()
                .map(|text| checks::email("email", text))
                .transpose()?,
            note: wish
                .note
                .as_deref()
                .map(|text| checks::note("note", text))
                .transpose()?,
            ..ClientFields::default()
        };
        // Only what was changed goes back: another desk's later edit of another field stays.
        let back = ClientFields {
            name: fields.name.is_some().then_some(before.name),
            phones: fields.phones.is_some().then_some(before.phones),
            email: fields.email.is_some().then_some(before.email),
            note: fields.note.is_some().then_some(before.note),
            ..ClientFields::default()
        };
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, subject, |doc, actor, clock| {
            Ok(doc.set_client(actor, clock, &fields)?)
        })?;
        self.put_despite(&mut batch, despite)?;
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| self.steps.keep(TakeBack::Client { id, fields: back }));
        let mut reply = done(id, step, "The client is corrected.");
        reply.warnings = warnings;
        Ok(reply)
    }

    pub(super) fn add_pet(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewPet,
    ) -> Result<Reply, Refusal> {
        self.may_write_records()?;
        if self.book.client(new.client).is_none() {
            return Err(not_found("client", "client"));
        }
        let client = Subject::Client(new.client);
        let despite = self.despite(now, client, Use::Record, new.despite_restriction.as_deref())?;
        let short = |field: &str, text: Option<&str>| {
            text.map(|text| checks::short(field, text)).transpose()
        };
        let fields = PetFields {
            owner: Some(new.client),
            name: Some(checks::name("name", &new.name)?),
            species: short("species", new.species.as_deref())?,
            breed: short("breed", new.breed.as_deref())?,
            microchip: short("microchip", new.microchip.as_deref())?,
            ..PetFields::default()
        };
        let id = PetId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, Subject::Pet(id), |doc, actor, clock| {
            Ok(doc.set_pet(actor, clock, &fields)?)
        })?;
        self.put_despite(&mut batch, despite)?;
        self.save(rng, batch)?;
        let fields = PetFields {
            gone: Some(true),
            ..PetFields::default()
        };
        let step = self.steps.keep(TakeBack::Pet { id, fields });
        Ok(done(id, step, "The pet is in the book."))
    }

    pub(super) fn edit_pet(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &EditPet,
    ) -> Result<Reply, Refusal> {
        self.may_write_records()?;
        let id = wish.pet;
        let subject = Subject::Pet(id);
        let before = self
            .book
            .record(subject)?
            .pet()
            .ok_or_else(|| not_found("pet", "pet"))?;
        let despite = self.despite(
            now,
            subject,
            Use::Record,
            wish.despite_restriction.as_deref(),
        )?;
        let short = |field: &str, text: Option<&str>| {
            text.map(|text| checks::short(field, text)).transpose()
        };
        let fields = PetFields {
            name: wish
                .name
                .as_deref()
                .map(|text| checks::name("name", text))
                .transpose()?,
            species: short("species", wish.species.as_deref())?,
            breed: short("breed", wish.breed.as_deref())?,
            microchip: short("microchip", wish.microchip.as_deref())?,
            ..PetFields::default()
        };
        let back = PetFields {
            name: fields.name.is_some().then_some(before.name),
            species: fields.species.is_some().then_some(before.species),
            breed: fields.breed.is_some().then_some(before.breed),
            microchip: fields.microchip.is_some().then_some(before.microchip),
            ..PetFields::default()
        };
        let mut batch = self.begin(now, rng);
        batch.record(&self.book, subject, |doc, actor, clock| {
            Ok(doc.set_pet(actor, clock, &fields)?)
        })?;
        self.put_despite(&mut batch, despite)?;
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| self.steps.keep(TakeBack::Pet { id, fields: back }));
        Ok(done(id, step, "The pet is corrected."))
    }
}
