//! The first rule that matches decides.

use std::fmt;

use serde_json::Value;

use crate::{
    ambiguous::Ambiguous,
    decision::{
        fit::{compare, head_fit},
        reason::Reason,
        view::{Fit, View},
    },
    json_rpc::MAX_BATCH,
    profile::Profile,
    request::{Content, Request, RequestHead, RequestParts},
    rules::{Effect, FORM_LIMIT, Rule, Rules},
};

/// The decision about one request.
///
/// ```
/// use connection_rules::{Decision, Effect, Profile, RequestHead, RequestParts, Rules};
///
/// let rules = Rules::ask();
/// let delete = RequestHead::read(RequestParts::new("DELETE", "/repos/acme/site"), &Profile::strict());
/// let request = delete.unwrap().streamed().unwrap();
/// let decision = rules.decide(&request);
/// assert_eq!(decision.effect(), Effect::Deny);
/// let Decision::Deny { rule: None, remedy } = decision else { unreachable!() };
/// assert_eq!(remedy.to_string(), "no rule is about this request; ask for a rule that is");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a door has to handle each of them")]
pub enum Decision<'a> {
    /// The request is sent.
    Allow {
        /// The rule that decided.
        rule: &'a Rule,
    },
    /// A person is asked about the request.
    Ask {
        /// The rule that decided.
        rule: &'a Rule,
    },
    /// The request is not sent.
    Deny {
        /// The rule that decided, or `None` if no rule matches.
        rule: Option<&'a Rule>,
        /// The reason, and what can be done about it.
        remedy: Remedy<'a>,
    },
}

impl<'a> Decision<'a> {
    /// Returns the effect.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Allow { .. } => Effect::Allow,
            Self::Ask { .. } => Effect::Ask,
            Self::Deny { .. } => Effect::Deny,
        }
    }

    /// Returns `true` if the request is sent without a question.
    pub fn is_allowed(&self) -> bool {
        self.effect() == Effect::Allow
    }

    /// Returns the rule that decided, or `None` if no rule matches.
    pub fn rule(&self) -> Option<&'a Rule> {
        match self {
            Self::Allow { rule } | Self::Ask { rule } => Some(rule),
            Self::Deny { rule, .. } => *rule,
        }
    }
}

/// The reason for a denial, and what can be done about it, as one sentence without a full stop.
///
/// ```
/// use connection_rules::{Decision, Profile, RequestHead, RequestParts, Rules};
///
/// let rules = Rules::from_value(&serde_json::json!({
///     "rule": [{ "name": "no hooks", "path": "/hooks/**", "effect": "deny" }],
/// }))
/// .unwrap();
/// let head = RequestHead::read(RequestParts::new("GET", "/HOOKS/7"), &Profile::strict()).unwrap();
/// let request = head.streamed().unwrap();
/// let Decision::Deny { remedy, .. } = rules.decide(&request) else { unreachable!() };
/// assert_eq!(remedy.to_string(), "the rule \"no hooks\" denies this request; ask for a change of that rule");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy<'a>(Cause<'a>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause<'a> {
    NoRule,
    Rule(&'a str),
    Unclear(&'a str, Reason<'a>),
}

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::NoRule => f.write_str("no rule is about this request; ask for a rule that is"),
            Cause::Rule(name) => {
                write!(f, "the rule \"{name}\" denies this request; ask for a change of that rule")
            }
            Cause::Unclear(name, reason) => write!(
                f,
                "the rule \"{name}\" may be about this request, and it cannot be compared because {reason}; send the \
                 request in a form that the rule can read"
            ),
        }
    }
}

impl Rules {
    /// Decides about a request.
    ///
    /// The first rule that matches decides, and no match denies. A rule that allows compares letter for letter; a rule
    /// that denies or asks also matches another letter case, one `/` at the end of the path, a parameter after `;` and
    /// an ending such as `.json`.
    ///
    /// A body that cannot be read does not match a rule that looks at it and allows. If all that is known of the
    /// request matches a rule that denies or asks, the request is denied, because a later rule must not allow what an
    /// earlier one could not exclude.
    ///
    /// A rule that names only media types and a size looks at no content, so it matches a body of any content.
    ///
    /// If a rule names messages of JSON-RPC, each message of a batch is decided, and the strictest decision holds for
    /// the whole batch.
    pub fn decide<'a>(&'a self, request: &'a Request) -> Decision<'a> {
        let view = self.deciding_view(request);
        self.decide_view(view)
    }

    /// Reads a request with this body, which is read if the rules look at a body of this length.
    ///
    /// # Errors
    ///
    /// The errors of [`RequestHead::read`], [`RequestHead::with_body`] and [`RequestHead::streamed`].
    ///
    /// ```
    /// use connection_rules::{Profile, RequestParts, Rules};
    ///
    /// let rules = serde_json::json!({ "rule": [{ "name": "all", "path": "/**", "effect": "allow" }] });
    /// let rules = Rules::from_value(&rules).unwrap();
    /// let parts = RequestParts::new("POST", "/notes").header("content-type", "text/plain").body_length(Some(5));
    /// let request = rules.read_request(parts, b"hello", &Profile::strict()).unwrap();
    /// // No rule looks at the body.
    /// assert_eq!(request.body(), None);
    /// ```
    pub fn read_request(&self, parts: RequestParts, body: &[u8], profile: &Profile) -> Result<Request, Ambiguous> {
        let head = RequestHead::read(parts, profile)?;
        match self.wants_body(&head).is_some_and(|limit| body.len() as u64 <= limit) {
            true => head.with_body(body.to_vec()),
            false => head.streamed(),
        }
    }

    /// Returns the size up to which the body must be read before the decision, or `None` if it may be sent as it
    /// arrives.
    ///
    /// If the body is longer, the request is decided without it, by [`RequestHead::streamed`]. Forms are read up to
    /// 1 MiB whatever the rules say, because a parameter of a form may replace the method.
    pub fn wants_body(&self, head: &RequestHead) -> Option<u64> {
        if head.is_form() {
            return Some(FORM_LIMIT);
        }
        if !head.has_body() || self.is_everything() {
            return None;
        }
        let mut wanted = None;
        for rule in &self.rules {
            let fit = head_fit(rule, head);
            if fit == Fit::No || (fit == Fit::Unclear && rule.effect() == Effect::Allow) {
                continue;
            }
            let media = rule.body.as_ref().and_then(|body| body.media.as_ref());
            let has_other_media =
                media.is_some_and(|media| !head.media.as_ref().is_some_and(|given| media.contains(&given.essence)));
            let needs_length =
                rule.body.as_ref().is_some_and(|body| body.max.is_some()) && head.body_length().is_none();
            if !has_other_media && (rule.reads_json() || needs_length) {
                wanted = wanted.max(Some(rule.body_limit()));
            } else if rule.body.is_none() && rule.form.is_none() && !rule.reads_json() {
                break;
            }
        }
        // A body that is known to be longer than every rule looks at is not read at all.
        wanted.filter(|limit| head.body_length().is_none_or(|length| length <= *limit))
    }

    /// Returns the request, or the message of its batch that is decided most strictly.
    pub(crate) fn deciding_view<'a>(&'a self, request: &'a Request) -> View<'a> {
        let whole = View { request, message: None };
        let Content::Json(Value::Array(messages)) = &request.content else { return whole };
        if !self.has_json_rpc || messages.len() > MAX_BATCH {
            return whole;
        }
        let views = messages.iter().map(|message| View { request, message: Some(message) });
        views.min_by_key(|view| self.decide_view(*view).effect()).unwrap_or(whole)
    }

    fn decide_view<'a>(&'a self, view: View<'a>) -> Decision<'a> {
        if let Some(rule) = self.everything.and_then(|index| self.rules.get(index)) {
            return Decision::Allow { rule };
        }
        let decided = self.rules.iter().find_map(|rule| decide_by(rule, view));
        decided.unwrap_or(Decision::Deny { rule: None, remedy: Remedy(Cause::NoRule) })
    }
}

/// Returns the decision of one rule, or `None` if the next rule is to be compared.
fn decide_by<'a>(rule: &'a Rule, view: View<'a>) -> Option<Decision<'a>> {
    let comparison = compare(rule, view);
    match (rule.effect, comparison.fit) {
        (_, Fit::No) | (Effect::Allow, Fit::Unclear) => None,
        (Effect::Allow, Fit::Yes) => Some(Decision::Allow { rule }),
        (Effect::Ask, Fit::Yes) => Some(Decision::Ask { rule }),
        (Effect::Deny, Fit::Yes) => Some(Decision::Deny { rule: Some(rule), remedy: Remedy(Cause::Rule(&rule.name)) }),
        (Effect::Ask | Effect::Deny, Fit::Unclear) => {
            let cause = comparison.reason.map_or(Cause::Rule(&rule.name), |why| Cause::Unclear(&rule.name, why));
            Some(Decision::Deny { rule: Some(rule), remedy: Remedy(cause) })
        }
    }
}
