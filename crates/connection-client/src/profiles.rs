//! The profiles of local tools on the machine of a server.

use connection_api::{ChangeProfile, ChangeProfileSlot, NewProfile, Page, Profile, RemovedProfile};

use crate::{Client, Error};

impl Client {
    /// Returns the profiles of all tools.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        self.get(&["profiles"]).answer().await.map(|page: Page<Profile>| page.items)
    }

    /// Makes a profile, whose directory is one of the server's machine.
    ///
    /// # Errors
    ///
    /// As [`profiles`](Self::profiles); with the code `directory_not_allowed` for a directory that may not be read.
    pub async fn create_profile(&self, new: &NewProfile) -> Result<Profile, Error> {
        self.post(&["profiles"]).body(new, new.label.len() + new.directory.len()).answer().await
    }

    /// Changes a profile, and no file of its directories.
    ///
    /// # Errors
    ///
    /// As [`create_profile`](Self::create_profile); with the code `profile_not_found` if there is none.
    pub async fn change_profile(&self, id: &str, change: &ChangeProfile) -> Result<Profile, Error> {
        self.patch(&["profiles", id]).body(change, 1024).answer().await
    }

    /// Makes a slot use a profile, or the default profile again.
    ///
    /// # Errors
    ///
    /// As [`change_profile`](Self::change_profile).
    pub async fn change_slot(&self, id: &str, change: &ChangeProfileSlot) -> Result<Profile, Error> {
        self.post(&["profiles", id, "slots"]).body(change, 1024).answer().await
    }

    /// Removes a profile, and keeps its directory.
    ///
    /// # Errors
    ///
    /// As [`change_profile`](Self::change_profile); with the code `profile_in_use` while it is used.
    pub async fn remove_profile(&self, id: &str) -> Result<RemovedProfile, Error> {
        self.delete(&["profiles", id]).answer().await
    }
}
