//! Starting, stopping, watching, checking.

use std::fs;

use sync_protocol::{ErrorCode, Frame};

use crate::common::{Client, Folder, Practice, Relay, founded, get, program};

#[tokio::test]
async fn sigterm_says_goodbye_and_loses_nothing() {
    let folder = Folder::new();
    for signal in ["-TERM", "-INT"] {
        let (mut practice, mut client, relay, stood);
        if signal == "-TERM" {
            (relay, practice, client) = founded(&folder, &[]).await;
            stood = 0;
        } else {
            relay = Relay::start(&folder.data());
            practice = Practice::new(1);
            client = Client::connect(&relay).await;
            client.sign_in(&practice).await;
            stood = client.read_practice(&practice, 50).await.len() as u64;
        }
        let mut outside = Client::connect(&relay).await;
        let entries: Vec<_> = (0..50).map(|_| practice.entry(200)).collect();
        client.push(&entries).await;
        assert_eq!(client.placed(50).await.first(), Some(&(stood + 1)));
        relay.signal(signal);
        assert_eq!(client.error().await, ErrorCode::ShuttingDown);
        assert_eq!(client.try_recv().await, None);
        assert_eq!(outside.error().await, ErrorCode::ShuttingDown);
        drop((client, outside));
        assert_eq!(relay.wait().code(), Some(0));
    }
}

#[test]
fn a_second_relay_on_the_same_folder_is_refused() {
    let folder = Folder::new();
    let relay = Relay::start(&folder.data());
    let second = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.data())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another relay is using"), "{said}");
    assert_eq!(relay.get("/healthz").0, 200);
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let folder = Folder::new();
    let file = folder.file("relay.toml");
    fs::write(&file, "max-waiting = \"some\"\n").unwrap();
    let run = program()
        .args(["serve", "--data"])
        .arg(folder.data())
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(
        said.contains("relay.toml, max-waiting: \"some\" is not a whole number"),
        "{said}"
    );
    let run = program()
        .args(["serve", "--data"])
        .arg(folder.data())
        .env("DAYBOOK_RELAY_LISTEN", "here")
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("DAYBOOK_RELAY_LISTEN: \"here\""), "{said}");
}

#[tokio::test]
async fn the_relay_tells_how_it_is() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    assert_eq!(relay.get("/healthz"), (200, "alive\n".to_owned()));
    let (status, ready) = relay.get("/readyz");
    assert_eq!(status, 200, "{ready}");
    assert!(ready.contains("\"ready\":true"));
    let entry = practice.entry(100);
    client.push(&[entry]).await;
    client.placed(1).await;
    // Counts are taken within moments, not with each commit.
    while relay.metric("daybook_relay_entries_accepted_total") < 1.0 {}
    assert!(relay.metric("daybook_relay_commit_seconds_count") >= 1.0);
    assert!(relay.metric("daybook_relay_organisations") >= 1.0);
    assert!(relay.metric("daybook_relay_disk_free_bytes") > 1e6);
    let (_, text) = relay.get("/metrics");
    for id in [practice.org.to_string(), practice.device().to_string()] {
        assert!(!text.contains(&id), "metrics name nobody");
    }
}

#[test]
fn metrics_may_have_a_listener_of_their_own() {
    let folder = Folder::new();
    // A port that was free a moment ago; the relay says so if it is not any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = port.local_addr().unwrap().to_string();
    drop(port);
    let relay = Relay::start_with(&folder.data(), &["--metrics-listen", &place]);
    assert_eq!(relay.get("/metrics").0, 404);
    assert_eq!(get(&place, "/metrics", "").0, 200);
    assert_eq!(get(&place, "/readyz", "").0, 200);
    assert_eq!(relay.get("/healthz").0, 200);
}

#[test]
fn the_key_is_known_before_the_first_start_and_stays() {
    let folder = Folder::new();
    let key = || {
        let shown = program()
            .args(["key", "--data"])
            .arg(folder.data())
            .output()
            .unwrap();
        assert!(shown.status.success());
        String::from_utf8(shown.stdout).unwrap()
    };
    let before = key();
    assert_eq!(before.trim().len(), 64);
    let _relay = Relay::start(&folder.data());
    assert_eq!(key(), before);
}

#[tokio::test]
async fn a_damaged_log_is_named_and_not_served() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    let entries: Vec<_> = (0..200).map(|_| practice.entry(400)).collect();
    client.push(&entries).await;
    client.placed(200).await;
    relay.signal("-TERM");
    drop(client);
    relay.wait();
    let check = || {
        let checked = program()
            .args(["check", "--data"])
            .arg(folder.data())
            .output()
            .unwrap();
        let said = String::from_utf8(checked.stdout).unwrap();
        (checked.status.code(), said)
    };
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("whole, "), "{said}");

    let log = folder
        .data()
        .join("orgs")
        .join(practice.org.to_string())
        .join("log");
    let segment = fs::read_dir(&log)
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|found| found == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).unwrap();

    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("DAMAGED"), "{said}");

    let relay = Relay::start(&folder.data());
    assert_eq!(relay.get("/healthz").0, 200);
    let (status, said) = relay.get("/readyz");
    assert_eq!(status, 503, "{said}");
    assert!(said.contains(&practice.org.to_string()), "{said}");
    let mut client = Client::connect(&relay).await;
    let sign_in = client.sign_in_frame(&practice, Vec::new());
    client.send(&Frame::SignIn(sign_in)).await;
    assert_eq!(client.error().await, ErrorCode::Internal);
    let counted = relay.metric("daybook_relay_alarms_total{kind=\"log_damaged\"}");
    assert!((counted - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn settings_survive_a_damaged_store_and_a_rolled_back_log_rings() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    let log = folder
        .data()
        .join("orgs")
        .join(practice.org.to_string())
        .join("log");
    let copy = folder.file("copy");
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(&log).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let entries: Vec<_> = (0..20).map(|_| practice.entry(400)).collect();
    client.push(&entries).await;
    client.placed(20).await;
    relay.signal("-TERM");
    drop(client);
    relay.wait();

    // An old backup in place of the log.
    fs::remove_dir_all(&log).unwrap();
    fs::rename(&copy, &log).unwrap();
    let relay = Relay::start(&folder.data());
    let rung = relay.metric("daybook_relay_alarms_total{kind=\"log_rolled_back\"}");
    assert!((rung - 1.0).abs() < 0.1);
    relay.kill();

    fs::write(folder.data().join("relay.sled").join("db"), [7; 300]).unwrap();
    let relay = Relay::start(&folder.data());
    let mut client = Client::connect(&relay).await;
    let welcome = client.sign_in(&practice).await;
    assert_eq!(welcome.quota.limit, 2048 << 20, "rebuilt from the ticket");
}
