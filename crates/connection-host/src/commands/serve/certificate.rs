//! The certificate with which `serve` speaks TLS, which other programs renew while it runs.

use std::{convert::Infallible, sync::Arc, time::Duration};

use connection_api::Check;
use connection_contract::Timestamp;
use connection_core::Clock;
use connection_inbound::ServerTls;
use connection_server::checks;
use tokio::runtime::Handle;

use crate::{
    Error,
    config::{TlsFiles, TlsPems},
    platform::OPERATIONS,
};

/// The time after which the files are read again.
const INTERVAL: Duration = Duration::from_secs(10);
/// The time in seconds after which the end of a certificate is logged again.
const DAY: i64 = 86_400;

/// A certificate in use, and the files that it was read from.
#[derive(Debug)]
pub(in crate::commands) struct Certificate {
    files: TlsFiles,
    in_use: TlsPems,
    tls: ServerTls,
    /// The last reason why the files were not used, which is logged once.
    problem: Option<String>,
    /// The time at which its end was logged last.
    warned_at: Option<Timestamp>,
}

impl Certificate {
    /// Reads the files, on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file that cannot be used, and the reason.
    pub(in crate::commands) fn read(files: &TlsFiles) -> Result<Self, Error> {
        let in_use = files.read()?;
        let tls = ServerTls::from_pem(in_use.certificate.as_bytes(), &in_use.key);
        let tls = tls.map_err(|error| files.refused(&error))?;
        Ok(Self { files: files.clone(), in_use, tls, problem: None, warned_at: None })
    }

    /// Checks when the certificate ends; `None` if the certificate does not say so.
    pub(in crate::commands) fn check(&self, now: Timestamp) -> Option<Check> {
        Some(checks::certificate(&self.file(), self.tls.ends_at()?, now))
    }

    pub(super) fn file(&self) -> String {
        self.files.certificate().display().to_string()
    }

    pub(in crate::commands) fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Reads the files again every ten seconds, and uses what was changed, for as long as the future is polled.
    pub(super) async fn follow(mut self, clock: Arc<dyn Clock>) -> Infallible {
        loop {
            self.warn(clock.now());
            clock.sleep(INTERVAL).await;
            let files = self.files.clone();
            // Reading fails to be joined only when the runtime shuts down.
            if let Ok(read) = Handle::current().spawn_blocking(move || files.read()).await {
                self.renew(read);
            }
        }
    }

    /// Logs that the certificate ends soon or has ended, at most once a day.
    fn warn(&mut self, now: Timestamp) {
        let is_told = |at: Timestamp| (0..DAY).contains(&(now.seconds() - at.seconds()));
        if self.warned_at.is_some_and(is_told) {
            return;
        }
        let Some(Check { ok, message, remedy: Some(remedy), .. }) = self.check(now) else { return };
        self.warned_at = Some(now);
        match ok {
            true => tracing::warn!(target: OPERATIONS, "{message}: {remedy}"),
            false => tracing::error!(target: OPERATIONS, "{message}: {remedy}"),
        }
    }

    /// Replaces the certificate if the files have changed.
    ///
    /// The contents are compared and not the times of the files: two files are never replaced at one moment, so a
    /// certificate that does not fit its key yet is tried again.
    fn renew(&mut self, read: Result<TlsPems, Error>) {
        let renewed = read.and_then(|pems| {
            if pems.certificate == self.in_use.certificate && pems.key.expose() == self.in_use.key.expose() {
                return Ok(None);
            }
            match self.tls.replace_pem(pems.certificate.as_bytes(), &pems.key) {
                Ok(()) => Ok(Some(pems)),
                Err(error) => Err(self.files.refused(&error)),
            }
        });
        match renewed {
            Ok(None) => self.problem = None,
            Ok(Some(pems)) => {
                self.in_use = pems;
                self.problem = None;
                self.warned_at = None;
                let path = self.files.certificate().display();
                tracing::info!(target: OPERATIONS, "the certificate in {path} has changed and is now in use");
            }
            Err(error) => {
                let problem = error.to_string();
                if self.problem.as_ref() != Some(&problem) {
                    tracing::warn!(target: OPERATIONS, "the former certificate stays in use: {problem}");
                    self.problem = Some(problem);
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use std::fs;

    use connection_faults::{certificates, log::TestLog};
    use tempfile::NamedTempFile;

    use super::*;

    /// Returns a new certificate and its key.
    fn issued() -> (String, String) {
        let issued = certificates::Certificate::self_signed(&["host.example"]);
        (issued.pem, issued.key)
    }

    /// Writes a certificate that ends at the beginning of a day, and returns it in use.
    fn ending(year: i32, month: u8, day: u8) -> (tempfile::TempDir, Certificate) {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["tls.pem", "tls.key"].map(|name| directory.path().join(name));
        let issued = certificates::Certificate::self_signed_until(&["host.example"], year, month, day);
        fs::write(&certificate, issued.pem).unwrap();
        // Only the owner may read a key.
        let secret = NamedTempFile::new_in(&directory).unwrap();
        fs::write(&secret, issued.key).unwrap();
        secret.persist(&key).unwrap();
        let files = TlsFiles::of_both(Some(&certificate), Some(&key)).unwrap().unwrap();
        let certificate = Certificate::read(&files).unwrap();
        (directory, certificate)
    }

    #[test]
    fn a_certificate_that_ends_within_14_days_is_logged_once_a_day_and_an_ended_one_as_an_error() {
        let log = TestLog::of_this_thread();
        let (_directory, mut certificate) = ending(2031, 5, 20);
        let mut warn = |at: &str| certificate.warn(Timestamp::parse_rfc3339(at).unwrap());
        warn("2031-05-05T23:59:59Z");
        assert!(!log.text().contains("tls.pem"), "{}", log.text());
        for at in ["2031-05-06T00:00:00Z", "2031-05-06T00:00:10Z", "2031-05-06T23:59:59Z"] {
            warn(at);
        }
        let text = log.text();
        assert_eq!(text.matches("WARN connections::operations").count(), 1, "{text}");
        assert!(text.contains("tls.pem ends on 2031-05-20T00:00:00Z: renew it"), "{text}");
        warn("2031-05-07T00:00:00Z");
        assert_eq!(log.text().matches("WARN connections::operations").count(), 2, "{}", log.text());
        warn("2031-05-20T00:00:00Z");
        warn("2031-05-20T00:00:10Z");
        let text = log.text();
        assert_eq!(text.matches("ERROR connections::operations").count(), 1, "{text}");
        assert!(text.contains("tls.pem ended on 2031-05-20T00:00:00Z; browsers and programs refuse it"), "{text}");
    }

    #[test]
    fn the_former_certificate_stays_in_use_until_both_files_are_replaced_and_a_problem_is_logged_once() {
        let log = TestLog::of_this_thread();
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = [(); 2].map(|()| NamedTempFile::new_in(&directory).unwrap());
        let [former, later] = [issued(), issued()];
        fs::write(&certificate, &former.0).unwrap();
        fs::write(&key, &former.1).unwrap();
        let paths = [certificate.path().to_owned(), key.path().to_owned()];
        let files = TlsFiles::of_both(Some(&paths[0]), Some(&paths[1])).unwrap().unwrap();
        let mut served = Certificate::read(&files).unwrap();
        served.renew(files.read());
        assert!(!log.text().contains("certificate"), "nothing has changed: {}", log.text());
        fs::write(&certificate, &later.0).unwrap();
        served.renew(files.read());
        served.renew(files.read());
        assert_eq!(served.in_use.certificate, former.0);
        let text = log.text();
        assert_eq!(text.matches("WARN connections::operations").count(), 1, "{text}");
        assert!(text.contains("the former certificate stays in use: inbound.tls_key"), "{text}");
        fs::write(&key, &later.1).unwrap();
        served.renew(files.read());
        assert_eq!(served.in_use.certificate, later.0);
        assert_eq!(log.text().matches("has changed and is now in use").count(), 1, "{}", log.text());
        fs::write(&certificate, "").unwrap();
        served.renew(files.read());
        assert!(log.text().contains("contains no certificate"), "{}", log.text());
        assert_eq!(served.in_use.certificate, later.0);
    }
}
