//! A host that receives callbacks, as far as the core sees it: an address per kind, and a record of the requests.

use std::sync::{Arc, Mutex};

use connection_contract::{Kind, Secret};
use connection_core::{InboundEndpoint, SetupStep};
use tokio::sync::watch;

/// Provides an address, or reports that there is none now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbound {
    none_left: bool,
    /// `true` once a browser can return; until then, a run waits for it.
    held: Option<Arc<watch::Sender<bool>>>,
    rebound: Arc<Mutex<Vec<String>>>,
}

impl Inbound {
    /// Creates a host with an address for every kind.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Creates a host that has no address left.
    pub(crate) fn none_left() -> Self {
        Self { none_left: true, ..Self::default() }
    }

    /// Creates a host that holds a run which continues in this process until it is released.
    pub(crate) fn held() -> Self {
        Self { held: Some(Arc::new(watch::Sender::new(false))), ..Self::default() }
    }

    pub(crate) fn let_go(&self) {
        self.held.as_ref().unwrap().send_replace(true);
    }

    /// Returns the addresses that the host was asked to open again.
    pub(crate) fn rebound(&self) -> Vec<String> {
        self.rebound.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for Inbound {
    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        (!self.none_left).then(|| format!("https://host.example/callback/{kind}"))
    }

    async fn rebind(&self, redirect_uri: &str) -> bool {
        self.rebound.lock().unwrap().push(redirect_uri.to_owned());
        if let Some(held) = &self.held {
            held.subscribe().wait_for(|go| *go).await.unwrap();
        }
        true
    }
}

/// Returns the `state` in the address that a step opens.
pub(crate) fn state(step: &SetupStep) -> String {
    let redirect = match step {
        SetupStep::Prompt { open: Some(redirect), .. } | SetupStep::Redirect { redirect, .. } => redirect,
        other => panic!("nothing to open: {other:?}"),
    };
    let (_, state) = redirect.link.as_str().split_once("state=").expect("the address holds a state");
    state.to_owned()
}

/// Returns the parameters with which the provider sends the browser back.
pub(crate) fn returned(state: &str) -> Vec<(String, Secret)> {
    [("code", "the-code"), ("state", state)].map(|(name, value)| (name.to_owned(), Secret::from(value))).into()
}
