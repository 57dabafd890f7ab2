//! The caller of a request, from the token in its header, and the owner for whom the caller acts.

use std::marker::PhantomData;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use connection_core::{AccessToken, AccessTokenId, ConnectionRegistry, Role};
use secrecy::SecretString;

use crate::{Api, observe::RequestRecord, problem::Problem, query::Query};

/// The owner for whom a token without an owner acts if the request names none.
pub(crate) const USUAL_OWNER: &str = "local";

/// The smallest role that a route needs.
pub(crate) trait Need {
    const ROLE: Role;
    /// `true` if whoever may answer approvals may call the route, and nobody else.
    const IS_FOR_APPROVERS: bool = false;
    /// `true` if the visitor of a setup link may call the route, too. The route checks what that visitor may do.
    const IS_FOR_LINKS: bool;
}

macro_rules! needs {
    ($($name:ident = $role:ident, links: $links:literal;)+) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $name;

            impl Need for $name {
                const ROLE: Role = Role::$role;
                const IS_FOR_LINKS: bool = $links;
            }
        )+
    };
}

needs! {
    ToRead = Read, links: false;
    ToUse = Use, links: false;
    ToManage = Manage, links: false;
    ToAdminister = Admin, links: false;
    ToSeeKinds = Read, links: true;
    ToSetUp = Manage, links: true;
}

/// Whoever may answer the requests of agents about which a person is asked.
#[derive(Debug)]
pub(crate) struct ToApprove;

impl Need for ToApprove {
    const ROLE: Role = Role::Approve;
    const IS_FOR_APPROVERS: bool = true;
    const IS_FOR_LINKS: bool = false;
}

/// A caller whose token has at least the role that the route needs.
#[derive(Debug)]
pub(crate) struct Caller<N> {
    pub(crate) token: AccessToken,
    /// The registry of the owner for whom the caller acts.
    pub(crate) registry: ConnectionRegistry,
    pub(crate) query: Query,
    need: PhantomData<N>,
}

/// The id of the caller's token, for what reads the body of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallersToken(pub(crate) AccessTokenId);

/// A caller with any token.
#[derive(Debug)]
pub(crate) struct AnyCaller(pub(crate) AccessToken);

fn unauthenticated(detail: &'static str) -> Problem {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
    problem.remedy("send a valid access token in the header Authorization, or open the page again from the program")
}

/// Returns the text of the only token in the header.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && values.next().is_none()).then(|| token.trim().to_owned().into())
}

impl FromRequestParts<Api> for AnyCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let text = bearer(&parts.headers).ok_or_else(|| unauthenticated("the request has no access token"))?;
        let token = api.registry.access_tokens().authenticate(&text).await?;
        let token = token.ok_or_else(|| unauthenticated("the access token is unknown, has ended or was revoked"))?;
        let now = api.registry.clock().now();
        if let Some(record) = parts.extensions.get::<RequestRecord>() {
            record.set_token(&token);
        }
        parts.extensions.insert(CallersToken(token.id));
        api.rates.count(token.id, now).map_err(Problem::too_many_requests)?;
        Ok(Self(token))
    }
}

impl<N: Need> FromRequestParts<Api> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let AnyCaller(token) = AnyCaller::from_request_parts(parts, api).await?;
        if token.extension.is_some() {
            return Err(Problem::not_allowed("the token of an extension does not allow this"));
        }
        Self::of(token, parts, api)
    }
}

impl<N: Need> Caller<N> {
    /// Returns `true` if the caller may know the places of the host, such as the paths of its files: for the owner of the
    /// process, and for every owner.
    pub(crate) fn sees_host(&self) -> bool {
        self.token.owner.as_deref().is_none_or(|owner| owner == USUAL_OWNER)
    }

    /// Returns the names of processes as the caller may know them.
    pub(crate) fn processes(&self, mut names: Vec<String>) -> Vec<String> {
        if !self.sees_host() {
            names.iter_mut().for_each(|name| "a process of the host".clone_into(name));
        }
        names
    }

    /// Returns the caller with this token, if its role is enough.
    pub(crate) fn of(token: AccessToken, parts: &Parts, api: &Api) -> Result<Self, Problem> {
        if token.link.is_some() && !N::IS_FOR_LINKS {
            return Err(Problem::not_allowed("a setup link does not allow this"));
        }
        let is_enough = match N::IS_FOR_APPROVERS {
            true => token.role.may_approve(),
            false => token.role >= N::ROLE,
        };
        if token.link.is_none() && !is_enough {
            let problem = Problem::not_allowed(format!("the role '{}' does not allow this", token.role.as_str()));
            return Err(problem.remedy(format!("use a token with the role '{}'", N::ROLE.as_str())));
        }
        let query = Query::of(&parts.uri)?;
        let owner = match (&token.owner, query.given("owner")) {
            (Some(owner), None) => owner,
            (Some(owner), Some(named)) if owner == named => owner,
            (Some(_), Some(_)) => return Err(Problem::other_owner()),
            (None, named) => named.unwrap_or(USUAL_OWNER),
        };
        let registry = api.registry.owner(owner)?;
        if let Some(record) = parts.extensions.get::<RequestRecord>() {
            record.set_owner(owner);
        }
        Ok(Self { token, registry, query, need: PhantomData })
    }

    /// Returns the owner for whom a token is made: the one that the body names, or the only one of the caller.
    pub(crate) fn owner_named(&self, named: Option<String>) -> Result<Option<String>, Problem> {
        match (&self.token.owner, named) {
            (Some(own), Some(named)) if *own != named => Err(Problem::other_owner()),
            (Some(own), _) => Ok(Some(own.clone())),
            (None, named) => Ok(named),
        }
    }
}
