//! The comparison of one rule with a request.

use serde_json::Value;

use crate::{
    decision::{
        parameter_fit::{denied_fit, only_fit},
        reason::Reason,
        view::{Fit, View},
    },
    graphql::Operation,
    json,
    json_rpc::{Message, RESPONSE, TOOL_CALL, message},
    media::Media,
    parameters::{Parameter, Parameters},
    request::{Content, RequestHead},
    rules::{JsonRpcCondition, ParameterCondition, Rule},
    text::is_same_folded,
};

/// The result of comparing all conditions of a rule, with the reason if it is not [`Fit::Yes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a> {
    pub(crate) fit: Fit,
    pub(crate) reason: Option<Reason<'a>>,
}

/// Collects the results of conditions. A condition that is not met ends the comparison.
#[derive(Default)]
struct Tally<'a> {
    unclear: Option<Reason<'a>>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, fit: Fit, reason: Reason<'a>) -> Result<(), Reason<'a>> {
        match fit {
            Fit::No => return Err(reason),
            Fit::Unclear => self.unclear = self.unclear.or(Some(reason)),
            Fit::Yes => {}
        }
        Ok(())
    }

    fn need(&mut self, is_met: bool, reason: Reason<'a>) -> Result<(), Reason<'a>> {
        self.add(if is_met { Fit::Yes } else { Fit::No }, reason)
    }

    fn doubt(&mut self, reason: Reason<'a>) {
        self.unclear = self.unclear.or(Some(reason));
    }

    fn end(self, result: Result<(), Reason<'a>>) -> Comparison<'a> {
        match (result, self.unclear) {
            (Err(reason), _) => Comparison { fit: Fit::No, reason: Some(reason) },
            (Ok(()), Some(reason)) => Comparison { fit: Fit::Unclear, reason: Some(reason) },
            (Ok(()), None) => Comparison { fit: Fit::Yes, reason: None },
        }
    }
}

/// Compares all conditions of a rule with a request.
pub(crate) fn compare<'a>(rule: &'a Rule, view: View<'a>) -> Comparison<'a> {
    let mut tally = Tally::default();
    let head = &view.request.head;
    let result = compare_place(rule, head, &mut tally)
        .and_then(|()| compare_address(rule, head, &mut tally))
        .and_then(|()| compare_body(rule, view, &mut tally))
        .and_then(|()| compare_members(rule, view, &mut tally));
    tally.end(result)
}

/// Compares the conditions of a rule that concern the head.
pub(crate) fn head_fit(rule: &Rule, head: &RequestHead) -> Fit {
    let mut tally = Tally::default();
    let result = compare_place(rule, head, &mut tally).and_then(|()| compare_address(rule, head, &mut tally));
    tally.end(result).fit
}

/// Compares the conditions of a rule that do not concern the path, a parameter or a member that must not be there.
pub(crate) fn body_fit(rule: &Rule, view: View<'_>) -> Fit {
    let mut tally = Tally::default();
    let result =
        compare_place(rule, &view.request.head, &mut tally).and_then(|()| compare_body(rule, view, &mut tally));
    tally.end(result).fit
}

/// Compares a value with a JSON pointer at which nothing must be.
pub(crate) fn pointer_fit(value: &Value, pointer: &str, is_loose: bool) -> Fit {
    if json::has(value, pointer, !is_loose) { Fit::No } else { Fit::Yes }
}

fn compare_place<'a>(rule: &'a Rule, head: &'a RequestHead, tally: &mut Tally<'a>) -> Result<(), Reason<'a>> {
    if let Some(methods) = &rule.methods {
        tally.need(methods.contains(&head.parts.method), Reason::Method)?;
    }
    let is_outside = head.parts.place.is_origin();
    tally.need(rule.is_from_origin == is_outside, if is_outside { Reason::OutsideBase } else { Reason::InsideBase })?;
    match (&rule.upgrade, &head.upgrade) {
        (Some(wanted), given) => tally.need(given.as_ref() == Some(wanted), Reason::NoUpgrade)?,
        // After an upgrade nothing is decided, so a rule has to name it.
        (None, Some(_)) => tally.doubt(Reason::UnnamedUpgrade),
        (None, None) => {}
    }
    Ok(())
}

fn compare_address<'a>(rule: &'a Rule, head: &'a RequestHead, tally: &mut Tally<'a>) -> Result<(), Reason<'a>> {
    if let Some(pattern) = &rule.path {
        tally.need(pattern.fits(&head.path, rule.is_loose()), Reason::Path)?;
    }
    compare_parameters(&rule.query, &head.query.0, rule.is_loose(), tally)
}

fn compare_parameters<'a>(
    condition: &'a ParameterCondition,
    parameters: &[Parameter],
    is_loose: bool,
    tally: &mut Tally<'a>,
) -> Result<(), Reason<'a>> {
    for (name, values) in &condition.only {
        let fit = only_fit(parameters, name, values, is_loose);
        let text = name.text.as_str();
        let reason = match fit {
            Fit::Unclear => Reason::ParameterTwice(text),
            _ if parameters.iter().any(|other| other.name.lenient == name.lenient) => Reason::ParameterValue(text),
            _ => Reason::MissingParameter(text),
        };
        tally.add(fit, reason)?;
    }
    for name in &condition.deny {
        tally.add(denied_fit(parameters, name, is_loose), Reason::DeniedParameter(&name.text))?;
    }
    Ok(())
}

/// Compares what is known of a body, except for members and parameters that must or must not be there.
fn compare_body<'a>(rule: &'a Rule, view: View<'a>, tally: &mut Tally<'a>) -> Result<(), Reason<'a>> {
    let head = &view.request.head;
    let is_multipart = head.has_body() && head.media.as_ref().is_some_and(Media::is_multipart_form);
    if rule.form.is_some() {
        if is_multipart {
            tally.doubt(Reason::Multipart);
            return Ok(());
        }
        return tally.need(matches!(view.request.content, Content::Form(_)), Reason::NoForm);
    }
    if rule.graphql.is_some() && has_document_in_address(&head.query) {
        tally.doubt(Reason::QueryInAddress);
        return Ok(());
    }
    let media = rule.body.as_ref().and_then(|body| body.media.as_ref());
    if media.is_some() || rule.reads_json() {
        tally.need(head.has_body(), Reason::NoBody)?;
    }
    match media {
        Some(media) => {
            let is_listed = head.media.as_ref().is_some_and(|given| media.contains(&given.essence));
            tally.need(is_listed, Reason::Media)?;
        }
        // A parameter in a part could replace the method, and parts are not read.
        None if is_multipart => tally.doubt(Reason::Multipart),
        None => {}
    }
    if rule.reads_json() || rule.body.as_ref().is_some_and(|body| body.max.is_some()) {
        match head.parts.body_length {
            None => tally.doubt(Reason::UnknownLength),
            Some(length) if length > rule.body_limit() && rule.reads_json() => tally.doubt(Reason::TooLong),
            Some(length) => tally.need(length <= rule.body_limit(), Reason::TooLong)?,
        }
    }
    if !rule.reads_json() || !looks_at(rule, head) {
        return Ok(());
    }
    if !head.media.as_ref().is_some_and(Media::is_json) {
        tally.doubt(Reason::NotJson);
        return Ok(());
    }
    compare_json(rule, view, tally)
}

fn compare_json<'a>(rule: &'a Rule, view: View<'a>, tally: &mut Tally<'a>) -> Result<(), Reason<'a>> {
    let value = match &view.request.content {
        Content::Json(value) => view.message.unwrap_or(value),
        Content::Unreadable(problem) => {
            tally.doubt(Reason::Unreadable(problem));
            return Ok(());
        }
        Content::None | Content::Form(_) => {
            tally.doubt(Reason::NotJson);
            return Ok(());
        }
    };
    let is_alone = view.message.is_none() && value.is_object();
    if let Some(listed) = &rule.graphql {
        match is_alone.then(|| graphql_operations(view, value)).flatten() {
            None => tally.doubt(Reason::NoDocument),
            Some(operations) => compare_operations(listed, operations, rule.is_loose(), tally)?,
        }
    }
    if let Some(condition) = &rule.json_rpc {
        match message(value) {
            None => tally.doubt(Reason::NoMessage),
            Some(message) => {
                tally.need(is_listed(condition, message, rule.is_loose()), Reason::Message(message))?;
            }
        }
    }
    if rule.body.as_ref().is_some_and(|body| !body.deny.is_empty()) && !is_alone {
        tally.doubt(Reason::NoObject);
    }
    Ok(())
}

/// Compares the parameters of a form and the members of a body that must or must not be there.
fn compare_members<'a>(rule: &'a Rule, view: View<'a>, tally: &mut Tally<'a>) -> Result<(), Reason<'a>> {
    if let (Some(condition), Content::Form(parameters)) = (&rule.form, &view.request.content) {
        compare_parameters(condition, &parameters.0, rule.is_loose(), tally)?;
    }
    if let (Some(body), Content::Json(value), None) = (&rule.body, &view.request.content, view.message)
        && looks_at(rule, &view.request.head)
    {
        for pointer in &body.deny {
            tally.add(pointer_fit(value, pointer, rule.is_loose()), Reason::Pointer(pointer))?;
        }
    }
    Ok(())
}

/// Returns `true` if the body is short enough for the rule to look at it.
pub(crate) fn looks_at(rule: &Rule, head: &RequestHead) -> bool {
    head.parts.body_length.is_some_and(|length| length <= rule.body_limit())
}

/// Returns `true` if the address has a parameter that servers of GraphQL read instead of the body.
fn has_document_in_address(query: &Parameters) -> bool {
    query.0.iter().any(|parameter| is_document_parameter(&parameter.name.lenient))
}

/// Returns `true` for the lenient name of a parameter that servers of GraphQL read instead of the body.
pub(crate) fn is_document_parameter(name: &str) -> bool {
    matches!(
        name,
        "query" | "mutation" | "operationname" | "variables" | "extensions" | "documentid" | "doc_id" | "queryid"
    )
}

/// Returns the kinds of operations of a body that is one GraphQL request and names no stored document.
fn graphql_operations<'a>(view: View<'a>, value: &Value) -> Option<&'a [Operation]> {
    let map = value.as_object()?;
    let is_known = |key: &String| matches!(key.as_str(), "query" | "variables" | "operationName" | "extensions");
    let is_stored = match map.get("extensions") {
        None | Some(Value::Null) => false,
        Some(Value::Object(extensions)) => extensions.keys().any(|key| is_same_folded(key, "persistedQuery")),
        Some(_) => true,
    };
    if is_stored || !map.keys().all(is_known) {
        return None;
    }
    view.request.operations()
}

fn compare_operations<'a>(
    listed: &[Operation],
    operations: &[Operation],
    is_loose: bool,
    tally: &mut Tally<'a>,
) -> Result<(), Reason<'a>> {
    if is_loose && operations.iter().any(|operation| listed.contains(operation)) {
        return Ok(());
    }
    let other = operations.iter().find(|operation| !listed.contains(operation));
    other.map_or(Ok(()), |operation| tally.need(false, Reason::Operation(*operation)))
}

/// Returns `true` if a condition names a message.
pub(crate) fn is_listed(condition: &JsonRpcCondition, message: Message<'_>, is_loose: bool) -> bool {
    let is_in = |list: &[String], name: &str| {
        list.iter().any(|other| if is_loose { is_same_folded(other, name) } else { other == name })
    };
    match message {
        Message::Method(method) => is_in(&condition.methods, method) && method != RESPONSE,
        Message::Response => condition.methods.iter().any(|method| method == RESPONSE),
        Message::Tool(tool) => match &condition.tools {
            Some(tools) => is_in(tools, tool),
            None => is_in(&condition.methods, TOOL_CALL),
        },
    }
}
