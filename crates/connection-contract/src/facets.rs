//! Facets: a capability exists exactly when its facet is present. Nouns with one verb, and objects.

use crate::{Context, CredentialError, HttpRequest, Secret};

/// Attaches a credential to a request: the one place in a plugin that does.
pub trait Authorizer<C>: Send + Sync {
    /// Adds what the provider wants to a request that goes to an address in reach.
    ///
    /// # When it is called
    ///
    /// Before every request that uses the connection, also one of the plugin's own through
    /// [`send_as`](Context::send_as). It sees no connection: what it needs is in the credential.
    ///
    /// # Repetition
    ///
    /// A request may be authorized again, for a retry or a redirect. Headers are replaced, not added.
    ///
    /// # Errors
    ///
    /// The request is not sent; the caller gets `credential_unreadable`.
    fn authorize(&self, credential: &C, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<(), CredentialError>;
}

/// Hands out named secrets, to callers that were granted the name.
pub trait NamedSecrets<C>: Send + Sync {
    /// The secret of that name (`accessToken`), if this credential has it.
    ///
    /// # When it is called
    ///
    /// For a name in the descriptor's `secret_names`: when a credential is stored, to know which it has, and when somebody who
    /// may have it asks. For the [`token_secret`](crate::SignIn::token_secret) of a tool: when the tool is started. Nobody is
    /// given a secret before that is on record.
    fn secret(&self, credential: &C, name: &str) -> Option<Secret>;
}
