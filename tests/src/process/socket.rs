//! A WebSocket client that says whatever it is told to, right or wrong, and the frames under it.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// A frame of the WebSocket protocol, unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The last one of its message.
    pub(super) last: bool,
    /// What kind.
    pub(super) opcode: u8,
    /// What it carries.
    pub(super) payload: Vec<u8>,
}

impl Piece {
    /// Reads one, and the bytes it came in; `None` at the end.
    pub(super) fn read(from: &mut impl Read, raw: &mut Vec<u8>) -> io::Result<Option<Self>> {
        let mut take = |len: usize, raw: &mut Vec<u8>| -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; len];
            from.read_exact(&mut bytes)?;
            raw.extend_from_slice(&bytes);
            Ok(bytes)
        };
        let head = match take(2, raw) {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(
                take(2, raw)?.try_into().expect("two bytes"),
            )),
            127 => u64::from_be_bytes(take(8, raw)?.try_into().expect("eight bytes")),
            len => u64::from(len),
        };
        let masked = head[1] & 0x80 != 0;
        let mask = if masked { take(4, raw)? } else { vec![0; 4] };
        let len = usize::try_from(len).expect("a length fits");
        let mut payload = take(len, raw)?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        Ok(Some(Self {
            last: head[0] & 0x80 != 0,
            opcode: head[0] & 0x0f,
            payload,
        }))
    }

    /// As it travels; a client masks, with a key that hides nothing.
    pub(super) fn write(&self, client: bool) -> Vec<u8> {
        let mut bytes = vec![if self.last { 0x80 } else { 0 } + self.opcode];
        let mask = if client { 0x80 } else { 0 };
        match self.payload.len() {
            // Below 126 the bit that masks is free.
            len @ 0..126 => bytes.push(mask + u8::try_from(len).expect("below 126")),
            len @ 126..0x1_0000 => {
                bytes.push(mask + 126);
                bytes.extend(u16::try_from(len).expect("two bytes").to_be_bytes());
            }
            len => {
                bytes.push(mask + 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        if client {
            bytes.extend([0; 4]);
        }
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// The lines before the first frame.
pub(super) fn read_head(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > 16 * 1024 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}

/// A connection to a relay.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Connects to `HOST:PORT` and shakes hands.
    #[track_caller]
    pub fn open(host: &str) -> Self {
        let mut socket = Self::raw(host);
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        socket.write(request.as_bytes());
        let head = read_head(&mut socket.stream).expect("the relay answers");
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", head.escape_ascii());
        socket
    }

    /// Connects without a word.
    #[track_caller]
    pub fn raw(host: &str) -> Self {
        let stream = TcpStream::connect(host).expect("the relay listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a limit");
        Self { stream }
    }

    /// Sends bytes as they are. The relay may have closed already, which the next read tells.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a binary message.
    pub fn send(&mut self, payload: &[u8]) {
        let piece = Piece {
            last: true,
            opcode: BINARY,
            payload: payload.to_vec(),
        };
        self.write(&piece.write(true));
    }

    /// The next binary message; `None` when the relay has closed. It must answer in time.
    #[track_caller]
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            match Piece::read(&mut self.stream, &mut Vec::new()) {
                Ok(Some(piece)) if piece.opcode == BINARY => return Some(piece.payload),
                Ok(Some(piece)) if piece.opcode == CLOSE => return None,
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => {
                    let late = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
                    assert!(
                        !late.contains(&error.kind()),
                        "the relay neither answers nor closes"
                    );
                    return None;
                }
            }
        }
    }
}
