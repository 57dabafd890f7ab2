//! Facets of a kind. A connection has a capability if and only if its kind has the facet.

use alloc::vec::Vec;

use crate::{Context, CredentialError, HttpError, HttpRequest, HttpResponse, Seat, Secret};

/// Attaches a credential to requests. No other code of a plugin does this.
pub trait Authorizer<C>: Send + Sync {
    /// Adds the credential to a request whose address is in reach.
    ///
    /// # When it is called
    ///
    /// Before every request that uses the connection, including the plugin's own requests through
    /// [`send_as`](Context::send_as). The method receives no connection: what it needs must be part of the credential.
    ///
    /// # Repetition
    ///
    /// A request may be authorized again for a retry or a redirect, so headers must be replaced rather than added.
    ///
    /// # Errors
    ///
    /// The request is not sent, and the caller receives `credential_unreadable`.
    fn authorize(&self, credential: &C, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<(), CredentialError>;

    /// Returns `true` if [`authorize`](Self::authorize) reads or changes the body of a request, for example to sign it.
    ///
    /// By default, it does neither, so a host may call `authorize` with an empty body and send the body while it
    /// arrives. If this method returns `true`, the host reads the body whole first, and refuses one that is too large
    /// for that.
    fn reads_body(&self) -> bool {
        false
    }

    /// Returns `true` if [`authorize`](Self::authorize), and the code that reads a credential for it, at once computes its
    /// result: it neither waits nor blocks, and computes no longer than it takes to set a few headers.
    ///
    /// A host may then call it in the thread of whoever uses the connection. By default, it does not, so that a plugin
    /// that never returns blocks nothing else. A plugin that returns `true` and blocks all the same blocks its host.
    ///
    /// # When it is called
    ///
    /// Once, at registration. The host ignores it if [`reads_body`](Self::reads_body) returns `true`.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Returns the places of a request where [`authorize`](Self::authorize) puts the secrets of a credential.
    ///
    /// By default, there are none. A host then finds the token of a program only in `Authorization: Bearer`, and knows
    /// no further place in which a request could carry another credential. If the place depends on the credential, the
    /// method returns every place that is known.
    ///
    /// # When it is called
    ///
    /// Once, at registration.
    ///
    /// # Repetition
    ///
    /// Must return the same value each time: it may depend on nothing but `self`.
    ///
    /// # Example
    ///
    /// ```
    /// use connection_contract::prelude::*;
    ///
    /// struct Acme;
    ///
    /// impl Authorizer<Secret> for Acme {
    ///     fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
    ///         request.set_header("x-acme-key", key.duplicate());
    ///         Ok(())
    ///     }
    ///     fn seats(&self) -> Vec<Seat> {
    ///         vec![Seat::header("x-acme-key")]
    ///     }
    /// }
    /// ```
    fn seats(&self) -> Vec<Seat> {
        Vec::new()
    }
}

impl Context<'_> {
    /// Sends a request with the credential attached.
    ///
    /// # Errors
    ///
    /// The errors of [`HttpService::send`](crate::HttpService::send); [`HttpError::Credential`] if the credential could not be attached.
    pub async fn send_as<C>(
        &self,
        authorizer: &dyn Authorizer<C>,
        credential: &C,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, HttpError> {
        authorizer.authorize(credential, &mut request, self).map_err(|_| HttpError::Credential)?;
        self.http().send(request).await
    }
}

/// Hands out named secrets to callers that were granted them.
pub trait NamedSecrets<C>: Send + Sync {
    /// Returns the secret with this name, such as `accessToken`, if the credential contains it.
    ///
    /// # When it is called
    ///
    /// For a name in the descriptor's `secret_names`: when a credential is stored, to find out which secrets it
    /// contains, and when a caller with a grant requests it. For the [`token_secret`](crate::SignIn::token_secret) and the
    /// [`key`](crate::SignIn::key) of a tool: when the tool is started. The host records each hand-over before the caller receives the secret.
    fn secret(&self, credential: &C, name: &str) -> Option<Secret>;

    /// Returns the secrets of the credential that nobody can request because they have no name, such as a refresh token. A
    /// host neither stores nor shows an account whose id or name contains a secret.
    fn unnamed(&self, credential: &C) -> Vec<Secret> {
        _ = credential;
        Vec::new()
    }
}
