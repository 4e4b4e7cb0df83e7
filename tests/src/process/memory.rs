//! The memory of a running process, as the system gives it to the process that started it.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
};

use super::seek::{Canary, Found, seek_shallow};

/// Read at once; texts that lie across the edge are seen, because pieces overlap.
const PIECE: usize = 4 << 20;
const OVERLAP: usize = 1024;

/// What was looked through.
#[derive(Debug, Default)]
pub struct Looked {
    /// How much of it.
    pub bytes: usize,
    /// What was met, each once.
    pub found: Vec<Found>,
}

/// Looks through everything that a process can write to: heap, stacks, data. None where the system
/// does not let a parent look, which is said aloud: then nothing is shown.
#[allow(
    clippy::print_stdout,
    reason = "who reads the test's output must know that nothing was shown"
)]
pub fn search_memory(process: u32, canaries: &[Canary]) -> Option<Looked> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"));
    let memory = File::open(format!("/proc/{process}/mem"));
    let (Ok(maps), Ok(mut memory)) = (maps, memory) else {
        println!("NOT SHOWN: this system lets no parent read its child's memory");
        return None;
    };
    let mut looked = Looked::default();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else {
            continue;
        };
        // What cannot be written holds the program, not what was typed.
        if !rights.starts_with("rw") {
            continue;
        }
        let Some((from, until)) = range.split_once('-') else {
            continue;
        };
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let (mut at, until) = (number(from), number(until));
        while at < until {
            let wanted = usize::try_from(until - at).map_or(PIECE, |left| left.min(PIECE));
            let mut piece = vec![0; wanted];
            if memory.seek(SeekFrom::Start(at)).is_err() || memory.read_exact(&mut piece).is_err() {
                break;
            }
            looked.bytes += wanted;
            for mut found in seek_shallow(canaries, &piece) {
                let place = words.clone().nth(3).unwrap_or("heap or a thread's stack");
                found.dress = format!("{}, {place}, {range}", found.dress);
                if !looked.found.contains(&found) {
                    looked.found.push(found);
                }
            }
            if wanted < PIECE {
                break;
            }
            at += (PIECE - OVERLAP) as u64;
        }
    }
    Some(looked)
}
