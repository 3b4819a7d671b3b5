//! A real proxy, as packaged: `tinyproxy`, without a login and with one, between the program and a far side of a private
//! authority. It has to be installed; that it is not is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub
)]

#[path = "../it/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "what is shared with the other tests, of which this one needs a part"
)]
mod harness;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use harness::{
    Authority, Certificate, Far, Secured, Served, Wish, alert, client, install, machine, until,
};

const PASSWORD: &str = "tinyproxy-canary-0001";

/// A running tinyproxy; gone when dropped.
struct Tinyproxy {
    child: Child,
    at: SocketAddr,
    folder: tempfile::TempDir,
}

impl Tinyproxy {
    async fn start(login: bool) -> Tinyproxy {
        let folder = tempfile::tempdir().unwrap();
        // Free at this moment: tinyproxy cannot be told to take any port.
        let at = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let log = folder.path().join("proxy.log");
        let login = if login {
            format!("BasicAuth svc {PASSWORD}\n")
        } else {
            String::new()
        };
        let text = format!(
            "Listen 127.0.0.1\nPort {}\nTimeout 60\nMaxClients 50\nLogLevel Connect\nLogFile \"{}\"\nAllow 127.0.0.1\n{login}",
            at.port(),
            log.display()
        );
        let config = folder.path().join("tinyproxy.conf");
        std::fs::write(&config, text).unwrap();
        let child = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy is installed (apt-get install tinyproxy)");
        let proxy = Tinyproxy { child, at, folder };
        until("tinyproxy listens", async || {
            tokio::net::TcpStream::connect(at).await.ok()
        })
        .await;
        proxy
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("proxy.log")).unwrap()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One alert by the program in a folder of its own; the code of the outage where its scan does not come about.
async fn scanned_through(proxy: &Tinyproxy, login: &str) -> Result<(), String> {
    let far = Far::open(Wish::default().setup).await;
    let here = this_computer();
    let authority = Authority::of(&[&here]);
    let secured = Secured::open_on(&here, far.shared.clone(), &authority, Certificate::Right).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    let file = folder.path().join("scanhook.toml");
    let url = format!("https://{here}:{}", secured.at().port());
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace(&format!("http://{}", far.at), &url)
        .replace(
            "[tenants.default]\n",
            "[tenants.default]\ncloud = \"custom\"\n\
             token_scope = \"https://api.securitycenter.microsoft.com/.default\"\n",
        );
    let network = format!(
        "[network]\nca_file = \"ca.pem\"\nproxy = {{ url = \"http://{}\"{login} }}\n",
        proxy.at
    );
    std::fs::write(&file, format!("{network}{text}")).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem().as_str()),
        ("proxy.secret", PASSWORD),
        ("wrong.secret", "another"),
        ("rules.toml", harness::RULES),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).unwrap();
    }
    let served = Served::start(folder.path()).await;
    let http = client();
    let answer = served.post(&http, &alert("1", "high", &machine(1))).await;
    assert_eq!(answer.status, 202);
    until("it is scanned, or it shows why not", async || {
        if far.scans().len() == 1 {
            return Some(Ok(()));
        }
        let status = served.get(&http, "/api/v1/status").await;
        let code = status["tenants"][0]["code"].as_str()?;
        Some(Err(code.to_owned()))
    })
    .await
}

/// An address of this computer that is no loopback address.
fn this_computer() -> String {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: this only asks which address would be.
    socket.connect("192.0.2.1:9").expect("a network interface");
    socket.local_addr().unwrap().ip().to_string()
}

#[tokio::test]
async fn a_scan_goes_through_a_real_proxy() {
    let proxy = Tinyproxy::start(false).await;
    assert_eq!(scanned_through(&proxy, "").await, Ok(()));
    assert!(proxy.log().contains("CONNECT"), "{}", proxy.log());
}

#[tokio::test]
async fn a_real_proxy_that_wants_a_login_lets_in_who_has_it_and_nobody_else() {
    let proxy = Tinyproxy::start(true).await;
    let login = ", username = \"svc\", password_file = \"proxy.secret\"";
    assert_eq!(scanned_through(&proxy, login).await, Ok(()));
    let wrong = login.replace("proxy.secret", "wrong.secret");
    assert_eq!(
        scanned_through(&proxy, &wrong).await,
        Err("proxy-auth".to_owned())
    );
    assert_eq!(
        scanned_through(&proxy, "").await,
        Err("proxy-auth".to_owned())
    );
}
