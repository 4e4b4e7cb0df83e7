//! Where a fuzzer begins: good inputs of each reader, from the vectors.

use serde_json::Value;

const PROTOCOL: &str = include_str!("../../vectors/protocol-v1.json");
const MADE: &str = include_str!("../../vectors/made-v1.json");
const DOCUMENTS: &str = include_str!("../../vectors/documents-v1.json");

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default().as_bytes();
    data_encoding::HEXLOWER.decode(text).unwrap()
}

fn bytes_of(list: &Value) -> Vec<Vec<u8>> {
    let list = list.as_array().into_iter().flatten();
    list.map(|one| unhex(&one["bytes"])).collect()
}

/// Good inputs of a target, and bad ones that are worth starting from.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let read = |text| serde_json::from_str::<Value>(text).unwrap();
    let (protocol, made, documents) = (read(PROTOCOL), read(MADE), read(DOCUMENTS));
    let put = |first: u8, rest: &[u8]| [&[first], rest].concat();
    let mut seeds = match target {
        "frame" => {
            let mut all = bytes_of(&protocol["frames"]);
            all.push(unhex(&protocol["compressed"]["bytes"]));
            all.extend(bytes_of(&protocol["bad_bytes"]));
            all
        }
        "entry" => {
            let mut all = bytes_of(&protocol["entries"]);
            all.extend(bytes_of(&protocol["feed"]["items"]));
            all.extend(bytes_of(&protocol["feeds"]));
            all.extend(bytes_of(&made["bounds"]));
            all
        }
        "statement" => {
            let mut all = bytes_of(&protocol["acts"]);
            all.push(unhex(&made["feed"]["head"]));
            let items = bytes_of(&made["feed"]["items"]);
            // An item is `[kind, [statement, signature]]`: what is inside is read on its own.
            all.extend(items.iter().skip(1).map(|item| item[2..].to_vec()));
            all
        }
        "chain" => vec![
            vec![3, 0, 2, 1, 2, 100, 9, 10, 1, 1, 3, 1, 1, 1, 2, 1, 1, 9, 10],
            vec![
                3, 0, 10, 2, 1, 3, 1, 1, 9, 10, 3, 0, 4, 2, 0, 9, 10, 4, 2, 5, 0, 2, 7, 3, 8, 4, 9,
                1,
            ],
            vec![
                3, 0, 1, 2, 9, 1, 0, 8, 2, 1, 5, 5, 9, 1, 0, 0, 7, 3, 9, 1, 3, 0, 6, 0, 1, 9, 1,
            ],
        ],
        "key_rows" => {
            let mut all = bytes_of(&made["table"]["bodies"]);
            all.extend(bytes_of(&made["table"]["bad rows"]));
            all
        }
        "key_file" => bytes_of(&made["key files"]["cases"])
            .iter()
            .flat_map(|file| {
                let content = file.get(9..file.len().saturating_sub(32)).unwrap_or(&[]);
                [put(0, file), put(2, content), put(1, content)]
            })
            .collect(),
        "join_code" => {
            let texts = made["join codes"]["good"].as_array().unwrap();
            let texts = texts.iter().filter_map(Value::as_str);
            let mut all: Vec<_> = texts.map(|text| put(0, text.as_bytes())).collect();
            all.push(put(1, &[0x82, 1, 0x86]));
            all
        }
        "recovery_words" => {
            let texts = made["words"]["good"].as_array().unwrap();
            let bad = made["words"]["bad"].as_array().unwrap();
            let words = texts
                .iter()
                .chain(bad)
                .filter_map(|one| one["words"].as_str());
            words.map(|text| text.as_bytes().to_vec()).collect()
        }
        "private_body" => {
            let bodies = documents["bodies"].as_object().unwrap();
            let private = bodies.iter().filter(|(name, _)| *name != "schedule");
            private.map(|(_, body)| unhex(body)).collect()
        }
        "schedule_body" => vec![unhex(&documents["bodies"]["schedule"])],
        "change" => {
            let all = documents["documents"].as_array().unwrap().iter();
            let changes = all.flat_map(|one| one["changes"].as_array().unwrap());
            changes.map(unhex).collect()
        }
        "log" => vec![
            vec![0, 0, 0, 9, 2, 1, 2],
            vec![2, 1, 3, 0, 0],
            vec![3, 0, 0, 0, 0, 0, 2, 1, 0, 4, 9, 9, 9, 9],
            vec![3, 1, 0, 0, 0],
            vec![3, 2, 0, 0, 0],
        ],
        "backup" => {
            let file = unhex(&made["key files"]["cases"][0]["bytes"]);
            let part = |bytes: &[u8]| [&(bytes.len() as u64).to_be_bytes()[..], bytes].concat();
            vec![
                [part(&file), part(&[0; 90]), part(&[1; 90])].concat(),
                part(&file),
            ]
        }
        "settings" => vec![
            b"listen 127.0.0.1:0\nhosts relay.example,other:8430\nopen true\nquota-mb 100".to_vec(),
            b"tls-cert a\ntls-key b\nlog info\nmin-free-mb 1".to_vec(),
        ],
        "command_line" => vec![
            b"book\0--start\x002026-03-03T09:00\0--staff\0Ann\0--minutes\x0030".to_vec(),
            b"client\0add\0Ann\0--phone\0+49 30 5550".to_vec(),
            br#"{"type":"book","location":"loc_01","start":"2026-03-03T09:00:00"}"#.to_vec(),
            br#"{"type":"day","date":"2026-03-03"}"#.to_vec(),
            b"org_00000000000000000000000001".to_vec(),
        ],
        other => panic!("no such target: {other}"),
    };
    seeds.retain(|seed| seed.len() <= 8192);
    seeds.sort();
    seeds.dedup();
    seeds
}
