//! Too little space: no entries, but everybody may read.

use sync_protocol::{ErrorCode, Frame};

use crate::common::{Client, Folder, Practice, Relay, founded};

#[tokio::test]
async fn below_the_reserve_entries_stay_with_their_devices() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    let entry = practice.entry(100);
    client.push(&[entry]).await;
    client.placed(1).await;
    drop(client);
    relay.kill();

    let relay = Relay::start_with(&folder.data(), &["--min-free-mb", "1000000000"]);
    let (status, said) = relay.get("/readyz");
    assert_eq!(status, 503);
    assert!(said.contains("disk is nearly full"), "{said}");
    let mut client = Client::connect(&relay).await;
    client.sign_in(&practice).await;
    client.read_practice(&practice, 1).await;
    let entries: Vec<_> = (0..3).map(|_| practice.entry(100)).collect();
    client.push(&entries).await;
    for entry in &entries {
        let (what, code) = loop {
            if let Frame::Refused { what, code, .. } = client.recv().await {
                break (what, code);
            }
        };
        assert_eq!(what.entry, Some(entry.id()));
        assert_eq!(code, ErrorCode::Quota);
    }
    let mut other = Client::connect(&relay).await;
    let refused = other.found(&Practice::new(2), "").await;
    assert!(matches!(
        refused,
        Frame::Error {
            code: ErrorCode::Quota,
            ..
        }
    ));
}
