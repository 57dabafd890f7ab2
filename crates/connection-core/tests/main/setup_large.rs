//! A setup that reads more than a journal can hold fails with an error, and does not hang.

use std::fs;

use connection_contract::{ServiceError, prelude::*};
use connection_faults::scripted::{Scripted, live};
use tempfile::TempDir;

use crate::test_host::{World, code, connect};

const KIND: Kind = Kind::from_static("reader");

/// A plugin that reads a file in the directory that the user names, of any size.
fn reader() -> Scripted {
    let root = Field::directory("root", "Directory");
    let descriptor = Descriptor::new(KIND, "Reader", AuthType::None).needs(Need::Files).field(root);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let answers = ctx.prompt(Prompt::new("Which?").field("root")).await;
            let files = ctx.files().ok_or_else(|| SetupFailure::new("no_files", "no files"))?;
            let root = answers.directory("root")?;
            match files.read(root, "file", usize::MAX).await {
                Ok(_) => Ok(live("key", Identity::new("1", "one"))),
                Err(ServiceError::TooLarge) => Err(SetupFailure::new("reader_too_large", "too large")),
                Err(_) => Err(SetupFailure::new("reader_failed", "failed")),
            }
        })
    })
}

#[tokio::test]
async fn a_file_that_no_journal_holds_is_too_large_for_a_setup() {
    let world = World::new().await;
    let made = TempDir::new().unwrap();
    let registry = world.open(reader()).await;
    let root = made.path().canonicalize().unwrap();
    for (size, expected) in [(1 << 20, "done Live"), (17 << 20, "reader_too_large")] {
        fs::write(root.join("file"), vec![b'x'; size]).unwrap();
        let outcome = connect(&registry, &KIND, &[("root", root.to_str().unwrap())]).await;
        assert_eq!(code(&outcome), expected);
    }
}
