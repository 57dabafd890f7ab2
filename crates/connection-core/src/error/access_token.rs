//! The errors of access tokens.

use crate::error::table::codes_and_remedies;

/// The reason why a token was not made. Nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenFault {
    /// The code was not exchanged in time.
    #[error("the code has expired")]
    CodeExpired,
    /// There is no such code.
    #[error("the code is unknown")]
    CodeUnknown,
    /// The code was exchanged before. Somebody else may have used it.
    #[error("the code was already used")]
    CodeUsed,
    /// The name is empty or longer than 100 characters.
    #[error("the name of a token must have 1 to 100 characters")]
    InvalidName,
    /// The setup link names no kind.
    #[error("a setup link needs at least one kind")]
    NoKinds,
    /// Only an agent has tokens with this role.
    #[error("a token with the role 'agent' is made for an agent")]
    NotForAgents,
    /// The owner has as many tokens as are allowed.
    #[error("the owner has {most} access tokens, and no more are allowed")]
    TooMany {
        /// The maximum number of live tokens of an owner.
        most: usize,
    },
    /// The client of an agent renews its tokens too often.
    #[error("the client has got too many tokens in the last minute")]
    TooManyRenewals,
}

codes_and_remedies! {
    AccessTokenFault {
        Self::CodeExpired => "code_expired", "open the page again from the program";
        Self::CodeUnknown => "code_unknown", "open the page again from the program";
        Self::CodeUsed => "code_used", "open the page again from the program; if nobody else of yours opened it, revoke \
            the tokens of pages that you do not know";
        Self::InvalidName => "invalid_token_name", "choose a name by which you recognize the token";
        Self::NoKinds => "no_link_kinds", "name the kinds that the visitor of the link may connect";
        Self::NotForAgents => "invalid_role", "create an agent, then make a token for it";
        Self::TooMany { .. } => "too_many_tokens", "revoke the tokens that are no longer used";
        Self::TooManyRenewals => "too_many_renewals", "wait for a minute, then renew the token again";
    }
}
