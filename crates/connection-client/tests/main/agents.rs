//! Requests about agents.

use connection_client::{
    Client, GrantRules, GrantState, NewAgentGrant, NewAgentToken, NewAudience, RuleEffect, RulesDecision, SendRequest,
};
use connection_core::{Audience, Role};
use secrecy::SecretString;

use crate::host::Host;

fn rules(rules: &serde_json::Value) -> NewAgentGrant {
    let rules = GrantRules::Rules(rules.as_object().unwrap().clone());
    NewAgentGrant { rules: Some(rules), expires: Some("8h".to_owned()), release: None }
}

#[tokio::test]
async fn an_agent_is_created_granted_a_connection_and_removed() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let id = host.connected(&client, "octocat").await;
    let agent = client.create_agent("deploy").await.unwrap();
    assert_eq!(client.create_agent("deploy").await.unwrap_err().code(), "agent_exists");
    assert_eq!(client.agents().await.unwrap(), [agent]);
    let reads = rules(&serde_json::json!({
        "budget": { "requests": 5, "per": "1h" },
        "rule": [{ "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" }],
    }));
    let preview = client.preview_agent_grant("deploy", &id, &reads).await.unwrap();
    assert_eq!((preview.before, preview.widens, preview.permits.after), (None, true, Some(RuleEffect::Allow)));
    let granted = client.grant_agent("deploy", &id, &reads).await.unwrap();
    assert_eq!((granted.state, granted.budget.as_ref().unwrap().requests), (GrantState::Active, 5));
    let granted_words = granted.words.clone();
    let same = client.preview_agent_grant("deploy", &id, &reads).await.unwrap();
    assert_eq!((same.widens, same.before.as_ref()), (false, Some(&granted)));
    let request = SendRequest::new("GET", "/issues/7");
    let explanation = client.explain_agent_request("deploy", &id, &request).await.unwrap();
    assert_eq!((explanation.decision, explanation.rule.as_deref()), (RulesDecision::Allow, Some("read")));
    let learned = client.learned_rules("deploy", &id, Some("2020-01-01T00:00:00Z"), true).await.unwrap();
    assert_eq!((learned.requests, learned.refused), (0, 0));
    assert_eq!(learned.words, granted_words);
    let preset = NewAgentGrant { rules: Some(GrantRules::Preset("write".to_owned())), ..NewAgentGrant::default() };
    assert_eq!(client.grant_agent("deploy", &id, &preset).await.unwrap_err().code(), "unknown_preset");

    let new = NewAgentToken { name: None, audience: NewAudience::Mcp, lifetime: Some("7d".to_owned()) };
    let issued = client.create_agent_token("deploy", &new).await.unwrap();
    assert!(!format!("{issued:?}").contains(&issued.token));
    let text = SecretString::from(issued.token.clone());
    assert!(host.registry.authenticate_agent(&text, Audience::Mcp).await.unwrap().is_some());
    let of_agent = Client::new(host.origin.clone(), text.clone()).unwrap();
    assert_eq!(of_agent.agents().await.unwrap_err().code(), "unauthenticated");
    let shown = client.agent("deploy").await.unwrap();
    assert_eq!((shown.agent.grants, &shown.tokens[0].id), (vec![granted], &issued.of.id));
    assert!(shown.tokens[0].last_used_at.is_some());
    client.revoke_agent_token("deploy", &issued.of.id).await.unwrap();
    assert!(host.registry.authenticate_agent(&text, Audience::Mcp).await.unwrap().is_none());

    client.revoke_agent_grant("deploy", &id).await.unwrap();
    assert_eq!(client.agent("deploy").await.unwrap().agent.grants[0].state, GrantState::Revoked);
    let refused = client.learned_rules("deploy", &id, None, false).await.unwrap_err();
    assert_eq!(refused.code(), "not_granted");
    assert_eq!(client.remove_agent("deploy").await.unwrap().revoked, Some(0));
    assert_eq!(client.agent("deploy").await.unwrap_err().code(), "unknown_agent");
}
