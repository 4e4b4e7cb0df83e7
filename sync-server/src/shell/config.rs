//! Configuration: flags beat environment variables, those beat the file, that beats the defaults.
//!
//! One table names every setting; the flags, the variables, the file's keys and the help come from
//! it. An error names the place the value came from.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// A setting: its name as a flag, what its value is called, its default, and what it does.
#[derive(Debug)]
pub struct Setting {
    /// As a flag, without the dashes. In the environment `DAYBOOK_RELAY_` and the name in upper
    /// case with underscores; in the file as it is.
    pub name: &'static str,
    /// What the help calls its value; empty for a switch.
    pub value: &'static str,
    /// As text; empty when there is none.
    pub default: &'static str,
    /// For the help.
    pub help: &'static str,
}

macro_rules! settings {
    ($($name:literal $value:literal $default:literal $help:literal;)*) => {
        /// All settings of `serve`.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            value: $value,
            default: $default,
            help: $help,
        }),*];
    };
}

settings! {
    "listen" "ADDR" "127.0.0.1:7117" "Where devices connect; port 0 takes a free one";
    "data" "DIR" "" "Folder of all data; required";
    "host" "NAME,..." "" "Names devices reach this relay by; others are refused. None: any name";
    "tls-cert" "FILE" "" "Certificate chain in PEM; with --tls-key devices use wss://";
    "tls-key" "FILE" "" "Its private key in PEM";
    "open" "" "false" "Anybody may found a practice, without a ticket";
    "metrics-listen" "ADDR" "" "Serve /metrics here instead of at --listen";
    "quota-mb" "N" "2048" "Space of a practice founded without a ticket; 0 means no limit";
    "max-organisations" "N" "1000" "Practices served, at most";
    "max-connections" "N" "4096" "Connections, at most";
    "max-waiting" "N" "256" "Connections that have not signed in, at most";
    "address-burst" "N" "256" "Connections one address may open at once";
    "address-per-second" "N" "20" "Connections one address may open per second after that";
    "sign-in-seconds" "N" "15" "Time to sign in";
    "idle-seconds" "N" "60" "Silence after which a device is asked for a sign of life";
    "stall-seconds" "N" "30" "Time for one write to a device that does not read";
    "queue-kb" "N" "1024" "Bytes waiting for one device before it is cut, in KB; at least 1024";
    "all-queues-mb" "N" "256" "Bytes waiting for all devices together, in MB";
    "min-free-mb" "N" "500" "Free disk space below which no entries are taken, in MB";
    "ballast-mb" "N" "64" "Size of the file that is given back when the disk is full, in MB";
    "log" "LEVEL" "info" "error, warn, info, debug or trace";
    "log-format" "FORMAT" "json" "json or text, on standard error";
}

/// What a variable begins with.
pub const VARIABLES: &str = "DAYBOOK_RELAY_";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag(&'static str),
    /// A variable.
    Variable(String),
    /// A key of the file.
    File(PathBuf, String),
    /// Nowhere.
    Default(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path, key) => write!(f, "{}, {key}", path.display()),
            Self::Default(name) => write!(f, "the default of --{name}"),
        }
    }
}

/// Why the configuration is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is not what it should be.
    #[error("{from}: {value:?} is not {expected}")]
    Value {
        /// Where it came from.
        from: Source,
        /// What it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A key of the file is not a setting.
    #[error("{}: {key:?} is not a setting", .path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// The file cannot be read.
    #[error("{}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not TOML", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// There is no data folder.
    #[error(
        "no data folder: give --data DIR, set DAYBOOK_RELAY_DATA, or put data = \"DIR\" in the file"
    )]
    NoData,
    /// One of certificate and key is missing.
    #[error("{given} is given, but not --{missing}: TLS needs both")]
    HalfTls {
        /// The one that is there.
        given: Source,
        /// The other.
        missing: &'static str,
    },
}

/// How a relay runs.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the table of settings says what each does")]
pub struct Config {
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub hosts: Vec<String>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub open: bool,
    pub metrics_listen: Option<SocketAddr>,
    pub quota_mb: u64,
    pub max_organisations: usize,
    pub max_connections: usize,
    pub max_waiting: usize,
    pub address_burst: f64,
    pub address_per_second: f64,
    pub sign_in: Duration,
    pub idle: Duration,
    pub stall: Duration,
    pub queue_kb: usize,
    pub all_queues_mb: usize,
    pub min_free_mb: u64,
    pub ballast_mb: u64,
    pub log: String,
    pub log_json: bool,
}

/// Values from all places, the strongest first.
#[derive(Debug)]
struct Values(BTreeMap<&'static str, (String, Source)>);

impl Config {
    /// Puts a configuration together. `flags` holds what was given on the command line,
    /// `variable` reads the environment.
    ///
    /// # Errors
    /// The first value that cannot be used, with its place.
    pub fn read(
        flags: &BTreeMap<&'static str, String>,
        variable: &dyn Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let variables = variable("DAYBOOK_RELAY_CONFIG").map(PathBuf::from);
        let file = match file.map(Path::to_owned).or(variables) {
            Some(path) => read_file(&path)?,
            None => BTreeMap::new(),
        };
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            let name = setting.name;
            let upper = name.to_uppercase().replace('-', "_");
            let upper = format!("{VARIABLES}{upper}");
            let value = if let Some(value) = flags.get(name) {
                (value.clone(), Source::Flag(name))
            } else if let Some(value) = variable(&upper) {
                (value, Source::Variable(upper))
            } else if let Some(value) = file.get(name) {
                value.clone()
            } else {
                (setting.default.to_owned(), Source::Default(name))
            };
            values.insert(name, value);
        }
        Values(values).config()
    }

    /// The names under which devices may have this relay: each alone, and as an address with and
    /// without port and path. None when any will do.
    pub fn host_names(&self, listen: SocketAddr) -> Vec<String> {
        let mut names = Vec::new();
        let port = listen.port();
        for host in &self.hosts {
            names.push(host.clone());
            names.push(format!("{host}:{port}"));
            for scheme in ["ws", "wss"] {
                for place in [host.clone(), format!("{host}:{port}")] {
                    for path in ["", "/", "/sync"] {
                        names.push(format!("{scheme}://{place}{path}"));
                    }
                }
            }
        }
        names
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, (String, Source)>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let source = Source::File(path.to_owned(), key.clone());
        if !SETTINGS.iter().any(|setting| setting.name == key) {
            let path = path.to_owned();
            return Err(ConfigError::UnknownKey { path, key });
        }
        let Some(text) = plain(&value) else {
            return Err(ConfigError::Value {
                from: source,
                value: value.to_string(),
                expected: "text, a number, true, false, or a list of texts",
            });
        };
        values.insert(key, (text, source));
    }
    Ok(values)
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(toml::Value::as_str).collect();
            Some(texts?.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

impl Values {
    fn config(&self) -> Result<Config, ConfigError> {
        let data = self.text("data").ok_or(ConfigError::NoData)?.into();
        let tls = match (self.text("tls-cert"), self.text("tls-key")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            (Some(_), None) => return Err(self.half_tls("tls-cert", "tls-key")),
            (None, Some(_)) => return Err(self.half_tls("tls-key", "tls-cert")),
        };
        let hosts = self.text("host").unwrap_or_default();
        let hosts = hosts.split(',').map(str::trim);
        Ok(Config {
            listen: self.parse("listen", ADDRESS)?,
            data,
            hosts: hosts
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
            tls,
            open: self.parse("open", "true or false")?,
            metrics_listen: match self.text("metrics-listen") {
                Some(_) => Some(self.parse("metrics-listen", ADDRESS)?),
                None => None,
            },
            quota_mb: self.parse("quota-mb", NUMBER)?,
            max_organisations: self.parse("max-organisations", NUMBER)?,
            max_connections: self.at_most("max-connections", 1_000_000)?,
            max_waiting: self.at_most("max-waiting", 1_000_000)?,
            address_burst: f64::from(self.parse::<u32>("address-burst", NUMBER)?),
            address_per_second: f64::from(self.at_least("address-per-second", 1)?),
            sign_in: self.seconds("sign-in-seconds")?,
            idle: self.seconds("idle-seconds")?,
            stall: self.seconds("stall-seconds")?,
            queue_kb: self.queue_kb()?,
            all_queues_mb: self.at_most("all-queues-mb", 1 << 20)?,
            min_free_mb: self.parse("min-free-mb", NUMBER)?,
            ballast_mb: self.parse("ballast-mb", NUMBER)?,
            log: self.one_of("log", &["error", "warn", "info", "debug", "trace"])?,
            log_json: self.one_of("log-format", &["json", "text"])? == "json",
        })
    }

    fn get(&self, name: &'static str) -> (&str, Source) {
        self.0
            .get(name)
            .map_or(("", Source::Default(name)), |(text, source)| {
                (text.as_str(), source.clone())
            })
    }

    fn text(&self, name: &'static str) -> Option<String> {
        let (text, _) = self.get(name);
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn wrong(&self, name: &'static str, expected: &'static str) -> ConfigError {
        let (value, from) = self.get(name);
        ConfigError::Value {
            from,
            value: value.to_owned(),
            expected,
        }
    }

    fn parse<T: FromStr>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        let parsed = self.get(name).0.trim().parse();
        parsed.map_err(|_| self.wrong(name, expected))
    }

    fn at_least(&self, name: &'static str, least: u32) -> Result<u32, ConfigError> {
        let number: u32 = self.parse(name, NUMBER)?;
        if number < least {
            return Err(self.wrong(name, "a whole number above 0"));
        }
        Ok(number)
    }

    fn at_most(&self, name: &'static str, most: usize) -> Result<usize, ConfigError> {
        let number: usize = self.parse(name, NUMBER)?;
        if number == 0 || number > most {
            return Err(self.wrong(name, "a whole number from 1 to about a million"));
        }
        Ok(number)
    }

    /// Twice what the core sends ahead of credit: who takes things in is never cut.
    fn queue_kb(&self) -> Result<usize, ConfigError> {
        let number = self.at_most("queue-kb", 1 << 20)?;
        if number < 1024 {
            return Err(self.wrong("queue-kb", "a whole number from 1024 on"));
        }
        Ok(number)
    }

    fn seconds(&self, name: &'static str) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(u64::from(self.at_least(name, 1)?)))
    }

    fn one_of(&self, name: &'static str, known: &[&str]) -> Result<String, ConfigError> {
        let (text, _) = self.get(name);
        if known.contains(&text) {
            return Ok(text.to_owned());
        }
        Err(self.wrong(
            name,
            if name == "log" {
                "error, warn, info, debug or trace"
            } else {
                "json or text"
            },
        ))
    }

    fn half_tls(&self, given: &'static str, missing: &'static str) -> ConfigError {
        ConfigError::HalfTls {
            given: self.get(given).1,
            missing,
        }
    }
}

const ADDRESS: &str = "an address with a port, such as 0.0.0.0:7117";
const NUMBER: &str = "a whole number";

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(given: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        let given = given.iter();
        given
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    }

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn flags_beat_variables_beat_the_file_beats_the_defaults() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("relay.toml");
        fs::write(
            &file,
            "data = \"/from/file\"\nqueue-kb = 2000\nopen = true\nidle-seconds = 9\n\
             host = [\"a.example\", \"b.example\"]\n",
        )
        .unwrap();
        let variable = |name: &str| match name {
            "DAYBOOK_RELAY_QUEUE_KB" => Some("3000".to_owned()),
            "DAYBOOK_RELAY_DATA" => Some("/from/variable".to_owned()),
            _ => None,
        };
        let given = flags(&[("data", "/from/flag")]);
        let config = Config::read(&given, &variable, Some(&file)).unwrap();
        assert_eq!(config.data, Path::new("/from/flag"));
        assert_eq!(config.queue_kb, 3000);
        assert_eq!(config.idle, Duration::from_secs(9));
        assert_eq!(config.stall, Duration::from_secs(30));
        assert!(config.open);
        assert_eq!(config.hosts, ["a.example", "b.example"]);
        let names = config.host_names("127.0.0.1:99".parse().unwrap());
        assert!(names.contains(&"wss://b.example".to_owned()));
        assert!(names.contains(&"ws://a.example:99/sync".to_owned()));
    }

    #[test]
    fn errors_name_the_place() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("relay.toml");
        let check = |given: &[(&'static str, &str)], text: &str, expected: &str| {
            fs::write(&file, text).unwrap();
            let variable =
                |name: &str| (name == "DAYBOOK_RELAY_MAX_WAITING").then(|| "many".to_owned());
            let variable: &dyn Fn(&str) -> Option<String> = if text.contains("#variable") {
                &variable
            } else {
                &none
            };
            let error = Config::read(&flags(given), variable, Some(&file)).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&[], "", "no data folder");
        check(
            &[("data", "d"), ("listen", "7117")],
            "",
            "--listen: \"7117\" is not an address",
        );
        check(
            &[("data", "d")],
            "#variable",
            "DAYBOOK_RELAY_MAX_WAITING: \"many\" is not a whole number",
        );
        check(
            &[("data", "d")],
            "queue-kb = 7",
            "\"7\" is not a whole number from 1024",
        );
        check(
            &[("data", "d")],
            "queue-kb = \"x\"",
            "relay.toml, queue-kb: \"x\"",
        );
        check(
            &[("data", "d")],
            "qeue-kb = 1",
            "\"qeue-kb\" is not a setting",
        );
        check(&[("data", "d")], "tls-cert = \"c\"", "but not --tls-key");
        check(
            &[("data", "d"), ("log", "loud")],
            "",
            "--log: \"loud\" is not error,",
        );
        check(&[], "data = [1]", "is not text, a number");
        check(&[], "data = ", "is not TOML");
        fs::remove_file(&file).unwrap();
        let missing = Config::read(&flags(&[]), &none, Some(&file)).unwrap_err();
        assert!(matches!(missing, ConfigError::Read { .. }));
    }

    #[test]
    fn the_defaults_are_accepted() {
        Config::read(&flags(&[("data", "d")]), &none, None).unwrap();
    }
}
