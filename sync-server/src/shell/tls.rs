//! TLS 1.3 by certificate files. New files are taken up without ending sessions.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// Why certificate files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{} cannot be read as PEM", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// No certificate inside.
    #[error("{} holds no certificate", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("certificate and key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

type Stamp = [Option<(SystemTime, u64)>; 2];

/// The certificate in use.
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<ServerConfig>, Stamp)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let stamp = stamp(certificate, key);
        let config = read(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new((Arc::new(config), stamp)),
        })
    }

    /// For the next handshake.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.0.clone()
    }

    /// Whether the files are others than those in use.
    pub(super) fn has_changed(&self) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.1 != stamp(&self.certificate, &self.key)
    }

    /// Takes up the files; when they cannot be used, the present certificate stays.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let stamp = stamp(&self.certificate, &self.key);
        let read = read(&self.certificate, &self.key);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Files that cannot be used are complained about once.
        current.1 = stamp;
        current.0 = Arc::new(read?);
        Ok(())
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    let of = |path: &Path| -> io::Result<(SystemTime, u64)> {
        let file = fs::metadata(path)?;
        Ok((file.modified()?, file.len()))
    };
    [of(certificate).ok(), of(key).ok()]
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
