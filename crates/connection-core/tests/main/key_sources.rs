//! Keys from the environment and from commands: what is accepted, what is rejected, and what is shown of them.

use std::time::Duration;

use connection_contract::encode;
use connection_core::{KeyError, KeyFile, KeySource, KeySources, KeyVariable, OpenError};
use secrecy::ExposeSecret as _;

use crate::test_host::{World, connected};

const KEY: [u8; 32] = [0xfb; 32];

fn variable(value: &str) -> KeyVariable {
    KeyVariable::new("APP_KEY", Some(value.into()))
}

#[tokio::test]
async fn a_key_in_the_environment_is_base64_or_hexadecimal() {
    let hex = encode::hex(&KEY);
    let texts = [
        encode::base64(&KEY),
        encode::base64(&KEY).trim_end_matches('=').to_owned(),
        encode::base64url(&KEY),
        format!("{}=", encode::base64url(&KEY)),
        hex.clone(),
        hex.to_uppercase(),
        format!(" {hex}\n"),
        format!("{hex}\r\n\n"),
        format!("\u{feff}{hex}"),
        // Docker keeps the quotation marks of a file with variables.
        format!("\"{hex}\""),
        format!("'{}'\r", encode::base64(&KEY)),
        format!("0x{hex}"),
        format!("base64:{}", encode::base64(&KEY)),
        format!("{hex}\n\u{1a}"),
        format!("{hex}\0"),
    ];
    for text in texts {
        let key = variable(&text).load().await.unwrap().unwrap();
        assert_eq!(key.expose_secret(), &KEY, "{text}");
    }
}

/// The id in the file proves that it is the key.
#[tokio::test]
async fn a_copy_of_a_key_file_in_another_form_is_the_key() {
    use std::io::Write as _;

    let directory = tempfile::tempdir().unwrap();
    let file = KeyFile::at(directory.path().join("root.key"));
    let made = file.create().await.unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").replace('\n', "\r\n").encode_utf16().flat_map(bytes).collect()
    };
    for copy in [
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        format!("\"{text}\"").into_bytes(),
        text.replace('\n', "\\n").into_bytes(),
        format!("{text}\u{1a}").into_bytes(),
        format!("{text}\0").into_bytes(),
    ] {
        // The file keeps its mode.
        let mut written = std::fs::File::options().write(true).truncate(true).open(file.path()).unwrap();
        written.write_all(&copy).unwrap();
        let key = file.load().await.unwrap_or_else(|error| panic!("{copy:?}: {error}")).unwrap();
        assert_eq!(key.expose_secret(), made.expose_secret());
    }
}

/// Machines that have no files get a key file as the text that it holds.
#[tokio::test]
async fn a_variable_with_the_content_of_a_key_file_has_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = KeyFile::at(directory.path().join("root.key"));
    let made = file.create().await.unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    for copy in [text.clone(), text.trim_end().to_owned(), text.replace('\n', " "), format!("'{text}'")] {
        let key = variable(&copy).load().await.unwrap().unwrap();
        assert_eq!(key.expose_secret(), made.expose_secret(), "{copy}");
    }
    // A copy that lacks a part is none.
    variable(&text.replace("=\n", "\n")).load().await.unwrap_err();
}

#[tokio::test]
async fn a_variable_with_anything_else_is_named_and_not_shown() {
    let hex = encode::hex(&KEY);
    for text in [
        &hex[1..],
        &hex[..62],
        &format!("{hex}00"),
        "hunter2",
        &encode::base64(&KEY[1..]),
        &encode::base64(&[1; 33]),
        &encode::base64(&KEY).replace('+', "!"),
        "\u{fb}\u{fb}",
        &format!("\"{hex}"),
        &format!("\"{hex}'"),
        &"x".repeat(32),
    ] {
        let error = variable(text).load().await.unwrap_err();
        assert_eq!(error, KeyError::Malformed { source_name: "environment APP_KEY".into() }, "{text}");
        assert!(!format!("{error} {error:?} {:?}", variable(text)).contains(text), "{text}");
    }
    for unset in [KeyVariable::new("APP_KEY", None), variable("")] {
        assert!(unset.load().await.unwrap().is_none());
    }
}

/// R-INSEAM-049
#[tokio::test]
async fn a_database_is_opened_by_a_key_in_the_environment_which_is_never_made() {
    let world = World::new().await;
    let error = world.builder().key(KeyVariable::new("APP_KEY", None)).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::NotSupported { .. })), "{error:?}");
    assert!(error.remedy().unwrap().contains("environment APP_KEY"), "{error:?}");
    let hex = encode::hex(&KEY);
    for _ in 0..2 {
        let registry = world.builder().kind(crate::acme::Acme::default()).key(variable(&hex)).open().await.unwrap();
        connected(&registry, "key-1").await;
        let status = registry.keys().status().await.unwrap();
        assert_eq!((status.source.as_str(), status.remaining), ("environment APP_KEY", 0));
        let id = connected_id(&registry).await;
        registry.remove(id).await.unwrap();
        registry.close().await;
    }
    let error = world.builder().key(KeyVariable::new("APP_KEY", None)).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Missing { .. })), "{error:?}");
}

async fn connected_id(registry: &connection_core::ConnectionRegistry) -> connection_core::ConnectionId {
    registry.list_connections(connection_core::Filter::new()).await.unwrap().items[0].id
}

/// If sources disagree, the error names both sources and both keys, because one of them is a mistake.
#[tokio::test]
async fn sources_that_disagree_are_named_with_their_keys() {
    let world = World::new().await;
    let registry = world.acme().await;
    let of_file = registry.keys().status().await.unwrap().wrapped_by.to_string();
    registry.close().await;
    let file = || KeyFile::at(world.key());
    let other = encode::hex(&KEY);
    let names = [format!("file {}", world.key().display()), "environment APP_KEY".to_owned(), of_file];

    // The database is sealed with the file's key, and another source is used.
    let error = world.builder().key(KeySources::new(variable(&other)).known(file())).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Disagree { have: Some(_), .. })), "{error:?}");
    for name in &names {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(error.remedy().unwrap().contains("use one source"), "{error:?}");
    // The same holds for a source that has no key at all.
    let error =
        world.builder().key(KeySources::new(KeyVariable::new("APP_KEY", None)).known(file())).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Disagree { have: None, .. })), "{error:?}");
    // The right source is used, and another one is configured beside it.
    let error = world.builder().key(KeySources::new(file()).agreeing(variable(&other))).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Disagree { have: Some(_), .. })), "{error:?}");
    for name in &names {
        assert!(error.to_string().contains(name), "{error}");
    }
    // The controls: a key that is only known, a source without a key, and a source with the same key.
    let text = std::fs::read_to_string(world.key()).unwrap();
    let same = text.lines().nth(1).unwrap();
    for sources in [
        KeySources::new(file()).known(variable(&other)),
        KeySources::new(file()).agreeing(KeyVariable::new("APP_KEY", None)),
        KeySources::new(file()).agreeing(variable(same)),
    ] {
        world.builder().key(sources).open().await.unwrap().close().await;
    }
}

#[cfg(unix)]
mod commands {
    use connection_core::{KeyCommand, KeyContext};

    use super::*;
    use crate::{acme::Acme, sql};

    fn sh(script: &str) -> KeyCommand {
        KeyCommand::prints(["/bin/sh", "-c", script]).variable("PATH", "/usr/bin:/bin")
    }

    #[test]
    fn the_secrets_of_a_command_are_named_and_not_shown() {
        let command = KeyCommand::prints(["vault", "read"]).variable("VAULT_TOKEN", "canary-token");
        let shown = format!("{command:?} {command:#?}");
        assert!(shown.contains("VAULT_TOKEN") && !shown.contains("canary"), "{shown}");
    }

    #[tokio::test]
    async fn a_command_prints_its_key_as_it_is_in_base64_or_in_hexadecimal() {
        let octal = KEY.map(|byte| format!("\\{byte:03o}")).concat();
        for script in [
            format!("printf '{octal}'"),
            format!("echo {}", encode::base64(&KEY)),
            format!("echo {}", encode::base64url(&KEY)),
            format!("printf {}", encode::hex(&KEY)),
        ] {
            let key = sh(&script).load().await.unwrap().unwrap();
            assert_eq!(key.expose_secret(), &KEY, "{script}");
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_fails_floods_or_is_killed_says_so_with_a_way_out() {
        let short = Duration::from_millis(300);
        for (script, expected) in [
            ("exit 3", "ended with exit code 3"),
            ("kill -9 $$", "was killed"),
            ("sleep 60", "did not end within"),
            // The program has ended, and a process that it started keeps the output open.
            ("sleep 60 & true", "did not end within"),
            ("yes", "printed more than 4096 bytes"),
            ("echo hunter2 >&2; exit 1", "ended with exit code 1"),
        ] {
            let error = sh(script).timeout(short).load().await.unwrap_err();
            let KeyError::Command { detail, .. } = &error else { panic!("{script}: {error:?}") };
            assert!(detail.starts_with(expected), "{script}: {detail}");
            assert!(detail.ends_with("; what it wrote to standard error was discarded"), "{script}: {detail}");
            assert!(error.to_string().contains("command /bin/sh"), "{error}");
            assert!(error.remedy().unwrap().contains("by hand"), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        for script in ["true", "echo hunter2", "printf %031d 1", "cat /dev/zero | head -c 33"] {
            let error = sh(script).load().await.unwrap_err();
            assert_eq!(error, KeyError::Malformed { source_name: "command /bin/sh".into() }, "{script}");
        }
        for argv in [vec!["/nowhere/program"], vec![]] {
            let error = KeyCommand::prints(argv).load().await.unwrap_err();
            assert!(matches!(error, KeyError::Command { .. }), "{error:?}");
        }
    }

    /// A command that hangs is killed with everything that it started.
    #[tokio::test]
    async fn nothing_of_a_command_outlives_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let script = "sleep 60 & echo $! > pid; wait";
        let pid = directory.path().join("pid");
        let script = script.replace("pid;", &format!("{};", pid.display()));
        sh(&script).timeout(Duration::from_secs(1)).load().await.unwrap_err();
        let sleeper = std::fs::read_to_string(pid).unwrap();
        // A killed process may remain as a zombie of its new parent; it no longer runs. On a busy machine the kill
        // may take a while.
        let runs = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.trim())).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ") && !state.contains(") X ")
        };
        let gone = async {
            while runs() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(50), gone).await.is_ok(), "it runs on");
    }

    #[tokio::test]
    async fn a_command_gets_no_shell_and_no_variable_but_those_it_is_given() {
        let error = KeyCommand::prints([format!("echo {}", encode::hex(&KEY))]).load().await.unwrap_err();
        assert!(matches!(error, KeyError::Command { .. }), "one word is one program: {error:?}");
        let directory = tempfile::tempdir().unwrap();
        let seen = directory.path().join("seen");
        let script = format!("/usr/bin/env > {}; echo {}", seen.display(), encode::hex(&KEY));
        sh(&script).variable("HOME", "/home/ada").load().await.unwrap().unwrap();
        let seen = std::fs::read_to_string(seen).unwrap();
        let mut names: Vec<_> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        // The shell sets these itself.
        names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
        names.sort_unstable();
        assert_eq!(names, ["HOME", "PATH"]);
    }

    /// A key service that rotates the letters of its input, and logs for whom it does.
    fn service(log: &std::path::Path) -> KeyCommand {
        let note = format!("echo $CONNECTIONS_APP $CONNECTIONS_STORE_ID >> {}", log.display());
        let wrap = format!("{note}; printf wrapped:; base64 -w0 | tr A-Za-z N-ZA-Mn-za-m");
        let unwrap = format!("{note}; sed s/^wrapped:// | tr A-Za-z N-ZA-Mn-za-m");
        KeyCommand::wraps(["/bin/sh", "-c", &wrap], ["/bin/sh", "-c", &unwrap]).variable("PATH", "/usr/bin:/bin")
    }

    #[tokio::test]
    async fn a_pair_of_commands_wraps_a_key_of_its_own_for_each_database() {
        let world = World::new().await;
        let log = world.directory.path().join("log");
        let open = async || world.builder().kind(Acme::default()).key(service(&log)).open().await.unwrap();
        let registry = open().await;
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        let registry = open().await;
        registry.connection(id).await.unwrap().verify().await.unwrap();
        let status = registry.keys().status().await.unwrap();
        assert_eq!(status.source, "command /bin/sh");
        let slot = sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await;
        assert!(slot.starts_with(b"CNXW\x01") && slot[7..].starts_with(b"wrapped:"));
        assert!(!world.key().exists());
        let store = sql::uuid(&world.database(), "SELECT store_id FROM connection_keyset").await;
        let said = std::fs::read_to_string(&log).unwrap();
        let expected = format!("connections {store}");
        assert!(said.lines().all(|line| line == expected) && said.lines().count() >= 4, "{said}");
        // A rotation wraps the keys again, and a bare key does not open the database.
        registry.keys().rotate().await.unwrap();
        registry.close().await;
        open().await.close().await;
        let holds = KeyVariable::new("APP_KEY", Some(encode::hex(&KEY).into()));
        let error = world.builder().key(holds).open().await.unwrap_err();
        assert!(error.to_string().contains(&status_key(&world).await), "{error}");
    }

    async fn status_key(world: &World) -> String {
        let slot = sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await;
        let length = usize::from(u16::from_be_bytes([slot[5], slot[6]]));
        encode::hex(&slot[7 + length + 5..7 + length + 13])
    }

    #[tokio::test]
    async fn an_unsupported_pair_of_settings_is_not_relied_on() {
        let world = World::new().await;
        let other = format!("echo {}", encode::hex(&KEY));
        for (wrap, unwrap) in [("cat", other.as_str()), ("cat", "exit 1"), ("true", "cat"), ("yes", "cat"), ("cat", "")]
        {
            let pair = KeyCommand::wraps(["/bin/sh", "-c", wrap], ["/bin/sh", "-c", unwrap]);
            let error = world.builder().key(pair.variable("PATH", "/usr/bin:/bin")).open().await.unwrap_err();
            assert!(matches!(error, OpenError::Key(_)), "{wrap} {unwrap}: {error:?}");
        }
        let rows = sql::number(&world.database(), "SELECT count(*) FROM connection_keyset").await;
        assert_eq!(rows, Some(0), "nothing was kept");
        let pair = KeyCommand::wraps(["/bin/cat"], ["/bin/cat"]);
        world.builder().key(pair).open().await.unwrap().close().await;
    }

    /// A host can have one without a key.
    #[tokio::test]
    async fn a_wrapper_is_asked_for_no_key_of_its_own() {
        let source = KeyCommand::wraps(["cat"], ["cat"]).variable("PATH", "/usr/bin:/bin");
        assert!(source.load().await.unwrap().is_none());
        let wrapper = source.wrapper().unwrap();
        assert!(sh("true").wrapper().is_none());
        let _: &dyn connection_core::KeyWrapper = wrapper;
        let _: fn(&KeyContext) -> &str = |context| &context.store_id;
    }
}
