//! What strangers and faulty lines say to a relay's socket: garbage, parts of frames, frames that
//! are too large, old ones again and ones whose signatures are wrong. The relay answers or hangs up,
//! keeps nothing of it, and everybody else is served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sync_protocol::{Entry, ErrorCode, Frame, limits};
use system_tests::process::{Desk, Practice, Proxy, Relay, Socket, Way, book_ann, found};

/// What the relay says before it hangs up.
#[track_caller]
fn answer(socket: &mut Socket) -> Option<ErrorCode> {
    let mut code = None;
    while let Some(message) = socket.receive() {
        if let Frame::Error { code: said, .. } = Frame::decode(&message).unwrap() {
            code = Some(said);
        }
    }
    code
}

#[test]
fn garbage_truncated_and_oversized_frames_of_strangers() {
    let practice = Practice::open(1);
    let host = practice.relay.host();
    let knock = |message: &[u8]| {
        let mut socket = Socket::open(host);
        socket.send(message);
        answer(&mut socket)
    };
    assert_eq!(knock(b"\x00\x00garbage"), Some(ErrorCode::BadFrame));
    assert_eq!(knock(b""), Some(ErrorCode::BadFrame));
    assert_eq!(knock(&[0xff; 5000]), Some(ErrorCode::WrongVersion));
    let whole = Frame::Ping { n: 7 }.encode();
    for length in 0..whole.len() {
        assert_eq!(
            knock(&whole[..length]),
            Some(ErrorCode::BadFrame),
            "{length}"
        );
    }
    // A frame in order, but nobody has signed in.
    assert_eq!(knock(&whole), Some(ErrorCode::BadFrame));
    // Larger than any frame: refused before it is read to its end, with or without a word.
    let large = knock(&vec![0; limits::MAX_FRAME + 1]);
    assert!(
        large.is_none_or(|code| code == ErrorCode::TooLarge),
        "{large:?}"
    );
    let mut socket = Socket::open(host);
    socket.write(&[
        0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
    ]);
    answer(&mut socket);
    // What unpacks to more than it may.
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    assert!(bomb.len() < limits::MAX_FRAME);
    let packed = [&[0, 1], bomb.as_slice()].concat();
    let said = knock(&packed);
    assert!(
        matches!(said, Some(ErrorCode::BadFrame | ErrorCode::TooLarge)),
        "{said:?}"
    );
    // Not even HTTP, not even WebSocket.
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET /../../etc HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
    ] {
        let mut socket = Socket::raw(host);
        socket.write(bytes);
        socket.write(&vec![b'x'; 100_000]);
        while socket.receive().is_some() {}
    }
    book_ann(&practice.desks[0], 9);
    assert_eq!(practice.agrees()["confirmed"], 1);
    practice.relay.said();
}

#[test]
fn frames_that_are_played_again() {
    let place = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(&place.path().join("relay"));
    // Every push goes through twice, as on a line that repeats.
    let pushes = Arc::new(AtomicUsize::new(0));
    let counted = pushes.clone();
    let proxy = Proxy::mangling(relay.host(), move |way, message| {
        let push = matches!(Frame::decode(&message), Ok(Frame::Push { .. }));
        if way == Way::Up && push {
            counted.fetch_add(1, Ordering::SeqCst);
            return vec![message.clone(), message];
        }
        vec![message]
    });
    let desk = Desk::new(place.path(), "desk");
    found(&desk);
    desk.does(&["relay", &proxy.address, "--ticket", &relay.ticket()]);
    book_ann(&desk, 9);
    let state = desk.sync();
    assert!(pushes.load(Ordering::SeqCst) >= 2);
    assert_eq!(
        (&state["outbox"], &state["confirmed"]),
        (&0.into(), &1.into()),
        "{state}"
    );
    let positions = state["feeds"].as_array().unwrap().iter();
    let held: u64 = positions
        .map(|feed| feed["sequence"].as_u64().unwrap())
        .sum();

    // A stranger plays everything that the desk has said, from its first word on, to the relay.
    let said: Vec<Vec<u8>> = proxy
        .messages()
        .into_iter()
        .filter(|(way, message)| *way == Way::Up && Frame::decode(message).is_ok())
        .map(|(_, message)| message)
        .collect();
    let mut sign_ins = 0;
    for first in 0..said.len() {
        if let Ok(Frame::SignIn(_)) = Frame::decode(&said[first]) {
            let mut socket = Socket::open(relay.host());
            for message in &said[first..] {
                socket.send(message);
            }
            // It was signed for another nonce.
            assert_eq!(answer(&mut socket), Some(ErrorCode::BadSignature));
            sign_ins += 1;
        }
    }
    assert!(sign_ins >= 2);
    let state = desk.sync();
    let positions = state["feeds"].as_array().unwrap().iter();
    let holds: u64 = positions
        .map(|feed| feed["sequence"].as_u64().unwrap())
        .sum();
    assert_eq!(holds, held, "nothing was added: {state}");
    assert!(relay.stop().success());
}

#[test]
fn entries_and_handshakes_with_wrong_signatures() {
    let place = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(&place.path().join("relay"));
    let direct = relay.address.clone();
    // Turns a bit over in the signature of the first entry of each push, until told to stop.
    let spoilt = Arc::new(AtomicUsize::new(0));
    let counted = spoilt.clone();
    let proxy = Proxy::mangling(relay.host(), move |way, message| {
        let Ok(Frame::Push { mut entries }) = Frame::decode(&message) else {
            return vec![message];
        };
        if way == Way::Up && counted.load(Ordering::SeqCst) < 3 {
            let signature = *Entry::decode(&entries[0]).unwrap().signature().as_bytes();
            let place = entries[0].windows(64).position(|part| *part == signature);
            entries[0][place.unwrap() + 20] ^= 4;
            counted.fetch_add(1, Ordering::SeqCst);
            return vec![Frame::Push { entries }.encode()];
        }
        vec![message]
    });
    let desk = Desk::new(place.path(), "desk");
    found(&desk);
    let ticket = relay.ticket();
    desk.run(&["relay", &proxy.address, "--ticket", &ticket]);
    book_ann(&desk, 9);
    // What the relay refuses stays in the outbox and is not lost.
    while spoilt.load(Ordering::SeqCst) < 3 {
        let said = desk.run(&["sync", "--timeout", "2"]);
        assert!([0, 11, 12].contains(&said.code), "{said:?}");
    }
    let state = desk.sync();
    assert_eq!(
        (&state["outbox"], &state["confirmed"]),
        (&0.into(), &1.into()),
        "{state}"
    );

    // A relay whose signatures are changed on the way is not believed.
    let other = Proxy::mangling(relay.host(), |way, message| {
        let mut message = message;
        if way == Way::Down
            && matches!(Frame::decode(&message), Ok(Frame::Welcome(_)))
            && let Some(last) = message.last_mut()
        {
            *last ^= 1;
        }
        vec![message]
    });
    let before = desk.state();
    let said = desk.run(&["relay", &other.address]);
    assert!([11, 12].contains(&said.code), "{said:?}");
    assert_eq!(desk.state()["confirmed"], before["confirmed"]);
    // The relay itself, without anything between: the practice follows it to its new address.
    let status = desk.does(&["relay", &direct]);
    assert_eq!(status["relay"], direct.as_str());
    drop(proxy);
    book_ann(&desk, 10);
    assert_eq!(desk.sync()["confirmed"], 2);
    assert!(relay.stop().success());
}
