//! Writing rules as data.

use serde_json::{Map, Value, json};

use crate::{
    graphql::Operation,
    quantity::{write_size, write_span},
    rules::model::{ParameterCondition, Rule, Rules},
};

impl Rules {
    /// Writes the rules as data, which [`from_value`](Rules::from_value) reads as the same rules.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let written = Rules::ask().to_value();
    /// assert_eq!(written["rule"][0]["methods"], serde_json::json!(["GET", "HEAD"]));
    /// assert_eq!(Rules::from_value(&written), Ok(Rules::ask()));
    /// ```
    pub fn to_value(&self) -> Value {
        let mut table = Map::new();
        put(&mut table, "expires", self.expires.map(write_span));
        put(&mut table, "budget", self.budget.map(|b| json!({ "requests": b.requests, "per": write_span(b.per) })));
        put(&mut table, "release", self.release.then_some(true));
        table.insert("rule".to_owned(), self.rules.iter().map(write_rule).collect());
        Value::Object(table)
    }
}

fn put(table: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        table.insert(name.to_owned(), value.into());
    }
}

fn write_rule(rule: &Rule) -> Value {
    let mut table = Map::new();
    put(&mut table, "name", Some(rule.name.clone()));
    put(&mut table, "methods", rule.methods.clone());
    put(&mut table, "path", rule.path.as_ref().map(ToString::to_string));
    put(&mut table, "from", rule.is_from_origin.then_some("origin"));
    put(&mut table, "query", (rule.query != ParameterCondition::default()).then(|| write_parameters(&rule.query)));
    put(&mut table, "form", rule.form.as_ref().map(write_parameters));
    if let Some(body) = &rule.body {
        let mut inner = Map::new();
        put(&mut inner, "media", body.media.clone());
        put(&mut inner, "max", body.max.map(write_size));
        put(&mut inner, "deny", (!body.deny.is_empty()).then(|| body.deny.clone()));
        put(&mut table, "body", Some(inner));
    }
    let operations = rule.graphql.as_ref();
    put(&mut table, "graphql", operations.map(|all| all.iter().copied().map(Operation::as_str).collect::<Value>()));
    if let Some(messages) = &rule.json_rpc {
        let mut inner = Map::new();
        put(&mut inner, "methods", (!messages.methods.is_empty()).then(|| messages.methods.clone()));
        put(&mut inner, "tools", messages.tools.clone());
        put(&mut table, "json_rpc", Some(inner));
    }
    put(&mut table, "upgrade", rule.upgrade.clone());
    put(&mut table, "effect", Some(rule.effect.as_str()));
    Value::Object(table)
}

fn write_parameters(condition: &ParameterCondition) -> Value {
    let mut table = Map::new();
    if !condition.only.is_empty() {
        let only: Map<String, Value> =
            condition.only.iter().map(|(name, values)| (name.text.clone(), values.clone().into())).collect();
        put(&mut table, "only", Some(only));
    }
    if !condition.deny.is_empty() {
        put(&mut table, "deny", Some(condition.deny.iter().map(|name| name.text.as_str()).collect::<Value>()));
    }
    Value::Object(table)
}
