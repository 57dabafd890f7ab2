//! The name by which people know an owner.

use connection_contract::{BoxFuture, DisplayText};

use super::ConnectionRegistry;
use crate::Error;

impl ConnectionRegistry {
    /// Returns the name by which people know this owner, or `None` if no name was set.
    ///
    /// A person who connects an account for somebody else reads this name, or else the owner itself.
    ///
    /// # Errors
    ///
    /// The store's errors, and [`Error::Sealed`] if the name cannot be opened now.
    pub fn display_name(&self) -> BoxFuture<'_, Result<Option<DisplayText>, Error>> {
        Box::pin(self.systems.ground.display_name(&self.owner))
    }

    /// Sets the name by which people know this owner, or removes it with `None`.
    ///
    /// Only the host and its operator call this method: somebody who could choose a name could pretend to be somebody
    /// else.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLabel`] for a name without a visible character, the store's errors, and [`Error::Sealed`].
    pub fn set_display_name(&self, name: Option<DisplayText>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if name.as_ref().is_some_and(|name| name.as_str().trim().is_empty()) {
                return Err(Error::InvalidLabel);
            }
            self.systems.ground.set_display_name(&self.owner, name).await
        })
    }
}
