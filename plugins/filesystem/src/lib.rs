//! Local directories, read-only.
//!
//! The kind has no secret. The directories that the user names are the grant, and the host's file service stays within
//! them.
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod probe;

use connection_contract::prelude::*;

/// The plugin for the kind `filesystem`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct Filesystem;

/// The credential, which is empty: the granted directories are part of the connection's reach, which is sealed like a
/// credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct DirectoryGrant;

const KIND: Kind = Kind::from_static("filesystem");

impl ConnectionDefinition for Filesystem {
    type Credential = DirectoryGrant;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Local directories", AuthType::None)
            .needs(Need::Files)
            .field(Field::directory("roots", "Directory").many().help("only files below it can be read"))
            .guide("Name one or more directories; they are read and never written.")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<DirectoryGrant>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Connect directories").field("roots")).await;
        let mut roots = answers.directories("roots")?;
        roots.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        roots.dedup();
        probe::check_directories(&roots, ctx).await?;
        let identity = probe::identity(&roots, ctx);
        let found = VerifyResult::live().identity(identity.clone());
        let reach = roots.into_iter().fold(Reach::declared(), Reach::root);
        Ok(SetupResult::new(DirectoryGrant, identity).reach(reach).measured(found))
    }

    fn serialize_credential(&self, _: &DirectoryGrant) -> Result<Secret, CredentialError> {
        Ok(Record::new().encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<DirectoryGrant, CredentialError> {
        Record::decode(bytes).map(|_| DirectoryGrant)
    }

    async fn verify(
        &self,
        _: &DirectoryGrant,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<DirectoryGrant>, ConnectionError> {
        let roots = ctx.connection().roots();
        probe::check_directories(roots, ctx).await?;
        Ok(VerifyResult::live().identity(probe::identity(roots, ctx)))
    }

    async fn teardown(&self, _: &DirectoryGrant, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        Ok(Teardown::NothingToRevoke)
    }
}
