//! A tiny HTTP/1.1 server for tests.
