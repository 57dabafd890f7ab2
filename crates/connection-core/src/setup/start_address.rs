//! The addresses through which a browser is led to the provider, so that a setup belongs to the browser of whoever
//! began it.
//!
//! Somebody could send the address of the provider to another person, whose account would then be connected for the
//! sender; and the address appears in the command line of a browser that is opened with it, where every user of the
//! machine can read it, `state` included. The address of a led session is `{redirect URI}/go/{token}` instead. A
//! browser that proves there that it belongs to the setup is sent on, and any other one is asked first; see
//! `start_visit`. The header of the session keeps the hash of the proof of its browser, and a callback without that
//! proof is refused.

use connection_contract::{BoxFuture, Crypto as _, Secret, encode};
use connection_replay::{Effect, Entry};

use super::{
    SetupSession, System,
    codec::Header,
    row::{change_header, header_of, open_header},
    slot::Slot,
};
use crate::{
    Error, SessionId,
    store::{SETUP_EFFECT, Sealed},
};

/// Length in bytes of each half of a token: the session's id, and the part that cannot be guessed.
const TOKEN_HALF_LEN: usize = 16;
/// The beginnings of redirect URIs that only browsers of this machine reach.
const LOOPBACK: [&str; 3] = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];

/// The two addresses of a session, which lead to the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartPlace {
    /// The address that everybody may see. A browser that does not belong to the setup is asked.
    Anywhere,
    /// The address that a program opens in a browser of its own machine, without a question.
    Here,
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
            let opened = open_header(&self.system, &self.slot).await?;
            let led = opened.filter(|(_, header)| header.led);
            Ok(led.map(|(_, header)| page_proof(&self.system, &header.seed)))
        })
    }

    async fn address_of(&self, place: StartPlace) -> Result<Option<String>, Error> {
        let system = &self.system;
        let slot = &self.slot;
        let Some((row, effects)) = system.ground.reader().await?.setup_and_effects(slot.id).await? else {
            return Ok(None);
        };
        let header = header_of(system, slot, &row).await?;
        let Some(header) = header.filter(|header| header.led) else { return Ok(None) };
        let uri = last_redirect_uri(system, slot, &effects).await?;
        Ok(uri.map(|uri| address_at(system, slot, &header.seed, &uri, place)))
    }

    /// Sends the person's browser through this host's start address from now on, as
    /// [`BeginSetup::use_start_address`](super::BeginSetup::use_start_address) does from the beginning. A session that
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
            change_header(&self.system, &self.slot, leads).await.map(drop)
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
            change_header(&self.system, &self.slot, confirms).await.map(drop)
        })
    }
}

/// Returns the last redirect URI that a session has given out.
pub(super) async fn redirect_uri(system: &System, slot: &Slot) -> Result<Option<String>, Error> {
    let effects = system.ground.reader().await?.effects(slot.id).await?;
    last_redirect_uri(system, slot, &effects).await
}

/// Returns the last redirect URI in a journal.
pub(super) async fn last_redirect_uri(
    system: &System,
    slot: &Slot,
    effects: &[(i64, Sealed)],
) -> Result<Option<String>, Error> {
    let mut redirect_uri = None;
    for (seq, sealed) in effects {
        let bytes = system.ground.open_or_lost(&slot.cell(&SETUP_EFFECT, *seq), sealed).await?;
        if let Some(Effect::Allocated(Some(uri))) =
            bytes.and_then(|bytes| Entry::decode(bytes.expose())).map(|entry| entry.effect)
        {
            redirect_uri = Some(uri);
        }
    }
    Ok(redirect_uri)
}

/// Returns the start address of a session that has given out this redirect URI.
pub(super) fn address_at(system: &System, slot: &Slot, seed: &Secret, uri: &str, place: StartPlace) -> String {
    let place = if is_loopback(uri) { place } else { StartPlace::Anywhere };
    let kind = format!("/callback/{}", slot.kind.path_segment());
    // The start address is the same for every part.
    let uri = uri.rfind(&kind).and_then(|at| uri.get(..at + kind.len())).unwrap_or(uri);
    format!("{uri}/go/{}", encode::base64url(&token(system, slot.id, seed, place)))
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
pub(super) fn place_of(system: &System, id: SessionId, seed: &Secret, given: &[u8]) -> Option<StartPlace> {
    [StartPlace::Anywhere, StartPlace::Here]
        .into_iter()
        .find(|place| system.ground.crypto.equal(&token(system, id, seed, *place), given))
}

/// Returns the session's id, followed by a value that only a process with the key can derive from its seed.
fn token(system: &System, id: SessionId, seed: &Secret, place: StartPlace) -> [u8; 2 * TOKEN_HALF_LEN] {
    let purpose: &[u8] = match place {
        StartPlace::Anywhere => b"lead 0",
        StartPlace::Here => b"lead here 0",
    };
    let derived = system.ground.crypto.hmac_sha256(seed, purpose);
    let mut token = [0; 2 * TOKEN_HALF_LEN];
    for (byte, from) in token.iter_mut().zip(id.as_bytes().iter().chain(&derived)) {
        *byte = *from;
    }
    token
}

/// Returns the proof of the browsers that show the session.
pub(super) fn page_proof(system: &System, seed: &Secret) -> Secret {
    Secret::from(encode::base64url(&system.ground.crypto.hmac_sha256(seed, b"page 0")))
}
