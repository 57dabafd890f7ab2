//! The table `[oauth2]`: everything that a configuration of `connection-oauth2` can say.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{super::template::Template, MethodVerb, Pairs, Parameter, Rule, Texts, UnitName, steps::JwtAlgorithm};

/// The description of an OAuth 2 provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OAuth2Table {
    /// Page that the browser opens, with alternatives.
    pub(crate) authorize: Texts,
    /// Endpoint that issues tokens, with alternatives.
    pub(crate) token: Texts,
    /// Endpoint for refresh requests. The default is the token endpoint.
    pub(crate) refresh: Texts,
    /// Endpoint that revokes tokens (RFC 7009), with alternatives.
    pub(crate) revocation: Texts,
    /// Endpoint that issues device codes.
    pub(crate) device: Texts,
    /// Endpoint that authorization requests are pushed to first.
    pub(crate) pushed: Texts,
    /// Endpoint where an application registers itself.
    pub(crate) registration: Texts,
    /// Identifier of the server that issues the tokens, which is an address.
    pub(crate) issuer: Option<String>,
    /// `true` if the endpoints are read from the issuer's metadata.
    pub(crate) discover: bool,
    /// `true` if a callback without `iss` is refused.
    pub(crate) issuer_in_callback: bool,
    /// The grant by which tokens are obtained. The default is an authorization code.
    pub(crate) grant: GrantName,
    /// Where the application comes from.
    pub(crate) client: ClientName,
    /// The way in which the application authenticates itself. The default is to send its secret in the body.
    pub(crate) client_auth: ClientAuthTable,
    /// `false` for a provider that does not tolerate PKCE.
    pub(crate) pkce: Option<bool>,
    /// Encoding of requests to the token endpoint.
    pub(crate) body: BodyName,
    /// Scopes to request, without which the connection still works.
    pub(crate) scopes: Vec<String>,
    /// Scopes to request, without which nothing works.
    pub(crate) required_scopes: Vec<String>,
    /// Scopes that no setup requests by itself, and that a re-authorization may ask for.
    pub(crate) optional_scopes: Vec<String>,
    /// `true` if the provider lists scopes of which one suffices when it refuses a request for lack of a scope.
    pub(crate) alternative_scopes: bool,
    /// Separator between scopes. The default is a space.
    pub(crate) scope_separator: Option<String>,
    /// The ways in which a person may complete the authorization.
    pub(crate) methods: Option<Vec<MethodName>>,
    /// Parameters of the authorization request.
    pub(crate) authorize_params: Pairs<Parameter>,
    /// Parameters of the token request.
    pub(crate) token_params: Pairs<Parameter>,
    /// Parameters of the refresh request.
    pub(crate) refresh_params: Pairs<Parameter>,
    /// Parameters of the device authorization request.
    pub(crate) device_params: Pairs<Parameter>,
    /// Other names of standard parameters of the authorization request.
    pub(crate) authorize_rename: Pairs<String>,
    /// Other names of standard parameters of the token request.
    pub(crate) token_rename: Pairs<String>,
    /// Other names of standard parameters of the refresh request.
    pub(crate) refresh_rename: Pairs<String>,
    /// Other names of standard parameters of the device authorization request.
    pub(crate) device_rename: Pairs<String>,
    /// Headers of the token request.
    pub(crate) token_headers: Pairs<Template>,
    /// Headers of the refresh request.
    pub(crate) refresh_headers: Pairs<Template>,
    /// Parameter of the callback that holds the code. The default is `code`.
    pub(crate) code_param: Option<String>,
    /// Parameters of the callback that are kept, as fields with `source = "callback"`.
    pub(crate) callback_capture: Vec<String>,
    /// `true` if the callback names the granted scopes in `scope`, and the token response does not.
    pub(crate) scopes_in_callback: bool,
    /// The way in which a new access token is obtained when the old one ends.
    pub(crate) renewal: Option<RenewalName>,
    /// The rule for a refresh token whose response is lost.
    pub(crate) semantics: SemanticsTable,
    /// Days without use after which a refresh token expires.
    pub(crate) idle_days: Option<u32>,
    /// Days after a person's authorization at which the provider ends it, however often it is refreshed.
    pub(crate) authorization_days: Option<u32>,
    /// `true` if a refresh request names the scopes.
    pub(crate) refresh_with_scope: bool,
    /// A request after the token request, whose response holds the tokens to keep.
    pub(crate) step: Option<OAuth2Step>,
    /// The request that renews, with `renewal = "step"`.
    pub(crate) refresh_step: Option<OAuth2Step>,
    /// Where the parts of a token response are.
    pub(crate) response: ResponseTable,
}

/// The grant by which tokens are obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantName {
    #[default]
    AuthorizationCode,
    ClientCredentials,
    ConsentThenClientCredentials,
    DeviceCode,
    Password,
}

/// Where the application comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientName {
    PerConnection,
    #[default]
    Prompted,
    Registered,
}

/// The encoding of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyName {
    #[default]
    Form,
    Json,
    Query,
}

/// A way in which a person completes the authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MethodName {
    Browser,
    Device,
    Paste,
}

/// The way in which a new access token is obtained when the old one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RenewalName {
    Never,
    RefreshToken,
    Rerun,
    Step,
}

/// A request that is sent with the access token.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OAuth2Step {
    /// Method, `GET` or `POST`. The default is `GET`.
    pub(crate) method: Option<MethodVerb>,
    /// Address that the request is sent to, as a template.
    pub(crate) url: Template,
    /// Parameters of the request, as names and templates.
    pub(crate) params: Pairs<Template>,
}

/// Where the parts of a token response are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ResponseTable {
    /// Pointers to the access token. The other parts are read beside it.
    pub(crate) access_token: Texts,
    /// Other names of the parts, or pointers.
    pub(crate) names: PartNames,
    /// Unit in which the provider counts lifetimes. The default is seconds.
    pub(crate) expires_unit: UnitName,
    /// Lifetime of a token whose response does not state one, in seconds.
    pub(crate) default_life_seconds: Option<u64>,
    /// Rules that make a response an error, whatever its status.
    pub(crate) error_if: Vec<Rule>,
    /// Rules that make a response a rate limit, whatever its status. Those of `request` apply as well.
    pub(crate) limited_if: Vec<Rule>,
    /// Rules that say that the provider does not allow the address from which this host asks, or not at this time.
    pub(crate) address_refused_if: Vec<Rule>,
    /// Error codes of this provider that mean the same as `invalid_grant` in an answer to a refresh.
    pub(crate) dead_codes: Vec<String>,
    /// The public page that says how the provider refuses a refresh, or that it issues no refresh tokens. A file of the
    /// catalogue names it, or says when nobody found one.
    pub(crate) source: Option<String>,
    /// The day on which no public page said how the provider refuses a refresh, as `YYYY-MM-DD`.
    pub(crate) undocumented: Option<String>,
    /// Values that are kept, as fields with `source = "token_response"`, by JSON pointer.
    pub(crate) capture: Pairs<String>,
    /// Further sets of tokens, by JSON pointer.
    pub(crate) extra_tokens: Pairs<String>,
}

/// Other names of the parts of a token response.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PartNames {
    /// The name of the moment at which the access token ends, or the pointer to it.
    pub(crate) expires_at: Option<String>,
    /// The name of the lifetime of the access token, or the pointer to it.
    pub(crate) expires_in: Option<String>,
    /// The name of the ID token, or the pointer to it.
    pub(crate) id_token: Option<String>,
    /// The name of the lifetime of the refresh token, or the pointer to it.
    pub(crate) refresh_expires_in: Option<String>,
    /// The name of the refresh token, or the pointer to it.
    pub(crate) refresh_token: Option<String>,
    /// The name of the granted scopes, or the pointer to them.
    pub(crate) scope: Option<String>,
}

/// The way in which the application authenticates itself: a name, or a table.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum ClientAuthTable {
    Name(ClientAuthName),
    Table(ClientAuthForm),
}

impl Default for ClientAuthTable {
    fn default() -> Self {
        Self::Name(ClientAuthName::Body)
    }
}

/// A way to authenticate that needs no more than its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientAuthName {
    Basic,
    BasicRaw,
    Body,
    None,
}

/// A way to authenticate that is described by a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClientAuthForm {
    /// HTTP Basic with two templates.
    pub(crate) basic: Option<BasicTexts>,
    /// A JWT that the application signs with its private key (RFC 7523, section 2.2).
    pub(crate) private_key_jwt: Option<AssertionTable>,
}

/// Two templates over the application's id and secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BasicTexts {
    /// User name, as a template.
    pub(crate) user: Template,
    /// Password, as a template.
    pub(crate) password: Template,
}

/// An assertion that the application signs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AssertionTable {
    /// Algorithm that signs the assertion.
    pub(crate) algorithm: Option<JwtAlgorithm>,
    /// Id of the key, which the header of the assertion states as `kid`.
    pub(crate) key_id: Option<String>,
    /// Audience. The default is the issuer.
    pub(crate) audience: AudienceName,
}

/// The audience of an assertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AudienceName {
    Endpoint,
    #[default]
    Issuer,
}

/// Reads a name or a table.
struct NameOrTable<N, T>(std::marker::PhantomData<(N, T)>, &'static str);

/// The result of reading a name or a table.
enum Either<N, T> {
    Name(N),
    Table(T),
}

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for NameOrTable<N, T> {
    type Value = Either<N, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        N::deserialize(serde::de::value::StrDeserializer::new(text)).map(Either::Name)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Either::Table)
    }
}

impl<'de> Deserialize<'de> for ClientAuthTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "`body`, `basic`, `basic_raw`, `none`, or a table with `basic` or `private_key_jwt`";
        Ok(match deserializer.deserialize_any(NameOrTable(std::marker::PhantomData, what))? {
            Either::Name(name) => Self::Name(name),
            Either::Table(table) => Self::Table(table),
        })
    }
}

/// The rule for a refresh token whose response is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum SemanticsTable {
    Name(SemanticsName),
    Grace(GraceTable),
}

impl Default for SemanticsTable {
    fn default() -> Self {
        Self::Name(SemanticsName::Strict)
    }
}

/// The fate of a refresh token that needs no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SemanticsName {
    Stable,
    Strict,
}

/// A refresh token that works for some time after its first use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GraceTable {
    /// Time after the first use, in seconds.
    pub(crate) grace_seconds: u64,
}

impl<'de> Deserialize<'de> for SemanticsTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "`strict`, `stable`, or a table with `grace_seconds`";
        Ok(match deserializer.deserialize_any(NameOrTable(std::marker::PhantomData, what))? {
            Either::Name(name) => Self::Name(name),
            Either::Table(table) => Self::Grace(table),
        })
    }
}
