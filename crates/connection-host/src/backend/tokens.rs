//! The tokens with which pages and programs reach a server.

use std::time::Duration;

use async_trait::async_trait;
use connection_api::{IssuedToken, NewRole, NewToken, Token};
use connection_core::{AccessTokenId, NewAccessToken, Role};
use connection_server::convert;

use super::{Local, Remote};
use crate::{Error, Exit, extensions};

/// The number of tokens that are read at once.
const PAGE: u32 = 100;

/// The operations on tokens.
#[async_trait(?Send)]
pub(crate) trait Tokens {
    /// Returns the tokens that act for the owner of the command, with those that act for every owner, as far as the
    /// caller may know them.
    async fn tokens(&self) -> Result<Vec<Token>, Error>;

    /// Returns the id of the token with which this command works, if it has one.
    async fn own_token(&self) -> Result<Option<String>, Error>;

    /// Makes a token, for the owner of the command or for every owner.
    async fn create_token(&self, new: NewToken, for_every_owner: bool) -> Result<IssuedToken, Error>;

    async fn revoke_token(&self, id: &str) -> Result<(), Error>;
}

#[async_trait(?Send)]
impl Tokens for Local {
    async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.registry.access_tokens().list(None, after, PAGE).await?;
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.retain(|token| token.owner.as_deref().is_none_or(|owner| owner == self.registry.owner_name()));
        Ok(found.iter().map(convert::token).collect())
    }

    async fn own_token(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    async fn create_token(&self, new: NewToken, for_every_owner: bool) -> Result<IssuedToken, Error> {
        let owner = self.registry.owner_name();
        let token = match new.extension {
            Some(extension) => {
                // The extension must have been added.
                let handle = extensions::handle(&self.registry, &extension).await?;
                NewAccessToken::new(new.name, Role::Use).owner(owner).extension(handle.name())
            }
            None => {
                let unknown = || Error::usage("there is no such role");
                let token = NewAccessToken::new(new.name, Role::parse(new.role.as_str()).ok_or_else(unknown)?);
                if for_every_owner { token } else { token.owner(owner) }
            }
        };
        let days = new.days.map(|days| Duration::from_hours(24 * u64::from(days)));
        let token = days.into_iter().fold(token, NewAccessToken::lifetime);
        Ok(convert::issued_token(&self.registry.access_tokens().create(token).await?))
    }

    async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        let unknown = || Error::new(Exit::NotFound, "token_not_found", "there is no such access token");
        let id: AccessTokenId = id.parse().map_err(|_| unknown())?;
        Ok(self.registry.access_tokens().revoke(id).await.map(drop)?)
    }
}

#[async_trait(?Send)]
impl Tokens for Remote {
    async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let owner = self.acting_owner().await?;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.client.tokens(after.as_deref()).await?;
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.retain(|token| token.owner.as_ref().is_none_or(|of| *of == owner));
        Ok(found)
    }

    async fn own_token(&self) -> Result<Option<String>, Error> {
        Ok(Some(self.client.me().await?.token))
    }

    async fn create_token(&self, new: NewToken, for_every_owner: bool) -> Result<IssuedToken, Error> {
        let is_of_extension = new.role == NewRole::Extension;
        // The token of an extension is for the owner of the request.
        let owner = if for_every_owner || is_of_extension { None } else { Some(self.acting_owner().await?) };
        Ok(self.client.create_token(&NewToken { owner, ..new }).await?)
    }

    async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        Ok(self.client.revoke_token(id).await?)
    }
}
