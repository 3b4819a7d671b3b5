//! Where the PostgreSQL of `[journal]` is, and as whom it is spoken to.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};

use scanhook_core::percent::encoded;

/// A database that holds a journal.
#[derive(Clone)]
pub struct PostgresSettings {
    /// A name, an address, or the folder of a socket.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub database: String,
    /// TLS, with the chain and the name verified.
    pub tls: bool,
    pub password: Option<SecretString>,
    /// The authorities that are trusted, as DER; none: those of the system.
    pub authorities: Vec<Vec<u8>>,
}

impl PostgresSettings {
    /// Whether a url names a PostgreSQL.
    #[must_use]
    pub fn is_meant(url: &str) -> bool {
        url.starts_with("postgres:") || url.starts_with("postgresql:")
    }

    /// Reads `postgres://USER@HOST:PORT/DB?sslmode=disable|require`. What is refused is not repeated: it may hold a password.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(url: &str) -> Result<PostgresSettings, String> {
        const SHAPE: &str = "must be postgres://USER@HOST:PORT/DATABASE?sslmode=require";
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or(SHAPE)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (place, database) = rest.split_once('/').ok_or(SHAPE)?;
        let (user, place) = place
            .rsplit_once('@')
            .ok_or("names no user: postgres://USER@HOST:PORT/DATABASE")?;
        if user.contains(':') {
            return Err("holds a password, which may be logged: write it into a file and name that with `password_file`".to_owned());
        }
        let (host, port) = host_and_port(place).ok_or(SHAPE)?;
        let (user, database, host) = (decoded(user)?, decoded(database)?, decoded(host)?);
        if user.is_empty() || database.is_empty() || host.is_empty() {
            return Err(SHAPE.to_owned());
        }
        let near = is_near(&host);
        let tls = mode(query, &host, near)?;
        Ok(PostgresSettings {
            host,
            port,
            user,
            database,
            tls,
            password: None,
            authorities: Vec::new(),
        })
    }
}

/// Whether there is TLS, by `sslmode`; nothing else may be asked for.
fn mode(query: &str, host: &str, near: bool) -> Result<bool, String> {
    let mut tls = !host.starts_with('/');
    for (key, value) in query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
    {
        tls = match (key, value) {
            ("sslmode", "require") if !host.starts_with('/') => true,
            ("sslmode", "require") => {
                return Err(
                    "asks for TLS over a socket, which has none: use sslmode=disable".to_owned(),
                );
            }
            ("sslmode", "disable") if near => false,
            ("sslmode", "disable") => {
                return Err(
                    "asks for sslmode=disable to another computer: use sslmode=require".to_owned(),
                );
            }
            ("sslmode", "verify-full" | "verify-ca") => {
                return Err("sslmode is `require`, which always verifies the chain and the name, or `disable`".to_owned());
            }
            ("sslmode", "prefer" | "allow") => {
                return Err("asks for TLS only where the server has it, which anybody in between can take away: use sslmode=require".to_owned());
            }
            ("sslmode", _) => return Err("sslmode is `require` or `disable`".to_owned()),
            _ => return Err("takes no parameter but sslmode".to_owned()),
        };
    }
    Ok(tls)
}

fn host_and_port(place: &str) -> Option<(&str, u16)> {
    const PORT: u16 = 5432;
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = port
            .strip_prefix(':')
            .map_or(Some(PORT), |port| port.parse().ok())?;
        return Some((host, port));
    }
    match place.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((place, PORT)),
    }
}

/// A socket, or this computer.
fn is_near(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn decoded(part: &str) -> Result<String, String> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(Into::into).map_err(|_| "is not UTF-8".to_owned())
}

/// Where it is and as whom it is spoken to, as it may be shown and as it can be read again.
impl fmt::Display for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PostgresSettings {
            user,
            host,
            port,
            database,
            ..
        } = self;
        let host = if host.parse::<Ipv6Addr>().is_ok() {
            format!("[{host}]")
        } else {
            encoded(host)
        };
        let (user, database) = (encoded(user), encoded(database));
        write!(f, "postgres://{user}@{host}:{port}/{database}")
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for PostgresSettings {
    fn eq(&self, other: &PostgresSettings) -> bool {
        let password = |of: &PostgresSettings| {
            of.password
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        self.to_string() == other.to_string()
            && self.tls == other.tls
            && self.authorities == other.authorities
            && password(self) == password(other)
    }
}

impl Eq for PostgresSettings {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_says_where_it_is_and_whether_there_is_tls() {
        for (url, shown, tls) in [
            (
                "postgres://scanhook@db.example/journal",
                "postgres://scanhook@db.example:5432/journal",
                true,
            ),
            (
                "postgresql://s@db.example:6432/j?sslmode=require",
                "postgres://s@db.example:6432/j",
                true,
            ),
            (
                "postgres://s@127.0.0.1/j?sslmode=disable",
                "postgres://s@127.0.0.1:5432/j",
                false,
            ),
            (
                "postgres://s@[::1]:1/j?sslmode=disable",
                "postgres://s@[::1]:1/j",
                false,
            ),
            (
                "postgres://s@%2Frun%2Fpostgresql/j",
                "postgres://s@%2Frun%2Fpostgresql:5432/j",
                false,
            ),
            (
                "postgres://s@%2Frun%2Fa%3A1:6/j",
                "postgres://s@%2Frun%2Fa%3A1:6/j",
                false,
            ),
            (
                "postgres://a%40b%3Ac%2Fd%25@db.example/j%3F%20k",
                "postgres://a%40b%3Ac%2Fd%25@db.example:5432/j%3F%20k",
                true,
            ),
        ] {
            let found = PostgresSettings::parse(url).unwrap();
            assert_eq!(found.tls, tls, "{url}");
            assert_eq!(found.to_string(), shown);
            let again = PostgresSettings::parse(shown).unwrap();
            let place = |of: PostgresSettings| (of.user, of.host, of.port, of.database);
            assert_eq!(place(again), place(found));
        }
    }

    #[test]
    fn what_would_show_a_secret_or_speak_plainly_is_refused_without_being_repeated() {
        for (url, says) in [
            ("postgres://s:hunter2@db.example/j", "password_file"),
            (
                "postgres://s@db.example/j?sslmode=disable",
                "another computer",
            ),
            ("postgres://s@db.example/j?sslmode=prefer", "in between"),
            (
                "postgres://s@db.example/j?sslmode=verify-full",
                "always verifies",
            ),
            ("postgres://s@db.example/j?password=hunter2", "no parameter"),
            ("postgres://s@db.example/j?sslmode", "`require` or"),
            ("postgres://s@db.example/j?hunter2", "no parameter"),
            ("postgres://db.example/j", "no user"),
            ("postgres://s@db.example", "must be"),
            ("postgres://s@db.example:x/j", "must be"),
        ] {
            let why = PostgresSettings::parse(url).unwrap_err();
            assert!(
                why.contains(says) && !why.contains("hunter2"),
                "{url}: {why}"
            );
        }
    }
}
