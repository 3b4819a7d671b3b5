//! How a session is made: TLS that always verifies, or none at all.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::ExposeSecret as _;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::checks::{Use, prepare};
use super::line::Line;
use super::lost::Lost;
use super::refusal::Refusal;
use super::session::Session;
use crate::settings::PostgresSettings;

/// How long one address may take to answer.
const CONNECT: Duration = Duration::from_secs(4);

/// What is sent has to be taken within this.
const TAKEN: Duration = Duration::from_secs(10);

/// Connects and looks whether the database may be used so.
pub(super) fn session(at: &PostgresSettings, of: Use, schema: i64) -> Result<Session, Refusal> {
    let config = config(at);
    let opened = if at.tls {
        let tls = tls(at).map_err(|error| Refusal::Certificate {
            host: at.host.clone(),
            says: error.to_string(),
        })?;
        Line::open(&config, MakeRustlsConnect::new(tls))
    } else {
        Line::open(&config, NoTls)
    };
    let session = Session::new(opened.map_err(|lost| refused(at, lost))?);
    prepare(&session, of, schema)?;
    Ok(session)
}

fn config(at: &PostgresSettings) -> Config {
    let mut config = Config::new();
    config
        .user(&at.user)
        .dbname(&at.database)
        .port(at.port)
        .application_name("scanhook")
        .connect_timeout(CONNECT)
        .tcp_user_timeout(TAKEN)
        .keepalives_idle(TAKEN)
        .ssl_mode(if at.tls {
            SslMode::Require
        } else {
            SslMode::Disable
        });
    if at.host.starts_with('/') {
        config.host_path(Path::new(&at.host));
    } else {
        config.host(&at.host);
    }
    if let Some(password) = &at.password {
        config.password(password.expose_secret());
    }
    config
}

fn tls(at: &PostgresSettings) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?;
    if at.authorities.is_empty() {
        return Ok(builder.with_platform_verifier()?.with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    for authority in &at.authorities {
        roots.add(authority.clone().into())?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Why there is no connection: what a person can correct is told from what passes.
fn refused(at: &PostgresSettings, lost: Lost) -> Refusal {
    match &lost {
        // 28P01: the password is wrong; 28000: the role may not come from here.
        Lost::Refused(code, says) if code.starts_with("28") => Refusal::Password {
            user: at.user.clone(),
            says: says.clone(),
        },
        Lost::Away(says) if says.contains("password missing") => Refusal::Password {
            user: at.user.clone(),
            says: "it asks for one".to_owned(),
        },
        Lost::Away(says) if says.contains("certificate") => Refusal::Certificate {
            host: at.host.clone(),
            says: says.clone(),
        },
        _ => lost.into(),
    }
}
