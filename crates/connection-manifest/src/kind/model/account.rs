//! The table `[account]`: where the account stands in an answer, and what kind of name it has there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Texts;

/// The places from which the account is read, with its scopes and the end of its credential.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccountModel {
    /// Source that the account is read from. The default is the response to `verify`.
    pub(crate) from: AccountSource,
    /// Pointers to the id; with `from = "fields"`, templates.
    pub(crate) id: Texts,
    /// Pointers to the name for people, or templates.
    pub(crate) label: Texts,
    /// `true` if the id can be changed at the provider, such as a user name, and the response names no other.
    pub(crate) mutable: bool,
    /// `true` if the id is an e-mail address, in which capital letters make no difference.
    pub(crate) email: bool,
    /// `true` if a connection with the scope `openid` has the `sub` of its ID token as its id, and the e-mail address at
    /// `id` only as its label. Connections without that scope keep the address as their id.
    pub(crate) subject: bool,
    /// Where the granted scopes are.
    pub(crate) scopes: Option<Place>,
    /// Where the end of the credential is.
    pub(crate) expires: Option<Place>,
}

/// The source of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountSource {
    Client,
    Fields,
    IdToken,
    Token,
    #[default]
    Verify,
}

/// A place in the response to `verify`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Place {
    /// Name of the header that holds the value.
    pub(crate) header: Option<String>,
    /// JSON pointer into the body.
    pub(crate) pointer: Option<String>,
    /// Separator between several values. The default is any space or comma.
    pub(crate) separator: Option<String>,
}
