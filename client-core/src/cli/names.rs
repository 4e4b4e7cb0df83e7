//! Names on the command line become ids: an id is taken as it is, a name must fit exactly one.

use conflict_rules::{LocationId, ResourceId};

use crate::{
    catalogue::{Answer, ClientId, ErrorCode, PetId, PracticeView, Query, Refusal, ServiceId},
    home::Home,
};

/// What the practice calls things.
pub(super) struct Names<'a> {
    home: &'a Home,
    practice: PracticeView,
}

impl<'a> Names<'a> {
    pub(super) fn of(home: &'a Home) -> Result<Self, Refusal> {
        match home.query(Query::Practice)? {
            Answer::Practice(practice) => Ok(Self { home, practice }),
            _ => Err(internal()),
        }
    }

    pub(super) fn practice(&self) -> &PracticeView {
        &self.practice
    }

    pub(super) fn location(&self, text: Option<&str>) -> Result<LocationId, Refusal> {
        let sites = self.practice.locations.iter();
        match text {
            Some(text) => only(
                text,
                "site",
                sites.map(|site| (site.id, site.name.as_str())),
            ),
            None => match self.practice.locations.as_slice() {
                [site] => Ok(site.id),
                _ => Err(Refusal::new(
                    ErrorCode::InvalidInput,
                    "This practice has several sites.",
                    "Say which with --location.",
                )
                .at("location")),
            },
        }
    }

    pub(super) fn resource(&self, text: &str) -> Result<ResourceId, Refusal> {
        let staff = self
            .practice
            .staff
            .iter()
            .map(|staff| (staff.id, staff.name.as_str()));
        let rooms = self
            .practice
            .rooms
            .iter()
            .map(|room| (room.id, room.name.as_str()));
        only(text, "member of staff or room", staff.chain(rooms))
    }

    pub(super) fn resources(&self, texts: &[String]) -> Result<Vec<ResourceId>, Refusal> {
        texts.iter().map(|text| self.resource(text)).collect()
    }

    pub(super) fn service(&self, text: &str) -> Result<ServiceId, Refusal> {
        let services = self.practice.services.iter();
        only(
            text,
            "service",
            services.map(|service| (service.id, service.name.as_str())),
        )
    }

    pub(super) fn client(&self, text: &str) -> Result<ClientId, Refusal> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let query = Query::Search {
            text: text.to_owned(),
            limit: Some(50),
        };
        let Answer::Found { clients, .. } = self.home.query(query)? else {
            return Err(internal());
        };
        only(
            text,
            "client",
            clients
                .iter()
                .map(|client| (client.id, client.name.as_str())),
        )
    }

    pub(super) fn pet(&self, client: Option<ClientId>, text: &str) -> Result<PetId, Refusal> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let Some(client) = client else {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "A pet's name alone is not enough.",
                "Give --client too, or the pet's id.",
            )
            .at("pet"));
        };
        let Answer::Client(view) = self.home.query(Query::Client { client })? else {
            return Err(internal());
        };
        only(
            text,
            "pet",
            view.client
                .pets
                .iter()
                .map(|pet| (pet.id, pet.name.as_str())),
        )
    }
}

/// Parses an id that has no name.
pub(super) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            format!("This is not the id of a {what}."),
            "Ids are printed by `day`, `reviews` and every command that makes something.",
        )
    })
}

fn only<'n, T: std::str::FromStr + Copy + PartialEq>(
    text: &str,
    what: &str,
    named: impl Iterator<Item = (T, &'n str)>,
) -> Result<T, Refusal> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let mut fitting: Vec<T> = Vec::new();
    for (id, name) in named {
        if name.eq_ignore_ascii_case(text) && !fitting.contains(&id) {
            fitting.push(id);
        }
    }
    match fitting.as_slice() {
        [id] => Ok(*id),
        [] => Err(Refusal::new(
            ErrorCode::NotFound,
            format!("There is no {what} of this name."),
            "List them to see how they are spelt.",
        )
        .at(what)),
        _ => Err(Refusal::new(
            ErrorCode::InvalidInput,
            format!("More than one {what} has this name."),
            "Give the id instead.",
        )
        .at(what)),
    }
}

pub(super) fn internal() -> Refusal {
    Refusal::new(
        ErrorCode::Internal,
        "The program gave an answer to another question.",
        "Please report this.",
    )
}
