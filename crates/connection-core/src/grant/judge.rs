//! Decides about a request by the rules of a grant, before it is sent.

use connection_contract::{BaseUrl, DisplayText, HttpRequest, host};
use connection_rules::{Decision, Place, Profile, RequestHead, RequestParts, Rules};

use crate::{Error, RuleError};

/// The name of the rule that decided, and its path.
pub(crate) type DecidingRule = Option<(String, Option<String>)>;

/// Decides about a request, and returns the rule that decided, with an error unless it allows the request.
///
/// # Errors
///
/// [`RuleError`], and [`Error::InvalidRequest`] for an address without an origin.
pub(crate) fn judge(
    grantee: &DisplayText,
    rules: &Rules,
    profile: &Profile,
    base: &BaseUrl,
    request: &HttpRequest,
) -> Result<(DecidingRule, Result<(), Error>), Error> {
    let parts = parts(base, request).ok_or(Error::InvalidRequest("its address is not an http or https address"))?;
    let ambiguous = |why| RuleError::Ambiguous { grantee: grantee.clone(), why };
    let head = RequestHead::read(parts, profile).map_err(ambiguous)?;
    let body = request.body.expose();
    let request = match rules.wants_body(&head).is_some_and(|wanted| body.len() as u64 <= wanted) {
        true => head.with_body(body.to_vec()),
        false => head.streamed(),
    };
    let request = request.map_err(ambiguous)?;
    let decision = rules.decide(&request);
    Ok((deciding(&decision), allowed(grantee, &decision)))
}

/// Returns the rule that decided.
pub(crate) fn deciding(decision: &Decision<'_>) -> DecidingRule {
    decision.rule().map(|rule| (rule.name().to_owned(), rule.path().map(ToString::to_string)))
}

/// Returns an error unless the decision is to allow the request.
///
/// # Errors
///
/// [`RuleError::Asks`] and [`RuleError::Denied`].
pub(crate) fn allowed(grantee: &DisplayText, decision: &Decision<'_>) -> Result<(), Error> {
    match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Ask { rule } => {
            let rule = rule.name().to_owned().into();
            Err(RuleError::Asks { grantee: grantee.clone(), rule, approval: None }.into())
        }
        Decision::Deny { remedy, .. } => {
            Err(RuleError::Denied { grantee: grantee.clone(), why: remedy.to_string().into() }.into())
        }
    }
}

/// Returns the request as it is decided: relative to the base address of the connection, or to its own origin.
fn parts(base: &BaseUrl, request: &HttpRequest) -> Option<RequestParts> {
    let url = request.url();
    let root = base.to_string();
    let below =
        url.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let (place, target) = match below {
        Some(target) => (Place::Base, target),
        None => {
            let origin = host::origin(url)?;
            let target = url.get(origin.as_str().len()..).filter(|_| url.starts_with(origin.as_str()))?;
            (Place::Origin(origin.as_str().to_owned()), target)
        }
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let parts = RequestParts::new(request.method.as_ref(), target)
        .place(place)
        .body_length(Some(request.body.expose().len() as u64));
    let headers = request.headers.iter();
    Some(headers.fold(parts, |parts, (name, value)| parts.header(name.as_ref(), value.expose())))
}
