//! The model of a kind file: the shape of the format, as `serde` reads it and as the JSON Schema describes it.
//!
//! Every key is optional here. The rules about keys that a file must have, and about keys that fit together, are in
//! `check`, so that all problems are reported at once.

mod account;
mod oauth2;
mod parts;
mod programs;
mod removal;
mod rules;
mod steps;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::{
    account::{AccountModel, AccountSource, Place},
    oauth2::{
        AudienceName, BodyName, ClientAuthName, ClientAuthTable, ClientName, GrantName, MethodName, OAuth2Step,
        OAuth2Table, RenewalName, ResponseTable, SemanticsName, SemanticsTable,
    },
    parts::{Choice, JsonTemplate, Pairs, Parameter, Texts},
    programs::{DoorModel, HelperModel, HelpersModel},
    removal::{Ends, RemovalModel, RevokeModel},
    rules::RulesModel,
    steps::{Exchange, ExchangeStep, Jwt, JwtAlgorithm, KeyEncoding, Sigv4},
};
use super::template::Template;

/// A kind: one way to connect accounts of one provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KindModel {
    /// Version of the format. This program reads version 1.
    pub(crate) format: Option<u32>,
    /// Name of the kind: words of `a-z` and `0-9`, joined by `-`. The file is called `ID.toml` or `ID.json`.
    pub(crate) id: Option<String>,
    /// Name that people read, such as `GitHub`.
    pub(crate) name: Option<String>,
    /// The way in which an account is connected.
    pub(crate) mechanism: Option<Mechanism>,
    /// Name that several kinds of one provider share. The default is `id`.
    pub(crate) provider: Option<String>,
    /// Kind from which this file takes what it does not set itself.
    pub(crate) extends: Option<String>,
    /// Form of authentication that people see. The default follows from the mechanism.
    pub(crate) auth: Option<AuthName>,
    /// How to get the credential, in one or two sentences each.
    pub(crate) guide: Vec<String>,
    /// Pages that help to get the credential.
    pub(crate) links: Vec<GuideLink>,
    /// Where the endpoints are documented: a public page, or a package with its version.
    pub(crate) sources: Vec<String>,
    /// Optional powers that this file uses.
    pub(crate) accepts: BTreeSet<Power>,
    /// The questions to a person, in this order.
    pub(crate) fields: Vec<FieldModel>,
    /// The base address, and the parts that every call has.
    pub(crate) request: Option<RequestModel>,
    /// The smallest request that shows that the credential works.
    pub(crate) verify: Option<Call>,
    /// The places from which the account is read.
    pub(crate) account: Option<AccountModel>,
    /// Requests that are sent once after connecting, in this order.
    pub(crate) lookups: Vec<Lookup>,
    /// The request that revokes the credential when the connection is removed.
    pub(crate) revoke: Option<RevokeModel>,
    /// Where a person deletes the credential, and what a revocation by the provider ends.
    pub(crate) removal: Option<RemovalModel>,
    /// Presets of rules for programs that use a connection.
    pub(crate) rules: Option<RulesModel>,
    /// What programs send in place of the provider's secret.
    pub(crate) door: Option<DoorModel>,
    /// What programs get that ask for a credential.
    pub(crate) helpers: Option<HelpersModel>,
    /// The description of an OAuth 2 provider, for `mechanism = "oauth2"`.
    pub(crate) oauth2: Option<OAuth2Table>,
    /// The requests that give a token, for `mechanism = "token_exchange"`.
    pub(crate) exchange: Option<Exchange>,
    /// The JWT that each call carries, for `mechanism = "signed_jwt"`.
    pub(crate) jwt: Option<Jwt>,
    /// The signature of AWS, which each call carries.
    pub(crate) sigv4: Option<Sigv4>,
}

/// The way in which an account is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mechanism {
    ApiKey,
    Basic,
    None,
    Oauth2,
    SignedJwt,
    TokenExchange,
}

/// The form of authentication that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AuthName {
    ApiKey,
    Basic,
    Custom,
    None,
    Oauth,
    PersonalAccessToken,
}

/// An optional power, which a file must name before it uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Power {
    /// Calls are signed with AWS Signature Version 4.
    AwsSigv4,
    /// A JWT is signed with the person's private key.
    Jwt,
    /// The user's own password is sent to the token endpoint (RFC 9700, section 2.4, forbids it to new applications).
    PasswordGrant,
    /// A public client does without PKCE, so that anyone who intercepts a code can redeem it.
    PublicWithoutPkce,
    /// The application registers itself at the provider (RFC 7591).
    Registration,
    /// One application serves the tenants of several owners.
    SharedConsent,
}

impl Power {
    /// Returns the name as a file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsSigv4 => "aws_sigv4",
            Self::Jwt => "jwt",
            Self::PasswordGrant => "password_grant",
            Self::PublicWithoutPkce => "public_without_pkce",
            Self::Registration => "registration",
            Self::SharedConsent => "shared_consent",
        }
    }
}

/// A page that helps a person.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GuideLink {
    /// Text that the link shows.
    pub(crate) text: Option<String>,
    /// Address of the page, with `https`.
    pub(crate) url: Option<String>,
}

/// A question to the person who connects an account, or a value that a response supplies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FieldModel {
    /// Name by which templates refer to it: `${secret.NAME}` for a secret, otherwise `${config.NAME}`.
    pub(crate) name: Option<String>,
    /// Label of the field, which people read.
    pub(crate) label: Option<String>,
    /// `true` if the value is a secret.
    pub(crate) secret: bool,
    /// `true` for a key or token that the provider made: what comes along when it is copied is removed. The default is
    /// `true` for a secret that each call has outside HTTP Basic and `Cookie`, also to sign it for AWS, and `false` for
    /// any other.
    pub(crate) key: Option<bool>,
    /// `true` if the value is no secret although its name sounds like one.
    pub(crate) public: bool,
    /// Sentence that tells a person where to find the value.
    pub(crate) help: Option<String>,
    /// Text that is shown while the field is empty.
    pub(crate) placeholder: Option<String>,
    /// Value that is used if the field is not answered.
    pub(crate) default: Option<String>,
    /// `false` if the field may stay empty. The default is `true`.
    pub(crate) required: Option<bool>,
    /// Regular expression that the whole value matches.
    pub(crate) pattern: Option<String>,
    /// Form that the value must have. The default is any text.
    pub(crate) format: FieldFormat,
    /// The values that may be chosen.
    pub(crate) choices: Vec<Choice>,
    /// Texts that are removed from the beginning of what a person typed.
    pub(crate) remove_prefix: Vec<String>,
    /// Texts that are removed from the end of what a person typed.
    pub(crate) remove_suffix: Vec<String>,
    /// The value is a host name or an origin whose name is one label before one of these, or one of these without the
    /// dot.
    pub(crate) host_suffixes: Vec<String>,
    /// Further names under which the secret is handed out.
    pub(crate) aliases: Vec<String>,
    /// Where the value comes from.
    pub(crate) source: FieldSource,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldFormat {
    Bool,
    Email,
    Hostname,
    Number,
    #[default]
    Text,
    Url,
    Uuid,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldSource {
    Callback,
    Lookup,
    TokenResponse,
    #[default]
    User,
}

/// The base address, and the parts that every call has.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RequestModel {
    /// Base addresses. The first one whose variables all have a value is used.
    pub(crate) base: Texts,
    /// Headers that every call has, as names and templates.
    pub(crate) headers: Pairs<Template>,
    /// Query parameters of every call.
    pub(crate) query: Pairs<Template>,
    /// Members that are added to a JSON body.
    pub(crate) json: Pairs<JsonTemplate>,
    /// Path that is put before the path of every call.
    pub(crate) path: Option<Template>,
    /// User name and password of HTTP Basic.
    pub(crate) basic: Option<BasicModel>,
    /// Further origins that calls may go to.
    pub(crate) origins: Vec<String>,
    /// Headers that say how long a rate limit lasts.
    pub(crate) pauses: Vec<Pause>,
    /// Rules that make a response a rate limit, whatever its status.
    pub(crate) limited_if: Vec<Rule>,
    /// `refusal` for a provider that refuses a credential with a page. Otherwise, a page says nothing about it.
    pub(crate) pages: Option<PageMeaning>,
    /// `data` if an encoded `/` or `\` in a path is a part of its segment.
    pub(crate) encoded_slash: Option<PathMeaning>,
    /// `data` if an empty segment in the middle of a path is a segment like others.
    pub(crate) empty_segments: Option<PathMeaning>,
    /// The public page that shows how the provider reads such paths.
    pub(crate) path_source: Option<String>,
}

/// The meaning of a part of a path that servers read in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PathMeaning {
    /// The provider takes it as it is, and never as a separator.
    Data,
}

/// The meaning of a page, in place of JSON, with the status of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageMeaning {
    /// The provider refuses the credential.
    Refusal,
}

/// User name and password of HTTP Basic.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BasicModel {
    /// User name, as a template.
    pub(crate) user: Template,
    /// Password, as a template.
    pub(crate) password: Template,
}

/// A header that says how long a rate limit lasts, or when it ends.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pause {
    /// Name of the header that a response may have, such as `retry-after`.
    pub(crate) header: String,
    /// Unit in which the header counts. The default is seconds.
    pub(crate) unit: UnitName,
}

/// The unit in which a response counts time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnitName {
    Milliseconds,
    #[default]
    Seconds,
}

/// A rule about one value of a response.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rule {
    /// Where the value is, as a JSON pointer.
    pub(crate) pointer: String,
    /// The rule applies if the value equals this.
    pub(crate) equals: Option<Scalar>,
    /// The rule applies if there is a value and it differs from this.
    pub(crate) differs: Option<Scalar>,
    /// The rule applies if the value is a text that has this in it, whatever the case.
    pub(crate) contains: Option<String>,
    /// The rule applies if there is a value (`true`), or none (`false`).
    pub(crate) exists: Option<bool>,
}

/// A text, a number or a truth value, to compare with.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Scalar {
    Bool(bool),
    Number(i64),
    Text(String),
}

/// A request that is sent with the credential.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Call {
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
    /// Rules that make a response a refusal of the credential, whatever its status.
    pub(crate) error_if: Vec<Rule>,
    /// Statuses that mean that the credential works. The default is every 2xx.
    pub(crate) ok: Vec<u16>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum MethodVerb {
    Delete,
    Get,
    Head,
    Patch,
    Post,
    Put,
}

impl MethodVerb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl Call {
    /// Returns the method, which a body makes a `POST` unless the file names another one.
    pub(crate) fn verb(&self) -> MethodVerb {
        let has_body = self.json.is_some() || !self.form.is_empty();
        self.method.unwrap_or(if has_body { MethodVerb::Post } else { MethodVerb::Get })
    }
}

/// A request that a file describes, whether it verifies, looks up or revokes.
pub(crate) struct Described<'a> {
    pub(crate) verb: MethodVerb,
    pub(crate) path: &'a Template,
    pub(crate) headers: &'a Pairs<Template>,
    pub(crate) query: &'a Pairs<Template>,
    pub(crate) form: Option<&'a Pairs<Template>>,
    pub(crate) json: Option<&'a JsonTemplate>,
}

impl<'a> From<&'a Call> for Described<'a> {
    fn from(call: &'a Call) -> Self {
        let Call { path, headers, query, form, json, .. } = call;
        Self { verb: call.verb(), path, headers, query, form: Some(form), json: json.as_ref() }
    }
}

impl<'a> From<&'a Lookup> for Described<'a> {
    fn from(lookup: &'a Lookup) -> Self {
        let Lookup { method, path, headers, query, json, .. } = lookup;
        let verb = method.unwrap_or(if json.is_some() { MethodVerb::Post } else { MethodVerb::Get });
        Self { verb, path, headers, query, form: None, json: json.as_ref() }
    }
}

impl<'a> From<&'a RevokeModel> for Described<'a> {
    fn from(revoke: &'a RevokeModel) -> Self {
        let RevokeModel { method, path, headers, query, form, json, .. } = revoke;
        let has_body = json.is_some() || !form.is_empty();
        let verb = method.unwrap_or(if has_body { MethodVerb::Post } else { MethodVerb::Get });
        Self { verb, path, headers, query, form: Some(form), json: json.as_ref() }
    }
}

/// A request that is sent once after connecting.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Lookup {
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
    /// The part of the response that the values are read from.
    pub(crate) pick: Option<Pick>,
    /// Fields and the pointers to their values.
    pub(crate) set: Pairs<String>,
    /// `true` if connecting continues without the values.
    pub(crate) optional: bool,
}

/// The part of a response that values are read from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pick {
    /// Where the array is, as a JSON pointer.
    pub(crate) pointer: String,
    /// The element that is wanted.
    #[serde(rename = "where")]
    pub(crate) where_: Option<PickWhere>,
    /// `true` if there must be a single element.
    pub(crate) only: bool,
}

/// The element that is wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PickWhere {
    /// Where the value is in the element, as a JSON pointer.
    pub(crate) pointer: String,
    /// The value, as a template.
    pub(crate) equals: Template,
}
