//! An event that many listeners hear.

use std::time::Duration;

use connection_core::Filter;

use crate::{Size, client::Client, host::Host, print, timed};

/// The number of listeners with one token. The API has a maximum.
const FOR_A_TOKEN: usize = 25;

/// Opens the listeners of a path.
async fn listeners(host: &Host, port: u16, path: &str, count: usize) -> Vec<Client> {
    let mut listeners = Vec::with_capacity(count);
    let mut token = String::new();
    for number in 0..count {
        if number.is_multiple_of(FOR_A_TOKEN) {
            token = crate::host::token(&host.registry).await;
        }
        listeners.push(Client::connect(port, path, &token).await.listen(": listening").await);
    }
    listeners
}

/// Returns the time until all have heard what `say` says.
async fn heard(listeners: &mut [Client], say: impl AsyncFnOnce()) -> Duration {
    timed(async || {
        say().await;
        for listener in listeners {
            listener.hears("event: connection\n").await;
        }
    })
    .await
}

/// Measures the time from the rename of a connection until every listener has its hint, beside that of a text that is
/// passed on to as many listeners.
pub(crate) async fn measure(host: &Host, floor: u16, size: &Size) {
    let mut floors = listeners(host, floor, "/live", size.listeners).await;
    let mut ours = listeners(host, host.port, "/api/v1/live", size.listeners).await;
    let page = host.registry.list_connections(Filter::new().limit(1)).await.unwrap();
    let connection = host.registry.connection(page.items[0].id).await.unwrap();
    let mut fastest = [Duration::MAX; 2];
    for round in 0..size.rounds {
        let said = heard(&mut floors, async || {
            Client::connect(floor, "/say", &host.token).await.get().await;
        });
        fastest[0] = fastest[0].min(said.await);
        let renamed = heard(&mut ours, async || {
            connection.rename(format!("renamed {round}")).await.unwrap();
        });
        fastest[1] = fastest[1].min(renamed.await);
    }
    let [floor, ours] = fastest;
    print(&format!("an event, to {} listeners", size.listeners), floor, ours, None);
}
