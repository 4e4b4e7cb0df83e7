//! The relay's command line.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use jiff::{SignedDuration, Timestamp};
use sync_protocol::VerifyKey;
use sync_server::shell::{
    Clock, Folder, Ticket, Tickets, check,
    config::{Config, SETTINGS, Setting},
    serve,
};

type Done = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    schedule::quiet_guarded_panics();
    let matches = command().get_matches();
    let done = match matches.subcommand() {
        Some(("serve", given)) => run(given),
        Some(("org", given)) => match given.subcommand() {
            Some(("invite", given)) => invite(given),
            Some(("list", given)) => list(given),
            _ => Ok(ExitCode::from(2)),
        },
        Some(("key", given)) => key(given),
        Some(("check", given)) => verify(given),
        _ => Ok(ExitCode::from(2)),
    };
    done.unwrap_or_else(|error| {
        let mut text = format!("sync-server: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        // Nobody reads standard error: the exit code has to do.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::FAILURE
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "a binary reads the clock and hands it on"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

fn command() -> Command {
    let serving = Command::new("serve")
        .args_override_self(true)
        .about("Runs the relay until SIGTERM or SIGINT; SIGHUP reads the certificate again")
        .after_help(
            "Every setting can also be given as an environment variable DAYBOOK_RELAY_<NAME> \
             (--queue-kb is DAYBOOK_RELAY_QUEUE_KB) or in the file, as queue-kb = 1024. \
             Flags beat variables, variables beat the file.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Settings in TOML"),
        )
        .args(SETTINGS.iter().map(flag));
    let inviting = Command::new("invite")
        .about("Prints a ticket with which one practice can be founded, once")
        .arg(data())
        .arg(number("quota-mb", "2048", "Space in MB; 0 means no limit"))
        .arg(number("days", "14", "Days until the ticket expires"));
    let listing = Command::new("list")
        .about("Prints the practices and the open tickets")
        .arg(data());
    Command::new("sync-server")
        .about("The Daybook relay")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serving)
        .subcommand(
            Command::new("org")
                .about("Practices at this relay; works while the relay runs")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(inviting)
                .subcommand(listing),
        )
        .subcommand(
            Command::new("key")
                .about("Prints the relay's public key, which devices pin")
                .arg(data()),
        )
        .subcommand(
            Command::new("check")
                .about("Reads every record of every log and says what is damaged")
                .arg(data()),
        )
}

fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name).long(setting.name);
    let help = if setting.default.is_empty() || setting.value.is_empty() {
        setting.help.to_owned()
    } else {
        format!("{} [default: {}]", setting.help, setting.default)
    };
    if setting.value.is_empty() {
        arg.action(ArgAction::SetTrue).help(help)
    } else if setting.name == "host" {
        arg.action(ArgAction::Append)
            .value_name(setting.value)
            .help(help)
    } else {
        arg.value_name(setting.value).help(help)
    }
}

fn data() -> Arg {
    Arg::new("data")
        .long("data")
        .env("DAYBOOK_RELAY_DATA")
        .value_name("DIR")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("Folder of all data")
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .value_parser(value_parser!(u32))
        .help(help)
}

fn run(given: &ArgMatches) -> Done {
    let mut flags = BTreeMap::new();
    for setting in SETTINGS {
        let name = setting.name;
        if setting.value.is_empty() {
            if given.get_flag(name) {
                flags.insert(name, "true".to_owned());
            }
        } else if let Some(values) = given.get_many::<String>(name) {
            let values: Vec<&str> = values.map(String::as_str).collect();
            flags.insert(name, values.join(","));
        }
    }
    let file = given.get_one::<PathBuf>("config").map(PathBuf::as_path);
    let variable = |name: &str| env::var(name).ok();
    let config = Config::read(&flags, &variable, file)?;
    start_log(&config);
    serve(&config, Clock::new(now), |address| {
        let mut out = io::stdout().lock();
        writeln!(out, "listening on {address}")?;
        out.flush()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(format!("{0},sled=error", config.log));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false);
    if config.log_json {
        log.json().init();
    } else {
        log.init();
    }
}

fn folder(given: &ArgMatches) -> Result<Folder, Box<dyn Error>> {
    let path = given
        .get_one::<PathBuf>("data")
        .map_or_else(|| Path::new("."), PathBuf::as_path);
    Ok(Folder::open(path)?)
}

fn invite(given: &ArgMatches) -> Done {
    let tickets = Tickets::open(&folder(given)?.tickets())?;
    let made = now();
    let days = given.get_one::<u32>("days").copied().unwrap_or(14);
    let expires = made.checked_add(SignedDuration::from_hours(24 * i64::from(days)))?;
    let ticket = tickets.make(Ticket {
        quota_mb: given
            .get_one::<u32>("quota-mb")
            .copied()
            .unwrap_or(2048)
            .into(),
        made: made.as_second(),
        expires: expires.as_second(),
    })?;
    writeln!(io::stdout(), "{ticket}")?;
    Ok(ExitCode::SUCCESS)
}

fn list(given: &ArgMatches) -> Done {
    let folder = folder(given)?;
    let tickets = Tickets::open(&folder.tickets())?;
    let mut out = io::stdout().lock();
    for org in folder.organisations()? {
        let bytes = size(&folder.log(org));
        let size = format!("{} KB", bytes.div_ceil(1024));
        match tickets.quota_of(org)? {
            Some((quota, founded)) => {
                let quota = limit(quota);
                let founded = day(founded);
                writeln!(out, "{org}  {size} of {quota}  founded {founded}")?;
            }
            None => writeln!(out, "{org}  {size}")?,
        }
    }
    for ticket in tickets.waiting()? {
        let quota = limit(ticket.quota_mb);
        writeln!(out, "open ticket  {quota}  expires {}", day(ticket.expires))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn limit(quota_mb: u64) -> String {
    if quota_mb == 0 {
        "no limit".to_owned()
    } else {
        format!("{quota_mb} MB")
    }
}

fn day(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

fn size(path: &Path) -> u64 {
    let files = std::fs::read_dir(path).into_iter().flatten().flatten();
    files
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum()
}

fn key(given: &ArgMatches) -> Done {
    let key = folder(given)?.key()?;
    writeln!(io::stdout(), "{}", VerifyKey::from(key.verifying_key()))?;
    Ok(ExitCode::SUCCESS)
}

fn verify(given: &ArgMatches) -> Done {
    let mut out = io::stdout().lock();
    let mut whole = true;
    for finding in check(&folder(given)?)? {
        let org = finding.org;
        whole &= finding.wrong.is_empty();
        let state = if finding.wrong.is_empty() {
            "whole"
        } else {
            "DAMAGED"
        };
        writeln!(
            out,
            "{org}  {state}, {} records, {} purged",
            finding.intact, finding.purged
        )?;
        for wrong in finding.wrong {
            writeln!(out, "  {wrong}")?;
        }
    }
    if whole {
        Ok(ExitCode::SUCCESS)
    } else {
        writeln!(
            out,
            "Put a backup of the damaged log in place, or move its folder away and let the devices \
             bring everything back: see docs/operator/relay.md."
        )?;
        Ok(ExitCode::FAILURE)
    }
}
