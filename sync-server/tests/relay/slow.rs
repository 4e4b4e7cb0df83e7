//! Who does not read is cut, and costs little until then.

use std::time::Duration;

use sync_protocol::Frame;
use tokio::time::timeout;

use crate::common::{Client, Folder, founded};

/// Together far more than a connection may have waiting.
const ENTRIES: usize = 1500;

#[tokio::test]
async fn slow_readers_are_cut_or_held_back_while_the_others_go_on() {
    let folder = Folder::new();
    let more = ["--stall-seconds", "2", "--queue-kb", "1024"];
    let (relay, mut practice, mut client) = founded(&folder, &more).await;
    let mut still = Vec::new();
    for _ in 0..20 {
        let mut slow = Client::connect(&relay).await;
        slow.sign_in(&practice).await;
        still.push(slow);
    }
    let before = relay.memory();
    let mut highest = 0;
    for _ in 0..ENTRIES / 50 {
        let entries: Vec<_> = (0..50).map(|_| practice.entry(20_000)).collect();
        client.push(&entries).await;
        let placed = timeout(Duration::from_secs(20), client.placed(50)).await;
        highest = *placed.expect("nobody waits for the slow").last().unwrap();
    }
    assert_eq!(highest, ENTRIES as u64);
    let grown = relay.memory().saturating_sub(before);
    // 30 MB went through; 20 readers x 512 KiB of window, and what the allocator keeps.
    assert!(grown < 48 * 1024, "grew by {grown} KiB");

    // Who gives no credit gets no more than the window, and everything once it does.
    let mut slow = still.pop().unwrap();
    assert_eq!(
        slow.read_practice(&practice, ENTRIES as u64).await.len(),
        ENTRIES
    );
}

#[tokio::test]
async fn who_asks_without_reading_is_cut() {
    let folder = Folder::new();
    let more = ["--stall-seconds", "1", "--queue-kb", "64"];
    let (relay, practice, client) = founded(&folder, &more).await;
    drop(client);
    let mut deaf = Client::connect(&relay).await;
    deaf.sign_in(&practice).await;
    let before = relay.memory();
    // Each question has an answer that is never read. Sending fails once the relay has hung up.
    let ping = Frame::Ping { n: u64::MAX }.encode();
    let mut cut = false;
    for _ in 0..2_000_000 {
        use futures_util::SinkExt as _;
        let message = tokio_tungstenite::tungstenite::Message::Binary(ping.clone().into());
        let sent = timeout(Duration::from_secs(20), deaf.stream.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            cut = true;
            break;
        }
        if relay.metric_every(5_000, "daybook_relay_closed_total{code=\"slow_reader\"}") {
            cut = true;
            break;
        }
    }
    assert!(cut, "still listening");
    let grown = relay.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
    assert!(relay.metric("daybook_relay_closed_total{code=\"slow_reader\"}") >= 1.0);
}
