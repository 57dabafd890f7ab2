//! A setup that reads more than a journal can hold fails with an error, and does not hang.

use std::fs;

use connection_contract::{ServiceError, prelude::*};
use tempfile::TempDir;

use crate::test_host::{World, code, connect};

const KIND: Kind = Kind::from_static("reader");

/// Reads a file in the directory that the user names, of any size.
struct Reader;

impl ConnectionDefinition for Reader {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let root = Field::directory("root", "Directory");
        Descriptor::new(KIND, "Reader", AuthType::None).needs(Need::Files).field(root)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Which?").field("root")).await;
        let files = ctx.files().ok_or_else(|| SetupFailure::new("no_files", "no files"))?;
        let root = answers.directory("root")?;
        match files.read(root, "file", usize::MAX).await {
            Ok(content) => {
                let made = SetupResult::new(content, Identity::new("1", "one"));
                Ok(made.measured(VerifyResult::live()))
            }
            Err(ServiceError::TooLarge) => Err(SetupFailure::new("reader_too_large", "too large")),
            Err(_) => Err(SetupFailure::new("reader_failed", "failed")),
        }
    }

    fn serialize_credential(&self, _: &Secret) -> Result<Secret, CredentialError> {
        Ok(Secret::from("kept"))
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}

#[tokio::test]
async fn a_file_that_no_journal_holds_is_too_large_for_a_setup() {
    let world = World::new().await;
    let made = TempDir::new().unwrap();
    let registry = world.open(Reader).await;
    let root = made.path().canonicalize().unwrap();
    for (size, expected) in [(1 << 20, "done Live"), (17 << 20, "reader_too_large")] {
        fs::write(root.join("file"), vec![b'x'; size]).unwrap();
        let outcome = connect(&registry, &KIND, &[("root", root.to_str().unwrap())]).await;
        assert_eq!(code(&outcome), expected);
    }
}
