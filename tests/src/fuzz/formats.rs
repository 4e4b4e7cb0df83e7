//! What travels: frames, entries, items, signed statements.

use client_core::sealing::{CompartmentKey, open};
use sync_protocol::{
    Act, Confirmation, Entry, FeedId, Frame, Head, Item, Signed, SigningKey, Statement,
};

pub(super) fn frame(data: &[u8]) {
    let Ok(frame) = Frame::decode(data) else {
        return;
    };
    let plain = frame.encode_plain();
    // One spelling: what was not compressed is written again as it came.
    if data.get(1) == Some(&0) {
        assert_eq!(plain, data);
    }
    assert_eq!(Frame::decode(&plain).as_ref(), Ok(&frame));
    assert_eq!(Frame::decode(&frame.encode()).as_ref(), Ok(&frame));
}

pub(super) fn entry(data: &[u8]) {
    if let Ok(feed) = FeedId::from_bytes(data) {
        assert_eq!(feed.to_bytes(), data);
    }
    if let Ok(item) = Item::decode(data) {
        assert_eq!(item.encode(), data);
        let body = item.body().map(<[u8]>::to_vec);
        let again = Item::from_parts(&item.head_part(), body).unwrap();
        assert_eq!(again.hash(), item.hash());
    }
    let Ok(entry) = Entry::decode(data) else {
        return;
    };
    assert_eq!(entry.encode(), data);
    let body = entry.body().map(<[u8]>::to_vec);
    let again = Entry::from_parts(&entry.head_part(), body.clone()).unwrap();
    assert_eq!(again, entry);
    let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
    let _ = entry.verify(&key);
    if let Some(body) = &body {
        let _ = open(&CompartmentKey::from_bytes([9; 32]), entry.header(), body);
    }
    assert_eq!(entry.clone().purged().hash(), entry.hash());
}

pub(super) fn statement(data: &[u8]) {
    one_statement::<Act>(data);
    one_statement::<Head>(data);
    one_statement::<Confirmation>(data);
}

fn one_statement<T: Statement>(data: &[u8]) {
    let Ok(signed) = Signed::<T>::decode(data) else {
        return;
    };
    assert_eq!(signed.encode(), data);
    let key = SigningKey::from_bytes(&[7; 32]);
    assert!(signed.verify(&key.verifying_key()).is_err());
}
