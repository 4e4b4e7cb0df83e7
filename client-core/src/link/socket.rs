//! A WebSocket that carries frames.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use sync_protocol::{Frame, limits};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// Small buffers: a desk has one connection, but the relay has hundreds of these.
const BUFFER: usize = 4 * 1024;
/// Opening and closing may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which certificates a `wss://` relay may show. The relay's signing key is pinned besides.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// A PEM file of further authorities, for a relay with a certificate of its own.
    pub authorities: Option<PathBuf>,
}

/// Why a socket did not open or ended.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody answers, or not in time.
    #[error("the relay does not answer")]
    Unreachable,
    /// The file of authorities cannot be read.
    #[error("the certificate authorities cannot be read")]
    Authorities,
    /// The other side closed, or the network did.
    #[error("the connection ended")]
    Ended,
    /// What came is no frame.
    #[error("the relay sent something that is no frame")]
    NotAFrame,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket to `ws://…` or `wss://…`.
    ///
    /// # Errors
    /// When nobody answers in time, or the certificate is not trusted.
    pub async fn open(address: &str, trust: &Trust) -> Result<Self, SocketError> {
        let mut config = WebSocketConfig::default();
        config.read_buffer_size = BUFFER;
        config.write_buffer_size = BUFFER;
        config.max_write_buffer_size = 4 * limits::MAX_FRAME;
        config.max_message_size = Some(limits::MAX_FRAME);
        config.max_frame_size = Some(limits::MAX_FRAME);
        let connector = address
            .starts_with("wss:")
            .then(|| tls(trust))
            .transpose()?;
        let opening = connect_async_tls_with_config(address, Some(config), true, connector);
        match timeout(PATIENCE, opening).await {
            Ok(Ok((stream, _))) => Ok(Self { stream }),
            Ok(Err(_)) | Err(_) => Err(SocketError::Unreachable),
        }
    }

    /// Hands a frame over to be sent at the next flush.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn feed(&mut self, frame: &Frame) -> Result<(), SocketError> {
        let message = Message::Binary(frame.encode().into());
        self.stream
            .feed(message)
            .await
            .map_err(|_| SocketError::Ended)
    }

    /// Sends what was fed.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn flush(&mut self) -> Result<(), SocketError> {
        self.stream.flush().await.map_err(|_| SocketError::Ended)
    }

    /// The next frame.
    ///
    /// # Errors
    /// When the connection has ended, or the relay speaks something else.
    pub async fn receive(&mut self) -> Result<Frame, SocketError> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    return Frame::decode(&bytes).map_err(|_| SocketError::NotAFrame);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    return Err(SocketError::NotAFrame);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(SocketError::Ended),
            }
        }
    }

    /// Says goodbye, but does not wait for long.
    pub async fn close(&mut self) {
        // Whether the other side heard it makes no difference to us.
        let _ = timeout(PATIENCE, self.stream.close(None)).await;
    }
}

fn tls(trust: &Trust) -> Result<Connector, SocketError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &trust.authorities {
        let certificates =
            CertificateDer::pem_file_iter(file).map_err(|_| SocketError::Authorities)?;
        for certificate in certificates {
            let certificate = certificate.map_err(|_| SocketError::Authorities)?;
            roots
                .add(certificate)
                .map_err(|_| SocketError::Authorities)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SocketError::Authorities)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}
