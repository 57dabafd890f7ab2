//! The tables of the mechanisms `token_exchange` and `signed_jwt`, and of AWS signatures.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::template::Template, BasicModel, JsonTemplate, MethodVerb, Pairs, Rule, Texts, UnitName};

/// The requests that give a token. They are sent again when the token ends.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The requests to send, in this order.
    pub(crate) steps: Vec<ExchangeStep>,
    /// Pointers to the token in the last response. The default is `/access_token`.
    pub(crate) access_token: Texts,
    /// Pointers to the lifetime of the token.
    pub(crate) expires_in: Texts,
    /// Unit in which the provider counts the lifetime. The default is seconds.
    pub(crate) expires_unit: UnitName,
    /// Pointers to the moment at which the token ends.
    pub(crate) expires_at: Texts,
    /// Lifetime of a token whose response does not state one, in seconds.
    pub(crate) default_life_seconds: Option<u64>,
    /// Header of the last response that holds the token.
    pub(crate) token_header: Option<String>,
    /// Rules that make a response a refusal, whatever its status.
    pub(crate) error_if: Vec<Rule>,
    /// A JWT that is signed first, which the steps use as `${signed.jwt}`.
    pub(crate) jwt: Option<Jwt>,
}

/// One request of an exchange.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExchangeStep {
    /// Method. The default is `POST`.
    pub(crate) method: Option<MethodVerb>,
    /// Address that the request is sent to, as a template.
    pub(crate) url: Template,
    /// Headers of the request, as names and templates.
    pub(crate) headers: Pairs<Template>,
    /// Query parameters of the request, as names and templates.
    pub(crate) query: Pairs<Template>,
    /// Form body of the request, as names and templates.
    pub(crate) form: Pairs<Template>,
    /// JSON body of the request, whose texts are templates.
    pub(crate) json: Option<JsonTemplate>,
    /// User name and password of HTTP Basic.
    pub(crate) basic: Option<BasicModel>,
    /// Values of the response that later steps use as `${step.NAME}`, by JSON pointer.
    pub(crate) capture: Pairs<String>,
}

/// A JWT that is signed with a person's key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Jwt {
    /// Algorithm that signs the JWT.
    pub(crate) algorithm: Option<JwtAlgorithm>,
    /// Key that signs the JWT, as a template over the secrets.
    pub(crate) key: Template,
    /// Encoding in which the person enters the key. The default is PEM.
    pub(crate) key_encoding: KeyEncoding,
    /// Lifetime of one JWT in seconds. The default is 300.
    pub(crate) lifetime_seconds: Option<u64>,
    /// Members of the header beside `alg` and `typ`.
    pub(crate) header: Pairs<JsonTemplate>,
    /// Claims beside `iat` and `exp`.
    pub(crate) claims: Pairs<JsonTemplate>,
}

/// The algorithm that signs a JWT (RFC 7518, section 3.1, and RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum JwtAlgorithm {
    EdDSA,
    ES256,
    HS256,
    PS256,
    RS256,
}

impl JwtAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::HS256 => "HS256",
            Self::PS256 => "PS256",
            Self::RS256 => "RS256",
        }
    }
}

/// The encoding of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyEncoding {
    Hex,
    #[default]
    Pem,
    Utf8,
}

/// The parameters of AWS Signature Version 4, which each call carries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sigv4 {
    /// Name of the service. The default is the first label of the host that a call goes to.
    pub(crate) service: Template,
    /// Name of the region, as a template.
    pub(crate) region: Template,
}
