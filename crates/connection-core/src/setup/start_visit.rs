//! A browser at the start address of a session: whether it is led on to the provider, or its person is asked first.
//!
//! The address alone proves nothing, because whoever began the setup can send it to another person, whose account
//! would then be connected for the sender. A browser is led on if it holds the proof of the session, which the host
//! gives to the browsers that show it, or if this machine opened it. Every other one is asked, the first one included:
//! a person who agrees has read who will receive the account. The answer needs a value that the question put into a
//! cookie of the browser, so that no page of another site can give it.

use std::time::Duration;

use connection_contract::{BoxFuture, Crypto as _, DisplayText, Kind, Secret, encode};

use super::{
    DeliverError, SetupSession, SetupStep, Setups, System,
    codec::{Header, Purpose},
    follow,
    row::{change_header, open_header},
    start_address::{self as address, StartPlace},
};
use crate::{Error, SessionId};

/// Maximum time for which a browser waits until the session has somewhere to send it.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// The facts about a browser that came to a start address, for [`Setups::open_start_address`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct StartVisit {
    proofs: Vec<Secret>,
    is_navigation: bool,
    answer: Option<(Vec<Secret>, Secret)>,
    posted_from: Option<String>,
}

impl StartVisit {
    /// Creates a visit of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the proofs that the browser has in its cookies.
    #[must_use]
    pub fn proofs(mut self, proofs: Vec<Secret>) -> Self {
        self.proofs = proofs;
        self
    }

    /// States that the browser shows the answer in a window of its own, and not as a part of another page. No other
    /// visit is led on.
    #[must_use]
    pub fn navigation(mut self) -> Self {
        self.is_navigation = true;
        self
    }

    /// States that the person agreed on the page of the question, which a page of the host's own origin sent: with the
    /// [`nonce`](StartQuestion::nonce)s in the cookies of the browser, and the [`token`](StartQuestion::token) of the
    /// question.
    #[must_use]
    pub fn agreed(mut self, nonces: Vec<Secret>, token: Secret) -> Self {
        self.answer = Some((nonces, token));
        self
    }

    /// States that a page of this origin sent the browser here with a POST. The
    /// [endpoint](crate::InboundEndpoint::leads_users_of) decides whether the origin vouches for its user.
    #[must_use]
    pub fn posted_from(mut self, origin: impl Into<String>) -> Self {
        self.posted_from = Some(origin.into());
        self
    }
}

/// The answer to a browser that came to the start address of a session.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartAnswer {
    /// The person is asked before the browser is led on.
    Asks(Box<StartQuestion>),
    /// The browser is led on to the provider.
    Leads(StartRedirect),
}

/// The address to which a browser is led on.
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

/// The question that a person answers before an account is connected for somebody else.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartQuestion {
    /// The session, for the name of the question's cookie.
    pub session: SessionId,
    /// The name of the kind.
    pub title: DisplayText,
    /// The person or the organization that receives the account: the owner's [name for
    /// people](crate::ConnectionRegistry::display_name), or else the owner.
    pub receiver: DisplayText,
    /// The address at the provider.
    pub link: String,
    /// `true` if a connection is authorized again.
    pub is_again: bool,
    /// The value for the cookie of the question.
    pub nonce: Secret,
    /// The value that the page of the question sends back with the person's agreement.
    pub token: Secret,
}

impl<'a> Setups<'a> {
    /// Returns where to send a browser that came to the [address](SetupSession::start_address) of a session of this
    /// kind, whichever owner the session has, or the question to ask its person first.
    ///
    /// A browser is led on without a question if it holds the [proof](SetupSession::browser_proof) of the session, if
    /// it came to the [local address](SetupSession::local_start_address), or if a page whose origin vouches for its
    /// users sent it.
    ///
    /// # Repetition
    ///
    /// A browser that shows the proof of this session is sent on again.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the address may count as used, and no other browser is led without the session's
    /// proof.
    ///
    /// # Errors
    ///
    /// [`DeliverError::OtherBrowser`] after another browser was led on, [`DeliverError::NotNow`] when the session has
    /// nowhere to send a browser after ten seconds, [`DeliverError::Unknown`], [`DeliverError::Gone`], and the store's.
    pub fn open_start_address(
        self,
        kind: &'a Kind,
        given: &'a str,
        visit: StartVisit,
    ) -> BoxFuture<'a, Result<StartAnswer, DeliverError>> {
        Box::pin(async move {
            let system = self.scope.system;
            let given = encode::from_base64url(given).ok_or(DeliverError::Unknown)?;
            let id = address::session_of(&given).ok_or(DeliverError::Unknown)?;
            let row = system.ground.reader().await?.setup(id).await.map_err(Error::from)?;
            let row = row.filter(|row| row.kind == kind.as_str()).ok_or(DeliverError::Unknown)?;
            let slot = system.slot(&row).map_err(|_| DeliverError::Gone)?;
            let (_, header) = open_header(system, &slot).await?.ok_or(DeliverError::Unknown)?;
            let place = address::place_of(system, id, &header.seed, &given).filter(|_| header.led);
            let place = place.ok_or(DeliverError::Unknown)?;
            if row.expires_at <= system.ground.clock.now().seconds() {
                return Err(DeliverError::Gone);
            }
            let page_proof = address::page_proof(system, &header.seed);
            let shows_session =
                visit.proofs.iter().any(|proof| system.ground.crypto.equal(proof.expose(), page_proof.expose()));
            let is_bound = header.browser.is_some_and(|hash| system.is_proved(&hash, &visit.proofs));
            if header.browser.is_some() && !is_bound && !shows_session {
                return Err(DeliverError::OtherBrowser);
            }
            follow::check_row(system, &slot, &mut None).await?;
            let session = SetupSession::at(system, slot.clone());
            let link = tokio::select! {
                biased;
                link = link(&session) => link?,
                () = system.ground.clock.sleep(MAX_DURATION) => return Err(DeliverError::NotNow),
            };
            if visit.is_navigation && is_bound {
                return Ok(StartAnswer::Leads(StartRedirect { session: id, link, proof: None }));
            }
            if visit.is_navigation && shows_session {
                // Somebody who may continue the setup uses this browser, so it takes the place of any other one.
                let hash = system.browser_hash(&page_proof);
                let binds = |header: &mut Header| header.led && header.browser.replace(hash) != Some(hash);
                change_header(system, &slot, binds).await?;
                return Ok(StartAnswer::Leads(StartRedirect { session: id, link, proof: None }));
            }
            let opened_here = async || match place {
                StartPlace::Here => {
                    Ok(address::redirect_uri(system, &slot).await?.as_deref().is_some_and(address::is_loopback))
                }
                StartPlace::Anywhere => Ok::<_, Error>(false),
            };
            let is_led = visit.is_navigation
                && (visit.is_agreed(system, &header.seed) || visit.is_vouched_for(system) || opened_here().await?);
            if !is_led {
                return Ok(StartAnswer::Asks(Box::new(question(system, id, &slot, &header, link).await?)));
            }
            let proof = system.ground.fresh_token();
            let hash = system.browser_hash(&proof);
            let claims = |header: &mut Header| {
                let is_first = header.led && header.browser.is_none();
                if is_first {
                    header.browser = Some(hash);
                }
                is_first
            };
            // If two browsers come at the same time, one of them is the first.
            match change_header(system, &slot, claims).await? {
                true => Ok(StartAnswer::Leads(StartRedirect { session: id, link, proof: Some(proof) })),
                false => Err(DeliverError::OtherBrowser),
            }
        })
    }
}

impl StartVisit {
    /// Returns `true` if the person pressed the button of a question of this session, in the browser that was asked.
    fn is_agreed(&self, system: &System, seed: &Secret) -> bool {
        let Some((nonces, token)) = &self.answer else { return false };
        nonces
            .iter()
            .any(|nonce| system.ground.crypto.equal(question_token(system, seed, nonce).expose(), token.expose()))
    }

    fn is_vouched_for(&self, system: &System) -> bool {
        let Some(origin) = &self.posted_from else { return false };
        system.callback_addresses.as_ref().is_some_and(|addresses| addresses.leads_users_of(origin))
    }
}

impl System {
    /// Returns `true` if one of the proofs has this hash.
    pub(super) fn is_proved(&self, hash: &[u8; 32], proofs: &[Secret]) -> bool {
        proofs.iter().any(|proof| self.ground.crypto.equal(&self.browser_hash(proof), hash))
    }
}

/// Returns the question for a browser that has shown nothing.
async fn question(
    system: &System,
    session: SessionId,
    slot: &super::slot::Slot,
    header: &Header,
    link: String,
) -> Result<StartQuestion, Error> {
    let entry = system.ground.find_kind(&slot.owner, &slot.kind).await?;
    let nonce = system.ground.fresh_token();
    let token = question_token(system, &header.seed, &nonce);
    let name = system.ground.display_name(&slot.owner).await?;
    Ok(StartQuestion {
        session,
        title: entry.map_or_else(|| slot.kind.to_string().into(), |entry| entry.descriptor.display_name.clone()),
        receiver: name.unwrap_or_else(|| slot.owner.clone().into()),
        link,
        is_again: matches!(header.purpose, Purpose::Reauthorize { .. }),
        nonce,
        token,
    })
}

/// Returns the value that answers the question which put `nonce` into a cookie.
fn question_token(system: &System, seed: &Secret, nonce: &Secret) -> Secret {
    let question = [b"question 0 ".as_slice(), nonce.expose()].concat();
    Secret::from(encode::base64url(&system.ground.crypto.hmac_sha256(seed, &question)))
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
