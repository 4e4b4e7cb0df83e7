//! The few addresses a relay answers: the socket, and what watches over it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use sync_protocol::limits::MAX_FRAME;

use super::{connection, listener::Peer, serve::Relay};

/// The devices' side, with what watches over the relay unless that has a listener of its own.
pub(super) fn devices(relay: Arc<Relay>, watched: bool) -> Router {
    let router = Router::new()
        .route("/", get(socket))
        .route("/sync", get(socket));
    let router = if watched {
        router.route("/metrics", get(metrics))
    } else {
        router
    };
    health(router).with_state(relay)
}

/// The operator's side.
pub(super) fn operator(relay: Arc<Relay>) -> Router {
    health(Router::new().route("/metrics", get(metrics))).with_state(relay)
}

fn health(router: Router<Arc<Relay>>) -> Router<Arc<Relay>> {
    router
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
}

async fn socket(
    State(relay): State<Arc<Relay>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    // Devices send none. A page in a browser must not speak for whoever is looking at it.
    if headers.contains_key(header::ORIGIN) {
        relay.metrics.turned_away("origin");
        return (StatusCode::FORBIDDEN, "browsers have no business here\n").into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(waiting) = relay.waiting.clone().try_acquire_owned() else {
        relay.metrics.turned_away("waiting");
        let later = [(header::RETRY_AFTER, "5")];
        return (StatusCode::SERVICE_UNAVAILABLE, later, "come back later\n").into_response();
    };
    upgrade
        .read_buffer_size(connection::BUFFER)
        .write_buffer_size(connection::BUFFER)
        .max_write_buffer_size(connection::MAX_WRITE_BUFFER)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| connection::run(socket, peer, waiting, relay))
}

async fn healthz() -> &'static str {
    "alive\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<String>,
}

async fn readyz(State(relay): State<Arc<Relay>>) -> Response {
    let checked = tokio::task::spawn_blocking(move || relay.complaints()).await;
    let reasons = checked.unwrap_or_else(|_| vec!["the check failed".to_owned()]);
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::to_string(&Readiness { ready, reasons }).unwrap_or_default();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body + "\n").into_response()
}

async fn metrics(State(relay): State<Arc<Relay>>) -> Response {
    let queued = i64::try_from(relay.reserve.used()).unwrap_or(i64::MAX);
    relay.metrics.queued_bytes.set(queued);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let kind = [(header::CONTENT_TYPE, kind)];
    (kind, relay.metrics.text()).into_response()
}
