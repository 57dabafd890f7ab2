//! The steps of a setup on a server, as those of a setup in the local store.
//!
//! No text of the server reaches a terminal with control characters.

use connection_api as api;
use connection_contract::{
    AuthType, Descriptor, DisplayText, Field, Guide, Identity, Input, Kind, Link, Liveness, Notice, Prompt,
    ProviderText, Reason, Redirect, SetupFailure, SetupMethod,
};
use connection_core::SetupStep;

use crate::{Error, backend::unreadable, kind_entry::KindEntry};

/// Converts a kind. The way of authentication does not matter for a setup that the server conducts.
pub(super) fn kind(body: &api::Kind) -> Result<KindEntry, Error> {
    let api::Kind { listed: api::ListedKind { summary, .. }, description } = body;
    let name = kind_name(&summary.kind)?;
    let mut descriptor = Descriptor::new(name, summary.title.clone(), AuthType::Custom);
    descriptor.provider = kind_name(&summary.provider)?;
    descriptor.extension = description.extension.as_deref().map(|extension| clean(extension).into());
    descriptor.guide = description.guide.iter().map(guide).collect();
    descriptor.ways = description.ways.iter().filter_map(|word| way(*word)).collect();
    descriptor.fields = description.fields.iter().map(declared).collect();
    Ok(KindEntry { redirect_uri: description.redirect_uri.clone(), ..KindEntry::of_server(descriptor) })
}

/// A state of a setup: a step, or the work before the next one.
pub(super) enum SetupProgress {
    Cancelled,
    Step(SetupStep),
    Working,
}

/// Converts the state of a setup of this kind.
pub(super) fn setup_state(state: &api::SetupState, kind: &KindEntry) -> Result<SetupProgress, Error> {
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
        api::SetupState::Prompt { title, problem, provider_text, fields, open, beside, .. } => {
            let mut prompt = Prompt::new(title.clone()).problem(problem.clone().map(Into::into));
            prompt.provider_text = words(provider_text.as_ref());
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
pub(super) fn failure(reason: &api::Reason) -> SetupFailure {
    let failure = SetupFailure::new(clean(&reason.code), reason.message.clone());
    let failure = reason.remedy.iter().cloned().fold(failure, SetupFailure::remedy);
    failure.provider_text(words(reason.provider_text.as_ref()))
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
    let mut field = Field::new(clean(&body.name), body.label.clone(), input(body.input, choices));
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
    let mut field = Field::new(clean(&body.name), body.label.clone(), input(body.input, choices));
    field.required = body.required;
    field.many = body.many;
    field.offer = body.offer.clone().map(Into::into);
    field.help = body.help.clone().map(Into::into);
    field.default = body.default.as_deref().map(|value| clean(value).into());
    field.way = body.way.and_then(way);
    // The key under which the server keeps the answer is its own.
    field.kept = body.once.then(|| body.name.clone().into());
    field
}

fn input(input: api::Input, choices: impl Iterator<Item = (String, String)>) -> Input {
    match input {
        api::Input::Bool => Input::Bool,
        api::Input::Choice => Input::Choice(choices.map(|(value, label)| (value.into(), label.into())).collect()),
        api::Input::Directory => Input::Directory,
        api::Input::Number => Input::Number,
        api::Input::Secret => Input::Secret,
        api::Input::Url => Input::Url,
        _ => Input::Text,
    }
}

fn way(way: api::Way) -> Option<SetupMethod> {
    match way {
        api::Way::Browser => Some(SetupMethod::Browser),
        api::Way::Device => Some(SetupMethod::Device),
        api::Way::Paste => Some(SetupMethod::Paste),
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
    let reason = body.remedy.iter().cloned().fold(reason, Reason::remedy);
    reason.provider_text(words(body.provider_text.as_ref()))
}

fn words(text: Option<&String>) -> Option<ProviderText> {
    text.and_then(|text| ProviderText::new(text))
}

fn liveness(state: api::Liveness) -> Liveness {
    match state {
        api::Liveness::Failing => Liveness::Failing,
        api::Liveness::Live => Liveness::Live,
        api::Liveness::Offline => Liveness::Offline,
        _ => Liveness::Unknown,
    }
}

fn kind_name(name: &str) -> Result<Kind, Error> {
    Kind::parse(name).ok_or_else(|| unreadable("the name of a kind"))
}

/// Returns a text of the server without characters that a terminal would obey.
fn clean(text: &str) -> String {
    DisplayText::from(text.to_owned()).to_string()
}
