//! Reading rules from data.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    graphql::Operation,
    json::pointer_problem,
    json_rpc::TOOL_CALL,
    media::{is_essence, is_json},
    parameters::Name,
    quantity::{read_size, read_span},
    rules::{
        model::{BodyCondition, Budget, Effect, JsonRpcCondition, MAX_BODY, ParameterCondition, Rule, Rules},
        pattern::PathPattern,
    },
    text::{is_same_folded, is_token},
};

/// The maximum number of rules of a grant.
pub(crate) const MAX_RULES: usize = 64;
/// The maximum number of entries of a list.
const MAX_LIST: usize = 128;
/// The maximum number of bytes of a text in a list.
const MAX_TEXT: usize = 256;
/// The longest time for which a grant or the window of a budget may last.
const MAX_SPAN: Duration = Duration::from_secs(365 * 86_400);
/// The smallest size that a rule may name, so that every condition on a body can be met.
const MIN_BODY: u64 = 1 << 10;

/// Rules that cannot be read, with the place of the problem.
///
/// ```
/// use connection_rules::Rules;
///
/// let value = serde_json::json!({ "rule": [{ "name": "read", "path": "issues", "effect": "allow" }] });
/// let invalid = Rules::from_value(&value).unwrap_err();
/// assert_eq!(invalid.to_string(), "rule[0].path: must begin with \"/\"");
/// assert_eq!(invalid.place(), "rule[0].path");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidRules {
    place: String,
    problem: String,
}

impl InvalidRules {
    pub(super) fn new(place: String, problem: String) -> Self {
        Self { place, problem }
    }

    /// Returns the place, such as `rule[2].path`. Rules are counted from zero.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the problem, as a clause that follows the place.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl Rules {
    /// Reads rules from data, which has the members `expires`, `budget`, `release` and `rule`.
    ///
    /// What [`to_value`](Rules::to_value) returns is read as the same rules.
    ///
    /// # Errors
    ///
    /// [`InvalidRules`] names the first place with a problem. A member that is not known is a problem.
    pub fn from_value(value: &Value) -> Result<Self, InvalidRules> {
        let place = Place("rules".to_owned());
        let table = place.table(value, &["expires", "budget", "release", "rule"])?;
        let root = |name: &str| Place(name.to_owned());
        let expires = table.get("expires").map(|value| root("expires").span(value)).transpose()?;
        let budget = table.get("budget").map(|value| read_budget(&root("budget"), value)).transpose()?;
        let release = table
            .get("release")
            .map(|value| value.as_bool().ok_or_else(|| root("release").fault("must be true or false")));
        let release = release.transpose()?.unwrap_or_default();
        let mut rules: Vec<Rule> = Vec::new();
        if let Some(list) = table.get("rule") {
            let place = root("rule");
            let list = list.as_array().ok_or_else(|| place.fault("must be a list of rules"))?;
            if list.len() > MAX_RULES {
                return Err(place.fault("has more than 64 rules"));
            }
            for (index, value) in list.iter().enumerate() {
                let place = place.item(index);
                let rule = read_rule(&place, value)?;
                if rules.iter().any(|other| other.name == rule.name) {
                    return Err(place.member("name").fault("is the name of an earlier rule, too"));
                }
                rules.push(rule);
            }
        }
        Ok(Self::new(expires, budget, rules).with_release(release))
    }
}

fn read_budget(place: &Place, value: &Value) -> Result<Budget, InvalidRules> {
    let table = place.table(value, &["requests", "per"])?;
    let requests = table.get("requests").and_then(Value::as_u64).filter(|count| (1..=1_000_000_000).contains(count));
    let requests = requests.ok_or_else(|| place.member("requests").fault("must be a number from 1 to 1000000000"))?;
    let per = place.member("per").span(table.get("per").unwrap_or(&Value::Null))?;
    Ok(Budget { requests, per })
}

const RULE: &[&str] =
    &["name", "methods", "path", "from", "query", "form", "body", "graphql", "json_rpc", "upgrade", "effect"];

fn read_rule(place: &Place, value: &Value) -> Result<Rule, InvalidRules> {
    let table = place.table(value, RULE)?;
    let at = |name: &str| place.member(name);
    let name = at("name").text(table.get("name").unwrap_or(&Value::Null))?;
    if name.chars().count() > 64 || name.chars().any(char::is_control) || name.trim() != name {
        return Err(at("name").fault("must be 1 to 64 characters, without spaces around it"));
    }
    let effect = at("effect").text(table.get("effect").unwrap_or(&Value::Null))?;
    let effect = Effect::ALL.into_iter().find(|known| known.as_str() == effect);
    let effect = effect.ok_or_else(|| at("effect").fault("must be \"allow\", \"ask\" or \"deny\""))?;
    let mut rule = Rule::new(name, effect);
    if let Some(value) = table.get("methods") {
        let is_method =
            |text: &str| is_token(text) && text.len() <= 32 && !text.bytes().any(|b| b.is_ascii_lowercase());
        rule.methods = Some(at("methods").list(value, is_method, "must be a method in capital letters")?);
    }
    if let Some(value) = table.get("path") {
        let pattern = PathPattern::read(at("path").text(value)?);
        rule.path = Some(pattern.map_err(|problem| at("path").fault(problem))?);
    }
    if let Some(value) = table.get("from") {
        rule.is_from_origin = at("from").text(value)? == "origin";
        if !rule.is_from_origin {
            return Err(at("from").fault("must be \"origin\""));
        }
    }
    if let Some(value) = table.get("query") {
        rule.query = read_parameters(&at("query"), value)?;
    }
    rule.form = table.get("form").map(|value| read_parameters(&at("form"), value)).transpose()?;
    rule.body = table.get("body").map(|value| read_body(&at("body"), value)).transpose()?;
    if let Some(value) = table.get("graphql") {
        let known = |text: &str| Operation::ALL.into_iter().find(|operation| operation.as_str() == text);
        let problem = "must be \"query\", \"mutation\" or \"subscription\"";
        let names = at("graphql").list(value, |text| known(text).is_some(), problem)?;
        rule.graphql = Some(names.iter().filter_map(|name| known(name)).collect());
    }
    rule.json_rpc = table.get("json_rpc").map(|value| read_json_rpc(&at("json_rpc"), value)).transpose()?;
    if let Some(value) = table.get("upgrade") {
        if at("upgrade").text(value)? != "websocket" {
            return Err(at("upgrade").fault("must be \"websocket\""));
        }
        if effect == Effect::Ask {
            return Err(at("upgrade").fault("cannot stand in a rule that asks, which nobody is about a WebSocket"));
        }
        rule.upgrade = Some("websocket".to_owned());
    }
    check_together(place, &rule)?;
    Ok(rule)
}

/// Refuses conditions that no request can meet together.
fn check_together(place: &Place, rule: &Rule) -> Result<(), InvalidRules> {
    if rule.graphql.is_some() && rule.json_rpc.is_some() {
        return Err(place.member("graphql").fault("cannot stand beside \"json_rpc\""));
    }
    if rule.form.is_some() && (rule.body.is_some() || rule.reads_json()) {
        return Err(place.member("form").fault("cannot stand beside \"body\", \"graphql\" or \"json_rpc\""));
    }
    let media = rule.body.as_ref().and_then(|body| body.media.as_ref());
    if rule.reads_json() && media.is_some_and(|media| !media.iter().all(|essence| is_json(essence))) {
        let place = place.member("body").member("media");
        return Err(place.fault("must be types of JSON, because the rule looks at members of the body"));
    }
    Ok(())
}

fn read_parameters(place: &Place, value: &Value) -> Result<ParameterCondition, InvalidRules> {
    let table = place.table(value, &["only", "deny"])?;
    let mut condition = ParameterCondition::default();
    if let Some(value) = table.get("only") {
        let place = place.member("only");
        let only = value.as_object().filter(|only| !only.is_empty() && only.len() <= MAX_LIST);
        let only = only.ok_or_else(|| place.fault("must be a table of 1 to 128 parameters"))?;
        for (name, values) in only {
            let place = place.member(name);
            if name.is_empty() || name.len() > MAX_TEXT {
                return Err(place.fault("must have a name of 1 to 256 bytes"));
            }
            let values = place.list_with_empty(values)?;
            condition.only.push((Name::new(name.clone()), values));
        }
    }
    if let Some(value) = table.get("deny") {
        let names = place.member("deny").list(value, |_| true, "")?;
        condition.deny = names.into_iter().map(Name::new).collect();
    }
    // Data without an order of members is read as the same rules.
    condition.only.sort();
    let names: Vec<&Name> = condition.only.iter().map(|(name, _)| name).chain(&condition.deny).collect();
    let is_twice = |(index, name): (usize, &&Name)| names.iter().skip(index + 1).any(|o| o.lenient == name.lenient);
    if names.iter().enumerate().any(is_twice) {
        return Err(place.fault("names a parameter twice; letter case, \"-\", \".\" and \"_\" make no difference"));
    }
    Ok(condition)
}

fn read_body(place: &Place, value: &Value) -> Result<BodyCondition, InvalidRules> {
    let table = place.table(value, &["media", "max", "deny"])?;
    let mut condition = BodyCondition::default();
    if let Some(value) = table.get("media") {
        let problem = "must be a media type in small letters, such as application/json";
        condition.media = Some(place.member("media").list(value, is_essence, problem)?);
    }
    if let Some(value) = table.get("max") {
        let place = place.member("max");
        let size = read_size(place.text(value)?).filter(|size| (MIN_BODY..=MAX_BODY).contains(size));
        let problem = "must be a size from \"1 KiB\" to \"16 MiB\"";
        condition.max = Some(size.ok_or_else(|| place.fault(problem))?);
    }
    if let Some(value) = table.get("deny") {
        let place = place.member("deny");
        condition.deny = place.list(value, |text| pointer_problem(text).is_none(), "must be a JSON pointer")?;
    }
    if condition == BodyCondition::default() {
        return Err(place.fault("must have \"media\", \"max\" or \"deny\""));
    }
    Ok(condition)
}

fn read_json_rpc(place: &Place, value: &Value) -> Result<JsonRpcCondition, InvalidRules> {
    let table = place.table(value, &["methods", "tools"])?;
    let list = |name: &str| table.get(name).map(|value| place.member(name).list(value, |_| true, "")).transpose();
    let condition = JsonRpcCondition { methods: list("methods")?.unwrap_or_default(), tools: list("tools")? };
    if condition.methods.is_empty() && condition.tools.is_none() {
        return Err(place.fault("must have \"methods\" or \"tools\""));
    }
    if condition.tools.is_some() && condition.methods.iter().any(|method| is_same_folded(method, TOOL_CALL)) {
        return Err(place.member("methods").fault("has \"tools/call\", which \"tools\" already stands for"));
    }
    Ok(condition)
}

/// The place of a value, for errors.
struct Place(String);

impl Place {
    fn member(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    fn item(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    fn fault(&self, problem: impl Into<String>) -> InvalidRules {
        InvalidRules::new(self.0.clone(), problem.into())
    }

    fn table<'a>(&self, value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, InvalidRules> {
        let table = value.as_object().ok_or_else(|| self.fault("must be a table"))?;
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.fault(format!("has the unknown member \"{key}\"; known are {}", known.join(", ")))),
            None => Ok(table),
        }
    }

    fn text<'a>(&self, value: &'a Value) -> Result<&'a str, InvalidRules> {
        value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| self.fault("must be a text"))
    }

    fn span(&self, value: &Value) -> Result<Duration, InvalidRules> {
        let span = value.as_str().and_then(read_span).filter(|span| *span <= MAX_SPAN);
        span.ok_or_else(|| self.fault("must be a duration of at most 365 days, such as \"8h\""))
    }

    /// Reads a list of different texts.
    fn list(&self, value: &Value, is_valid: impl Fn(&str) -> bool, problem: &str) -> Result<Vec<String>, InvalidRules> {
        let texts = self.list_with_empty(value)?;
        for (index, text) in texts.iter().enumerate() {
            if text.is_empty() {
                return Err(self.item(index).fault("must not be empty"));
            }
            if !is_valid(text) {
                return Err(self.item(index).fault(problem));
            }
        }
        Ok(texts)
    }

    fn list_with_empty(&self, value: &Value) -> Result<Vec<String>, InvalidRules> {
        let items = value.as_array().filter(|items| !items.is_empty() && items.len() <= MAX_LIST);
        let items = items.ok_or_else(|| self.fault("must be a list of 1 to 128 texts"))?;
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let text = item.as_str().filter(|text| text.len() <= MAX_TEXT);
            let text = text.ok_or_else(|| self.item(index).fault("must be a text of at most 256 bytes"))?;
            if texts.iter().any(|other| other == text) {
                return Err(self.item(index).fault("is in the list twice"));
            }
            texts.push(text.to_owned());
        }
        Ok(texts)
    }
}
