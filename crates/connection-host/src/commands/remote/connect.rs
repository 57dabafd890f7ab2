//! `add` and `reauthorize` on a server: it conducts the setup, and the questions are asked here.

use connection_client::BeginSetup;

use super::{
    super::{
        add::{self, check_label},
        dialogue::{Conducted, Dialogue},
        finish::FinishMethod,
        reauthorize::changed,
        setup_report::ReportedAction,
    },
    setup::RemoteSetup,
};
use crate::{
    Error, Exit,
    args::{Add, FinishArguments, Reauthorize},
    common::Common,
    input::Inputs,
    kind_entry::KindEntry,
    remote::{self, Remote, RemoteKind},
};

pub(super) async fn add(mut remote: Remote, arguments: Add) -> Result<Exit, Error> {
    if arguments.profile.is_some() {
        let message = "--profile does not work with --host: a profile is a directory of the server's machine, and the \
                       API begins no setup in one";
        return Err(Error::usage(message).remedy(remote::AT_THE_SERVER));
    }
    let kind = match &arguments.kind {
        Some(kind) => kind.clone(),
        None => {
            let kinds = remote.client.kinds().await?;
            add::picked(&remote.common, kinds.into_iter().map(|kind| (kind.kind, kind.title)).collect()).await?
        }
    };
    let kind = remote.learn_kind(&kind).await?;
    let RemoteKind { entry, redirect_uri, .. } = kind;
    let inputs = Inputs::read(&arguments.input, &remote.common.environment, remote.common.person)?;
    let (finish, mut inputs) = prepared(&remote.common, &entry, &arguments.finish, inputs)?;
    check_label(arguments.label.as_deref())?;
    let begin = BeginSetup::kind(entry.descriptor.kind.as_str());
    // A person who connects what an extension declares agrees that the extension receives it.
    let begin = entry.descriptor.extension.iter().fold(begin, |begin, name| begin.extension(name.as_ref()));
    let begin = arguments.label.into_iter().fold(begin, BeginSetup::label);
    let begin = if arguments.again { begin.again() } else { begin };
    loop {
        let setup = remote.client.begin_setup(&begin).await?;
        let setup = RemoteSetup::new(&remote.client, entry.clone(), redirect_uri.clone(), None, setup);
        let dialogue = Dialogue::new(&remote.common, &setup, finish, ReportedAction::Connected);
        match dialogue.run_or_begin_again(inputs).await? {
            Conducted::Again(typed) => inputs = typed,
            Conducted::Ended(exit) => return Ok(exit),
        }
    }
}

pub(super) async fn reauthorize(mut remote: Remote, arguments: Reauthorize) -> Result<Exit, Error> {
    let inputs = Inputs::read(&arguments.input, &remote.common.environment, remote.common.person)?;
    let connection = remote::shown(&remote.find(&arguments.connection).await?)?;
    let RemoteKind { entry, redirect_uri, .. } = remote.learn_kind(connection.kind.as_str()).await?;
    let (finish, mut inputs) = prepared(&remote.common, &entry, &arguments.finish, inputs)?;
    // Without these fields, the new credential would be sent elsewhere than the old one.
    inputs.want(changed(&entry.descriptor.fields, &connection.config));
    let begin = BeginSetup::reauthorize(connection.id.to_string());
    let begin = if arguments.another_account { begin.another_account() } else { begin };
    let begin = arguments.scopes.into_iter().fold(begin, BeginSetup::scope);
    let setup = remote.client.begin_setup(&begin).await?;
    let setup = RemoteSetup::new(&remote.client, entry, redirect_uri, Some(connection), setup);
    Dialogue::new(&remote.common, &setup, finish, ReportedAction::Reauthorized).run(inputs).await
}

/// Checks the way to finish and the given answers, before a setup is begun.
fn prepared(
    common: &Common,
    kind: &KindEntry,
    finish: &FinishArguments,
    inputs: Inputs,
) -> Result<(FinishMethod, Inputs), Error> {
    let mut inputs = inputs.for_elsewhere();
    let descriptor = &kind.descriptor;
    let finish = FinishMethod::new(finish, common).agreeing_without_person(&inputs);
    finish.check_way(descriptor)?;
    finish.choose(&mut inputs, descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    // The server may have the answers of an earlier setup.
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, true)?;
    Ok((finish, inputs))
}
