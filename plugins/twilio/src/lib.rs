//! Twilio with an auth token or an API key.
#![no_std]
#![forbid(unsafe_code)]
