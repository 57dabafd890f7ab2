//! The decision of a person about a client, for the API.

use axum::http::StatusCode;
use connection_api::{Decided, NewConsent, ShownConsent};
use connection_contract::{HttpError, Timestamp};
use connection_core::{Agent, AgentError, ConnectionRegistry, Error};
use connection_rules::Rules;
use secrecy::ExposeSecret as _;

use super::{
    SignIn,
    client::{Client, NoClient, fetched, is_document, registered},
    redirect::RedirectAddress,
    request::CodeRequest,
    token,
};
use crate::{
    agents::{duration, read_rules},
    problem::Problem,
    view,
};

/// A request with its client, which stated the address in it.
struct Asked {
    request: CodeRequest,
    client: Client,
    redirect: RedirectAddress,
}

/// Returns a request as a person judges it. The document of the client is fetched, and what it says is sealed in the
/// request, so that the decision is about what was shown.
pub(crate) async fn show(
    sign_in: &SignIn,
    registry: &ConnectionRegistry,
    sealed: &str,
) -> Result<ShownConsent, Problem> {
    let Asked { request, client, redirect } = asked(sign_in, sealed, Fetch::Now).await?;
    let of_agent = client.of_agent(&redirect);
    let former = registry.agents().of_client(&of_agent.id).await?;
    let ends = request.ends;
    let shown = CodeRequest { described: client.document.as_ref().map(|_| client.statement()), ..request };
    Ok(ShownConsent {
        client: client.name().to_owned(),
        host: redirect.authority(),
        is_local: redirect.is_local(),
        document: client.document.clone(),
        name: free_name(registry, client.name()).await?,
        former: former.map(|agent| agent.name().to_owned()),
        request: shown.seal(&sign_in.registry).await?,
        expires_at: Timestamp::from_seconds(ends).to_rfc3339(),
    })
}

/// Creates an agent for the client, and returns the address to which the browser goes with the code.
pub(crate) async fn consent(
    sign_in: &SignIn,
    registry: &ConnectionRegistry,
    new: NewConsent,
) -> Result<Decided, Problem> {
    let Asked { request, client, redirect } = asked(sign_in, &new.request, Fetch::Never).await?;
    let of_agent = client.of_agent(&redirect);
    let proof = token::proof(&sign_in.registry, &request.client, redirect.as_str(), &request.challenge);
    let former = match &new.replaces {
        Some(name) => Some(former(registry, name, &of_agent.id).await?),
        None => None,
    };
    let mut admitted = registry.agents().admit(&new.name, of_agent, proof);
    if let Some(expires) = &new.expires {
        admitted = admitted.expires(duration("expires", expires)?);
    }
    if let Some(former) = former {
        admitted = admitted.replacing(former);
    }
    for grant in &new.connections {
        let id = grant.connection.parse().map_err(|_| Problem::no_connection())?;
        let connection = registry.connection(id).await?;
        let rules = match &grant.rules {
            Some(rules) => read_rules(registry, connection.info(), rules).await?,
            None => usual_rules(registry, connection.info()).await?,
        };
        admitted = admitted.grant(id, rules);
    }
    let admitted = admitted.await?;
    Ok(Decided {
        redirect: returned(&request, &redirect, [("code", admitted.code.expose_secret())]),
        agent: Some(admitted.agent.name().to_owned()),
    })
}

/// Returns the agent that is to be removed, if it is one of this client.
async fn former(registry: &ConnectionRegistry, name: &str, client: &str) -> Result<Agent, Problem> {
    let agent = registry.agents().get(name).await?;
    match agent.client().is_some_and(|of| of.id == client) {
        true => Ok(agent),
        false => Err(Error::from(AgentError::Unknown(name.to_owned().into())).into()),
    }
}

/// Returns the address to which the browser goes after a refusal. Nothing is changed.
pub(crate) async fn refuse(sign_in: &SignIn, sealed: &str) -> Result<Decided, Problem> {
    let Asked { request, redirect, .. } = asked(sign_in, sealed, Fetch::Never).await?;
    let redirect = returned(&request, &redirect, [("error", "access_denied")]);
    Ok(Decided { redirect, agent: None })
}

/// Returns the address of the client with this parameter, with the text of the client and with the issuer (RFC 9207).
fn returned(request: &CodeRequest, to: &RedirectAddress, with: [(&str, &str); 1]) -> String {
    let state = request.state.as_deref().map(|state| ("state", state));
    to.with(with.into_iter().chain(state).chain([("iss", request.issuer.as_str())]))
}

/// Whether the document of a client may be fetched.
#[derive(Clone, Copy, Debug)]
enum Fetch {
    Now,
    /// A decision is about what was shown, or about nothing.
    Never,
}

async fn asked(sign_in: &SignIn, sealed: &str, fetch: Fetch) -> Result<Asked, Problem> {
    let registry = &sign_in.registry;
    let gone = || {
        let problem = Problem::new(StatusCode::GONE, "consent_ended", "the request of the program is over, or is none");
        problem.remedy("start the sign-in again from the program")
    };
    let request = CodeRequest::open(registry, sealed).await?.ok_or_else(gone)?;
    let redirect = RedirectAddress::parse(&request.redirect).ok_or_else(gone)?;
    let client = match (&request.described, is_document(&request.client), fetch) {
        (Some(shown), true, _) => Client::described(&request.client, shown).map_err(NoClient::Invalid),
        (None, true, Fetch::Now) => fetched(registry, &request.client).await,
        (None, true, Fetch::Never) => return Err(gone()),
        (_, false, _) => registered(registry, &request.client).await,
    };
    let client = client.map_err(no_client)?;
    match client.has(&redirect) {
        true => Ok(Asked { request, client, redirect }),
        false => Err(no_client(NoClient::Invalid("it does not state the address to which the browser would return"))),
    }
}

fn no_client(no: NoClient) -> Problem {
    let (detail, remedy) = match no {
        NoClient::Core(error) => return error.into(),
        NoClient::Unknown => ("this server does not know the program".to_owned(), "let the program register again"),
        NoClient::Invalid(why) => (format!("the program cannot sign in: {why}"), "tell its makers"),
        NoClient::NotFetched(error) => {
            let why = match error {
                HttpError::Denied => "its address is not public",
                HttpError::Timeout => "its server did not answer in time",
                HttpError::TooLarge => "it is too long",
                HttpError::Closed | HttpError::Protocol | HttpError::Redirects(_) => "its server did not return it",
                _ => "its server cannot be reached",
            };
            (format!("the description of the program cannot be fetched: {why}"), "try again, or tell its makers")
        }
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "client_invalid", detail).remedy(remedy)
}

/// Returns the rules for a connection about which nothing is stated: the preset `read` of its kind, or else that a person is
/// asked.
async fn usual_rules(
    registry: &ConnectionRegistry,
    connection: &connection_core::ConnectionInfo,
) -> Result<Rules, Problem> {
    let kind = view::descriptor(registry, &connection.kind).await?;
    let mut presets = view::presets(kind.as_ref()).into_iter();
    Ok(presets.find(|preset| preset.name() == "read").map_or_else(Rules::ask, |preset| preset.into_rules()))
}

/// Returns a name for an agent, made of the name of a client, that no agent of the owner has.
async fn free_name(registry: &ConnectionRegistry, client: &str) -> Result<String, Error> {
    let mut name = String::new();
    for letter in client.to_lowercase().chars().take(40) {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    let name = if name.is_empty() { "agent" } else { name };
    let taken: Vec<_> = registry.agents().list().await?.iter().map(|agent| agent.name().to_owned()).collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    Ok(names.find(|name| !taken.contains(name)).unwrap_or_default())
}
