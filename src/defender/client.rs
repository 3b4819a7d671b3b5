//! Sends one request and brings back the whole answer. It follows nothing, repeats nothing and knows nothing.
//!
//! Where a [`Trust`] stands among the extensions of a request, no byte of it leaves once that is over, on whatever
//! connection (`trusted_body`).

use core::any::Any;
use core::time::Duration;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::failure::ConnectFailure;
use super::hosts::is_near_host;
use super::network::{HttpProxy, NetworkSettings};
use super::trusted_body::{LATE, TrustedBody, is_too_late};
use super::{Answer, Direct, PlainAllowed, Unsent, is_loopback};
use crate::clock;
use scanhook_core::lease::{LeaseTerms, Trust};

/// The word for an answer that is longer.
pub const TOO_LONG: &str = "answer-too-long";

/// How long a call may take, and its answer be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Through a proxy it is [`TUNNEL`] times as long.
    pub connect: Duration,
    /// For everything, up to the last byte of the answer.
    pub total: Duration,
    /// Bytes of an answer that are read: a full page of 10,000 machine actions takes some 10 MB.
    pub longest: usize,
    /// The status says all: an answer that is longer is cut, and one that breaks off counts.
    pub cuts: bool,
}

/// A proxy answers only once it has reached the far side, or given up.
pub const TUNNEL: u32 = 3;

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            longest: 32 << 20,
            cuts: false,
        }
    }
}

impl Timeouts {
    /// The same for calls that leave under a lease, if they do: they are over before it is.
    #[must_use]
    pub fn under(self, lease: Option<LeaseTerms>) -> Timeouts {
        let total = lease.map_or(self.total, |terms| self.total.min(terms.call_timeout()));
        Timeouts { total, ..self }
    }
}

/// No client could be built: in practice, no certificate authorities were found.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client cannot start; are CA certificates installed?")]
pub struct ClientError(#[source] reqwest::Error);

/// The connections to the far side; clones share them.
#[derive(Clone)]
pub struct Client {
    direct: reqwest::Client,
    /// Every call that it makes goes through the proxy.
    tunnelled: Option<reqwest::Client>,
    network: Arc<NetworkSettings>,
    timeouts: Timeouts,
}

impl Client {
    /// A client that follows no redirect, repeats no request and takes no proxy from the environment: each would
    /// send a scan or a token where, or when, the journal did not say.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn build(timeouts: Timeouts, network: &NetworkSettings) -> Result<Client, ClientError> {
        let direct = builder(timeouts.connect, timeouts.total, network)?
            .no_proxy()
            .build()
            .map_err(ClientError)?;
        let tunnelled = network
            .proxy
            .as_ref()
            .map(|proxy| {
                builder(timeouts.connect * TUNNEL, timeouts.total, network)?
                    .proxy(tunnel(proxy)?)
                    .build()
                    .map_err(ClientError)
            })
            .transpose()?;
        Ok(Client {
            direct,
            tunnelled,
            network: Arc::new(network.clone()),
            timeouts,
        })
    }

    /// A client as patient as this one, for another network.
    ///
    /// # Errors
    /// As [`Client::build`].
    pub fn rebuilt(&self, network: &NetworkSettings) -> Result<Client, ClientError> {
        Client::build(self.timeouts, network)
    }

    /// The same client, to which an answer counts as a whole, of up to so many bytes, or not at all.
    #[must_use]
    pub fn capped(&self, longest: usize) -> Client {
        let timeouts = Timeouts {
            longest,
            cuts: false,
            ..self.timeouts
        };
        Client {
            timeouts,
            ..self.clone()
        }
    }

    /// Sends a request once, through the proxy where there is one for its host.
    pub async fn send(&self, request: Request<Bytes>) -> Answer {
        if request.extensions().get::<Direct>().is_some() {
            return self.send_directly(request).await;
        }
        let host = request.uri().host().unwrap_or_default();
        let (Some(proxy), Some(tunnelled)) = (self.network.proxy_for(host), &self.tunnelled) else {
            return self.send_directly(request).await;
        };
        let port = request.uri().port_u16().unwrap_or(443);
        let place = format!("{host}:{port}");
        let answer = self.send_by(tunnelled, request, Some(&proxy.url)).await;
        match answer {
            Answer::NotSent(unsent) if unsent.code == "proxy-refused" => {
                let asking = refuses_login(proxy, &place);
                let asked = tokio::time::timeout(self.timeouts.connect, asking).await;
                Answer::NotSent(match asked {
                    Ok(Some(true)) => Unsent {
                        code: "proxy-auth",
                        ..unsent
                    },
                    _ => unsent,
                })
            }
            answer => answer,
        }
    }

    /// The proxy on the way to this host, if there is one; without anything secret.
    #[must_use]
    pub fn proxy_to(&self, host: &str) -> Option<&str> {
        self.network.proxy_for(host).map(|proxy| proxy.url.as_str())
    }

    /// A client that goes the same way to this host, with other settings of TLS: to look at what is shown there.
    ///
    /// # Errors
    /// As [`Client::build`].
    pub fn onlooker<T: Any>(&self, host: &str, tls: T) -> Result<reqwest::Client, ClientError> {
        let (connect, total) = (self.timeouts.connect, self.timeouts.connect * TUNNEL);
        let builder =
            builder(connect, total, &NetworkSettings::default())?.tls_backend_preconfigured(tls);
        let builder = match self.network.proxy_for(host) {
            Some(proxy) => builder.proxy(tunnel(proxy)?),
            None => builder.no_proxy(),
        };
        builder.build().map_err(ClientError)
    }

    /// Sends a request once, and never through a proxy.
    pub async fn send_directly(&self, request: Request<Bytes>) -> Answer {
        self.send_by(&self.direct, request, None).await
    }

    async fn send_by(
        &self,
        by: &reqwest::Client,
        request: Request<Bytes>,
        proxy: Option<&str>,
    ) -> Answer {
        let request = match checked(request) {
            Ok(request) => request,
            Err(code) => return Answer::NotSent(code.into()),
        };
        match by.execute(request).await {
            Ok(response) if self.timeouts.cuts => beginning(response, self.timeouts.longest).await,
            Ok(response) => whole(response, self.timeouts.longest).await,
            Err(error) => failed(&error, proxy),
        }
    }
}

/// Whether a proxy that opened no tunnel did so because of the login. Some answer 401 to a wrong one, where 407 is meant,
/// and the library that opens tunnels does not tell the status: so one is asked for once more, and not used.
async fn refuses_login(proxy: &HttpProxy, place: &str) -> Option<bool> {
    let login = proxy.login.as_ref()?.header()?;
    let uri: http::Uri = proxy.url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let host = uri.host()?.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80)));
    let stream = TokioIo::new(stream.await.ok()?);
    let (mut sender, connection) = http1::handshake(stream).await.ok()?;
    let request = Request::connect(place)
        .header(http::header::HOST, place)
        .header(http::header::PROXY_AUTHORIZATION, login)
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = async move {
        let answer = sender.send_request(request).await.ok()?;
        Some(answer.status() == http::StatusCode::UNAUTHORIZED)
    };
    // The connection ends once its sender is gone.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

fn builder(
    connect: Duration,
    total: Duration,
    network: &NetworkSettings,
) -> Result<reqwest::ClientBuilder, ClientError> {
    let roots = network
        .roots
        .iter()
        .map(|der| reqwest::Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>()
        .map_err(ClientError)?;
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect)
        .timeout(total)
        // `trusted_body` knows in which order a connection of HTTP/1 asks and writes.
        .http1_only()
        .user_agent(concat!("scanhook/", env!("CARGO_PKG_VERSION")));
    // What nobody waits for any more is not sent again by the system either.
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(total);
    }
    if !roots.is_empty() {
        builder = builder.tls_certs_merge(roots);
    }
    Ok(builder)
}

fn tunnel(proxy: &HttpProxy) -> Result<reqwest::Proxy, ClientError> {
    let tunnel = reqwest::Proxy::all(&proxy.url).map_err(ClientError)?;
    // Not as user info of the URL, which libraries print.
    let header = proxy.login.as_ref().and_then(|login| login.header());
    Ok(match header {
        Some(header) => tunnel.custom_http_auth(header),
        None => tunnel,
    })
}

/// The last door before the network: an address with a host, and no plain http but to this computer or where it is allowed.
fn checked(request: Request<Bytes>) -> Result<reqwest::Request, &'static str> {
    let host = request.uri().host().ok_or("no-address")?;
    // A managed identity's platform is asked over the link, in plain http.
    let near = request.extensions().get::<Direct>().is_some() && is_near_host(host);
    let allowed = near || request.extensions().get::<PlainAllowed>().is_some();
    if request.uri().scheme_str() != Some("https") && !is_loopback(host) && !allowed {
        return Err("not-https");
    }
    let trust = request.extensions().get::<Trust>().copied();
    let request = request.map(|content| match trust {
        Some(trust) => reqwest::Body::wrap(TrustedBody::new(content, trust, clock::boottime)),
        None => content.into(),
    });
    reqwest::Request::try_from(request).map_err(|_| "no-address")
}

/// Reads the body up to the limit. Whatever goes wrong here, the far side has had the request.
async fn whole(mut response: reqwest::Response, longest: usize) -> Answer {
    let too_long = || Answer::Unknown(TOO_LONG.to_owned());
    if response
        .content_length()
        .is_some_and(|n| n > longest as u64)
    {
        return too_long();
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if body.len() + chunk.len() > longest => return too_long(),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) if error.is_timeout() => return Answer::Unknown("timeout".to_owned()),
            Err(_) => return Answer::Unknown("answer-cut-off".to_owned()),
        }
    }
    with_body(response, body)
}

/// The head, and as much of the body as comes up to the limit.
async fn beginning(mut response: reqwest::Response, longest: usize) -> Answer {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(longest - body.len())]);
        if body.len() >= longest {
            break;
        }
    }
    with_body(response, body)
}

fn with_body(mut response: reqwest::Response, body: BytesMut) -> Answer {
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = core::mem::take(response.headers_mut());
    Answer::Http(answer)
}

/// A connection that never came about has carried no byte; everything later may have carried all of them.
fn failed(error: &reqwest::Error, proxy: Option<&str>) -> Answer {
    if error.is_builder() {
        return Answer::NotSent("no-address".into());
    }
    if is_too_late(error) {
        return Answer::NotSent(LATE.into());
    }
    if error.is_connect() {
        let failure = ConnectFailure {
            error,
            timed_out: error.is_timeout(),
            unresolved: error.is_dns(),
            proxy,
        };
        return Answer::NotSent(failure.unsent());
    }
    let code = if error.is_timeout() {
        "timeout"
    } else {
        "connection-lost"
    };
    Answer::Unknown(code.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]
    use core::net::SocketAddr;
    use std::process::Command;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::defender::Endpoints;
    use crate::defender::bearer::tests::bearer;
    use crate::defender::request;
    use scanhook_core::time::Timestamp;

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Reads one request with its body; empty when the other end is gone.
    async fn read_request(stream: &mut TcpStream) -> String {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .to_ascii_lowercase()
                    .split_once("content-length: ")
                    .map_or(0, |(_, rest)| {
                        rest.split("\r\n").next().unwrap().trim().parse().unwrap()
                    });
                if body.len() >= length {
                    return text;
                }
            }
            match stream.read(&mut buffer).await {
                Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
                _ => return text,
            }
        }
    }

    /// A far side that answers one connection after the other with these bytes and hangs up; it returns what it was
    /// sent, and stops after the last answer.
    async fn far(answers: Vec<&'static [u8]>) -> (SocketAddr, JoinHandle<Vec<String>>) {
        let (listener, address) = listener().await;
        let task = tokio::spawn(async move {
            let mut seen = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                seen.push(read_request(&mut stream).await);
                stream.write_all(answer).await.unwrap();
            }
            seen
        });
        (address, task)
    }

    fn client() -> Client {
        Client::build(Timeouts::default(), &NetworkSettings::default()).unwrap()
    }

    fn post(url: String) -> Request<Bytes> {
        Request::post(url)
            .header("authorization", "Bearer t")
            .body(Bytes::from_static(b"{\"a\":1}"))
            .unwrap()
    }

    async fn http(address: SocketAddr) -> Response<Bytes> {
        match client().send(post(format!("http://{address}/x"))).await {
            Answer::Http(response) => response,
            Answer::NotSent(unsent) => panic!("{unsent:?}"),
            Answer::Unknown(code) => panic!("{code}"),
        }
    }

    async fn lost(client: &Client, url: String) -> (&'static str, String) {
        match client.send(post(url)).await {
            Answer::Http(response) => panic!("{}", response.status()),
            Answer::NotSent(unsent) => ("not sent", unsent.code.to_owned()),
            Answer::Unknown(code) => ("unknown", code),
        }
    }

    #[tokio::test]
    async fn an_answer_comes_back_whole() {
        let (address, far) =
            far(vec![b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"])
                .await;
        let answer = http(address).await;
        assert_eq!(
            (
                answer.status().as_u16(),
                &answer.headers()["retry-after"],
                &answer.body()[..]
            ),
            (429, &"7".parse().unwrap(), &b"hello"[..])
        );
        let seen = &far.await.unwrap()[0];
        assert!(seen.starts_with("POST /x HTTP/1.1\r\n"), "{seen}");
        assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
        assert!(seen.contains("authorization: Bearer t\r\n"), "{seen}");
    }

    #[tokio::test]
    async fn the_filter_leaves_as_it_was_written() {
        let (address, far) = far(vec![
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ])
        .await;
        let base = format!("http://{address}");
        let e = Endpoints::custom(&base, &base, "s/.default", false).unwrap();
        let since = Timestamp::parse("2026-11-02T08:00:00Z").unwrap();
        client()
            .send(request::page(
                &e,
                &bearer("t"),
                &request::first_page(&e, since, 10_000),
            ))
            .await;
        let seen = &far.await.unwrap()[0];
        let line = concat!(
            "GET /api/machineactions?$filter=type%20eq%20%27RunAntiVirusScan%27%20and%20creationDateTimeUtc%20ge%20",
            "2026-11-02T08%3A00%3A00Z&$top=10000 HTTP/1.1\r\n"
        );
        assert!(seen.starts_with(line), "{seen}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (elsewhere, elsewhere_at) = listener().await;
        for status in [301, 302, 307, 308] {
            let head = format!(
                "HTTP/1.1 {status} X\r\nLocation: http://{elsewhere_at}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let (address, far) = far(vec![head.leak().as_bytes()]).await;
            assert_eq!(http(address).await.status().as_u16(), status);
            assert_eq!(far.await.unwrap().len(), 1);
        }
        let other = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
        assert!(other.is_err(), "the token went elsewhere");
    }

    #[tokio::test]
    async fn nobody_listening_means_not_sent() {
        let (listener, address) = listener().await;
        drop(listener);
        assert_eq!(
            lost(&client(), format!("http://{address}/")).await,
            ("not sent", "refused".into())
        );
    }

    #[tokio::test]
    async fn a_failed_handshake_means_not_sent() {
        let (listener, address) = listener().await;
        let far = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 this is not TLS\r\n\r\n")
                .await
                .unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            rest
        });
        assert_eq!(
            lost(&client(), format!("https://{address}/")).await,
            ("not sent", "tls".into())
        );
        let seen = far.await.unwrap();
        assert!(
            !seen.windows(4).any(|w| w == b"POST"),
            "the request left unencrypted"
        );
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_unknown() {
        for (answer, code) in [
            (&b""[..], "connection-lost"),
            (b"HTTP/1.1 201 Cre", "connection-lost"),
            (b"\x00\x01\x02\r\n\r\n", "connection-lost"),
            (
                b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"id\":",
                "answer-cut-off",
            ),
            (
                b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"",
                "answer-cut-off",
            ),
        ] {
            let (address, far) = far(vec![answer]).await;
            assert_eq!(
                lost(&client(), format!("http://{address}/")).await,
                ("unknown", code.into()),
                "{answer:?}"
            );
            assert_eq!(far.await.unwrap().len(), 1, "sent again");
        }
    }

    #[tokio::test]
    async fn a_kept_connection_that_breaks_does_not_send_twice() {
        let (listener, address) = listener().await;
        let far = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
            let second = read_request(&mut stream).await;
            drop(stream);
            (listener, second)
        });
        let client = client();
        let first = client.send(post(format!("http://{address}/1"))).await;
        assert!(matches!(first, Answer::Http(_)));
        assert_eq!(
            lost(&client, format!("http://{address}/2")).await,
            ("unknown", "connection-lost".into())
        );
        let (listener, second) = far.await.unwrap();
        assert!(second.starts_with("POST /2 "), "{second}");
        assert!(
            tokio::time::timeout(Duration::ZERO, listener.accept())
                .await
                .is_err(),
            "sent again"
        );
    }

    #[tokio::test]
    async fn silence_is_unknown_once_the_time_is_over() {
        for head in [
            &b""[..],
            b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{",
        ] {
            let (listener, address) = listener().await;
            let far = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_request(&mut stream).await;
                stream.write_all(head).await.unwrap();
                // Until the client hangs up.
                let _ = stream.read(&mut [0; 1]).await;
            });
            let timeouts = Timeouts {
                total: Duration::from_millis(200),
                ..Timeouts::default()
            };
            let hurried = Client::build(timeouts, &NetworkSettings::default()).unwrap();
            assert_eq!(
                lost(&hurried, format!("http://{address}/")).await,
                ("unknown", "timeout".into())
            );
            far.await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_unknown() {
        // The length is announced in one and comes as a surprise in the other.
        for head in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
        ] {
            let (listener, address) = listener().await;
            let far = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_request(&mut stream).await;
                stream.write_all(head.as_bytes()).await.unwrap();
                let block = vec![b' '; 1 << 20];
                let mut written = 0;
                while written < 10 * Timeouts::default().longest
                    && stream.write_all(&block).await.is_ok()
                {
                    written += block.len();
                }
                written
            });
            assert_eq!(
                lost(&client(), format!("http://{address}/")).await,
                ("unknown", "answer-too-long".into())
            );
            assert!(
                far.await.unwrap() < 2 * Timeouts::default().longest,
                "read on and on"
            );
        }
    }

    #[tokio::test]
    async fn plain_http_leaves_this_computer_only_where_it_is_allowed() {
        for (url, code) in [
            ("http://192.0.2.1/", "not-https"),
            ("http://api.security.microsoft.com/", "not-https"),
            ("/no/host", "no-address"),
        ] {
            assert_eq!(
                lost(&client(), url.into()).await,
                ("not sent", code.into()),
                "{url}"
            );
        }
        let mut allowed = post("http://collector.example/".into());
        assert_eq!(
            checked(post("http://collector.example/".into())).err(),
            Some("not-https")
        );
        allowed.extensions_mut().insert(PlainAllowed);
        assert!(checked(allowed).is_ok());
    }

    /// Runs a test of this file again with proxies in the environment that nobody answers.
    #[test]
    fn proxies_of_the_environment_are_ignored() {
        let dead = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([
            "--exact",
            "defender::client::tests::an_answer_comes_back_whole",
        ]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            again
                .env(name, format!("http://{dead}"))
                .env(name.to_lowercase(), format!("http://{dead}"));
        }
        let output = again
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
