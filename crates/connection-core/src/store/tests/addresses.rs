//! Addresses of databases: which texts are refused, and that no part of a password is shown.

use proptest::prelude::*;
use secrecy::SecretString;

use crate::store::{Location, Store, StoreAddress, StoreError};

/// Passwords of the characters that have a meaning in addresses, and of four that neither the other parts of the
/// addresses nor the messages have.
const PASSWORDS: &str = r##"[ZXJ7#?@:/&=%'"\\;,+ \[\]-]{1,16}"##;

fn parse(address: &str) -> Result<Location, StoreError> {
    Location::parse(&SecretString::from(address))
}

/// Returns everything that is shown of an address, and of the database to which it leads.
fn shown(address: &str) -> String {
    let given = StoreAddress::new(address);
    let parsed = match parse(address) {
        Ok(Location::Sqlite(path)) => path.display().to_string(),
        Ok(Location::Postgres(options)) => {
            format!("{} {} {:?}", options.get_host(), options.get_port(), options.get_database())
        }
        Err(error) => format!("{error} {error:?} {:?}", error.remedy()),
    };
    format!("{parsed} {given:?} {}", given.without_credentials())
}

proptest! {
    #[test]
    fn no_part_of_a_password_is_shown(password in PASSWORDS) {
        for address in [
            format!("postgres://conn:{password}@db.example:5432/app"),
            format!("postgresql://conn:{password}@db.example:5432/app?sslmode=require"),
            format!("postgres://conn@db.example:5432/app?password={password}"),
            format!("postgres://conn@db.example:5432/app?sslmode=require&password={password}&application_name=a"),
            format!("mysql://conn:{password}@db.example/app"),
            format!("conn:{password}@db.example/app"),
            format!("postgres:{password}@db.example:5432/app"),
            format!("host=db.example user=conn password={password} dbname=app"),
            format!("password='{password}' host=db.example"),
            format!("\"postgres://conn:{password}@db.example/app\""),
            format!("DATABASE_URL=postgres://conn:{password}@db.example/app"),
            format!("jdbc:postgresql://conn:{password}@db.example/app"),
            format!("Postgresql+asyncpg://conn:{password}@db.example/app"),
            format!("pgsql:host=db.example;user=conn;password={password}"),
            format!("db.example:5432:app:conn:{password}"),
            format!("postgres%3A%2F%2Fconn%3A{password}%40db.example"),
            format!("Data Source=db.example;Username=conn;Pass={password}"),
            format!("db.example;uid=conn;psw={password}"),
        ] {
            let shown = shown(&address);
            prop_assert!(!shown.contains(['Z', 'X', 'J', '7']), "{address}: {shown}");
        }
    }
}

#[test]
fn a_text_that_looks_like_an_address_is_no_file_and_the_right_form_is_named() {
    for (address, corrected) in [
        ("host=db user=conn password=S3cr3tPw dbname=conn", "postgres://conn@db/DATABASE"),
        ("host=db port=5433 user=conn dbname=app password='S3cr3t host=Pw'", "postgres://conn@db:5433/app"),
        ("dbname=app", "postgres://USER@HOST/app"),
        ("PGHOST=db PGPASSWORD=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("Server=db;Database=x;Pwd=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("jdbc:postgresql://db/x?user=ada&password=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("ada:S3cr3tPw@db/x", "postgres://ada@db/x"),
        ("ada:S3cr#3t@Pw@db.example:5432/x", "postgres://ada@db.example:5432/x"),
        ("ada/S3cr3tPw@db:1521/x", "postgres://USER@db:1521/x"),
        ("postgres:S3cr3tPw@db/x", "postgres://postgres@db/x"),
        (" postgres://ada:S3cr3tPw@db/x", "postgres://USER@db/x"),
        ("db.example:5432/x", "postgres://USER@HOST:PORT/DATABASE"),
        ("dbname=app password=S3cr3tPw user=ada host=db", "postgres://USER@HOST/app"),
        ("Postgres:S3cr3tPw@db/x", "postgres://Postgres@db/x"),
        ("Postgres:S3cr3tPw/x", "postgres://USER@HOST:PORT/DATABASE"),
        ("ada:S3cr,3tPw", "postgres://USER@HOST:PORT/DATABASE"),
        ("ada:77777777/x", "postgres://USER@HOST:PORT/DATABASE"),
        ("db.example:5432:app:ada:S3cr3tPw", "postgres://USER@HOST:PORT/DATABASE"),
        ("*:*:*:ada:S3cr@3t:Pw", "postgres://USER@HOST:PORT/DATABASE"),
        ("ada%3AS3cr3tPw@db/x", "postgres://USER@HOST:PORT/DATABASE"),
        ("postgres%3A%2F%2Fada%3aS3cr3tPw%40db%2Fx", "postgres://USER@HOST:PORT/DATABASE"),
        ("pgsql:host=db;user=ada;password=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("PGSQL://ada:S3cr3tPw@db/x", "postgres://ada@db/x"),
        ("postgresql+asyncpg://ada:S3cr3tPw@db:5432/x", "postgres://ada@db:5432/x"),
        ("jdbc:postgresql://db:5432/x", "postgres://USER@db:5432/x"),
        ("JDBC:PostgreSQL://ada:S3cr3tPw@db/x", "postgres://ada@db/x"),
        ("backup:monday.db", "postgres://USER@HOST:PORT/DATABASE"),
        ("Data Source=db;Username=ada;Pass=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("User ID=ada;PSW=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("db;uid=ada;psw=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("username=ada pass=S3cr3tPw", "postgres://USER@HOST/DATABASE"),
        ("dsn=S3cr3tPw@db", "postgres://USER@HOST/DATABASE"),
        ("ada/S3cr3tPw@db/x", "postgres://USER@db/x"),
        ("ada/S3cr3tPw@//db/x", "postgres://USER@db/x"),
        ("S3cr3tPw@db", "postgres://USER@db"),
    ] {
        let expected = StoreError::NotAnAddress { corrected: corrected.to_owned() };
        assert_eq!(parse(address).err(), Some(expected), "{address}");
        let shown = shown(address);
        assert!(["S3cr", "3t", "Pw", "777"].iter().all(|part| !shown.contains(part)), "{shown}");
        assert!(StoreAddress::new(address).not_a_path().is_some(), "{address}");
    }
    for one_letter in ["u:/S3cr3tPw@db/x", "u:S3cr3tPw/x"] {
        assert_eq!(parse(one_letter).is_ok(), cfg!(windows), "a path on a drive of Windows alone");
    }
}

#[test]
fn the_scheme_of_an_address_has_any_letter_case() {
    for address in ["postgres://u:p@db/x", "Postgres://u:p@db/x", "POSTGRESQL://u:p@db/x"] {
        assert!(matches!(parse(address), Ok(Location::Postgres(options)) if options.get_host() == "db"), "{address}");
    }
    for address in ["sqlite:a:b.db", "SQLite:a:b.db", "SQLITE://a:b.db"] {
        assert!(matches!(parse(address), Ok(Location::Sqlite(path)) if path.as_os_str() == "a:b.db"), "{address}");
    }
    for address in ["MySQL://u:p@db/x", "jdbc:MySQL://db/x"] {
        let engine = "MySQL".to_owned();
        assert_eq!(parse(address).err(), Some(StoreError::UnsupportedEngine { engine }), "{address}");
    }
    for address in ["", "sqlite:", "file:x.db", "File:///srv/x.db", ":memory:", "sqlite::memory:"] {
        assert!(matches!(parse(address), Err(StoreError::InvalidAddress { .. })), "{address}");
    }
}

#[test]
fn a_path_is_no_address() {
    for address in [
        "sqlite:u:pw@db/x",
        "sqlite://host=db",
        "/srv/a:b@c/x.db",
        "./host=db",
        "../a:b@c.db",
        "~/user=b.db",
        "connections.db",
        "data/connections.db",
        "me@work.db",
        "a=b.db",
        "C:/data/x.db",
        r"C:\data\x.db",
    ] {
        assert!(matches!(parse(address), Ok(Location::Sqlite(_))), "{address}");
        let path = address.strip_prefix("sqlite:").map_or(address, |_| "x.db");
        assert_eq!(StoreAddress::new(path).not_a_path(), None, "{address}");
        assert_eq!(StoreAddress::new(address).without_credentials(), address);
        assert!(!StoreAddress::new(address).has_password(), "{address}");
    }
}

#[test]
fn quotation_marks_and_control_characters_are_no_part_of_a_new_path() {
    for (address, part) in [
        ("\"/srv/x.db\"", "quotation marks"),
        ("'connections.db'", "quotation marks"),
        ("/srv/x.db\r", "a control character"),
        ("sqlite:///srv/x.db\n", "a control character"),
    ] {
        let error = parse(address).err().unwrap();
        assert!(matches!(error, StoreError::InvalidAddress { .. }) && error.to_string().contains(part), "{error:?}");
    }
    for path in ["\"/srv\"", "/srv\r", "a\u{85}b"] {
        assert!(StoreAddress::new(path).not_a_path().is_some(), "{path:?}");
    }
}

#[test]
fn a_placeholder_that_was_not_replaced_is_no_path() {
    for address in [
        "${DATABASE_URL}",
        "$DATABASE_URL",
        "$(cat url)",
        "$HOME/x.db",
        "data/$USER/x.db",
        "{{ .Values.url }}",
        "%HOME%/x.db",
        "<DATABASE_URL>",
        "\u{feff}/srv/x.db",
        " /srv/x.db",
        "x.db ",
        "\"/srv/x.db",
        "x.db'",
    ] {
        let error = parse(address).err().unwrap();
        assert!(matches!(error, StoreError::InvalidAddress { .. }), "{address}: {error:?}");
        assert!(error.to_string().contains("placeholder") && !error.to_string().contains(address), "{error}");
        assert!(StoreAddress::new(address).not_a_path().is_some(), "{address}");
    }
    for address in ["/srv/$HOME/x.db", "./${NAME}.db", "~/%a%.db", "sqlite:$HOME/x.db", "a$.db", "100%.db", "it's.db"] {
        assert!(matches!(parse(address), Ok(Location::Sqlite(_))), "{address}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_too_long_for_sqlite_is_told_as_that() {
    let path = |length: usize| format!("/{}", "a/".repeat(length / 2));
    assert!(parse(&path(500)).is_ok());
    assert!(parse(&path(600)).err().unwrap().to_string().contains("longer than 504 bytes"));
}

#[cfg(unix)]
#[test]
fn a_file_that_exists_is_used_whatever_its_name_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.db\r");
    let address = file.to_str().unwrap();
    assert!(parse(address).is_err(), "the control");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(parse(address), Ok(Location::Sqlite(path)) if path == file));

    // A path that does not begin as one is relative to the working directory.
    let beside = tempfile::Builder::new().prefix("addresses-").tempdir_in(".").unwrap();
    let name = format!("{}/ada:S3cr3tPw@db", beside.path().file_name().unwrap().to_str().unwrap());
    assert!(matches!(parse(&name), Err(StoreError::NotAnAddress { .. })), "the control");
    std::fs::write(&name, "").unwrap();
    assert!(matches!(parse(&name), Ok(Location::Sqlite(path)) if path.as_os_str() == name.as_str()));
    assert!(StoreAddress::new(&name).exists());
}

#[test]
fn a_character_that_cuts_a_password_is_refused() {
    for address in [
        "postgres://u:5#S3cr@db/x",
        "postgres://u:5?S3cr@db/x",
        "postgres://u:5/S3cr@db/x",
        "postgres://u:p@S3cr#w@db/x",
        "postgres://u:5#S3cr?host=a@db/x",
    ] {
        let error = parse(address).err().unwrap();
        assert!(error.to_string().contains("write # as %23") && !shown(address).contains("S3cr"), "{error}");
    }
    for address in [
        "postgres://u:p@ss@db/x",
        "postgres://u:p%23ss@db/x",
        "postgres://u@db/x?password=a@b",
        "postgres://db:5432/x?sslmode=require&user=a@b",
        "postgres:///x?host=/run/a@b",
    ] {
        assert!(matches!(parse(address), Ok(Location::Postgres(_))), "{address}");
    }
}

#[test]
fn a_name_that_may_hold_a_password_is_refused_and_not_shown() {
    for address in [
        "postgres://127.0.0.1:1/app&password=S3cr3tPw",
        "postgres://127.0.0.1:1/app;password=S3cr3tPw",
        "postgres://127.0.0.1:1/app password=S3cr3tPw",
        "postgres://127.0.0.1:1/app%3Fpassword=S3cr3tPw",
        "postgres://127.0.0.1:1/app%20password=S3cr3tPw",
        "postgres://127.0.0.1:1/app%253Fpassword%253DS3cr3tPw",
        "postgres://127.0.0.1:1/?dbname=x%26password=S3cr3tPw",
        "postgres://127.0.0.1:1/?dbname=u:S3cr3tPw",
        "postgres://127.0.0.1:1/u:S3cr3tPw",
        "postgres://127.0.0.1:1/?host=u:S3cr3tPw%40h",
        "postgres:///x?host=/run;password=S3cr3tPw",
        "postgres://u%3AS3cr3tPw@127.0.0.1:1",
        "postgres://u%3AS3cr3tPw@127.0.0.1:1/x",
    ] {
        let error = parse(address).err().unwrap();
        assert!(error.to_string().contains("between the parts of an address"), "{address}: {error}");
        assert!(!shown(address).contains("S3cr3t"), "{}", shown(address));
    }
    for address in [
        "postgres://u@db/my%20app",
        "postgres://u%40tenant@db/x",
        "postgres://u@db/app-1.2_b",
        "postgres://u@[fe80::1]/x",
        "postgres:///x?host=fe80::1%25eth0",
    ] {
        assert!(matches!(parse(address), Ok(Location::Postgres(_))), "{address}");
    }
}

#[test]
fn a_mode_of_tls_that_would_be_ignored_is_refused() {
    for query in [
        "SSLMODE=verify-full",
        "ssl=true",
        "application_name=x&amp;sslmode=verify-full",
        "application_name=x;sslmode=verify-full",
        "sslmodus=require",
        "ssl_mode=require",
        "mode=verify-full",
        "tls=require",
    ] {
        let error = parse(&format!("postgres://db/x?{query}")).err().unwrap();
        assert!(error.to_string().contains("asks for TLS"), "{query}: {error}");
    }
    for query in [
        "sslmode=verify-full&sslrootcert=/srv/ca.pem&sslcert=a.pem&sslkey=b.pem",
        "ssl-mode=VERIFY-FULL&ssl-ca=/srv/ca.pem",
        "application_name=x&connect_timeout=10&channel_binding=require",
    ] {
        assert!(matches!(parse(&format!("postgres://db/x?{query}")), Ok(Location::Postgres(_))), "{query}");
    }
}

#[tokio::test]
async fn a_server_may_be_named_by_an_address_of_ipv6() {
    assert!(matches!(parse("postgres://u@[::1]:1/x"), Ok(Location::Postgres(options)) if options.get_host() == "::1"));
    let error = Store::open("postgres://u@[::1]:1/x".into()).await.err().unwrap().to_string();
    assert!(error.contains("[::1]:1") && !error.contains("lookup"), "{error}");
}

#[test]
fn a_password_is_found_in_each_form() {
    for address in [
        "postgres://u:p@db/x",
        "postgres://u:p#w@db/x",
        "postgres://db/x?a=b&PASSWORD=p",
        "http://u:p#w@proxy.example:3128",
        "host=db password = p",
        "PGPASSWORD=p",
        "Server=db;Pwd=p",
        "u:p@db/x",
        "postgres:p@db/x",
        "Postgres:p/x",
        "postgres://u:p/x",
        "db:5432:x:u:p",
        "*:*:*:u:p",
        "u%3Ap%40db/x",
        "jdbc:postgresql://u:p@db/x",
        "pgsql:host=db;password=p",
        "db;uid=u;psw=p",
        "u/p@db/x",
        "postgres://db/x%3Fpassword=p",
    ] {
        assert!(StoreAddress::new(address).has_password(), "{address}");
    }
    for address in [
        "postgres://u@db:5432/x",
        "postgres://db:5432/x?application_name=a@b",
        "https://hooks.example:8443/a@b",
        "http://proxy.example:3128",
        "host=db user=u",
        "host=::1 user=u",
        "data/connections.db",
        "postgres:5432/x",
        "postgres://db1:5432,db2:5433/x",
        "postgres://[::1]:5432/x",
        "jdbc:postgresql://db/x",
        "pgsql:host=db;user=u",
        "file:x.db",
        ":memory:",
    ] {
        assert!(!StoreAddress::new(address).has_password(), "{address}");
    }
}

#[test]
fn the_place_is_shown_without_user_password_and_parameters() {
    for (address, expected) in [
        ("postgres://u:p@ss/w@db.example:5433/x?password=p", "postgres://db.example:5433/x"),
        ("postgres://u:S3cr#et@db/x", "postgres://db/x"),
        ("postgres://u@db/x?password=a@b", "postgres://…"),
        ("postgres://u:p/db", "postgres://…"),
        ("postgres://[::1]:5432/x", "postgres://[::1]:5432/x"),
        ("postgres:///x?host=/run", "postgres:///x"),
        ("postgres://db:5432/x%3Fpassword=p", "postgres://db:5432"),
        ("postgres://db/u:p", "postgres://db"),
        ("p@db", "db"),
        ("u:p@proxy.example:3128", "proxy.example:3128"),
        ("host=db password=p", "…"),
        ("db:5432:x:u:p@q", "…"),
        ("Postgres:p/x", "…"),
        ("u%3Ap@db/x", "…"),
        ("jdbc:postgresql://u:p@db/x", "postgresql://db/x"),
        ("sqlite:///srv/a@b/x.db?key=p", "sqlite:///srv/a@b/x.db"),
    ] {
        assert_eq!(StoreAddress::new(address).without_credentials(), expected);
    }
}
