//! TLS by certificate files, and new files without a lost session.

use std::{fs, path::Path, process::Command, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use sync_protocol::Frame;
use tokio::time::Instant;
use tokio_tungstenite::{Connector, connect_async_tls_with_config};

use crate::common::{Client, Folder, PATIENCE, Practice, Relay, program, ticket};

fn certificate(folder: &Folder, name: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=relay", "-addext"])
        .args(["subjectAltName=IP:127.0.0.1", "-addext"])
        .args(["basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(folder.file(&format!("{name}.key")))
        .arg("-out")
        .arg(folder.file(&format!("{name}.pem")))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

async fn connect(relay: &Relay, trusted: &Path) -> Option<Client> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusted).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = Connector::Rustls(Arc::new(config));
    let connected = connect_async_tls_with_config(&relay.url, None, true, Some(connector)).await;
    let (stream, _) = connected.ok()?;
    Some(Client::over(stream).await)
}

/// Connects again and again until the certificate is the trusted one.
async fn until_trusted(relay: &Relay, trusted: &Path) -> Client {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(client) = connect(relay, trusted).await {
            return client;
        }
    }
    panic!("the new certificate was not taken up");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_sessions_go_on() {
    let folder = Folder::new();
    for name in ["first", "second", "third"] {
        certificate(&folder, name);
    }
    let (pem, key) = (folder.file("tls.pem"), folder.file("tls.key"));
    let put = |name: &str| {
        fs::copy(folder.file(&format!("{name}.key")), &key).unwrap();
        fs::copy(folder.file(&format!("{name}.pem")), &pem).unwrap();
    };
    put("first");
    let more = [
        "--tls-cert",
        pem.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let relay = Relay::start_with(&folder.data(), &more);
    assert!(relay.url.starts_with("wss://"));
    let ticket = ticket(&folder.data(), &[]);
    let mut practice = Practice::new(1);
    let mut client = connect(&relay, &folder.file("first.pem")).await.unwrap();
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    client.sign_in(&practice).await;
    assert!(connect(&relay, &folder.file("second.pem")).await.is_none());

    put("second");
    relay.signal("-HUP");
    until_trusted(&relay, &folder.file("second.pem")).await;
    assert!(connect(&relay, &folder.file("first.pem")).await.is_none());

    // Without a signal as well.
    put("third");
    until_trusted(&relay, &folder.file("third.pem")).await;

    // Files that cannot be used change nothing.
    fs::write(&pem, "nothing\n").unwrap();
    relay.signal("-HUP");
    until_trusted(&relay, &folder.file("third.pem")).await;

    let entry = practice.entry(100);
    client.push(&[entry]).await;
    assert_eq!(client.placed(1).await, [1], "the first session goes on");

    // No plain text on this port.
    let plain = relay.url.replace("wss://", "ws://");
    assert!(tokio_tungstenite::connect_async(plain).await.is_err());
}

#[test]
fn certificate_files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    certificate(&folder, "one");
    certificate(&folder, "two");
    let run = |pem: &str, key: &str| {
        let run = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.data())
            .arg("--tls-cert")
            .arg(folder.file(pem))
            .arg("--tls-key")
            .arg(folder.file(key))
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(1));
        String::from_utf8(run.stderr).unwrap()
    };
    assert!(run("missing.pem", "one.key").contains("missing.pem"));
    assert!(run("one.key", "one.key").contains("holds no certificate"));
    assert!(run("one.pem", "two.key").contains("cannot be used together"));
}
