//! The running relay: everything put together, from the lock to the last goodbye.

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use jiff::Timestamp;
use sync_protocol::{SigningKey, VerifyKey};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    actor::{Shared, chain_of},
    budget::{Addresses, Rate},
    config::Config,
    disk::Disk,
    folder::{Folder, FolderError},
    http,
    hub::{Founding, Hub, HubError},
    listener::{Gate, Listener, Peer},
    metrics::{Alarm, Metrics},
    outbox::Reserve,
    settings::Settings,
    tls::{Tls, TlsError},
};

const MB: usize = 1 << 20;
/// How often the disk and the certificate files are looked at.
const TICK: Duration = Duration::from_secs(2);
/// How long connections may take to end when the relay stops.
const FAREWELL: Duration = Duration::from_secs(6);
/// Whether the folder can be written is asked this often, at most.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// The time; the binary brings it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `read`.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl std::ops::Deref for Clock {
    type Target = dyn Fn() -> Timestamp + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock(..)")
    }
}

/// Why the relay does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The certificate files.
    #[error("TLS cannot be used")]
    Tls(#[from] TlsError),
    /// An address to listen on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings.
    #[error("the settings cannot be opened: {0}")]
    Settings(String),
    /// The organisations.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The system refuses threads, signals or sockets.
    #[error("the system refuses")]
    System(#[from] io::Error),
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) hub: Hub,
    pub(super) key: SigningKey,
    pub(super) clock: Clock,
    pub(super) open: bool,
    pub(super) hosts: Vec<String>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) reserve: Arc<Reserve>,
    pub(super) queue_bytes: usize,
    /// Connections that have not signed in.
    pub(super) waiting: Arc<Semaphore>,
    pub(super) sign_in: Duration,
    pub(super) idle: Duration,
    pub(super) stall: Duration,
    pub(super) stopping: watch::Sender<bool>,
    disk: Arc<Disk>,
    folder: PathBuf,
    probed: Mutex<Option<(Instant, Option<String>)>>,
}

impl Relay {
    /// Everything that keeps this relay from being ready.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = self.hub.complaints();
        self.disk.measure();
        if !self.disk.has_space() {
            let free = self.disk.free() / MB as u64;
            complaints.push(format!("the disk is nearly full: {free} MB are free"));
        }
        complaints.extend(self.probe());
        if *self.stopping.borrow() {
            complaints.push("the relay stops".to_owned());
        }
        complaints
    }

    /// Whether the folder can be written, asked of the disk and not of a memory of it.
    fn probe(&self) -> Option<String> {
        let mut probed = self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, complaint)) = &*probed
            && at.elapsed() < PROBE_EVERY
        {
            return complaint.clone();
        }
        let written = super::folder::replace(&self.folder.join("probe"), b"writable\n");
        let complaint = written
            .err()
            .map(|error| format!("the data folder cannot be written: {error}"));
        *probed = Some((Instant::now(), complaint.clone()));
        complaint
    }
}

/// Runs a relay until it is asked to stop. `ready` gets the address to connect to.
///
/// # Errors
/// When it cannot start. Once it runs it goes on until it is asked to stop.
pub fn serve(
    config: &Config,
    clock: Clock,
    ready: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("relay")
        .build()?;
    let served = runtime.block_on(run(config, clock, ready));
    // Whatever still waits for a disk or a peer that does not answer has nothing to save.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(
    config: &Config,
    clock: Clock,
    ready: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), ServeError> {
    let folder = Folder::open(&config.data)?;
    let _lock = folder.lock()?;
    let key = folder.key()?;
    let tls = match &config.tls {
        Some((certificate, key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        None => None,
    };
    let tcp = bind(config.listen).await?;
    let watched = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let metrics = Arc::new(Metrics::new());
    let disk = Arc::new(Disk::new(
        folder.path(),
        folder.ballast(),
        config.ballast_mb,
        config.min_free_mb,
    ));
    disk.measure();
    if disk.free() < MB as u64 {
        // sled cannot even open on a full disk.
        disk.release()?;
    }
    let settings = Settings::open(&folder.settings())
        .map_err(|error| ServeError::Settings(error.to_string()))?;
    if let Err(error) = disk.lay_ballast() {
        tracing::warn!(%error, "no ballast could be laid");
    }
    let listen = tcp.local_addr()?;
    let shared = Arc::new(Shared {
        folder: folder.clone(),
        key: key.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        disk: disk.clone(),
        settings,
    });
    let founding = Founding {
        open: config.open,
        quota_mb: config.quota_mb,
        at_most: config.max_organisations,
    };
    let opening = tokio::task::spawn_blocking(move || Hub::open(shared, founding)).await;
    let hub = opening.map_err(io::Error::other)??;
    let relay = Arc::new(Relay {
        hub,
        key: key.clone(),
        clock,
        open: config.open,
        hosts: config.host_names(listen),
        metrics: metrics.clone(),
        reserve: Arc::new(Reserve::new(config.all_queues_mb * MB, 64 * 1024)),
        queue_bytes: config.queue_kb * 1024,
        waiting: Arc::new(Semaphore::new(config.max_waiting)),
        sign_in: config.sign_in,
        idle: config.idle,
        stall: config.stall,
        stopping: watch::Sender::new(false),
        disk: disk.clone(),
        folder: config.data.clone(),
        probed: Mutex::default(),
    });
    let gate = Gate {
        tls: tls.clone(),
        connections: Arc::new(Semaphore::new(config.max_connections)),
        addresses: Arc::new(Addresses::new(Rate {
            burst: config.address_burst,
            per_second: config.address_per_second,
        })),
        metrics: metrics.clone(),
        patience: config.sign_in + Duration::from_secs(5),
    };
    let mut signals = Signals::new()?;
    let listener = Listener::start(tcp, gate.clone())?;
    let router = http::devices(relay.clone(), watched.is_none());
    tokio::spawn(answer(listener, router, relay.stopping.subscribe()));
    if let Some(tcp) = watched {
        // Scrapers have places of their own, so that a crowd of devices cannot hide the metrics.
        let gate = Gate {
            tls: None,
            connections: Arc::new(Semaphore::new(64)),
            ..gate
        };
        let listener = Listener::start(tcp, gate)?;
        let router = http::operator(relay.clone());
        tokio::spawn(answer(listener, router, relay.stopping.subscribe()));
    }
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let organisations = relay.hub.all().len();
    let public = VerifyKey::from(key.verifying_key());
    tracing::info!(%listen, key = %public, organisations, tls = tls.is_some(), "ready");
    ready(&format!("{scheme}://{listen}"))?;

    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => break,
                Signal::Reload => reload(tls.as_deref(), &metrics),
            },
            _ = ticks.tick() => tick(&disk, tls.as_deref(), &metrics),
        }
    }
    farewell(&relay).await;
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Listen { address, source })
}

async fn answer(listener: Listener, router: axum::Router, mut stopping: watch::Receiver<bool>) {
    let service: IntoMakeServiceWithConnectInfo<axum::Router, Peer> =
        router.into_make_service_with_connect_info();
    let stop = async move {
        // An error means that the relay is gone: stop as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let _ = axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await;
}

fn tick(disk: &Arc<Disk>, tls: Option<&Tls>, metrics: &Metrics) {
    let (has_space, changed) = disk.measure();
    // The unit is bytes; a rounding above 2^53 of them is of no interest.
    #[allow(clippy::cast_precision_loss, reason = "2^53 bytes are 9 PB")]
    metrics.free_bytes.set(disk.free() as f64);
    if changed && has_space {
        tracing::info!("there is space again: entries are taken");
        let disk = disk.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = disk.lay_ballast() {
                tracing::warn!(%error, "no ballast could be laid");
            }
        });
    } else if changed {
        tracing::error!(
            free = disk.free(),
            "the disk is nearly full: no entries are taken"
        );
        metrics.alarm(Alarm::DiskFull);
    }
    if tls.is_some_and(Tls::has_changed) {
        reload(tls, metrics);
    }
}

fn reload(tls: Option<&Tls>, metrics: &Metrics) {
    let Some(tls) = tls else {
        return;
    };
    match tls.reload() {
        Ok(()) => tracing::info!("the certificate was taken up"),
        Err(error) => {
            tracing::error!(error = %chain_of(&error), "the earlier certificate stays in use");
            metrics.alarm(Alarm::Certificate);
        }
    }
}

async fn farewell(relay: &Arc<Relay>) {
    tracing::info!("stopping");
    // Nobody is accepted any more, and who has not signed in is sent away.
    relay.stopping.send_replace(true);
    let stopping = relay.clone();
    // Everybody else is told by the organisation's thread, after its last commit.
    let stopped = tokio::task::spawn_blocking(move || stopping.hub.stop()).await;
    if stopped.is_err() {
        tracing::error!("the organisations did not stop cleanly");
    }
    if timeout(FAREWELL, relay.stopping.closed()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    tracing::info!("stopped");
}

#[allow(dead_code, reason = "not every system can ask to reload")]
enum Signal {
    Stop,
    Reload,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop
    }
}
