//! A server that accepts connections, until the process ends.

use std::{convert::Infallible, future::pending, net::SocketAddr, time::Duration};

use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, Server};
use connection_server::{LiveStreams, Readiness};
use tokio::sync::watch;

use super::{
    Tasks, browser,
    page::{Page, Visits},
    print_state,
    routes::Routes,
    supervisor::Supervisor,
};
use crate::{
    Error,
    args::Serve,
    platform::{DoorSocket, OPERATIONS, Signals},
    program::Program,
};

/// The default time limit of a request, if none is configured.
const USUAL_REQUEST: Duration = Duration::from_secs(60);
/// The additional time after a request in progress, in which its result is stored.
const MAX_SHUTDOWN_TIME: Duration = Duration::from_secs(30);

/// A server that accepts connections, and what ends when the process is asked to stop.
pub(super) struct Running<'a> {
    pub(super) program: &'a Program,
    pub(super) registry: ConnectionRegistry,
    pub(super) address: SocketAddr,
    pub(super) url: PublicUrl,
    pub(super) tasks: Tasks,
    pub(super) readiness: Readiness,
    pub(super) live: LiveStreams,
    pub(super) supervisor: Supervisor,
    /// `true` from the moment at which no more connections are accepted.
    pub(super) stopped: watch::Sender<bool>,
}

impl Running<'_> {
    /// Tells a person and programs that the server listens, with a code for the page if one is to be printed.
    pub(super) async fn announce(&self, page: &Page, arguments: &Serve) -> Result<(), Error> {
        tracing::info!(target: OPERATIONS, "listening on {}, reached at {}", self.address, self.url);
        let printed = if arguments.print_page { Some(page.with_code().await?) } else { None };
        self.print("listening", printed)?;
        let output = &self.program.output;
        match &self.program.settings.inbound.unix_socket {
            Some(path) if !output.json => {
                output.line(format!("The doors for agents are also open at the socket {}.", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Serves requests until the server stops, and finishes the work in progress.
    pub(super) async fn serve(&self, server: Server, routes: Routes, socket: Option<DoorSocket>) {
        let Routes { all, doors } = routes;
        let at_socket = async {
            if let Some(socket) = socket {
                socket.serve(doors, self.is_stopped()).await;
            }
        };
        tokio::join!(server.serve(all, &self.url, self.is_stopped()), at_socket);
        let patience = self.program.settings.timeout.unwrap_or(USUAL_REQUEST).saturating_add(MAX_SHUTDOWN_TIME);
        drained(&self.registry, &self.live, patience).await;
    }

    /// Resolves when no more connections are accepted.
    async fn is_stopped(&self) {
        let mut stopped = self.stopped.subscribe();
        drop(stopped.wait_for(|stopped| *stopped).await);
    }

    /// Opens the page in the browser of a person who wants it.
    pub(super) async fn open_page(&self, page: Page, arguments: &Serve) -> Infallible {
        let output = &self.program.output;
        if arguments.open
            && let Err(error) = page.open(browser(self.program), output, Visits::UntilEnd).await
        {
            output.note(format!("The page was not opened: {error}"));
        }
        pending().await
    }

    /// Stops the server at the first signal, so that [`serve`](Self::serve) ends with the work in progress. Returns at
    /// the second signal, which stops it at once.
    pub(super) async fn stop(&self, signals: &mut Signals) -> Result<(), Error> {
        signals.next().await;
        tracing::info!(target: OPERATIONS, "asked to stop: no new work is begun, and work in progress is finished");
        self.supervisor.stops();
        self.readiness.drain();
        self.tasks.abort();
        let printed = self.print("draining", None);
        if self.is_delay_over(signals).await {
            self.live.end();
            self.stopped.send_replace(true);
            signals.next().await;
        }
        self.program.output.note(
            "Stopped at once. The next process continues unfinished setups and refreshes; the outcome of a request \
             that was being sent is not known.",
        );
        tracing::warn!(
            target: OPERATIONS,
            "stopped at once; the outcome of requests that were being sent is not known"
        );
        printed
    }

    /// Waits while load balancers find out that requests go to other processes. Returns `false` if a signal comes first.
    async fn is_delay_over(&self, signals: &mut Signals) -> bool {
        let delay = self.program.settings.inbound.stop_delay;
        if delay.is_zero() {
            return true;
        }
        let clock = self.registry.clock();
        tokio::select! {
            () = clock.sleep(delay) => true,
            _ = signals.next() => false,
        }
    }

    /// Prints the state of the server.
    pub(super) fn print(&self, state: &'static str, page: Option<String>) -> Result<(), Error> {
        print_state(&self.program.output, state, self.address, &self.url, page)
    }
}

/// Waits for streams to end and for refreshes in progress, and closes the store.
///
/// Work that takes longer is left to the next process, which finds what was recorded.
async fn drained(registry: &ConnectionRegistry, live: &LiveStreams, patience: Duration) {
    let clock = registry.clock();
    let all = async {
        live.settled().await;
        registry.drain().await;
        registry.close().await;
    };
    tokio::select! {
        biased;
        () = all => {}
        () = clock.sleep(patience) => tracing::warn!(
            target: OPERATIONS,
            "work in progress has not finished in {} s; the next process continues it, apart from approved requests of \
             agents, which may have happened",
            patience.as_secs()
        ),
    }
}
