//! The process that AWS SDKs run for a credential
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).

use connection_contract::HelperProtocol;
use serde::Serialize;

use super::{Asked, text, user};
use crate::{Error, Exit, args::Helper, program::Program};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'c> {
    version: u8,
    access_key_id: &'c str,
    secret_access_key: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

pub(super) async fn run(mut program: Program, helper: &Helper) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let released = async {
        let asked = Asked::of(&registry, helper).await?;
        // The protocol names no host.
        let released = asked.credential(HelperProtocol::Aws, None, None).await?;
        released.ok_or_else(|| asked.nothing("the AWS SDKs"))
    };
    let released = released.await;
    registry.close().await;
    let released = released?;
    let answer = Credentials {
        version: 1,
        access_key_id: user(&released)?,
        secret_access_key: text(&released.secret)?,
        session_token: released.session.as_ref().map(text).transpose()?,
        expiration: released.valid_until.map(|until| until.to_rfc3339()),
    };
    program.output.value(&serde_json::to_string(&answer).unwrap_or_default())?;
    Ok(Exit::Fine)
}
