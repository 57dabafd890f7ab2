//! The configuration of `connection-oauth2` for the table `[oauth2]`.

use std::time::Duration;

use connection_contract::{Kind, RefreshSemantics, SignatureAlgorithm, Value};
use connection_oauth2::{
    Account, AccountFrom, Assertion, Audience, Body, Client, ClientAuth, Endpoint, ErrorIf, Grant, LifeUnit, Method,
    OAuth2Builder, OAuth2Config, Part, Renewal, RequestKind, Response, Step,
};

use crate::kind::{
    check::hosts,
    model::{
        AccountSource, AudienceName, BodyName, ClientAuthName, ClientAuthTable, ClientName, FieldFormat, FieldSource,
        GrantName, JwtAlgorithm, KindModel, MethodName, MethodVerb, OAuth2Step, OAuth2Table, Pairs, Parameter, Power,
        RenewalName, ResponseTable, Rule, Scalar, SemanticsName, SemanticsTable, Texts, UnitName,
    },
    template::Template,
};

/// Returns the configuration that a model describes.
///
/// # Errors
///
/// The sentence says what is contradictory.
pub(crate) fn config(model: &KindModel) -> Result<OAuth2Config, String> {
    let missing = || "the table [oauth2] is missing; add it".to_owned();
    let table = model.oauth2.as_ref().ok_or_else(missing)?;
    let kind =
        model.id.as_deref().and_then(Kind::parse).ok_or_else(|| "the id is missing; write id = \"…\"".to_owned())?;
    let mut builder = OAuth2Config::builder(kind, model.name.clone().unwrap_or_default());
    if let Some(provider) = model.provider.as_deref().and_then(Kind::parse) {
        builder = builder.provider(provider);
    }
    builder = endpoints(builder, model, table)?;
    builder = client(builder, model, table)?;
    builder = requests(builder, table)?;
    builder = fields(builder, model);
    builder = renewal(builder, table)?;
    builder = builder.response(response(model, &table.response)).account(account(model));
    builder.build().map_err(|error| format!("{error}; correct the table"))
}

fn endpoints(mut builder: OAuth2Builder, model: &KindModel, table: &OAuth2Table) -> Result<OAuth2Builder, String> {
    let all: [(Endpoint, &Texts); 7] = [
        (Endpoint::Authorize, &table.authorize),
        (Endpoint::Token, &table.token),
        (Endpoint::Refresh, &table.refresh),
        (Endpoint::Revocation, &table.revocation),
        (Endpoint::Device, &table.device),
        (Endpoint::PushedAuthorization, &table.pushed),
        (Endpoint::Registration, &table.registration),
    ];
    let mut bounds = Vec::new();
    for (endpoint, texts) in all {
        for text in texts.iter() {
            let template = Template::parse(text)?;
            if template.fixed().is_none() {
                bounds.extend(hosts(model, &template)?.origins);
            }
            builder = builder.endpoint(endpoint, template.for_oauth2()?);
        }
    }
    // The API's address is not used by the flow itself, which only needs one whose host is known with the tokens.
    let apis = table.token.iter().chain(table.issuer.as_deref().filter(|_| table.token.is_empty()));
    for text in apis {
        builder = builder.api(authority(text));
    }
    for step in [&table.step, &table.refresh_step].into_iter().flatten() {
        if step.url.fixed().is_none() {
            bounds.extend(hosts(model, &step.url)?.origins);
        }
    }
    bounds.sort();
    bounds.dedup();
    for origin in bounds {
        builder = builder.origin(origin);
    }
    if let Some(issuer) = &table.issuer {
        builder = if table.discover { builder.discover(issuer) } else { builder.issuer(issuer) };
    }
    Ok(if table.issuer_in_callback { builder.issuer_in_callback() } else { builder })
}

/// Returns the part of an address before its path.
fn authority(text: &str) -> &str {
    let from = if text.starts_with("${") { text.find('}') } else { text.find("://").map(|at| at + 2) };
    let from = from.map_or(0, |at| at + 1);
    let end = text.get(from..).and_then(|rest| rest.find(['/', '?'])).map_or(text.len(), |end| from + end);
    text.get(..end).unwrap_or(text)
}

fn client(mut builder: OAuth2Builder, model: &KindModel, table: &OAuth2Table) -> Result<OAuth2Builder, String> {
    builder = builder.client(match table.client {
        ClientName::PerConnection => Client::PerConnection,
        ClientName::Prompted => Client::Prompted,
        ClientName::Registered => Client::Registered,
    });
    builder = builder.client_auth(match &table.client_auth {
        ClientAuthTable::Name(ClientAuthName::Basic) => ClientAuth::Basic,
        ClientAuthTable::Name(ClientAuthName::BasicRaw) => ClientAuth::BasicRaw,
        ClientAuthTable::Name(ClientAuthName::Body) => ClientAuth::Body,
        ClientAuthTable::Name(ClientAuthName::None) => ClientAuth::None,
        ClientAuthTable::Table(form) => match (&form.basic, &form.private_key_jwt) {
            (Some(texts), _) => {
                ClientAuth::BasicTemplate { user: texts.user.for_oauth2()?, password: texts.password.for_oauth2()? }
            }
            (None, Some(assertion)) => {
                let algorithm = assertion.algorithm.and_then(signature).ok_or("the algorithm is missing; add it")?;
                let mut made = Assertion::new(algorithm).audience(match assertion.audience {
                    AudienceName::Endpoint => Audience::Endpoint,
                    AudienceName::Issuer => Audience::Issuer,
                });
                if let Some(id) = assertion.key_id.as_deref().filter(|id| !id.is_empty()) {
                    made = made.key_id(id);
                }
                ClientAuth::PrivateKeyJwt(made)
            }
            (None, None) => return Err("the application authenticates in no way; correct `client_auth`".to_owned()),
        },
    });
    if table.pkce == Some(false) {
        builder = builder.without_pkce();
    }
    for power in &model.accepts {
        builder = match power {
            Power::PasswordGrant => builder.unsafe_password_grant(),
            Power::PublicWithoutPkce => builder.unsafe_public_without_pkce(),
            Power::SharedConsent => builder.unsafe_shared_consent(),
            Power::AwsSigv4 | Power::Jwt | Power::Registration => builder,
        };
    }
    Ok(builder)
}

/// Returns the algorithm of the contract; HMAC is none, because it has no private key.
pub(super) fn signature(algorithm: JwtAlgorithm) -> Option<SignatureAlgorithm> {
    match algorithm {
        JwtAlgorithm::EdDSA => Some(SignatureAlgorithm::EdDsa),
        JwtAlgorithm::ES256 => Some(SignatureAlgorithm::Es256),
        JwtAlgorithm::HS256 => None,
        JwtAlgorithm::PS256 => Some(SignatureAlgorithm::Ps256),
        JwtAlgorithm::RS256 => Some(SignatureAlgorithm::Rs256),
    }
}

fn requests(mut builder: OAuth2Builder, table: &OAuth2Table) -> Result<OAuth2Builder, String> {
    builder = builder.grant(match table.grant {
        GrantName::AuthorizationCode => Grant::AuthorizationCode,
        GrantName::ClientCredentials => Grant::ClientCredentials,
        GrantName::ConsentThenClientCredentials => Grant::ConsentThenClientCredentials,
        GrantName::DeviceCode => Grant::DeviceCode,
        GrantName::Password => Grant::Password,
    });
    builder = builder.body(match table.body {
        BodyName::Form => Body::Form,
        BodyName::Json => Body::Json,
        BodyName::Query => Body::Query,
    });
    if let Some(methods) = &table.methods {
        builder = builder.methods(methods.iter().map(|method| match method {
            MethodName::Browser => Method::Browser,
            MethodName::Device => Method::Device,
            MethodName::Paste => Method::Paste,
        }));
    }
    for scope in table.scopes.iter().filter(|scope| !table.required_scopes.contains(scope)) {
        builder = builder.scope(scope);
    }
    for scope in &table.required_scopes {
        builder = builder.required_scope(scope);
    }
    for scope in &table.optional_scopes {
        builder = builder.optional_scope(scope);
    }
    if table.alternative_scopes {
        builder = builder.alternative_scopes();
    }
    if let Some(separator) = &table.scope_separator {
        builder = builder.scope_separator(separator);
    }
    let params: [(RequestKind, &Pairs<Parameter>); 4] = [
        (RequestKind::Authorize, &table.authorize_params),
        (RequestKind::Token, &table.token_params),
        (RequestKind::Refresh, &table.refresh_params),
        (RequestKind::Device, &table.device_params),
    ];
    for (on, pairs) in params {
        for (name, parameter) in pairs.iter() {
            builder = match parameter {
                Parameter::Remove(_) => builder.remove(on, name),
                Parameter::Set(template) => builder.parameter(on, name, template.for_oauth2()?),
            };
        }
    }
    let renames: [(RequestKind, &Pairs<String>); 4] = [
        (RequestKind::Authorize, &table.authorize_rename),
        (RequestKind::Token, &table.token_rename),
        (RequestKind::Refresh, &table.refresh_rename),
        (RequestKind::Device, &table.device_rename),
    ];
    for (on, pairs) in renames {
        for (name, to) in pairs.iter() {
            builder = builder.rename(on, name, to);
        }
    }
    let headers: [(RequestKind, &Pairs<Template>); 2] =
        [(RequestKind::Token, &table.token_headers), (RequestKind::Refresh, &table.refresh_headers)];
    for (on, pairs) in headers {
        for (name, template) in pairs.iter() {
            builder = builder.header(on, name, template.for_oauth2()?);
        }
    }
    if let Some(code) = &table.code_param {
        builder = builder.code_parameter(code);
    }
    for name in &table.callback_capture {
        builder = builder.capture_from_callback(name);
    }
    Ok(if table.scopes_in_callback { builder.scopes_in_callback() } else { builder })
}

fn fields(mut builder: OAuth2Builder, model: &KindModel) -> OAuth2Builder {
    for field in model.fields.iter().filter(|field| field.source == FieldSource::User) {
        let Some(made) = super::prepared::field(model, field) else { continue };
        let is_trimmed = !field.remove_prefix.is_empty() || !field.remove_suffix.is_empty();
        builder = match is_trimmed && field.format != FieldFormat::Url {
            true => builder.trimmed_field(made, field.remove_prefix.clone(), field.remove_suffix.clone()),
            false => builder.field(made),
        };
    }
    builder
}

fn renewal(mut builder: OAuth2Builder, table: &OAuth2Table) -> Result<OAuth2Builder, String> {
    if let Some(step) = &table.step {
        builder = builder.then(self::step(step)?);
    }
    builder = match (table.renewal, &table.refresh_step) {
        (None, _) => builder,
        (Some(RenewalName::Never), _) => builder.renewal(Renewal::Never),
        (Some(RenewalName::RefreshToken), _) => builder.renewal(Renewal::RefreshToken),
        (Some(RenewalName::Rerun), _) => builder.renewal(Renewal::Rerun),
        (Some(RenewalName::Step), Some(step)) => builder.renewal(Renewal::Step(self::step(step)?)),
        (Some(RenewalName::Step), None) => return Err("the table `refresh_step` is missing; add it".to_owned()),
    };
    builder = builder.semantics(match table.semantics {
        SemanticsTable::Grace(grace) => RefreshSemantics::Grace(Duration::from_secs(grace.grace_seconds)),
        SemanticsTable::Name(SemanticsName::Stable) => RefreshSemantics::Stable,
        SemanticsTable::Name(SemanticsName::Strict) => RefreshSemantics::Strict,
    });
    let life = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    builder = table.idle_days.map(life).into_iter().fold(builder, OAuth2Builder::idle_life);
    builder = table.authorization_days.map(life).into_iter().fold(builder, OAuth2Builder::authorization_life);
    Ok(if table.refresh_with_scope { builder.refresh_with_scope() } else { builder })
}

fn step(step: &OAuth2Step) -> Result<Step, String> {
    let url = step.url.for_oauth2()?;
    let mut made = if step.method == Some(MethodVerb::Post) { Step::post(url) } else { Step::get(url) };
    for (name, template) in step.params.iter() {
        made = made.parameter(name, template.for_oauth2()?);
    }
    Ok(made)
}

/// Returns the layout of responses. A limit that a file states for all calls is one at the token endpoint, too.
fn response(model: &KindModel, table: &ResponseTable) -> Response {
    let mut made = Response::new();
    let limits = model.request.iter().flat_map(|request| &request.limited_if);
    for rule in limits.chain(&table.limited_if) {
        made = rule_of(rule).into_iter().fold(made, Response::limited_if);
    }
    for rule in &table.address_refused_if {
        made = rule_of(rule).into_iter().fold(made, Response::address_refused_if);
    }
    for pointer in table.access_token.iter() {
        made = made.access_token(pointer);
    }
    let names = &table.names;
    let parts: [(Part, &Option<String>); 6] = [
        (Part::ExpiresAt, &names.expires_at),
        (Part::ExpiresIn, &names.expires_in),
        (Part::IdToken, &names.id_token),
        (Part::RefreshExpiresIn, &names.refresh_expires_in),
        (Part::RefreshToken, &names.refresh_token),
        (Part::Scope, &names.scope),
    ];
    for (part, name) in parts {
        if let Some(name) = name {
            made = made.part(part, name);
        }
    }
    if life_unit(table.expires_unit) == LifeUnit::Milliseconds {
        made = made.milliseconds();
    }
    if let Some(seconds) = table.default_life_seconds {
        made = made.default_life(Duration::from_secs(seconds));
    }
    for rule in &table.error_if {
        made = rule_of(rule).into_iter().fold(made, Response::error_if);
    }
    for code in &table.dead_codes {
        made = made.dead_code(code);
    }
    for (name, pointer) in table.capture.iter() {
        made = made.capture(name, pointer);
    }
    for (name, pointer) in table.extra_tokens.iter() {
        made = made.extra_tokens(name, pointer);
    }
    made
}

pub(super) fn life_unit(unit: UnitName) -> LifeUnit {
    match unit {
        UnitName::Milliseconds => LifeUnit::Milliseconds,
        UnitName::Seconds => LifeUnit::Seconds,
    }
}

/// Returns the comparison of a rule, for answers of all kinds; `None` for `exists`, which is for the answers to calls alone:
/// a token response has other members.
pub(super) fn rule_of(rule: &Rule) -> Option<ErrorIf> {
    let pointer = rule.pointer.as_str();
    match (&rule.equals, &rule.differs, &rule.contains) {
        (Some(value), ..) => Some(ErrorIf::equals(pointer, scalar(value))),
        (None, Some(value), _) => Some(ErrorIf::differs(pointer, scalar(value))),
        (None, None, Some(part)) => Some(ErrorIf::contains(pointer, part)),
        (None, None, None) => None,
    }
}

/// Returns a value to compare with.
pub(crate) fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Bool(flag) => Value::from(*flag),
        Scalar::Number(number) => Value::from(*number),
        Scalar::Text(text) => Value::from(text.as_str()),
    }
}

/// Returns how the flow identifies the account. An account that only [verify] names is read after the lookups.
fn account(model: &KindModel) -> Account {
    let account = model.account.as_ref();
    if account.is_some_and(|account| account.subject) {
        return Account::if_known("/sub", "/sub");
    }
    let from = match account.map(|account| account.from) {
        Some(AccountSource::IdToken) => AccountFrom::IdToken,
        Some(AccountSource::Token) => AccountFrom::TokenResponse,
        _ => AccountFrom::Client,
    };
    let at = |texts: Option<&Texts>| -> Vec<String> {
        texts.into_iter().flat_map(Texts::iter).filter(|text| !text.contains("${")).map(str::to_owned).collect()
    };
    let id = at(account.map(|account| &account.id));
    let label = at(account.map(|account| &account.label));
    let first = |texts: &[String]| texts.first().cloned().unwrap_or_else(|| "/id".to_owned());
    let mut made =
        Account::probe("/", first(&id), if label.is_empty() { first(&id) } else { first(&label) }).from(from);
    for pointer in id.into_iter().skip(1) {
        made = made.or_id(pointer);
    }
    for pointer in label.into_iter().skip(1) {
        made = made.or_label(pointer);
    }
    made.without_probe()
}
