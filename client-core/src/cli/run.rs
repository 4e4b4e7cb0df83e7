//! What each subcommand does.

use std::{
    io::{BufRead as _, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, civil::Time};

use super::{
    args::{
        Block, Book, Cli, Client, Decide, Free, Hours, KeystoreArg, Location, Move, Pet, Room,
        Service, Staff, Sync, What,
    },
    audit, batch, cards, erasing, kit,
    names::{Names, id, internal},
    people,
    print::Printer,
    rights, seats,
};
use crate::{
    catalogue::{
        Answer, Booking, CancelVisit, Command, ErrorCode, Event, FreeQuery, HomePhase, HomeReply,
        HomeRequest, LinkState, MoveVisit, NewBlock, NewClient, NewLocation, NewPet, NewRoom,
        NewService, NewStaff, Query, Refusal, ServicePart, SetHours, SetState, Undo, VerdictWish,
    },
    home::{Home, Opening},
    link::Trust,
};

/// Runs one invocation. What it prints goes to `out`; a refusal is for the caller to print.
///
/// # Errors
/// The refusal; nothing was changed by the command that met it.
pub fn run(cli: Cli, clock: crate::home::Clock, out: &mut dyn Write) -> Result<(), Refusal> {
    let clock: crate::home::Clock = match cli.now {
        Some(now) => Arc::new(move || now),
        None => clock,
    };
    let trust = Trust {
        authorities: cli.ca_file.clone(),
    };
    let mut printer = Printer {
        json: cli.json,
        out,
    };
    // Anybody may verify, with Daybook open beside it or without a practice: no home is touched.
    if let What::Certificate(wish) = &cli.what
        && wish.erasure == "verify"
    {
        return erasing::verify(&wish.file, &mut printer);
    }
    let home = Home::open(&cli.home, Arc::clone(&clock), trust)?;
    let opening = opening(&cli)?;
    match &cli.what {
        What::Found(found) => {
            let reply = home.request_with(
                HomeRequest::Found {
                    practice: found.practice.clone(),
                    location: found.location.clone(),
                    zone: found.zone.clone(),
                    passphrase: String::new(),
                },
                &needed(opening)?,
            )?;
            printer.home(&reply)?;
            return match &found.kit {
                Some(file) => kit::first_page(&home, file, &reply),
                None => Ok(()),
            };
        }
        What::Rescue(rescue) => {
            return kit::rescue(&home, rescue, &needed(opening)?, &mut printer);
        }
        What::Backup(backup) if backup.is_verify() => {
            if let Some(opening) = &opening
                && home.status().phase != HomePhase::Empty
            {
                home.unlock(opening)?;
            }
            let What::Backup(backup) = cli.what else {
                return Ok(());
            };
            return kit::backup(&home, backup, &mut printer);
        }
        What::Join { code } => {
            let request = HomeRequest::Join {
                code: code.clone(),
                passphrase: String::new(),
            };
            let reply = home.request_with(request, &needed(opening)?)?;
            return printer.home(&reply);
        }
        What::Recover { words_file } => {
            let words = kit::words(words_file)?;
            let request = HomeRequest::Recover {
                words,
                passphrase: String::new(),
            };
            let reply = home.request_with(request, &needed(opening)?)?;
            return printer.home(&reply);
        }
        What::Restore { file } => {
            let request = HomeRequest::Restore {
                file: file.display().to_string(),
            };
            return printer.home(&home.request(request)?);
        }
        What::Audit(audit::Audit {
            what: Some(audit::AuditWhat::Verify),
            ..
        }) => return audit::verify(&home, &mut printer),
        _ => {}
    }
    let opening = needed(opening)?;
    match (&cli.seat, &cli.pin_file) {
        (Some(seat), Some(file)) => {
            home.unlock_as(&opening, seat, &first_line(file, "pin_file")?)?;
        }
        _ => home.unlock(&opening)?,
    }
    open_home(&home, cli.what, &clock, &mut printer)?;
    home.tend();
    Ok(())
}

fn open_home(
    home: &Home,
    what: What,
    clock: &crate::home::Clock,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    match what {
        What::Invite {
            role,
            days,
            compare,
        } => {
            let reply = home.request(HomeRequest::Invite {
                role: role.into(),
                days,
                compare,
            })?;
            printer.home(&reply)
        }
        What::Compare {
            seat,
            same,
            different,
        } => printer.home(&home.request(match seat {
            Some(seat) if same || different => HomeRequest::Compared { seat, same },
            seat => HomeRequest::Compare { seat },
        })?),
        What::Relay {
            address,
            ticket,
            replace,
        } => printer.home(&home.request(HomeRequest::SetRelay {
            address,
            ticket,
            replace,
        })?),
        What::RelayStandby { key } => printer.home(&home.request(HomeRequest::SetStandby { key })?),
        What::Alarms { online } => {
            if online {
                // What stands in the way is among the alarms.
                let _ = connect(home, Duration::from_secs(10));
            }
            printer.alarms(&home.query(Query::State)?)
        }
        What::Evidence { file } => {
            let file = file.display().to_string();
            printer.home(&home.request(HomeRequest::Evidence { file })?)
        }
        What::RelayRestored => printer.home(&home.request(HomeRequest::ApproveRelay)?),
        What::Drill { words_file } => kit::drill(home, &words_file, printer),
        What::Kit(wish) => kit::kit(home, wish, printer),
        What::Policy(wish) => people::policy(home, &wish, printer),
        What::Backup(backup) => kit::backup(home, backup, printer),
        What::Lease { days } => printer.reply(&home.execute(Command::SetLease { days })?),
        What::Keystore { what } => printer.home(&home.request(match what {
            KeystoreArg::Status => HomeRequest::Keystore,
            KeystoreArg::On => HomeRequest::SetKeystore { on: true },
            KeystoreArg::Off => HomeRequest::SetKeystore { on: false },
        })?),
        What::Erase(wish) => erasing::erase(home, wish, printer),
        What::Erasures => erasing::list(home, printer),
        What::Certificate(wish) => erasing::certificate(home, &wish, printer),
        What::Hold(wish) => erasing::hold(home, wish, printer),
        What::Restrict(wish) => rights::restrict(home, wish, printer),
        What::Retention(wish) => rights::retention(home, &wish, printer),
        What::Card(card) => cards::run(home, card, printer),
        What::Export { client, folder } => {
            let request = HomeRequest::ExportClient {
                client: Names::of(home)?.client(&client)?.to_string(),
                folder: folder.display().to_string(),
            };
            printer.home(&home.request(request)?)
        }
        What::People { people } => {
            people::run(home, people.unwrap_or(people::People::List), printer)
        }
        What::Audit(wish) => audit::run(home, wish, printer),
        What::Seat(seat) => seats::run(home, seat, printer),
        What::Sync(sync) => synchronise(home, &sync, printer),
        What::Batch { online, strict } => {
            if online {
                connect(home, Duration::from_secs(30))?;
            }
            let input = std::io::stdin().lock().lines();
            batch::run(home, input, strict, printer)
        }
        What::Book(book) => {
            if book.online {
                connect(home, Duration::from_secs(10))?;
            }
            let command = booking(&Names::of(home)?, book)?;
            printer.reply(&home.execute(command)?)
        }
        What::Move(wish) => {
            if wish.online {
                connect(home, Duration::from_secs(10))?;
            }
            let command = moving(&Names::of(home)?, wish)?;
            printer.reply(&home.execute(command)?)
        }
        What::Location(Location::List)
        | What::Staff(Staff::List)
        | What::Room(Room::List)
        | What::Service(Service::List) => {
            let part = match what {
                What::Location(_) => "locations",
                What::Staff(_) => "staff",
                What::Room(_) => "rooms",
                _ => "services",
            };
            printer.practice(&home.query(Query::Practice)?, part)
        }
        What::Free(_)
        | What::Day { .. }
        | What::Search { .. }
        | What::Clashes
        | What::Reviews
        | What::State
        | What::Client(Client::List { .. })
        | What::Pet(Pet::List { .. }) => {
            let query = query(&Names::of(home)?, what, clock)?;
            printer.answer(&home.query(query)?)
        }
        other => {
            let command = command(home, &Names::of(home)?, other)?;
            printer.reply(&home.execute(command)?)
        }
    }
}

fn opening(cli: &Cli) -> Result<Option<Opening>, Refusal> {
    if cli.insecure_machine_key {
        return Ok(Some(Opening::MachineKey));
    }
    let Some(file) = &cli.passphrase_file else {
        return Ok(None);
    };
    Ok(Some(Opening::passphrase(first_line(
        file,
        "passphrase_file",
    )?)))
}

fn needed(opening: Option<Opening>) -> Result<Opening, Refusal> {
    opening.ok_or_else(|| {
        Refusal::new(
            ErrorCode::Locked,
            "The keys of this home are locked.",
            "Give --passphrase-file FILE, or --insecure-machine-key for scripts and tests.",
        )
    })
}

pub(super) fn first_line(file: &Path, field: &str) -> Result<String, Refusal> {
    let text = std::fs::read_to_string(file).map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            "The file cannot be read.",
            "Check its name and that you may read it.",
        )
        .at(field)
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Connects and waits until this replica holds all that the relay has, and the other way round.
fn connect(home: &Home, patience: Duration) -> Result<(), Refusal> {
    home.connect()?;
    home.wait_in_step(patience)
}

fn synchronise(home: &Home, sync: &Sync, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let events = home.subscribe();
    home.connect()?;
    let waited = home.wait_in_step(Duration::from_secs(sync.timeout));
    if !sync.watch {
        waited?;
        return printer.answer(&home.query(Query::State)?);
    }
    // Told at once and then on every change, until the process is ended or its output closed.
    printer.link(home)?;
    for event in events {
        match &event {
            Event::Changed { link: true, .. } => printer.link(home)?,
            Event::Changed { .. } | Event::JustTaken { .. } => printer.event(&event)?,
        }
    }
    Ok(())
}

fn booking(names: &Names<'_>, book: Book) -> Result<Command, Refusal> {
    let client = book
        .client
        .as_deref()
        .map(|text| names.client(text))
        .transpose()?;
    Ok(Command::Book(Booking {
        location: names.location(book.location.as_deref())?,
        start: book.start,
        staff: names.resource(&book.staff)?,
        room: book
            .room
            .as_deref()
            .map(|text| names.resource(text))
            .transpose()?,
        service: book
            .service
            .as_deref()
            .map(|text| names.service(text))
            .transpose()?,
        minutes: book.minutes,
        client,
        pets: book
            .pets
            .iter()
            .map(|text| names.pet(client, text))
            .collect::<Result<_, _>>()?,
        note: book.note,
        double_book: book.double_book,
        despite_warnings: book.despite_warnings,
    }))
}

fn moving(names: &Names<'_>, wish: Move) -> Result<Command, Refusal> {
    Ok(Command::Move(MoveVisit {
        appointment: id(&wish.appointment, "visit")?,
        start: wish.start,
        staff: wish
            .staff
            .as_deref()
            .map(|text| names.resource(text))
            .transpose()?,
        room: wish
            .room
            .as_deref()
            .map(|text| names.resource(text))
            .transpose()?,
        minutes: wish.minutes,
        double_book: wish.double_book,
        despite_warnings: wish.despite_warnings,
    }))
}

fn command(home: &Home, names: &Names<'_>, what: What) -> Result<Command, Refusal> {
    Ok(match what {
        What::Location(Location::Add { name, zone }) => {
            Command::AddLocation(NewLocation { name, zone })
        }
        What::Staff(Staff::Add {
            name,
            role,
            locations,
        }) => {
            let locations = if locations.is_empty() {
                vec![names.location(None)?]
            } else {
                locations
                    .iter()
                    .map(|text| names.location(Some(text)))
                    .collect::<Result<_, _>>()?
            };
            Command::AddStaff(NewStaff {
                name,
                role: role.into(),
                locations,
                colour: None,
            })
        }
        What::Room(Room::Add {
            name,
            location,
            capacity,
        }) => Command::AddRoom(NewRoom {
            name,
            location: names.location(location.as_deref())?,
            capacity,
        }),
        What::Service(Service::Add {
            name,
            minutes,
            buffer,
            rooms,
            staff,
        }) => {
            let room = !rooms.is_empty();
            let work = ServicePart {
                offset_minutes: 0,
                minutes,
                staff: true,
                room,
                buffer: false,
            };
            let mut parts = vec![work];
            if buffer > 0 {
                parts.push(ServicePart {
                    offset_minutes: minutes,
                    minutes: buffer,
                    staff: !room,
                    room,
                    buffer: true,
                });
            }
            Command::AddService(NewService {
                name,
                parts,
                staff: names.resources(&staff)?,
                rooms: names.resources(&rooms)?,
                price_minor: None,
                currency: None,
            })
        }
        What::Hours(hours) => Command::SetHours(weekly(names, hours)?),
        What::Client(Client::Add {
            name,
            phones,
            email,
            note,
        }) => Command::AddClient(NewClient {
            name,
            phones,
            email,
            note,
        }),
        What::Pet(Pet::Add {
            client,
            name,
            species,
            breed,
            microchip,
            despite_restriction,
        }) => Command::AddPet(NewPet {
            client: names.client(&client)?,
            name,
            species,
            breed,
            microchip,
            despite_restriction,
        }),
        What::Block(Block {
            location,
            resources,
            start,
            minutes,
            title,
        }) => Command::Block(NewBlock {
            location: names.location(location.as_deref())?,
            resources: names.resources(&resources)?,
            start,
            minutes,
            title,
        }),
        What::Cancel {
            appointment,
            reason,
        } => Command::Cancel(CancelVisit {
            appointment: id(&appointment, "visit")?,
            reason,
        }),
        What::Status { appointment, state } => Command::SetState(SetState {
            appointment: id(&appointment, "visit")?,
            state: state.into(),
        }),
        What::Undo { step } => Command::Undo(Undo { step }),
        What::Decide(decide) => Command::Decide(decision(home, names, decide)?),
        _ => return Err(internal()),
    })
}

fn decision(
    home: &Home,
    names: &Names<'_>,
    decide: Decide,
) -> Result<crate::catalogue::Decide, Refusal> {
    let mut verdicts = Vec::new();
    if let Some(review) = &decide.suggested {
        let Answer::Reviews { reviews } = home.query(Query::Reviews)? else {
            return Err(internal());
        };
        let suggestion = reviews
            .into_iter()
            .find(|candidate| candidate.id == *review)
            .and_then(|review| review.suggestion);
        match suggestion {
            Some(suggestion) => verdicts.extend(suggestion.verdicts),
            None => {
                return Err(Refusal::new(
                    ErrorCode::NotFound,
                    "There is no such review, or its rule suggests nothing.",
                    "Say what is to become of each visit: --keep, --cancel, --move.",
                ));
            }
        }
    }
    for text in &decide.keep {
        verdicts.push(VerdictWish::Keep {
            appointment: id(text, "visit")?,
        });
    }
    for text in &decide.cancel {
        verdicts.push(VerdictWish::Cancel {
            appointment: id(text, "visit")?,
        });
    }
    for text in &decide.moves {
        let wrong = || {
            Refusal::new(
                ErrorCode::InvalidInput,
                "A move reads APPOINTMENT@START, or APPOINTMENT@START/STAFF.",
                "For example apt_…@2026-03-02T10:00/Ann.",
            )
            .at("move")
        };
        let (appointment, place) = text.split_once('@').ok_or_else(wrong)?;
        let (start, staff) = match place.split_once('/') {
            Some((start, staff)) => (start, Some(names.resource(staff)?)),
            None => (place, None),
        };
        verdicts.push(VerdictWish::Move {
            appointment: id(appointment, "visit")?,
            start: start.parse().map_err(|_| wrong())?,
            staff,
            room: None,
        });
    }
    for text in &decide.allow_overlap {
        let (a, b) = text.split_once('+').unwrap_or((text, ""));
        verdicts.push(VerdictWish::AllowOverlap {
            a: id(a, "visit")?,
            b: id(b, "visit")?,
        });
    }
    Ok(crate::catalogue::Decide {
        verdicts,
        reason: decide.reason,
    })
}

fn query(names: &Names<'_>, what: What, clock: &crate::home::Clock) -> Result<Query, Refusal> {
    Ok(match what {
        What::Free(Free {
            location,
            service,
            minutes,
            staff,
            from,
            days,
            limit,
        }) => Query::Free(FreeQuery {
            location: names.location(location.as_deref())?,
            service: service
                .as_deref()
                .map(|text| names.service(text))
                .transpose()?,
            minutes,
            staff: staff
                .as_deref()
                .map(|text| names.resource(text))
                .transpose()?,
            from,
            days,
            limit,
        }),
        What::Day { location, date } => {
            let location = names.location(location.as_deref())?;
            let date = match date {
                Some(date) => date,
                None => today(names, location, clock())?,
            };
            Query::Day { location, date }
        }
        What::Search { text } => Query::Search { text, limit: None },
        What::Clashes => Query::Clashes,
        What::Reviews => Query::Reviews,
        What::State => Query::State,
        What::Client(Client::List { skip, limit }) => Query::Clients {
            skip: Some(skip),
            limit: Some(limit),
        },
        What::Pet(Pet::List { client }) => Query::Client {
            client: names.client(&client)?,
        },
        _ => return Err(internal()),
    })
}

fn today(
    names: &Names<'_>,
    location: conflict_rules::LocationId,
    now: Timestamp,
) -> Result<jiff::civil::Date, Refusal> {
    let site = names
        .practice()
        .locations
        .iter()
        .find(|site| site.id == location);
    let zone = site.and_then(|site| conflict_rules::time_zone(&site.zone));
    zone.map(|zone| now.to_zoned(zone).date())
        .ok_or_else(internal)
}

fn weekly(names: &Names<'_>, hours: Hours) -> Result<SetHours, Refusal> {
    let weekdays = ranges(&hours.weekdays, "weekdays")?;
    let mut weekly = vec![weekdays; 5];
    weekly.push(ranges(&hours.saturday, "saturday")?);
    weekly.push(ranges(&hours.sunday, "sunday")?);
    let of = match names.location(Some(&hours.of)) {
        Ok(location) => location.to_string(),
        Err(_) => names.resource(&hours.of)?.to_string(),
    };
    let at = hours
        .at
        .as_deref()
        .map(|text| names.location(Some(text)))
        .transpose()?;
    Ok(SetHours {
        of,
        at,
        weekly,
        closed: hours.closed,
    })
}

fn ranges(text: &str, field: &str) -> Result<Vec<(Time, Time)>, Refusal> {
    let wrong = || {
        Refusal::new(
            ErrorCode::InvalidInput,
            "Hours read 08:30-12:30,14:00-18:00.",
            "Leave them out for a day that is closed.",
        )
        .at(field)
    };
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (from, until) = part.split_once('-').ok_or_else(wrong)?;
            let time = |text: &str| {
                let text = if text.trim() == "24:00" {
                    "00:00"
                } else {
                    text.trim()
                };
                text.parse::<Time>().map_err(|_| wrong())
            };
            Ok((time(from)?, time(until)?))
        })
        .collect()
}

/// Prints a refusal for a person, or as JSON.
pub fn print_refusal(refusal: &Refusal, json: bool, err: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(
            err,
            "{}",
            serde_json::to_string(refusal).unwrap_or_default()
        );
    }
    writeln!(err, "{}", refusal.message)?;
    for warning in &refusal.warnings {
        writeln!(err, "  - {}", super::print::warning(*warning))?;
    }
    for slot in &refusal.alternatives {
        writeln!(err, "  free: {}", super::print::slot(slot))?;
    }
    writeln!(err, "{}", refusal.help)
}

/// Whether a link state means that nothing is left to exchange.
pub(super) fn word(link: LinkState) -> &'static str {
    match link {
        LinkState::NoRelay => "no relay is set",
        LinkState::Offline => "offline - work goes on",
        LinkState::Connecting => "connecting",
        LinkState::CatchingUp => "catching up",
        LinkState::InStep => "in step",
    }
}

impl Printer<'_> {
    fn home(&mut self, reply: &HomeReply) -> Result<(), Refusal> {
        self.home_reply(reply)
    }
}
