//! The types of the API, converted to those that the output and the dialogue take, so that both look the same for the
//! local store and for a server.
//!
//! No text of the server reaches a terminal with control characters.

use connection_client as api;
use connection_contract::{
    AuthType, Descriptor, Field, Guide, Identity, Input, Kind, Link, Liveness, Notice, Prompt, Reason, Redirect,
    SetupFailure, SetupMethod, Timestamp, reason,
};
use connection_core::{ConnectionInfo, Event, Removal, SetupStep, Tags, Teardown};

use super::error::clean;
use crate::{Error, Exit, kind_entry::KindEntry};

/// Converts a connection as a server lists it.
pub(crate) fn connection(body: &api::Connection) -> Result<ConnectionInfo, Error> {
    let id = body.id.parse().map_err(|_| unreadable("the id of a connection"))?;
    let kind = kind_name(&body.kind)?;
    let account = Identity::new(body.account.id.clone(), body.account.label.clone());
    let mut info = ConnectionInfo::new(id, clean(&body.owner), kind, body.label.clone(), account);
    info.provider = kind_name(&body.provider)?;
    info.liveness = liveness(body.liveness);
    info.reason = body.reason.as_ref().map(why);
    // The server has taken both into account already.
    info.kind_changed = info.reason.as_ref().is_some_and(|reason| reason.code == reason::KIND_CHANGED);
    info.registered = info.reason.as_ref().is_none_or(|reason| reason.code != reason::UNKNOWN_KIND);
    info.checked_at = body.checked_at.as_deref().map(time).transpose()?;
    info.paused_until = body.paused_until.as_deref().map(time).transpose()?;
    info.valid_until = body.valid_until.as_deref().map(time).transpose()?;
    info.authorized_until = body.authorized_until.as_deref().map(time).transpose()?;
    info.renews = body.renews;
    info.scopes = body.scopes.as_ref().map(|scopes| scopes.iter().map(|scope| clean(scope)).collect());
    info.config = body.config.iter().map(|(name, value)| (clean(name), clean(value))).collect();
    let profile = body.profile.as_deref().map(str::parse).transpose();
    info.profile = profile.map_err(|_| unreadable("the id of a profile"))?;
    info.is_default = body.is_default;
    let tags = body.tags.iter().map(|(name, value)| (clean(name), clean(value)));
    info.tags = Tags::new(tags).map_err(|_| unreadable("the tags of a connection"))?;
    Ok(info)
}

/// Converts a connection that is shown in full.
pub(crate) fn shown(body: &api::ShownConnection) -> Result<ConnectionInfo, Error> {
    let mut info = connection(&body.listed.connection)?;
    info.created_at = time(&body.created_at)?;
    info.updated_at = time(&body.updated_at)?;
    Ok(info)
}

/// Converts an event as a server lists it.
pub(crate) fn event(body: &api::Event) -> Result<Event, Error> {
    let id = body.id.parse().map_err(|_| unreadable("the id of an event"))?;
    let connection = body.connection.parse().map_err(|_| unreadable("the id of a connection"))?;
    let mut event = Event::new(id, connection, time(&body.at)?, clean(&body.event));
    event.number = body.number;
    event.details = body.details.to_string();
    Ok(event)
}

/// Converts the outcome of a removal.
pub(crate) fn removal(body: &api::Removed) -> Removal {
    let mut removal = Removal::new(teardown(body.teardown));
    removal.reason = body.reason.as_ref().map(why);
    removal.credential_page = body.credential_page.as_deref().map(clean);
    removal.previous = body.previous.map(teardown);
    removal.previous_reason = body.previous_reason.as_ref().map(why);
    removal.previous_credential_page = body.previous_credential_page.as_deref().map(clean);
    removal
}

/// Converts a kind. The way of authentication does not matter for a setup that the server conducts.
pub(super) fn kind(body: &api::Kind) -> Result<KindEntry, Error> {
    let name = kind_name(&body.listed.kind)?;
    let mut descriptor = Descriptor::new(name, body.listed.title.clone(), AuthType::Custom);
    descriptor.provider = kind_name(&body.listed.provider)?;
    descriptor.extension = body.extension.as_deref().map(|extension| clean(extension).into());
    descriptor.guide = body.guide.iter().map(guide).collect();
    descriptor.ways = body.ways.iter().filter_map(|word| way(word)).collect();
    descriptor.fields = body.fields.iter().map(declared).collect();
    Ok(KindEntry::of_server(descriptor))
}

/// A state of a setup: a step, or the work before the next one.
pub(crate) enum SetupProgress {
    Cancelled,
    Step(SetupStep),
    Working,
}

/// Converts the state of a setup of this kind.
pub(crate) fn setup_state(state: &api::SetupState, kind: &KindEntry) -> Result<SetupProgress, Error> {
    Ok(SetupProgress::Step(match state {
        api::SetupState::Cancelled => return Ok(SetupProgress::Cancelled),
        api::SetupState::Confirm { account, .. } => {
            SetupStep::Confirm { identity: Identity::new(account.id.clone(), account.label.clone()) }
        }
        api::SetupState::Done { account, liveness: state, .. } => SetupStep::Done {
            identity: Identity::new(account.id.clone(), account.label.clone()),
            liveness: liveness(*state),
        },
        api::SetupState::Failed { reason } => SetupStep::Failed(failure(reason)),
        api::SetupState::Notice { beside, .. } => SetupStep::Notice { beside: notices(beside)? },
        api::SetupState::Prompt { title, problem, fields, open, beside, .. } => {
            let prompt = Prompt::new(title.clone()).problem(problem.clone().map(Into::into));
            SetupStep::Prompt {
                prompt: fields.iter().fold(prompt, |prompt, field| prompt.field(clean(&field.name))),
                fields: fields.iter().map(|field| field_of(field, kind)).collect(),
                open: open.as_ref().map(redirect).transpose()?,
                beside: notices(beside)?,
            }
        }
        api::SetupState::Redirect { open, beside, .. } => {
            SetupStep::Redirect { redirect: redirect(open)?, beside: notices(beside)? }
        }
        _ => return Ok(SetupProgress::Working),
    }))
}

/// Converts the reason of a setup that failed.
pub(crate) fn failure(reason: &api::Reason) -> SetupFailure {
    let failure = SetupFailure::new(clean(&reason.code), reason.message.clone());
    reason.remedy.iter().cloned().fold(failure, SetupFailure::remedy)
}

fn redirect(address: &api::OpenAddress) -> Result<Redirect, Error> {
    link(address).map(Redirect::new)
}

fn link(address: &api::OpenAddress) -> Result<Link, Error> {
    Link::from_provider(address.as_str()).ok_or_else(|| unreadable("an address to open"))
}

fn notices(beside: &[api::SetupNotice]) -> Result<Vec<Notice>, Error> {
    let notice = |body: &api::SetupNotice| {
        let mut notice = Notice::new(body.message.clone());
        notice.link = body.open.as_ref().map(link).transpose()?;
        notice.user_code = body.user_code.clone().map(Into::into);
        notice.reason = body.reason.as_ref().map(why);
        Ok(notice)
    };
    beside.iter().map(notice).collect()
}

/// Converts a field that a step asks for, with what its kind says about it besides.
fn field_of(body: &api::SetupField, kind: &KindEntry) -> Field {
    let choices = body.choices.iter().map(|choice| (clean(&choice.value), clean(&choice.label)));
    let mut field = Field::new(clean(&body.name), body.label.clone(), input(&body.input, choices));
    field.required = body.required;
    field.many = body.many;
    field.help = body.help.clone().map(Into::into);
    field.placeholder = body.placeholder.clone().map(Into::into);
    field.default = body.default.as_deref().map(|value| clean(value).into());
    if let Some(declared) = kind.descriptor.fields.iter().find(|declared| declared.name == field.name) {
        field.offer.clone_from(&declared.offer);
        field.way = declared.way;
        field.kept.clone_from(&declared.kept);
    }
    field
}

fn declared(body: &api::KindField) -> Field {
    let choices = body.choices.iter().map(|choice| (clean(&choice.value), clean(&choice.label)));
    let mut field = Field::new(clean(&body.name), body.label.clone(), input(&body.input, choices));
    field.required = body.required;
    field.many = body.many;
    field.offer = body.offer.clone().map(Into::into);
    field.help = body.help.clone().map(Into::into);
    field.default = body.default.as_deref().map(|value| clean(value).into());
    field.way = body.way.as_deref().and_then(way);
    // The key under which the server keeps the answer is its own.
    field.kept = body.once.then(|| body.name.clone().into());
    field
}

fn input(word: &str, choices: impl Iterator<Item = (String, String)>) -> Input {
    match word {
        "bool" => Input::Bool,
        "choice" => Input::Choice(choices.map(|(value, label)| (value.into(), label.into())).collect()),
        "directory" => Input::Directory,
        "number" => Input::Number,
        "secret" => Input::Secret,
        "url" => Input::Url,
        _ => Input::Text,
    }
}

fn way(word: &str) -> Option<SetupMethod> {
    match word {
        "browser" => Some(SetupMethod::Browser),
        "device" => Some(SetupMethod::Device),
        "paste" => Some(SetupMethod::Paste),
        _ => None,
    }
}

fn guide(part: &api::Guide) -> Guide {
    match &part.open {
        Some(address) => Guide::Link(part.text.clone().into(), clean(address).into()),
        None => Guide::Text(part.text.clone().into()),
    }
}

fn why(body: &api::Reason) -> Reason {
    let reason = Reason::new(clean(&body.code), body.message.clone());
    body.remedy.iter().cloned().fold(reason, Reason::remedy)
}

fn liveness(state: api::Liveness) -> Liveness {
    match state {
        api::Liveness::Failing => Liveness::Failing,
        api::Liveness::Live => Liveness::Live,
        api::Liveness::Offline => Liveness::Offline,
        _ => Liveness::Unknown,
    }
}

fn teardown(end: api::Teardown) -> Teardown {
    match end {
        api::Teardown::NothingToRevoke => Teardown::NothingToRevoke,
        api::Teardown::NotRevoked => Teardown::NotRevoked,
        api::Teardown::Revoked => Teardown::Revoked,
        _ => Teardown::Failed,
    }
}

fn kind_name(name: &str) -> Result<Kind, Error> {
    Kind::parse(name).ok_or_else(|| unreadable("the name of a kind"))
}

fn time(text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| unreadable("a time"))
}

/// Returns the error for a part of an answer that no server of this version sends.
fn unreadable(what: &str) -> Error {
    Error::new(Exit::Unexpected, "host_unexpected", format!("the server sent {what} that this program cannot read"))
        .remedy("use the version of the program that the server has")
}
