//! Decides about a request by the rules of a grant, before it is sent.

use connection_contract::DisplayText;
use connection_rules::{Decision, Request, Rules};

use crate::RuleError;

/// The name of the rule that decided, and its path.
pub(crate) type DecidingRule = Option<(String, Option<String>)>;

/// What the rules of a grant decide about a request.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The rule that decided.
    pub(crate) rule: DecidingRule,
    /// [`RuleError::Asks`], without an approval, or [`RuleError::Denied`], unless the request is allowed.
    pub(crate) allowed: Result<(), RuleError>,
}

/// Decides about a request by these rules of a grant.
pub(crate) fn judge(grantee: &DisplayText, rules: &Rules, request: &Request) -> Judgement {
    let decision = rules.decide(request);
    let rule = decision.rule().map(|rule| (rule.name().to_owned(), rule.path().map(ToString::to_string)));
    let grantee = grantee.clone();
    let allowed = match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Ask { rule } => Err(RuleError::Asks { grantee, rule: rule.name().to_owned().into(), approval: None }),
        Decision::Deny { remedy, .. } => Err(RuleError::Denied { grantee, why: remedy.to_string().into() }),
    };
    Judgement { rule, allowed }
}
