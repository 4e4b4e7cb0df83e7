//! Catalogue commands and queries from standard input, one JSON value a line.
//!
//! A line is a command (`{"type":"book",…}`), or `{"as":"ann","do":{…}}` which gives the id of the
//! reply a name that later lines use as `"$ann"`, or `{"ask":{…}}` with a query. Each line gives
//! one line: `{"ok":…}` or `{"refused":…}`. Empty lines and lines that begin with `#` are passed
//! over.

#![allow(
    clippy::large_enum_variant,
    reason = "one value at a time, moved once: a box would cost more than it saves"
)]

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::print::Printer;
use crate::{
    catalogue::{Answer, Command, ErrorCode, Query, Refusal, Reply},
    home::Home,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(rename = "as")]
    name: Option<String>,
    #[serde(rename = "do")]
    command: Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    ask: Query,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Ok(Done),
    Refused(&'a Refusal),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Done {
    Reply(Reply),
    Answer(Answer),
}

pub(super) fn run(
    home: &Home,
    lines: impl Iterator<Item = io::Result<String>>,
    strict: bool,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    let mut names = BTreeMap::new();
    let mut first_refusal = None;
    for (number, line) in lines.enumerate() {
        let line = line.map_err(|_| wrong(number, "it is not text"))?;
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let done = one(home, text, number, &mut names);
        printer.raw(&match &done {
            Ok(done) => serde_json::to_string(&Line::Ok(match done {
                Done::Reply(reply) => Done::Reply(reply.clone()),
                Done::Answer(answer) => Done::Answer(answer.clone()),
            })),
            Err(refusal) => serde_json::to_string(&Line::Refused(refusal)),
        })?;
        if let Err(refusal) = done {
            if strict {
                return Err(refusal);
            }
            first_refusal.get_or_insert(refusal);
        }
    }
    first_refusal.map_or(Ok(()), Err)
}

fn one(
    home: &Home,
    text: &str,
    number: usize,
    names: &mut BTreeMap<String, String>,
) -> Result<Done, Refusal> {
    let mut value: Value =
        serde_json::from_str(text).map_err(|error| wrong(number, &error.to_string()))?;
    replace(&mut value, names, number)?;
    if value.get("ask").is_some() {
        let ask: Ask =
            serde_json::from_value(value).map_err(|error| wrong(number, &error.to_string()))?;
        return home.query(ask.ask).map(Done::Answer);
    }
    let named = if value.get("do").is_some() {
        serde_json::from_value(value).map_err(|error| wrong(number, &error.to_string()))?
    } else {
        let command =
            serde_json::from_value(value).map_err(|error| wrong(number, &error.to_string()))?;
        Named {
            name: None,
            command,
        }
    };
    let reply = home.execute(named.command)?;
    if let Some(name) = named.name {
        names.insert(name, reply.id.clone());
    }
    Ok(Done::Reply(reply))
}

/// Puts ids in the place of `"$name"`.
fn replace(
    value: &mut Value,
    names: &BTreeMap<String, String>,
    number: usize,
) -> Result<(), Refusal> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix('$') {
                let id = names.get(name);
                *text = id
                    .ok_or_else(|| wrong(number, "a name was not given before"))?
                    .clone();
            }
        }
        Value::Array(values) => {
            for value in values {
                replace(value, names, number)?;
            }
        }
        Value::Object(fields) => {
            for (_, value) in fields.iter_mut() {
                replace(value, names, number)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

fn wrong(number: usize, why: &str) -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        format!("Line {} is not a command: {why}.", number + 1),
        "See docs/cli.md for the form of a line.",
    )
}
