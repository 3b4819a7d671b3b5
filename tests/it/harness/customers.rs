//! The configuration of one who works for two customers, each with a tenant of its own.

use scanhook_simulator::Machine;

use super::{CLIENT, TENANT, machine};

/// The other Entra tenant.
pub const SOUTH: &str = "4e3c2f9d-7b55-4a1e-8d62-8f9bac1d2e3f";

/// The tenants `north` and `south` (so named), and these sections.
pub fn two_customers(south: &str, sources: &str) -> String {
    let tenant = |name: &str, id: &str| {
        format!(
            "[tenants.{name}]\ntenant_id = \"{id}\"\nclient_id = \"{CLIENT}\"\ncredential = {{ secret_file = \"app.secret\" }}\n\
             api_base = \"http://FAR\"\nauthority = \"http://FAR\"\n"
        )
    };
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ngrace = \"2s\"\n[journal]\nurl = \"sqlite:scanhook.db\"\n";
    let (north, south) = (tenant("north", TENANT), tenant(south, SOUTH));
    format!("{server}{north}{south}{sources}")
}

/// A source with these lines, proved by the secret that every source of its own has here.
pub fn source(name: &str, lines: &str) -> String {
    format!(
        "[sources.{name}]\n{lines}\n[[sources.{name}.auth]]\nbearer = {{ secret_file = \"siem.secret\" }}\n"
    )
}

/// A source that sends the generic body, for one tenant.
pub fn generic(name: &str, tenant: &str) -> String {
    source(
        name,
        &format!("preset = \"generic\"\ntenants = \"{tenant}\""),
    )
}

/// A machine that the far side lists under this name.
pub fn listed(n: u32, name: &str, tenant: &str) -> Machine {
    Machine {
        id: machine(n),
        dns_name: Some(name.to_owned()),
        tenant: Some(tenant.to_owned()),
        ..Machine::default()
    }
}
