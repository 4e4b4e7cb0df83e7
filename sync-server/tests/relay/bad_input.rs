//! Whatever comes in: a clear answer, nobody else is disturbed.

use std::io::{Read as _, Write as _};

use sync_protocol::{ErrorCode, Frame, OrgId, limits};

use crate::common::{Client, Folder, PATIENCE, Practice, Relay, founded, get};

#[tokio::test]
async fn garbage_truncated_and_oversized_frames_get_an_error_each() {
    let folder = Folder::new();
    let (relay, mut practice, mut quiet) = founded(&folder, &[]).await;
    let push = Frame::Push {
        entries: vec![practice.entry(1000).encode()],
    }
    .encode();
    let cases: [(&str, Vec<u8>, ErrorCode); 7] = [
        ("nothing", Vec::new(), ErrorCode::BadFrame),
        ("garbage", vec![1, 0, 0xff, 0xfe, 7], ErrorCode::BadFrame),
        ("newer", vec![9, 0, 0x80], ErrorCode::WrongVersion),
        (
            "truncated",
            push[..push.len() / 2].to_vec(),
            ErrorCode::BadFrame,
        ),
        ("trailing", [&push[..], b"x"].concat(), ErrorCode::BadFrame),
        (
            "oversized",
            vec![0; limits::MAX_FRAME + 1],
            ErrorCode::TooLarge,
        ),
        (
            "a relay's frame",
            Frame::Founded.encode(),
            ErrorCode::BadFrame,
        ),
    ];
    for (name, bytes, expected) in cases {
        for signed_in in [false, true] {
            let mut client = Client::connect(&relay).await;
            if signed_in {
                client.sign_in(&practice).await;
            }
            client.send_bytes(bytes.clone()).await;
            assert_eq!(client.error().await, expected, "{name}, {signed_in}");
            assert_eq!(client.try_recv().await, None, "{name}: and closes");
        }
    }
    quiet.send(&Frame::Ping { n: 1 }).await;
    while !matches!(quiet.recv().await, Frame::Still(still) if still.n == 1) {}
    assert_eq!(relay.get("/readyz").0, 200);
}

#[tokio::test]
async fn who_is_not_who_they_say_stays_outside() {
    let folder = Folder::new();
    let (relay, practice, _client) = founded(&folder, &["--host", "relay.example"]).await;

    let mut client = Client::connect(&relay).await;
    let mut unsigned = client.sign_in_frame(&practice, Vec::new());
    unsigned.nonce = [1; 16];
    client.send(&Frame::SignIn(unsigned)).await;
    assert_eq!(client.error().await, ErrorCode::BadSignature);

    // A signature for another connection's challenge.
    let other = Client::connect(&relay).await;
    let mut client = Client::connect(&relay).await;
    let replayed = other.sign_in_frame(&practice, Vec::new());
    client.send(&Frame::SignIn(replayed)).await;
    assert_eq!(client.error().await, ErrorCode::BadSignature);

    let mut client = Client::connect(&relay).await;
    let mut elsewhere = client.sign_in_frame(&practice, Vec::new());
    elsewhere.host = "other.example".to_owned();
    client.send(&Frame::SignIn(elsewhere)).await;
    assert_eq!(client.error().await, ErrorCode::WrongRelay);

    let mut client = Client::connect(&relay).await;
    let stranger = client.sign_in_frame(&Practice::new(9), Vec::new());
    client.send(&Frame::SignIn(stranger)).await;
    assert_eq!(client.error().await, ErrorCode::UnknownOrganisation);

    let mut client = Client::connect(&relay).await;
    let mut stolen = client.sign_in_frame(&Practice::new(9), Vec::new());
    stolen.org = practice.org;
    client.send(&Frame::SignIn(stolen)).await;
    assert_eq!(client.error().await, ErrorCode::UnknownDevice);

    let mut client = Client::connect(&relay).await;
    client.send(&Frame::Ping { n: 0 }).await;
    assert_eq!(client.error().await, ErrorCode::BadFrame);
}

#[tokio::test]
async fn a_mis_signed_entry_is_refused_and_the_next_one_taken() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    let forged = practice.forged(100);
    client.push(&[forged]).await;
    let code = loop {
        match client.recv().await {
            Frame::Refused { code, .. } => break code,
            Frame::Items { items, .. } => client.credit(items.len()).await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, ErrorCode::BadSignature);
    let entry = practice.entry(100);
    client.push(&[entry]).await;
    assert_eq!(client.placed(1).await, [1]);
    let counted = relay.metric("daybook_relay_refusals_total{code=\"bad_signature\"}");
    assert!((counted - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn a_genesis_for_another_organisation_is_refused() {
    let folder = Folder::new();
    let relay = Relay::start_with(&folder.data(), &["--open"]);
    let (one, other) = (Practice::new(1), Practice::new(2));
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&one, "").await, Frame::Founded);
    // Another root for an organisation that is here already.
    let mut bytes = other.genesis.encode();
    let from = OrgId::from_bytes([2; 16]);
    let at = bytes
        .windows(16)
        .position(|window| window == from.as_bytes());
    let at = at.unwrap();
    bytes[at..at + 16].copy_from_slice(&[1; 16]);
    let act = sync_protocol::SignedAct::decode(&bytes).unwrap();
    let ticket = String::new();
    client.send(&Frame::Found { ticket, act }).await;
    assert_eq!(client.error().await, ErrorCode::BadSignature);
}

#[tokio::test]
async fn browsers_and_plain_requests_are_turned_away() {
    let folder = Folder::new();
    let relay = Relay::start(&folder.data());
    let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let from_page = format!("{upgrade}origin: https://evil.example\r\n");
    assert_eq!(get(relay.place(), "/sync", &from_page).0, 403);
    assert!((400..500).contains(&relay.get("/").0));
    assert_eq!(relay.get("/nowhere").0, 404);
}

#[tokio::test]
async fn who_says_nothing_is_cut_and_a_crowd_waits_outside() {
    let folder = Folder::new();
    let more = ["--sign-in-seconds", "1", "--max-waiting", "2"];
    let relay = Relay::start_with(&folder.data(), &more);
    let mut first = Client::connect(&relay).await;
    let mut second = Client::connect(&relay).await;
    assert!(tokio_tungstenite::connect_async(&relay.url).await.is_err());
    assert_eq!(first.error().await, ErrorCode::TooMany);
    assert_eq!(second.error().await, ErrorCode::TooMany);

    // Half a request, and then nothing.
    let mut slow = std::net::TcpStream::connect(relay.place()).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
}

#[tokio::test]
async fn an_address_that_knocks_too_often_has_to_wait() {
    let folder = Folder::new();
    let more = ["--address-burst", "3", "--address-per-second", "1"];
    let relay = Relay::start_with(&folder.data(), &more);
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..8 {
        match tokio_tungstenite::connect_async(&relay.url).await {
            Ok((stream, _)) => held.push(stream),
            Err(_) => refused += 1,
        }
    }
    assert!(refused >= 3, "{refused}");
    assert!(held.len() >= 3);
}
