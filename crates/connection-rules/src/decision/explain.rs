//! The explanation of a decision, in words.

use std::fmt;

use crate::{
    decision::{decide::Decision, fit::compare, view::Fit},
    request::Request,
    rules::{Effect, Rule, Rules},
};

/// One rule that was compared with a request, and the result in words.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts, Rules};
///
/// let rules = Rules::ask();
/// let head = RequestHead::read(RequestParts::new("PUT", "/a"), &Profile::strict()).unwrap();
/// let request = head.streamed().unwrap();
/// let explanation = rules.explain(&request);
/// let step = &explanation.steps()[0];
/// assert_eq!(step.rule().name(), "reads");
/// assert_eq!(step.to_string(), "the rule \"reads\" does not match because the method is another one");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'a> {
    rule: &'a Rule,
    text: String,
}

impl<'a> Step<'a> {
    /// Returns the rule.
    pub fn rule(&self) -> &'a Rule {
        self.rule
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A decision with the rules that were compared, in their order.
///
/// The text has one line for each rule, and the decision as its last line.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts, Rules};
///
/// let rules = Rules::ask();
/// let head = RequestHead::read(RequestParts::new("GET", "/user"), &Profile::strict()).unwrap();
/// let request = head.streamed().unwrap();
/// assert_eq!(
///     rules.explain(&request).to_string(),
///     "the rule \"reads\" matches\na person is asked about the request"
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'a> {
    decision: Decision<'a>,
    steps: Vec<Step<'a>>,
}

impl<'a> Explanation<'a> {
    /// Returns the decision.
    pub fn decision(&self) -> Decision<'a> {
        self.decision
    }

    /// Returns the rules that were compared. The last of them decided, unless no rule matches.
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        match &self.decision {
            Decision::Allow { .. } => f.write_str("the request is allowed"),
            Decision::Ask { .. } => f.write_str("a person is asked about the request"),
            Decision::Deny { remedy, .. } => write!(f, "the request is denied: {remedy}"),
        }
    }
}

impl Rules {
    /// Explains the decision about a request: the rule that decides, and for each rule before it why it does not match.
    ///
    /// For a batch of JSON-RPC, the explanation is about the first message with the strictest decision.
    pub fn explain<'a>(&'a self, request: &'a Request) -> Explanation<'a> {
        let decision = self.decide(request);
        let view = self.deciding_view(request);
        let mut steps = Vec::new();
        for rule in &self.rules {
            let is_last = decision.rule().is_some_and(|decided| std::ptr::eq(decided, rule));
            let comparison = compare(rule, view);
            let name = &rule.name;
            let text = match (comparison.fit, comparison.reason) {
                _ if is_last && self.is_everything() => format!("the rule \"{name}\" allows every request"),
                (Fit::No, Some(reason)) => format!("the rule \"{name}\" does not match because {reason}"),
                (Fit::Unclear, Some(reason)) if rule.effect == Effect::Allow => {
                    format!("the rule \"{name}\" does not match because {reason}")
                }
                (Fit::Unclear, Some(reason)) => format!("the rule \"{name}\" cannot be compared because {reason}"),
                (Fit::No | Fit::Unclear, None) => format!("the rule \"{name}\" does not match"),
                (Fit::Yes, _) => format!("the rule \"{name}\" matches"),
            };
            steps.push(Step { rule, text });
            if is_last {
                break;
            }
        }
        Explanation { decision, steps }
    }
}
