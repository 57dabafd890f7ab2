//! `agents create NAME`: creates an agent and makes its first token, which is printed once.

use connection_server::agents::check_lifetime;

use super::token::{new_token, print_issued};
use crate::{Error, Exit, args::CreateAgent, output::quoted, program::Program};

pub(super) async fn run(mut program: Program, arguments: CreateAgent) -> Result<Exit, Error> {
    // An agent is not created if no token could be made for it.
    check_lifetime(&arguments.token.lifetime)?;
    let backend = program.backend().await?;
    let agent = backend.create_agent(&arguments.name).await?;
    let issued = backend.create_agent_token(&agent.name, new_token(None, arguments.token)?).await?;
    backend.close().await;
    let output = &program.output;
    print_issued(output, &agent.name, &issued)?;
    if !output.json {
        let grant = format!("connections agents grant {} CONNECTION", quoted(&agent.name));
        output.note(format!("{} may use nothing yet. `{grant}` lets it use a connection.", agent.name));
    }
    Ok(Exit::Fine)
}
