//! The network address of a device: the first that tells a machine from others.

use core::net::IpAddr;

use super::compiled::Devices;
use super::device_part::ReadText;
use super::field::Length;
use super::found::Candidate;
use super::host_name::{self, is_nobody};
use super::notes::Notes;
use super::path::At;
use super::placeholder;

pub(super) fn address(
    table: &Devices,
    at: At<'_, '_>,
    notes: &mut Notes,
    refused: &mut bool,
) -> Option<ReadText<IpAddr>> {
    let (texts, wrong) = notes.candidates(&table.ip, at, "device.ip", Length::Key);
    let texts: Vec<Candidate> = texts
        .into_iter()
        .filter(|one| !placeholder::is(&one.text))
        .collect();
    let said = texts.iter().flat_map(|one| {
        host_name::addresses(&one.text)
            .into_iter()
            .map(move |ip| (one, ip))
    });
    let addresses: Vec<(&Candidate, IpAddr)> = said.collect();
    if addresses.is_empty() && (wrong || !texts.is_empty()) {
        notes.unusable("device.ip");
    }
    // An address that is valid on one cable only tells nobody which machine it is.
    let first = |wanted: fn(IpAddr) -> bool| {
        addresses
            .iter()
            .find(|(_, ip)| !is_nobody(*ip) && wanted(*ip))
    };
    let usable = first(|ip| !is_link_local(ip)).or_else(|| first(|_| true));
    *refused |= usable.is_none() && !addresses.is_empty();
    usable.map(|(one, value)| ReadText {
        value: *value,
        one: (*one).clone(),
    })
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
