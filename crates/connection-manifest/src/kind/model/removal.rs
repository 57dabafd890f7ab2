//! The tables `[removal]` and `[revoke]`: where a person deletes the credential, and the request that revokes it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::template::{Template, Variable},
    BasicModel, JsonTemplate, MethodVerb, Pairs, Rule, Texts,
};

/// Where a person deletes the credential, and what a revocation by the provider ends. It is no part of the terms.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RemovalModel {
    /// Page on which a person deletes the credential. The first address whose variables all have a value is used.
    pub(crate) url: Texts,
    /// Other pages, for secrets that begin in a certain way.
    pub(crate) forms: Vec<RemovalForm>,
    /// The access that ends when the provider revokes a token. The default is that of the token alone.
    pub(crate) ends: Ends,
    /// Pointers to the value that names the account alike in all kinds of the provider, in the response that names the
    /// account. Without it, all connections of an owner with the same application count as one account.
    pub(crate) account: Texts,
}

/// The page for secrets that begin in a certain way.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RemovalForm {
    /// Text with which the secret begins, such as `github_pat_`.
    pub(crate) prefix: String,
    /// Page on which a person deletes such a credential.
    pub(crate) url: String,
}

/// The access that ends when the provider revokes a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ends {
    /// All access that the account granted to the application, also by other connections.
    Grant,
    /// The access of the token, and of the tokens that were obtained with it.
    #[default]
    Token,
}

/// The request that revokes the credential when the connection is removed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RevokeModel {
    /// Method. The default is `GET`, or `POST` with a body.
    pub(crate) method: Option<MethodVerb>,
    /// Path below the base, or a whole `https` address.
    pub(crate) path: Template,
    /// Headers of the request, as names and templates.
    pub(crate) headers: Pairs<Template>,
    /// Query parameters of the request, as names and templates.
    pub(crate) query: Pairs<Template>,
    /// JSON body of the request, whose texts are templates.
    pub(crate) json: Option<JsonTemplate>,
    /// Form body of the request, as names and templates.
    pub(crate) form: Pairs<Template>,
    /// User name and password of HTTP Basic, which take the place of the credential. The application of a kind with
    /// OAuth authenticates itself in this way.
    pub(crate) basic: Option<BasicModel>,
    /// Rules for responses that do not confirm the revocation, whatever their status.
    pub(crate) error_if: Vec<Rule>,
    /// Statuses that confirm the revocation. The default is every 2xx.
    pub(crate) ok: Vec<u16>,
}

impl RevokeModel {
    /// Returns `true` if a template of the request has a variable for which `is` returns `true`.
    pub(crate) fn has(&self, is: impl Fn(&Variable) -> bool) -> bool {
        let has = |template: &Template| template.variables().any(&is);
        let mut found = has(&self.path);
        let pairs = [&self.headers, &self.query, &self.form];
        found |= pairs.into_iter().flat_map(Pairs::iter).any(|(_, template)| has(template));
        if let Some(json) = &self.json {
            json.each(&mut |template| found |= has(template));
        }
        found || self.basic.as_ref().is_some_and(|basic| has(&basic.user) || has(&basic.password))
    }
}
