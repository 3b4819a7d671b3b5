//! The far side, played on a loopback port by the simulator, for a demo, a trial or a test.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock;
use crate::server::limits::Limits;
use crate::server::listener;
use scanhook_simulator::serve as simulator;

/// Plays the far side, where one is to be played; its address.
///
/// # Errors
/// When no port is free.
pub async fn play_if_any(
    tasks: &mut JoinSet<&'static str>,
    simulator: Option<simulator::SharedSimulator>,
    stop: watch::Receiver<bool>,
) -> Result<Option<SocketAddr>, io::Error> {
    match simulator {
        Some(shared) => Ok(Some(play(tasks, shared, stop).await?)),
        None => Ok(None),
    }
}

/// Plays the far side on a loopback port.
async fn play(
    tasks: &mut JoinSet<&'static str>,
    shared: simulator::SharedSimulator,
    stop: watch::Receiver<bool>,
) -> Result<SocketAddr, io::Error> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = socket.local_addr()?;
    let router = simulator::router(shared, clock::jiff);
    let limits = Limits {
        grace: Duration::from_secs(1),
        ..Limits::default()
    };
    tasks.spawn(async move {
        listener::serve(socket, router, limits, Default::default(), stop).await;
        "the simulator"
    });
    Ok(address)
}
