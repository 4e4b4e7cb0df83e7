//! `daybook rescue`, `drill`, `kit` and `backup`: what brings a practice back.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{print::Printer, run::first_line};
use crate::{
    catalogue::{ErrorCode, HomeReply, HomeRequest, KitView, LostDevice, Picture, Refusal},
    home::{Home, Opening},
    kit_page,
    replica::role_of,
};

/// Where the practice is, as the recovery kit has it.
#[derive(Debug, Args)]
pub struct Rescue {
    /// File with the 24 words, or the line of the recovery kit.
    #[arg(long, value_name = "FILE")]
    words_file: PathBuf,
    /// The relay's address.
    #[arg(long, value_name = "ADDRESS")]
    relay: String,
    /// The relay's key.
    #[arg(long, value_name = "KEY")]
    relay_key: String,
    /// The practice's id; the line of the kit brings it along.
    #[arg(long, value_name = "ID")]
    organisation: Option<String>,
    /// The newest act on the kit; the line of the kit brings it along.
    #[arg(long, value_name = "ACT")]
    act: Option<String>,
}

/// What a recovery kit needs besides the words.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct KitWish {
    /// Write a page (HTML) to this new file.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(subcommand)]
    more: Option<KitMore>,
}

/// More about the kit.
#[derive(Debug, Subcommand)]
enum KitMore {
    /// New recovery words in the place of words that somebody saw (owners only). Shows them once and
    /// asks two of them back, on standard input, before they count.
    Renew {
        /// Write the new kit, words and all, to this new file (HTML, to print).
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Copies of this home.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Backup {
    /// Write one now, into this folder.
    folder: Option<PathBuf>,
    #[command(subcommand)]
    more: Option<More>,
}

/// More about backups.
#[derive(Debug, Subcommand)]
enum More {
    /// Write one now, and one whenever this many hours have passed.
    Plan {
        /// Into which folder; it may be one on a stick.
        folder: PathBuf,
        /// Hours between two.
        #[arg(long, default_value_t = 24)]
        hours: u32,
        /// How many are kept; none of them longer than 30 days.
        #[arg(long, default_value_t = 7)]
        keep: u32,
    },
    /// End the timetable; the files stay.
    Stop,
    /// Read a backup to its end and say what it holds.
    Verify {
        /// Which file.
        file: PathBuf,
        /// File whose first line is the passphrase of the home that made it, when that is not this.
        #[arg(long, value_name = "FILE")]
        with_passphrase_file: Option<PathBuf>,
    },
}

impl Backup {
    /// Whether it is about a file, whatever the home holds.
    pub(super) fn is_verify(&self) -> bool {
        matches!(self.more, Some(More::Verify { .. }))
    }
}

pub(super) fn rescue(
    home: &Home,
    rescue: &Rescue,
    opening: &Opening,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    let request = HomeRequest::Rescue {
        words: words(&rescue.words_file)?,
        organisation: rescue.organisation.clone(),
        relay: rescue.relay.clone(),
        relay_key: rescue.relay_key.clone(),
        act: rescue.act.clone(),
        passphrase: String::new(),
    };
    printer.home_reply(&home.request_with(request, opening)?)
}

pub(super) fn drill(home: &Home, file: &Path, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let words = words(file)?;
    printer.home_reply(&home.request(HomeRequest::Drill { words })?)
}

pub(super) fn kit(home: &Home, wish: KitWish, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    if let Some(KitMore::Renew { file }) = wish.more {
        return renew(home, file.as_deref(), printer);
    }
    let reply = home.request(HomeRequest::Kit)?;
    if let (Some(file), HomeReply::Kit(kit)) = (wish.file.as_deref(), &reply) {
        write_page(file, kit, None)?;
    }
    printer.home_reply(&reply)
}

/// Shows new words, asks two of them back, and makes them count.
fn renew(home: &Home, file: Option<&Path>, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let fresh = home.request(HomeRequest::NewWords)?;
    let HomeReply::NewWords { words, ask } = &fresh else {
        return Ok(());
    };
    printer.home_reply(&fresh)?;
    let mut answers = std::io::stdin().lock().lines();
    for number in ask {
        printer.asks(*number)?;
        let answer = answers.next().and_then(Result::ok).unwrap_or_default();
        let word = words.get(usize::from(*number).saturating_sub(1));
        if word.is_none_or(|word| !word.eq_ignore_ascii_case(answer.trim())) {
            return Err(Refusal::new(
                ErrorCode::WrongRecoveryWords,
                format!(
                    "This is not word {number} of the new ones. The old words count as before."
                ),
                "Begin again: daybook kit renew. It shows other words.",
            )
            .at("words"));
        }
    }
    let words_line = zeroize::Zeroizing::new(words.join(" "));
    let reply = home.request(HomeRequest::RenewKit {
        words: words_line.to_string(),
    })?;
    printer.home_reply(&reply)?;
    match (file, &reply, home.request(HomeRequest::Kit)?) {
        (Some(file), HomeReply::KitRenewed { picture, .. }, HomeReply::Kit(kit)) => {
            write_page(file, &kit, Some((words, picture)))
        }
        _ => Ok(()),
    }
}

/// The page of a practice that was founded just now, with its words.
pub(super) fn first_page(home: &Home, file: &Path, founded: &HomeReply) -> Result<(), Refusal> {
    let HomeReply::Founded { words, picture, .. } = founded else {
        return Ok(());
    };
    match home.request(HomeRequest::Kit)? {
        HomeReply::Kit(kit) => write_page(file, &kit, Some((words, picture))),
        _ => Ok(()),
    }
}

fn write_page(
    file: &Path,
    kit: &KitView,
    words: Option<(&[String], &Picture)>,
) -> Result<(), Refusal> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let page = kit_page::html(kit, words);
    let written = options
        .open(file)
        .and_then(|mut out| out.write_all(page.as_bytes()).and_then(|()| out.sync_all()));
    written.map_err(|error| {
        Refusal::new(
            ErrorCode::Storage,
            format!("The page cannot be written: {error}."),
            "Name a new file in a folder where you may write; what was asked for besides is done.",
        )
        .at("file")
    })
}

pub(super) fn backup(
    home: &Home,
    backup: Backup,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    let path = |path: PathBuf| path.display().to_string();
    let request = match (backup.folder, backup.more) {
        (
            _,
            Some(More::Plan {
                folder,
                hours,
                keep,
            }),
        ) => HomeRequest::PlanBackup {
            folder: path(folder),
            hours,
            keep,
        },
        (_, Some(More::Stop)) => HomeRequest::StopBackup,
        (
            _,
            Some(More::Verify {
                file,
                with_passphrase_file,
            }),
        ) => {
            let passphrase = with_passphrase_file
                .map(|file| first_line(&file, "with_passphrase_file"))
                .transpose()?;
            HomeRequest::VerifyBackup {
                file: path(file),
                passphrase,
            }
        }
        (Some(folder), None) => HomeRequest::Backup {
            folder: path(folder),
        },
        (None, None) => {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "No folder was given.",
                "For example: daybook backup /media/stick/daybook.",
            ));
        }
    };
    printer.home_reply(&home.request(request)?)
}

/// What a reply of these says to a person.
pub(super) fn lines(reply: &HomeReply) -> Vec<String> {
    match reply {
        HomeReply::Rescued { lost } => rescued(lost),
        HomeReply::Drilled { at } => vec![format!(
            "The words are good: they would bring the practice back. Noted at {at}."
        )],
        HomeReply::Kit(kit) => kit_page::lines(kit),
        HomeReply::NewWords { words, .. } => {
            let mut lines = vec!["Write down these new recovery words, on paper, now:".to_owned()];
            lines.extend(six_a_line(words));
            lines
        }
        HomeReply::KitRenewed {
            rotated,
            organisation,
            ..
        } => {
            let keys = if *rotated {
                "The keys are in order."
            } else {
                "An owner's computer makes new keys as soon as it is connected."
            };
            vec![
                format!("From now on the new words count, for {organisation}. {keys}"),
                "Destroy the old kits, and print the new one: its relay and newest act belong to it."
                    .to_owned(),
                "Try the new words once: daybook drill. Backups made before open with the old ones."
                    .to_owned(),
            ]
        }
        HomeReply::Backup(report) => {
            let mut lines = vec![format!("{}  {} bytes, whole", report.file, report.bytes)];
            lines.push(format!("practice: {}", report.organisation));
            lines.extend(report.made.map(|made| format!("written: {made}")));
            lines.push(match &report.holds {
                Some(holds) => format!(
                    "holds: {} - {} visits, {} entries, {} acts, all signatures good",
                    holds.practice, holds.visits, holds.entries, holds.acts
                ),
                None => "sealed: give --with-passphrase-file to see whether it opens".to_owned(),
            });
            lines
        }
        _ => Vec::new(),
    }
}

pub(super) fn six_a_line(words: &[String]) -> Vec<String> {
    let sixes = words.chunks(6).enumerate();
    sixes
        .map(|(number, six)| format!("  {:>2}  {}", number * 6 + 1, six.join(" ")))
        .collect()
}

fn rescued(lost: &[LostDevice]) -> Vec<String> {
    let mut lines = vec!["The practice is back on this device.".to_owned()];
    if !lost.is_empty() {
        lines.push("Before it these belonged to it. Remove what is lost:".to_owned());
    }
    for device in lost {
        let roles: Vec<&str> = device
            .roles
            .iter()
            .map(|role| role_of(*role).as_str())
            .collect();
        lines.push(format!(
            "  daybook people remove {}  ({})",
            device.device,
            roles.join(", ")
        ));
    }
    lines
}

/// Words may stand on several lines, as they do on paper.
pub(super) fn words(file: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(file).map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            "The file cannot be read.",
            "Check its name and that you may read it.",
        )
        .at("words_file")
    })
}
