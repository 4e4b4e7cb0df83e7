//! Every input that a fuzzer found worth keeping, and every crasher, once through its reader.
//!
//! `DAYBOOK_WRITE_SEEDS=1` writes the first inputs of each target, from the vectors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use system_tests::fuzz::{TARGETS, seeds};

fn folder(kind: &str, target: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("fuzz").join(kind).join(target)
}

/// Where an input lies: its name is its hash.
fn kept_as(corpus: &Path, input: &[u8]) -> PathBuf {
    let mut name = blake3::hash(input).to_hex().to_string();
    name.truncate(16);
    corpus.join(name)
}

#[test]
fn every_kept_input_is_read_without_a_surprise() {
    schedule::quiet_guarded_panics();
    let mut size = 0;
    for (name, call) in TARGETS {
        let corpus = folder("corpus", name);
        if std::env::var_os("DAYBOOK_WRITE_SEEDS").is_some() {
            fs::create_dir_all(&corpus).unwrap();
            for seed in seeds(name) {
                fs::write(kept_as(&corpus, &seed), &seed).unwrap();
            }
        }
        let mut count = 0;
        for kind in ["corpus", "crashers"] {
            for file in fs::read_dir(folder(kind, name)).into_iter().flatten() {
                let input = fs::read(file.unwrap().path()).unwrap();
                size += input.len();
                call(&input);
                count += 1;
            }
        }
        assert!(count > 0, "{name} has no inputs");
        for seed in seeds(name) {
            // Otherwise the fuzzer begins with inputs of an older format, which are refused at once.
            assert!(
                kept_as(&corpus, &seed).exists(),
                "{name} lacks an input of now: write them with DAYBOOK_WRITE_SEEDS=1"
            );
            call(&seed);
        }
    }
    assert!(
        size < 2_000_000,
        "the corpora have grown to {size} bytes: minimise them"
    );
}

#[test]
fn readers_take_what_no_fuzzer_was_needed_for() {
    schedule::quiet_guarded_panics();
    for (_, call) in TARGETS {
        call(&[]);
        for byte in [
            0x00, 0x01, 0x5b, 0x7b, 0x80, 0x82, 0x9b, 0x9f, 0xbf, 0xf6, 0xff,
        ] {
            for length in [1, 2, 9, 64, 4096] {
                call(&vec![byte; length]);
            }
        }
    }
}
