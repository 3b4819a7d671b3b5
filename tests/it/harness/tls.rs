//! A far side behind TLS, with any certificate one may wish for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use scanhook_simulator::serve::{SharedSimulator, router};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    Right,
    OfAnotherName,
    Expired,
    SignedByItself,
}

/// The authority a site trusts, and the names that it certifies.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    names: Vec<String>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::of(&["localhost", "login.test", "defender.test"])
    }

    pub fn of(names: &[&str]) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.issuer.der())
    }

    /// A certificate for these names and its key, as PEM.
    pub fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, "siem");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        (
            pem("CERTIFICATE", signed.der()),
            pem("PRIVATE KEY", &key.serialize_der()),
        )
    }

    pub(super) fn acceptor(&self, certificate: Certificate) -> TlsAcceptor {
        let names = if certificate == Certificate::OfAnotherName {
            vec!["elsewhere.example".to_owned()]
        } else {
            self.names.clone()
        };
        let mut params = CertificateParams::new(names).unwrap();
        if certificate == Certificate::Expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let signed = match certificate {
            Certificate::SignedByItself => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let chain: Vec<CertificateDer<'static>> = vec![signed.unwrap().der().clone()];
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// The simulator behind TLS on a port of its own.
pub struct Secured {
    at: SocketAddr,
    door: Arc<Door>,
}

struct Door {
    shared: SharedSimulator,
    acceptor: Mutex<TlsAcceptor>,
    refused: AtomicUsize,
}

impl Secured {
    pub async fn open(
        shared: SharedSimulator,
        authority: &Authority,
        certificate: Certificate,
    ) -> Secured {
        Secured::open_on("127.0.0.1", shared, authority, certificate).await
    }

    /// The same on an address that others reach as well.
    pub async fn open_on(
        address: &str,
        shared: SharedSimulator,
        authority: &Authority,
        certificate: Certificate,
    ) -> Secured {
        let socket = TcpListener::bind((address, 0)).await.unwrap();
        let at = socket.local_addr().unwrap();
        let acceptor = Mutex::new(authority.acceptor(certificate));
        let door = Arc::new(Door {
            shared,
            acceptor,
            refused: AtomicUsize::new(0),
        });
        let open = door.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(converse(open.clone(), stream));
            }
        });
        Secured { at, door }
    }

    pub fn at(&self) -> SocketAddr {
        self.at
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.at.port())
    }

    /// From now on with this certificate.
    pub fn shows(&self, authority: &Authority, certificate: Certificate) {
        *self.door.acceptor.lock().unwrap() = authority.acceptor(certificate);
    }

    /// Handshakes that the other end broke off.
    pub fn refused(&self) -> usize {
        self.door.refused.load(Ordering::SeqCst)
    }
}

async fn converse(door: Arc<Door>, stream: TcpStream) {
    let acceptor = door.acceptor.lock().unwrap().clone();
    let Ok(stream) = acceptor.accept(stream).await else {
        door.refused.fetch_add(1, Ordering::SeqCst);
        return;
    };
    let router = TowerToHyperService::new(router(door.shared.clone(), Timestamp::now));
    // An error is a client that went away.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), router)
        .await;
}
