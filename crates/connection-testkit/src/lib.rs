//! Fakes and a conformance suite for authors of connection plugins.
