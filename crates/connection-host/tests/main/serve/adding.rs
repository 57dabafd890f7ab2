//! Another process that begins setups and receives no callbacks itself, as `connections add` beside a `serve`.

use std::{sync::Arc, time::Duration};

use connection_contract::{Kind, Secret};
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, Outcome, SetupSession, SetupStep};
use connection_inbound::{PublicEndpoint, PublicUrl};
use connection_plugin_github::GitHub;
use connection_plugin_notion::Notion;
use connection_plugin_twilio::Twilio;
use tokio::runtime::Runtime;

use super::{PATIENCE, Serving, google::Google};
use crate::{
    program::{Machine, on_postgres},
    servers::opened,
};

pub(crate) struct Adding {
    pub(super) runtime: Runtime,
    pub(super) registry: ConnectionRegistry,
}

impl Adding {
    /// Opens a registry on the store of that machine. Browsers return to `url`.
    pub(super) fn open(machine: &Machine, origins: &[(&str, &str)], url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = PublicUrl::on_private_network(url).or_else(|_| url.parse()).unwrap();
        let mut policy = HttpPolicy::new();
        for (from, to) in origins {
            policy = policy.endpoint(from, to).unwrap();
        }
        let builder = ConnectionRegistry::builder()
            .store(machine.address())
            .key(KeyFile::at(machine.data().join("key/root.key")))
            .http(policy)
            .inbound(Arc::new(PublicEndpoint::new(url)));
        let builder = match on_postgres() {
            true => builder.state_directory(machine.data().join("state")),
            false => builder,
        };
        let builder = builder.kind(connection_plugin_gmail::gmail()).kind(GitHub).kind(Notion).kind(Twilio);
        let registry = runtime.block_on(async { builder.open().await.unwrap() });
        Self { runtime, registry }
    }

    pub(crate) fn at(machine: &Machine, google: &Google, serving: &Serving) -> Self {
        Self::open(machine, &Google::ORIGINS.map(|from| (from, google.origin.as_str())), &serving.url)
    }

    pub(super) fn wait<T>(&self, task: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, task).await.expect("it takes too long") })
    }

    /// Begins a setup that sends a browser away. Returns it with the path and query of its callback.
    pub(super) fn begun(&self) -> (SetupSession, String) {
        self.wait(async {
            let session = self.registry.setups().begin(&Kind::from_static("gmail")).again().await.unwrap();
            let (mut no, mut step) = session.next_step().await.unwrap().unwrap();
            // The first setup shows what to register before it asks for the application.
            while matches!(&step, SetupStep::Notice { .. }) {
                (no, step) = session.next_step().await.unwrap().unwrap();
            }
            if matches!(&step, SetupStep::Prompt { open: None, .. }) {
                let pairs = [("clientId", "app"), ("clientSecret", "SECRET-of-app")];
                let answers = pairs.map(|(name, value)| (name.to_owned(), Secret::from(value)));
                session.advance(no, &answers).await.unwrap();
                (no, step) = session.next_step().await.unwrap().unwrap();
            }
            let link = opened(&step);
            let state = link.split("state=").nth(1).and_then(|rest| rest.split('&').next());
            let state = state.unwrap_or_else(|| panic!("step {no} has no state: {link}"));
            let path = format!("/callback/gmail?code=the-code&state={state}");
            (session, path)
        })
    }

    /// Waits until the setup has ended, and returns its outcome as a word.
    pub(super) fn end(&self, session: &SetupSession) -> String {
        match self.wait(session.terminal()).unwrap() {
            Outcome::Cancelled => "cancelled".to_owned(),
            Outcome::Done(done) => format!("done {}", done.identity.label),
            Outcome::Failed(failure) => failure.code.to_string(),
        }
    }

    /// Connects a mailbox through a callback to that `serve`.
    pub(crate) fn connected(&self, serving: &Serving) {
        let (session, path) = self.begun();
        assert_eq!(serving.get(&path).status, 303);
        assert_eq!(self.end(&session), "done ada@example.com");
    }

    pub(crate) fn close(self) {
        self.wait(self.registry.close());
        drop(self.registry);
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// Returns when the credential of the machine's only mailbox expires, in seconds since 1970.
pub(super) fn valid_until(machine: &Machine) -> i64 {
    let shown = machine.run(&["show", "gmail", "--json"]).exits(0).json();
    let until = shown["validUntil"].as_str().unwrap_or_else(|| panic!("it has no end: {shown}"));
    connection_contract::Timestamp::parse_rfc3339(until).unwrap().seconds()
}
