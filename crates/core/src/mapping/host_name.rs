//! What a text in the place of a host name or an address means: a name with its domain, port, scheme or share taken off,
//! an address, a machine's id, several of these, or none.

use core::net::IpAddr;

use super::clean;
use super::nothing::Nothing;
use super::placeholder;
use crate::alert::MachineId;
use crate::directory::HostName;

/// What stands in the place of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SaidHost {
    Host(String),
    Machine(MachineId),
    Address(IpAddr),
    /// The sender's own machine, such as `localhost`.
    Nobody,
    /// Nothing that a host can be called.
    Odd,
}

/// What separates names wherever it stands.
const SEPARATORS: [char; 6] = [',', ';', '|', '\n', '\r', '\t'];

/// Everything a text names; a text of several names is several, if each part of it is one.
pub(super) fn read(text: &str, nothing: &Nothing) -> Vec<SaidHost> {
    if !text.contains(|c: char| SEPARATORS.contains(&c) || c == ' ') {
        return vec![single(text)];
    }
    let text = clean::name(text);
    let listed = text.contains(SEPARATORS);
    if !listed {
        let whole = single(&text);
        if whole != SaidHost::Odd {
            return vec![whole];
        }
    }
    let parts = text.split(|c: char| SEPARATORS.contains(&c) || (!listed && c == ' '));
    let parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !nothing.says(part))
        .collect();
    // The comma may stand in the path of a URL, or in a text that a person wrote.
    let mixed =
        parts.iter().any(|part| is_located(part)) && !parts.iter().all(|part| is_located(part));
    let said: Vec<SaidHost> = parts.iter().map(|part| single(part)).collect();
    let plain = |(part, said): (&&str, &SaidHost)| match said {
        SaidHost::Odd => false,
        // Words that are set apart by blanks may be a sentence.
        SaidHost::Host(_) => !text.contains(char::is_whitespace) || is_machine_like(part),
        _ => true,
    };
    if said.is_empty() || mixed || !parts.iter().zip(&said).all(plain) {
        return vec![if mixed { single(&text) } else { SaidHost::Odd }];
    }
    said
}

/// Whether a text is a URL or the path of a share.
fn is_located(text: &str) -> bool {
    text.contains("://") || text.starts_with("\\\\")
}

/// Whether a word is a name that machines have and people and sentences have not.
fn is_machine_like(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '_'))
}

fn single(text: &str) -> SaidHost {
    if placeholder::holds(text) {
        return SaidHost::Odd;
    }
    let text = clean::name(text);
    if let Some(id) = MachineId::parse(&text) {
        return SaidHost::Machine(id);
    }
    let located = located(&text);
    if let Some(ip) = bare_address(located) {
        return if is_nobody(ip) {
            SaidHost::Nobody
        } else {
            SaidHost::Address(ip)
        };
    }
    let name = undressed(located);
    let first = name.split('.').next().unwrap_or(name);
    if name.is_empty()
        || ["localhost", "localhost4", "localhost6"]
            .iter()
            .any(|own| first.eq_ignore_ascii_case(own))
    {
        return SaidHost::Nobody;
    }
    if HostName::parse(name).is_some() {
        SaidHost::Host(name.to_owned())
    } else {
        SaidHost::Odd
    }
}

/// The host of a URL or of the path of a share; another text as it is.
fn located(text: &str) -> &str {
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    if let Some((_, rest)) = text.split_once("://").filter(|(before, _)| scheme(before)) {
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        return authority.rsplit('@').next().unwrap_or(authority);
    }
    match text.strip_prefix("\\\\") {
        Some(rest) => rest
            .trim_start_matches('\\')
            .split(['\\', '/'])
            .next()
            .unwrap_or(rest),
        None => text,
    }
}

/// A name without domain, port, path, the sign of a machine's account, and the dot at its end.
fn undressed(text: &str) -> &str {
    let name = text.rsplit('\\').next().unwrap_or(text).trim();
    // `LT-042$@CORP.EXAMPLE` is the account of a machine; another `@` is left where it stands.
    let name = name.split_once("$@").map_or(name, |(account, _)| account);
    let name = match name.split_once(':') {
        Some((host, rest)) if is_port(rest.split('/').next().unwrap_or(rest)) => host,
        _ => name,
    };
    // `lt-042 (10.20.0.9)`: the name, and where it was seen.
    let name = match name.split_once([' ', '(']) {
        Some((host, rest)) => {
            let inner =
                rest.trim_matches(|c: char| matches!(c, ' ' | '(' | ')' | '[' | ']' | '<' | '>'));
            let wrapped = name.ends_with([')', ']', '>']);
            if wrapped && bare_address(inner).is_some() {
                host
            } else {
                name
            }
        }
        None => name,
    };
    let name = name.trim_end_matches('.');
    name.strip_suffix('$').unwrap_or(name).trim_end_matches('.')
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The address that a text is: with a port, a prefix, a zone, brackets or a scheme around it. A network is none.
fn address(text: &str) -> Option<IpAddr> {
    bare_address(located(&clean::name(text)))
}

/// Every address of a text.
pub(super) fn addresses(text: &str) -> Vec<IpAddr> {
    if let Some(ip) = address(text) {
        return vec![ip];
    }
    text.split(|c: char| SEPARATORS.contains(&c) || c == ' ')
        .filter_map(address)
        .collect()
}

fn bare_address(text: &str) -> Option<IpAddr> {
    // Nothing else begins or goes on as an address does.
    if !text.contains(['.', ':'])
        || !text.starts_with(|c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '['))
    {
        return None;
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']')?;
        let after = after.split('/').next().unwrap_or(after);
        let plain = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return plain.then(|| v6(inner)).flatten();
    }
    if let Some((before, prefix)) = text.split_once('/') {
        if let Some((host, port)) = before
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':'))
        {
            return is_port(port)
                .then(|| host.parse::<IpAddr>().ok())
                .flatten()
                .map(|ip| ip.to_canonical());
        }
        let ip = before.parse::<IpAddr>().ok().or_else(|| v6(before))?;
        return is_host(ip, prefix.parse().ok()?).then(|| ip.to_canonical());
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && is_port(port) => {
            host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
        }
        _ => v6(text),
    }
}

/// An address of version 6, with or without the zone that it is valid in.
fn v6(text: &str) -> Option<IpAddr> {
    let bare = text.split_once('%').map_or(text, |(bare, _)| bare);
    bare.parse::<core::net::Ipv6Addr>()
        .ok()
        .map(|ip| IpAddr::V6(ip).to_canonical())
}

/// Whether an address with this prefix is one machine's: where all bits behind it are zero, it is a network.
fn is_host(ip: IpAddr, prefix: u32) -> bool {
    let (bits, width) = match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let behind = 1_u128
        .checked_shl(width - prefix.min(width))
        .map_or(u128::MAX, |end| end - 1);
    // Of two addresses each is a machine's, and so is a whole address.
    prefix <= width && (prefix + 1 >= width || bits & behind != 0)
}

/// Whether an address is everybody's own.
pub(super) fn is_nobody(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

/// A host's name with its domain, where the two stand apart. What is there already is not said twice, and what is no
/// domain is left out.
pub(super) fn qualified(host: &str, domain: &str, nothing: &Nothing) -> String {
    let host = host.trim().trim_matches('.');
    let domain = domain.trim().trim_matches('.');
    let SaidHost::Host(name) = single(host) else {
        return host.to_owned();
    };
    let label = name.split('.').next().unwrap_or(&name);
    let begins = domain
        .split('.')
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case(label));
    if nothing.says(domain) || is_no_domain(domain) {
        return host.to_owned();
    }
    // A computer outside of any domain names itself, and some senders put the whole name into the domain's place.
    match (name.contains('.'), begins) {
        (true, _) => host.to_owned(),
        (false, true) if domain.contains('.') => domain.to_owned(),
        (false, true) => host.to_owned(),
        (false, false) => format!("{name}.{domain}"),
    }
}

/// What Windows and resolvers put where there is no domain.
fn is_no_domain(domain: &str) -> bool {
    ["workgroup", "mshome", "localdomain", "localhost", "local"]
        .iter()
        .any(|none| domain.eq_ignore_ascii_case(none))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ID: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn shown(text: &str) -> String {
        let said = read(text, &Nothing::default());
        let one = |said: &SaidHost| match said {
            SaidHost::Host(name) => name.clone(),
            SaidHost::Machine(_) => "id".to_owned(),
            SaidHost::Address(ip) => ip.to_string(),
            SaidHost::Nobody => "nobody".to_owned(),
            SaidHost::Odd => "odd".to_owned(),
        };
        said.iter().map(one).collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn a_name_is_read_in_every_form_that_senders_write() {
        for (text, expected) in [
            ("lt-042", "lt-042"),
            (" LT-042.corp.example. ", "LT-042.corp.example"),
            ("CORP\\LT-042", "LT-042"),
            ("CORP\\\\LT-042", "LT-042"),
            (".\\LT-042", "LT-042"),
            ("LT-042$", "LT-042"),
            ("CORP\\LT-042$", "LT-042"),
            ("LT-042$@CORP.EXAMPLE", "LT-042"),
            ("lt-042:9182", "lt-042"),
            ("lt-042.corp.example:9182/metrics", "lt-042.corp.example"),
            (
                "https://lt-042.corp.example:8443/x?a=1,2",
                "lt-042.corp.example",
            ),
            ("https://user:word@lt-042/x", "lt-042"),
            ("\\\\LT-042\\share$\\x", "LT-042"),
            ("\"lt-042\"", "lt-042"),
            ("{lt-042}", "lt-042"),
            ("lt-\u{200b}042\u{feff}", "lt-042"),
            ("lt-042 (10.20.0.9)", "lt-042"),
            ("WERKSTATT-Ä1", "WERKSTATT-Ä1"),
            ("lt-042,lt-043", "lt-042 & lt-043"),
            ("lt-042; lt-043", "lt-042 & lt-043"),
            ("lt-042\nlt-043\r\n", "lt-042 & lt-043"),
            ("lt-042 lt-043", "lt-042 & lt-043"),
            ("lt-042,N/A,", "lt-042"),
            ("lt-042,10.20.0.9", "lt-042 & 10.20.0.9"),
            ("https://a-1/x,https://b-2/y", "a-1 & b-2"),
            ("https://a-1/x,b-2", "a-1"),
            ("localhost", "nobody"),
            ("localhost:9100", "nobody"),
            ("localhost.localdomain", "nobody"),
            ("127.0.0.1:80", "nobody"),
            ("[::1]:80", "nobody"),
            ("Doe, John", "odd"),
            ("John Laptop", "odd"),
            ("lt-042, the laptop of John", "odd"),
            ("line\nbreak", "odd"),
            ("lt/042", "odd"),
            ("lt*", "odd"),
            ("a..b", "odd"),
            ("HOST/lt-042", "odd"),
            ("{{host}} x", "odd"),
            ("{{host}},lt-042", "odd"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        assert_eq!(shown(&format!("{{{}}}", ID.to_uppercase())), "id");
    }

    #[test]
    fn an_address_is_read_with_what_stands_around_it() {
        for (text, expected) in [
            ("10.20.0.9", "10.20.0.9"),
            (" 10.20.0.9:51000", "10.20.0.9"),
            ("10.20.0.22/24", "10.20.0.22"),
            ("10.20.0.22/32", "10.20.0.22"),
            ("fd00::7", "fd00::7"),
            ("[fd00::7]", "fd00::7"),
            ("[fd00::7]:9182", "fd00::7"),
            ("[fe80::1%eth0]:80", "fe80::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("fd00::7/64", "fd00::7"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("http://10.20.0.9:8080/metrics", "10.20.0.9"),
            ("10.20.0.9:9100/metrics", "10.20.0.9"),
        ] {
            assert_eq!(address(text), Some(expected.parse().unwrap()), "{text:?}");
            assert_eq!(shown(text), expected, "{text:?}");
        }
        for none in [
            "10.20.0.0/24",
            "fd00::/64",
            "10.20.0",
            "10.20.0.9/33",
            "10.20.0.9/x",
            "abc",
            "",
            "1:2",
            "[fd00::7",
            "ab.cd",
        ] {
            assert_eq!(address(none), None, "{none:?}");
        }
        assert_eq!(addresses("10.0.0.1, fd00::7").len(), 2);
    }

    #[test]
    fn a_domain_is_added_where_there_is_one_and_it_is_not_said_yet() {
        for (host, domain, expected) in [
            ("lt-042", "corp.example", "lt-042.corp.example"),
            ("lt-042.corp.example", "corp.example", "lt-042.corp.example"),
            ("LT-042.CORP.EXAMPLE", "corp.example", "LT-042.CORP.EXAMPLE"),
            ("lt-042", ".corp.example", "lt-042.corp.example"),
            ("lt-042.", ".corp.example.", "lt-042.corp.example"),
            ("lt-042", "WORKGROUP", "lt-042"),
            ("lt-042", "WORKGROUP.", "lt-042"),
            ("lt-042", "localdomain", "lt-042"),
            ("lt-042", "N/A", "lt-042"),
            ("lt-042", "", "lt-042"),
            ("lt-042", "LT-042", "lt-042"),
            ("lt-042", "lt-042.corp.example", "lt-042.corp.example"),
            (
                "lt-042.corp.example",
                "other.example",
                "lt-042.corp.example",
            ),
            ("CORP\\lt-042", "corp.example", "lt-042.corp.example"),
            ("10.20.0.9", "corp.example", "10.20.0.9"),
        ] {
            assert_eq!(
                qualified(host, domain, &Nothing::default()),
                expected,
                "{host} {domain}"
            );
        }
    }
}
