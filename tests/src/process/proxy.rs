//! Stands between desks and a relay: records what passes, and changes it where a test wants.

use std::{
    io::{self, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::socket::{BINARY, Piece, read_head};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From a desk.
    Up,
    /// To a desk.
    Down,
}

type Mangle = dyn Fn(Way, Vec<u8>) -> Vec<Vec<u8>> + Send + Sync;

#[derive(Default)]
struct Tape {
    /// As it came, masked and framed, each way and connection for itself.
    raw: Vec<Vec<u8>>,
    /// What the messages said.
    messages: Vec<(Way, Vec<u8>)>,
}

/// A running proxy.
pub struct Proxy {
    /// Where it listens, as `ws://HOST:PORT`.
    pub address: String,
    tape: Arc<Mutex<Tape>>,
    open: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.address)
    }
}

impl Proxy {
    /// Passes everything on to `HOST:PORT`.
    pub fn start(to: &str) -> Self {
        Self::mangling(to, |_, message| vec![message])
    }

    /// Passes on what `mangle` makes of each message: nothing, something else, or more.
    pub fn mangling(
        to: &str,
        mangle: impl Fn(Way, Vec<u8>) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::mangling_at("127.0.0.1:0", to, mangle)
    }

    /// The same at a place where desks already look for their relay.
    pub fn mangling_at(
        at: &str,
        to: &str,
        mangle: impl Fn(Way, Vec<u8>) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).expect("a port to listen on");
        let place = listener.local_addr().expect("a bound port");
        let tape: Arc<Mutex<Tape>> = Arc::default();
        let open = Arc::new(AtomicBool::new(true));
        let mangle: Arc<Mangle> = Arc::new(mangle);
        let (to, kept, listening) = (to.to_owned(), tape.clone(), open.clone());
        let thread = thread::spawn(move || {
            for desk in listener.incoming().map_while(Result::ok) {
                if !listening.load(Ordering::SeqCst) {
                    break;
                }
                // A relay that is not there is seen by the desk as a connection that ends.
                let Ok(relay) = TcpStream::connect(&to) else {
                    continue;
                };
                let (Ok(from), Ok(back)) = (desk.try_clone(), relay.try_clone()) else {
                    continue;
                };
                pass(Way::Up, from, relay, kept.clone(), mangle.clone());
                pass(Way::Down, back, desk, kept.clone(), mangle.clone());
            }
        });
        Self {
            address: format!("ws://{place}"),
            tape,
            open,
            thread: Some(thread),
        }
    }

    /// What the messages said, in the order they came.
    pub fn messages(&self) -> Vec<(Way, Vec<u8>)> {
        self.tape.lock().expect("no panic").messages.clone()
    }

    /// All bytes as they came, each stream for itself.
    pub fn raw(&self) -> Vec<Vec<u8>> {
        self.tape.lock().expect("no panic").raw.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        // Wakes the listener, which looks whether it is still wanted.
        let _ = TcpStream::connect(self.address.trim_start_matches("ws://"));
        if let Some(thread) = self.thread.take() {
            // Its port is free again when it has ended.
            let _ = thread.join();
        }
    }
}

fn pass(way: Way, from: TcpStream, to: TcpStream, tape: Arc<Mutex<Tape>>, mangle: Arc<Mangle>) {
    thread::spawn(move || {
        let stream = {
            let mut tape = tape.lock().expect("no panic");
            tape.raw.push(Vec::new());
            tape.raw.len() - 1
        };
        // Whichever side ends, the other one learns of it.
        let _ = copy(way, &from, &to, stream, &tape, &*mangle);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

fn copy(
    way: Way,
    mut from: &TcpStream,
    mut to: &TcpStream,
    stream: usize,
    tape: &Mutex<Tape>,
    mangle: &Mangle,
) -> io::Result<()> {
    let head = read_head(&mut from)?;
    to.write_all(&head)?;
    tape.lock().expect("no panic").raw[stream].extend(head);
    loop {
        let mut raw = Vec::new();
        let piece = Piece::read(&mut from, &mut raw)?;
        let Some(piece) = piece else {
            return Ok(());
        };
        {
            let mut tape = tape.lock().expect("no panic");
            tape.raw[stream].extend(raw);
            tape.messages.push((way, piece.payload.clone()));
        }
        if piece.opcode != BINARY {
            to.write_all(&piece.write(way == Way::Up))?;
            continue;
        }
        for payload in mangle(way, piece.payload.clone()) {
            let piece = Piece {
                payload,
                ..piece.clone()
            };
            to.write_all(&piece.write(way == Way::Up))?;
        }
    }
}
