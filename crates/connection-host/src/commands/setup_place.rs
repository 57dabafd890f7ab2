//! The place where setups are conducted: the local store, or the server that `--host` names.
//!
//! `add`, `reauthorize` and `setup resume` begin here, and a [dialogue](super::dialogue) asks the questions.

use std::{collections::BTreeMap, sync::Arc};

use connection_api::BeginSetup;
use connection_contract::{Field, Kind};
use connection_core::{ProfileId, Reauthorize, SetupSession};

use super::{
    finish::FinishMethod,
    setup_on_server::RemoteSetup,
    setup_port::{LocalSetup, SetupPort},
    setup_steps,
};
use crate::{
    Error,
    backend::{Backend, Local, Remote, session_id},
    extensions,
    inbound::Endpoint,
    input::Inputs,
    kind_entry::KindEntry,
    program::Program,
};

/// The place where a command conducts a setup.
pub(super) enum SetupPlace {
    Here { local: Local, endpoint: Arc<Endpoint> },
    Server(Remote),
}

impl SetupPlace {
    /// Returns the server, or opens the local store and creates what does not exist.
    pub(super) async fn open(program: &mut Program, finish: FinishMethod) -> Result<Self, Error> {
        if let Some(server) = &program.server {
            return Ok(Self::Server(server.clone()));
        }
        let (registry, endpoint) = program.open_inbound(finish.is_paste()).await?;
        Ok(Self::Here { local: Local::new(registry, program.settings.clone()), endpoint })
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        match self {
            Self::Here { local, .. } => local,
            Self::Server(server) => server,
        }
    }

    /// Returns the kind of a connection or a setup. `None` if it is not registered here: the core refuses to begin or
    /// continue with it, with the right message.
    pub(super) async fn kind(&self, program: &mut Program, name: &str) -> Result<Option<KindEntry>, Error> {
        match self {
            Self::Here { local, .. } => {
                let Some(kind) = Kind::parse(name) else { return Ok(None) };
                Ok(local.registry.kinds().find(&kind).await?.map(KindEntry::of_info))
            }
            Self::Server(_) => named_kind(program, name).await.map(Some),
        }
    }

    /// Begins a setup. Only the local store connects a profile.
    pub(super) async fn begin<'a>(
        &'a self,
        program: &'a Program,
        new: &BeginSetup,
        profile: Option<ProfileId>,
        finish: FinishMethod,
        inputs: &Inputs,
    ) -> Result<Box<dyn SetupPort + 'a>, Error> {
        match self {
            Self::Here { local, endpoint } => {
                let options = LocalOptions { leads: finish.leads(), confirms: finish.confirms(inputs) };
                let session = match &new.connection {
                    Some(connection) => begin_again(local, connection, new, options).await?,
                    None => begin_new(program, local, new, profile, options).await?,
                };
                Ok(Box::new(LocalSetup::new(program, &local.registry, endpoint, session)))
            }
            Self::Server(server) => {
                let setup = server.client.begin_setup(new).await?;
                Ok(Box::new(RemoteSetup::new(&server.client, program, setup)?))
            }
        }
    }

    /// Continues a setup that an earlier command began.
    pub(super) async fn resume<'a>(
        &'a self,
        program: &'a Program,
        id: &str,
        finish: FinishMethod,
        inputs: &Inputs,
    ) -> Result<Box<dyn SetupPort + 'a>, Error> {
        match self {
            Self::Here { local, endpoint } => {
                let setups = local.registry.setups();
                let id = session_id(id)?;
                // The command that began the setup may have requested neither of these.
                let session = setups.get(id).await?;
                if finish.leads() {
                    session.use_start_address().await?;
                }
                if finish.confirms(inputs) {
                    session.confirm_account().await?;
                }
                let session = setups.resume(id).await?;
                Ok(Box::new(LocalSetup::new(program, &local.registry, endpoint, session)))
            }
            Self::Server(server) => {
                let setup = server.client.resume_setup(id).await?;
                Ok(Box::new(RemoteSetup::new(&server.client, program, setup)?))
            }
        }
    }
}

/// The options of a setup in the local store.
#[derive(Clone, Copy)]
struct LocalOptions {
    /// `true` if a browser is sent through an address of this command.
    leads: bool,
    /// `true` if a person confirms the account.
    confirms: bool,
}

/// Begins the setup of a new connection in the local store.
async fn begin_new(
    program: &Program,
    local: &Local,
    new: &BeginSetup,
    profile: Option<ProfileId>,
    options: LocalOptions,
) -> Result<SetupSession, Error> {
    let kind = program.kind(new.kind.as_deref().unwrap_or_default())?;
    let begin = local.registry.setups().begin(&kind.descriptor.kind);
    let begin = match &new.extension {
        Some(extension) => begin.extension(&extensions::handle(&local.registry, extension).await?),
        None => begin,
    };
    let begin = profile.into_iter().fold(begin, |begin, profile| begin.profile(profile));
    let begin = new.label.iter().fold(begin, |begin, label| begin.label(label.clone()));
    let begin = if new.again { begin.again() } else { begin };
    let begin = if options.leads { begin.use_start_address() } else { begin };
    let begin = if options.confirms { begin.confirm_account() } else { begin };
    Ok(begin.await?)
}

/// As [`begin_new`], to authorize a connection again.
async fn begin_again(
    local: &Local,
    connection: &str,
    new: &BeginSetup,
    options: LocalOptions,
) -> Result<SetupSession, Error> {
    let begin = local.connection(connection).await?.reauthorize();
    let begin = if new.another_account { begin.another_account() } else { begin };
    let begin = new.scopes.iter().cloned().fold(begin, Reauthorize::scope);
    let begin = if options.leads { begin.use_start_address() } else { begin };
    let begin = if options.confirms { begin.confirm_account() } else { begin };
    Ok(begin.await?)
}

/// Returns the kinds to choose from, each with its title.
pub(super) async fn titles(program: &Program) -> Result<Vec<(String, String)>, Error> {
    let kinds = program.place_kinds().list().await?;
    Ok(kinds.iter().map(|kind| (kind.summary().kind.clone(), kind.summary().title.clone())).collect())
}

/// Returns the kind with this name, before anything is opened. A kind of a server is remembered.
pub(super) async fn named_kind(program: &mut Program, name: &str) -> Result<KindEntry, Error> {
    let Some(server) = program.server.clone() else { return program.kind(name).cloned() };
    let kind = setup_steps::kind(&server.kind(name).await?)?;
    program.learn([kind.clone()]);
    Ok(kind)
}

/// Checks the way to finish and the given answers, before anything is created.
pub(super) fn prepared(
    program: &Program,
    kind: &KindEntry,
    finish: FinishMethod,
    inputs: Inputs,
) -> Result<(FinishMethod, Inputs), Error> {
    let descriptor = &kind.descriptor;
    let (finish, mut inputs) = match &program.server {
        Some(_) => {
            finish.check_way(descriptor)?;
            (finish.agreeing_without_person(&inputs), inputs.for_elsewhere())
        }
        None => {
            finish.check(descriptor, &program.settings)?;
            (finish, inputs)
        }
    };
    finish.choose(&mut inputs, descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    Ok((finish, inputs))
}

/// Refuses to begin if no answer was given and no person can be asked.
pub(super) async fn check_any(program: &Program, kind: &KindEntry, inputs: &Inputs) -> Result<(), Error> {
    let descriptor = &kind.descriptor;
    let kept = match &program.server {
        // The server may have the answers of an earlier setup.
        Some(_) => true,
        None => program.may_have_kept(&descriptor.kind).await?,
    };
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, kept)
}

/// Returns the optional fields whose value in a connection differs from the kind's default. Without them, a new
/// credential would be sent elsewhere than the old one.
pub(super) fn changed(fields: &[Field], config: &BTreeMap<String, String>) -> Vec<String> {
    let is_changed = |field: &&Field| {
        let value = config.get(&*field.name).map(String::as_str);
        !field.required && value.is_some_and(|value| field.default.as_deref() != Some(value))
    };
    fields.iter().filter(is_changed).map(|field| field.name.to_string()).collect()
}
