//! The tokens of pages and programs, and the caller's own.

use connection_api::{IssuedToken, Me, NewToken, Page, Token};

use crate::{Client, Error};

impl Client {
    /// Returns what the token of this client is, and what the server has.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn me(&self) -> Result<Me, Error> {
        self.get(&["me"]).answer().await
    }

    /// Returns a page of the tokens that the caller may revoke. `after` is `next` of the page before.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me).
    pub async fn tokens(&self, after: Option<&str>) -> Result<Page<Token>, Error> {
        self.get(&["tokens"]).query("limit", Some(500)).query("after", after).answer().await
    }

    /// Makes a token, whose text is in the answer and nowhere else.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `not_allowed` for a role that may do more than the caller.
    pub async fn create_token(&self, new: &NewToken) -> Result<IssuedToken, Error> {
        self.post(&["tokens"]).body(new, new.name.len()).answer().await
    }

    /// Revokes a token, which may be the caller's own.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `token_not_found` if there is none.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        self.delete(&["tokens", id]).nothing().await
    }
}
