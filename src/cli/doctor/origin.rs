//! How far the way to one host goes: name, connection, proxy, TLS, and what its clock says. Pure: from what was seen to
//! steps.

use super::signer::Signer;
use super::step::DoctorStep;

/// A clock that is further off than this many seconds makes tokens invalid before or after their time.
pub(super) const MOST_AHEAD: u64 = 300;

/// What was seen on the way to one host.
#[derive(Clone, Debug)]
pub(super) struct OriginFacts {
    /// Scheme, host and port, if one is named.
    pub(super) origin: String,
    /// The host that is connected to: its own, or that of the proxy.
    pub(super) contact: String,
    /// The one tenant that calls it; `None`: several do.
    pub(super) tenant: Option<String>,
    /// The proxy on the way, without anything secret.
    pub(super) proxy: Option<String>,
    /// The addresses of the contact.
    pub(super) addresses: Result<Vec<String>, String>,
    /// The address that took the connection. `None`: it was not tried.
    pub(super) connected: Option<Result<String, String>>,
    /// How a request without a credential ended: a status, or a stable code. `None`: it was not tried.
    pub(super) answered: Option<Result<u16, String>>,
    /// The certificate that was shown, whether it is trusted or not.
    pub(super) signer: Option<Signer>,
}

/// What one clock said.
#[derive(Clone, Debug)]
pub(super) struct ClockReading {
    pub(super) who: String,
    /// By how many seconds the clock of this computer is ahead of it.
    pub(super) ahead: i64,
}

impl OriginFacts {
    /// Whether a request gets there and back.
    pub(super) fn is_reached(&self) -> bool {
        matches!(self.answered, Some(Ok(_)))
    }

    pub(super) fn steps(&self) -> Vec<DoctorStep> {
        let steps = [self.dns(), self.tcp(), self.proxy(), self.tls()];
        let of_tenant = |step: DoctorStep| step.of_tenant(self.tenant.as_deref());
        steps.map(of_tenant).into()
    }

    fn dns(&self) -> DoctorStep {
        let contact = &self.contact;
        match &self.addresses {
            Ok(addresses) => {
                let shown = addresses.iter().take(3).cloned().collect::<Vec<_>>();
                DoctorStep::good("dns", format!("{contact} is {}", shown.join(", ")))
            }
            Err(why) => DoctorStep::bad(
                "dns",
                format!("{contact} has no address: {why}"),
                match self.proxy {
                    Some(_) => {
                        "check the name in `[network] proxy`, and the name servers of this computer"
                    }
                    None => {
                        "check the spelling of api_base and authority, and the name servers of this computer; where only a proxy knows names outside, set `[network] proxy`"
                    }
                },
            ),
        }
    }

    fn tcp(&self) -> DoctorStep {
        let contact = &self.contact;
        match &self.connected {
            None => DoctorStep::skipped("tcp", format!("{contact} has no address")),
            Some(Ok(address)) => DoctorStep::good("tcp", format!("{contact} answers at {address}")),
            Some(Err(why)) => DoctorStep::bad(
                "tcp",
                format!("no connection to {contact}: {why}"),
                format!(
                    "let this computer open connections to {contact}, in its firewall and those on the way; where only a proxy may, set `[network] proxy`"
                ),
            ),
        }
    }

    fn proxy(&self) -> DoctorStep {
        let Some(proxy) = &self.proxy else {
            return DoctorStep::good("proxy", format!("none on the way to {}", self.origin));
        };
        let code = match &self.answered {
            None => return DoctorStep::skipped("proxy", format!("{proxy} cannot be reached")),
            Some(Err(code)) if code.starts_with("proxy-") => code,
            Some(_) => {
                let detail = format!("{proxy} opens the way to {}", self.origin);
                return DoctorStep::good("proxy", detail);
            }
        };
        let remedy = match code.as_str() {
            "proxy-auth" => {
                "give it a user it knows: `username` and `password_file` of `[network] proxy`"
            }
            "proxy-silent" => {
                "ask whoever runs it whether it may reach this host, and whether the host is allowed through"
            }
            "proxy-dns" => "check the name in `[network] proxy`",
            "proxy-tls" => {
                "its own certificate is not trusted: name its authority in `[network] ca_file`, or use http:// in its url"
            }
            _ => "ask whoever runs it to allow CONNECT to this host and port",
        };
        let detail = format!("{proxy} does not open the way to {}: {code}", self.origin);
        DoctorStep::bad("proxy", detail, remedy)
    }

    fn tls(&self) -> DoctorStep {
        let origin = &self.origin;
        let plain = origin.starts_with("http://");
        match &self.answered {
            None => DoctorStep::skipped("tls", format!("{origin} cannot be reached")),
            Some(Err(code)) if code.starts_with("proxy-") => DoctorStep::skipped(
                "tls",
                format!("the proxy does not open the way to {origin}"),
            ),
            Some(Ok(_)) if plain => {
                DoctorStep::good("tls", format!("none: {origin} is this computer"))
            }
            Some(Ok(_)) => {
                let signer = self.signer.as_ref();
                let signed = signer.map_or_else(String::new, |signer| format!(", {signer}"));
                DoctorStep::good("tls", format!("{origin} is trusted{signed}"))
            }
            Some(Err(code)) if code == "tls" => self.untrusted(),
            Some(Err(code)) => DoctorStep::bad(
                "tls",
                format!("{origin} takes the connection and gives no answer: {code}"),
                "see what listens there, and what stands in between: it does not speak HTTP as expected",
            ),
        }
    }

    fn untrusted(&self) -> DoctorStep {
        let origin = &self.origin;
        let Some(signer) = &self.signer else {
            return DoctorStep::bad(
                "tls",
                format!("{origin} does not speak TLS, or hangs up in the handshake"),
                "see what listens there: scheme and port must be those of HTTPS",
            );
        };
        let remedy = match signer.fault {
            Some(fault) => fault.to_owned(),
            None => format!(
                "if your network inspects TLS, or this is a private cloud, name the certificate of `{}` in `[network] ca_file`; otherwise somebody stands in between",
                signer.issuer
            ),
        };
        DoctorStep::bad("tls", format!("{origin} is not trusted, {signer}"), remedy)
    }
}

/// Of all clocks that were seen the one that differs most.
pub(super) fn clock(readings: &[ClockReading]) -> DoctorStep {
    let worst = readings
        .iter()
        .max_by_key(|reading| reading.ahead.unsigned_abs());
    let Some(ClockReading { who, ahead }) = worst else {
        return DoctorStep::skipped("clock", "nobody answered with the time");
    };
    let (by, side) = (
        ahead.unsigned_abs(),
        if *ahead < 0 { "behind" } else { "ahead of" },
    );
    if by <= MOST_AHEAD {
        return DoctorStep::good("clock", format!("within {by} s of that of {who}"));
    }
    let minutes = by / 60;
    DoctorStep::bad(
        "clock",
        format!("the clock of this computer is {minutes} minutes {side} that of {who}"),
        "set it, and let it be kept: `timedatectl set-ntp true`; tokens and signatures of senders are judged by it",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reached(proxy: Option<&str>, answered: Option<Result<u16, &str>>) -> OriginFacts {
        OriginFacts {
            origin: "https://api.example".to_owned(),
            contact: "api.example:443".to_owned(),
            tenant: None,
            proxy: proxy.map(str::to_owned),
            addresses: Ok(vec!["192.0.2.1".to_owned()]),
            connected: Some(Ok("192.0.2.1:443".to_owned())),
            answered: answered.map(|answered| answered.map_err(str::to_owned)),
            signer: None,
        }
    }

    fn marks(facts: &OriginFacts) -> Vec<Option<bool>> {
        facts.steps().iter().map(|step| step.ok).collect()
    }

    #[test]
    fn the_way_ends_at_one_step_and_what_follows_is_passed_over() {
        let (good, bad, none) = (Some(true), Some(false), None);
        let proxy = Some("http://proxy.example:3128");
        for (facts, expected) in [
            (reached(None, Some(Ok(404))), [good, good, good, good]),
            (reached(None, Some(Err("tls"))), [good, good, good, bad]),
            (reached(None, Some(Err("timeout"))), [good, good, good, bad]),
            (reached(proxy, Some(Ok(302))), [good, good, good, good]),
            (reached(proxy, Some(Err("tls"))), [good, good, good, bad]),
            (
                reached(proxy, Some(Err("proxy-auth"))),
                [good, good, bad, none],
            ),
            (
                reached(proxy, Some(Err("proxy-refused"))),
                [good, good, bad, none],
            ),
            (
                OriginFacts {
                    connected: Some(Err("refused".to_owned())),
                    ..reached(proxy, None)
                },
                [good, bad, none, none],
            ),
            (
                OriginFacts {
                    addresses: Err("unknown".to_owned()),
                    connected: None,
                    ..reached(None, None)
                },
                [bad, none, good, none],
            ),
        ] {
            assert_eq!(marks(&facts), expected, "{facts:?}");
            for step in facts.steps() {
                assert_eq!(step.remedy.is_some(), step.failed(), "{step:?}");
            }
        }
    }

    #[test]
    fn the_clock_that_differs_most_counts_and_five_minutes_are_allowed() {
        let reading = |ahead| ClockReading {
            who: "https://login.example".to_owned(),
            ahead,
        };
        assert_eq!(clock(&[]).ok, None);
        assert_eq!(clock(&[reading(300), reading(-300)]).ok, Some(true));
        let ahead = clock(&[reading(0), reading(301)]);
        assert!(
            ahead.failed() && ahead.detail.contains("ahead of"),
            "{ahead:?}"
        );
        let behind = clock(&[reading(-7200), reading(301)]);
        assert!(behind.detail.contains("120 minutes behind"), "{behind:?}");
    }
}
