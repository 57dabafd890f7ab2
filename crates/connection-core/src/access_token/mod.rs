//! Tokens with which pages and programs use the API of a host.
//!
//! A token is 256 random bits. The store holds a MAC of it, by which it is found, so that no comparison depends on the
//! text. Each row has a mark: a row that was edited or restored outside of the program is not accepted.

mod client;
mod code;
mod for_agent;
mod limit;
mod link;
mod of_extension;
mod record;
mod request;
mod row_marks;

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, DisplayText};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    AccessTokenFault, AccessTokenId, Cursor, Error, Page,
    ground::Ground,
    guard,
    keys::Sealer,
    owner,
    store::{
        Lock, StoreError, Tx,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

pub(crate) use client::{ClientCode, client_text, present, read_client, renewal};
pub use client::{ClientCredential, ClientProof, ClientTokens, ModelClient};
pub(crate) use for_agent::{
    AgentToken, accepted_of_agent, find_of_agent, listed_of_agent, revoke_of_agent, token_hash,
};
pub use link::{NewSetupLink, SetupLink};
pub(crate) use of_extension::revoke_of_extension;
pub use record::{AccessToken, Audience, IssuedToken, NewAccessToken, Role};
pub use request::{RepeatedRequest, RequestKey};

/// The beginning of each token, by which scanners for secrets recognize it.
const PREFIX: &str = "cn_";
/// The length of the text of a token: the prefix and 32 bytes in base64url.
const LENGTH: usize = PREFIX.len() + 43;
/// The time in seconds between two writes of the last use.
const USED_EVERY: i64 = 60;
/// The maximum number of characters in a name.
const MAX_NAME: usize = 100;

/// Returns `true` for a text that can be a token: the prefix, and bytes in base64url.
fn has_form(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == LENGTH && text.strip_prefix(PREFIX).is_some_and(|rest| rest.bytes().all(is_digit))
}

/// The tokens with which pages and programs use the API of a host, of all owners.
///
/// The host decides who may make a token: these methods compare no caller with an owner.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, Error, NewAccessToken, Role};
///
/// async fn make(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let tokens = registry.access_tokens();
///     let issued = tokens.create(NewAccessToken::new("nightly report", Role::Read).owner("ada")).await?;
///     let caller = tokens.authenticate(&issued.text).await?;
///     assert_eq!(caller.as_ref(), Some(&issued.token));
///     tokens.revoke(issued.token.id).await?;
///     assert_eq!(tokens.authenticate(&issued.text).await?, None);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct AccessTokens<'a> {
    ground: &'a Arc<Ground>,
}

impl std::fmt::Debug for AccessTokens<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

impl<'a> AccessTokens<'a> {
    /// The maximum number of live tokens of programs that an owner has, of codes, and of setup links that nobody has
    /// opened.
    pub const MAX_TOKENS: usize = 100;
    /// The maximum number of live tokens of pages that an owner has.
    pub const MAX_PAGES: usize = 20;

    pub(crate) fn new(ground: &'a Arc<Ground>) -> Self {
        Self { ground }
    }

    /// Makes a token for a program. Its text is returned once and stored nowhere.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the token may have been made, and nobody has its text.
    ///
    /// # Errors
    ///
    /// [`Error::AccessToken`] for a name that is empty or too long, and if the owner has too many tokens;
    /// [`Error::InvalidOwner`], and the store's errors.
    pub fn create(self, token: NewAccessToken) -> BoxFuture<'a, Result<IssuedToken, Error>> {
        Box::pin(async move {
            let (row, text) = self.insert(token, TokenPurpose::Program, None).await?;
            let token = AccessToken::of(&row).ok_or(Error::AccessToken(AccessTokenFault::CodeUnknown))?;
            Ok(IssuedToken { token, text })
        })
    }

    /// Returns the token with this text; `None` if there is none, if it has ended or was revoked, and if its row was
    /// edited or restored. The use is recorded at most once a minute.
    ///
    /// The token of an agent is not returned, because it does not give access to the API of a host.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn authenticate(self, text: &'a SecretString) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        Box::pin(async move {
            let Some(hash) = self.hash(text) else { return Ok(None) };
            let mut reader = self.ground.reader().await?;
            let row = reader.access_token_by_hash(&hash).await?;
            let Some((row, token)) = row.and_then(|row| self.accepted(row)) else { return Ok(None) };
            if token.agent.is_some() || link::is_of_removed(&mut reader, &row).await? {
                return Ok(None);
            }
            drop(reader);
            self.note_use(&row).await;
            Ok(Some(token))
        })
    }

    /// Returns the token of a row that is accepted now, and is not a code.
    fn accepted(self, row: AccessTokenRow) -> Option<(AccessTokenRow, AccessToken)> {
        let now = self.ground.clock.now().seconds();
        if row.purpose == TokenPurpose::Code || !record::is_live(&row, now) || !self.is_ours(&row) {
            return None;
        }
        AccessToken::of(&row).map(|token| (row, token))
    }

    /// Returns tokens of an owner, or of all if `owner` is `None`, in the order in which they were made, with those
    /// that ended in the last seven days and the setup links that nobody has opened. A token whose row was edited or
    /// restored is left out, and so is a setup link whose connection was removed.
    /// [`Agent::tokens`](crate::Agent::tokens) returns the tokens of an agent, which are not among these.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn list(
        self,
        owner: Option<&'a str>,
        after: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page<AccessToken>, Error>> {
        Box::pin(async move {
            let wanted = limit as usize;
            let mut found = Vec::new();
            let mut after = after.as_ref().map(Cursor::position).transpose()?;
            // One more than the page has shows whether there is a next page.
            while found.len() <= wanted {
                let page = (wanted - found.len()).max(50);
                let mut reader = self.ground.reader().await?;
                let rows = reader.access_tokens(owner, after, page as i64).await?;
                let is_last = rows.len() < page;
                after = rows.last().map(|row| row.id);
                for row in rows.iter().filter(|row| row.agent_id.is_none() && self.is_ours(row)) {
                    if !link::is_of_removed(&mut reader, row).await? {
                        found.extend(AccessToken::of(row));
                    }
                }
                if is_last {
                    break;
                }
            }
            Ok(Page::of(found, Some(limit), |token| token.id))
        })
    }

    /// Returns the token with this id, also one that has ended. A token whose row was edited is not found, and neither
    /// is the token of an agent.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn get(self, id: AccessTokenId) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        Box::pin(async move {
            let row = self.ground.reader().await?.access_token(id).await?;
            Ok(row.filter(|row| row.agent_id.is_none() && self.is_ours(row)).as_ref().and_then(AccessToken::of))
        })
    }

    /// Revokes a token, which is refused from then on in all processes, because it is read for each request. Returns
    /// `false` if there is none with this id or if it was revoked before.
    ///
    /// The token of an agent is revoked by [`Agent::revoke_token`](crate::Agent::revoke_token), which also waits for the
    /// processes that keep what they have read of it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn revoke(self, id: AccessTokenId) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.end(id))
    }

    /// Revokes a token or the token of an agent, as far as the store is concerned.
    pub(crate) async fn end(self, id: AccessTokenId) -> Result<bool, Error> {
        let Some(row) = self.ground.reader().await?.access_token(id).await? else { return Ok(false) };
        let sealer = self.ground.sealer.clone();
        let now = self.ground.clock.now().seconds();
        let job = self.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&row.owner)).await?;
                let Some(row) = tx.access_token(id).await?.filter(|row| row.revoked_at.is_none()) else {
                    return Ok(false);
                };
                row_marks::revoke(tx, &sealer, row, now).await.map(|()| true)
            })
        });
        Ok(job.await?)
    }

    /// Inserts a token or a code that ends after its lifetime, and returns its text.
    async fn insert(
        self,
        token: NewAccessToken,
        purpose: TokenPurpose,
        link: Option<String>,
    ) -> Result<(AccessTokenRow, SecretString), Error> {
        if token.role == Role::Agent {
            return Err(Error::AccessToken(AccessTokenFault::NotForAgents));
        }
        let (row, text) = self.prepared(token, purpose, link)?;
        let sealer = self.ground.sealer.clone();
        let stored = row.clone();
        let job = self.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&stored.owner)).await?;
                put(tx, &sealer, &stored).await
            })
        });
        job.await??;
        Ok((row, text))
    }

    /// Returns the row of a token or a code that is to be inserted, and its text.
    fn prepared(
        self,
        token: NewAccessToken,
        purpose: TokenPurpose,
        link: Option<String>,
    ) -> Result<(AccessTokenRow, SecretString), Error> {
        let NewAccessToken { name, role, owner, extension, lifetime } = token;
        let name = checked_name(&name)?;
        if let Some(owner) = &owner {
            owner::check(owner).map_err(Error::InvalidOwner)?;
        }
        let now = self.ground.clock.now().seconds();
        let (hash, text) = self.fresh();
        let row = AccessTokenRow {
            id: self.ground.ids.next().into(),
            owner: owner.unwrap_or_default(),
            purpose,
            token_hash: hash.to_vec(),
            name,
            role: role.as_str().to_owned(),
            extension,
            link,
            setup_id: None,
            created_at: now,
            expires_at: Some(now.saturating_add(seconds(lifetime))),
            idle: None,
            last_used_at: None,
            revoked_at: None,
            agent_id: None,
            audience: None,
            client: None,
            marked: Default::default(),
        };
        Ok((row, text))
    }

    /// Returns the text of a new token, and its hash.
    fn fresh(self) -> ([u8; 32], SecretString) {
        let random = self.ground.fresh_token();
        let text = format!("{PREFIX}{}", random.expose_str().unwrap_or_default());
        (self.mac(&text), text.into())
    }

    /// Returns the hash of a text that can be a token.
    fn hash(self, text: &SecretString) -> Option<[u8; 32]> {
        let text = text.expose_secret();
        has_form(text).then(|| self.mac(text))
    }

    fn mac(self, text: &str) -> [u8; 32] {
        self.ground.sealer.mac("connections/access-token/v1", text.as_bytes())
    }

    /// Returns `true` if the row is as this program wrote it.
    fn is_ours(self, row: &AccessTokenRow) -> bool {
        let checked = guard::check(&self.ground.sealer, row);
        checked.inspect_err(|error| tracing::warn!(%error, "an access token is not accepted")).is_ok()
    }

    /// Records a use, unless one was recorded in the last minute.
    async fn note_use(self, row: &AccessTokenRow) {
        let now = self.ground.clock.now().seconds();
        if row.last_used_at.is_none_or(|last| last.saturating_add(USED_EVERY) <= now) {
            self.record_use(row.id, now).await;
        }
    }

    /// A use that cannot be recorded is no reason to refuse the token.
    async fn record_use(self, id: AccessTokenId, now: i64) {
        let job =
            self.ground.store.write_relaxed(move |tx| Box::pin(async move { tx.use_access_token(id, now).await }));
        if let Err(error) = job.await {
            tracing::debug!(%error, "the use of an access token was not recorded");
        }
    }
}

/// Inserts the row of a token or a code, if the owner has room for it. The transaction holds the owner's lock.
async fn put(tx: &mut Tx, sealer: &Sealer, row: &AccessTokenRow) -> Result<Result<(), Error>, StoreError> {
    if !limit::has_room(tx, row, row.created_at).await? {
        let fault = AccessTokenFault::TooMany { most: AccessTokens::MAX_TOKENS };
        return Ok(Err(Error::AccessToken(fault)));
    }
    row_marks::insert(tx, sealer, row).await?;
    tx.made(&row.id.to_string()).await.map(Ok)
}

fn checked_name(name: &DisplayText) -> Result<String, Error> {
    let name = name.as_str().trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::AccessToken(AccessTokenFault::InvalidName));
    }
    Ok(name.to_owned())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
