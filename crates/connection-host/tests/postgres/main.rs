//! What `tests/main` does with connections, on PostgreSQL.

include!("../main/both.rs");
