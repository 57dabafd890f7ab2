//! Setup links: addresses at which somebody else connects one account for an owner, or repairs one connection.

use std::{collections::BTreeMap, time::Duration};

use connection_contract::{BoxFuture, DisplayText, Kind, Origin, host};
use serde::{Deserialize, Serialize};

use super::{AccessToken, AccessTokens, IssuedToken, NewAccessToken, Role, record, row_marks};
use crate::{
    AccessTokenFault, AccessTokenId, ConnectionId, Error, SessionId, Tags, guard,
    store::{
        Lock, Reader, StoreError,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

/// The time for which an address can be opened, and for which its visitor then has a token.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);

/// The permission of the visitor of a setup link: to connect one account of these kinds, or to repair one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetupLink {
    /// The kinds of which the visitor connects one. For a repair, the kind of the connection.
    pub kinds: Vec<Kind>,
    /// The only connection that the visitor may authorize again; `None` for a link that connects a new account.
    pub repairs: Option<ConnectionId>,
    /// The address to which the page leads the visitor at the end.
    pub return_to: Option<String>,
    /// The addresses in the network of the host that the visitor may enter, because the maker of the link did.
    pub private_addresses: Vec<Origin>,
    /// The tags of the connection that the visitor makes.
    pub tags: Tags,
    /// The setup that the visitor began, and the only one that the visitor may see and continue.
    pub setup: Option<SessionId>,
}

/// The stored form of a link, apart from its setup.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    kinds: Vec<String>,
    return_to: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    private_addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repairs: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl SetupLink {
    /// Reads the stored form; `None` for one that this program does not know.
    pub(super) fn of(stored: &str, setup: Option<SessionId>) -> Option<Self> {
        let Stored { kinds, return_to, private_addresses, repairs, tags } = serde_json::from_str(stored).ok()?;
        let kinds = kinds.iter().map(|kind| Kind::parse(kind)).collect::<Option<_>>()?;
        let private_addresses = private_addresses.iter().map(|origin| host::origin(origin)).collect::<Option<_>>()?;
        let repairs = repairs.map(|id| id.parse()).transpose().ok()?;
        let tags = Tags::new(tags).ok()?;
        Some(Self { kinds, repairs, return_to, private_addresses, tags, setup })
    }
}

/// A setup link to make.
///
/// ```
/// use connection_contract::Kind;
/// use connection_core::{ConnectionRegistry, Error, NewSetupLink};
///
/// async fn invite(registry: &ConnectionRegistry) -> Result<String, Error> {
///     let link = NewSetupLink::new("customer-17", "Invitation", [Kind::from_static("github")]);
///     let link = link.return_to("https://app.example.com/settings");
///     let issued = registry.access_tokens().create_link(link).await?;
///     // The code is the only part of the address that is secret.
///     use secrecy::ExposeSecret as _;
///     Ok(format!("https://connect.example.com/link#link={}", issued.text.expose_secret()))
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSetupLink {
    /// The owner for whom the visitor connects an account.
    pub owner: String,
    /// The name that a person knows the link by.
    pub name: DisplayText,
    /// The kinds of which the visitor connects one. A link that repairs has the kind of its connection in any case.
    pub kinds: Vec<Kind>,
    /// The only connection that the visitor may authorize again; `None` for a link that connects a new account.
    pub repairs: Option<ConnectionId>,
    /// The address to which the page leads the visitor at the end. The host has checked it.
    pub return_to: Option<String>,
    /// The addresses in the network of the host that the visitor may enter. All others are closed to the visitor.
    pub private_addresses: Vec<Origin>,
    /// The tags of the connection that the visitor makes. A connection that is repaired keeps its own.
    pub tags: Tags,
}

impl NewSetupLink {
    /// Creates a link with which somebody connects an account of one of these kinds for the owner.
    pub fn new(owner: impl Into<String>, name: impl Into<DisplayText>, kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
            kinds: kinds.into_iter().collect(),
            repairs: None,
            return_to: None,
            private_addresses: Vec::new(),
            tags: Tags::default(),
        }
    }

    /// Creates a link with which somebody authorizes a connection of the owner again, as the same account.
    pub fn repair(owner: impl Into<String>, name: impl Into<DisplayText>, connection: ConnectionId) -> Self {
        Self { repairs: Some(connection), ..Self::new(owner, name, []) }
    }

    /// Sets the tags of the connection that the visitor makes.
    #[must_use]
    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// Sets the address to which the page leads the visitor at the end.
    #[must_use]
    pub fn return_to(mut self, address: impl Into<String>) -> Self {
        self.return_to = Some(address.into());
        self
    }

    /// Lets the visitor enter an address in the network of the host, if the owner of the link may reach it.
    #[must_use]
    pub fn private_address(mut self, origin: Origin) -> Self {
        self.private_addresses.push(origin);
        self
    }
}

impl<'a> AccessTokens<'a> {
    /// Makes a setup link, and returns it with its code. [`exchange_link`](Self::exchange_link) accepts the code once
    /// within 30 minutes; the token of its page ends 30 minutes later.
    ///
    /// Until the code is exchanged, the link can be listed and revoked by its id like a token. Its page's token has an
    /// id of its own.
    ///
    /// # Errors
    ///
    /// [`Error::AccessToken`] for a link without a kind, [`Error::NotFound`] if the owner does not have the connection to
    /// repair, and the errors of [`create`](Self::create).
    pub fn create_link(self, link: NewSetupLink) -> BoxFuture<'a, Result<IssuedToken, Error>> {
        Box::pin(async move {
            let NewSetupLink { owner, name, mut kinds, repairs, return_to, private_addresses, tags } = link;
            if let Some(connection) = repairs {
                let account = self.ground.reader().await?.account(connection).await?;
                let kind = account.filter(|account| account.owner == owner).map(|account| Kind::parse(&account.kind));
                kinds = vec![kind.flatten().ok_or(Error::NotFound(connection))?];
            }
            if kinds.is_empty() {
                return Err(Error::AccessToken(AccessTokenFault::NoKinds));
            }
            let kinds = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
            let private_addresses = private_addresses.iter().map(|origin| origin.as_str().to_owned()).collect();
            let repairs = repairs.map(|id| id.to_string());
            let tags = tags.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let stored = Stored { kinds, return_to, private_addresses, repairs, tags };
            // The form has string keys, so serializing it cannot fail.
            let stored = serde_json::to_string(&stored).unwrap_or_default();
            let new = NewAccessToken::new(name, Role::Read).owner(owner).lifetime(LIFETIME);
            let (row, text) = self.insert(new, TokenPurpose::Code, Some(stored)).await?;
            let token = AccessToken::of(&row).ok_or(Error::AccessToken(AccessTokenFault::CodeUnknown))?;
            Ok(IssuedToken { token, text })
        })
    }

    /// Lets the visitor of a setup link continue the setup `to` instead of the setup `from`.
    ///
    /// Returns `false` and changes nothing if `token` is not a live token of a setup link, or if its setup is not
    /// `from`. If several setups are begun at once, in any processes, one is taken.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn set_setup(
        self,
        token: AccessTokenId,
        from: Option<SessionId>,
        to: SessionId,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let Some(row) = self.ground.reader().await?.access_token(token).await? else { return Ok(false) };
            let sealer = self.ground.sealer.clone();
            let now = self.ground.clock.now().seconds();
            let job = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&row.owner)).await?;
                    let Some(row) = tx.access_token(token).await? else { return Ok(Ok(false)) };
                    if let Err(error) = guard::check(&sealer, &row) {
                        return Ok(Err(error.into()));
                    }
                    let is_fit = row.purpose == TokenPurpose::Page
                        && row.link.is_some()
                        && row.setup_id == from.map(SessionId::as_uuid);
                    if !is_fit || !record::is_live(&row, now) {
                        return Ok(Ok(false));
                    }
                    row_marks::set_setup(tx, &sealer, row, to, now).await?;
                    Ok(Ok(true))
                })
            });
            job.await?
        })
    }
}

/// Returns `true` if the row is of a link that repairs a connection which the owner no longer has. Such a link has ended.
pub(super) async fn is_of_removed(reader: &mut Reader, row: &AccessTokenRow) -> Result<bool, StoreError> {
    let link = row.link.as_deref().and_then(|stored| SetupLink::of(stored, None));
    let Some(connection) = link.and_then(|link| link.repairs) else { return Ok(false) };
    Ok(reader.account(connection).await?.is_none_or(|account| account.owner != row.owner))
}
