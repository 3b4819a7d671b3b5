//! `[network]`: what a proxy is, what the environment says of one, and every fault at its key.

use super::*;

fn with(network: &str) -> Setting {
    let setting = Setting::of(&format!("{TENANT}{SOURCE}{network}"));
    setting.secret("proxy.secret", "proxy-canary\n", 0o600);
    setting
}

fn proxy_of(settings: &Settings, host: &str) -> Option<String> {
    settings
        .network
        .proxy_for(host)
        .map(|proxy| proxy.url.clone())
}

#[test]
fn a_proxy_has_an_address_a_login_and_hosts_that_do_without_it() {
    let setting = with(
        "[network]\nproxy = { url = \"http://proxy.example:3128/\", username = \"svc\", \
         password_file = \"proxy.secret\", direct = [\"*.Corp.example\"] }\n",
    );
    let settings = setting.load();
    let url = Some("http://proxy.example:3128".to_owned());
    assert_eq!(proxy_of(&settings, "login.microsoftonline.com"), url);
    assert_eq!(proxy_of(&settings, "api.corp.example"), None);
    let login = settings.network.proxy.as_ref().unwrap().login.as_ref();
    let login = login.unwrap();
    assert_eq!(
        (login.username.as_str(), login.password.expose_secret()),
        ("svc", "proxy-canary")
    );
    assert!(
        settings
            .files
            .hold(&setting.folder.path().join("proxy.secret"))
    );
    assert!(
        setting
            .env("HTTPS_PROXY", "http://other.example")
            .load()
            .network
            .is_same(&settings.network)
    );
}

#[test]
fn the_environment_counts_where_it_is_named_and_nowhere_else() {
    let loud = |setting: Setting| {
        setting
            .env("HTTPS_PROXY", "proxy.example:3128")
            .env("NO_PROXY", "corp.example,10.0.0.0/8")
            .env("ALL_PROXY", "http://all.example")
    };
    let url = Some("http://proxy.example:3128".to_owned());
    let named = loud(with("[network]\nproxy = \"environment\"\n")).load();
    assert_eq!(proxy_of(&named, "api.example"), url);
    assert_eq!(proxy_of(&named, "api.corp.example"), None);
    assert_eq!(proxy_of(&named, "10.9.8.7"), None);
    let by_variable = loud(with("")).env("SCANHOOK_NETWORK__PROXY", "environment");
    assert_eq!(proxy_of(&by_variable.load(), "api.example"), url);
    assert_eq!(proxy_of(&loud(with("")).load(), "api.example"), None);
    let small =
        with("[network]\nproxy = \"environment\"\n").env("https_proxy", "http://small.example");
    assert_eq!(
        proxy_of(&small.load(), "api.example"),
        Some("http://small.example".to_owned())
    );
    let unset = with("[network]\nproxy = \"environment\"\n")
        .env("ALL_PROXY", "http://all.example")
        .load();
    assert_eq!(proxy_of(&unset, "api.example"), None);
    assert!(
        unset
            .notes
            .iter()
            .any(|note| note.contains("HTTPS_PROXY is not set"))
    );
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table with a row a case")]
fn every_fault_of_the_network_stands_at_its_key() {
    let url = "url = \"http://proxy.example\"";
    for (network, key, says) in [
        (
            "proxy = \"http://proxy.example\"".to_owned(),
            "network.proxy",
            "\"environment\"",
        ),
        ("proxy = 3".to_owned(), "network.proxy", "must be a table"),
        (
            "proxy = { }".to_owned(),
            "network.proxy.url",
            "must be a URL",
        ),
        (
            "proxy = { url = \"socks5://p\" }".to_owned(),
            "network.proxy.url",
            "must be a URL",
        ),
        (
            "proxy = { url = \"http://svc:canary@p\" }".to_owned(),
            "network.proxy.url",
            "`username` and `password_file`",
        ),
        (
            format!("proxy = {{ {url}, username = \"svc\" }}"),
            "network.proxy.password_file",
            "beside `username`",
        ),
        (
            format!("proxy = {{ {url}, password_file = \"proxy.secret\" }}"),
            "network.proxy.username",
            "beside `password_file`",
        ),
        (
            format!("proxy = {{ {url}, username = \"a:b\", password_file = \"proxy.secret\" }}"),
            "network.proxy.username",
            "without a colon",
        ),
        (
            format!("proxy = {{ {url}, username = \"svc\", password_file = \"open.secret\" }}"),
            "network.proxy.password_file",
            "chmod 600",
        ),
        (
            format!("proxy = {{ {url}, username = \"svc\", password_file = \"empty.secret\" }}"),
            "network.proxy.password_file",
            "is empty",
        ),
        (
            format!("proxy = {{ {url}, password = \"canary\" }}"),
            "network.proxy.password",
            "password_file",
        ),
        (
            format!("proxy = {{ {url}, direct = [\"http://a.example\"] }}"),
            "network.proxy.direct",
            "no scheme",
        ),
        (
            format!("proxy = {{ {url}, direct = [\"a.example:443\"] }}"),
            "network.proxy.direct",
            "no port",
        ),
        (
            "ca_file = \"missing.pem\"".to_owned(),
            "network.ca_file",
            "missing.pem",
        ),
        (
            "ca_file = \"empty.secret\"".to_owned(),
            "network.ca_file",
            "is empty",
        ),
        (
            "ca_file = \"proxy.secret\"".to_owned(),
            "network.ca_file",
            "holds no certificate",
        ),
        (
            "ca_files = \"ca.pem\"".to_owned(),
            "network.ca_files",
            "did you mean `ca_file`",
        ),
    ] {
        let setting = with(&format!("[network]\n{network}\n"));
        setting.secret("open.secret", "canary-of-all", 0o644);
        setting.secret("empty.secret", "", 0o600);
        let faults = setting.faults();
        assert_eq!(faults.len(), 1, "{network}: {}", shown(&faults));
        assert_eq!(faults[0].key, key, "{network}");
        assert!(faults[0].message.contains(says), "{network}: {}", faults[0]);
    }
    let user =
        with("[network]\nproxy = \"environment\"\n").env("HTTPS_PROXY", "http://svc:canary@p");
    let faults = user.faults();
    assert!(
        faults[0]
            .message
            .starts_with("HTTPS_PROXY must not hold a user name")
    );
}
