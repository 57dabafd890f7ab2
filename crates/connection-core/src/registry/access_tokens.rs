//! The access tokens of the store, of all owners.

use super::ConnectionRegistry;
use crate::AccessTokens;

impl ConnectionRegistry {
    /// Returns the access tokens of pages and programs, of all owners.
    pub fn access_tokens(&self) -> AccessTokens<'_> {
        AccessTokens::new(&self.systems.ground)
    }
}
