//! Setups: the steps by which a person connects an account, or authorizes one again.

use connection_api::{Answers, BeginSetup, ConfirmStep, Empty, ListedSetup, Page, Setup};
use connection_contract::Secret;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Client, Error};

impl Client {
    /// Begins a setup.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer. In the latter case, it is not
    /// known whether a setup was begun; it expires without an answer.
    pub async fn begin_setup(&self, begin: &BeginSetup) -> Result<Setup, Error> {
        self.post(&["setups"]).body(begin, 1024).answer().await
    }

    /// Returns the state of a setup, after at most 25 seconds if the server asks the provider.
    ///
    /// # Errors
    ///
    /// As [`begin_setup`](Self::begin_setup); with the code `setup_not_found` if there is none.
    pub async fn setup(&self, id: &str) -> Result<Setup, Error> {
        self.get(&["setups", id]).answer().await
    }

    /// Returns the state of a setup as soon as it differs from this one, or the same after 25 seconds.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped; the setup continues.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn next_setup(&self, seen: &Setup) -> Result<Setup, Error> {
        self.get(&["setups", &seen.id]).query("after", Some(&seen.cursor)).answer().await
    }

    /// Answers a step. The name of a field that takes several values is repeated.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup). The code is `answers_invalid` if answers are missing or malformed, with the
    /// [problem of each field](crate::Problem::problems), and `setup_wrong_step`, `setup_no_prompt` or `setup_ended` if
    /// the setup is at another step by now.
    pub async fn answer_setup(&self, id: &str, step: u64, answers: &[(String, SecretString)]) -> Result<Setup, Error> {
        let pair = |(name, value): &(String, SecretString)| (name.clone(), Secret::from(value.expose_secret()));
        let answers = Answers::new(step, answers.iter().map(pair));
        self.post(&["setups", id, "answers"]).body(&answers, answers.size()).answer().await
    }

    /// Confirms the account that a setup shows.
    ///
    /// # Errors
    ///
    /// As [`answer_setup`](Self::answer_setup).
    pub async fn confirm_setup(&self, id: &str, step: u64) -> Result<Setup, Error> {
        self.post(&["setups", id, "confirm"]).body(&ConfirmStep { step }, 0).answer().await
    }

    /// Continues a setup that waits for the network.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn resume_setup(&self, id: &str) -> Result<Setup, Error> {
        self.post(&["setups", id, "resume"]).body(&Empty {}, 0).answer().await
    }

    /// Returns the setups that have not ended, in the order in which they were begun.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn open_setups(&self) -> Result<Vec<ListedSetup>, Error> {
        self.get(&["setups"]).answer().await.map(|page: Page<ListedSetup>| page.items)
    }

    /// Cancels a setup. One that has ended stays as it is.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn cancel_setup(&self, id: &str) -> Result<(), Error> {
        self.delete(&["setups", id]).nothing().await
    }
}
