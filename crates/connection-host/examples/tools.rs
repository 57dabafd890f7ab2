//! A host of a kind with a local tool that has a single identity and no container.
//!
//! `cargo run --example tools -- run plain -- ARGS`

use std::process::ExitCode;

use connection_contract::prelude::*;
use connection_host::{AllowedTool, Cli};

// region: kind
#[derive(Debug)]
struct Plain;

impl ConnectionDefinition for Plain {
    type Credential = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("plain"), "Plain", AuthType::None).tool(ToolSpec::new("plain"))
    }
    async fn setup(&self, _: &SetupContext<'_>) -> Result<SetupResult<()>, SetupFailure> {
        Ok(SetupResult::new((), Identity::new("plain", "plain")))
    }
    fn serialize_credential(&self, _: &()) -> Result<Secret, CredentialError> {
        Ok(Secret::default())
    }
    fn parse_credential(&self, _: &[u8]) -> Result<(), CredentialError> {
        Ok(())
    }
    async fn verify(&self, _: &(), _: &VerifyContext<'_>) -> Result<VerifyResult<()>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}
// end: kind

// region: host
fn main() -> ExitCode {
    Cli::new().allow_tool(AllowedTool::new("plain")).kind(Plain).run()
}
// end: host
