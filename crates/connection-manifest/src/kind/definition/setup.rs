//! The setup of a connection: the questions, the token, and the connection that results.

use connection_contract::{
    Answer, Answers, BaseUrl, BoxFuture, ConnectionDefinition, Context, DisplayText, Identity, NotLive, Prompt, Reach,
    Reason, Secret, SetupContext, SetupFailure, SetupResult, VerifyResult, reason,
};

use super::{FileCredential, FileKind, account, calls, exchange, lookups};
use crate::kind::{
    model::{AccountSource, FieldModel, FieldSource, Mechanism},
    template::{Env, Template, Values},
};

/// The answers of a person, with the addresses that these answers grant.
#[derive(Default)]
struct Given {
    values: Values,
    /// The addresses that the person granted, by field.
    granted: Vec<(String, BaseUrl)>,
}

/// A credential whose account is not known yet.
struct Begun {
    credential: FileCredential,
    granted: Vec<(String, BaseUrl)>,
    /// The account, if it is not read from [verify].
    identity: Option<Identity>,
    /// The result of the OAuth flow, whose times and scopes are kept.
    flow: Option<SetupResult<()>>,
}

/// Runs a setup from its start.
///
/// The future is boxed, so that the setup is compiled here, and not again in each crate that registers a kind.
pub(super) fn setup<'a>(
    kind: &'a FileKind,
    ctx: &'a SetupContext<'_>,
) -> BoxFuture<'a, Result<SetupResult<FileCredential>, SetupFailure>> {
    Box::pin(run(kind, ctx))
}

async fn run(kind: &FileKind, ctx: &SetupContext<'_>) -> Result<SetupResult<FileCredential>, SetupFailure> {
    if kind.0.model.mechanism == Some(Mechanism::Oauth2) {
        return finish(kind, authorized(kind, ctx).await?, ctx).await;
    }
    let descriptor = &kind.0.descriptor;
    if descriptor.fields.is_empty() {
        return made(kind, Given::default(), ctx).await;
    }
    let name = &descriptor.display_name;
    let fields = descriptor.fields.iter().map(|field| field.name.clone());
    let prompt = fields.fold(Prompt::new(format!("Connect {name}")), Prompt::field);
    let made = ctx.ask_until(3, prompt, |mut answers| async move {
        let given = taken(kind, &mut answers).map_err(|wrong| SetupFailure::new(reason::UNAUTHORIZED, wrong))?;
        made(kind, given, ctx).await
    });
    made.await.map_err(|failure| match failure.message == NotLive::refused().reason.message {
        true => {
            failure.when_refused(format!("{name} did not accept the credential"), "copy it again from the provider")
        }
        // The message says more, such as that the clock of this machine is wrong.
        false => failure,
    })
}

/// Makes a connection of the answers of a person.
async fn made(
    kind: &FileKind,
    given: Given,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<FileCredential>, SetupFailure> {
    finish(kind, begun(kind, given, ctx).await?, ctx).await
}

/// Takes the values out of the answers; returns what is wrong with them, if anything.
fn taken(kind: &FileKind, answers: &mut Answers) -> Result<Given, DisplayText> {
    let mut given = Given::default();
    for field in kind.0.model.fields.iter().filter(|field| field.source == FieldSource::User) {
        let Some(name) = field.name.as_deref().filter(|name| answers.has(name)) else { continue };
        let Some(text) = answer(field, name, answers, &mut given.granted) else { continue };
        if text.is_empty() && field.required == Some(false) {
            continue;
        }
        if text.is_empty() || !kind.0.accepts(field, text.expose_str().unwrap_or_default()) {
            let label = field.label.as_deref().unwrap_or(name);
            return Err(format!("{label} does not have the form that the provider uses").into());
        }
        match field.secret {
            true => drop(given.values.secrets.insert(name.to_owned(), text)),
            false => {
                drop(given.values.config.insert(name.to_owned(), text.expose_str().unwrap_or_default().to_owned()))
            }
        }
    }
    Ok(given)
}

/// Returns `true` if the answers alone make a credential: no flow, exchange or lookup asks the provider.
pub(super) fn can_import(kind: &FileKind) -> bool {
    let model = &kind.0.model;
    let asks_provider = matches!(model.mechanism, Some(Mechanism::Oauth2 | Mechanism::TokenExchange));
    !asks_provider && model.lookups.is_empty()
}

/// Makes a connection of an account of the answers to all fields.
pub(super) fn import(
    kind: &FileKind,
    identity: Identity,
    mut answers: Answers,
    ctx: &Context<'_>,
) -> Result<SetupResult<FileCredential>, SetupFailure> {
    let Given { values, granted } =
        taken(kind, &mut answers).map_err(|problem| SetupFailure::new("unusable_value", problem))?;
    let credential = FileCredential { values, token: None, oauth2: None };
    let base = match kind.0.bases.is_empty() {
        true => None,
        false => Some(base(kind, &credential.values, &granted, ctx)?),
    };
    let reach = reach(kind, &credential.values, base, None, ctx)?;
    let config: Vec<_> = credential.values.config.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let made = SetupResult::new(credential, identity).reach(reach);
    Ok(config.into_iter().fold(made, |made, (name, value)| made.config(name, value)))
}

/// Returns an answer as text, without the parts that are removed.
fn answer(
    field: &FieldModel,
    name: &str,
    answers: &mut Answers,
    granted: &mut Vec<(String, BaseUrl)>,
) -> Option<Secret> {
    if field.secret {
        let secret = answers.secret(name).ok()?;
        return Some(Secret::from(trimmed(field, secret.expose_str()?)));
    }
    let (_, answer) = answers.iter().find(|(known, _)| *known == name)?;
    Some(Secret::from(match answer {
        Answer::Bool(flag) => flag.to_string(),
        Answer::Number(number) => number.to_string(),
        Answer::Text(text) => trimmed(field, text).to_owned(),
        Answer::Url(url) => {
            granted.push((name.to_owned(), url.clone()));
            url.to_string()
        }
        _ => return None,
    }))
}

fn trimmed<'t>(field: &FieldModel, text: &'t str) -> &'t str {
    // A password may begin or end with a blank. The host has trimmed a key already.
    let mut text = if field.secret { text } else { text.trim() };
    for prefix in &field.remove_prefix {
        text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
    }
    for suffix in &field.remove_suffix {
        text = text.strip_suffix(suffix.as_str()).unwrap_or(text);
    }
    text
}

/// Makes a credential of the answers.
async fn begun(kind: &FileKind, given: Given, ctx: &SetupContext<'_>) -> Result<Begun, SetupFailure> {
    let Given { values, granted } = given;
    let mut credential = FileCredential { values, token: None, oauth2: None };
    let mut identity = None;
    if kind.0.model.mechanism == Some(Mechanism::TokenExchange) {
        let (token, answer) = exchange::run(kind, &credential.values, ctx, exchange::Moment::Setup).await?;
        credential.token = Some(token);
        if let Some(from) = kind.0.model.account.as_ref().filter(|account| account.from == AccountSource::Token) {
            identity = account::named(kind, from, &answer, &credential, ctx);
            if identity.is_none() {
                return Err(nameless());
            }
        }
    }
    Ok(Begun { credential, granted, identity, flow: None })
}

/// Runs the flow of OAuth, and takes over the values that it answered and captured.
async fn authorized(kind: &FileKind, ctx: &SetupContext<'_>) -> Result<Begun, SetupFailure> {
    let fault = || SetupFailure::new(reason::PLUGIN_FAULT, "the kind has no OAuth configuration");
    let oauth2 = kind.0.oauth2.as_ref().ok_or_else(fault)?;
    let made = oauth2.setup(ctx).await?;
    let mut values = Values::default();
    for (name, value) in &made.config {
        let Some(field) = kind.0.field(name) else { continue };
        if !kind.0.accepts(field, value) {
            let message = format!("the value '{name}' does not have the form that the provider uses");
            return Err(SetupFailure::new("unusable_value", message).remedy("begin again with another value"));
        }
        values.config.insert(name.to_string(), value.clone());
    }
    let account = kind.0.model.account.as_ref();
    let from = account.map(|account| account.from);
    let is_reported = matches!(from, Some(AccountSource::Client | AccountSource::IdToken | AccountSource::Token));
    let has_subject = account.is_some_and(|account| account.subject) && !made.identity.account_id.as_str().is_empty();
    let identity = (is_reported || has_subject).then(|| made.identity.clone());
    // The address that a person granted is the base of the flow itself.
    let granted = match (&made.reach.base_url, kind.0.bases.iter().find_map(|base| base.granted.clone())) {
        (Some(base), Some(name)) => vec![(name, base.clone())],
        _ => Vec::new(),
    };
    let mut tokens = None;
    let flow = take(made, &mut tokens);
    let credential = FileCredential { values, token: None, oauth2: tokens };
    Ok(Begun { credential, granted, identity, flow: Some(flow) })
}

/// Takes the tokens out of a result.
fn take<C>(made: SetupResult<C>, tokens: &mut Option<C>) -> SetupResult<()> {
    let mut empty = SetupResult::new((), made.identity).reach(made.reach).valid_until(made.valid_until);
    empty = empty.renew_at(made.renew_at).authorized_until(made.authorized_until);
    empty.granted_scopes = made.granted_scopes;
    *tokens = Some(made.credential);
    empty
}

/// Completes a connection: the lookups, the base, the verification and the account.
async fn finish(
    kind: &FileKind,
    begun: Begun,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<FileCredential>, SetupFailure> {
    let Begun { mut credential, granted, identity, flow } = begun;
    let early = base(kind, &credential.values, &granted, ctx).ok();
    lookups::run(kind, &mut credential, early.as_ref().map(|(base, _)| base), ctx).await?;
    let found_base = match kind.0.bases.is_empty() {
        true => None,
        false => Some(base(kind, &credential.values, &granted, ctx)?),
    };
    let verified = account::verify(kind, &credential, found_base.as_ref().map(|(base, _)| base), ctx).await?;
    let identity = match (identity, &verified.identity) {
        (Some(identity), Some(address)) if account::is_by_subject(kind, &credential) => {
            Identity::new(identity.account_id, address.label.clone()).formerly(address.account_id.clone())
        }
        (_, Some(identity)) => identity.clone(),
        (Some(identity), None) => identity,
        (None, None) => account::from_fields(kind, &credential, ctx),
    };
    let reach = reach(kind, &credential.values, found_base, flow.as_ref(), ctx)?;
    let mut measured: VerifyResult<FileCredential> = verified;
    measured.identity = Some(identity.clone());
    let valid_until = flow.as_ref().and_then(|flow| flow.valid_until);
    let valid_until = valid_until.or(credential.token.as_ref().and_then(|token| token.until)).or(measured.valid_until);
    let scopes = measured.granted_scopes.clone().or_else(|| flow.as_ref().and_then(|flow| flow.granted_scopes.clone()));
    measured.valid_until = valid_until;
    measured.granted_scopes.clone_from(&scopes);
    let config: Vec<_> = credential.values.config.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut made = SetupResult::new(credential, identity).reach(reach).valid_until(valid_until).measured(measured);
    made.granted_scopes = scopes;
    if let Some(flow) = flow {
        made = made.renew_at(flow.renew_at).authorized_until(flow.authorized_until);
    }
    for (name, value) in config {
        made = made.config(name, value);
    }
    Ok(made)
}

/// Returns the base address, and whether it is the one that the descriptor declares first.
fn base(
    kind: &FileKind,
    values: &Values,
    granted: &[(String, BaseUrl)],
    ctx: &Context<'_>,
) -> Result<(BaseUrl, bool), NotLive> {
    let env = Env::new(values, ctx);
    let found = kind.0.bases.iter().enumerate().find(|(_, base)| base.template.resolves(&env));
    let missing = || NotLive::failing(Reason::new("unusable_value", "no base address has all its values"));
    let (index, base) = found.ok_or_else(missing)?;
    if let Some(declared) = &base.declared {
        return Ok((ctx.base_url(declared)?.clone(), index == 0));
    }
    let address = base.template.address(&env).map_err(calls::unfilled)?;
    let origin = address.origin.unwrap_or_default();
    let text = [origin.as_str(), &address.path].concat();
    if let Some((_, url)) = base.granted.as_ref().and_then(|name| granted.iter().find(|(field, _)| field == name)) {
        let own = url.to_string();
        let rest = text.strip_prefix(&own).unwrap_or_default();
        let below = url
            .below(rest)
            .ok_or_else(|| calls::unfilled(crate::kind::template::RenderError::Unsafe("address".to_owned())))?;
        return Ok((below, false));
    }
    Ok((ctx.address(&text)?, false))
}

/// Returns where the credential may go: what the descriptor declares, or exactly the addresses that were learned.
fn reach(
    kind: &FileKind,
    values: &Values,
    base: Option<(BaseUrl, bool)>,
    flow: Option<&SetupResult<()>>,
    ctx: &Context<'_>,
) -> Result<Reach, NotLive> {
    let Some((base, is_first)) = base else { return Ok(Reach::declared()) };
    if is_first && kind.0.bases.len() == 1 {
        return Ok(Reach::declared());
    }
    let env = Env::new(values, ctx);
    let model = &kind.0.model;
    let calls = model.verify.iter().map(|call| &call.path).chain(model.revoke.iter().map(|call| &call.path));
    let lookups = model.lookups.iter().map(|lookup| &lookup.path);
    let steps = model.exchange.iter().flat_map(|exchange| exchange.steps.iter().map(|step| &step.url));
    let mut origins = Vec::new();
    for template in calls.chain(lookups).chain(steps).filter(|template: &&Template| template.has_host()) {
        // Only the origin matters here; a path may need a value that exists only during an exchange.
        if let Some(origin) = template.address(&env).ok().and_then(|address| address.origin) {
            origins.push(calls::known(kind, &origin, ctx)?.origin().clone());
        }
    }
    let further = model.request.iter().flat_map(|request| &request.origins).filter(|origin| !origin.contains("://*."));
    for origin in further {
        origins.push(calls::known(kind, origin, ctx)?.origin().clone());
    }
    match flow.map(|flow| &flow.reach) {
        Some(Reach { base_url: Some(own), origins: others, .. }) => {
            origins.push(own.origin().clone());
            origins.extend(others.iter().cloned());
        }
        Some(_) => {
            let declared = kind.0.oauth2.as_ref().map(|oauth2| oauth2.descriptor().origins).unwrap_or_default();
            for origin in declared.iter().filter(|origin| !origin.contains("://*.")) {
                origins.push(calls::known(kind, origin, ctx)?.origin().clone());
            }
        }
        None => {}
    }
    let own = base.origin().clone();
    let mut reach = Reach::base(base);
    for origin in origins {
        if origin != own && !reach.origins.contains(&origin) {
            reach = reach.origin(origin);
        }
    }
    Ok(reach)
}

fn nameless() -> SetupFailure {
    NotLive::offline(Reason::new(reason::NOT_JSON, "the provider's answer does not name the account")).into()
}
