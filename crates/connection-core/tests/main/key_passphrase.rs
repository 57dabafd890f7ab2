//! A passphrase as the key: what opens the database, what is rejected, and what an edited row cannot achieve.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use connection_core::{ConnectionRegistry, KeyError, KeyPassphrase, OpenError, PassphraseUse};

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected},
};

const PASSPHRASE: &str = "correct horse battery staple";

/// Creates a file that only its owner can read.
fn written(world: &World, text: &str) -> PathBuf {
    let path = world.directory.path().join("passphrase");
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    path
}

async fn opened(world: &World, text: &str) -> Result<ConnectionRegistry, OpenError> {
    let source = KeyPassphrase::in_file(written(world, text));
    world.builder().kind(Acme::default()).key(source).open().await
}

#[track_caller]
fn of_key(result: Result<ConnectionRegistry, OpenError>) -> KeyError {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "key_failed");
    assert!(!format!("{error} {error:?} {:?}", error.remedy()).contains("horse"), "{error:?}");
    let OpenError::Key(error) = error else { panic!("{error:?}") };
    error
}

#[tokio::test]
async fn a_passphrase_in_a_file_opens_what_it_sealed_and_no_other_does() {
    let world = World::new().await;
    let registry = opened(&world, PASSPHRASE).await.unwrap();
    let id = connected(&registry, "key-1").await.id();
    let status = registry.keys().status().await.unwrap();
    assert_eq!(status.source, format!("passphrase in {}", written(&world, PASSPHRASE).display()));
    registry.keys().rotate().await.unwrap();
    registry.close().await;
    assert!(!world.key().exists(), "no key is kept anywhere");
    for wrong in ["correct horse battery stapl", "correct horse  battery staple", "Correct horse battery staple\n"] {
        let error = of_key(opened(&world, wrong).await);
        assert!(matches!(error, KeyError::WrongPassphrase { .. }), "{error:?}");
        assert!(error.remedy().unwrap().contains("with which the database was sealed"), "{error:?}");
    }
    // One newline at the end comes from the editor and is ignored.
    let registry = opened(&world, &format!("{PASSPHRASE}\n")).await.unwrap();
    registry.connection(id).await.unwrap().verify().await.unwrap();
    registry.close().await;
}

/// The bytes that sealed the database come first, so that a space at the end may belong to a passphrase.
#[tokio::test]
async fn a_passphrase_is_tried_as_it_is_and_then_without_what_a_copy_puts_around_it() {
    let world = World::new().await;
    opened(&world, PASSPHRASE).await.unwrap().close().await;
    for copy in ["\r\n", "\n\n", "\r\n\r\n", " ", "\t\n"].map(|end| format!("{PASSPHRASE}{end}")) {
        opened(&world, &copy).await.unwrap_or_else(|error| panic!("{copy:?}: {error}")).close().await;
    }
    opened(&world, &format!("\u{feff} {PASSPHRASE}")).await.unwrap().close().await;

    let world = World::new().await;
    let spaced = format!(" {PASSPHRASE} ");
    opened(&world, &spaced).await.unwrap().close().await;
    opened(&world, &spaced).await.unwrap().close().await;
    for copy in [format!("\u{feff}{spaced}"), format!("{spaced}\n\n"), format!("\u{feff}{spaced}\r\n\r\n")] {
        opened(&world, &copy).await.unwrap_or_else(|error| panic!("{copy:?}: {error}")).close().await;
    }
    let error = of_key(opened(&world, PASSPHRASE).await);
    assert!(matches!(error, KeyError::WrongPassphrase { .. }), "nothing is added: {error:?}");
}

#[tokio::test]
async fn a_short_passphrase_seals_nothing() {
    let world = World::new().await;
    for short in ["", "\n", "hunter2", "elevenchars", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"] {
        let error = of_key(opened(&world, short).await);
        assert!(matches!(error, KeyError::ShortPassphrase { least: 12, .. }), "{short:?}: {error:?}");
        assert!(error.remedy().unwrap().contains("at least 12 characters"), "{error:?}");
    }
    let rows = sql::number(&world.database(), "SELECT count(*) FROM connection_keyset").await;
    assert_eq!(rows, Some(0));
    // A database cannot be moved to such a passphrase either.
    world.acme().await.close().await;
    let short = KeyPassphrase::in_file(written(&world, "hunter2"));
    let error = world.builder().change_key(short).await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::ShortPassphrase { .. })), "{error:?}");
    world.acme().await.close().await;
    // The control: a passphrase of twelve characters is accepted.
    let world = World::new().await;
    opened(&world, "twelve chars").await.unwrap().close().await;
}

#[tokio::test]
async fn a_passphrase_file_that_others_read_or_that_is_gone_is_refused() {
    let world = World::new().await;
    opened(&world, PASSPHRASE).await.unwrap().close().await;
    let path = written(&world, PASSPHRASE);
    let open = async || of_key(world.builder().key(KeyPassphrase::in_file(&path)).open().await);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = open().await;
        assert!(matches!(&error, KeyError::Exposed(_)), "{error:?}");
        assert!(error.remedy().unwrap().contains("chmod 600"), "{error:?}");
    }
    fs::remove_file(&path).unwrap();
    let error = open().await;
    assert!(matches!(&error, KeyError::NoPassphrase { .. }), "{error:?}");
    assert!(error.remedy().unwrap().contains("key.passphrase_file"), "{error:?}");
}

/// The same passphrase gives each database another key, so that no table can be computed for all of them.
#[tokio::test]
async fn two_databases_of_one_passphrase_have_different_salts() {
    let mut headers = Vec::new();
    for world in [World::new().await, World::new().await] {
        opened(&world, PASSPHRASE).await.unwrap().close().await;
        let slot = sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await;
        assert!(slot.starts_with(b"CNXW\x01") && slot[7..].starts_with(b"CNXP\x01"));
        headers.push((slot[12..24].to_vec(), slot[24..40].to_vec(), slot[45..53].to_vec()));
    }
    let [(cost, salt, key), (other_cost, other_salt, other_key)] = &headers[..] else { unreachable!() };
    assert_eq!(cost, &[65536_u32, 3, 4].map(u32::to_be_bytes).concat());
    assert_eq!(cost, other_cost);
    assert!(salt != other_salt && key != other_key);
}

/// An attacker who edits the row can prevent the database from opening, but cannot make a process compute for hours or
/// use gigabytes.
#[tokio::test]
async fn an_edited_cost_salt_or_key_is_refused() {
    let world = World::new().await;
    opened(&world, PASSPHRASE).await.unwrap().close().await;
    let slot = sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await;
    let edited = async |at: usize, bytes: &[u8]| {
        let mut edited = slot.clone();
        edited[at..at + bytes.len()].copy_from_slice(bytes);
        put_slot(&world, &edited).await;
        of_key(opened(&world, PASSPHRASE).await)
    };
    for (at, number) in [(12, u32::MAX), (12, 1024), (16, u32::MAX), (16, 1), (20, u32::MAX), (20, 0)] {
        let error = edited(at, &number.to_be_bytes()).await;
        assert!(matches!(&error, KeyError::Damaged { detail, .. } if detail.contains("out of bounds")), "{error:?}");
        assert!(error.remedy().unwrap().contains("backup"), "{error:?}");
    }
    // Within the bounds, another cost or salt gives another key.
    for (at, byte) in [(19, 4), (23, 1), (24, slot[24] ^ 1), (45, slot[45] ^ 1)] {
        let error = edited(at, &[byte]).await;
        assert!(matches!(error, KeyError::WrongPassphrase { .. }), "{at}: {error:?}");
    }
    // The commitment, the nonce and the wrapped key.
    for at in [53, 61, 80] {
        let error = edited(at, &[slot[at] ^ 1]).await;
        assert!(matches!(error, KeyError::Damaged { .. }), "{at}: {error:?}");
    }
    put_slot(&world, &slot).await;
    opened(&world, PASSPHRASE).await.unwrap().close().await;
}

#[tokio::test]
async fn a_person_is_asked_once_for_each_source_and_twice_for_something_new() {
    let world = World::new().await;
    let uses = Arc::new(Mutex::new(Vec::new()));
    let passphrase = || {
        let uses = uses.clone();
        KeyPassphrase::from_prompt(move |purpose| {
            uses.lock().unwrap().push(purpose);
            Ok(PASSPHRASE.into())
        })
    };
    for purpose in [PassphraseUse::New, PassphraseUse::Open] {
        let registry = world.builder().kind(Acme::default()).key(passphrase()).open().await.unwrap();
        registry.keys().rotate().await.unwrap();
        assert_eq!(registry.keys().status().await.unwrap().source, "passphrase");
        registry.close().await;
        assert_eq!(uses.lock().unwrap().drain(..).collect::<Vec<_>>(), [purpose]);
    }
    let nobody = KeyPassphrase::from_prompt(|_| Err("nobody can be asked".to_owned()));
    let error = of_key(world.builder().key(nobody).open().await);
    assert!(matches!(&error, KeyError::NoPassphrase { detail, .. } if detail == "nobody can be asked"), "{error:?}");
    // A source asks the person again after a request that failed.
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let late = KeyPassphrase::from_prompt(move |_| match count.fetch_add(1, SeqCst) {
        0 => Err("nobody can be asked".to_owned()),
        _ => Ok(PASSPHRASE.into()),
    });
    world.builder().key(late.clone()).open().await.unwrap_err();
    world.builder().key(late).open().await.unwrap().close().await;
    assert_eq!(tries.load(SeqCst), 2);
}

async fn put_slot(world: &World, slot: &[u8]) {
    let sql = format!("UPDATE connection_keyset SET slot_a = {}", sql::literal(slot));
    assert_eq!(sql::run(&world.database(), sql).await, 1);
}
