//! Requests and rules for the tests, and the outcome of a request in one line.

use connection_rules::{Decision, Profile, RequestHead, RequestPart, RequestParts, Rules};

/// Reads rules from JSON text.
pub(crate) fn rules(text: &str) -> Rules {
    Rules::from_value(&serde_json::from_str(text).unwrap()).unwrap()
}

/// A request of the tests, as an agent sends it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) parts: RequestParts,
    pub(crate) body: Vec<u8>,
    pub(crate) profile: Profile,
}

/// Returns a request from a line such as `GET /user?per_page=5`.
pub(crate) fn sent(line: &str) -> Sent {
    let (method, target) = line.split_once(' ').unwrap();
    Sent { parts: RequestParts::new(method, target), body: Vec::new(), profile: Profile::strict() }
}

impl Sent {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.parts = self.parts.header(name, value);
        self
    }

    pub(crate) fn body(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len() as u64;
        self.parts = self.parts.header("Content-Type", media).body_length(Some(length));
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Reads and decides the request as a door does, and says the outcome in one line.
    pub(crate) fn outcome(&self, rules: &Rules) -> String {
        let head = match RequestHead::read(self.parts.clone(), &self.profile) {
            Ok(head) => head,
            Err(refused) => return format!("refused: {}", part(refused.part())),
        };
        let length = self.body.len() as u64;
        let request = match rules.wants_body(&head) {
            Some(limit) if length <= limit => head.with_body(self.body.clone()),
            _ => head.streamed(),
        };
        let request = match request {
            Ok(request) => request,
            Err(refused) => return format!("refused: {}", part(refused.part())),
        };
        // What was read is what is sent.
        assert_eq!(request.head().method(), self.parts.method);
        assert_eq!(request.head().target(), self.parts.target);
        assert_eq!(request.head().headers(), self.parts.headers);
        assert!(request.body().is_none_or(|body| body == self.body));
        let decision = rules.decide(&request);
        let explanation = rules.explain(&request);
        assert_eq!(explanation.decision(), decision);
        match decision {
            Decision::Allow { rule } => format!("allow: {}", rule.name()),
            Decision::Ask { rule } => format!("ask: {}", rule.name()),
            Decision::Deny { rule: Some(rule), .. } => format!("deny: {}", rule.name()),
            Decision::Deny { rule: None, .. } => "deny".to_owned(),
        }
    }
}

fn part(part: &RequestPart) -> String {
    match part {
        RequestPart::Method => "method".to_owned(),
        RequestPart::Path => "path".to_owned(),
        RequestPart::Query => "query".to_owned(),
        RequestPart::Header(name) => format!("header {name}"),
        RequestPart::Body => "body".to_owned(),
        other => other.to_string(),
    }
}
