//! `reauthorize C`: begins a setup that replaces a credential in place, and conducts it to its end.

use std::collections::BTreeMap;

use connection_contract::Field;
use connection_core::ConnectionInfo;

use super::{
    connect_on_server, dialogue::Dialogue, finish::FinishMethod, setup_port::LocalSetup, setup_report::ReportedAction,
};
use crate::{Error, Exit, args::Reauthorize, input::Inputs, program::Program, select};

pub(super) async fn run(mut program: Program, arguments: Reauthorize) -> Result<Exit, Error> {
    if let Some(server) = program.server.clone() {
        return connect_on_server::reauthorize(program, server, arguments).await;
    }
    let finish = FinishMethod::new(&arguments.finish, &program);
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let (registry, endpoint) = program.open_inbound(finish.is_paste()).await?;
    let connection = select::opened(&registry, &arguments.connection).await?;
    let kind = &connection.info().kind;
    // The core refuses a kind that is not registered, with the right message.
    if let Some(known) = registry.kinds().find(kind).await? {
        finish.check(&known.descriptor, &program.settings)?;
        finish.choose(&mut inputs, &known.descriptor);
        inputs.check(kind.as_str(), &known.descriptor.fields)?;
        let kept = program.may_have_kept(kind).await?;
        inputs.check_any(kind.as_str(), &known.descriptor.fields, kept)?;
        // Without these fields, the new credential would be sent elsewhere than the old one.
        inputs.want(changed(&known.descriptor.fields, &config_of(connection.info())));
    }
    let begin = connection.reauthorize();
    let begin = if arguments.another_account { begin.another_account() } else { begin };
    let begin = arguments.scopes.into_iter().fold(begin, connection_core::Reauthorize::scope);
    let begin = if finish.leads() { begin.use_start_address() } else { begin };
    let begin = if finish.confirms(&inputs) { begin.confirm_account() } else { begin };
    let session = begin.await?;
    let setup = LocalSetup::new(&program, &registry, &endpoint, &session);
    let dialogue = Dialogue::new(&program, &setup, finish, ReportedAction::Reauthorized);
    dialogue.run_and_close(inputs, &registry).await
}

/// Returns the public values of a connection, by the names of their fields.
pub(super) fn config_of(info: &ConnectionInfo) -> BTreeMap<String, String> {
    info.config.iter().cloned().collect()
}

/// Returns the optional fields whose value in the connection differs from the kind's default.
pub(super) fn changed(fields: &[Field], config: &BTreeMap<String, String>) -> Vec<String> {
    let is_changed = |field: &&Field| {
        let value = config.get(&*field.name).map(String::as_str);
        !field.required && value.is_some_and(|value| field.default.as_deref() != Some(value))
    };
    fields.iter().filter(is_changed).map(|field| field.name.to_string()).collect()
}
