//! Files that shipped. They are read for ever, and this program still writes the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use entry_log::{Index, Log, MemoryStorage, Options, Recovery, Storage};

/// Two records, each in its own segment, and the first one's body purged. The list only grows.
const VERSION_1: &[(&str, u64, &str)] = &[
    (
        "00000000000000000000.idx",
        0,
        "64617962696478010000000000000000c30000000000000028528f58d9faff982d71628b92cfb9eb\
         914920a817e31c7f4b6f41f526343691010000004000000040da206dbcf0dd016e2b79a18bd01825",
    ),
    (
        "00000000000000000000.seg",
        0,
        "64617962736567010000000000000000ecf42d6f01d854ad117469fd74d0a99a2e69f79137f168cc\
         7c462361215340937eae0c8361550938ade7669b35e8aabb0a0000000a000000014752bef39327ef\
         8793f6bbffb818d90958b83d03d1d7ac517df22a4130a146a7112b3aa95044a094bbb7cc9d2fde4a\
         5f97aa8097a0b158a100d1cd7e89dd0dd628528f58d9faff982d71628b92cfb9eb914920a817e31c\
         7f4b6f41f526343691f8bc2857c494b564b394c6186177936a66697273742068656164",
    ),
    (
        "00000000000000000001.seg",
        0,
        "6461796273656701010000000000000028528f58d9faff982d71628b92cfb9eb914920a817e31c7f\
         4b6f41f5263436911882722d6eebbe196e2fdd972cd33dce0b0000000b0000000069fe48eac530b2\
         f17bdd38bab5975dc8e51af3275ce9ad12d02c68e6b2c9c52efeba9facdaa5dbea9e1312828dcd26\
         f420b216dc58067ffd35e4befeab333053f0866084a04c1552207515a56fbd445bcbfbbb3523725e\
         dff240da3e27f02997c8f4eb68f6ea4637d89bd9df403645307365636f6e6420686561647365636f\
         6e6420626f6479",
    ),
    (
        "head",
        0,
        "646179626865640102000000000000000200000000000000f0866084a04c1552207515a56fbd445b\
         cbfbbb3523725edff240da3e27f029978dbdbc9620a13adf7d6dad7107e07d9e",
    ),
    (
        "head",
        4096,
        "646179626865640101000000000000000000000000000000ecf42d6f01d854ad117469fd74d0a99a\
         2e69f79137f168cc7c462361215340932223bc3f7abf5448d95c194425c80d4d",
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const OPTIONS: Options = Options {
    segment_bytes: 1,
    max_record: 100,
};

#[test]
fn version_1_is_written_as_it_shipped() {
    let (mut log, _) = Log::open(MemoryStorage::new(), OPTIONS).unwrap();
    log.append(b"first head", b"first body").unwrap();
    log.append(b"second head", b"second body").unwrap();
    log.purge(&[Index(0)]).unwrap();
    let disk = log.into_storage();
    for (name, at, bytes) in VERSION_1 {
        let found = disk.read(name, *at, bytes.len() / 2).unwrap();
        assert_eq!(&hex(&found), bytes, "{name} from byte {at}");
    }
}

#[test]
fn version_1_is_read() {
    let mut disk = MemoryStorage::new();
    for (name, at, bytes) in VERSION_1 {
        if disk.len(name).is_err() {
            disk.append(name, b"").unwrap();
        }
        disk.write_at(name, *at, &unhex(bytes)).unwrap();
    }
    let (log, recovery) = Log::open(disk, OPTIONS).unwrap();
    assert_eq!((log.len(), recovery), (2, Recovery::Clean));
    let (first, second) = (log.get(Index(0)).unwrap(), log.get(Index(1)).unwrap());
    assert_eq!(
        (first.head.as_slice(), first.body),
        (b"first head".as_slice(), None)
    );
    assert_eq!(second.head, b"second head");
    assert_eq!(second.body.unwrap(), b"second body");
    assert_eq!(log.verify().unwrap().damage, vec![]);
}
