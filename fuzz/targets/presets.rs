//! Bodies as each preset reads them: never a panic, and never more alerts and devices than one delivery may hold.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use scanhook::presets;
use scanhook::settings::Source;
use scanhook_core::mapping::{DeliveryLimits, Item, read};
use scanhook_core::strict_json;

static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();

fuzz_target!(|body: &[u8]| {
    let Ok(json) = strict_json::read(body) else {
        return;
    };
    let sources = SOURCES.get_or_init(|| presets::names().filter_map(Source::of_preset).collect());
    let caps = DeliveryLimits {
        alerts: 50,
        devices: 20,
    };
    for source in sources {
        let items = read(&source.mapping, caps, &json, &[0; 32]);
        assert!(items.len() <= caps.alerts.max(1), "{}", source.name);
        for item in items {
            if let Item::Alert(alert) = item {
                assert!(alert.devices.len() <= caps.devices, "{}", source.name);
                assert!(!alert.id.is_empty(), "{}", source.name);
            }
        }
    }
});
