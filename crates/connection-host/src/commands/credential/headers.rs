//! The headers with a credential, for programs that run a command for them, such as the `headersHelper` of Claude Code
//! (<https://code.claude.com/docs/en/mcp>, "Use dynamic headers for custom authentication").

use serde_json::{Map, Value};

use super::{Asked, origin, text};
use crate::{Error, Exit, args::Helper, program::Program};

pub(super) async fn run(mut program: Program, helper: &Helper, address: Option<String>) -> Result<Exit, Error> {
    let address = address.or_else(|| program.environment.headers_address());
    let Some(address) = address else {
        return Err(Error::usage("no address is named").remedy("name the address to which the headers will be sent"));
    };
    let of_address = origin(&address).filter(|_| address.contains("://"));
    let of_address = of_address.ok_or_else(|| Error::usage("the address is not an http or https address"))?;
    let registry = program.open().await?;
    let released = async {
        let asked = Asked::of(&registry, helper).await?;
        let Some(connection) = asked.connection(None, Some(&of_address), None).await? else {
            return Err(asked.nothing(of_address.as_str()));
        };
        Ok(registry.for_agent(&asked.caller).headers(connection, &address).await?)
    };
    let released = released.await;
    registry.close().await;
    let mut headers = Map::new();
    for (name, value) in &released? {
        headers.insert(name.clone(), Value::from(text(value)?));
    }
    program.output.value(&Value::Object(headers).to_string())?;
    Ok(Exit::Fine)
}
