//! From a ticket to a receipt, and to the other device.

use sync_protocol::{ErrorCode, Frame};

use crate::common::{Client, Folder, Practice, Relay, founded, program, ticket};

#[tokio::test]
async fn a_practice_is_founded_with_a_ticket_and_its_entries_reach_the_other_device() {
    let folder = Folder::new();
    let relay = Relay::start(&folder.data());
    let ticket = ticket(&folder.data(), &["--quota-mb", "7"]);
    let mut practice = Practice::new(1);

    let mut client = Client::connect(&relay).await;
    assert!(!client.orgs_open);
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    let welcome = client.sign_in(&practice).await;
    assert_eq!(welcome.quota.limit, 7 << 20);

    let mut other = Client::connect(&relay).await;
    other.sign_in(&practice).await;

    let entries: Vec<_> = (0..100).map(|_| practice.entry(300)).collect();
    client.push(&entries).await;
    assert_eq!(client.placed(100).await, (1..=100).collect::<Vec<_>>());
    assert_eq!(other.read_practice(&practice, 100).await, entries);

    // The same again stands where it stood.
    client.push(&entries[..3]).await;
    assert_eq!(client.placed(3).await, [1, 2, 3]);
    assert!(relay.metric("daybook_relay_signed_in") >= 2.0);

    // Who comes later gets all of it.
    let mut late = Client::connect(&relay).await;
    late.sign_in(&practice).await;
    assert_eq!(late.read_practice(&practice, 100).await, entries);
}

#[tokio::test]
async fn a_ticket_opens_one_practice_once() {
    let folder = Folder::new();
    let relay = Relay::start(&folder.data());
    let ticket = ticket(&folder.data(), &[]);
    let (one, two) = (Practice::new(1), Practice::new(2));

    let mut client = Client::connect(&relay).await;
    let closed = client.found(&one, "").await;
    assert!(matches!(
        closed,
        Frame::Error {
            code: ErrorCode::Closed,
            ..
        }
    ));
    let wrong = client.found(&one, "ticket-0000").await;
    assert!(matches!(
        wrong,
        Frame::Error {
            code: ErrorCode::BadTicket,
            ..
        }
    ));
    assert_eq!(client.found(&one, &ticket).await, Frame::Founded);

    let mut client = Client::connect(&relay).await;
    let used = client.found(&two, &ticket).await;
    assert!(matches!(
        used,
        Frame::Error {
            code: ErrorCode::BadTicket,
            ..
        }
    ));
    // The first answer may have been lost: asking again is no second founding.
    assert_eq!(client.found(&one, &ticket).await, Frame::Founded);
    client.sign_in(&one).await;

    let listed = program()
        .args(["org", "list", "--data"])
        .arg(folder.data())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&one.org.to_string()), "{listed}");
    assert!(!listed.contains(&two.org.to_string()), "{listed}");
}

#[tokio::test]
async fn an_open_relay_needs_no_ticket() {
    let folder = Folder::new();
    let relay = Relay::start_with(&folder.data(), &["--open", "--quota-mb", "3"]);
    let practice = Practice::new(1);
    let mut client = Client::connect(&relay).await;
    assert!(client.orgs_open);
    assert_eq!(client.found(&practice, "").await, Frame::Founded);
    assert_eq!(client.sign_in(&practice).await.quota.limit, 3 << 20);
}

#[tokio::test]
async fn a_full_quota_refuses_entries_and_keeps_the_connection() {
    let folder = Folder::new();
    let relay = Relay::start_with(&folder.data(), &["--open", "--quota-mb", "1"]);
    let mut practice = Practice::new(1);
    let mut client = Client::connect(&relay).await;
    client.found(&practice, "").await;
    client.sign_in(&practice).await;
    let refused = loop {
        let entry = practice.entry(40_000);
        client.push(&[entry]).await;
        let refused = loop {
            match client.recv().await {
                Frame::Placed { .. } => break None,
                Frame::Refused { code, .. } => break Some(code),
                Frame::Items { items, .. } => client.credit(items.len()).await,
                other => panic!("{other:?}"),
            }
        };
        if let Some(code) = refused {
            break code;
        }
    };
    assert_eq!(refused, ErrorCode::Quota);
    assert!(relay.metric("daybook_relay_refusals_total{code=\"quota\"}") >= 1.0);
    client.send(&Frame::Ping { n: 5 }).await;
    loop {
        if let Frame::Still(still) = client.recv().await {
            assert_eq!(still.n, 5);
            break;
        }
    }
}

#[tokio::test]
async fn a_large_tail_arrives_whole_through_small_windows() {
    let folder = Folder::new();
    let (relay, mut practice, mut client) = founded(&folder, &[]).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        let entries: Vec<_> = (0..20).map(|_| practice.entry(10_000)).collect();
        client.push(&entries).await;
        client.placed(20).await;
        all.extend(entries);
    }
    let mut late = Client::connect(&relay).await;
    late.sign_in(&practice).await;
    assert_eq!(late.read_practice(&practice, 200).await, all);
}

#[tokio::test]
async fn a_device_that_the_founding_does_not_name_makes_itself_known_with_the_ticket() {
    let folder = Folder::new();
    let relay = Relay::start(&folder.data());
    let ticket = ticket(&folder.data(), &[]);
    let practice = Practice::new(1);
    let (second, acts) = practice.with_a_second_device();
    let refused = |frame: Frame| match frame {
        Frame::Error { code, .. } => code,
        other => panic!("not refused: {other:?}"),
    };

    // Before anything was shown, and for another practice, acts are for who signed in.
    let mut client = Client::connect(&relay).await;
    let act = acts[0].clone();
    client.send(&Frame::Propose { act }).await;
    assert_eq!(refused(client.recv().await), ErrorCode::BadFrame);
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    let act = Practice::new(2).with_a_second_device().1[0].clone();
    client.send(&Frame::Propose { act }).await;
    assert_eq!(refused(client.recv().await), ErrorCode::BadFrame);

    // Who knows the genesis alone is told that the practice is there, and brings nothing.
    for wrong in ["", "ticket-0000"] {
        let mut client = Client::connect(&relay).await;
        assert_eq!(client.found(&practice, wrong).await, Frame::Founded);
        let act = acts[0].clone();
        client.send(&Frame::Propose { act }).await;
        let code = refused(client.recv().await);
        assert!(matches!(code, ErrorCode::BadTicket), "{code}");
    }

    // The ticket of the founding still serves whose line broke in the middle; acts count in order.
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    let act = acts[1].clone();
    client.send(&Frame::Propose { act }).await;
    assert_eq!(refused(client.recv().await), ErrorCode::StaleGovernance);

    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    for act in &acts {
        client.send(&Frame::Propose { act: act.clone() }).await;
    }
    client.sign_in(&second).await;

    // Once more does no harm, and a further ticket is as good.
    let further = crate::common::ticket(&folder.data(), &[]);
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&practice, &further).await, Frame::Founded);
    for act in &acts {
        client.send(&Frame::Propose { act: act.clone() }).await;
    }
    client.sign_in(&second).await;
}
