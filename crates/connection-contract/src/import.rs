//! The facet that makes a credential of what a person would enter, for an import.

use crate::{Answers, Context, Identity, SetupFailure, SetupResult};

/// Makes a connection of answers to the fields of a kind, without a request.
///
/// An import has the account and the answers of connections that another program made. With this facet, it takes the
/// answers in the form in which setup asks for them. Without it, an import needs the bytes that
/// [`serialize_credential`](crate::ConnectionDefinition::serialize_credential) would return.
///
/// ```
/// use connection_contract::prelude::*;
///
/// struct Acme;
/// struct ApiKey(Secret);
///
/// impl Importer<ApiKey> for Acme {
///     fn import(
///         &self,
///         identity: Identity,
///         mut answers: Answers,
///         _: &Context<'_>,
///     ) -> Result<SetupResult<ApiKey>, SetupFailure> {
///         Ok(SetupResult::new(ApiKey(answers.secret("apiKey")?), identity))
///     }
/// }
/// ```
pub trait Importer<C>: Send + Sync {
    /// Returns the connection of these answers to the fields of the descriptor.
    ///
    /// # When it is called
    ///
    /// Once for each connection to import. The answers fit their fields, and required fields are answered.
    ///
    /// # Repetition
    ///
    /// The same answers give the same result.
    ///
    /// # Cancellation
    ///
    /// The call does not wait: its context reaches no address.
    ///
    /// # Errors
    ///
    /// The message says which answer cannot be used. The connection is not imported.
    fn import(&self, identity: Identity, answers: Answers, ctx: &Context<'_>) -> Result<SetupResult<C>, SetupFailure>;
}
