//! What one mention supplies of a device, with the texts it was read from.

use core::net::IpAddr;

use super::found::Candidate;
use super::notes::{Notes, Supply};
use crate::alert::Device;

/// A device that a place tells of, with what told it.
#[derive(Default)]
pub(super) struct DevicePart {
    pub(super) device: Device,
    pub(super) supplies: Vec<Supply>,
}

/// Something of a device, and the text it was read from.
pub(super) struct ReadText<T> {
    pub(super) value: T,
    pub(super) one: Candidate,
}

impl DevicePart {
    /// Notes which text became this value of the device.
    pub(super) fn takes(&mut self, notes: &Notes, field: &str, one: &Candidate, value: &str) {
        if notes.trace.is_some() {
            let read_as = (one.text != value).then(|| value.to_owned());
            let (field, text, from) = (field.to_owned(), one.text.clone(), one.from.clone());
            self.supplies.push(Supply {
                device: None,
                field,
                text,
                read_as,
                from,
            });
        }
    }

    /// The device with its address and its Entra id, unless there is nothing that names it.
    pub(super) fn with(
        mut self,
        address: Option<ReadText<IpAddr>>,
        entra: Option<ReadText<String>>,
        notes: &Notes,
    ) -> Vec<DevicePart> {
        if let Some(ReadText { value, one }) = address {
            let ip = value.to_string();
            self.takes(notes, "device.ip", &one, &ip);
            self.device.ip = Some(ip);
        }
        if let Some(ReadText { value, one }) = entra {
            self.takes(notes, "device.aad_id", &one, &value);
            self.device.aad_id = Some(value);
        }
        if self.device == Device::default() {
            Vec::new()
        } else {
            vec![self]
        }
    }
}
