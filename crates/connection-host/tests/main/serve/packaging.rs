//! The files with which an operator runs `serve` as a service: systemd accepts the unit, and the hook of the guide gives
//! the server the certificates of certbot.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use connection_faults::{certificates::Certificate, skip_notice};

use super::{Serving, tls, until};
use crate::program::Machine;

const GUIDE: &str = include_str!("../../../../../docs/guide/operators.md");
const UNIT: &str = include_str!("../../../../../packaging/systemd/connections.service");
/// The directory into which the hook copies.
const TLS: &str = "/etc/connections/tls";
/// The host in the guide.
const HOST: &str = "connections.example";

/// Runs `install` below the directory `ROOT`, and without the owner and the group, which do not exist here.
const INSTALL: &str = r#"#!/bin/sh
set -e
while [ $# -gt 2 ]; do
    case $1 in
        -o | -g) [ "$2" = connections ] || exit 64; shift 2 ;;
        -m) mode=$2; shift 2 ;;
        -D) shift ;;
        *) exit 64 ;;
    esac
done
exec /usr/bin/install -D -m "$mode" "$1" "$ROOT$2"
"#;

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A machine with certbot, which keeps each certificate in a directory and links the newest one.
struct Certbot {
    machine: Machine,
    live: PathBuf,
    times: u32,
}

impl Certbot {
    fn new(machine: Machine) -> Self {
        let root = machine.path("certbot");
        let live = root.join("live").join(HOST);
        let bin = root.join("bin");
        for directory in [&live, &root.join("archive").join(HOST), &bin] {
            fs::create_dir_all(directory).unwrap();
        }
        let (_, hook) = GUIDE.split_once("```sh\n#!/bin/sh\n").unwrap();
        let (hook, _) = hook.split_once("```").unwrap();
        executable(&root.join("hook"), hook);
        executable(&bin.join("install"), INSTALL);
        Self { machine, live, times: 0 }
    }

    /// Issues a certificate for a name, and runs the hook as for a renewal of these names. Returns the certificate.
    fn renews(&mut self, domains: &str) -> String {
        let issued = Certificate::self_signed(&[tls::HOST]);
        let certificate = issued.pem;
        self.times += 1;
        for (name, text) in [("fullchain", certificate.clone()), ("privkey", issued.key)] {
            let file = format!("../../archive/{HOST}/{name}{}.pem", self.times);
            fs::write(self.live.join(&file), text).unwrap();
            let link = self.live.join(format!("{name}.pem"));
            // There is no link before the first certificate.
            fs::remove_file(&link).ok();
            symlink(file, link).unwrap();
        }
        let root = self.machine.path("certbot");
        let ran = Command::new("sh")
            .arg(root.join("hook"))
            .env("PATH", format!("{}:/usr/bin:/bin", root.join("bin").display()))
            .env("ROOT", &root)
            .env("RENEWED_LINEAGE", &self.live)
            .env("RENEWED_DOMAINS", domains)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        certificate
    }

    fn installed(&self, name: &str) -> PathBuf {
        self.machine.path(&format!("certbot{TLS}/{name}"))
    }
}

#[test]
fn the_hook_of_the_guide_gives_serve_the_certificates_of_certbot() {
    let mut certbot = Certbot::new(super::machine());
    let first = certbot.renews(&format!("{HOST} www.{HOST}"));
    let [certificate, key] = ["fullchain.pem", "privkey.pem"].map(|name| certbot.installed(name));
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&certificate), mode(&key)), (0o644, 0o600));
    certbot.machine.set("CONNECTIONS_INBOUND__TLS_CERTIFICATE", certificate.to_str().unwrap());
    certbot.machine.set("CONNECTIONS_INBOUND__TLS_KEY", key.to_str().unwrap());
    certbot.machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("https://{}", tls::HOST));
    let serving = Serving::start(&certbot.machine);
    let answers = |trusted: &str| tls::get(&serving, trusted, tls::HOST, "/healthz").is_some();
    assert!(answers(&first));

    // certbot runs the hook for each certificate of the machine.
    certbot.renews("shop.example");
    assert_eq!(fs::read_to_string(&certificate).unwrap(), first, "the certificate of another host is not copied");
    let second = certbot.renews(HOST);
    until("the renewed certificate is used", || answers(&second));
}

#[test]
fn systemd_accepts_the_unit() {
    let machine = super::machine();
    let program = env!("CARGO_BIN_EXE_connections");
    let verify = |unit: String| {
        let file = machine.write("connections.service", unit.as_bytes());
        Command::new("systemd-analyze").args(["verify", "--man=no", &file]).output()
    };
    let unit = UNIT.replace("/usr/local/bin/connections", program);
    let Ok(accepted) = verify(unit.clone()) else {
        skip_notice::say("of the unit for systemd", "`systemd-analyze` is not here");
        return;
    };
    let said = String::from_utf8_lossy(&accepted.stderr);
    assert!(accepted.status.success() && !said.contains("connections.service"), "{said}");
    // The control: a setting that systemd does not know is told.
    let said = verify(unit.replace("ProtectClock=", "ProtectClocks=")).unwrap().stderr;
    assert!(String::from_utf8_lossy(&said).contains("ProtectClocks"), "{}", String::from_utf8_lossy(&said));
}
