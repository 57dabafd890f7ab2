//! What a server must offer: a database that can store every text, a schema in which the role may create tables, and
//! enough connections. Each refusal has the SQL that mends it.

use std::io;

use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};

use super::{super::StoreError, connections::answered};

/// The minimum number of connections of a process: one that reads, one that writes, one that receives notifications.
const FEWEST_CONNECTIONS: i32 = 3;
/// The maximum number of connections that a process uses at once: those that are kept, one that receives notifications,
/// and one that tells why a server cannot be reached.
const MOST_CONNECTIONS: i32 = 10;

/// Selects the role, the database, its encoding, the search path, the schema in which tables would be created, and the
/// right to do so; nothing if there are tables. If the role may not even use the first schema of its path, the server
/// does not count it as the current one, so it is looked up.
const WITHOUT_TABLES: &str = "
SELECT quote_ident(current_user), pg_encoding_to_char(d.encoding)::text, quote_ident(d.datname),
       current_setting('search_path'), quote_ident(n.nspname),
       has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
FROM pg_database AS d
LEFT JOIN pg_namespace AS n ON n.nspname <> 'pg_catalog' AND n.nspname = coalesce(current_schema(), (
    SELECT f.nspname
    FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS named (name, position)
    JOIN pg_namespace AS f ON quote_ident(f.nspname) = replace(trim(named.name), '\"$user\"', quote_ident(current_user))
    ORDER BY named.position LIMIT 1))
WHERE d.datname = current_database() AND to_regclass('connection_migrations') IS NULL";

/// Selects the lower one of the limits of the role and of the database. They do not apply to a superuser.
const CONNECTION_LIMIT: &str = "
SELECT l.of, l.name, l.most
FROM pg_roles AS r
JOIN pg_database AS d ON d.datname = current_database(),
LATERAL (VALUES ('ROLE', quote_ident(r.rolname), r.rolconnlimit), ('DATABASE', quote_ident(d.datname), d.datconnlimit))
    AS l (of, name, most)
WHERE r.rolname = session_user AND NOT r.rolsuper AND l.most >= 0
ORDER BY l.most LIMIT 1";

/// Refuses a database in which the tables of this program could not be created, or not hold every text. A database with
/// the tables is accepted.
pub(super) async fn refuse_unprepared(connection: &mut PgConnection, place: &str) -> Result<(), StoreError> {
    type Found = (String, String, String, String, Option<String>, Option<bool>);
    let asked = sqlx::query_as::<_, Found>(WITHOUT_TABLES).fetch_optional(connection);
    let found = answered(asked).await.map_err(|error| StoreError::of(&error, place))?;
    let Some((role, encoding, database, path, schema, may_create)) = found else { return Ok(()) };
    let (problem, remedy) = match schema {
        _ if encoding != "UTF8" => (
            format!("the database {place} has the encoding {encoding}, and only UTF8 stores every text"),
            format!(
                "create another database and name it: `CREATE DATABASE connections_utf8 OWNER {role} TEMPLATE \
                 template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`"
            ),
        ),
        None => (
            format!("the search_path '{path}' of the role {role} names no schema of the database {place}"),
            format!("run this there: `ALTER ROLE {role} IN DATABASE {database} SET search_path = public`"),
        ),
        Some(schema) if may_create != Some(true) => (
            format!("the role {role} may not create tables in the schema {schema} of the database {place}"),
            format!(
                "run this there as the owner of the schema: `GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}`; or \
                 create the tables with another role"
            ),
        ),
        Some(_) => return Ok(()),
    };
    Err(StoreError::Unprepared { problem, remedy })
}

/// Refuses a limit of connections with which a process would wait for its own connections.
pub(super) async fn refuse_few_connections(connection: &mut PgConnection, place: &str) -> Result<(), StoreError> {
    let asked = sqlx::query_as::<_, (String, String, i32)>(CONNECTION_LIMIT).fetch_optional(connection);
    let found = answered(asked).await.map_err(|error| StoreError::of(&error, place))?;
    match found {
        Some((kind, name, most)) if most < FEWEST_CONNECTIONS => Err(StoreError::Unprepared {
            problem: format!(
                "the {} {name} has a CONNECTION LIMIT of {most} at {place}, and each process of this program needs \
                 {FEWEST_CONNECTIONS} connections at least, and {MOST_CONNECTIONS} at most",
                kind.to_ascii_lowercase()
            ),
            remedy: format!("run this there: `ALTER {kind} {name} CONNECTION LIMIT {MOST_CONNECTIONS}`"),
        }),
        _ => Ok(()),
    }
}

/// Returns the error of a server that does not let the role in, or of a pooler that takes no transaction; `None` for any
/// other error.
pub(in super::super) fn lacking(error: &PgDatabaseError, place: &str) -> Option<StoreError> {
    match error.code() {
        // A statement that is not permitted ends no connection.
        "42501" if error.severity() == PgSeverity::Fatal => {
            let database = place.rsplit_once('/').map_or(place, |(_, database)| database).replace('"', "\"\"");
            Some(StoreError::Unprepared {
                problem: format!("the role that this program uses may not connect to the database {place}"),
                remedy: format!(
                    "run this as the owner of the database, with the name of the role: `GRANT CONNECT ON DATABASE \
                     \"{database}\" TO ROLE_NAME`"
                ),
            })
        }
        // The texts of PgBouncer are not translated.
        _ if error.message().contains("statement pooling mode") => Some(StoreError::Unprepared {
            problem: format!("the pooler between this program and {place} is in statement mode, without transactions"),
            remedy: "set `pool_mode = session` or `pool_mode = transaction` in the settings of the pooler; in \
                     transaction mode, also name the server itself as `database_direct_url`"
                .into(),
        }),
        _ => None,
    }
}

/// Returns the error of an attempt to connect. A server that lets nobody else in (53300) does not say in a way that a
/// program can read which of its limits is reached.
pub(super) fn not_connected(error: &sqlx::Error, options: &PgConnectOptions, place: &str) -> StoreError {
    if let sqlx::Error::Io(unread) = error
        && options.get_socket().is_none()
        && let io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory = unread.kind()
    {
        // The driver does not say which file it is.
        let detail = format!(
            "a file that `sslrootcert`, `sslcert` or `sslkey` names cannot be read, or a firewall refuses the \
             connection: {}",
            unread.kind()
        );
        return StoreError::Unavailable { place: place.to_owned(), detail };
    }
    match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if code == "53300" => StoreError::Unprepared {
            problem: format!("the role, the database or the server of {place} allows no further connection"),
            remedy: format!(
                "stop a program that uses the role, or raise the limit; each process of this program uses up to \
                 {MOST_CONNECTIONS} connections, and a superuser sees the limits with `SELECT rolname, rolconnlimit \
                 FROM pg_roles WHERE rolconnlimit >= 0`, `SELECT datname, datconnlimit FROM pg_database` and `SHOW \
                 max_connections`"
            ),
        },
        _ => StoreError::of(error, place),
    }
}
