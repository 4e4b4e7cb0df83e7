//! Two hundred marked texts, one in each place where something can be typed: nowhere at the relay
//! (files, log, memory, traffic), on no locked disk, in no backup, and not in the memory of a desk
//! once it was locked.
//!
//! Not marked: prices, which are numbers of a few bytes and would be met by chance.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{
    alloc::System,
    cell::RefCell,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use client_core::{
    catalogue::{HomeRequest, Query},
    home::Home,
    link::Trust,
    sealing::KeyFile,
};
use serde_json::{Value, json};
use sync_protocol::Frame;
use system_tests::process::{
    Canary, Desk, Proxy, Relay, Running, files_below, id_of, monday, search_memory, seek,
};
use zeroizing_alloc::ZeroAlloc;

/// As in the programs that ship.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

const PASSPHRASE: &str = "Quaxolith 000 marmalade lighthouse";

/// Hands out marked texts and remembers what for.
#[derive(Default)]
struct Marks(RefCell<Vec<(String, String)>>);

impl Marks {
    fn put(&self, field: &str, make: impl FnOnce(usize) -> String) -> String {
        let mut typed = self.0.borrow_mut();
        let text = make(typed.len() + 1);
        typed.push((field.to_owned(), text.clone()));
        text
    }

    fn text(&self, field: &str) -> String {
        self.put(field, |n| format!("Quaxolith {n:03} {field}"))
    }

    fn email(&self) -> String {
        self.put("e-mail", |n| format!("quaxolith.{n:03}@kvetch.example"))
    }

    fn phone(&self) -> String {
        self.put("phone", |n| format!("+351 977 314 {n:03}"))
    }

    fn chip(&self) -> String {
        self.put("microchip", |n| format!("985113009988{n:03}"))
    }

    fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

/// What all marked texts have in common, in every case it may be written in.
fn canaries() -> Vec<Canary> {
    [
        "Quaxolith",
        "quaxolith",
        "QUAXOLITH",
        "977 314 ",
        "977314",
        "985113009988",
    ]
    .map(Canary::new)
    .to_vec()
}

fn nothing_in(bytes: &[u8], place: &str) {
    assert_eq!(seek(&canaries(), bytes), [], "{place}");
}

fn nothing_below(folder: &Path) {
    let files = files_below(folder);
    assert!(files.len() >= 5, "{} has files", folder.display());
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        nothing_in(name.as_bytes(), &name);
        let mut bytes = fs::read(file).unwrap();
        // sled lays its file out in advance; zeros hide nothing.
        while bytes.ends_with(&[0; 64]) {
            bytes.truncate(bytes.len() - 64);
        }
        nothing_in(&bytes, &file.display().to_string());
    }
}

/// The lines of a batch that types something into every field, and the names they give to ids.
fn everything(marks: &Marks, site: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let named = |name: &str, command: Value| json!({"as": name, "do": command}).to_string();
    let plain = |command: Value| command.to_string();
    for n in 0..3 {
        let name = marks.text("site");
        lines.push(named(
            &format!("site{n}"),
            json!({"type": "add_location", "name": name, "zone": "Europe/Lisbon"}),
        ));
    }
    let all_day: Vec<Value> = (0..7).map(|_| json!([["00:00:00", "00:00:00"]])).collect();
    lines.push(plain(
        json!({"type": "set_hours", "of": site, "weekly": all_day}),
    ));
    for n in 0..8 {
        let role = ["vet", "groomer"][n % 2];
        lines.push(named(
            &format!("staff{n}"),
            json!({"type": "add_staff", "name": marks.text("staff"), "role": role, "locations": [site]}),
        ));
    }
    for n in 0..6 {
        lines.push(named(
            &format!("room{n}"),
            json!({"type": "add_room", "name": marks.text("room"), "location": site}),
        ));
    }
    for n in 0..6 {
        let part = json!({"offset_minutes": 0, "minutes": 30, "staff": true, "room": false, "buffer": false});
        lines.push(named(
            &format!("service{n}"),
            json!({"type": "add_service", "name": marks.text("service"), "parts": [part],
                   "price_minor": 4950, "currency": "EUR"}),
        ));
    }
    for what in ["staff1", "room1", "service1", "site1"] {
        let name = marks.text("another name");
        lines.push(plain(
            json!({"type": "edit_entry", "of": format!("${what}"), "name": name}),
        ));
    }
    for n in 0..10 {
        let client = format!("client{n}");
        lines.push(named(
            &client,
            json!({"type": "add_client", "name": marks.text("client"),
                   "phones": [marks.phone(), marks.phone()], "email": marks.email(),
                   "note": marks.text("client note")}),
        ));
        lines.push(named(
            &format!("pet{n}"),
            json!({"type": "add_pet", "client": format!("${client}"), "name": marks.text("pet"),
                   "species": marks.text("species"), "breed": marks.text("breed"),
                   "microchip": marks.chip()}),
        ));
        for kind in ["handling", "clinical", "grooming", "payments"] {
            let of = if kind == "payments" {
                format!("${client}")
            } else {
                format!("$pet{n}")
            };
            lines.push(plain(
                json!({"type": "add_card_note", "of": of, "card": kind, "text": marks.text(kind)}),
            ));
        }
    }
    for n in 0..2 {
        lines.push(plain(
            json!({"type": "edit_client", "client": format!("$client{n}"), "name": marks.text("client"),
                   "phones": [marks.phone()], "email": marks.email(), "note": marks.text("client note")}),
        ));
        lines.push(plain(
            json!({"type": "edit_pet", "pet": format!("$pet{n}"), "name": marks.text("pet"),
                   "species": marks.text("species"), "breed": marks.text("breed")}),
        ));
    }
    let at = |hour: i8| monday().at(hour, 0, 0, 0).to_string();
    for n in 0..10_i8 {
        lines.push(named(
            &format!("visit{n}"),
            json!({"type": "book", "location": site, "start": at(8 + n), "staff": "$staff0",
                   "service": "$service0", "client": format!("$client{n}"), "pets": [format!("$pet{n}")],
                   "note": marks.text("visit note"), "despite_warnings": true}),
        ));
    }
    for n in 0..4 {
        lines.push(named(
            &format!("twice{n}"),
            json!({"type": "book", "location": site, "start": at(8 + n), "staff": "$staff0", "minutes": 20,
                   "double_book": marks.text("double booking"), "despite_warnings": true}),
        ));
        lines.push(plain(
            json!({"type": "block", "location": site, "resources": ["$staff2"], "start": at(9 + n),
                   "minutes": 60, "title": marks.text("block title")}),
        ));
        lines.push(plain(
            json!({"type": "edit_visit", "appointment": format!("$visit{n}"), "note": marks.text("visit note")}),
        ));
        lines.push(plain(
            json!({"type": "cancel", "appointment": format!("$visit{}", 9 - n), "reason": marks.text("cancel reason")}),
        ));
    }
    for n in 0..3 {
        let keep = json!([{"type": "keep", "appointment": format!("$visit{n}")}]);
        lines.push(plain(
            json!({"type": "decide", "verdicts": keep, "reason": marks.text("decision")}),
        ));
    }
    lines
}

#[test]
fn two_hundred_marked_texts_are_met_nowhere_at_the_relay_and_on_no_disk() {
    let place = tempfile::tempdir().unwrap();
    let marks = Marks::default();
    let mut relay = Relay::start_with(
        &place.path().join("relay"),
        "127.0.0.1:0",
        &["--log", "trace"],
    )
    .unwrap();
    let proxy = Proxy::start(relay.host());
    let one = Desk::with_passphrase(place.path(), "one", PASSPHRASE);
    let two = Desk::with_passphrase(place.path(), "two", PASSPHRASE);
    let (practice, site) = (marks.text("practice"), marks.text("site"));
    let founding = [
        "found",
        "--practice",
        &practice,
        "--location",
        &site,
        "--zone",
        "Europe/Lisbon",
    ];
    one.does(&founding);
    let ticket = relay.ticket();
    one.does(&["relay", &proxy.address, "--ticket", &ticket]);
    let ask = json!({"ask": {"type": "practice"}}).to_string();
    let set_up = one.batch(&[], &[ask]);
    let site = set_up[0]["ok"]["locations"][0]["id"].as_str();
    let lines = everything(&marks, site.unwrap_or_else(|| panic!("{set_up:?}")));
    for (line, answer) in lines.iter().zip(one.batch(&[], &lines)) {
        assert!(answer.get("ok").is_some(), "{line}: {answer}");
    }
    let pin = place.path().join("pin");
    fs::write(&pin, "Quaxolith-2580\n").unwrap();
    for role in ["receptionist", "groomer"] {
        let name = marks.text("seat");
        let pin = pin.to_string_lossy();
        one.does(&["seat", "add", &name, "--role", role, "--new-pin-file", &pin]);
    }
    assert!(marks.count() >= 200, "only {} texts", marks.count());

    let code = one.does(&["invite", "--role", "vet"])["code"]
        .as_str()
        .unwrap()
        .to_owned();
    two.does(&["join", &code]);
    one.sync();
    two.sync();
    // They arrived, and are read with the keys.
    let found = two.does(&["search", "Quaxolith"]);
    assert!(!found["clients"].as_array().unwrap().is_empty(), "{found}");
    let start = monday().at(20, 0, 0, 0).to_string();
    let note = marks.text("visit note");
    let staff = marks
        .0
        .borrow()
        .iter()
        .find(|(field, _)| field == "staff")
        .unwrap()
        .1
        .clone();
    let booked = id_of(&two.does(&[
        "book",
        "--start",
        &start,
        "--staff",
        &staff,
        "--minutes",
        "30",
        "--note",
        &note,
        "--online",
        "--location",
        &marks.0.borrow()[1].1,
    ]));
    assert!(!booked.is_empty());
    one.sync();

    // The relay's memory while it serves: what a core dump of it would hold.
    if let Some(looked) = search_memory(relay.process(), &canaries()) {
        assert!(looked.bytes > 1 << 20, "{} bytes of memory", looked.bytes);
        assert_eq!(looked.found, [], "the relay's memory");
        // The search is one that finds: the relay does hold the address it listens on.
        let own = [Canary::new(relay.host())];
        let looked = search_memory(relay.process(), &own).unwrap();
        assert!(
            !looked.found.is_empty(),
            "not even its own address was found"
        );
    }
    assert!(relay.stop().success());
    nothing_below(&relay.data);
    let log = relay.said();
    assert!(log.contains("founded"), "the log was written");
    nothing_in(log.as_bytes(), "the relay's log");
    for desk in [&one, &two] {
        nothing_below(&desk.home);
    }
    for stream in proxy.raw() {
        nothing_in(&stream, "a stream");
    }
    let mut read = 0;
    for (_, message) in proxy.messages() {
        nothing_in(&message, "a message");
        if let Ok(frame) = Frame::decode(&message) {
            read += 1;
            nothing_in(&frame.encode_plain(), "a frame");
        }
    }
    assert!(read > 20, "{read} frames");
    let backup = one.does(&["backup", &place.path().join("stick").to_string_lossy()]);
    let backup = fs::read(backup["file"].as_str().unwrap()).unwrap();
    nothing_in(&backup, "the backup");
}

/// A desk in a process of its own, told what to do line by line.
struct Held {
    running: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Held {
    fn start(home: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "a_desk_in_a_process_of_its_own",
                "--ignored",
                "--nocapture",
            ])
            .env("DAYBOOK_CANARY_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = Running::start(&mut command);
        let input = running.child().stdin.take().unwrap();
        let output = BufReader::new(running.child().stdout.take().unwrap());
        Self {
            running,
            input,
            output,
        }
    }

    fn does(&mut self, line: &Value) -> String {
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
        let mut answer = String::new();
        loop {
            answer.clear();
            assert!(
                self.output.read_line(&mut answer).unwrap() > 0,
                "it ended at {line}"
            );
            if let Some(answer) = answer.strip_prefix("answer ") {
                return answer.trim().to_owned();
            }
        }
    }

    fn fill(&mut self) {
        let more = " ".repeat(64 * 1024);
        writeln!(self.input, "{more}").unwrap();
        self.does(&json!({"type": "status"}));
    }

    fn holds(&mut self, canaries: &[Canary]) -> Option<Vec<(String, String)>> {
        let looked = search_memory(self.running.child().id(), canaries)?;
        assert!(looked.bytes > 1 << 20, "{} bytes of memory", looked.bytes);
        Some(
            looked
                .found
                .into_iter()
                .map(|found| (found.text, found.dress))
                .collect(),
        )
    }
}

/// What the window's program does with a home, without the window: unlocks, answers, locks.
#[test]
#[ignore = "started by the tests below, as a process to look into"]
#[allow(clippy::print_stdout, reason = "answers whoever started it")]
fn a_desk_in_a_process_of_its_own() {
    let path = std::env::var_os("DAYBOOK_CANARY_HOME").expect("only in a process of its own");
    #[allow(clippy::disallowed_methods, reason = "as the programs do")]
    let clock = Arc::new(jiff::Timestamp::now);
    let home = Home::open(Path::new(&path), clock, Trust::default()).unwrap();
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).unwrap() > 0 {
        let said = if line.trim().is_empty() {
            line = String::new();
            continue;
        } else {
            let value: Value = serde_json::from_str(&line).unwrap();
            if value.get("ask").is_some() {
                let query: Query = serde_json::from_value(value["ask"].clone()).unwrap();
                serde_json::to_string(&home.query(query).unwrap())
                    .unwrap()
                    .len()
            } else {
                let request: HomeRequest = serde_json::from_value(value).unwrap();
                home.request(request).unwrap();
                0
            }
        };
        println!("answer {said}");
        line = String::new();
    }
}

/// The secrets of the home, as the disk and the passphrase give them.
fn keys_of(home: &Path) -> Vec<Canary> {
    let file = files_below(home)
        .into_iter()
        .find_map(|file| KeyFile::decode(&fs::read(file).unwrap()).ok());
    let open = file
        .expect("a key file")
        .open_with_passphrase(PASSPHRASE)
        .unwrap();
    let mut keys = vec![
        Canary::of_key(
            "the key of the computer",
            open.secrets.device.signing.as_bytes(),
        ),
        Canary::of_key("the local key", open.secrets.local.expose()),
    ];
    for seat in open.secrets.seats.values() {
        keys.push(Canary::of_key(
            "the seat's signing key",
            seat.signing.as_bytes(),
        ));
        keys.push(Canary::of_key(
            "the seat's sealing key",
            seat.sealing.expose(),
        ));
    }
    keys
}

#[test]
fn a_locked_desk_holds_no_text_and_no_key_in_its_memory() {
    let place = tempfile::tempdir().unwrap();
    let marks = Marks::default();
    let desk = Desk::with_passphrase(place.path(), "desk", PASSPHRASE);
    let (practice, site) = (marks.text("practice"), marks.text("site"));
    desk.does(&[
        "found",
        "--practice",
        &practice,
        "--location",
        &site,
        "--zone",
        "Europe/Lisbon",
    ]);
    let ask = json!({"ask": {"type": "practice"}}).to_string();
    let set_up = desk.batch(&[], &[ask]);
    let site = set_up[0]["ok"]["locations"][0]["id"].as_str().unwrap();
    let lines = everything(&marks, site);
    for (line, answer) in lines.iter().zip(desk.batch(&[], &lines)) {
        assert!(answer.get("ok").is_some(), "{line}: {answer}");
    }

    let (texts, keys) = (canaries(), keys_of(&desk.home));
    let mut held = Held::start(&desk.home);
    held.does(&json!({"type": "unlock", "passphrase": PASSPHRASE}));
    for ask in [
        json!({"type": "practice"}),
        json!({"type": "day", "location": site, "date": monday().to_string()}),
        json!({"type": "search", "text": "Quaxolith"}),
        json!({"type": "clients"}),
        json!({"type": "reviews"}),
    ] {
        let length: usize = held.does(&json!({ "ask": ask })).parse().unwrap();
        assert!(length > 20, "{ask}");
    }
    // While it is open it holds both: what finds nothing later finds something now.
    let Some(open) = held.holds(&texts) else {
        return;
    };
    assert!(open.iter().any(|(text, _)| text == "Quaxolith"), "{open:?}");
    for key in &keys {
        let met = held.holds(std::slice::from_ref(key)).unwrap();
        assert!(!met.is_empty(), "{} was not found while open", key.text);
    }

    held.does(&json!({"type": "lock"}));
    // What was asked over the pipe still lies in the buffer behind it: something else over it.
    held.fill();
    assert_eq!(held.holds(&texts).unwrap(), [], "texts after locking");
    assert_eq!(held.holds(&keys).unwrap(), [], "keys after locking");
}
