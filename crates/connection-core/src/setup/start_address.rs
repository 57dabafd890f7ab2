//! Leads a browser through an address of the host, so that callbacks are accepted from that browser alone.
//!
//! The authorization URL appears in the command line of the browser that is opened with it, where every user of the
//! machine can read it, `state` included. The address of a led session is `{redirect URI}/go/{token}`. The first
//! browser that comes there gets a proof, and is sent on to the provider; the header of the session keeps the hash of
//! the proof. A callback without that proof is refused, and so is every other browser that comes to the address.

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Crypto as _, Kind, Secret, encode};
use connection_replay::{Effect, Entry};

use super::{
    BeginSetup, DeliverError, Reauthorize, SetupSession, SetupStep, Setups, System, answerer::Answerer, codec::Header,
    deliver::is_open, follow, run, session::MAX_TRIES, slot::Slot,
};
use crate::{
    Error, SessionId, StoreError,
    store::{Lock, rows::SetupRow},
};

/// Maximum time for which a browser waits until the session has somewhere to send it.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// Length in bytes of each half of a token: the session's id, and the part that cannot be guessed.
const TOKEN_HALF_LEN: usize = 16;

/// The host's choices for a session.
#[derive(Debug, Default)]
pub(super) struct SetupOptions {
    pub(super) ephemeral: bool,
    pub(super) browser: Option<Secret>,
    pub(super) led: bool,
    pub(super) confirm: bool,
    pub(super) answerer: Answerer,
}

/// The answer to a browser that came to the address of a session; see [`Setups::open_start_address`].
#[derive(Debug)]
#[non_exhaustive]
pub struct StartRedirect {
    /// The session, for the name of its cookie.
    pub session: SessionId,
    /// The address at the provider.
    pub link: String,
    /// The proof that the browser has to show with the callback, or `None` for the browser that has it already.
    pub proof: Option<Secret>,
}

impl BeginSetup {
    /// Leads the browser through an address of the host; see [`SetupSession::start_address`].
    ///
    /// Callbacks are accepted from the first browser that comes there, and from no other. A user of the machine who
    /// reads the provider's address in the browser's command line therefore cannot connect another account. A session
    /// with a [`browser`](Self::browser) is bound to that browser already, and is not led.
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

    /// Stops at [`SetupStep::Confirm`] before the setup stores an account to which a person
    /// signed in with a browser. The browser came back by itself, or its address was pasted.
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

    /// Stops at [`SetupStep::Confirm`] before the connection changes to another account, as
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
    /// The address is the same in every process. Open it in place of the link of a step.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn start_address(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move {
            let shared = &self.shared;
            let slot = &self.slot;
            let Some((_, header)) = open_header(shared, slot).await? else { return Ok(None) };
            if !header.led {
                return Ok(None);
            }
            let mut redirect_uri = None;
            for (seq, sealed) in shared.reader().await?.effects(slot.id).await? {
                let bytes = run::opened(shared, slot, &slot.effect_place(seq), &sealed).await?;
                if let Some(Effect::Allocated(Some(uri))) =
                    bytes.and_then(|bytes| Entry::decode(bytes.expose())).map(|entry| entry.effect)
                {
                    redirect_uri = Some(uri);
                }
            }
            Ok(redirect_uri.map(|uri| format!("{uri}/go/{}", encode::base64url(&token(shared, slot.id, &header.seed)))))
        })
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

impl<'a> Setups<'a> {
    /// Returns where to send a browser that came to the [address](SetupSession::start_address) of a session of this
    /// kind, whichever owner the session has.
    ///
    /// The first browser gets a proof to keep in a cookie. `proofs` are the proofs in the cookies of the browser that
    /// came.
    ///
    /// # Repetition
    ///
    /// A browser that shows the proof of this session is sent on again.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the address may count as used, and no other browser is led.
    ///
    /// # Errors
    ///
    /// [`DeliverError::OtherBrowser`] for every browser after the first one, [`DeliverError::NotNow`] when the session has
    /// nowhere to send a browser after ten seconds, [`DeliverError::Unknown`], [`DeliverError::Gone`], and the store's.
    pub fn open_start_address(
        self,
        kind: &'a Kind,
        given: &'a str,
        proofs: &'a [Secret],
    ) -> BoxFuture<'a, Result<StartRedirect, DeliverError>> {
        Box::pin(async move {
            let shared = self.scope.system;
            let given = encode::from_base64url(given).filter(|given| given.len() == 2 * TOKEN_HALF_LEN);
            let given = given.ok_or(DeliverError::Unknown)?;
            let id = given
                .first_chunk::<TOKEN_HALF_LEN>()
                .map(|id| uuid::Uuid::from_bytes(*id))
                .ok_or(DeliverError::Unknown)?;
            let row = shared.reader().await?.setup(id.into()).await.map_err(Error::from)?;
            let row = row.filter(|row| row.kind == kind.as_str()).ok_or(DeliverError::Unknown)?;
            let slot = shared.slot(&row).map_err(|_| DeliverError::Gone)?;
            let (_, header) = open_header(shared, &slot).await?.ok_or(DeliverError::Unknown)?;
            if !header.led || !shared.crypto.equal(&token(shared, slot.id, &header.seed), &given) {
                return Err(DeliverError::Unknown);
            }
            if row.expires_at <= shared.clock.now().seconds() {
                return Err(DeliverError::Gone);
            }
            if header.browser.is_some_and(|hash| !shared.is_proved(&hash, proofs)) {
                return Err(DeliverError::OtherBrowser);
            }
            follow::check_row(shared, &slot, &mut None).await?;
            let session = SetupSession::at(shared, slot.clone());
            let link = tokio::select! {
                biased;
                link = link(&session) => link?,
                () = shared.clock.sleep(MAX_DURATION) => return Err(DeliverError::NotNow),
            };
            let session = slot.id;
            if header.browser.is_some() {
                return Ok(StartRedirect { session, link, proof: None });
            }
            let proof = shared.fresh_token();
            let hash = shared.browser_hash(&proof);
            let claims = |header: &mut Header| {
                let is_first = header.led && header.browser.is_none();
                if is_first {
                    header.browser = Some(hash);
                }
                is_first
            };
            // If two browsers come at the same time, one of them is the first.
            match change_header(shared, &slot, claims).await? {
                true => Ok(StartRedirect { session, link, proof: Some(proof) }),
                false => Err(DeliverError::OtherBrowser),
            }
        })
    }
}

impl System {
    /// Returns `true` if one of the proofs has this hash.
    pub(super) fn is_proved(&self, hash: &[u8; 32], proofs: &[Secret]) -> bool {
        proofs.iter().any(|proof| self.crypto.equal(&self.browser_hash(proof), hash))
    }
}

/// Waits for the step that sends a browser somewhere.
async fn link(session: &SetupSession) -> Result<String, DeliverError> {
    loop {
        match session.next_step().await? {
            Some((_, SetupStep::Redirect { redirect, .. } | SetupStep::Prompt { open: Some(redirect), .. })) => {
                return Ok(redirect.link.as_str().to_owned());
            }
            Some((_, SetupStep::Notice { .. })) => {}
            Some((_, SetupStep::Prompt { open: None, .. } | SetupStep::Confirm { .. })) => {
                return Err(DeliverError::NotNow);
            }
            Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) | None => return Err(DeliverError::Gone),
        }
    }
}

/// Returns the session's id, followed by a value that only a process with the key can derive from its seed.
fn token(shared: &System, id: SessionId, seed: &Secret) -> [u8; 2 * TOKEN_HALF_LEN] {
    let derived = shared.crypto.hmac_sha256(seed, b"lead 0");
    let mut token = [0; 2 * TOKEN_HALF_LEN];
    for (byte, from) in token.iter_mut().zip(id.as_bytes().iter().chain(&derived)) {
        *byte = *from;
    }
    token
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
async fn change_header(shared: &Arc<System>, slot: &Slot, change: impl Fn(&mut Header) -> bool) -> Result<bool, Error> {
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
