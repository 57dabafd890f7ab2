//! The credential on a call: headers, query, body and path.

use connection_contract::{ConnectionDefinition, Context, CredentialError, HeaderValue, HttpRequest, Secret, Value};

use super::{
    FileCredential, FileKind, jwt,
    signer::{self, Signer as _},
};
use crate::kind::{
    model::{Mechanism, RequestModel},
    template::{Env, RenderError, Scope, Template},
};

/// The values of one call that are not stored: the current token.
pub(super) struct Attached<'c> {
    token: Option<Secret>,
    refresh: Option<&'c Secret>,
    client_id: Option<&'c str>,
    client_secret: Option<Secret>,
}

impl<'c> Attached<'c> {
    pub(super) fn new(
        kind: &FileKind,
        credential: &'c FileCredential,
        ctx: &Context<'_>,
    ) -> Result<Self, CredentialError> {
        let mut found = Self { token: None, refresh: None, client_id: None, client_secret: None };
        if let (Some(oauth2), Some(tokens)) = (&kind.0.oauth2, &credential.oauth2) {
            found.token = oauth2.secrets().and_then(|secrets| secrets.secret(tokens, "accessToken"));
            found.refresh = tokens.refresh_token();
            found.client_id = Some(tokens.client_id());
        } else if let Some(token) = &credential.token {
            found.token = Some(token.access.duplicate());
        } else if let Some(jwt) = &kind.0.model.jwt {
            found.token = Some(jwt::signed(jwt, &Env::new(&credential.values, ctx), ctx)?);
        }
        Ok(found)
    }

    /// Adds the secret of the application.
    pub(super) fn application(self, secret: Option<Secret>) -> Self {
        Self { client_secret: secret, ..self }
    }

    pub(super) fn env<'a>(&'a self, credential: &'a FileCredential, ctx: &'a Context<'_>) -> Env<'a> {
        let text = |secret: Option<&'a Secret>| secret.and_then(Secret::expose_str);
        Env {
            token: text(self.token.as_ref()),
            refresh: text(self.refresh),
            client_id: self.client_id,
            client_secret: text(self.client_secret.as_ref()),
            ..Env::new(&credential.values, ctx)
        }
    }
}

/// Attaches the credential to a request.
///
/// A part whose optional value was not given is left out.
pub(super) fn attach(
    kind: &FileKind,
    credential: &FileCredential,
    request: &mut HttpRequest,
    ctx: &Context<'_>,
) -> Result<(), CredentialError> {
    let Some(table) = &kind.0.model.request else { return Ok(()) };
    let attached = Attached::new(kind, credential, ctx)?;
    let env = attached.env(credential, ctx);
    for (name, template) in table.headers.iter() {
        let name = name.to_ascii_lowercase();
        let is_fixed = template.fixed().is_some();
        if is_fixed && request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            continue;
        }
        if let Some(value) = given(template.header(&env))? {
            let text = if is_fixed { value.expose_str().map(str::to_owned) } else { None };
            request.set_header(name, text.map_or(HeaderValue::Secret(value), HeaderValue::from));
        }
    }
    if let Some(token) = attached.token.as_ref().filter(|_| bears(kind.0.model.mechanism, table)) {
        request.set_bearer(token);
    }
    if let Some(basic) = &table.basic {
        let user = given(basic.user.text(&env))?.unwrap_or_default();
        let password = given(basic.password.text(&env))?.unwrap_or_default();
        request.set_basic(&user, &Secret::from(password));
    }
    for (name, template) in table.query.iter() {
        if let Some(value) = given(template.text(&env))? {
            request.set_query(name, &Secret::from(value));
        }
    }
    if let Some(path) = &table.path
        && let Some(address) = given(path.address(&env))?
    {
        request.set_path_prefix(&Secret::from(address.path));
    }
    if !table.json.is_empty() {
        body(table, &env, request)?;
    }
    match signer::of(&kind.0.model, credential, &env)? {
        Some(signer) => signer.sign(request, ctx),
        None => Ok(()),
    }
}

/// Returns `true` if the calls of a kind are signed with their body, or have members added to it.
pub(super) fn reads_body(kind: &FileKind) -> bool {
    let adds = |table: &RequestModel| !table.json.is_empty();
    kind.0.model.sigv4.is_some() || kind.0.model.request.as_ref().is_some_and(adds)
}

/// Adds members to a JSON body. A request without a body gets one if its method has one.
fn body(table: &RequestModel, env: &Env<'_>, request: &mut HttpRequest) -> Result<(), CredentialError> {
    let mut members = match request.body.is_empty() {
        true if matches!(&*request.method, "GET" | "HEAD" | "DELETE") => return Ok(()),
        true => Vec::new(),
        false => match Value::parse(request.body.expose()) {
            Ok(Value::Map(members)) => members,
            _ => return Ok(()),
        },
    };
    for (name, value) in table.json.iter() {
        if let Some(value) = given(value.value(env))? {
            members.retain(|(known, _)| known != name);
            members.push((name.to_owned(), value));
        }
    }
    request.body = Value::Map(members).to_string().into();
    request.set_header("content-type", "application/json");
    Ok(())
}

/// Returns `true` if the token is attached in the usual way, because the file names no other.
pub(super) fn bears(mechanism: Option<Mechanism>, table: &RequestModel) -> bool {
    let has_token = matches!(mechanism, Some(Mechanism::Oauth2 | Mechanism::SignedJwt | Mechanism::TokenExchange));
    let names = |template: &Template| template.variables().any(|variable| variable.scope == Scope::Token);
    let header = table.headers.iter().any(|(name, t)| name.eq_ignore_ascii_case("authorization") || names(t));
    let query = table.query.iter().any(|(_, template)| names(template));
    let mut body = false;
    for (_, value) in table.json.iter() {
        value.each(&mut |template| body |= names(template));
    }
    let path = table.path.as_ref().is_some_and(names);
    has_token && !header && !query && !body && !path && table.basic.is_none()
}

/// Leaves out what was not given, and refuses what cannot be sent.
fn given<T>(rendered: Result<T, RenderError>) -> Result<Option<T>, CredentialError> {
    match rendered {
        Ok(value) => Ok(Some(value)),
        Err(RenderError::Missing(_)) => Ok(None),
        Err(RenderError::Unsafe(_)) => Err(CredentialError::Malformed),
    }
}
