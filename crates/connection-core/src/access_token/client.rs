//! The clients of agents: programs that exchange a code once for a token of an agent, and get another token by themselves
//! before it ends.
//!
//! A code and a refresh token are rows of the same table as tokens, and no door accepts them. A refresh token has one
//! successor, which is computed from it, so that several processes of a client that share their files and refresh at the
//! same time all get the same one.

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, DisplayText, Timestamp, encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    AccessToken, AccessTokens, Audience, IssuedToken, NewAccessToken, PREFIX, Role, record, row_marks, seconds,
};
use crate::{
    AccessTokenFault, AgentId, Error,
    ground::Ground,
    guard,
    keys::Sealer,
    store::{
        Lock, StoreError, Tx,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

/// The time for which a code is good.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The longest lifetime of a token that a client gets.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// The time in seconds for which a refresh token with a successor still returns it.
const GRACE: i64 = 60;
/// The time in seconds after their end for which the rows of a client are kept, so that a code that comes again is known.
const KEPT: i64 = 60;
/// The maximum number of tokens that a client gets in a minute.
const MAX_IN_MINUTE: usize = 20;
/// The maximum number of live tokens of a client. The oldest one makes room.
const MAX_TOKENS: usize = 100;

/// A program that acts as an agent with tokens that it renews by itself.
///
/// ```
/// use connection_core::ModelClient;
///
/// let client = ModelClient::new("https://app.example/client.json", "Example", "app.example");
/// assert_eq!((client.name.as_str(), client.host.as_str()), ("Example", "app.example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelClient {
    /// The text by which the client is recognized when it asks again. It is no secret.
    pub id: String,
    /// The name by which the client calls itself.
    pub name: DisplayText,
    /// The host to which a browser returned with the code.
    pub host: DisplayText,
}

impl ModelClient {
    /// Creates a client with an id, a name and a host.
    pub fn new(id: impl Into<String>, name: impl Into<DisplayText>, host: impl Into<DisplayText>) -> Self {
        Self { id: id.into(), name: name.into(), host: host.into() }
    }
}

/// The digests of what a client must present again. They are compared and mean nothing to the core.
///
/// ```
/// use connection_core::ClientProof;
///
/// let proof = ClientProof { client: [1; 32], code: [2; 32] };
/// assert_ne!(proof.client, proof.code);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a proof without one of the digests would be none")]
pub struct ClientProof {
    /// Whatever stays the same with each request for tokens, such as the id of the client.
    pub client: [u8; 32],
    /// Whatever belongs to the code alone, such as the challenge of PKCE (RFC 7636).
    pub code: [u8; 32],
}

/// What a client presents to get tokens.
///
/// ```
/// use connection_core::{ClientCredential, ClientTokens, ConnectionRegistry, Error};
///
/// async fn renew(registry: &ConnectionRegistry, refresh: &str) -> Result<Option<ClientTokens>, Error> {
///     registry.client_tokens(ClientCredential::Refresh { token: refresh.into(), client: [1; 32] }).await
/// }
/// # let _ = renew;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCredential {
    /// A code, once.
    Code {
        /// The text of the code.
        code: SecretString,
        /// The digests with which the code was made.
        proof: ClientProof,
    },
    /// A refresh token.
    Refresh {
        /// The text of the refresh token.
        token: SecretString,
        /// The digest with which its code was made.
        client: [u8; 32],
    },
}

/// The tokens that a client gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientTokens {
    /// The token for the door for models, which lives for an hour at most.
    pub access: IssuedToken,
    /// The token with which the client gets the next ones. It takes the place of the one that was presented.
    pub refresh: SecretString,
}

/// The client in the row of its agent, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ClientOfAgent {
    id: String,
    name: String,
    host: String,
}

/// Returns the client as it stands in the row of its agent.
pub(crate) fn client_text(client: &ModelClient) -> Option<String> {
    let ModelClient { id, name, host } = client;
    let of = ClientOfAgent { id: id.clone(), name: name.to_string(), host: host.to_string() };
    // The form has string keys, so serializing it cannot fail.
    serde_json::to_string(&of).ok()
}

/// Returns the client of an agent from the row of the agent.
pub(crate) fn read_client(text: &str) -> Option<ModelClient> {
    let ClientOfAgent { id, name, host } = serde_json::from_str(text).ok()?;
    Some(ModelClient::new(id, name, host))
}

/// What a row says about the client, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ClientOfRow {
    /// The digest of [`ClientProof::client`], in hexadecimal digits.
    proof: String,
    /// The time at which the last token of the client ends.
    ends: i64,
    /// The digest of [`ClientProof::code`]; `None` in a refresh token and in a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl ClientOfRow {
    fn of(row: &AccessTokenRow) -> Option<Self> {
        serde_json::from_str(row.client.as_deref()?).ok()
    }

    /// Returns the client as it stands in the rows of tokens.
    fn without_code(&self) -> Self {
        Self { code: None, ..self.clone() }
    }

    fn text(&self) -> Option<String> {
        // The form has string keys, so serializing it cannot fail.
        serde_json::to_string(self).ok()
    }
}

/// A code that is to be inserted, and its text.
pub(crate) struct ClientCode {
    row: AccessTokenRow,
    text: SecretString,
}

impl ClientCode {
    /// Prepares the code of a client that acts as an agent until `ends`.
    pub(crate) fn new(
        ground: &Arc<Ground>,
        owner: &str,
        agent: AgentId,
        client: &ModelClient,
        proof: ClientProof,
        ends: Timestamp,
    ) -> Result<Self, Error> {
        let of = ClientOfRow {
            proof: encode::hex(&proof.client),
            ends: ends.seconds(),
            code: Some(encode::hex(&proof.code)),
        };
        let token = NewAccessToken::new(client.name.clone(), Role::Agent).owner(owner).lifetime(CODE_LIFETIME);
        let (row, text) = AccessTokens::new(ground).prepared(token, TokenPurpose::Code, None)?;
        Ok(Self { row: AccessTokenRow { client: of.text(), ..of_agent(row, agent) }, text })
    }

    /// Inserts the code and returns its text. The transaction holds the owner's lock, and has checked that the agent
    /// exists.
    pub(crate) async fn put(self, tx: &mut Tx, sealer: &Sealer) -> Result<SecretString, StoreError> {
        row_marks::insert(tx, sealer, &self.row).await.map(|()| self.text)
    }
}

fn of_agent(row: AccessTokenRow, agent: AgentId) -> AccessTokenRow {
    let audience = Some(Audience::Mcp.as_str().to_owned());
    AccessTokenRow { agent_id: Some(agent.as_uuid()), audience, ..row }
}

/// Returns the time at which an agent's client got its last refresh token, and the end of the client. Returns `None` for a
/// client that has not exchanged its code, and for one that can get no token any more. `rows` are those of the agent.
pub(crate) fn renewal(ground: &Arc<Ground>, rows: &[AccessTokenRow]) -> Option<(Timestamp, Timestamp)> {
    let now = ground.clock.now().seconds();
    let live = rows.iter().filter(|row| row.purpose == TokenPurpose::Code && record::is_live(row, now));
    let ours = live.filter(|row| guard::check(&ground.sealer, *row).is_ok());
    let refresh = ours.filter_map(|row| Some((row, ClientOfRow::of(row).filter(|of| of.code.is_none())?)));
    let (newest, of) = refresh.max_by_key(|(row, _)| row.id)?;
    Some((Timestamp::from_seconds(newest.created_at), Timestamp::from_seconds(of.ends)))
}

/// Revokes the code, the refresh tokens and the tokens of an agent's client. The transaction holds the owner's lock.
async fn revoke_of_client(tx: &mut Tx, sealer: &Sealer, agent: AgentId, now: i64) -> Result<(), StoreError> {
    for row in tx.agent_tokens(agent).await? {
        if row.client.is_some() && row.revoked_at.is_none() {
            row_marks::revoke(tx, sealer, row, now).await?;
        }
    }
    Ok(())
}

/// Exchanges what a client presents for tokens. Returns `None` if it is refused, whatever the reason is.
pub(crate) fn present(
    ground: &Arc<Ground>,
    credential: ClientCredential,
) -> BoxFuture<'_, Result<Option<ClientTokens>, Error>> {
    Box::pin(async move {
        let tokens = AccessTokens::new(ground);
        let (text, client, code) = match &credential {
            ClientCredential::Code { code, proof } => (code, proof.client, Some(proof.code)),
            ClientCredential::Refresh { token, client } => (token, *client, None),
        };
        let Some(hash) = tokens.hash(text) else { return Ok(None) };
        let row = ground.reader().await?.access_token_by_hash(&hash).await?;
        let Some(row) = row.filter(|row| row.purpose == TokenPurpose::Code && row.client.is_some()) else {
            return Ok(None);
        };
        let presented = Presented {
            client: encode::hex(&client),
            code: code.map(|code| encode::hex(&code)),
            next: next(ground, text),
        };
        let with = ground.clone();
        let job = ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&row.owner)).await?;
                match tx.access_token(row.id).await? {
                    Some(row) => exchanged(tx, &with, row, presented).await,
                    None => Ok(Ok(None)),
                }
            })
        });
        job.await?
    })
}

/// What was presented, in the form in which rows have it.
struct Presented {
    client: String,
    code: Option<String>,
    /// The text of the successor.
    next: SecretString,
}

/// Returns the successor of a code or of a refresh token. Only a program with the keys of the store can compute it.
fn next(ground: &Ground, text: &SecretString) -> SecretString {
    let next = ground.sealer.mac("connections/client-successor/v1", text.expose_secret().as_bytes());
    format!("{PREFIX}{}", encode::base64url(&next)).into()
}

async fn exchanged(
    tx: &mut Tx,
    ground: &Arc<Ground>,
    row: AccessTokenRow,
    presented: Presented,
) -> Result<Result<Option<ClientTokens>, Error>, StoreError> {
    let (sealer, now) = (&ground.sealer, ground.clock.now().seconds());
    if let Err(error) = guard::check(sealer, &row) {
        return Ok(Err(error.into()));
    }
    let (Some(of), Some(agent)) = (ClientOfRow::of(&row), row.agent_id.map(AgentId::from)) else { return Ok(Ok(None)) };
    let is_code = of.code.is_some();
    let is_its_own = of.proof == presented.client && of.code == presented.code;
    if !record::is_live(&AccessTokenRow { revoked_at: None, ..row.clone() }, now) {
        return Ok(Ok(None));
    }
    // A code that comes twice, or from somebody else, is in the wrong hands (RFC 6749, section 4.1.2).
    if is_code && (row.revoked_at.is_some() || !is_its_own) {
        revoke_of_client(tx, sealer, agent, now).await?;
        return Ok(Ok(None));
    }
    let exists = tx.agent(agent).await?.filter(|agent| agent.removed_at.is_none() && agent.owner == row.owner);
    let Some(of_agent) = exists.filter(|_| row.revoked_at.is_none() && is_its_own) else { return Ok(Ok(None)) };
    if let Err(error) = guard::check(sealer, &of_agent) {
        return Ok(Err(error.into()));
    }
    if of.ends <= now {
        return Ok(Ok(None));
    }
    if let Err(error) = make_room(tx, sealer, agent, now).await? {
        return Ok(Err(error));
    }
    let tokens = AccessTokens::new(ground);
    let refresh = presented.next;
    let hash = tokens.mac(refresh.expose_secret());
    match tx.access_token_by_hash(&hash).await? {
        None => {
            let successor = AccessTokenRow {
                id: ground.ids.next().into(),
                token_hash: hash.to_vec(),
                client: of.without_code().text(),
                created_at: now,
                expires_at: Some(of.ends),
                ..row.clone()
            };
            row_marks::insert(tx, sealer, &successor).await?;
        }
        // The successor was presented, revoked or both since.
        Some(successor) if !record::is_live(&successor, now) => return Ok(Ok(None)),
        Some(_) => {}
    }
    let (hash, text) = tokens.fresh();
    let lifetime = of.ends.saturating_sub(now).min(seconds(TOKEN_LIFETIME));
    let access = AccessTokenRow {
        id: ground.ids.next().into(),
        purpose: TokenPurpose::Program,
        token_hash: hash.to_vec(),
        client: of.without_code().text(),
        created_at: now,
        expires_at: Some(now.saturating_add(lifetime)),
        ..row.clone()
    };
    row_marks::insert(tx, sealer, &access).await?;
    match is_code {
        true => row_marks::revoke(tx, sealer, row, now).await?,
        false if row.expires_at.is_none_or(|end| end > now.saturating_add(GRACE)) => {
            row_marks::set_end(tx, sealer, row, now.saturating_add(GRACE), now).await?;
        }
        false => {}
    }
    let issued = AccessToken::of(&access).map(|token| IssuedToken { token, text });
    Ok(Ok(issued.map(|access| ClientTokens { access, refresh })))
}

/// Deletes the rows of a client that ended a while ago, and revokes its oldest token if it has many. Returns an error for a
/// client that gets too many tokens.
async fn make_room(tx: &mut Tx, sealer: &Sealer, agent: AgentId, now: i64) -> Result<Result<(), Error>, StoreError> {
    let mut tokens = Vec::new();
    let mut ended = Vec::new();
    for row in tx.agent_tokens(agent).await?.into_iter().filter(|row| row.client.is_some()) {
        let end = row.revoked_at.unwrap_or_else(|| record::end(&row));
        if end.saturating_add(KEPT) < now {
            ended.push(row);
        } else if row.purpose == TokenPurpose::Program {
            tokens.push(row);
        }
    }
    // A clock that was set back does not count what seems to come later.
    let is_recent = |row: &&AccessTokenRow| (0..60).contains(&now.saturating_sub(row.created_at));
    if tokens.iter().filter(is_recent).count() >= MAX_IN_MINUTE {
        return Ok(Err(Error::AccessToken(AccessTokenFault::TooManyRenewals)));
    }
    for row in &ended {
        row_marks::forget(tx, row).await?;
    }
    tokens.retain(|row| record::is_live(row, now));
    let surplus = (tokens.len() + 1).saturating_sub(MAX_TOKENS);
    for row in tokens.into_iter().take(surplus) {
        row_marks::revoke(tx, sealer, row, now).await?;
    }
    Ok(Ok(()))
}
