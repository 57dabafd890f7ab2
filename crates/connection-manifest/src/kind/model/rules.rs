//! The table `[rules]`: presets of rules for programs that use a connection.
//!
//! The model has the shape of the rules, so that a key that does not fit is reported with its line. Their meaning is
//! that of `connection-rules`, which reads them as JSON.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Value, json};

/// The preset to which `gets = "read"` adds reading.
const READ: &str = "read";

/// Presets of rules, each a table with its name, and what is known of the provider's methods.
#[derive(Debug, Default)]
pub(crate) struct RulesModel {
    /// `read`, if no `GET` and no `HEAD` of the provider changes anything.
    pub(crate) gets: Option<GetsName>,
    /// The public page that shows it.
    pub(crate) source: Option<String>,
    presets: BTreeMap<String, PresetModel>,
}

impl RulesModel {
    /// Returns the presets by name, as data that `connection-rules` reads.
    pub(crate) fn presets(&self) -> BTreeMap<String, Value> {
        // A value without maps of other keys than texts is always JSON.
        let value = |preset: &PresetModel| serde_json::to_value(preset).unwrap_or_default();
        let mut presets: BTreeMap<String, Value> =
            self.presets.iter().map(|(name, preset)| (name.clone(), value(preset))).collect();
        if self.gets.is_some() {
            let read = presets.entry(READ.to_owned()).or_insert_with(|| json!({ "rule": [] }));
            // The rules that the file lists come first, so that one of them may ask about some of the GETs.
            if let Some(list) = read.get_mut("rule").and_then(Value::as_array_mut) {
                list.push(json!({ "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }));
            }
        }
        presets
    }
}

/// The meaning of a provider's `GET`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GetsName {
    /// No `GET` and no `HEAD` changes anything. The preset `read` allows all of them, after its own rules.
    Read,
}

/// A preset: rules, of which the first that matches a request decides.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PresetModel {
    /// Time after which a grant with these rules ends, such as `8h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Number of requests in a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetModel>,
    /// The rules, in the order in which they are compared.
    rule: Vec<GrantRuleModel>,
}

/// The number of requests in a window.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BudgetModel {
    /// Number of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    /// Length of a window, such as `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<String>,
}

/// A rule about some requests.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct GrantRuleModel {
    /// Name of the rule, which is unique in the preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Methods in capital letters. The default is any method.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    /// Pattern of the path below the base address, such as `/repos/{owner}/{repo}/issues/**`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// `origin` for addresses outside the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Condition on the parameters of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<ParametersModel>,
    /// Condition on the fields of a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<ParametersModel>,
    /// Condition on the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<BodyModel>,
    /// Kinds of GraphQL operations that the body may have: `query`, `mutation`, `subscription`.
    #[serde(skip_serializing_if = "Option::is_none")]
    graphql: Option<Vec<String>>,
    /// Messages of JSON-RPC that the body may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    json_rpc: Option<MessagesModel>,
    /// Protocol to which the request may upgrade its connection: `websocket`.
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<String>,
    /// What happens to the request: `allow`, `ask` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
}

/// A condition on parameters.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ParametersModel {
    /// Parameters that must be there, once, with one of these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<BTreeMap<String, Vec<String>>>,
    /// Parameters that must not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    deny: Option<Vec<String>>,
}

/// A condition on a body.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BodyModel {
    /// Media types of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Vec<String>>,
    /// Largest size, such as `16 KiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
    /// JSON pointers to members that must not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    deny: Option<Vec<String>>,
}

/// A condition on messages of JSON-RPC.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct MessagesModel {
    /// Methods of the messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    /// Tools that a `tools/call` may name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for RulesModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = RulesModel;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RulesModel, A::Error> {
                let mut rules = RulesModel::default();
                while let Some(name) = members.next_key::<String>()? {
                    let is_twice = match name.as_str() {
                        "gets" => rules.gets.replace(members.next_value()?).is_some(),
                        "source" => rules.source.replace(members.next_value()?).is_some(),
                        _ => rules.presets.insert(name, members.next_value()?).is_some(),
                    };
                    if is_twice {
                        return Err(A::Error::custom("a key occurs twice; remove one of the two"));
                    }
                }
                Ok(rules)
            }
        }
        deserializer.deserialize_map(Seen)
    }
}

impl JsonSchema for RulesModel {
    fn schema_name() -> Cow<'static, str> {
        "RulesModel".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let gets = generator.subschema_for::<GetsName>();
        let preset = generator.subschema_for::<PresetModel>();
        json_schema!({
            "description": "Presets of rules, each a table with its name, and what is known of the provider's methods.",
            "type": "object",
            "properties": {
                "gets": gets,
                "source": { "description": "The public page that shows what `gets` says.", "type": "string" },
            },
            "additionalProperties": preset,
        })
    }
}
