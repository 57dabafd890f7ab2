//! `reauthorize C`: begins a setup that replaces a credential in place, and conducts it to its end.

use connection_api::BeginSetup;
use connection_contract::{Field, Input, Secret};

use super::{
    dialogue::Dialogue,
    finish::FinishMethod,
    setup_place::{self, SetupPlace, changed},
    setup_report::ReportedAction,
};
use crate::{Error, Exit, args::Reauthorize, input::Inputs, program::Program, select};

pub(super) async fn run(mut program: Program, arguments: Reauthorize) -> Result<Exit, Error> {
    let mut finish = FinishMethod::new(&arguments.finish, &program);
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let place = SetupPlace::open(&mut program, finish).await?;
    let connection = select::connection(place.backend(), &arguments.connection).await?.connection;
    if let Some(kind) = place.kind(&mut program, &connection.kind).await? {
        (finish, inputs) = setup_place::prepared(&program, &kind, finish, inputs)?;
        // What a provider names depends on the address, which stays the same.
        let is_address =
            |field: &&Field| kind.descriptor.discovers && field.input == Input::Url && field.query.is_some();
        for field in kind.descriptor.fields.iter().filter(is_address) {
            if let Some(address) = connection.config.get(&*field.name) {
                inputs.know(&field.name, Secret::from(address.as_str()));
            }
        }
        setup_place::check_any(&program, &kind, &inputs).await?;
        inputs.want(changed(&kind.descriptor.fields, &connection.config));
    }
    let begin = BeginSetup::reauthorize(&connection.id);
    let begin = if arguments.another_account { begin.another_account() } else { begin };
    let begin = arguments.scopes.into_iter().fold(begin, BeginSetup::scope);
    let setup = place.begin(&program, &begin, None, finish, &inputs).await?;
    let exit = Dialogue::new(&program, &*setup, finish, ReportedAction::Reauthorized).run(inputs).await;
    place.backend().close().await;
    exit
}
