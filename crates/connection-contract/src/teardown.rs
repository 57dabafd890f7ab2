//! The outcome of a teardown, and the facet that revokes a credential that a person entered.

use core::fmt;

use crate::{BoxFuture, ConnectionError, DisplayText, Reason, TeardownContext, Text, reason};

/// The outcome of a [teardown](crate::ConnectionDefinition::teardown) that did not fail. It says what was seen to
/// happen at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Teardown {
    /// There was nothing to revoke, because the connection holds no credential: only directories, or a login that stays
    /// with its tool.
    NothingToRevoke,
    /// The credential, or a part of it, was not revoked. The message of the reason says what still works, as in "the
    /// token works at Acme until it is deleted there".
    ///
    /// A host adds the [credential page](crate::ConnectionDefinition::credential_page) to a reason without a remedy.
    NotRevoked(Reason),
    /// The provider confirmed that the credential no longer works.
    Revoked,
}

impl Teardown {
    /// Creates the outcome for a credential that the kind cannot revoke, with a sentence that says what still works.
    ///
    /// ```
    /// use connection_contract::{Teardown, reason};
    ///
    /// let kept = Teardown::not_revoked("the token works at Acme until it is deleted there");
    /// assert!(matches!(kept, Teardown::NotRevoked(why) if why.code == reason::NO_REVOCATION));
    /// ```
    pub fn not_revoked(still_works: impl Into<DisplayText>) -> Self {
        Self::NotRevoked(Reason::new(reason::NO_REVOCATION, still_works))
    }
}

/// The grant at the provider to which a credential belongs: what one account has granted to one application.
///
/// A provider that can only end a whole grant ends all credentials of that grant at once. Kinds of such a provider name
/// the application and the account in the same way, so that a host knows which connections share a grant.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderGrant {
    /// The id of the application, such as the client id of OAuth.
    pub application: Text,
    /// The account, in a form that all kinds of the provider have in common, such as its e-mail address.
    pub account: Text,
}

impl ProviderGrant {
    /// Creates a grant of an account to an application.
    pub fn new(application: impl Into<Text>, account: impl Into<Text>) -> Self {
        Self { application: application.into(), account: account.into() }
    }
}

impl fmt::Debug for ProviderGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderGrant")
    }
}

/// Revokes a credential that a person entered, such as a pasted token.
///
/// Another program may use the same credential, so a host revokes it only if a person asks for it. What setup itself
/// created at the provider is revoked by [`teardown`](crate::ConnectionDefinition::teardown) in any case.
pub trait Revoker<C>: Send + Sync {
    /// Revokes the credential, together with everything that setup created with it.
    ///
    /// # When it is called
    ///
    /// Instead of [`teardown`](crate::ConnectionDefinition::teardown), when a person removes the connection and asks to
    /// revoke the credential that was entered.
    ///
    /// # Repetition
    ///
    /// A crash between this call and the removal may run it again, so a second call must have the same effect as one
    /// call.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline.
    ///
    /// # Errors
    ///
    /// The error is logged and recorded, and the row is deleted anyway.
    fn revoke<'a>(
        &'a self,
        credential: &'a C,
        ctx: &'a TeardownContext<'_>,
    ) -> BoxFuture<'a, Result<Teardown, ConnectionError>>;
}
