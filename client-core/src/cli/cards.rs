//! `daybook card`: notes about clients and pets.

use clap::{Args, Subcommand, ValueEnum};

use super::{
    names::{Names, id, internal},
    print::Printer,
};
use crate::{
    catalogue::{
        CardKind, CardView, CardsView, Command, NewCardNote, Query, Refusal, WithdrawCardNote,
    },
    home::Home,
};

/// Notes about clients and pets.
#[derive(Debug, Subcommand)]
pub enum Card {
    /// Add a note.
    Add {
        /// Whose card.
        #[command(flatten)]
        of: Of,
        /// What to remember, at most 8,000 characters.
        text: String,
        /// Why, although the client's data are restricted.
        #[arg(long, value_name = "REASON")]
        despite_restriction: Option<String>,
    },
    /// Show the cards of a client and its pets that this seat may read.
    Show {
        /// Whose: an id, or a name that only one client has.
        client: String,
    },
    /// Mark a note as no longer holding; it stays on the card.
    Withdraw {
        /// Whose card.
        #[command(flatten)]
        of: Of,
        /// Which note, as `card show` prints it.
        note: String,
        /// Why, although the client's data are restricted.
        #[arg(long, value_name = "REASON")]
        despite_restriction: Option<String>,
    },
}

/// Which card.
#[derive(Debug, Args)]
#[group(id = "whose")]
pub struct Of {
    /// The client: an id, or a name that only one client has.
    #[arg(long, required_unless_present = "pet")]
    pub client: Option<String>,
    /// The pet, when the card is a pet's: an id, or with --client a name.
    #[arg(long)]
    pub pet: Option<String>,
    /// Which of the cards.
    #[arg(long = "in", value_enum, value_name = "CARD")]
    pub card: CardArg,
}

/// Cards.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CardArg {
    Handling,
    Clinical,
    Grooming,
    Payments,
}

impl From<CardArg> for CardKind {
    fn from(card: CardArg) -> Self {
        match card {
            CardArg::Handling => Self::Handling,
            CardArg::Clinical => Self::Clinical,
            CardArg::Grooming => Self::Grooming,
            CardArg::Payments => Self::Payments,
        }
    }
}

fn whose(names: &Names<'_>, of: &Of) -> Result<String, Refusal> {
    let client = of
        .client
        .as_deref()
        .map(|text| names.client(text))
        .transpose()?;
    match (&of.pet, client) {
        (Some(pet), client) => names.pet(client, pet).map(|pet| pet.to_string()),
        (None, Some(client)) => Ok(client.to_string()),
        (None, None) => Err(internal()),
    }
}

pub(super) fn run(home: &Home, card: Card, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let names = Names::of(home)?;
    let command = match card {
        Card::Add {
            of,
            text,
            despite_restriction,
        } => Command::AddCardNote(NewCardNote {
            of: whose(&names, &of)?,
            card: of.card.into(),
            text,
            despite_restriction,
        }),
        Card::Withdraw {
            of,
            note,
            despite_restriction,
        } => Command::WithdrawCardNote(WithdrawCardNote {
            of: whose(&names, &of)?,
            card: of.card.into(),
            note: id(&note, "note")?,
            despite_restriction,
        }),
        Card::Show { client } => {
            let client = names.client(&client)?;
            return printer.answer(&home.query(Query::Cards { client })?);
        }
    };
    printer.reply(&home.execute(command)?)
}

/// The answer to `card show`, for a person; empty cards are left out.
pub(super) fn lines(view: &CardsView) -> Vec<String> {
    let written = |card: &&CardView| !card.notes.is_empty();
    let mut lines = Vec::new();
    for card in view.cards.iter().filter(written) {
        lines.push(format!(
            "{}  {}  {}",
            card.of,
            card.name,
            card.card.as_str()
        ));
        for note in &card.notes {
            let sign = match (note.withdrawn_at, card.card) {
                (Some(_), _) => "-",
                (None, CardKind::Handling) => "!",
                (None, CardKind::Clinical | CardKind::Grooming | CardKind::Payments) => " ",
            };
            let mut text = note.text.lines();
            let first = text.next().unwrap_or_default();
            lines.push(format!(
                "  {sign} {}  {}  {}  {first}",
                note.id, note.at, note.by
            ));
            lines.extend(text.map(|line| format!("      {line}")));
            if let (Some(by), Some(at)) = (&note.withdrawn_by, note.withdrawn_at) {
                lines.push(format!("      withdrawn by {by}, {at}"));
            }
        }
    }
    if lines.is_empty() {
        lines.push("Nothing is written on the cards that this seat may read.".to_owned());
    }
    lines
}

/// What to be careful about, as a line of its own.
pub(super) fn alert(alert: &crate::catalogue::AlertView) -> String {
    format!("  ! {}: {}", alert.name, alert.text)
}
