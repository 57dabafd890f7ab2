//! What a browser brings back: checked here, before any plugin sees it (RFC 6749, section 4.1.2).
//!
//! The parameters come from the network and may be an attack: nothing in them is believed, not even an error, before
//! `state` has matched.

use std::sync::Arc;

use connection_contract::{Record, Secret, encode};

use super::{
    codec::Waiting,
    journal::Effect,
    run,
    session::{self, MOST_TRIES, Source},
    slot::Slot,
};
use crate::{
    ConnectionRegistry, Error, StoreError,
    seal::Sealed,
    store::{Lock, rows::SetupState},
};

/// Why what a browser brought was refused. No plugin saw it, and nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// It could not be taken now; the browser may try again.
    #[error(transparent)]
    Error(#[from] Error),
    /// The session ended, or took this callback already.
    #[error("this callback was used, or its setup has ended")]
    Gone,
    /// The session waits for something else now.
    #[error("this setup does not wait for a callback now")]
    NotNow,
    /// No session has given out this `state`: forged, foreign or long gone.
    #[error("no setup waits for this callback")]
    Unknown,
}

impl DeliverError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Error(error) => error.code(),
            Self::Gone => "callback_gone",
            Self::NotNow => "callback_not_now",
            Self::Unknown => "callback_unknown",
        }
    }

    /// What to answer the browser: 404, 409, 410 or 503.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Error(_) => 503,
            Self::Gone => 410,
            Self::NotNow => 409,
            Self::Unknown => 404,
        }
    }
}

impl ConnectionRegistry {
    /// Hands over the decoded query (or form) parameters that a browser brought to a redirect URI. A `state` finds its
    /// session, of whichever owner and process, and works once. When it returns, the callback is durable.
    ///
    /// # Cancellation
    ///
    /// Dropped, it was taken or was not; the same again tells, as [`DeliverError::Gone`].
    ///
    /// # Errors
    ///
    /// [`DeliverError`] says what to answer the browser.
    pub async fn deliver(&self, mut parameters: Vec<(String, Secret)>) -> Result<(), DeliverError> {
        let is_state = |(name, _): &(String, Secret)| name == "state";
        let at = parameters.iter().position(is_state).ok_or(DeliverError::Unknown)?;
        let (_, state) = parameters.remove(at);
        // No parameter may come twice (RFC 6749, section 3.1).
        if parameters.iter().any(is_state) {
            return Err(DeliverError::Unknown);
        }
        let hash = self.shared.state_hash(state.expose_str().ok_or(DeliverError::Unknown)?);
        for _ in 0..MOST_TRIES {
            if self.take(hash, &parameters).await? {
                return Ok(());
            }
            // Another way ended the wait first: what comes next may wait for this callback, too.
        }
        Err(DeliverError::NotNow)
    }

    async fn take(&self, hash: [u8; 32], parameters: &[(String, Secret)]) -> Result<bool, DeliverError> {
        let shared = &self.shared;
        let endpoint = shared.reader().await?.endpoint(&hash).await.map_err(Error::from)?;
        let endpoint = endpoint.ok_or(DeliverError::Unknown)?;
        let now = shared.clock.now().seconds();
        let row = shared.reader().await?.setup(endpoint.session_id).await.map_err(Error::from)?;
        let row = row.filter(|row| row.expires_at > now).ok_or(DeliverError::Gone)?;
        if endpoint.used_at.is_some() || !is_open(row.state) {
            return Err(DeliverError::Gone);
        }
        let slot = shared.slot(&row)?;
        let (waiting, _) = run::waiting(shared, &slot).await?;
        let Some(waiting) = waiting else {
            let sealed = self.seal(&slot, hash, parameters).await?;
            let (registry, slot) = (self.clone(), slot.clone());
            // Dropped, it goes on: what is kept must find a run.
            let task = shared.runtimes.spawn(async move {
                registry.keep(&slot, hash, sealed, now).await?;
                run::spawn(&registry.shared, &slot);
                Ok(true)
            });
            return task.await.unwrap_or_else(|_| Err(Error::from(StoreError::Panicked).into()));
        };
        if waiting.state != Some(hash) {
            return Err(DeliverError::NotNow);
        }
        let effect = Effect::Callback(parameters.iter().map(|(name, v)| (name.clone(), v.duplicate())).collect());
        Ok(session::input(shared, &slot, &waiting, effect, Source::Endpoint { hash, now }).await?)
    }

    async fn seal(&self, slot: &Slot, hash: [u8; 32], parameters: &[(String, Secret)]) -> Result<Sealed, Error> {
        let bytes = kept(hash, parameters);
        let place = slot.place("connection_setup_input", "sealed", 0);
        self.shared.sealer.seal(&place, bytes.expose()).await.map_err(|error| slot.sealed_error(error))
    }

    /// A run is busy: the next wait that this fits takes it.
    async fn keep(&self, slot: &Slot, hash: [u8; 32], sealed: Sealed, now: i64) -> Result<(), DeliverError> {
        let (id, input) = (slot.id, self.shared.ids.next());
        let written = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(id)).await?;
                let open = tx.setup(id).await?.is_some_and(|row| is_open(row.state));
                let used = open && tx.use_endpoint(&hash, now).await?;
                if used {
                    tx.insert_input(id, input, &sealed).await?;
                }
                Ok(used)
            })
        });
        if written.await.map_err(Error::from)? { Ok(()) } else { Err(DeliverError::Gone) }
    }
}

fn is_open(state: SetupState) -> bool {
    matches!(state, SetupState::Running | SetupState::Waiting)
}

fn kept(hash: [u8; 32], parameters: &[(String, Secret)]) -> Secret {
    let record = Record::new().with("state", encode::hex(&hash));
    parameters.iter().fold(record, |r, (name, value)| r.with("p", name.as_str()).with("v", value.duplicate())).encode()
}

/// The parameters of a kept callback, when this wait is the one for it.
pub(super) fn fitting(waiting: &Waiting, bytes: &[u8]) -> Option<Vec<(String, Secret)>> {
    let record = Record::decode(bytes).ok()?;
    let state = encode::hex(&waiting.state?);
    if record.text("state").ok()? != state {
        return None;
    }
    let fields: Vec<_> = record.fields().skip(1).collect();
    let pair = |pair: &[(&str, &Secret)]| match pair {
        [("p", name), ("v", value)] => Some((name.expose_str()?.to_owned(), value.duplicate())),
        _ => None,
    };
    Some(fields.chunks(2).filter_map(pair).collect())
}

/// How a host is called back.
#[async_trait::async_trait]
pub trait InboundEndpoint: Send + Sync + std::fmt::Debug {
    /// Where the browser comes back for this kind: stable per host and kind, since it is registered at the provider.
    /// `None` when there is none to give now.
    async fn redirect_uri(&self, kind: &connection_contract::Kind) -> Option<String>;

    /// Whether this host can still be reached at an address that it gave out, perhaps before it was started again; makes
    /// it so where that takes something, such as listening on the port again.
    async fn rebind(&self, redirect_uri: &str) -> bool;
}

pub(crate) type Inbound = Option<Arc<dyn InboundEndpoint>>;
