//! The addresses through which a browser is led to the provider, so that a setup belongs to the browser of whoever
//! began it.
//!
//! Somebody could send the address of the provider to another person, whose account would then be connected for the
//! sender; and the address appears in the command line of a browser that is opened with it, where every user of the
//! machine can read it, `state` included. The address of a led session is `{redirect URI}/go/{token}` instead. A
//! browser that proves there that it belongs to the setup is sent on, and any other one is asked first; see
//! `start_visit`. The header of the session keeps the hash of the proof of its browser, and a callback without that
//! proof is refused.

use std::sync::Arc;

use connection_contract::{BoxFuture, Crypto as _, Secret, encode};
use connection_replay::{Effect, Entry};

use super::{
    BeginSetup, Reauthorize, SetupSession, System, answerer::Answerer, codec::Header, deliver::is_open, run,
    session::MAX_TRIES, slot::Slot,
};
use crate::{
    Error, SessionId, StoreError,
    store::{Lock, rows::SetupRow},
};

/// Length in bytes of each half of a token: the session's id, and the part that cannot be guessed.
const TOKEN_HALF_LEN: usize = 16;
/// The beginnings of redirect URIs that only browsers of this machine reach.
const LOOPBACK: [&str; 3] = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];

/// The host's choices for a session.
#[derive(Debug, Default)]
pub(super) struct SetupOptions {
    pub(super) ephemeral: bool,
    pub(super) browser: Option<Secret>,
    pub(super) led: bool,
    pub(super) confirm: bool,
    pub(super) answerer: Answerer,
}

/// The two addresses of a session, which lead to the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartPlace {
    /// The address that everybody may see. A browser that does not belong to the setup is asked.
    Anywhere,
    /// The address that a program opens in a browser of its own machine, without a question.
    Here,
}

impl BeginSetup {
    /// Leads the browser through an address of the host; see [`SetupSession::start_address`].
    ///
    /// Callbacks are accepted from one browser only: the first one that proved there that it belongs to the setup, or
    /// whose person agreed to continue. A session with a [`browser`](Self::browser) is bound to that browser already,
    /// and is not led.
    ///
    /// ```no_run
    /// # use connection_core::{ConnectionRegistry, Error, SetupStep};
    /// # async fn leads(registry: &ConnectionRegistry, kind: &connection_contract::Kind) -> Result<(), Error> {
    /// let session = registry.setups().begin(kind).use_start_address().confirm_account().await?;
    /// if let Some((_, SetupStep::Redirect { redirect, .. })) = session.next_step().await? {
    ///     let address = session.start_address().await?.unwrap_or_else(|| redirect.link.as_str().to_owned());
    ///     println!("Open {address}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn use_start_address(mut self) -> Self {
        self.terms.led = true;
        self
    }

    /// Stops at [`SetupStep::Confirm`](super::SetupStep::Confirm) before the setup stores an account to which a person
    /// signed in at the provider: with a browser that came back by itself or whose address was pasted, or by typing a
    /// code there.
    pub fn confirm_account(mut self) -> Self {
        self.terms.confirm = true;
        self
    }
}

impl Reauthorize {
    /// Leads the browser through an address of the host, as
    /// [`BeginSetup::use_start_address`](super::BeginSetup::use_start_address) does.
    pub fn use_start_address(mut self) -> Self {
        self.terms.led = true;
        self
    }

    /// Stops at [`SetupStep::Confirm`](super::SetupStep::Confirm) before the connection changes to another account, as
    /// [`BeginSetup::confirm_account`](super::BeginSetup::confirm_account) does for a new one.
    pub fn confirm_account(mut self) -> Self {
        self.terms.confirm = true;
        self
    }
}

impl SetupSession {
    /// Returns the address through which a host leads the browser of this session, or `None` when the session was not
    /// begun with [`use_start_address`](super::BeginSetup::use_start_address), has given out no redirect URI, or has
    /// ended.
    ///
    /// The address is the same in every process. Open it in place of the link of a step. A browser that does not hold
    /// the [`browser_proof`](Self::browser_proof) is asked there whether its person agrees to connect an account for
    /// the owner of this session.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn start_address(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(self.address_of(StartPlace::Anywhere))
    }

    /// Returns the address with which a program opens a browser of its own machine. The first browser that comes there
    /// is led on without a question.
    ///
    /// If the redirect URI is not one of this machine, this is the [`start_address`](Self::start_address). Give the
    /// address to no other person: it opens a setup that this program began.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn local_start_address(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(self.address_of(StartPlace::Here))
    }

    /// Returns the proof with which a browser is led on from the [`start_address`](Self::start_address) without a
    /// question, or `None` when the session is not led.
    ///
    /// A host gives it, in a cookie, to the browsers that show this session to somebody who may continue it, and to
    /// nobody else. It is the same in every process.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn browser_proof(&self) -> BoxFuture<'_, Result<Option<Secret>, Error>> {
        Box::pin(async move {
            let opened = open_header(&self.shared, &self.slot).await?;
            let led = opened.filter(|(_, header)| header.led);
            Ok(led.map(|(_, header)| page_proof(&self.shared, &header.seed)))
        })
    }

    async fn address_of(&self, place: StartPlace) -> Result<Option<String>, Error> {
        let shared = &self.shared;
        let slot = &self.slot;
        let Some((_, header)) = open_header(shared, slot).await?.filter(|(_, header)| header.led) else {
            return Ok(None);
        };
        let Some(uri) = redirect_uri(shared, slot).await? else { return Ok(None) };
        let place = if is_loopback(&uri) { place } else { StartPlace::Anywhere };
        Ok(Some(format!("{uri}/go/{}", encode::base64url(&token(shared, slot.id, &header.seed, place)))))
    }

    /// Leads the browser of this session from now on, as
    /// [`BeginSetup::use_start_address`](super::BeginSetup::use_start_address) does from its beginning. A session that
    /// was begun in a browser stays bound to that browser.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn use_start_address(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let leads = |header: &mut Header| {
                let changes = !header.led && header.browser.is_none();
                header.led |= changes;
                changes
            };
            change_header(&self.shared, &self.slot, leads).await.map(drop)
        })
    }

    /// Shows the account before it is stored, as [`BeginSetup::confirm_account`](super::BeginSetup::confirm_account)
    /// does from the beginning of a session.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn confirm_account(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let confirms = |header: &mut Header| !std::mem::replace(&mut header.confirm, true);
            change_header(&self.shared, &self.slot, confirms).await.map(drop)
        })
    }
}

/// Returns the last redirect URI that a session has given out.
pub(super) async fn redirect_uri(shared: &System, slot: &Slot) -> Result<Option<String>, Error> {
    let mut redirect_uri = None;
    for (seq, sealed) in shared.reader().await?.effects(slot.id).await? {
        let bytes = run::opened(shared, slot, &slot.effect_place(seq), &sealed).await?;
        if let Some(Effect::Allocated(Some(uri))) =
            bytes.and_then(|bytes| Entry::decode(bytes.expose())).map(|entry| entry.effect)
        {
            redirect_uri = Some(uri);
        }
    }
    Ok(redirect_uri)
}

pub(super) fn is_loopback(redirect_uri: &str) -> bool {
    LOOPBACK.iter().any(|start| redirect_uri.starts_with(start))
}

/// Returns the id of the session in the token of a start address.
pub(super) fn session_of(token: &[u8]) -> Option<SessionId> {
    let id = token.first_chunk::<TOKEN_HALF_LEN>().filter(|_| token.len() == 2 * TOKEN_HALF_LEN)?;
    Some(uuid::Uuid::from_bytes(*id).into())
}

/// Returns the place that the token of a start address names; `None` for a token that the session did not give out.
pub(super) fn place_of(shared: &System, id: SessionId, seed: &Secret, given: &[u8]) -> Option<StartPlace> {
    [StartPlace::Anywhere, StartPlace::Here]
        .into_iter()
        .find(|place| shared.crypto.equal(&token(shared, id, seed, *place), given))
}

/// Returns the session's id, followed by a value that only a process with the key can derive from its seed.
fn token(shared: &System, id: SessionId, seed: &Secret, place: StartPlace) -> [u8; 2 * TOKEN_HALF_LEN] {
    let purpose: &[u8] = match place {
        StartPlace::Anywhere => b"lead 0",
        StartPlace::Here => b"lead here 0",
    };
    let derived = shared.crypto.hmac_sha256(seed, purpose);
    let mut token = [0; 2 * TOKEN_HALF_LEN];
    for (byte, from) in token.iter_mut().zip(id.as_bytes().iter().chain(&derived)) {
        *byte = *from;
    }
    token
}

/// Returns the proof of the browsers that show the session.
pub(super) fn page_proof(shared: &System, seed: &Secret) -> Secret {
    Secret::from(encode::base64url(&shared.crypto.hmac_sha256(seed, b"page 0")))
}

/// Returns the row of an open session with its header, or `None` for a session that has ended or whose header does not
/// open.
pub(super) async fn open_header(shared: &System, slot: &Slot) -> Result<Option<(SetupRow, Header)>, Error> {
    let row = shared.reader().await?.setup(slot.id).await?;
    let Some(row) = row.filter(|row| is_open(row.state)) else { return Ok(None) };
    let Some(sealed) = &row.sealed_header else { return Ok(None) };
    let bytes = run::opened(shared, slot, &slot.place("connection_setup", "sealed_header", 0), sealed).await?;
    Ok(bytes.and_then(|bytes| Header::decode(bytes.expose())).map(|header| (row, header)))
}

/// Changes the header of an open session. Returns `false` if `change` returns `false`, or if the session has ended.
pub(super) async fn change_header(
    shared: &Arc<System>,
    slot: &Slot,
    change: impl Fn(&mut Header) -> bool,
) -> Result<bool, Error> {
    for _ in 0..MAX_TRIES {
        let Some((row, mut header)) = open_header(shared, slot).await? else { return Ok(false) };
        if !change(&mut header) {
            return Ok(false);
        }
        let place = slot.place("connection_setup", "sealed_header", 0);
        let sealed = shared.sealer.seal(&place, header.encode().expose()).await;
        let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
        let id = slot.id;
        let before = row.sealed_header;
        let written = shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(id)).await?;
                // The header was changed in the meantime. The change is applied to the new one.
                if tx.setup(id).await?.is_none_or(|row| row.sealed_header != before) {
                    return Ok(false);
                }
                tx.replace_setup_header(id, &sealed).await
            })
        });
        if written.await? {
            return Ok(true);
        }
    }
    Err(StoreError::Conflict { what: "header of a setup session".into() }.into())
}
