//! Rules in words.

use std::fmt;

use crate::{
    quantity::{write_size, write_span},
    rules::{Effect, ParameterCondition, Rule, Rules},
};

impl Rules {
    /// Says in plain English what the rules permit, one line for each rule and each limit.
    ///
    /// Each line is a clause that follows the name of the agent. Names and values of rules are shown as they are, so a
    /// caller that shows them to a person removes invisible characters.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let rules = Rules::from_value(&serde_json::json!({
    ///     "expires": "8h",
    ///     "budget": { "requests": 500, "per": "1h" },
    ///     "rule": [
    ///         { "name": "read", "methods": ["GET"], "path": "/repos/acme/{repo}/issues/**", "effect": "allow" },
    ///         { "name": "write", "methods": ["POST"], "path": "/repos/acme/**", "effect": "ask" },
    ///     ],
    /// }))
    /// .unwrap();
    /// assert_eq!(
    ///     rules.words(),
    ///     [
    ///         "may send GET /repos/acme/{repo}/issues/**",
    ///         "is asked about before POST /repos/acme/**",
    ///         "nothing else",
    ///         "at most 500 requests in 1h",
    ///         "until 8h after it was granted",
    ///     ]
    /// );
    /// ```
    pub fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.is_everything() {
            lines.push("may send every request".to_owned());
        } else {
            for rule in &self.rules {
                let verb = match rule.effect {
                    Effect::Allow => "may send",
                    Effect::Ask => "is asked about before",
                    Effect::Deny => "may not send",
                };
                lines.push(format!("{verb} {rule}"));
            }
            let has_effect = self.rules.iter().any(|rule| rule.effect != Effect::Deny);
            lines.push(if has_effect { "nothing else" } else { "may send nothing" }.to_owned());
        }
        if self.release {
            lines.push("may get the secret itself, with which it can send anything".to_owned());
        }
        if let Some(budget) = self.budget {
            let noun = if budget.requests == 1 { "request" } else { "requests" };
            lines.push(format!("at most {} {noun} in {}", budget.requests, write_span(budget.per)));
        }
        lines.extend(self.expires.map(|expires| format!("until {} after it was granted", write_span(expires))));
        lines
    }
}

/// Shows the requests that a rule is about, such as `GET or HEAD /repos/{repo}`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.methods {
            Some(methods) => f.write_str(&alternatives(methods))?,
            None => f.write_str("any method")?,
        }
        if let Some(path) = &self.path {
            write!(f, " {path}")?;
        }
        if self.is_from_origin {
            f.write_str(" outside the base address")?;
        }
        let mut parts = Vec::new();
        describe_parameters(&self.query, "parameter", &mut parts);
        if let Some(form) = &self.form {
            parts.push("a form".to_owned());
            describe_parameters(form, "field", &mut parts);
        }
        if let Some(body) = &self.body {
            parts.extend(body.media.as_ref().map(|media| format!("a body of type {}", alternatives(media))));
            parts.extend(body.max.map(|max| format!("at most {} of body", write_size(max))));
            parts.extend(body.deny.iter().map(|pointer| format!("nothing at {pointer} of the body")));
        }
        if let Some(operations) = &self.graphql {
            let names: Vec<&str> = operations.iter().map(|operation| operation.as_str()).collect();
            parts.push(format!("GraphQL of the kind {}", alternatives(&names)));
        }
        if let Some(messages) = &self.json_rpc {
            let methods =
                (!messages.methods.is_empty()).then(|| format!("the message {}", alternatives(&messages.methods)));
            let tools = messages.tools.as_ref().map(|tools| format!("a call of the tool {}", alternatives(tools)));
            let either: Vec<String> = methods.into_iter().chain(tools).collect();
            parts.push(alternatives(&either));
        }
        parts.extend(self.upgrade.as_ref().map(|protocol| format!("an upgrade to {protocol}")));
        if parts.is_empty() {
            return Ok(());
        }
        write!(f, " with {}", parts.join(", "))
    }
}

fn describe_parameters(condition: &ParameterCondition, noun: &str, parts: &mut Vec<String>) {
    for (name, values) in &condition.only {
        let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        parts.push(format!("the {noun} {} = {}", name.text, alternatives(&quoted)));
    }
    parts.extend(condition.deny.iter().map(|name| format!("no {noun} {}", name.text)));
}

fn alternatives<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    texts.join(" or ")
}
