//! The certificate with which `serve` speaks TLS, which other programs renew while it runs.

use std::{convert::Infallible, sync::Arc, time::Duration};

use connection_core::Clock;
use connection_inbound::ServerTls;
use tokio::runtime::Handle;

use crate::{
    Error,
    config::{TlsFiles, TlsPems},
    platform::OPERATIONS,
};

/// The time after which the files are read again.
const INTERVAL: Duration = Duration::from_secs(10);

/// A certificate in use, and the files that it was read from.
#[derive(Debug)]
pub(in crate::commands) struct Certificate {
    files: TlsFiles,
    in_use: TlsPems,
    tls: ServerTls,
    /// The last reason why the files were not used, which is logged once.
    problem: Option<String>,
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
        Ok(Self { files: files.clone(), in_use, tls, problem: None })
    }

    pub(in crate::commands) fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Reads the files again every ten seconds, and uses what was changed, for as long as the future is polled.
    pub(super) async fn follow(mut self, clock: Arc<dyn Clock>) -> Infallible {
        loop {
            clock.sleep(INTERVAL).await;
            let files = self.files.clone();
            // Reading fails to be joined only when the runtime shuts down.
            if let Ok(read) = Handle::current().spawn_blocking(move || files.read()).await {
                self.renew(read);
            }
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
mod tests {
    use std::fs;

    use connection_faults::log::TestLog;
    use tempfile::NamedTempFile;

    use super::*;

    /// Returns a new certificate and its key.
    fn issued() -> (String, String) {
        let issued = rcgen::generate_simple_self_signed(["host.example".to_owned()]).unwrap();
        (issued.cert.pem(), issued.signing_key.serialize_pem())
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
