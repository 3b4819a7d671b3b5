//! What the directory can be asked. Only values that were checked go into a question, so only they can leave.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

use crate::alert::{Device, MachineId};
use crate::time::Timestamp;

/// A look-up by address speaks of the time of the alert's receipt, rounded down to this: a storm is one look-up. The
/// far side takes a quarter of an hour before and after it, so the receipt itself always lies inside.
const GRAIN: Duration = Duration::from_secs(300);
/// The far side refuses a look-up by address for a time longer ago than 30 days; an hour of allowance for clocks.
const OLDEST: Duration = Duration::from_secs(30 * 86_400 - 3_600);

/// One question to the directory. Decisions that wait for the same one share its answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// The record of this id.
    Machine(MachineId),
    /// The records of exactly this name.
    Name(HostName),
    /// The records whose name is this label, a dot, and anything.
    Label(HostName),
    /// The record with this Entra device id.
    Entra(EntraId),
    /// The machines that were seen with this internal address around this time.
    Address(IpAddr, Timestamp),
}

impl Question {
    /// A text that is the same for the same question: the journal's key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Question::Machine(id) => format!("id:{id}"),
            Question::Name(name) => format!("name:{name}"),
            Question::Label(label) => format!("label:{label}"),
            Question::Entra(id) => format!("entra:{id}"),
            Question::Address(ip, at) => format!("ip:{ip}@{}", at.millis()),
        }
    }

    /// The question of a key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Question> {
        let (kind, value) = key.split_once(':')?;
        match kind {
            "id" => MachineId::parse(value).map(Question::Machine),
            "name" => HostName::parse(value).map(Question::Name),
            "label" => HostName::parse(value).map(Question::Label),
            "entra" => EntraId::parse(value).map(Question::Entra),
            "ip" => {
                let (ip, at) = value.rsplit_once('@')?;
                Some(Question::Address(
                    ip.parse().ok()?,
                    Timestamp::from_millis(at.parse().ok()?),
                ))
            }
            _ => None,
        }
    }
}

/// A host name fit to be asked for: lower case, no longer than any real one, and nothing in it that no name has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    /// Reads a host name. A dot at its end means the same as none.
    #[must_use]
    pub fn parse(text: &str) -> Option<HostName> {
        let name = text.trim().trim_end_matches('.').to_lowercase();
        let fits = !name.is_empty()
            && name.chars().count() <= 253
            && name.split('.').all(|label| !label.is_empty());
        // Letters of any script; of the rest what Windows lets a computer's name hold.
        let plain = |c: char| c.is_alphanumeric() || "-_.'!@#$%^&()~".contains(c);
        let id = MachineId::parse(&name).is_some() || name.parse::<IpAddr>().is_ok();
        (fits && !id && name.chars().all(plain)).then_some(HostName(name))
    }

    /// As it is asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says its domain.
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        self.0.contains('.')
    }

    /// What stands before the first dot.
    #[must_use]
    pub fn label(&self) -> HostName {
        HostName(self.0.split('.').next().unwrap_or(&self.0).to_owned())
    }

    /// Whether both can be names of one machine: they are equal, or one of them is the other's first label.
    #[must_use]
    pub fn agrees(&self, other: &HostName) -> bool {
        self == other
            || (self.is_qualified() != other.is_qualified() && self.label() == other.label())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Entra device id: a GUID in its usual spelling, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntraId(String);

impl EntraId {
    /// Reads a GUID; anything else is no Entra device id.
    #[must_use]
    pub fn parse(text: &str) -> Option<EntraId> {
        let id = text.trim();
        let id = uuid::Uuid::try_parse(id).ok().filter(|_| id.len() == 36)?;
        (!id.is_nil()).then(|| EntraId(id.hyphenated().to_string()))
    }
}

impl fmt::Display for EntraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address that belongs to one machine of a network: a private one. A public one stands for all that share it.
#[must_use]
pub fn internal(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        // 100.64.0.0/10 is private as well: shared address space.
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => unique_local(ip),
    }
}

fn unique_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xfe00 == 0xfc00
}

/// What an alert says of a device, as far as the directory can be asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceClaims {
    /// The machine's id.
    pub machine: Option<MachineId>,
    /// Its name.
    pub name: Option<HostName>,
    /// There is a name, but none that could be one: no machine found otherwise agrees with it.
    pub odd_name: bool,
    /// Its Entra device id.
    pub entra: Option<EntraId>,
    /// Its internal address, and the time at which it had it.
    pub address: Option<(IpAddr, Timestamp)>,
}

impl DeviceClaims {
    /// Reads what an alert says of a device. `received` is when the alert came.
    #[must_use]
    pub fn of(device: &Device, received: Timestamp) -> DeviceClaims {
        let name = device.name.as_deref().and_then(HostName::parse);
        let ip = device
            .ip
            .as_deref()
            .and_then(|ip| ip.parse().ok())
            .map(|ip: IpAddr| ip.to_canonical());
        let grain = i64::try_from(GRAIN.as_millis()).unwrap_or(1);
        let at = Timestamp::from_millis(received.millis() - received.millis().rem_euclid(grain));
        DeviceClaims {
            machine: device.machine.clone(),
            odd_name: device.bad_name.is_some() || (device.name.is_some() && name.is_none()),
            name,
            entra: device.aad_id.as_deref().and_then(EntraId::parse),
            address: ip.filter(|ip| internal(*ip)).map(|ip| (ip, at)),
        }
    }

    /// Whether there is anything the directory could be asked for.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.machine.is_some()
            || self.name.is_some()
            || self.entra.is_some()
            || (self.address.is_some() && !self.odd_name)
    }

    /// The address, while the far side still answers for its time.
    #[must_use]
    pub fn fresh_address(&self, now: Timestamp) -> Option<(IpAddr, Timestamp)> {
        self.address.filter(|(_, at)| now.since(*at) < OLDEST)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ID: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
    const GUID: &str = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";

    #[test]
    fn a_key_leads_back_to_its_question() {
        let name = HostName::parse("O'Brien.corp@x").unwrap();
        for question in [
            Question::Machine(MachineId::parse(ID).unwrap()),
            Question::Name(name.clone()),
            Question::Label(name),
            Question::Entra(EntraId::parse(GUID).unwrap()),
            Question::Address(
                "fd00::7".parse().unwrap(),
                Timestamp::from_millis(1_793_606_400_000),
            ),
            Question::Address("10.0.0.7".parse().unwrap(), Timestamp::from_millis(0)),
        ] {
            assert_eq!(Question::of_key(&question.key()), Some(question));
        }
        for odd in ["", "name:", "id:ws-1", "ip:10.0.0.7", "x:y", "entra:1"] {
            assert_eq!(Question::of_key(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_what_can_be_a_name_is_asked_for() {
        for (text, name) in [
            (" WS-1.Corp.Example.com. ", "ws-1.corp.example.com"),
            ("O'Brien_7", "o'brien_7"),
            ("WERKSTATT-Ä1", "werkstatt-ä1"),
        ] {
            assert_eq!(HostName::parse(text).unwrap().as_str(), name);
        }
        let long = "a".repeat(254);
        for absurd in [
            "",
            " ",
            ".",
            "a..b",
            ".corp",
            "a b",
            "a\nb",
            "a\0b",
            "a/b",
            "a?b",
            "a*",
            "a\"b",
            "a\u{202e}b",
            "{{host}}",
            "10.0.0.1",
            "fd00::1",
            ID,
            &long,
        ] {
            assert_eq!(HostName::parse(absurd), None, "{absurd:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_not_asked_for_and_no_address_stands_in_for_it() {
        let ip = Some("10.0.0.7".to_owned());
        let device = Device {
            bad_name: Some("a, b c".to_owned()),
            ip,
            ..Device::default()
        };
        let claims = DeviceClaims::of(&device, Timestamp::from_millis(0));
        assert!(claims.odd_name && claims.name.is_none() && !claims.can_ask());
    }

    #[test]
    fn two_names_agree_if_one_says_no_more_than_the_other() {
        let agree = |a: &str, b: &str| {
            HostName::parse(a)
                .unwrap()
                .agrees(&HostName::parse(b).unwrap())
        };
        assert!(
            agree("ws-1", "WS-1")
                && agree("ws-1", "ws-1.corp.example")
                && agree("ws-1.corp.example", "ws-1")
        );
        assert!(!agree("ws-1", "ws-10") && !agree("ws-1.corp.example", "ws-1.other.example"));
        assert!(
            !agree("ws-1.corp", "ws-1.corp.example"),
            "a name is qualified whole or not at all"
        );
    }

    #[test]
    fn a_public_address_is_nobodys() {
        for (ip, is) in [
            ("10.1.2.3", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.7.7", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("198.51.100.7", false),
            ("169.254.3.3", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("2001:db8::1", false),
            ("::ffff:10.1.2.3", true),
        ] {
            assert_eq!(internal(ip.parse().unwrap()), is, "{ip}");
        }
    }

    #[test]
    fn an_entra_id_is_a_guid_in_its_usual_spelling() {
        assert_eq!(
            EntraId::parse(&GUID.to_uppercase()).unwrap().to_string(),
            GUID
        );
        for odd in [
            "",
            "8d6f1f4e1b2c4d3e8f90a1b2c3d4e5f6",
            &format!("{{{GUID}}}"),
            ID,
            &"0".repeat(36),
        ] {
            assert_eq!(EntraId::parse(odd), None, "{odd}");
        }
        assert_eq!(
            EntraId::parse("00000000-0000-0000-0000-000000000000"),
            None,
            "a placeholder names nobody"
        );
    }

    #[test]
    fn the_time_of_an_address_is_that_of_the_receipt_within_five_minutes() {
        let received = Timestamp::parse("2026-11-02T08:19:59.999Z").unwrap();
        let device = Device {
            ip: Some("10.0.0.7".to_owned()),
            ..Device::default()
        };
        let (_, at) = DeviceClaims::of(&device, received).address.unwrap();
        assert_eq!(at.to_string(), "2026-11-02T08:15:00.000Z");
        let claims = DeviceClaims::of(&device, received);
        assert!(
            claims
                .fresh_address(received.plus(Duration::from_secs(29 * 86_400)))
                .is_some()
        );
        assert!(
            claims
                .fresh_address(received.plus(Duration::from_secs(30 * 86_400)))
                .is_none()
        );
    }
}
