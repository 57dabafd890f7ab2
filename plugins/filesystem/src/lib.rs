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

/// The kind `filesystem`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct Filesystem;

/// The credential, which is empty: the granted directories are part of the connection's reach, which is sealed like a
/// credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct Granted;

const KIND: Kind = Kind::from_static("filesystem");

impl ConnectionDefinition for Filesystem {
    type Credential = Granted;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Local directories", AuthType::None)
            .needs(Need::Files)
            .field(Field::directory("roots", "Directory").many().help("only files below it can be read"))
            .guide("Name one or more directories; they are read and never written.")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<Established<Granted>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Connect directories").field("roots")).await;
        let mut roots = answers.directories("roots")?;
        roots.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        roots.dedup();
        probe::look(&roots, ctx).await?;
        let identity = probe::identity(&roots, ctx);
        let found = VerifyResult::live().identity(identity.clone());
        let reach = roots.into_iter().fold(Reach::declared(), Reach::root);
        Ok(Established::new(Granted, identity).reach(reach).established_live(found))
    }

    fn serialize_credential(&self, _: &Granted) -> Result<Secret, CredentialError> {
        Ok(Record::new().encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Granted, CredentialError> {
        Record::decode(bytes).map(|_| Granted)
    }

    async fn verify(&self, _: &Granted, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Granted>, ConnectionError> {
        let roots = ctx.connection().roots();
        probe::look(roots, ctx).await?;
        Ok(VerifyResult::live().identity(probe::identity(roots, ctx)))
    }
}
