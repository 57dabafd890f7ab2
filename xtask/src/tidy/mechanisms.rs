//! The rule that each mechanism exists once: code that looks like a second copy of one is reported.
//!
//! A pattern is a text, so the rule recognizes only the usual form of a copy. `docs/ARCHITECTURE.md` lists the mechanisms.

/// A text that only the code of one mechanism contains.
#[derive(Debug)]
struct Mechanism {
    pattern: &'static str,
    /// The beginning of the paths of the files that are checked.
    within: &'static str,
    /// The files that may contain the text, by the ends of their paths.
    except: &'static [&'static str],
    instead: &'static str,
}

const BACKOFF: &str = "use `Backoff` of connection-egress for pauses that grow";
const CHALLENGE: &str = "use `HttpResponse::challenge` or `Challenge::of` of connection-contract";
const CONFLICT: &str = "use `ConflictRetries` for a row that was changed meanwhile, or name what is limited";
const ANSWER: &str = "use `AnswerClass` of connection-contract for what an answer says";
const ASK: &str = "use `SetupContext::ask_until` for a person who is asked again";
const RETRY_AFTER: &str = "use `HttpResponse::pause` or `retry_after`, or `asked_pause` of connection-egress";
const DECODE: &str = "use `decoded` of connection-egress for a body that is compressed";
const DECIDE: &str = "use `door::head` and `door::decide`, or `Rules::read_request`";
const EXPIRY: &str = "use `expires_in` and its neighbours in `token/expiry.rs` of connection-oauth2";
const LEASE: &str = "use `Lease`, and the conditions of `store/leases.rs`";
const MARK: &str = "implement `Marked` in `guard/tables.rs`, and use `check`, `written` and `deleted` of `guard`";
const POLL: &str = "use the intervals of `Changes` in `store/signals.rs` to read rows again";
const SEALED: &str = "use `Ground::seal` and `Ground::open` with a `SealedCell`, and `Error::sealed`";
const STANDING: &str = "use `AgentStanding::check` to find what has changed since a use was decided";
const PAGE: &str = "use `Page` and `Cursor` of the core, and read one more row than the page has";
const TLS: &str = "use `tls_config` of connection-egress, which judges certificates and names their faults";
const WITHDRAWAL: &str = "use `Tx::withdraws` and `KnownFreezes::in_force` for what other processes have to take in";
const WORDS: &str = "declare the words with `words!`, each beside its variant";

const MECHANISMS: &[Mechanism] = &[
    Mechanism { pattern: "saturating_mul(2).min(", within: "", except: &[], instead: BACKOFF },
    Mechanism { pattern: "const PAUSES: [", within: "", except: &[], instead: BACKOFF },
    Mechanism { pattern: ".saturating_pow(", within: "", except: &["/clock/backoff.rs"], instead: BACKOFF },
    // These two crates do without connection-egress.
    Mechanism { pattern: "<< failures", within: "", except: &["/proxy/exchange.rs"], instead: BACKOFF },
    Mechanism { pattern: "<< (failures", within: "", except: &["/token/extra.rs"], instead: BACKOFF },
    Mechanism { pattern: "const MAX_TRIES: u", within: "crates/connection-core/src/", except: &[], instead: CONFLICT },
    Mechanism {
        pattern: "ATTEMPTS: u",
        within: "crates/connection-core/src/",
        except: &["/outbox/send.rs", "/store/conflict_retries.rs"],
        instead: CONFLICT,
    },
    Mechanism {
        pattern: "async fn purge_",
        within: "crates/connection-core/src/",
        except: &[],
        instead: "add the rows to the list in `registry/scheduler/old_rows.rs`, and compare their time in queries",
    },
    Mechanism {
        pattern: "408 |",
        within: "",
        // A client of our own server knows which of its answers may change.
        except: &["/connection-contract/src/answer.rs", "/connection-client/src/error.rs", "/again.rs"],
        instead: ANSWER,
    },
    Mechanism { pattern: "== 408", within: "", except: &[], instead: ANSWER },
    Mechanism {
        pattern: ".problem(problem",
        within: "",
        // The first two ask without end, because the provider is not asked; the last one reads a step of a server.
        except: &["/mcp/src/setup.rs", "/declared/setup.rs", "/commands/setup_steps.rs"],
        instead: ASK,
    },
    Mechanism {
        pattern: "header(\"retry-after\")",
        within: "",
        // The library rmcp reads the header by itself.
        except: &["/connection-contract/src/answer.rs", "/connection-rmcp/src/answer.rs"],
        instead: RETRY_AFTER,
    },
    Mechanism {
        pattern: "x-amzn-remapped-www-authenticate",
        within: "",
        // The proxy has no dependency on the contract.
        except: &["/connection-contract/src/challenge.rs", "/connection-mcp/src/proxy/link.rs"],
        instead: CHALLENGE,
    },
    Mechanism { pattern: "\"expires_in\"].as_", within: "", except: &[], instead: EXPIRY },
    Mechanism {
        pattern: "lease_until <=",
        within: "crates/connection-core/src/",
        except: &["/store/leases.rs"],
        instead: LEASE,
    },
    Mechanism { pattern: "claimed_until", within: "crates/connection-core/src/", except: &[], instead: LEASE },
    Mechanism { pattern: "POLL: Duration", within: "crates/connection-core/src/", except: &[], instead: POLL },
    Mechanism { pattern: "POLL_INTERVAL: Duration", within: "crates/connection-core/src/", except: &[], instead: POLL },
    Mechanism {
        pattern: "RequestHead::read(",
        within: "crates/connection-core/src/",
        except: &["/door/decide.rs"],
        instead: DECIDE,
    },
    Mechanism {
        pattern: "rules.decide(",
        within: "crates/connection-core/src/",
        // A host that asks for the decision alone sends nothing.
        except: &["/grant/judge.rs", "/agent/caller.rs"],
        instead: DECIDE,
    },
    Mechanism {
        pattern: "GzDecoder",
        within: "",
        except: &["/connection-egress/src/coding.rs", "/connection-egress/src/decoder.rs"],
        instead: DECODE,
    },
    Mechanism {
        pattern: "impl ServerCertVerifier",
        within: "",
        except: &["/connection-egress/src/tls.rs"],
        instead: TLS,
    },
    Mechanism {
        pattern: "connection_presence",
        within: "crates/connection-core/src/",
        except: &["/store/withdrawals.rs", "/store/moving.rs"],
        instead: WITHDRAWAL,
    },
    Mechanism {
        pattern: ".append_row_event(",
        within: "crates/connection-core/src/",
        except: &["/guard/mark.rs"],
        instead: MARK,
    },
    Mechanism {
        pattern: "\"connections/row/",
        within: "crates/connection-core/src/",
        except: &["/guard/mark.rs", "/guard/mod.rs"],
        instead: MARK,
    },
    Mechanism {
        pattern: ".agent_grant(",
        within: "crates/connection-core/src/",
        except: &["/grant/agent.rs", "/grant/standing/mod.rs"],
        instead: STANDING,
    },
    Mechanism {
        pattern: "pub const ALL: [Self",
        within: "crates/connection-core/src/",
        // The roles of callers are not all roles.
        except: &["/access_token/record.rs"],
        instead: WORDS,
    },
    Mechanism {
        pattern: "sealer.seal",
        within: "crates/connection-core/src/",
        except: &["/ground/sealed.rs", "/keys/rotate.rs"],
        instead: SEALED,
    },
    Mechanism {
        pattern: "sealer.open(",
        within: "crates/connection-core/src/",
        except: &["/ground/sealed.rs", "/keys/rotate.rs"],
        instead: SEALED,
    },
    Mechanism {
        pattern: "Sealed { what: ",
        within: "crates/connection-core/src/",
        except: &["/ground/sealed.rs"],
        instead: SEALED,
    },
    Mechanism {
        pattern: "connection_seal::Place",
        within: "crates/connection-core/src/",
        except: &["/store/sealed_cell.rs"],
        instead: SEALED,
    },
    Mechanism {
        pattern: "pub next: Option<",
        within: "crates/connection-core/src/",
        except: &["/src/page.rs"],
        instead: PAGE,
    },
    Mechanism {
        pattern: ".filter(|_| !is_last)",
        within: "crates/",
        except: &["/connection-core/src/page.rs"],
        instead: PAGE,
    },
    Mechanism { pattern: "LimitOfAll", within: "crates/", except: &[], instead: PAGE },
];

/// Returns the lines of a source file that look like a second copy of a mechanism.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let is_source = path.starts_with("crates/") || path.starts_with("plugins/");
    if !is_source || !path.contains("/src/") || path.contains("/tests/") {
        return Vec::new();
    }
    let is_checked = |mechanism: &&Mechanism| {
        path.starts_with(mechanism.within) && !mechanism.except.iter().any(|file| path.ends_with(file))
    };
    let mut findings = Vec::new();
    for Mechanism { pattern, instead, .. } in MECHANISMS.iter().filter(is_checked) {
        for (index, line) in text.lines().enumerate() {
            if line.contains(pattern) {
                findings.push(format!("{path}:{}: contains `{pattern}`: {instead}", index + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn each_exception_is_a_file_with_the_text() {
        let files = Workspace::find().unwrap().texts(|path| path.contains("/src/") && path.ends_with(".rs")).unwrap();
        for mechanism in MECHANISMS {
            for end in mechanism.except {
                let is_needed =
                    files.iter().any(|(path, text)| path.ends_with(end) && text.contains(mechanism.pattern));
                assert!(is_needed, "{end} does not contain `{}`", mechanism.pattern);
            }
        }
    }

    #[test]
    fn a_second_copy_is_found_in_sources_alone() {
        for mechanism in MECHANISMS {
            let text = format!("\n    {}", mechanism.pattern);
            let found = findings("crates/connection-core/src/other.rs", &text);
            assert_eq!(found.len(), 1, "{mechanism:?}");
            assert!(found[0].contains("src/other.rs:2: "), "{found:?}");
            assert!(findings("crates/connection-core/tests/main/other.rs", &text).is_empty());
            for file in mechanism.except {
                assert!(findings(&format!("crates/connection-core/src{file}"), &text).is_empty());
            }
        }
    }
}
