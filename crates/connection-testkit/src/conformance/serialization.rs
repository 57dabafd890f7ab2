//! Serialized credentials: written bytes can be read, and foreign bytes are refused without a panic.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

use connection_contract::ConnectionDefinition;

use super::Suite;
use crate::fault::fail;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// Parses bytes that `serialize_credential` did not return.
    ///
    /// The fake host tests that the two functions are inverse wherever it uses a credential.
    #[track_caller]
    pub(super) fn stored(&self) {
        let made = self.made();
        let host = self.fake(&[]);
        let bytes = host.serialized(&host.reparsed(&made.credential)).expose().to_vec();
        self.survives(&[], "no bytes at all");
        self.survives(&[0xff, 0xfe, 0xfd], "bytes that are not UTF-8");
        self.survives(&[bytes.as_slice(), b"\0"].concat(), "one byte too many");
        for end in 0..bytes.len() {
            self.survives(bytes.get(..end).unwrap_or_default(), "bytes that were cut off");
            let mut flipped = bytes.clone();
            if let Some(byte) = flipped.get_mut(end) {
                *byte ^= 0xff;
            }
            self.survives(&flipped, "bytes that were changed");
        }
        if !bytes.is_empty() && host.definition.parse_credential(&[]).is_ok() {
            fail("`parse_credential` takes no bytes at all for a credential");
        }
    }

    #[track_caller]
    fn survives(&self, bytes: &[u8], what: &str) {
        let definition = (self.make)();
        let parse = || match definition.parse_credential(bytes) {
            Ok(credential) => definition.serialize_credential(&credential).map(|_| ()).err(),
            Err(error) => Some(error),
        };
        match catch_unwind(AssertUnwindSafe(parse)) {
            Ok(None) => {}
            Ok(Some(error)) => self.silent(&format!("{error:?} {error}"), "an error of `parse_credential`"),
            Err(_) => fail(&format!("`parse_credential` panics on {what}")),
        }
    }
}
