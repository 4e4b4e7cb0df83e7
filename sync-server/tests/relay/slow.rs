//! Who does not read is cut, and costs little until then.

use std::time::Duration;

use futures_util::SinkExt as _;
use sync_protocol::Frame;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, Folder, PATIENCE, founded};

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
    for _ in 0..ENTRIES / 10 {
        let entries: Vec<_> = (0..10).map(|_| practice.entry(20_000)).collect();
        client.push(&entries).await;
        let placed = timeout(Duration::from_secs(20), client.placed(10)).await;
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
    let more = ["--stall-seconds", "1"];
    let (relay, mut practice, mut client) = founded(&folder, &more).await;
    for _ in 0..ENTRIES / 10 {
        let entries: Vec<_> = (0..10).map(|_| practice.entry(20_000)).collect();
        client.push(&entries).await;
        client.placed(10).await;
    }
    drop(client);
    let mut deaf = Client::connect(&relay).await;
    deaf.sign_in(&practice).await;
    let before = relay.memory();
    // It claims to have taken in everything and reads nothing.
    let credit = Frame::Credit { items: 4096 }.encode();
    let cut = "daybook_relay_closed_total{code=\"slow_reader\"} 1";
    let until = Instant::now() + 2 * PATIENCE;
    while !relay.get("/metrics").1.contains(cut) {
        assert!(Instant::now() < until, "still listened to");
        for _ in 0..20 {
            let message = Message::Binary(credit.clone().into());
            // Once it is cut this fails, and the metric says so.
            let _ = timeout(PATIENCE, deaf.stream.send(message)).await;
        }
    }
    let grown = relay.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
    // It may come back, and then gets everything.
    let mut back = Client::connect(&relay).await;
    back.sign_in(&practice).await;
    let all = back.read_practice(&practice, ENTRIES as u64).await;
    assert_eq!(all.len(), ENTRIES);
}
