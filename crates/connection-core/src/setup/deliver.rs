//! Receives callbacks: the parameters that a browser brings are checked here, before any plugin sees them (RFC 6749,
//! section 4.1.2).
//!
//! The parameters come from the network and may be an attack. Nothing in them is trusted, not even an error, before
//! `state` has matched.

use std::sync::Arc;

use connection_contract::{BoxFuture, Kind, Secret, encode};
use connection_replay::Effect;
use uuid::Uuid;

use super::{
    Callback, Delivered, SetupSession, Setups,
    codec::{Header, encode_delivery},
    follow,
    input::Source,
    row::is_open,
    run, session,
    slot::Slot,
};
use crate::{
    Error, StoreError,
    store::{ConflictRetries, Lock, SETUP_HEADER, Sealed, rows::SetupRow},
};

/// The parameters that decide about the result (RFC 6749, section 4.1.2; RFC 9207): if one came with two values, two readers
/// could use different ones. A plugin decides about others that it reads; providers repeat some that nobody reads.
const DECIDING: [&str; 4] = ["code", "error", "iss", "state"];
/// Seconds for which the browser that brought a callback can be shown the result.
const RESULT_SHOWN_FOR: i64 = 10 * 60;

/// The reason why a callback was refused. No plugin has seen the callback, and nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// The callback could not be taken now. The browser may try again.
    #[error(transparent)]
    Error(#[from] Error),
    /// The session has ended, or has taken this callback already.
    #[error("this callback was used, or its setup has ended")]
    Gone,
    /// The session waits for something else now.
    #[error("this setup does not wait for a callback now")]
    NotNow,
    /// The callback came from another browser than the one in which the setup was begun, or that was led to the
    /// provider.
    #[error("this setup was begun in another browser")]
    OtherBrowser,
    /// The callback came to the redirect URI of another kind, or to one with another part.
    #[error("this callback came to the redirect URI of another kind")]
    OtherKind,
    /// `code`, `error`, `iss` or `state` appears with two values (RFC 6749, section 3.1).
    #[error("a parameter of this callback came with two values")]
    Repeated,
    /// No session has given out this `state`. The callback is forged, belongs to another store, or is for a session
    /// that was deleted long ago.
    #[error("no setup waits for this callback")]
    Unknown,
}

impl DeliverError {
    /// Returns the stable code of this error, for programs. The codes are listed in `docs/spec/inbound.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Error(error) => error.code(),
            Self::Gone => "callback_gone",
            Self::NotNow => "callback_not_now",
            Self::OtherBrowser => "callback_other_browser",
            Self::OtherKind => "callback_other_kind",
            Self::Repeated => "callback_repeated",
            Self::Unknown => "callback_unknown",
        }
    }

    /// Returns the HTTP status for the answer to the browser: 400, 403, 404, 409, 410 or 503.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Error(_) => 503,
            Self::Gone => 410,
            Self::NotNow => 409,
            Self::OtherBrowser => 403,
            Self::OtherKind | Self::Unknown => 404,
            Self::Repeated => 400,
        }
    }
}

impl<'a> Setups<'a> {
    /// Delivers the parameters that a browser brought to a redirect URI.
    ///
    /// The `state` finds its session, whichever owner and process it has, and works once. When this returns, the
    /// callback is durable.
    ///
    /// A callback that is refused changes nothing: the session waits for the right one.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the callback may or may not have been taken. Delivering it again shows which: it is
    /// refused with [`DeliverError::Gone`] if it was taken.
    ///
    /// # Errors
    ///
    /// See [`DeliverError`], which also has the HTTP status for the browser.
    pub fn deliver(self, callback: impl Into<Callback>) -> BoxFuture<'a, Result<Delivered, DeliverError>> {
        self.deliver_callback(callback.into())
    }

    fn deliver_callback(self, mut callback: Callback) -> BoxFuture<'a, Result<Delivered, DeliverError>> {
        Box::pin(async move {
            DECIDING.into_iter().try_for_each(|name| keep_one(&mut callback.parameters, name))?;
            let at = callback.parameters.iter().position(|(name, _)| name == "state").ok_or(DeliverError::Unknown)?;
            let (_, state) = callback.parameters.remove(at);
            let state = state.expose_str().ok_or(DeliverError::Unknown)?;
            // The state of an address with a part begins with that part.
            let part = state.split_once('.').map(|(part, _)| part);
            if callback.kind.is_some() && part != callback.part.as_deref() {
                return Err(DeliverError::OtherKind);
            }
            let hash = self.scope.system.state_hash(state);
            let mut retries = ConflictRetries::of("wait of a setup session");
            loop {
                retries.begin_attempt().map_err(|_| DeliverError::NotNow)?;
                if let Some(slot) = self.take(hash, &callback).await? {
                    let session = SetupSession::at(self.scope.system, slot);
                    return Ok(Delivered { session, reference: encode::hex(&hash) });
                }
                // Another input ended the wait first. The next wait may be for this callback as well.
            }
        })
    }

    /// Returns the session that took a callback of this kind, by the reference that [`deliver`](Self::deliver)
    /// returned. This is for the page to which the browser is redirected.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Unknown`] for a reference that does not exist or has expired, and the store's.
    pub fn delivered(self, kind: &'a Kind, reference: &'a str) -> BoxFuture<'a, Result<SetupSession, DeliverError>> {
        Box::pin(async move {
            let hash = encode::from_hex(reference).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            let hash = hash.ok_or(DeliverError::Unknown)?;
            let system = self.scope.system;
            let found = system.ground.reader().await?.endpoint(&hash).await.map_err(Error::from)?;
            let now = system.ground.clock.now().seconds();
            let fresh = |used: i64| now < used.saturating_add(RESULT_SHOWN_FOR);
            let found = found.filter(|found| found.used_at.is_some_and(fresh)).ok_or(DeliverError::Unknown)?;
            let row = system.ground.reader().await?.setup(found.session_id).await.map_err(Error::from)?;
            let row = row.filter(|row| row.kind == kind.as_str()).ok_or(DeliverError::Unknown)?;
            let slot = system.slot(&row)?;
            follow::look(system, &slot, row).await?;
            Ok(SetupSession::at(system, slot))
        })
    }

    async fn take(&self, hash: [u8; 32], callback: &Callback) -> Result<Option<Arc<Slot>>, DeliverError> {
        let system = self.scope.system;
        let endpoint = system.ground.reader().await?.endpoint(&hash).await.map_err(Error::from)?;
        let endpoint = endpoint.ok_or(DeliverError::Unknown)?;
        let now = system.ground.clock.now().seconds();
        let row = system.ground.reader().await?.setup(endpoint.session_id).await.map_err(Error::from)?;
        let row = row.filter(|row| row.expires_at > now).ok_or(DeliverError::Gone)?;
        if endpoint.used_at.is_some() || !is_open(row.state) {
            return Err(DeliverError::Gone);
        }
        let slot = system.slot(&row).map_err(|_| DeliverError::Gone)?;
        if callback.kind.as_ref().is_some_and(|kind| *kind != slot.kind) {
            return Err(DeliverError::OtherKind);
        }
        if !self.is_its_browser(&slot, &row, &callback.browser).await? {
            return Err(DeliverError::OtherBrowser);
        }
        let parameters = &callback.parameters;
        let (waiting, _) = run::waiting(system, &slot).await?;
        let Some(waiting) = waiting else {
            let input = system.ground.ids.next();
            let delivery = encode_delivery(hash, parameters);
            let sealed = system.ground.seal(&slot.input_cell(input), delivery.expose()).await?;
            let scope = self.scope.owned();
            // The task continues if this future is dropped, because a callback that was kept needs a run.
            let task = system.ground.runtimes.spawn(async move {
                Setups::new(scope.as_scope()).keep(&slot, hash, input, sealed, now).await?;
                run::spawn(&scope.system, &slot);
                Ok(Some(slot))
            });
            return task.await.unwrap_or_else(|_| Err(Error::from(StoreError::Panicked).into()));
        };
        if waiting.state != Some(hash) {
            return Err(DeliverError::NotNow);
        }
        let effect = Effect::Callback(parameters.iter().map(|(name, v)| (name.clone(), v.duplicate())).collect());
        let taken = session::input(system, &slot, &waiting, effect, Source::Endpoint { hash, now }).await?;
        Ok(taken.then_some(slot))
    }

    /// Returns `true` if the callback comes from the browser that the session is bound to, or if the session is bound
    /// to none.
    async fn is_its_browser(&self, slot: &Slot, row: &SetupRow, proofs: &[Secret]) -> Result<bool, Error> {
        let system = self.scope.system;
        // A session without a header has ended since. The next write finds that.
        let Some(sealed) = &row.sealed_header else { return Ok(true) };
        let opened = system.ground.open_or_lost(&slot.cell(&SETUP_HEADER, 0), sealed).await?;
        // A header that does not open ends the session at its next run, and no plugin sees the callback.
        let Some(header) = opened.and_then(|bytes| Header::decode(bytes.expose())) else { return Ok(true) };
        // A session with a start address refuses callbacks until a browser has opened that address.
        let Some(begun_in) = header.browser else { return Ok(!header.led) };
        Ok(system.is_proved(&begun_in, proofs))
    }

    /// Keeps a callback that arrived while a run was in progress. The next wait that it fits takes it.
    async fn keep(
        &self,
        slot: &Slot,
        hash: [u8; 32],
        input: Uuid,
        sealed: Sealed,
        now: i64,
    ) -> Result<(), DeliverError> {
        let id = slot.id;
        let written = self.scope.system.ground.store.write(move |tx| {
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

/// Keeps one parameter with this name.
///
/// # Errors
///
/// [`DeliverError::Repeated`] if two have different values.
fn keep_one(parameters: &mut Vec<(String, Secret)>, name: &str) -> Result<(), DeliverError> {
    let Some(first) = parameters.iter().position(|(found, _)| found == name) else { return Ok(()) };
    let further = parameters.split_off(first + 1);
    let value = parameters[first].1.expose();
    if further.iter().any(|(found, other)| found == name && other.expose() != value) {
        return Err(DeliverError::Repeated);
    }
    parameters.extend(further.into_iter().filter(|(found, _)| found != name));
    Ok(())
}
