//! The certificate of the proxy.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub struct Certificate {
    pub path: PathBuf,
    pub acceptor: TlsAcceptor,
}

/// Returns a self-signed certificate, created once. It is made by a program that the scripts of the cluster need as
/// well. A crate for it would bring two dozen others.
pub fn certificate() -> &'static Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    MADE.get_or_init(|| {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let unique = crate::common::unique();
        let path = directory.join(format!("proxy-{unique}.crt"));
        let key = directory.join(format!("proxy-{unique}.key"));
        let made = Command::new("openssl")
            // It is valid since yesterday, also for an operator whose clock is behind.
            .envs(crate::common::clock::set("-1d").unwrap_or_default())
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=rig", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
            .args([&path, Path::new("-keyout"), &key])
            .output()
            .unwrap();
        assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
        let chain = vec![CertificateDer::from_pem_file(&path).unwrap()];
        let secret = PrivateKeyDer::from_pem_file(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .unwrap();
        Certificate { path, acceptor: TlsAcceptor::from(Arc::new(config)) }
    })
}
