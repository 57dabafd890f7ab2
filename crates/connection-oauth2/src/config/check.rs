//! The checks on a configuration. An unsafe configuration is refused when it is built, not when it is used.

use std::collections::BTreeSet;

use connection_contract::{Descriptor, Field, Input, Need, Text};
use oauth2::url::Url;

use super::{
    Account, Change, ChangeKind, CheckedRenewal, CheckedStep, Client, ClientAuth, ConfigError, Endpoint, Grant, Method,
    OAuth2Builder, OAuth2Config, Renewal, RequestKind, Step, Template,
    builder::{RawChange, Unsafe},
    fields,
    suffix::is_public_suffix,
    template::HostPart,
};

/// Parameters that no deviation may set, because the safety of the flow depends on them.
const AUTHORIZE: [&str; 9] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "request",
    "request_uri",
    "response_type",
    "scope",
    "state",
];

const TOKEN: [&str; 12] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "grant_type",
    "password",
    "redirect_uri",
    "refresh_token",
    "username",
];

/// Parameters that may be removed. The others protect the flow.
const REMOVABLE: [&str; 4] = ["grant_type", "redirect_uri", "response_type", "scope"];
/// Parameters that may not be renamed.
const UNNAMED: [&str; 4] = ["code_challenge", "code_challenge_method", "code_verifier", "state"];

/// Variables of the addresses to which requests are sent.
const IN_ADDRESS: &[&str] = &["client.id"];

pub(super) fn built(raw: OAuth2Builder) -> Result<OAuth2Config, ConfigError> {
    needed(&raw)?;
    safe(&raw)?;
    let names = names(&raw)?;
    let api = raw.api.iter().map(|text| parsed(text, &names, &[])).collect::<Result<Vec<_>, _>>()?;
    let endpoint = |(endpoint, text): &(Endpoint, String)| Ok((*endpoint, parsed(text, &names, IN_ADDRESS)?));
    let endpoints = raw.endpoints.iter().map(endpoint).collect::<Result<Vec<_>, ConfigError>>()?;
    let application_origins = application_origins(&raw, &endpoints)?;
    let credential_page = raw.credential_page.as_deref().map(|text| page(text, &names)).transpose()?;
    let step = raw.step.as_ref().map(|step| checked_step(step, &names)).transpose()?;
    let renewal = renewal(&raw, &names)?;
    let origins = declared_origins(&raw, &names, &api, &endpoints)?;
    let changes = changes(&raw, &names)?;
    let interactive = !matches!(raw.grant, Grant::ClientCredentials | Grant::Password);
    let methods = if interactive { methods(&raw)? } else { Vec::new() };
    let own_fields = raw.descriptor.fields.iter().map(|field| field.name.to_string()).collect();
    let descriptor = completed(&raw, origins, &methods);
    let mut response = raw.response;
    if response.access_token.is_empty() {
        response.access_token.push("/access_token".to_owned());
    }
    Ok(OAuth2Config {
        descriptor,
        api,
        endpoints,
        issuer: raw.issuer,
        discover: raw.discover,
        iss_required: raw.iss_required,
        grant: raw.grant,
        ask_method: raw.ask_method && methods.len() > 1,
        methods,
        paste_redirect: raw.paste_redirect,
        pkce: raw.pkce,
        client: raw.client,
        application_origins,
        client_auth: raw.client_auth,
        body: raw.body,
        scopes: raw.scopes,
        required_scopes: raw.required_scopes,
        optional_scopes: raw.optional_scopes,
        scope_separator: raw.scope_separator,
        changes,
        code_parameter: raw.code_parameter,
        callback_capture: raw.callback_capture,
        scopes_in_callback: raw.scopes_in_callback,
        trims: raw.trims,
        own_fields,
        response,
        step,
        renewal,
        semantics: raw.semantics,
        idle_life: raw.idle_life,
        authorization_life: raw.authorization_life,
        refresh_with_scope: raw.refresh_with_scope,
        account: raw.account.ok_or(ConfigError::Missing("the account (`account`)"))?,
        attach: raw.attach,
        credential_page,
        grant_account: raw.grant_account,
        client_key: raw.client_key.unwrap_or_else(|| fields::CLIENT_KEY.to_owned()),
        client_documents: raw.client_documents,
        callback_part: raw.callback_part,
    })
}

/// Returns the address of a page for people. A value decides its host only below a fixed domain, or as the address of
/// a person's own server.
fn page(text: &str, names: &BTreeSet<String>) -> Result<Template, ConfigError> {
    let page = parsed(text, names, &[])?;
    let is_https = text.starts_with("https://") && matches!(page.host(), HostPart::Fixed | HostPart::Below(_));
    match is_https || matches!(page.host(), HostPart::Whole(_)) {
        true => Ok(page),
        false => Err(ConfigError::Address { address: text.to_owned() }),
    }
}

fn checked_step(step: &Step, names: &BTreeSet<String>) -> Result<CheckedStep, ConfigError> {
    let parameter = |(name, value): &(String, String)| {
        Ok((name.clone(), parsed(value, names, &["client.id", "client.secret", "token.access"])?))
    };
    let parameters = step.parameters.iter().map(parameter).collect::<Result<_, ConfigError>>()?;
    Ok(CheckedStep { method: step.method, url: parsed(&step.url, names, IN_ADDRESS)?, parameters })
}

fn renewal(raw: &OAuth2Builder, names: &BTreeSet<String>) -> Result<CheckedRenewal, ConfigError> {
    let reruns = matches!(raw.grant, Grant::ClientCredentials | Grant::ConsentThenClientCredentials);
    Ok(match &raw.renewal {
        None if reruns => CheckedRenewal::Rerun,
        None | Some(Renewal::RefreshToken) => CheckedRenewal::RefreshToken,
        Some(Renewal::Never) => CheckedRenewal::Never,
        Some(Renewal::Rerun) if reruns => CheckedRenewal::Rerun,
        Some(Renewal::Rerun) => {
            return Err(ConfigError::Contradiction("only a grant without a user can be run again"));
        }
        Some(Renewal::Step(step)) => CheckedRenewal::Step(checked_step(step, names)?),
    })
}

/// Returns every origin to which a request may go: those of the API first, because the first one is the base.
fn declared_origins(
    raw: &OAuth2Builder,
    names: &BTreeSet<String>,
    api: &[Template],
    endpoints: &[(Endpoint, Template)],
) -> Result<Vec<Text>, ConfigError> {
    let mut origins: Vec<Text> = Vec::new();
    for (text, template) in raw.api.iter().zip(api) {
        declare(&mut origins, raw, text, template)?;
    }
    for ((_, text), (_, template)) in raw.endpoints.iter().zip(endpoints) {
        declare(&mut origins, raw, text, template)?;
    }
    let renewing = if let Some(Renewal::Step(step)) = &raw.renewal { Some(step) } else { None };
    for step in [raw.step.as_ref(), renewing].into_iter().flatten() {
        declare(&mut origins, raw, &step.url, &parsed(&step.url, names, IN_ADDRESS)?)?;
    }
    raw.account.as_ref().map_or(Ok(()), |account| account.check(&raw.attach))?;
    if let Some(elsewhere) = raw.account.as_ref().and_then(Account::elsewhere) {
        declare(&mut origins, raw, elsewhere, &parsed(elsewhere, names, &[])?)?;
        if elsewhere.contains("${") {
            return Err(ConfigError::Address { address: elsewhere.to_owned() });
        }
    }
    if let Some(issuer) = &raw.issuer {
        if !raw.discovered && !is_safe_address(issuer) {
            return Err(ConfigError::Address { address: issuer.clone() });
        }
        if raw.discover {
            push(&mut origins, origin(issuer).into());
        }
    }
    for origin in &raw.origins {
        if !is_safe_address(&origin.replacen("://*.", "://wildcard.", 1)) {
            return Err(ConfigError::Address { address: origin.to_string() });
        }
        push(&mut origins, origin.clone());
    }
    Ok(origins)
}

/// Returns the descriptor with the addresses, fields, methods and secrets that follow from the configuration.
fn completed(raw: &OAuth2Builder, origins: Vec<Text>, methods: &[Method]) -> Descriptor {
    let mut descriptor = raw.descriptor.clone();
    descriptor.origins = origins;
    descriptor.fields.extend(fields::own(&raw.client, &raw.client_auth, raw.grant, methods, raw.ask_method));
    descriptor.ways = methods.iter().map(|method| method.setup_method()).collect();
    if methods == [Method::Browser] {
        descriptor = descriptor.needs(Need::InboundHttp);
    }
    descriptor.alternative_scopes = raw.alternative_scopes;
    descriptor.optional_scopes.extend(raw.optional_scopes.iter().cloned().map(Text::from));
    let extra = raw.response.extra.iter().map(|(name, _)| format!("{name}AccessToken"));
    extra.fold(descriptor.secret_name("accessToken"), Descriptor::secret_name)
}

fn needed(raw: &OAuth2Builder) -> Result<(), ConfigError> {
    if raw.optional_scopes.iter().any(|scope| raw.scopes.contains(scope)) {
        return Err(ConfigError::Contradiction("a scope that every setup requests is not optional"));
    }
    let has = |wanted: Endpoint| raw.discover || raw.endpoints.iter().any(|(of, _)| *of == wanted);
    if raw.api.is_empty() {
        return Err(ConfigError::Missing("the API's address (`api`)"));
    }
    if !has(Endpoint::Token) {
        return Err(ConfigError::Missing("the token endpoint"));
    }
    let browser = matches!(raw.grant, Grant::AuthorizationCode | Grant::ConsentThenClientCredentials);
    if browser && !has(Endpoint::Authorize) {
        return Err(ConfigError::Missing("the authorization endpoint"));
    }
    if raw.grant == Grant::DeviceCode && !has(Endpoint::Device) {
        return Err(ConfigError::Missing("the device authorization endpoint"));
    }
    if matches!(raw.client, Client::Registered) && !raw.client_documents && !has(Endpoint::Registration) {
        return Err(ConfigError::Missing("the registration endpoint"));
    }
    if raw.iss_required && raw.issuer.is_none() {
        return Err(ConfigError::Missing("the issuer that a callback must name"));
    }
    Ok(())
}

fn safe(raw: &OAuth2Builder) -> Result<(), ConfigError> {
    let allows = |what| raw.allows.contains(&what);
    if raw.grant == Grant::Password && !allows(Unsafe::PasswordGrant) {
        return Err(ConfigError::Unsafe(
            "the password grant sends the user's own password through this host (RFC 9700, section 2.4): use another \
             grant, or call `unsafe_password_grant`",
        ));
    }
    let public = raw.client_auth == ClientAuth::None;
    if public && !raw.pkce && !allows(Unsafe::PublicWithoutPkce) {
        return Err(ConfigError::Unsafe(
            "a public client without PKCE loses its codes to anyone who intercepts them (RFC 9700, section 2.1.1): \
             leave PKCE on, or call `unsafe_public_without_pkce`",
        ));
    }
    let shared = matches!(raw.client, Client::Configured { .. });
    if shared && raw.grant == Grant::ConsentThenClientCredentials && !allows(Unsafe::SharedConsent) {
        return Err(ConfigError::Unsafe(
            "with one shared application, anyone who names a tenant that has consented gets its tokens: let each \
             connection bring its own application, or call `unsafe_shared_consent`",
        ));
    }
    let without_user = matches!(raw.grant, Grant::ClientCredentials | Grant::Password);
    let by_key = matches!(raw.client_auth, ClientAuth::PrivateKeyJwt(_));
    if matches!(raw.client, Client::Registered) && (without_user || by_key) {
        return Err(ConfigError::Contradiction(
            "an application can register itself only for a user's consent, and only without a private key",
        ));
    }
    if public && raw.grant == Grant::ClientCredentials {
        return Err(ConfigError::Contradiction("client credentials need a client that proves who it is"));
    }
    Ok(())
}

/// Returns every name that a variable may have below `config`.
fn names(raw: &OAuth2Builder) -> Result<BTreeSet<String>, ConfigError> {
    let mut names = BTreeSet::new();
    for field in &raw.descriptor.fields {
        let secret = field.input == Input::Secret;
        if secret || fields::OWN.contains(&&*field.name) || !names.insert(field.name.to_string()) {
            return Err(ConfigError::Unknown { name: field.name.to_string() });
        }
    }
    names.extend(raw.callback_capture.iter().cloned());
    names.extend(raw.response.capture.iter().map(|(name, _)| name.clone()));
    Ok(names)
}

fn parsed(text: &str, names: &BTreeSet<String>, allowed: &[&str]) -> Result<Template, ConfigError> {
    let template = Template::parse(text).ok_or_else(|| ConfigError::Address { address: text.to_owned() })?;
    for name in template.variables() {
        let declared = name.strip_prefix("config.").is_some_and(|name| names.contains(name));
        if !declared && !allowed.contains(&name) {
            return Err(ConfigError::Unknown { name: name.to_owned() });
        }
    }
    Ok(template)
}

/// Adds the origin of an address to the declared origins; refuses an address whose host anyone could choose.
fn declare(origins: &mut Vec<Text>, raw: &OAuth2Builder, text: &str, template: &Template) -> Result<(), ConfigError> {
    let open = || ConfigError::OpenHost { address: text.to_owned() };
    match template.host() {
        HostPart::Fixed => {
            // Check the address up to the first variable: a variable in the path must not exempt it from the check.
            let fixed = text.split("${").next().unwrap_or_default();
            if !raw.discovered && !is_safe_address(fixed) {
                return Err(ConfigError::Address { address: text.to_owned() });
            }
            let is_api = raw.api.iter().any(|api| api == text) && template.variables().next().is_none();
            push(origins, if is_api { text.trim_end_matches('/').to_owned().into() } else { origin(text).into() });
        }
        HostPart::Below(domain) if text.starts_with("https://${") => {
            if is_public_suffix(&domain) {
                return Err(open());
            }
            push(origins, format!("https://*.{domain}").into());
        }
        HostPart::Whole(name) => {
            let field =
                |field: &&Field| name.strip_prefix("config.") == Some(&*field.name) && field.input == Input::Url;
            let granted = raw.descriptor.fields.iter().any(|f| field(&f));
            let own = matches!(raw.client, Client::PerConnection) && granted;
            // The host reaches an address that the user grants in addition to the declared origins, so it is not added
            // to them.
            if !own && (granted || raw.origins.is_empty()) {
                return Err(open());
            }
        }
        // An address is used only if its origin is declared, so the declared origins bound the values.
        HostPart::Below(_) | HostPart::Open if !raw.origins.is_empty() && text.starts_with("https://") => {}
        HostPart::Below(_) | HostPart::Open => return Err(open()),
    }
    Ok(())
}

/// Returns the origins that receive an application's secret, which decide which kinds of a provider share an
/// application.
///
/// Returns `None` if only a value of the connection decides where the secret goes. Such an application belongs to
/// this kind alone.
fn application_origins(
    raw: &OAuth2Builder,
    endpoints: &[(Endpoint, Template)],
) -> Result<Option<Vec<Text>>, ConfigError> {
    let mut origins = raw.origins.clone();
    if let Some(issuer) = raw.issuer.as_ref().filter(|_| raw.discover) {
        push(&mut origins, origin(issuer).into());
    }
    let sent = |endpoint: &Endpoint| !matches!(endpoint, Endpoint::Authorize | Endpoint::Registration);
    let sent = raw.endpoints.iter().zip(endpoints).filter(|((endpoint, _), _)| sent(endpoint));
    let mut addresses: Vec<(String, Template)> =
        sent.map(|((_, text), (_, template))| (text.clone(), template.clone())).collect();
    let renewing = if let Some(Renewal::Step(step)) = &raw.renewal { Some(step) } else { None };
    for step in [raw.step.as_ref(), renewing].into_iter().flatten() {
        let template = Template::parse(&step.url);
        let template = template.ok_or_else(|| ConfigError::Address { address: step.url.clone() })?;
        addresses.push((step.url.clone(), template));
    }
    for (text, template) in &addresses {
        match template.host() {
            HostPart::Fixed => push(&mut origins, origin(text).into()),
            HostPart::Below(domain) => push(&mut origins, format!("https://*.{domain}").into()),
            HostPart::Whole(_) | HostPart::Open => return Ok(None),
        }
    }
    Ok(Some(origins))
}

fn push(origins: &mut Vec<Text>, origin: Text) {
    let same = |known: &Text| *known == origin || known.starts_with(&format!("{origin}/"));
    if !origins.iter().any(same) {
        origins.push(origin);
    }
}

fn origin(address: &str) -> String {
    Url::parse(address).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Returns `true` for `https`, and for `http` on this machine (RFC 8252, section 7.3), without user and fragment.
pub(crate) fn is_safe_address(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let scheme = url.scheme() == "https" || url.scheme() == "http" && loopback;
    scheme && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

fn changes(raw: &OAuth2Builder, names: &BTreeSet<String>) -> Result<Vec<Change>, ConfigError> {
    let mut changes = Vec::new();
    for (on, name, change) in &raw.changes {
        let standard: &[&str] = if *on == RequestKind::Authorize { &AUTHORIZE } else { &TOKEN };
        let own = |allowed: &[&str]| allowed.contains(&name.as_str());
        let allowed: &[&str] = match on {
            RequestKind::Authorize => &["client.id"],
            RequestKind::Device | RequestKind::Refresh => &["client.id", "client.secret", "uuid()"],
            RequestKind::Token => &["client.id", "client.secret", "flow.redirectUri", "flow.state", "uuid()"],
        };
        let how = match change {
            RawChange::Set(_) if own(standard) => return Err(ConfigError::Shadows { name: name.clone() }),
            RawChange::Set(value) => ChangeKind::Set(parsed(value, names, allowed)?),
            RawChange::Remove if !own(&REMOVABLE) => return Err(ConfigError::Shadows { name: name.clone() }),
            RawChange::Remove => ChangeKind::Remove,
            RawChange::Rename(to) if own(&UNNAMED) || standard.contains(&to.as_str()) => {
                return Err(ConfigError::Shadows { name: name.clone() });
            }
            RawChange::Rename(to) => ChangeKind::Rename(to.clone()),
            RawChange::Header(_) if *on == RequestKind::Authorize || name.eq_ignore_ascii_case("authorization") => {
                return Err(ConfigError::Shadows { name: name.clone() });
            }
            RawChange::Header(value) => ChangeKind::Header(parsed(value, names, allowed)?),
        };
        changes.push(Change { on: *on, name: name.clone(), how });
    }
    Ok(changes)
}

fn methods(raw: &OAuth2Builder) -> Result<Vec<Method>, ConfigError> {
    let has_device = raw.discover || raw.endpoints.iter().any(|(of, _)| *of == Endpoint::Device);
    let methods = match (&raw.methods, raw.grant) {
        (_, Grant::DeviceCode) => vec![Method::Device],
        (Some(methods), _) => methods.clone(),
        (None, Grant::ConsentThenClientCredentials) => vec![Method::Browser, Method::Paste],
        (None, _) => {
            let device = raw.endpoints.iter().any(|(of, _)| *of == Endpoint::Device).then_some(Method::Device);
            [Method::Browser, Method::Paste].into_iter().chain(device).collect()
        }
    };
    if methods.is_empty() {
        return Err(ConfigError::Missing("a way to finish (`methods`)"));
    }
    if methods.contains(&Method::Device) && !has_device {
        return Err(ConfigError::Missing("the device authorization endpoint"));
    }
    if !is_safe_address(&raw.paste_redirect) {
        return Err(ConfigError::Address { address: raw.paste_redirect.clone() });
    }
    Ok(methods)
}
