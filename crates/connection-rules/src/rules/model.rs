//! Rules as values.

use std::{fmt, time::Duration};

use crate::{graphql::Operation, parameters::Name, rules::pattern::PathPattern};

/// The size up to which a rule looks at a body if it names no other.
pub(crate) const DEFAULT_BODY: u64 = 1 << 20;
/// The largest size that a rule may name.
pub(crate) const MAX_BODY: u64 = 16 << 20;
/// The size up to which a form is read.
pub(crate) const FORM_LIMIT: u64 = 1 << 20;

/// What happens to a request, from the strictest to the widest.
///
/// ```
/// use connection_rules::Effect;
///
/// assert!(Effect::Deny < Effect::Ask && Effect::Ask < Effect::Allow);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a door has to handle each of them")]
pub enum Effect {
    /// The request is not sent.
    Deny,
    /// A person is asked about the request.
    Ask,
    /// The request is sent.
    Allow,
}

impl Effect {
    pub(crate) const ALL: [Self; 3] = [Self::Deny, Self::Ask, Self::Allow];

    /// Returns the word that stands for the effect in a rule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::Allow => "allow",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of requests that a grant permits in each window. The windows begin with the grant.
///
/// ```
/// use std::time::Duration;
///
/// use connection_rules::Rules;
///
/// let value = serde_json::json!({ "budget": { "requests": 500, "per": "1h" }, "rule": [] });
/// let budget = Rules::from_value(&value).unwrap().budget().unwrap();
/// assert_eq!((budget.requests, budget.per), (500, Duration::from_secs(3600)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// The number of requests.
    pub requests: u64,
    /// The length of a window, in whole seconds.
    pub per: Duration,
}

/// What a grant says about some requests.
///
/// ```
/// use connection_rules::{Effect, Rules};
///
/// let rules = Rules::ask();
/// let rule = &rules.rules()[0];
/// assert_eq!((rule.name(), rule.effect()), ("reads", Effect::Ask));
/// assert_eq!(rule.to_string(), "GET or HEAD");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) path: Option<PathPattern>,
    /// `true` for a rule about addresses outside the base.
    pub(crate) is_from_origin: bool,
    pub(crate) query: ParameterCondition,
    pub(crate) form: Option<ParameterCondition>,
    pub(crate) body: Option<BodyCondition>,
    pub(crate) graphql: Option<Vec<Operation>>,
    pub(crate) json_rpc: Option<JsonRpcCondition>,
    pub(crate) upgrade: Option<String>,
    pub(crate) effect: Effect,
}

/// A condition on the parameters of a query or form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ParameterCondition {
    /// Parameters that must be there, once, with one of these values.
    pub(crate) only: Vec<(Name, Vec<String>)>,
    /// Parameters that must not be there.
    pub(crate) deny: Vec<Name>,
}

/// A condition on a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BodyCondition {
    pub(crate) media: Option<Vec<String>>,
    pub(crate) max: Option<u64>,
    /// JSON pointers to members that must not be there.
    pub(crate) deny: Vec<String>,
}

/// A condition on messages of JSON-RPC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct JsonRpcCondition {
    pub(crate) methods: Vec<String>,
    pub(crate) tools: Option<Vec<String>>,
}

impl Rule {
    /// Returns a rule without a condition.
    pub(crate) fn new(name: &str, effect: Effect) -> Self {
        Self {
            name: name.to_owned(),
            methods: None,
            path: None,
            is_from_origin: false,
            query: ParameterCondition::default(),
            form: None,
            body: None,
            graphql: None,
            json_rpc: None,
            upgrade: None,
            effect,
        }
    }

    /// Returns the name, which is unique among the rules of a grant.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the effect.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Returns the pattern of the path, if the rule has one.
    pub fn path(&self) -> Option<&PathPattern> {
        self.path.as_ref()
    }

    /// Returns `true` for a rule about addresses outside the base.
    pub fn is_from_origin(&self) -> bool {
        self.is_from_origin
    }

    /// Returns `true` if the rule compares more than letter for letter, as rules that deny or ask do.
    pub(crate) fn is_loose(&self) -> bool {
        self.effect != Effect::Allow
    }

    /// Returns `true` if the rule has a condition that only the bytes of a body decide.
    pub(crate) fn reads_json(&self) -> bool {
        self.graphql.is_some()
            || self.json_rpc.is_some()
            || self.body.as_ref().is_some_and(|body| !body.deny.is_empty())
    }

    /// Returns `true` if the rule allows every request.
    pub(crate) fn is_unconditional(&self) -> bool {
        *self == Self { name: self.name.clone(), ..Self::new("", Effect::Allow) }
    }

    /// Returns the number of bytes of a body up to which the rule looks at it.
    pub(crate) fn body_limit(&self) -> u64 {
        self.body.as_ref().and_then(|body| body.max).unwrap_or(DEFAULT_BODY)
    }
}

/// The rules of a grant, with its end and its budget.
///
/// The first rule that matches a request decides, and a request that no rule matches is denied.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts, Rules};
///
/// let rules = Rules::from_value(&serde_json::json!({
///     "rule": [{
///         "name": "read issues",
///         "methods": ["GET", "HEAD"],
///         "path": "/repos/acme/{repo}/issues/**",
///         "effect": "allow",
///     }],
/// }))
/// .unwrap();
/// let head = RequestHead::read(RequestParts::new("GET", "/repos/acme/site/issues/7"), &Profile::strict()).unwrap();
/// assert_eq!(rules.wants_body(&head), None);
/// assert!(rules.decide(&head.streamed().unwrap()).is_allowed());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub(crate) expires: Option<Duration>,
    pub(crate) budget: Option<Budget>,
    /// `true` if the secret itself may be handed out.
    pub(crate) release: bool,
    pub(crate) rules: Vec<Rule>,
    /// The position of the rule that allows every request, if no request is denied or asked about.
    pub(crate) everything: Option<usize>,
    /// `true` if a rule is about messages of JSON-RPC.
    pub(crate) has_json_rpc: bool,
}

impl Rules {
    pub(crate) fn new(expires: Option<Duration>, budget: Option<Budget>, rules: Vec<Rule>) -> Self {
        let allowing = rules.iter().take_while(|rule| rule.effect == Effect::Allow);
        let everything = allowing.enumerate().find(|(_, rule)| rule.is_unconditional()).map(|(index, _)| index);
        let has_json_rpc = rules.iter().any(|rule| rule.json_rpc.is_some());
        Self { expires, budget, release: false, rules, everything, has_json_rpc }
    }

    /// Returns the preset of a kind that says nothing: a person is asked about each `GET` and `HEAD`, and all else is
    /// denied.
    ///
    /// ```
    /// assert_eq!(
    ///     connection_rules::Rules::ask().words(),
    ///     ["is asked about before GET or HEAD", "nothing else"]
    /// );
    /// ```
    pub fn ask() -> Self {
        let methods = Some(vec!["GET".to_owned(), "HEAD".to_owned()]);
        Self::new(None, None, vec![Rule { methods, ..Rule::new("reads", Effect::Ask) }])
    }

    /// Returns rules that allow every request, as grants without limits have.
    ///
    /// ```
    /// assert!(connection_rules::Rules::everything().is_everything());
    /// ```
    pub fn everything() -> Self {
        Self::new(None, None, vec![Rule::new("everything", Effect::Allow)])
    }

    /// Returns rules that deny every request, as without a grant.
    ///
    /// ```
    /// assert_eq!(connection_rules::Rules::nothing().words(), ["may send nothing"]);
    /// ```
    pub fn nothing() -> Self {
        Self::new(None, None, Vec::new())
    }

    /// Returns `true` if the rules allow every request, so that requests need no strict reading.
    pub fn is_everything(&self) -> bool {
        self.everything.is_some()
    }

    /// Returns the rules in the order in which they are compared.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the time after which the grant ends, if the rules state it.
    pub fn expires(&self) -> Option<Duration> {
        self.expires
    }

    /// Returns the budget, if the rules state one.
    pub fn budget(&self) -> Option<Budget> {
        self.budget
    }

    /// Returns `true` if the secret itself may be handed out, to a program that asks for credentials, such as `git`.
    /// Whoever has the secret can send any request without these rules.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let rules = Rules::from_value(&serde_json::json!({ "release": true })).unwrap();
    /// assert!(rules.releases() && !Rules::everything().releases());
    /// ```
    pub fn releases(&self) -> bool {
        self.release
    }

    /// Returns the same rules, which let the secret itself be handed out or do not.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let rules = Rules::nothing().with_release(true);
    /// assert_eq!(rules.words(), ["may send nothing", "may get the secret itself, with which it can send anything"]);
    /// ```
    #[must_use]
    pub fn with_release(self, release: bool) -> Self {
        Self { release, ..self }
    }
}
