//! Accepting sockets: limits first, then TLS, both without holding up the next one.
//!
//! A socket that has not signed in by its deadline reads as broken, whatever it was doing until
//! then: a slow handshake, half a request, nothing at all.

use std::{
    future::Future as _,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::connect_info::Connected;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{budget::Addresses, metrics::Metrics, tls::Tls};

/// What decides who is accepted.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) metrics: Arc<Metrics>,
    /// From accepting to having signed in.
    pub(super) patience: Duration,
}

/// What a handler knows of its socket.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    admitted: Arc<AtomicBool>,
}

impl Peer {
    /// It has signed in: the deadline is off.
    pub(super) fn admit(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }
}

/// An accepted socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    deadline: Pin<Box<Sleep>>,
    admitted: Arc<AtomicBool>,
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A listener for axum.
#[derive(Debug)]
pub(super) struct Listener {
    sockets: mpsc::Receiver<(Socket, SocketAddr)>,
    address: SocketAddr,
}

impl Listener {
    /// Accepts in a task of its own until the listener is dropped.
    pub(super) fn start(tcp: TcpListener, gate: Gate) -> io::Result<Self> {
        let address = tcp.local_addr()?;
        let (ready, sockets) = mpsc::channel(64);
        tokio::spawn(accept(tcp, gate, ready));
        Ok(Self { sockets, address })
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        match self.sockets.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<axum::serve::IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: axum::serve::IncomingStream<'_, Listener>) -> Self {
        Self {
            admitted: stream.io().admitted.clone(),
        }
    }
}

async fn accept(tcp: TcpListener, gate: Gate, ready: mpsc::Sender<(Socket, SocketAddr)>) {
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = ready.closed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or the peer has gone already: neither is worth spinning.
                tracing::warn!(kind = %error.kind(), "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = gate.connections.clone().try_acquire_owned() else {
            gate.metrics.turned_away("connections");
            continue;
        };
        if !gate.addresses.admits(address.ip(), Instant::now()) {
            gate.metrics.turned_away("address");
            continue;
        }
        // A frame must not wait for the next one to fill a packet.
        let _ = stream.set_nodelay(true);
        let (gate, ready) = (gate.clone(), ready.clone());
        tokio::spawn(async move {
            let deadline = Instant::now() + gate.patience;
            let Some(stream) = handshake(stream, &gate).await else {
                gate.metrics.turned_away("handshake");
                return;
            };
            gate.metrics.connections.inc();
            let socket = Socket {
                stream,
                deadline: Box::pin(sleep_until(deadline)),
                admitted: Arc::default(),
                _permit: permit,
                metrics: gate.metrics.clone(),
            };
            // Nobody listens any more when the relay stops.
            let _ = ready.send((socket, address)).await;
        });
    }
}

async fn handshake(stream: TcpStream, gate: &Gate) -> Option<Stream> {
    let Some(tls) = &gate.tls else {
        return Some(Stream::Plain(stream));
    };
    let accepting = TlsAcceptor::from(tls.config()).accept(stream);
    let stream = timeout(gate.patience, accepting).await.ok()?.ok()?;
    Some(Stream::Tls(Box::new(stream)))
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.admitted.load(Ordering::Relaxed) && this.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
