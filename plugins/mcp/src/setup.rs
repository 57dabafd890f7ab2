//! The way from the address of a server to a connection.

use connection_contract::prelude::*;
use connection_oauth2::{CLIENT_DOCUMENT_KEY, CLIENT_SIGNING_KEY, Endpoint, OAuth2Credential, ServerMetadata};

use crate::{
    Mcp, McpCredential,
    authorization::{self, Server},
    challenge,
    credential::Access,
    hello::{self, Gate, Greeting, Hello},
    resource,
};

/// The address that a person entered.
struct Target {
    base: BaseUrl,
    query: Option<Secret>,
    /// The requests that the server refuses without a credential.
    gate: Gate,
}

/// The answers of the first question that are used later.
#[derive(Default)]
struct Given {
    client_id: Option<String>,
    client_secret: Option<Secret>,
    header: Option<(String, Secret)>,
}

pub(crate) async fn setup(kind: &Mcp, ctx: &SetupContext<'_>) -> Result<SetupResult<McpCredential>, SetupFailure> {
    let (target, given) = asked(ctx).await?;
    let address = target.base.to_string();
    // The credential goes to the server alone, whatever a setup learns later.
    ctx.discovered(&address, AddressPurpose::Resource).await.map_err(|_| resource::not_allowed(&address))?;
    if let Some((name, value)) = given.header {
        return with_header(kind, target, name, value, ctx).await;
    }
    let hello = hello::without_credential(&target.base, target.query.as_ref(), ctx).await?;
    let (challenge, gate, greeting) = match &hello {
        Hello::Refused(gate, answer) => (challenge::read(answer)?, *gate, None),
        Hello::Answered(greeting) => (challenge::Challenge::default(), Gate::Unknown, Some(greeting)),
    };
    let target = Target { gate, ..target };
    let found = match (resource::find(&target.base, &challenge, ctx).await, greeting) {
        // Some servers that want nothing answer every GET with a stream that does not end.
        (Err(failure), Some(_)) if failure.code == reason::TIMEOUT => None,
        (found, _) => found?,
    };
    match (found, greeting) {
        (None, Some(greeting)) => Ok(open(target, greeting)),
        (Some(found), _) => {
            let issuer = chosen(&found.servers, ctx).await?;
            let metadata = trusted_metadata(&issuer, ctx).await?;
            let wanted = challenge.scopes.unwrap_or(found.scopes);
            let server = Server::admitted(&issuer, &metadata, ctx).await?;
            let server = Server { address, resource: found.resource, ..server };
            signed_in(
                kind,
                target,
                server.scopes(&wanted, ctx.further_scopes(), &metadata.scopes),
                &metadata,
                given,
                ctx,
            )
            .await
        }
        (None, None) => match authorization::of_same_origin(&target.base, ctx).await? {
            Some((issuer, metadata)) => {
                let server = Server::admitted(&issuer, &metadata, ctx).await?;
                let server = Server { resource: address.clone(), address, ..server };
                let wanted = challenge.scopes.unwrap_or_default();
                let server = server.scopes(&wanted, ctx.further_scopes(), &metadata.scopes);
                signed_in(kind, target, server, &metadata, given, ctx).await
            }
            None => pasted(kind, target, ctx).await,
        },
    }
}

/// Asks for the address, and for what a person may have for this server already.
async fn asked(ctx: &SetupContext<'_>) -> Result<(Target, Given), SetupFailure> {
    let fields = ["url", "clientId", "clientSecret", "headerName", "headerValue", "unencrypted"];
    let prompt = fields.into_iter().fold(Prompt::new("Connect an MCP server"), Prompt::field);
    let mut answers = ctx.prompt(prompt).await;
    let base = answers.url("url")?.clone();
    let text = |name: &str| answers.text(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (client_id, header_name) = (text("clientId"), text("headerName"));
    let secret = answers.secret("clientSecret").ok();
    let header = header_name.zip(answers.secret("headerValue").ok());
    let given = Given { client_secret: secret.filter(|_| client_id.is_some()), client_id, header };
    Ok((Target { base, query: answers.secret("query").ok(), gate: Gate::Unknown }, given))
}

/// Returns the issuer to use. If there are several, a person chooses.
async fn chosen(servers: &[String], ctx: &SetupContext<'_>) -> Result<String, SetupFailure> {
    let [server] = servers else {
        let mut problem = None;
        loop {
            let title = format!("Choose the authorization server: {}", servers.join(", "));
            let answers = ctx.prompt(Prompt::new(title).problem(problem.take()).field("issuer")).await;
            let Ok(answer) = answers.text("issuer").map(str::trim) else {
                return Err(SetupFailure::new("mcp_choice", "the server names several authorization servers")
                    .remedy(format!("answer 'issuer' with one of them: {}", servers.join(", "))));
            };
            if let Some(server) = servers.iter().find(|server| *server == answer) {
                return Ok(server.clone());
            }
            problem = Some("the server names no such authorization server: enter one of the addresses".into());
        }
    };
    Ok(server.clone())
}

/// Reads the metadata of an issuer. One that is not public or not encrypted is used after a person has entered its
/// address.
async fn trusted_metadata(issuer: &str, ctx: &SetupContext<'_>) -> Result<ServerMetadata, SetupFailure> {
    match authorization::metadata(issuer, ctx).await {
        Err(failure) if failure.code == "mcp_address" => {}
        other => return other,
    }
    let title =
        format!("The authorization server is not public or not encrypted. To use it, enter its address: {issuer}");
    drop(ctx.prompt(Prompt::new(title).field("server")).await);
    authorization::metadata(issuer, ctx).await
}

/// Connects a server that wants nothing.
fn open(target: Target, greeting: &Greeting) -> SetupResult<McpCredential> {
    let credential = McpCredential { query: target.query, access: Access::Open };
    let host = host_of(&target.base);
    let identity = Identity::new(account_id(&target.base, "open"), host);
    let found = VerifyResult::live().identity(identity.clone());
    let made = SetupResult::new(credential, identity).reach(Reach::base(target.base.clone())).measured(found);
    described(made, &target.base, greeting)
}

/// Connects a server that takes a header.
async fn with_header(
    kind: &Mcp,
    target: Target,
    name: String,
    value: Secret,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<McpCredential>, SetupFailure> {
    let Target { base, query, gate } = target;
    let credential = McpCredential { query, access: Access::Header { name, value } };
    let (found, greeting) = hello::checked(kind, &credential, gate, &base, ctx).await?;
    let account = named(&base, ctx).await?;
    let identity = Identity::new(account_id(&base, &account), account);
    let made = SetupResult::new(credential, identity.clone()).reach(Reach::base(base.clone()));
    Ok(described(made.measured(found.identity(identity)), &base, &greeting))
}

/// Asks for a token, because the server does not say how to get one.
async fn pasted(
    kind: &Mcp,
    target: Target,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<McpCredential>, SetupFailure> {
    let title = "The server wants a token and does not say where to get one: enter a token that you have";
    let token = ctx.prompt(Prompt::new(title).field("accessToken")).await.secret("accessToken");
    let token = token.map_err(|_| {
        SetupFailure::new("mcp_token", "the server wants a token and does not say where to get one")
            .remedy("answer 'accessToken' with a token of the server, or 'headerName' and 'headerValue'")
    })?;
    let value = Secret::concat(&[b"Bearer ", token.expose()]);
    with_header(kind, target, "authorization".to_owned(), value, ctx).await
}

/// Connects a server with a token of its authorization server.
async fn signed_in(
    kind: &Mcp,
    target: Target,
    server: Server,
    metadata: &ServerMetadata,
    mut given: Given,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<McpCredential>, SetupFailure> {
    let mut server = server;
    let signed = match given.client_id {
        None => signed_document(&server, metadata, ctx).await,
        Some(_) => None,
    };
    if signed.is_none() && given.client_id.is_none() && !has_document(&server, metadata, ctx).await {
        server.takes_documents = false;
        match shared_document(metadata, ctx).await {
            Some(document) => {
                server.is_shared = true;
                given.client_id = Some(document);
            }
            None if metadata.endpoint(Endpoint::Registration).is_none() => given = application(ctx).await?,
            None => {}
        }
    }
    let server = match signed {
        Some((document, key)) => server.signed(document, key),
        None => server.client(given.client_id, given.client_secret, &metadata.auth_methods),
    };
    let oauth = server.oauth2().ok_or_else(|| resource::not_allowed(&server.issuer))?;
    let made = oauth.setup(ctx).await?;
    let base = target.base;
    let known = match made.identity.account_id.as_str() {
        "" => account(&made.credential, metadata, made.granted_scopes.as_deref(), ctx).await?,
        _ => Some(made.identity.clone()),
    };
    let identity = match known {
        Some(known) => Identity::new(
            account_id(&base, &format!("{} {}", server.issuer, known.account_id)),
            format!("{} at {}", known.label, host_of(&base)),
        ),
        None => {
            let name = named(&base, ctx).await?;
            Identity::new(account_id(&base, &name), name)
        }
    };
    let issuer = server.issuer.clone();
    let made = made.try_map(|tokens| {
        let access = Access::OAuth { server: Box::new(server.clone()), tokens: Box::new(tokens) };
        Ok::<_, SetupFailure>(McpCredential { query: target.query.as_ref().map(Secret::duplicate), access })
    })?;
    let (found, greeting) = hello::checked(kind, &made.credential, target.gate, &base, ctx).await?;
    let found = found.identity(identity.clone()).valid_until(made.valid_until);
    let mut made = made.reach(Reach::base(base.clone())).measured(found);
    made.identity = identity;
    made.config.clear();
    Ok(described(made, &base, &greeting).config("issuer", issuer))
}

/// Returns `true` if the server takes documents of public applications, and the host serves one for it.
async fn has_document(server: &Server, metadata: &ServerMetadata, ctx: &SetupContext<'_>) -> bool {
    let document = async || ctx.callback_at(&server.digest).await.ok()?.client_document();
    let is_public = Server::takes_public(&metadata.auth_methods) == Some(true);
    server.takes_documents && is_public && document().await.is_some()
}

/// Returns the address of the host's document for an application that signs, and its key; `None` unless the server takes
/// such documents alone.
async fn signed_document(
    server: &Server,
    metadata: &ServerMetadata,
    ctx: &SetupContext<'_>,
) -> Option<(String, Secret)> {
    if !server.takes_documents || Server::takes_public(&metadata.auth_methods) != Some(false) {
        return None;
    }
    let document = ctx.callback_at(&server.signed_part()).await.ok()?.client_document()?;
    let key = ctx.kv()?.get_secret(CLIENT_SIGNING_KEY).await.ok()??;
    Some((document, key))
}

/// Returns the address of a document elsewhere that describes the host. Its callback is the same for all issuers, so only a
/// server is asked with it that names itself in its answers (RFC 9207).
async fn shared_document(metadata: &ServerMetadata, ctx: &SetupContext<'_>) -> Option<String> {
    let is_public = Server::takes_public(&metadata.auth_methods) == Some(true);
    if !metadata.takes_client_documents || !metadata.sends_iss || !is_public {
        return None;
    }
    let provided = ctx.kv()?.get_secret(CLIENT_DOCUMENT_KEY).await.ok()??;
    provided.expose_str().map(ToOwned::to_owned)
}

/// Asks for an application that a person registered.
async fn application(ctx: &SetupContext<'_>) -> Result<Given, SetupFailure> {
    let title = "The server registers no applications by itself: register one there, and enter it";
    let mut answers = ctx.prompt(Prompt::new(title).field("clientId").field("clientSecret")).await;
    let id = answers.text("clientId").ok().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let secret = answers.secret("clientSecret").ok();
    match id {
        Some(id) => Ok(Given { client_id: Some(id), client_secret: secret, header: None }),
        None => Err(SetupFailure::new("mcp_application", "the server needs an application that you registered there")
            .remedy("register an application at the server, and enter its client ID")),
    }
}

/// Returns the account that the claims about the person name; `None` if the server has no such claims.
async fn account(
    credential: &OAuth2Credential,
    metadata: &ServerMetadata,
    scopes: Option<&[String]>,
    ctx: &SetupContext<'_>,
) -> Result<Option<Identity>, SetupFailure> {
    let is_asked = scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope == "openid"));
    let Some(address) = metadata.userinfo.as_ref().filter(|_| is_asked) else { return Ok(None) };
    let origin = ctx.discovered(address, AddressPurpose::UserInfo).await;
    let origin = origin.map_err(|_| resource::not_allowed(address))?;
    let request = resource::request_to(&origin, address).ok_or_else(|| resource::not_allowed(address))?;
    let request = request.header("accept", "application/json").no_redirect();
    // A server that does not answer leaves the name to the person.
    let Ok(answer) = ctx.send(request.bearer(credential.access_token())).await else { return Ok(None) };
    let Ok(claims) = answer.json() else { return Ok(None) };
    let label = || {
        let labels = ["email", "preferred_username", "name"].into_iter();
        labels.filter_map(|name| claims[name].as_label()).find(|label| !label.is_empty())
    };
    let sub = claims["sub"].as_str().filter(|sub| !sub.is_empty());
    Ok(sub.map(|sub| Identity::new(sub.to_owned(), label().unwrap_or(sub).to_owned())))
}

/// Asks a person for the name of the account, because the server names none.
async fn named(base: &BaseUrl, ctx: &SetupContext<'_>) -> Result<String, SetupFailure> {
    let title = format!("The server does not say which account this is; without a name, it is {}", host_of(base));
    let answers = ctx.prompt(Prompt::new(title).field("name")).await;
    let name = answers.text("name").map(|name| name.trim().to_owned()).unwrap_or_default();
    Ok(if name.is_empty() { host_of(base) } else { name })
}

/// Adds what people see of a connection.
fn described(made: SetupResult<McpCredential>, base: &BaseUrl, greeting: &Greeting) -> SetupResult<McpCredential> {
    let facts = [("server", &greeting.name), ("tools", &greeting.tools)];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    facts.fold(made.config("url", base.to_string()), |made, (name, value)| made.config(name, value))
}

/// Returns the id of an account at a server. Two servers that share an authorization server are two accounts.
fn account_id(base: &BaseUrl, account: &str) -> String {
    format!("{base} {account}")
}

/// Returns the host of an address, with its port if it is not the usual one.
fn host_of(base: &BaseUrl) -> String {
    let origin = base.origin().as_str();
    origin.split_once("://").map_or(origin, |(_, host)| host).to_owned()
}
