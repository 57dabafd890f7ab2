//! A host that can be called back, as far as core sees it: an address per kind, and what it was asked.

use std::sync::{Arc, Mutex};

use connection_contract::{Kind, Secret};
use connection_core::{InboundEndpoint, SetupStep};
use tokio::sync::watch;

/// Gives an address, or says that there is none now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbound {
    none_left: bool,
    /// Whether a browser can be let back in; held back, a run waits for it.
    held: Option<Arc<watch::Sender<bool>>>,
    rebound: Arc<Mutex<Vec<String>>>,
}

impl Inbound {
    /// Has an address for every kind.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Is there, and has none to give.
    pub(crate) fn none_left() -> Self {
        Self { none_left: true, ..Self::default() }
    }

    /// Holds a run that goes on in this process until it is let go.
    pub(crate) fn held() -> Self {
        Self { held: Some(Arc::new(watch::Sender::new(false))), ..Self::default() }
    }

    /// Lets it go.
    pub(crate) fn let_go(&self) {
        self.held.as_ref().unwrap().send_replace(true);
    }

    /// At which addresses it was asked to be reached again.
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

/// The `state` in the address that a step opens.
pub(crate) fn state(step: &SetupStep) -> String {
    let redirect = match step {
        SetupStep::Prompt { open: Some(redirect), .. } | SetupStep::Redirect { redirect, .. } => redirect,
        other => panic!("nothing to open: {other:?}"),
    };
    let (_, state) = redirect.link.as_str().split_once("state=").expect("the address holds a state");
    state.to_owned()
}

/// What the provider sends the browser back with.
pub(crate) fn returned(state: &str) -> Vec<(String, Secret)> {
    [("code", "the-code"), ("state", state)].map(|(name, value)| (name.to_owned(), Secret::from(value))).into()
}
