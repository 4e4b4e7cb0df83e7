//! What was acknowledged survives kill -9 in the middle of a burst.

use std::collections::BTreeSet;

use sync_protocol::{Frame, IncarnationId};

use crate::common::{Client, Folder, Practice, Relay, founded};

#[tokio::test]
async fn every_placed_entry_is_there_after_a_kill_in_a_burst() {
    let folder = Folder::new();
    let (mut relay, mut practice, mut client) = founded(&folder, &[]).await;
    let mut acknowledged: BTreeSet<(IncarnationId, u64)> = BTreeSet::new();
    for round in 0..6_usize {
        practice.restart();
        for _ in 0..60 {
            let entries: Vec<_> = (0..10).map(|_| practice.entry(500)).collect();
            client.push(&entries).await;
        }
        // Each round dies at another place of the burst.
        let until = acknowledged.len() + 20 + 90 * round;
        let mut highest = 0;
        while acknowledged.len() < until {
            match client.recv().await {
                Frame::Placed {
                    first, chain_items, ..
                } => {
                    highest = first + chain_items.len() as u64 - 1;
                    acknowledged.extend(chain_items);
                }
                Frame::Items { items, .. } => client.credit(items.len()).await,
                other => panic!("{other:?}"),
            }
        }
        relay.kill();
        // What had been sent before it died was acknowledged as well.
        while let Some(frame) = client.try_recv().await {
            if let Frame::Placed {
                first, chain_items, ..
            } = frame
            {
                highest = first + chain_items.len() as u64 - 1;
                acknowledged.extend(chain_items);
            }
        }
        relay = Relay::start(&folder.data());
        client = Client::connect(&relay).await;
        let welcome = client.sign_in(&practice).await;
        assert!(welcome.behind.is_empty());
        let standing = client.read_practice(&practice, highest).await;
        let standing: BTreeSet<_> = standing.iter().map(sync_protocol::Entry::id).collect();
        let lost: Vec<_> = acknowledged.difference(&standing).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
    }
    assert!(acknowledged.len() > 300);
    let mut stranger = Client::connect(&relay).await;
    stranger.sign_in(&Practice::new(1)).await;
}
