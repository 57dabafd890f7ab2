//! The tests of `tests/main` that use connections, on PostgreSQL.

include!("../main/both.rs");
