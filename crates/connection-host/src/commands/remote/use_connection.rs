//! `show`, `send`, `rename`, `tag`, `link`, `default` and `remove` on a server.

use connection_client::{Client, ConnectionFilter, NewSetupLink, Removed, SendRequest};
use connection_contract::Kind;
use connection_core::ConnectionId;

use super::super::{
    confirm,
    default::print_default,
    identities::Identities,
    link,
    remove::{print_removal, removal_question},
    remove_kind::kind_question,
    rename::print_renamed,
    send::{self, Lacking, Prepared},
    show, tag,
};
use crate::{
    Error, Exit,
    args::{Link, Send, Tag},
    output::{Elements, json},
    remote::{self, Remote, RemotePages},
};

pub(super) async fn show(mut remote: Remote, reference: &str) -> Result<Exit, Error> {
    let shown = remote.find(reference).await?;
    let info = remote::shown(&shown)?;
    let output = &remote.common.output;
    if output.json {
        output.shape(&json::ConnectionBody::of(&info, output.now))?;
        return Ok(Exit::Fine);
    }
    let kind = remote.look_at_kind(&info.kind).await?;
    let output = &remote.common.output;
    let identities = identities(&remote, std::slice::from_ref(&info)).await?;
    show::facts(output, &info, identities.of(&info), kind.map(|kind| kind.capabilities.join(", ")))?;
    for place in shown.reach.iter().flatten() {
        show::fact(output, "reach", &remote::clean(place))?;
    }
    Ok(Exit::Fine)
}

pub(super) async fn send(mut remote: Remote, arguments: Send) -> Result<Exit, Error> {
    let Prepared { headers, data } = send::prepared(&arguments)?;
    let info = remote::shown(&remote.find(&arguments.connection).await?)?;
    remote.look_at_kind(&info.kind).await?;
    let request = SendRequest::new(arguments.method.to_ascii_uppercase(), arguments.path.as_str());
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let request = data.iter().fold(request, |request, data| request.body(data.expose()));
    let provider = remote.common.provider(&info.kind);
    let output = &remote.common.output;
    let answer = output.waiting(provider, remote.client.send(&info.id.to_string(), &request)).await?;
    let headers: Vec<_> = answer.headers.into_iter().map(|header| (header.name, header.value)).collect();
    if output.json {
        let body = json::AnswerBody::new(answer.status, &headers, answer.body);
        output.shape(&body.scopes(&answer.missing_scopes, &answer.askable_scopes))?;
    } else {
        send::print_head(output, answer.status, &headers, arguments.include)?;
        output.bytes(&answer.body)?;
        output.end_line(answer.body.last().copied())?;
    }
    let lacking = Lacking { missing: answer.missing_scopes, askable: answer.askable_scopes };
    send::exit(answer.status, send::pause(&headers, output.now), &lacking, provider, &info)
}

pub(super) async fn rename(remote: Remote, reference: &str, label: &str) -> Result<Exit, Error> {
    let before = remote::shown(&remote.find(reference).await?)?;
    let renamed = remote.client.rename(&before.id.to_string(), label).await?;
    print_renamed(&remote.common.output, &before, &remote::connection(&renamed)?)
}

pub(super) async fn tag(remote: Remote, arguments: &Tag) -> Result<Exit, Error> {
    let tags = tag::parsed(&arguments.tags)?;
    let tags = tags.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let info = remote::shown(&remote.find(&arguments.connection).await?)?;
    let tagged = remote.client.set_tags(&info.id.to_string(), &tags).await?;
    tag::print_tagged(&remote.common.output, &remote::connection(&tagged)?)
}

pub(super) async fn link(remote: Remote, arguments: &Link) -> Result<Exit, Error> {
    let link = match &arguments.connection {
        Some(reference) => {
            let info = remote::shown(&remote.find(reference).await?)?;
            NewSetupLink::repair(info.id.to_string())
        }
        None => {
            let tags = tag::parsed(&arguments.tags)?;
            let link = NewSetupLink::kinds(arguments.kinds.iter().cloned());
            tags.iter().fold(link, |link, (name, value)| link.tag(name, value))
        }
    };
    let link = link.name(arguments.name.as_str());
    let link = arguments.return_to.iter().fold(link, NewSetupLink::return_to);
    let link = remote.client.create_setup_link(&link).await?;
    let output = &remote.common.output;
    let address = remote::clean(link.address());
    if output.json {
        output.shape(&link)?;
        return Ok(Exit::Fine);
    }
    link::print_link(output, &address, &remote::clean(&link.id))
}

pub(super) async fn set_default(remote: Remote, reference: &str, clear: bool) -> Result<Exit, Error> {
    let info = remote::shown(&remote.find(reference).await?)?;
    let changed = remote.client.set_default(&info.id.to_string(), !clear).await?;
    print_default(&remote.common.output, &remote::connection(&changed)?)
}

pub(super) async fn remove(mut remote: Remote, reference: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&remote.common, yes, "whether to remove it")?;
    let info = remote::shown(&remote.find(reference).await?)?;
    remote.look_at_kind(&info.kind).await?;
    let common = &remote.common;
    if !yes && !confirm::ask(common, removal_question(&info), "Nothing was removed.").await? {
        return Ok(Exit::Fine);
    }
    let provider = common.provider(&info.kind);
    let removed = common.output.waiting(provider, removed(&remote.client, &info.id, revoke)).await?;
    let removal = remote::removal(&removed);
    if common.output.json {
        common.output.shape(&json::RemovedBody::of(&info, &removal))?;
        return Ok(Exit::Fine);
    }
    print_removal(&common.output, &info, &removal, provider)?;
    Ok(Exit::Fine)
}

pub(super) async fn remove_kind(mut remote: Remote, kind: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&remote.common, yes, "whether to remove them")?;
    let kind = Kind::parse(kind).ok_or_else(|| Error::usage("--kind does not accept this value"))?;
    remote.look_at_kind(&kind).await?;
    let mut pages = RemotePages::new(&remote.client, ConnectionFilter::new().kind(kind.as_str()));
    let mut known = Vec::new();
    while let Some(page) = pages.next().await? {
        known.extend(page);
    }
    let common = &remote.common;
    let output = &common.output;
    if !yes
        && !known.is_empty()
        && !confirm::ask(common, kind_question(&kind, known.len()), "Nothing was removed.").await?
    {
        return Ok(Exit::Fine);
    }
    let provider = common.provider(&kind);
    let mut elements = Elements::new();
    for info in &known {
        let removed = output.waiting(provider, removed(&remote.client, &info.id, revoke)).await;
        let removal = match removed {
            Ok(removed) => remote::removal(&removed),
            // Somebody else has removed it.
            Err(error) if error.code() == "not_found" => continue,
            Err(error) => return Err(error.into()),
        };
        match output.json {
            true => elements.push(output, &json::RemovedBody::of(info, &removal))?,
            false => print_removal(output, info, &removal, provider)?,
        }
    }
    if output.json {
        elements.end(output)?;
    } else if known.is_empty() {
        output.line(format!("There is no connection of {kind}."))?;
    }
    Ok(Exit::Fine)
}

async fn removed(client: &Client, id: &ConnectionId, revoke: bool) -> Result<Removed, connection_client::Error> {
    match revoke {
        true => client.remove_and_revoke(&id.to_string()).await,
        false => client.remove(&id.to_string()).await,
    }
}

/// Looks up the labels of the profiles of these connections.
pub(super) async fn identities(remote: &Remote, rows: &[connection_core::ConnectionInfo]) -> Result<Identities, Error> {
    if rows.iter().all(|info| info.profile.is_none()) {
        return Ok(Identities::new());
    }
    let profiles = remote.client.profiles().await?;
    Ok(Identities::known(rows, profiles.iter().map(|profile| (&*profile.id, remote::clean(&profile.label)))))
}
