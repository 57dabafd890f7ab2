//! The session of the revisions before 2026-07-28, which begins with the request `initialize`.

use std::sync::{Mutex, PoisonError};

use super::message::RequestId;

/// What the requests in a session have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionView {
    /// The id that the server assigned, if it keeps sessions.
    pub(crate) id: Option<String>,
    /// The version of the protocol that the server chose.
    pub(crate) version: Option<String>,
    /// A number that changes whenever a session begins.
    pub(crate) epoch: u64,
}

impl SessionView {
    /// Returns the headers of a request in this session.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let named = [("Mcp-Session-Id", &self.id), ("MCP-Protocol-Version", &self.version)];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }

    /// Returns `true` if the server has answered `initialize`.
    pub(crate) fn is_open(&self) -> bool {
        self.version.is_some()
    }
}

/// The messages with which the client began the session, and with which the proxy begins another one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshake {
    /// The request `initialize`.
    pub(crate) initialize: Option<(RequestId, Vec<u8>)>,
    /// The notification `notifications/initialized`.
    pub(crate) initialized: Option<Vec<u8>>,
}

/// The current session of a proxy.
#[derive(Default)]
pub(crate) struct Session {
    state: Mutex<(SessionView, Handshake)>,
    /// Held by the task that begins another session because the server ended the current one.
    pub(crate) renewing: tokio::sync::Mutex<()>,
}

impl Session {
    pub(crate) fn view(&self) -> SessionView {
        self.with(|view, _| view.clone())
    }

    pub(crate) fn handshake(&self) -> Handshake {
        self.with(|_, handshake| handshake.clone())
    }

    /// Forgets the session, because the client sends `initialize`. Returns the session that it had.
    pub(crate) fn begin(&self, id: RequestId, initialize: Vec<u8>) -> SessionView {
        self.with(|view, handshake| {
            *handshake = Handshake { initialize: Some((id, initialize)), initialized: None };
            let epoch = view.epoch + 1;
            std::mem::replace(view, SessionView { epoch, ..SessionView::default() })
        })
    }

    /// Remembers the notification with which the client ended the handshake.
    pub(crate) fn initialized(&self, notification: Vec<u8>) {
        self.with(|_, handshake| handshake.initialized = Some(notification));
    }

    /// Records the answer to `initialize`.
    pub(crate) fn opened(&self, id: Option<String>, version: String) {
        self.with(|view, _| *view = SessionView { id, version: Some(version), epoch: view.epoch + 1 });
    }

    fn with<T>(&self, change: impl FnOnce(&mut SessionView, &mut Handshake) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (view, handshake) = &mut *state;
        change(view, handshake)
    }
}
