//! Agents, their grants and tokens, and the difference of rules.

use std::collections::BTreeMap;

use connection_api as api;
use connection_contract::{Descriptor, DoorVariable, Timestamp};
use connection_core::{AccessToken, Agent, AgentGrant, Audience, ConnectionInfo, IssuedToken, ModelClient, SignedIn};
use connection_rules::{Decision, Diff, Profile, RequestParts, Rules};
use secrecy::ExposeSecret as _;

/// Converts an agent with these grants.
pub fn agent(agent: &Agent, grants: Vec<api::AgentGrant>) -> api::Agent {
    api::Agent {
        id: agent.id().to_string(),
        name: agent.name().to_owned(),
        created_at: agent.made_at().to_rfc3339(),
        grants,
    }
}

/// Converts the client of an agent, and the time for which it gets tokens.
pub fn model_client(client: &ModelClient, signed_in: Option<SignedIn>) -> api::ModelClient {
    api::ModelClient {
        name: client.name.to_string(),
        host: client.host.to_string(),
        renewed_at: signed_in.map(|of| of.renewed_at.to_rfc3339()),
        ends_at: signed_in.map(|of| of.ends_at.to_rfc3339()),
    }
}

/// Converts a grant of this connection, which has these origins and a kind with this descriptor. `preset` is the name of
/// the preset with the same rules.
pub fn agent_grant(
    grant: &AgentGrant,
    info: &ConnectionInfo,
    origins: &[String],
    kind: Option<&Descriptor>,
    preset: Option<String>,
    now: Timestamp,
) -> api::AgentGrant {
    api::AgentGrant {
        connection: grant.connection.to_string(),
        kind: info.kind.to_string(),
        label: info.label.to_string(),
        state: match grant.revoked_at {
            Some(_) => api::GrantState::Revoked,
            None if grant.is_live(now) => api::GrantState::Active,
            None => api::GrantState::Ended,
        },
        rules: grant.rules.to_value(),
        words: grant.rules.words(),
        preset,
        budget: grant_budget(grant),
        widened: grant.widened.iter().map(super::widening).collect(),
        variables: kind.map(door_variables).unwrap_or_default(),
        origins: origins.to_vec(),
        created_at: grant.created_at.to_rfc3339(),
        expires_at: grant.expires_at.to_rfc3339(),
        revoked_at: grant.revoked_at.map(Timestamp::to_rfc3339),
        remaining: super::remaining(&grant.in_force),
    }
}

/// Returns the variables for programs, with the token in the form that the kind states.
fn door_variables(kind: &Descriptor) -> BTreeMap<String, String> {
    let form = kind.door_token.as_deref().unwrap_or("{token}");
    let filled = |variable: &DoorVariable| (variable.name.to_string(), variable.value.replace("{token}", form));
    kind.door_variables.iter().map(filled).collect()
}

fn grant_budget(grant: &AgentGrant) -> Option<api::GrantBudget> {
    let requests = grant.rules.budget()?.requests;
    let per = grant.rules.to_value()["budget"]["per"].as_str()?.to_owned();
    let left = grant.left;
    let until = left.map(|left| left.until.to_rfc3339());
    Some(api::GrantBudget { requests, per, left: left.map(|left| left.requests), until })
}

/// Converts a token of an agent, without its text.
pub fn agent_token(token: &AccessToken) -> api::AgentToken {
    api::AgentToken {
        id: token.id.to_string(),
        name: token.name.to_string(),
        audience: token.audience.unwrap_or(Audience::Doors).as_str().into(),
        created_at: token.created_at.to_rfc3339(),
        expires_at: token.expires_at.to_rfc3339(),
        last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
        revoked_at: token.revoked_at.map(Timestamp::to_rfc3339),
    }
}

/// Converts a token of an agent that was made, with its text.
pub fn issued_agent_token(issued: &IssuedToken) -> api::IssuedAgentToken {
    api::IssuedAgentToken { of: agent_token(&issued.token), token: issued.text.expose_secret().to_owned() }
}

/// Reads a request with this body as a door does, and converts what rules decide about it.
pub fn explanation(rules: &Rules, request: &api::SendRequest, body: &[u8], profile: &Profile) -> api::Explanation {
    let parts = RequestParts::new(&*request.method, &*request.path).body_length(Some(body.len() as u64));
    let parts = request.headers.iter().fold(parts, |parts, header| parts.header(&*header.name, &*header.value));
    let request = match rules.read_request(parts, body, profile) {
        Ok(request) => request,
        Err(ambiguous) => {
            let (decision, reason) = (api::RulesDecision::Refused, Some(ambiguous.to_string()));
            return api::Explanation { decision, rule: None, steps: Vec::new(), reason };
        }
    };
    let explanation = rules.explain(&request);
    let decision = explanation.decision();
    api::Explanation {
        rule: decision.rule().map(|rule| rule.name().to_owned()),
        steps: explanation.steps().iter().map(ToString::to_string).collect(),
        reason: match &decision {
            Decision::Deny { remedy, .. } => Some(remedy.to_string()),
            Decision::Allow { .. } | Decision::Ask { .. } => None,
        },
        decision: decision.effect().as_str().into(),
    }
}

/// Converts a difference of rules. `none` says in words that there is none.
pub fn rules_difference(diff: &Diff, none: &str) -> api::RulesDifference {
    let without_request = |differs, message: &str| api::RulesDifference {
        differs,
        method: None,
        path: None,
        before: None,
        after: None,
        message: message.to_owned(),
    };
    match diff {
        Diff::None => without_request(Some(false), none),
        Diff::Unknown => {
            without_request(None, "the rules have too many combinations to be compared; take them for different")
        }
        Diff::Found(difference) => {
            let head = difference.request().head();
            api::RulesDifference {
                differs: Some(true),
                method: Some(head.method().to_owned()),
                path: Some(head.target().to_owned()),
                before: Some(difference.before().as_str().into()),
                after: Some(difference.after().as_str().into()),
                message: difference.to_string(),
            }
        }
    }
}
