//! The decisions of a person about an agent: the rules of a grant, the difference that they make, and tokens; and about
//! the rules of an extension.
//!
//! The routes use them, and so does a program that has the registry itself.

use std::time::Duration;

use connection_api::{self as api, GrantPreview, GrantRules, NewAgentGrant, NewAgentToken, NewAudience, SendRequest};
use connection_contract::Descriptor;
use connection_core::{
    AccessTokenId, Agent, AgentError, AgentGrant, Audience, ConnectionInfo, ConnectionRegistry, Error, GrantAgent,
    LearnFrom, NewAgentToken as NewToken,
};
use connection_rules::{Diff, InvalidRules, Preset, Profile, Rules, read_span};

use crate::{convert, view};

/// The longest lifetime of a token.
const MAX_LIFETIME: Duration = Duration::from_hours(366 * 24);

/// The reason why a request about an agent is refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum AgentRefusal {
    /// The core refuses the request.
    Core(Error),
    /// A member of the request is not what is expected.
    Member {
        /// The name of the member.
        member: &'static str,
        /// The stable code.
        code: &'static str,
        /// The problem, as a sentence.
        message: String,
        /// The way out, as an imperative.
        remedy: String,
    },
}

impl From<Error> for AgentRefusal {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// Gives an agent a grant of a connection, in place of one that it has.
///
/// # Errors
///
/// [`AgentRefusal`] names the member that is not valid, or is the error of the core.
pub async fn grant(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
    new: &NewAgentGrant,
) -> Result<api::AgentGrant, AgentRefusal> {
    let granted = requested(registry, agent, connection, new).await?.await?;
    Ok(view::agent_grant(registry, &granted, connection).await?)
}

/// Grants an extension the use of a connection within rules. It receives no secret.
///
/// # Errors
///
/// As [`grant`].
pub async fn grant_within(
    registry: &ConnectionRegistry,
    extension: &str,
    connection: &ConnectionInfo,
    rules: &GrantRules,
) -> Result<api::Grant, AgentRefusal> {
    let rules = read_rules(registry, connection, rules).await?;
    let granted = registry.extensions().grant_within(extension, connection.id, &rules).await?;
    Ok(convert::grant(&granted, connection))
}

/// Returns the grant that is in force.
///
/// # Errors
///
/// The errors of the store.
pub async fn in_force(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
) -> Result<Option<AgentGrant>, Error> {
    let now = registry.clock().now();
    let mut grants = agent.grants().await?.into_iter();
    Ok(grants.find(|grant| grant.connection == connection.id && grant.is_live(now)))
}

/// Returns the grant as it would be if it were given now, and how it differs from `before`, the one that is in force.
///
/// # Errors
///
/// As [`grant`].
pub async fn preview(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
    new: &NewAgentGrant,
    before: Option<&AgentGrant>,
) -> Result<GrantPreview, AgentRefusal> {
    let after = requested(registry, agent, connection, new).await?.preview()?;
    let shape = view::agent_grant(registry, &after, connection).await?;
    let presets = view::presets(view::descriptor(registry, &connection.kind).await?.as_ref());
    let rules = before.map_or_else(Rules::nothing, |before| before.rules.clone());
    let words = before.map_or_else(Vec::new, |before| before.rules.words());
    let has_wider_budget = before.is_some() && has_wider_budget(&rules, &after.rules);
    let releases_more = before.is_some() && after.rules.releases() && !rules.releases();
    let (permits, withdraws) = compared(rules, after.rules).await;
    let widens = !matches!(permits, Diff::None) || has_wider_budget || releases_more;
    let permits_none = match releases_more {
        true => {
            "the new rules permit no request that was not permitted before, and let the secret itself be handed out"
        }
        false => "the new rules permit nothing that was not permitted before",
    };
    Ok(GrantPreview {
        added: without(&shape.words, &words),
        removed: without(&words, &shape.words),
        before: match before {
            Some(before) => Some(view::agent_grant(registry, before, connection).await?),
            None => None,
        },
        permits: convert::rules_difference(&permits, permits_none),
        withdraws: convert::rules_difference(&withdraws, "the new rules permit everything that was permitted before"),
        widens,
        rules: shape.rules,
        words: shape.words,
        preset: shape.preset,
        presets: presets.iter().map(|preset| preset.name().to_owned()).collect(),
        budget: shape.budget,
        expires_at: shape.expires_at,
    })
}

/// Returns what the rules of the grant in force decide about a request, and why. Nothing is sent.
///
/// # Errors
///
/// [`AgentError::NotGranted`] without a grant in force; [`AgentRefusal::Member`] for a body that is not in its encoding;
/// and the errors of the store.
pub async fn explain(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
    request: &SendRequest,
) -> Result<api::Explanation, AgentRefusal> {
    let not_granted = || AgentError::NotGranted { agent: agent.name().to_owned().into(), connection: connection.id };
    let grant = in_force(registry, agent, connection).await?.ok_or_else(|| Error::from(not_granted()))?;
    let body = request.body_bytes().ok_or_else(|| AgentRefusal::Member {
        member: "body",
        code: "invalid_request",
        message: "the body is not in its encoding".to_owned(),
        remedy: "send it as base64, or set `encoding` to `utf8`".to_owned(),
    })?;
    let descriptor = view::descriptor(registry, &connection.kind).await?;
    let profile = profile(registry, connection, descriptor.as_ref()).await?;
    Ok(convert::explanation(&grant.rules, request, &body, &profile))
}

/// Returns how requests to connections of a kind are read.
pub(crate) async fn profile(
    registry: &ConnectionRegistry,
    connection: &ConnectionInfo,
    descriptor: Option<&Descriptor>,
) -> Result<Profile, Error> {
    let seats = registry.kinds().seats(&connection.kind).await?;
    Ok(descriptor.map_or_else(Profile::strict, |kind| Profile::of_kind(kind, seats)))
}

/// Returns the narrowest rules that cover what the record shows of an agent.
///
/// # Errors
///
/// [`AgentError::NotGranted`] without a grant in force, and the errors of the store.
pub async fn learned(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
    from: LearnFrom,
) -> Result<api::LearnedRules, Error> {
    let learned = registry.uses().learn(agent, connection.id, from).await?;
    Ok(api::LearnedRules {
        rules: learned.rules.to_value(),
        words: learned.rules.words(),
        requests: learned.requests,
        refused: learned.refused,
    })
}

/// Compares two rule sets in both directions, on a thread of its own: a search may take long.
async fn compared(before: Rules, after: Rules) -> (Diff, Diff) {
    let compare = move || {
        let withdraws = match after.diff(&before) {
            Diff::Found(difference) => Diff::Found(Box::new(difference.reversed())),
            other => other,
        };
        (before.diff(&after), withdraws)
    };
    // A search that crashes has found nothing.
    tokio::task::spawn_blocking(compare).await.unwrap_or((Diff::Unknown, Diff::Unknown))
}

/// Returns the lines of a list that another one does not have.
fn without(lines: &[String], others: &[String]) -> Vec<String> {
    lines.iter().filter(|line| !others.contains(line)).cloned().collect()
}

/// Returns `true` if the second rules permit a number of requests that the first ones do not permit.
fn has_wider_budget(before: &Rules, after: &Rules) -> bool {
    match (before.budget(), after.budget()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after.requests > before.requests || after.per < before.per,
    }
}

/// Returns the grant that a request describes, which is not given yet.
async fn requested(
    registry: &ConnectionRegistry,
    agent: &Agent,
    connection: &ConnectionInfo,
    new: &NewAgentGrant,
) -> Result<GrantAgent, AgentRefusal> {
    let rules = match &new.rules {
        None => Rules::ask(),
        Some(rules) => read_rules(registry, connection, rules).await?,
    };
    let rules = match new.release {
        Some(release) => rules.with_release(release),
        None => rules,
    };
    let grant = agent.grant(connection.id).rules(rules);
    match &new.expires {
        Some(text) => Ok(grant.expires(duration("expires", text)?)),
        None => Ok(grant),
    }
}

/// Returns the rules that a request names or states, for a connection of this kind.
///
/// # Errors
///
/// [`AgentRefusal`] names the preset that the kind does not have, or the place in the rules that is not valid.
pub async fn read_rules(
    registry: &ConnectionRegistry,
    connection: &ConnectionInfo,
    rules: &GrantRules,
) -> Result<Rules, AgentRefusal> {
    let descriptor = view::descriptor(registry, &connection.kind).await?;
    match rules {
        GrantRules::Preset(name) => preset(view::presets(descriptor.as_ref()), name, connection.kind.as_str()),
        GrantRules::Rules(rules) => {
            let rules = Rules::from_value(&rules.clone().into()).map_err(invalid_rules)?;
            let profile = profile(registry, connection, descriptor.as_ref()).await?;
            rules.check_paths(&profile).map_err(invalid_rules)?;
            Ok(rules)
        }
    }
}

/// Returns the rules of the preset with this name. The error does not repeat the name.
fn preset(mut presets: Vec<Preset>, name: &str, kind: &str) -> Result<Rules, AgentRefusal> {
    if let Some(found) = presets.iter().position(|preset| preset.name() == name) {
        return Ok(presets.swap_remove(found).into_rules());
    }
    let names: Vec<_> = presets.iter().map(Preset::name).collect();
    Err(AgentRefusal::Member {
        member: "rules",
        code: "unknown_preset",
        message: format!("the kind '{kind}' has no such preset"),
        remedy: format!("its presets are {}", names.join(", ")),
    })
}

fn invalid_rules(invalid: InvalidRules) -> AgentRefusal {
    AgentRefusal::Member {
        member: "rules",
        code: "invalid_rules",
        message: invalid.to_string(),
        remedy: "correct the rules at this place, and send them again".to_owned(),
    }
}

pub(crate) fn duration(member: &'static str, text: &str) -> Result<Duration, AgentRefusal> {
    read_span(text).ok_or_else(|| AgentRefusal::Member {
        member,
        code: "invalid_expiry",
        message: format!("'{member}' is not a duration"),
        remedy: "write a whole number with the unit d, h, m or s, such as 8h".to_owned(),
    })
}

/// Returns the lifetime that a text states.
///
/// # Errors
///
/// [`AgentRefusal::Member`].
pub fn check_lifetime(text: &str) -> Result<Duration, AgentRefusal> {
    let lifetime = duration("lifetime", text)?;
    if lifetime <= MAX_LIFETIME {
        return Ok(lifetime);
    }
    Err(AgentRefusal::Member {
        member: "lifetime",
        code: "invalid_expiry",
        message: "a token lives for 366 days at most".to_owned(),
        remedy: "choose a shorter lifetime".to_owned(),
    })
}

/// Makes a token for an agent. Its text is in the answer, and nowhere else.
///
/// # Errors
///
/// As [`grant`].
pub async fn new_token(agent: &Agent, new: NewAgentToken) -> Result<api::IssuedAgentToken, AgentRefusal> {
    let audience = match new.audience {
        NewAudience::Mcp => Audience::Mcp,
        _ => Audience::Doors,
    };
    let token = NewToken::new(new.name.unwrap_or_else(|| agent.name().to_owned()), audience);
    let token = match new.lifetime.as_deref() {
        Some(lifetime) => token.lifetime(check_lifetime(lifetime)?),
        None => token,
    };
    Ok(convert::issued_agent_token(&agent.new_token(token).await?))
}

/// Revokes a token of an agent. Returns `None` if the agent has no such token; revoking it again changes nothing.
///
/// # Errors
///
/// The errors of the store.
pub async fn revoke_token(agent: &Agent, id: AccessTokenId) -> Result<Option<api::Withdrawal>, Error> {
    let revoked = agent.revoke_token(id).await?;
    let is_known = revoked.was_there || agent.tokens().await?.iter().any(|token| token.id == id);
    Ok(is_known.then(|| convert::withdrawal(&revoked.in_force)))
}

/// Removes an agent: revokes its grants and its tokens.
///
/// # Errors
///
/// [`AgentError::Unknown`] if there is none, and the errors of the store.
pub async fn remove(registry: &ConnectionRegistry, name: &str) -> Result<api::RemovedAgent, Error> {
    let now = registry.clock().now();
    let revoked = match registry.agents().get(name).await {
        Ok(agent) => Some(agent.grants().await?.iter().filter(|grant| grant.is_live(now)).count()),
        // An agent whose row was edited can be removed, too.
        Err(Error::Row(_)) => None,
        Err(error) => return Err(error),
    };
    let removed = registry.agents().remove(name).await?;
    if !removed.was_there {
        return Err(AgentError::Unknown(name.to_owned().into()).into());
    }
    let remaining = convert::remaining(&removed.in_force);
    Ok(api::RemovedAgent { name: name.to_owned(), revoked, remaining })
}
