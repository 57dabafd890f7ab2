-- The tables of a store, grouped by subject: keys, connections and their places in lists, setup sessions, exchanges,
-- events, webhooks, extensions, agents, approvals, freezes, uses, profiles, access tokens, usage, and values of
-- plugins.
--
-- Times are seconds since 1970, and counts are 64-bit, unless a column says otherwise.
-- A column named sealed holds bytes that only the keyset opens, and each value opens only in its own row and column.
-- An owner is a namespace that the host chooses.
--
-- A mark shows that this program wrote the row. It is 32 bytes that name the row, the number of its newest row event, the
-- layout of the mark, a digest of the columns that decide something, and a MAC over all of them. A row whose mark does not
-- fit is refused.
--
-- Triggers named connection_notify_* tell other processes which rows have changed, so that they need not ask. The
-- payload names a row and holds nothing of it: account:ID, setup:ID, usage:ID and webhook:ID of the connection,
-- extension for those of any owner, freeze, or keyset. Equal payloads of one transaction are sent once. They are hints:
-- a process that misses one reads the rows later. SQLite tells the same with PRAGMA data_version, so its schema has no
-- such triggers.

CREATE FUNCTION connection_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    IF TG_TABLE_NAME = 'connection_account' THEN
        PERFORM pg_notify('connection_changed', 'account:' || changed.id);
    ELSIF TG_TABLE_NAME = 'connection_setup' THEN
        PERFORM pg_notify('connection_changed', 'setup:' || changed.id);
    ELSIF TG_TABLE_NAME = 'connection_setup_input' THEN
        PERFORM pg_notify('connection_changed', 'setup:' || changed.session_id);
    ELSIF TG_TABLE_NAME = 'connection_keyset' THEN
        PERFORM pg_notify('connection_changed', 'keyset');
    ELSE
        PERFORM pg_notify('connection_changed', 'account:' || changed.connection_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_notify_extension() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'extension');
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_notify_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'usage:' || NEW.connection_id);
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_notify_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'webhook:' || NEW.connection_id);
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_notify_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'freeze');
    RETURN NULL;
END
$$;

-- Keys ----------------------------------------------------------------------------------------------------------------

-- The only row holds the keys that seal the other tables, themselves sealed by a key source.
--
-- There are two slots, so that the slot of a new key source is written and read back before that of the old one is
-- cleared.
CREATE TABLE connection_keyset (
    -- Two first starts that insert at once agree on the row of the first.
    only_row      BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The id of this store. The key source receives it with each key that it wraps.
    store_id      UUID   NOT NULL,
    -- Grows with every change of the row. A change names the revision that it has read.
    revision      BIGINT NOT NULL CHECK (revision >= 1),
    -- Grows when the keys change, and not when they are only wrapped for another key source.
    keys_revision BIGINT NOT NULL DEFAULT 1 CHECK (keys_revision >= 1),
    slot_a        BYTEA,
    slot_b        BYTEA,
    CHECK (slot_a IS NOT NULL OR slot_b IS NOT NULL)
);

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_keyset
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_keyset
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

-- Connections ---------------------------------------------------------------------------------------------------------

-- A row is a connection: an account at a provider, with its label, its public configuration, and the generation of the
-- credential that is in use.
CREATE TABLE connection_account (
    id              UUID    NOT NULL PRIMARY KEY,
    owner           TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    -- The profile of a local tool that the connection stands for. NULL for kinds without profiles.
    profile_id      TEXT,
    label           TEXT    NOT NULL,
    -- The provider's id of the account, which never changes.
    account_id      TEXT    NOT NULL,
    -- The name of the account for people, which may change.
    account_label   TEXT    NOT NULL,
    -- The connection that a request for its provider means unless it names another one.
    is_default      BOOLEAN NOT NULL DEFAULT FALSE,
    -- The public configuration, as JSON.
    config          TEXT    NOT NULL,
    -- The digest of the kind's terms to which a person agreed, a key of connection_kind_terms. NULL for a kind without
    -- terms.
    terms           BYTEA CHECK (octet_length(terms) = 32),
    -- Grows when the configuration changes.
    config_revision BIGINT  NOT NULL DEFAULT 0 CHECK (config_revision >= 0),
    -- The generation of the credential in use; 0 before there is one.
    generation      BIGINT  NOT NULL DEFAULT 0 CHECK (generation >= 0),
    -- The next generation to draw. Lower ones are used up, also by credentials that were never in use.
    next_generation BIGINT  NOT NULL DEFAULT 1 CHECK (next_generation > generation),
    -- The variants of AccountState in src/store/rows/account.rs.
    state           TEXT    NOT NULL CHECK (state IN ('active', 'removing')),
    -- Grows with every change of the row.
    revision        BIGINT  NOT NULL DEFAULT 1 CHECK (revision >= 1),
    -- The time in microseconds at which the connection became usable: its position in lists. It is greater than that of
    -- every connection stored before, so a setup that takes long does not insert its connection before listed ones.
    usable_at       BIGINT  NOT NULL DEFAULT 0,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    -- The tags that a host has set on the connection, as a JSON object of texts. NULL for none.
    tags            TEXT,
    UNIQUE (owner, kind, label)
);

-- The connections of an owner that an extension could use, page by page.
CREATE INDEX connection_account_owner ON connection_account (owner, id);
-- The same connections of one kind, page by page.
CREATE INDEX connection_account_kind ON connection_account (owner, kind, id);
-- The defaults of an owner.
CREATE INDEX connection_account_default ON connection_account (owner) WHERE is_default;
-- All connections of a kind, of any owner, when the kind is registered or unregistered.
CREATE INDEX connection_account_of_kind ON connection_account (kind, id);
-- The list of all owners' connections, and the last position, which a new connection exceeds.
CREATE INDEX connection_account_usable ON connection_account (usable_at, id);
-- The list of an owner's connections.
CREATE INDEX connection_account_usable_owner ON connection_account (owner, usable_at, id);
-- The list of an owner's connections of one kind.
CREATE INDEX connection_account_usable_kind ON connection_account (owner, kind, usable_at, id);
-- The first connection to an account, which a setup looks for. With the id in the index, it is found without walking
-- the others.
CREATE INDEX connection_account_identity ON connection_account (owner, kind, account_id, id);
-- The first connection of a profile, or without one, and the number of connections of a profile.
CREATE INDEX connection_account_profile ON connection_account (owner, kind, profile_id, id);

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_account
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_account
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

-- A row is one of the tags in connection_account, so that the connections with a tag are found and listed in the order
-- of lists.
CREATE TABLE connection_tag (
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    name          TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    owner         TEXT   NOT NULL,
    -- The position of the connection in lists, which never changes.
    usable_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name)
);

CREATE INDEX connection_tag_value ON connection_tag (owner, name, value, usable_at, connection_id);

-- A row is a text of terms under which an account was connected, by its SHA-256, so that a change can be shown. Rows
-- are not deleted: there is one for each version of a kind.
CREATE TABLE connection_kind_terms (
    digest BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    terms  TEXT  NOT NULL
);

-- A row is a credential of a connection in one generation. A connection has at most one in each state.
CREATE TABLE connection_credential (
    connection_id    UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    generation       BIGINT NOT NULL CHECK (generation >= 1),
    -- The variants of CredentialState in src/store/rows/credential.rs.
    state            TEXT   NOT NULL CHECK (state IN ('candidate', 'current', 'previous')),
    sealed           BYTEA  NOT NULL,
    -- The key that sealed it.
    key_id           BYTEA  NOT NULL CHECK (length(key_id) = 8),
    -- The names of the secrets that it contains, as JSON.
    secret_names     TEXT   NOT NULL,
    -- The scopes that the provider reported, as JSON. NULL if it reports none.
    granted_scopes   TEXT,
    valid_until      BIGINT,
    created_at       BIGINT NOT NULL,
    -- The time of the refresh that created it. NULL if a setup or an import did.
    refreshed_at     BIGINT,
    -- The time at which the plugin wants a refresh. NULL for shortly before valid_until.
    renew_at         BIGINT,
    -- The end of the authorization, after which a refresh no longer works.
    authorized_until BIGINT,
    -- The time of the next refresh. NULL if no time makes it due, or if the provider refuses to renew it.
    refresh_at       BIGINT,
    -- The number of refreshes that failed in a row, and the reason of the last one, as JSON.
    refresh_failures BIGINT NOT NULL DEFAULT 0 CHECK (refresh_failures >= 0),
    refresh_reason   TEXT,
    -- The time at which its approaching end was announced.
    announced_at     BIGINT,
    -- Set when another credential replaces it: the time, and the account and configuration that the connection had
    -- with it. A rollback restores them with the credential.
    replaced_at      BIGINT,
    account_id       TEXT,
    account_label    TEXT,
    config           TEXT,
    mark             BYTEA,
    -- Set when the credential came from a backup and its refresh token may be used up since: 'used' if the replaced
    -- store shows that, 'unknown' if nothing does. The credential is then refreshed only after a person asks for it,
    -- which clears this column. NULL for all other credentials.
    restored         TEXT CHECK (restored IN ('used', 'unknown')),
    PRIMARY KEY (connection_id, generation)
);

-- The credential of a connection in each state, which is unique.
CREATE UNIQUE INDEX connection_credential_candidate ON connection_credential (connection_id) WHERE state = 'candidate';
CREATE UNIQUE INDEX connection_credential_current ON connection_credential (connection_id) WHERE state = 'current';
CREATE UNIQUE INDEX connection_credential_previous ON connection_credential (connection_id) WHERE state = 'previous';
-- The previous credentials that are no longer kept.
CREATE INDEX connection_credential_replaced ON connection_credential (replaced_at) WHERE state = 'previous';
-- The credentials that a key has sealed. No query of the program asks for them.
CREATE INDEX connection_credential_key ON connection_credential (key_id);
-- The refreshes that are due, and the time of the next one.
CREATE INDEX connection_credential_refresh ON connection_credential (refresh_at)
    WHERE state = 'current' AND refresh_at IS NOT NULL;
-- The credentials that end soon, until that is announced.
CREATE INDEX connection_credential_valid ON connection_credential (valid_until)
    WHERE state = 'current' AND announced_at IS NULL AND valid_until IS NOT NULL;
-- The authorizations that end soon, until that is announced.
CREATE INDEX connection_credential_authorized ON connection_credential (authorized_until)
    WHERE state = 'current' AND announced_at IS NULL AND authorized_until IS NOT NULL;

-- A verify writes the scopes and times that it learned even when they are the same as before, which is no change.
CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_credential
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_credential
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

-- A row is the last measured liveness of a connection, and the lease of its refresh. Losing a row costs one probe.
CREATE TABLE connection_liveness (
    connection_id      UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    liveness           TEXT   NOT NULL,
    -- The reason why the connection does not work, as JSON.
    reason             TEXT,
    -- The generation of the credential with which this was measured.
    generation         BIGINT NOT NULL CHECK (generation >= 0),
    checked_at         BIGINT,
    next_check_at      BIGINT,
    -- The number of failures in a row.
    failures           BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- The process that refreshes the credential, until when, and how often the lease was taken.
    lease_owner        TEXT,
    lease_until        BIGINT,
    fence              BIGINT NOT NULL DEFAULT 0,
    -- The time of a use that the provider refused with 401 and that no verification has followed. It and the next
    -- column are measured by the database's clock.
    refused_at         BIGINT,
    -- The time at which a process last began a verification because of such a use.
    refusal_checked_at BIGINT,
    -- The origin that the last verification asked, and the time from which an answer of it makes the connection due for
    -- another one. The time is NULL if none does.
    probe_origin       TEXT,
    probe_from         BIGINT,
    -- The end of a pause that the provider asked for at the last verification.
    paused_until       BIGINT,
    -- The same origin and time for the last refresh.
    refresh_origin     TEXT,
    refresh_from       BIGINT
);

-- The probes that are due, and the time of the next one.
CREATE INDEX connection_liveness_due ON connection_liveness (next_check_at) WHERE next_check_at IS NOT NULL;
-- The connections that are due for a verification because of such a use.
CREATE INDEX connection_liveness_refused ON connection_liveness (refused_at) WHERE refused_at IS NOT NULL;
-- The connections that wait for an answer of an origin.
CREATE INDEX connection_liveness_probe ON connection_liveness (probe_origin, connection_id)
    WHERE probe_from IS NOT NULL;
CREATE INDEX connection_liveness_refresh ON connection_liveness (refresh_origin, connection_id)
    WHERE refresh_from IS NOT NULL;

-- The result of a probe is a change; its time is not.
CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_liveness
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_liveness
    FOR EACH ROW WHEN (OLD.liveness IS DISTINCT FROM NEW.liveness OR OLD.reason IS DISTINCT FROM NEW.reason)
    EXECUTE FUNCTION connection_notify();

-- A row says to which grant at its provider the credential of a connection belongs, for a provider that can only end
-- everything that an account has granted to an application. A connection without a row was not verified yet, or its
-- provider ends single credentials.
CREATE TABLE connection_provider_grant (
    connection_id UUID  NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- MACs of the provider with the application, and of the provider with the account.
    application   BYTEA NOT NULL CHECK (octet_length(application) = 32),
    account       BYTEA NOT NULL CHECK (octet_length(account) = 32)
);

CREATE INDEX connection_provider_grant_account ON connection_provider_grant (account, application);

-- Places in lists -----------------------------------------------------------------------------------------------------

-- A row decides where the list of an owner shows a connection, so that a page of it takes as long with a million
-- connections as with ten. It repeats facts of other tables, and the triggers below keep it current.
CREATE TABLE connection_place (
    connection_id UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    owner         TEXT   NOT NULL,
    -- What connections have in common that a list shows together: the kind, the digest of the terms in hexadecimal, the
    -- liveness, and 1 if a person should look at them, whatever the time and the registered kinds are. A space follows
    -- each of the first three.
    class         TEXT   NOT NULL COLLATE "C",
    label         TEXT   NOT NULL COLLATE "C",
    -- The time at which the connection stops working unless a person acts. NULL if it has no end that the provider
    -- stated, and for the classes that a person should look at anyway.
    ends_at       BIGINT
);

-- The classes of an owner, and the connections of a class in the order of lists.
CREATE INDEX connection_place_class ON connection_place (owner, class, label, connection_id);
-- The connections of an owner that end first.
CREATE INDEX connection_place_end ON connection_place (owner, ends_at) WHERE ends_at IS NOT NULL;

-- The rows of connection_place as the other tables have them. The conditions are those of
-- ConnectionInfo::needs_attention in src/connection_info/mod.rs that depend on neither the time nor the kinds.
CREATE VIEW connection_place_now AS
SELECT connection_id, owner, kind || ' ' || terms || ' ' || liveness || ' ' || urgent AS class, label,
       CASE WHEN urgent = 0 THEN ends_at END AS ends_at
FROM (
    SELECT
        a.id AS connection_id,
        a.owner,
        a.kind,
        COALESCE(encode(a.terms, 'hex'), '') AS terms,
        CASE WHEN l.liveness IN ('live', 'offline', 'failing') THEN l.liveness ELSE 'unknown' END AS liveness,
        CASE WHEN CASE
            WHEN l.liveness = 'failing' THEN TRUE
            WHEN strpos(l.reason, '"code":"restored"') > 0 THEN TRUE
            WHEN l.liveness = 'offline' THEN strpos(l.reason, '"code":"refresh_outcome_unknown"') > 0
                                             AND strpos(l.reason, '"remedy":"') > 0
            WHEN l.reason IS NULL AND l.refused_at IS NULL THEN strpos(c.refresh_reason, '"code":"restored"') > 0
        END THEN 1 ELSE 0 END AS urgent,
        a.label,
        CASE
            WHEN c.refresh_at IS NOT NULL THEN c.authorized_until
            ELSE LEAST(c.valid_until, c.authorized_until)
        END AS ends_at
    FROM connection_account AS a
    LEFT JOIN connection_liveness AS l ON l.connection_id = a.id
    LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation
) AS now;

-- A function keeps the plans of its queries for as long as the session lasts. A plan that was made for a few rows would
-- read whole tables when there are many, so these functions always use the indexes.
--
-- A statement sees what was committed when it began. The row is locked first, so that of two transactions that change
-- the same connection, the second one computes its place from what both have changed.

CREATE FUNCTION connection_place_of_account() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    INSERT INTO connection_place (connection_id, owner, class, label, ends_at)
    SELECT n.connection_id, n.owner, n.class, n.label, n.ends_at
    FROM added AS d JOIN connection_place_now AS n ON n.connection_id = d.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_place_of_added() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM 1 FROM added AS d JOIN connection_place AS p ON p.connection_id = d.connection_id FOR UPDATE OF p;
    UPDATE connection_place AS p SET class = n.class, ends_at = n.ends_at
    FROM added AS d JOIN connection_place_now AS n ON n.connection_id = d.connection_id
    WHERE p.connection_id = d.connection_id AND (n.class, n.ends_at) IS DISTINCT FROM (p.class, p.ends_at);
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_place_of_changed() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    changed UUID;
BEGIN
    IF TG_TABLE_NAME = 'connection_account' THEN
        changed := NEW.id;
    ELSE
        changed := NEW.connection_id;
    END IF;
    PERFORM 1 FROM connection_place AS p WHERE p.connection_id = changed FOR UPDATE;
    UPDATE connection_place AS p SET owner = n.owner, class = n.class, label = n.label, ends_at = n.ends_at
    FROM connection_place_now AS n
    WHERE p.connection_id = changed AND n.connection_id = changed
    AND (n.owner, n.class, n.label, n.ends_at) IS DISTINCT FROM (p.owner, p.class, p.label, p.ends_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER connection_place_of_account AFTER INSERT ON connection_account
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_account();

CREATE TRIGGER connection_place_of_changed_account
    AFTER UPDATE OF owner, kind, label, terms, generation ON connection_account
    FOR EACH ROW WHEN ((NEW.owner, NEW.kind, NEW.label, NEW.terms, NEW.generation)
        IS DISTINCT FROM (OLD.owner, OLD.kind, OLD.label, OLD.terms, OLD.generation))
    EXECUTE FUNCTION connection_place_of_changed();

CREATE TRIGGER connection_place_of_liveness AFTER INSERT ON connection_liveness
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_added();

CREATE TRIGGER connection_place_of_changed_liveness
    AFTER UPDATE OF liveness, reason, refused_at ON connection_liveness
    FOR EACH ROW WHEN ((NEW.liveness, NEW.reason, NEW.refused_at)
        IS DISTINCT FROM (OLD.liveness, OLD.reason, OLD.refused_at))
    EXECUTE FUNCTION connection_place_of_changed();

CREATE TRIGGER connection_place_of_credential AFTER INSERT ON connection_credential
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_added();

-- Only whether there is a time of a refresh matters, and not when it is.
CREATE TRIGGER connection_place_of_changed_credential
    AFTER UPDATE OF generation, valid_until, authorized_until, refresh_at, refresh_reason ON connection_credential
    FOR EACH ROW WHEN ((NEW.generation, NEW.valid_until, NEW.authorized_until, NEW.refresh_at IS NULL, NEW.refresh_reason)
        IS DISTINCT FROM (OLD.generation, OLD.valid_until, OLD.authorized_until, OLD.refresh_at IS NULL, OLD.refresh_reason))
    EXECUTE FUNCTION connection_place_of_changed();

-- Setup sessions ------------------------------------------------------------------------------------------------------

-- A row is a setup session, open or ended.
CREATE TABLE connection_setup (
    id            UUID   NOT NULL PRIMARY KEY,
    owner         TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    -- The connection that the session creates or changes. A new one does not exist before the session is done.
    connection_id UUID   NOT NULL,
    -- The variants of SetupState in src/store/rows/setup.rs.
    state         TEXT   NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'failed', 'cancelled')),
    -- The number of the step that is shown.
    step_seq      BIGINT NOT NULL DEFAULT 0 CHECK (step_seq >= 0),
    -- What the session was begun with, which every run of the plugin needs.
    sealed_header BYTEA,
    -- The step that is shown, or the outcome.
    sealed_step   BYTEA,
    -- The process that runs the plugin, and until when no other process does.
    lease_owner   TEXT,
    lease_until   BIGINT,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

-- The sessions that have expired.
CREATE INDEX connection_setup_expiry ON connection_setup (expires_at);
-- The open sessions of an owner.
CREATE INDEX connection_setup_open ON connection_setup (owner, id) WHERE state IN ('running', 'waiting');
-- The open sessions of all owners, which a process continues.
CREATE INDEX connection_setup_unended ON connection_setup (id) WHERE state IN ('running', 'waiting');
-- The leases of a process that returns them.
CREATE INDEX connection_setup_lease ON connection_setup (lease_owner) WHERE lease_owner IS NOT NULL;
-- The open sessions of a connection.
CREATE INDEX connection_setup_connection ON connection_setup (connection_id) WHERE state IN ('running', 'waiting');

-- Deletes what only a run needs when a session ends: its journal, the inputs that were not taken, and its exchanges.
-- The journal holds sealed secrets. The trigger is part of the statement that ends the session, so a session that has
-- ended has no journal.
CREATE FUNCTION connection_setup_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM connection_setup_effect WHERE session_id = NEW.id;
    DELETE FROM connection_setup_input WHERE session_id = NEW.id;
    DELETE FROM connection_exchange WHERE session_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER connection_setup_end AFTER UPDATE OF state ON connection_setup
    FOR EACH ROW WHEN (NEW.state IN ('done', 'failed', 'cancelled')) EXECUTE FUNCTION connection_setup_end();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_setup
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_setup
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

-- A row is an entry of a session's journal: the result of one effect of the plugin.
--
-- The number of an effect is the fence: of two runs of one session, one inserts it, and the other stops.
CREATE TABLE connection_setup_effect (
    session_id UUID   NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    seq        BIGINT NOT NULL CHECK (seq >= 0),
    sealed     BYTEA  NOT NULL,
    PRIMARY KEY (session_id, seq)
);

-- A row is an answer or a callback that no run of the session has taken yet.
CREATE TABLE connection_setup_input (
    session_id UUID  NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    id         UUID  NOT NULL,
    sealed     BYTEA NOT NULL,
    PRIMARY KEY (session_id, id)
);

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_setup_input
    FOR EACH ROW EXECUTE FUNCTION connection_notify();

-- A row leads a callback to its session, once.
CREATE TABLE connection_endpoint (
    -- A MAC of the secret part of the callback's address, which is stored nowhere.
    token_hash BYTEA  NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    owner      TEXT   NOT NULL,
    session_id UUID   NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    used_at    BIGINT,
    expires_at BIGINT NOT NULL
);

-- The addresses of a session.
CREATE INDEX connection_endpoint_session ON connection_endpoint (session_id);

-- Exchanges -----------------------------------------------------------------------------------------------------------

-- A row is a request that spends something, such as a refresh token. It is committed before the request leaves, and the
-- answer is added before the plugin sees it, so that nothing is spent twice and no answer is lost.
CREATE TABLE connection_exchange (
    -- An HMAC of the spent value and of the connection or session that spends it. The request is not part of it.
    key           BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(key) = 32),
    -- The connection or the session, never both.
    connection_id UUID   REFERENCES connection_account (id) ON DELETE CASCADE,
    session_id    UUID   REFERENCES connection_setup (id) ON DELETE CASCADE,
    -- The machine and the process of the last attempt. Without a machine, no process can prove that this one is gone.
    node_id       TEXT,
    process_id    TEXT   NOT NULL,
    -- The beginnings of the first attempt and of the last one.
    begun_at      BIGINT NOT NULL,
    sent_at       BIGINT NOT NULL,
    -- The last sign of life of the process while the exchange is open.
    seen_at       BIGINT NOT NULL,
    -- The time since which it is known that the attempt is over, while there is no clear answer.
    concluded_at  BIGINT,
    -- The pause that the provider requested after the last attempt, in seconds.
    retry_after   BIGINT NOT NULL DEFAULT 0 CHECK (retry_after >= 0),
    -- The variants of ExchangeState in src/store/rows/exchange.rs.
    state         TEXT   NOT NULL CHECK (state IN ('intent', 'answered')),
    -- The number of attempts before the last one. It is counted before the request leaves.
    replays       BIGINT NOT NULL DEFAULT 0 CHECK (replays >= 0),
    -- The answer.
    sealed        BYTEA,
    CHECK ((connection_id IS NULL) <> (session_id IS NULL)),
    CHECK ((state = 'answered') = (sealed IS NOT NULL))
);

-- The exchanges of a connection, which end with it.
CREATE INDEX connection_exchange_connection ON connection_exchange (connection_id) WHERE connection_id IS NOT NULL;
-- The exchanges of a session, which end with it.
CREATE INDEX connection_exchange_session ON connection_exchange (session_id) WHERE session_id IS NOT NULL;
-- The open attempts of the processes of one machine.
CREATE INDEX connection_exchange_open ON connection_exchange (node_id)
    WHERE state = 'intent' AND concluded_at IS NULL;

-- A row says when a boot of a machine first saw that an attempt is over. A quarantine is measured from then by the time
-- since that boot, which no person can set.
CREATE TABLE connection_exchange_look (
    key          BYTEA  NOT NULL REFERENCES connection_exchange (key) ON DELETE CASCADE,
    -- The value of connection_exchange.replays during the attempt.
    attempt      BIGINT NOT NULL CHECK (attempt >= 0),
    boot_id      TEXT   NOT NULL,
    -- Seconds since the boot.
    boot_seconds BIGINT NOT NULL CHECK (boot_seconds >= 0),
    PRIMARY KEY (key, attempt, boot_id)
);

-- Events --------------------------------------------------------------------------------------------------------------

-- A row is an event of a connection, committed with the change that it reports. It outlives the connection and is never
-- changed.
CREATE TABLE connection_event (
    id            UUID   NOT NULL PRIMARY KEY,
    owner         TEXT   NOT NULL,
    connection_id UUID   NOT NULL,
    -- The number of the event: from 1, without gaps, for each connection.
    seq           BIGINT NOT NULL CHECK (seq >= 1),
    at            BIGINT NOT NULL,
    -- The name of the event, and its data, as JSON without secrets.
    kind          TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    -- A MAC over the chain of the event before and the columns of this one, which reveals an edit.
    chain         BYTEA  NOT NULL CHECK (length(chain) = 32),
    -- The generation in use from this event on; 0 after the connection was removed.
    generation    BIGINT,
    -- A MAC over the other columns of connection_account that decide something, from this event on; empty after the
    -- connection was removed.
    facts         BYTEA,
    UNIQUE (connection_id, seq)
);

-- The events of all of an owner's connections.
CREATE INDEX connection_event_owner ON connection_event (owner, id);

CREATE FUNCTION connection_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connection_event is append-only';
END
$$;

CREATE TRIGGER connection_event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON connection_event
    FOR EACH STATEMENT EXECUTE FUNCTION connection_event_is_append_only();

-- A row records that a row with a mark was written or deleted, so that an older version of it is recognized. It is
-- never changed.
CREATE TABLE connection_row_event (
    owner   TEXT   NOT NULL,
    -- The number of the row event: from 1, without gaps, for each owner.
    seq     BIGINT NOT NULL CHECK (seq >= 1),
    -- A MAC of the table and the primary key of the row.
    subject BYTEA  NOT NULL CHECK (length(subject) = 32),
    at      BIGINT NOT NULL,
    -- A MAC over the chain of the row event before and the columns of this one.
    chain   BYTEA  NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (owner, seq)
);

-- The newest row event of a row.
CREATE INDEX connection_row_event_subject ON connection_row_event (owner, subject, seq);

CREATE FUNCTION connection_row_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connection_row_event is append-only';
END
$$;

CREATE TRIGGER connection_row_event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON connection_row_event
    FOR EACH STATEMENT EXECUTE FUNCTION connection_row_event_is_append_only();

-- Events for the operator ---------------------------------------------------------------------------------------------

-- The only row says that the operator gets messages about events.
CREATE TABLE connection_event_receiver (
    only_row     BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The time at which a process last collected due events, by the database's clock and at most an hour too early.
    collected_at BIGINT NOT NULL
);

-- A row is an event whose message is not in connection_outbox yet. The transaction that records the event adds the row,
-- so an event that is committed late or by a process with a wrong clock is not overlooked.
CREATE TABLE connection_event_due (
    -- The id of the event in connection_event.
    event_id UUID NOT NULL PRIMARY KEY
);

-- Without a collection for 30 days, no more rows are added. The row of the receiver is read without a lock.
CREATE FUNCTION connection_event_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO connection_event_due (event_id)
    SELECT NEW.id FROM connection_event_receiver
    WHERE only_row = 1 AND collected_at > CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) - 30 * 86400;
    RETURN NULL;
END
$$;

-- The events about which src/outbox/message.rs makes messages.
CREATE TRIGGER connection_event_is_due AFTER INSERT ON connection_event
    FOR EACH ROW WHEN (NEW.kind IN ('approval_decided', 'approval_ended', 'approval_lapsed', 'approval_requested',
                                    'connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed',
                                    'reauthorized', 'removed', 'rolled_back'))
    EXECUTE FUNCTION connection_event_is_due();

-- A row is an event of a connection that this program sends to the address of the operator, until it is delivered.
CREATE TABLE connection_outbox (
    -- The id of the event in connection_event, which is also the id that the receiver sees.
    id            UUID   NOT NULL PRIMARY KEY,
    owner         TEXT   NOT NULL,
    -- The connection may have been removed.
    connection_id UUID   NOT NULL,
    -- The type: one of MESSAGE_TYPES in src/outbox/message.rs.
    name          TEXT   NOT NULL,
    -- The text that is signed and sent: JSON without secrets.
    body          TEXT   NOT NULL,
    -- The variants of OutboxState in src/store/rows/outbox.rs.
    state         TEXT   NOT NULL CHECK (state IN ('failed', 'pending')),
    -- The number of attempts that were begun.
    attempts      BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- The time from which the next attempt may begin.
    next_at       BIGINT,
    -- The process that sends the message, and until when no other process does.
    lease_owner   TEXT,
    lease_until   BIGINT,
    -- The reason why the last attempt failed, for people.
    failure       TEXT,
    CHECK ((state = 'pending') = (next_at IS NOT NULL))
);

-- The events that are due.
CREATE INDEX connection_outbox_due ON connection_outbox (next_at) WHERE next_at IS NOT NULL;
-- The events that are deleted when they are old.
CREATE INDEX connection_outbox_state ON connection_outbox (state, id);
-- The events of an owner, page by page.
CREATE INDEX connection_outbox_owner ON connection_outbox (owner, id);

-- A row says whether the operator was last told that the connection needs a person.
CREATE TABLE connection_attention (
    connection_id UUID    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The number of the last event that was considered.
    number        BIGINT  NOT NULL,
    is_needed     BOOLEAN NOT NULL
);

-- Webhooks ------------------------------------------------------------------------------------------------------------

-- A row is the address at which a connection receives webhooks, with the counts of its inbox and the result of its last
-- test. It stays when webhooks are disabled, because the numbers of its inbox continue.
CREATE TABLE connection_webhook_address (
    connection_id     UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- A MAC of the secret part of the address. NULL while webhooks are disabled.
    token_hash        BYTEA  UNIQUE CHECK (length(token_hash) = 32),
    -- The address and its keys. NULL while webhooks are disabled.
    sealed            BYTEA,
    -- Grows with every change of the sealed value. A change names the revision that it has read.
    revision          BIGINT NOT NULL CHECK (revision >= 1),
    -- The number of the next event.
    next_number       BIGINT NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    -- The events that are not acknowledged, and their sealed bytes. An event that was set aside does not count.
    waiting           BIGINT NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    waiting_bytes     BIGINT NOT NULL DEFAULT 0 CHECK (waiting_bytes >= 0),
    -- The time of the last test of this address and key. NULL if they were not tested.
    tested_at         BIGINT,
    -- The address that was tested, up to its secret part.
    tested_url        TEXT,
    -- The generation of the credential that signed the test. NULL if a key of the address did.
    tested_generation BIGINT,
    -- The code of the reason why the test did not arrive. NULL if it did.
    test_failure      TEXT,
    CHECK ((token_hash IS NULL) = (sealed IS NULL)),
    CHECK ((tested_url IS NULL) = (tested_at IS NULL)),
    CHECK (tested_generation IS NULL OR tested_at IS NOT NULL),
    CHECK (test_failure IS NULL OR tested_at IS NOT NULL)
);

-- The inboxes in which an event waits.
CREATE INDEX connection_webhook_address_waiting ON connection_webhook_address (connection_id) WHERE waiting > 0;

-- A row is an event that a provider sent. It stays until it is acknowledged. Its digest stays for a while longer, so
-- that a repeated delivery is not taken for a new event.
CREATE TABLE connection_webhook (
    id              UUID   NOT NULL PRIMARY KEY,
    connection_id   UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The position in the inbox of the connection.
    number          BIGINT NOT NULL CHECK (number >= 1),
    -- A MAC of what the provider's signature covers. Two deliveries with the same digest are one event.
    digest          BYTEA  NOT NULL CHECK (length(digest) = 32),
    received_at     BIGINT NOT NULL,
    -- The process whose receiver has the event, and until when. The greatest integer marks an event that was set aside.
    lease_owner     TEXT,
    lease_until     BIGINT,
    acknowledged_at BIGINT,
    -- NULL after the event was acknowledged.
    sealed          BYTEA,
    UNIQUE (connection_id, digest),
    UNIQUE (connection_id, number),
    CHECK ((acknowledged_at IS NULL) = (sealed IS NOT NULL))
);

-- The next events of an inbox.
CREATE INDEX connection_webhook_waiting ON connection_webhook (connection_id, number) WHERE acknowledged_at IS NULL;
-- The digests that are no longer needed, and the events that were set aside and are no longer kept.
CREATE INDEX connection_webhook_done ON connection_webhook (acknowledged_at) WHERE acknowledged_at IS NOT NULL;
CREATE INDEX connection_webhook_aside ON connection_webhook (received_at) WHERE lease_until = 9223372036854775807;

-- A new event is a change, and so is an acknowledgement, after which the next event can be claimed.
CREATE TRIGGER connection_notify_row AFTER INSERT ON connection_webhook
    FOR EACH ROW EXECUTE FUNCTION connection_notify_webhook();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_webhook
    FOR EACH ROW WHEN (OLD.acknowledged_at IS NULL AND NEW.acknowledged_at IS NOT NULL)
    EXECUTE FUNCTION connection_notify_webhook();

-- Extensions ----------------------------------------------------------------------------------------------------------

-- A row is an extension that was added, with its declaration.
CREATE TABLE connection_extension (
    owner       TEXT   NOT NULL,
    -- A list of extensions is merged by this program, so it is sorted by bytes.
    name        TEXT   NOT NULL COLLATE "C",
    -- The provider that its requirement names.
    provider    TEXT   NOT NULL,
    -- The declaration, as the host gave it.
    source      TEXT   NOT NULL,
    -- The fingerprint of the declared requirement. A setup that was begun for another requirement is refused.
    fingerprint BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    added_at    BIGINT NOT NULL,
    mark        BYTEA  NOT NULL,
    PRIMARY KEY (owner, name)
);

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_extension
    FOR EACH ROW EXECUTE FUNCTION connection_notify_extension();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_extension
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify_extension();

-- A row is what is known of every extension that was ever added or connected. It stays when the extension is removed,
-- so that its revisions never begin again.
CREATE TABLE connection_extension_state (
    owner           TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    -- The fingerprint of the requirement that was declared last, in any process. NULL after the extension was removed.
    fingerprint     BYTEA  CHECK (length(fingerprint) = 32),
    -- As in connection_extension. NULL while the extension is not added.
    provider        TEXT,
    -- The public preferences of the declaration that was added last, with their defaults, as JSON.
    public          TEXT,
    -- Grows when other extensions see other public preferences although no preference was written.
    public_revision BIGINT NOT NULL DEFAULT 0 CHECK (public_revision >= 0),
    mark            BYTEA  NOT NULL,
    PRIMARY KEY (owner, name)
);

-- A row says which secrets of a connection an extension may use, or was allowed to use before a person revoked it.
CREATE TABLE connection_extension_grant (
    owner         TEXT   NOT NULL,
    extension     TEXT   NOT NULL COLLATE "C",
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The names of the secrets, as JSON.
    names         TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    mark          BYTEA  NOT NULL,
    -- The rules with the budget, as JSON; see connection-rules. NULL permits every request.
    rules         TEXT,
    PRIMARY KEY (owner, extension, connection_id)
);

-- The extensions that may use a connection.
CREATE INDEX connection_extension_grant_connection ON connection_extension_grant (connection_id);

-- A row holds the scopes that a provider named when it refused a request of an extension for lack of them, since the
-- connection was authorized last.
CREATE TABLE connection_lacking_scope (
    owner         TEXT NOT NULL,
    extension     TEXT NOT NULL,
    connection_id UUID NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The scopes, as JSON.
    scopes        TEXT NOT NULL,
    PRIMARY KEY (owner, extension, connection_id)
);

CREATE INDEX connection_lacking_scope_connection ON connection_lacking_scope (connection_id);

-- A row holds the settings of an extension, or of one of its commands.
CREATE TABLE connection_extension_preference (
    owner           TEXT   NOT NULL,
    extension       TEXT   NOT NULL,
    -- Empty for the settings of the extension itself.
    command         TEXT   NOT NULL,
    -- A JSON object of names and values; empty after the extension was removed.
    body            TEXT   NOT NULL,
    -- Grows with every write.
    revision        BIGINT NOT NULL CHECK (revision >= 1),
    -- Grows with every write that changes a public preference.
    public_revision BIGINT NOT NULL DEFAULT 0 CHECK (public_revision >= 0),
    mark            BYTEA  NOT NULL,
    PRIMARY KEY (owner, extension, command)
);

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_extension_preference
    FOR EACH ROW EXECUTE FUNCTION connection_notify_extension();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_extension_preference
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify_extension();

-- A row is a ticket with which an extension continues after a person has finished the settings hand-off.
CREATE TABLE connection_extension_ticket (
    id         UUID   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    extension  TEXT   NOT NULL,
    command    TEXT   NOT NULL,
    -- The setup that was begun in the hand-off. It may no longer exist.
    session_id UUID,
    created_at BIGINT NOT NULL
);

-- The tickets of an extension that is removed.
CREATE INDEX connection_extension_ticket_extension ON connection_extension_ticket (owner, extension);
-- The tickets that are too old.
CREATE INDEX connection_extension_ticket_age ON connection_extension_ticket (created_at);

-- A row is the connection that a person chose for one extension. It ends with its connection.
CREATE TABLE connection_extension_choice (
    owner         TEXT  NOT NULL,
    extension     TEXT  NOT NULL,
    connection_id UUID  NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    mark          BYTEA NOT NULL,
    PRIMARY KEY (owner, extension)
);

-- The choices that end with a connection.
CREATE INDEX connection_extension_choice_connection ON connection_extension_choice (connection_id);

-- Agents --------------------------------------------------------------------------------------------------------------

-- A row is an agent: a program without a manifest that an owner lets use connections. It stays when the agent is
-- removed, so that its id is never used again.
CREATE TABLE connection_agent (
    id         UUID   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    name       TEXT   NOT NULL COLLATE "C" CHECK (length(name) BETWEEN 1 AND 64),
    made_at    BIGINT NOT NULL,
    -- NULL while the agent exists.
    removed_at BIGINT,
    mark       BYTEA  NOT NULL,
    -- The client for which the agent was created, as JSON: ClientOfAgent in src/access_token/client.rs. NULL for an
    -- agent that a person created otherwise.
    client     TEXT
);

-- The agents of an owner by name, with those that were removed.
CREATE INDEX connection_agent_owner ON connection_agent (owner, name, id);
-- Of several agents of an owner with the same name, all but one were removed.
CREATE UNIQUE INDEX connection_agent_name ON connection_agent (owner, name) WHERE removed_at IS NULL;

-- A row says what an agent may do with a connection, or might do before the grant was revoked or ended.
CREATE TABLE connection_agent_grant (
    owner         TEXT   NOT NULL,
    agent_id      UUID   NOT NULL REFERENCES connection_agent (id),
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The rules with the budget, as JSON; see connection-rules.
    rules         TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    -- The end. A grant to an agent always has one.
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    mark          BYTEA  NOT NULL,
    PRIMARY KEY (owner, agent_id, connection_id)
);

-- The agents that may use a connection.
CREATE INDEX connection_agent_grant_connection ON connection_agent_grant (connection_id, agent_id);
-- The grants of an agent, when its row is deleted by hand.
CREATE INDEX connection_agent_grant_agent ON connection_agent_grant (agent_id);

-- A row counts the requests of a grant with a budget. An editor of the database can refill a budget, and cannot raise
-- it, because the number of requests is in the rules of the grant, which its mark covers.
CREATE TABLE connection_budget (
    owner         TEXT   NOT NULL,
    -- The grantee: 'agent:' with an id, or 'extension:' with a name.
    grantee       TEXT   NOT NULL,
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The revision of the grant in its mark. A grant that was replaced takes from no later row.
    revision      BIGINT NOT NULL,
    -- The number of the window since the grant was given. It never becomes smaller.
    number        BIGINT NOT NULL,
    -- The requests in this window that were sent, or that a process may still send.
    taken         BIGINT NOT NULL,
    -- The requests that the last process took at once.
    lease         BIGINT NOT NULL,
    PRIMARY KEY (owner, grantee, connection_id)
);

-- The budgets of a connection, when it is deleted.
CREATE INDEX connection_budget_connection ON connection_budget (connection_id);

-- Approvals -----------------------------------------------------------------------------------------------------------

-- A row is one request of an agent about which a rule says that a person is asked. The mark covers all columns but the
-- sealed ones and the lease. A row may be there for longer than its connection.
CREATE TABLE connection_approval (
    id             UUID   NOT NULL PRIMARY KEY,
    owner          TEXT   NOT NULL,
    agent_id       UUID   NOT NULL REFERENCES connection_agent (id),
    connection_id  UUID   NOT NULL,
    kind           TEXT   NOT NULL,
    state          TEXT   NOT NULL CHECK (state IN
                       ('waiting', 'approved', 'executing', 'answered', 'refused', 'lapsed', 'unknown')),
    -- A MAC over what makes two requests of an agent equal.
    same           BYTEA  NOT NULL CHECK (octet_length(same) = 32),
    -- What is asked, who answered and how it ended, as JSON; see Facts in src/approval/facts.rs.
    facts          TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    -- The end of the time in which the request may be sent.
    ends_at        BIGINT NOT NULL,
    -- The time of the last change of the state.
    changed_at     BIGINT NOT NULL,
    -- The time at which the agent got the result.
    fetched_at     BIGINT,
    -- While the request is executed: the process that does, and until when it has said that it lives.
    lease_owner    TEXT,
    lease_until    BIGINT,
    -- The whole request, sealed. NULL after it can no longer be sent or compared.
    sealed_request BYTEA,
    -- The answer of the provider, sealed.
    sealed_answer  BYTEA,
    mark           BYTEA  NOT NULL
);

-- The approvals of an owner, the newest first.
CREATE INDEX connection_approval_owner ON connection_approval (owner, state, id);
-- The request of an agent that is equal to another one.
CREATE INDEX connection_approval_same ON connection_approval (agent_id, same, id);
-- The approvals of an agent that wait.
CREATE INDEX connection_approval_agent ON connection_approval (agent_id, state, id);
-- The approvals of a connection.
CREATE INDEX connection_approval_connection ON connection_approval (connection_id, state, id);
-- The approvals whose time ends, and may have ended.
CREATE INDEX connection_approval_ends ON connection_approval (ends_at, id) WHERE state IN ('waiting', 'approved');
-- The approvals whose last change is long ago, when they are erased.
CREATE INDEX connection_approval_changed ON connection_approval (changed_at, id);

-- A row widens a grant for a while: a rule that asks lets requests with this method and path pass.
CREATE TABLE connection_widening (
    owner         TEXT   NOT NULL,
    agent_id      UUID   NOT NULL REFERENCES connection_agent (id),
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- A MAC over the rule, the method, the place and the path.
    matched       BYTEA  NOT NULL CHECK (octet_length(matched) = 32),
    -- The revision of the grant in its mark. A widening ends with every change of the grant.
    revision      BIGINT NOT NULL,
    -- The rule, the method, the place and the path, as JSON.
    facts         TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    -- The number of requests that may be sent.
    requests      BIGINT NOT NULL,
    -- The number that was sent. It is not covered by the mark.
    taken         BIGINT NOT NULL,
    mark          BYTEA  NOT NULL,
    PRIMARY KEY (owner, agent_id, connection_id, matched)
);

-- The widenings of an agent, when its row is deleted by hand, and those of a connection, when it is removed.
CREATE INDEX connection_widening_agent ON connection_widening (agent_id);
CREATE INDEX connection_widening_connection ON connection_widening (connection_id);

-- Freezes -------------------------------------------------------------------------------------------------------------

-- The only row names what is frozen: connections, agents, owners and kinds whose credentials are neither used nor
-- handed out. A store in which this row is missing, edited or an earlier one is frozen as a whole.
CREATE TABLE connection_freeze (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The names of what is frozen, as JSON; see Frozen in src/frozen/what.rs.
    frozen TEXT   NOT NULL,
    -- Who froze and thawed what and when, as JSON: all that is frozen, and the last changes.
    notes  TEXT   NOT NULL,
    mark   BYTEA  NOT NULL
);

CREATE TRIGGER connection_notify_freeze AFTER INSERT OR UPDATE OR DELETE ON connection_freeze
    FOR EACH STATEMENT EXECUTE FUNCTION connection_notify_freeze();

-- Uses ----------------------------------------------------------------------------------------------------------------

-- The record of use: each use of a connection has an entry when it begins and another one when it ends. No entry is
-- ever changed. The text of an entry can be erased, and its commitment stays.
CREATE TABLE connection_use (
    -- The number of the entry in this store.
    number        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    use_id        UUID   NOT NULL,
    part          TEXT   NOT NULL CHECK (part IN ('began', 'ended')),
    -- SHA-256 of the salt and the text.
    commitment    BYTEA  NOT NULL,
    -- A MAC over the id, the part and the commitment.
    mark          BYTEA  NOT NULL,
    -- The columns from here on are NULL after the text was erased. The salt is 16 random bytes.
    salt          BYTEA,
    -- The text: canonical JSON. The other columns repeat parts of it for searches.
    entry         TEXT,
    at            BIGINT,
    owner         TEXT,
    -- The grantee: 'agent:' with an id, or 'extension:' with a name. NULL for a person or a host, and in an end.
    grantee       TEXT,
    token_id      UUID,
    connection_id UUID,
    rule          TEXT,
    -- NULL in a beginning.
    outcome       TEXT,
    UNIQUE (use_id, part)
);

-- Each index is in the order in which its entries are listed. The ids of a process are in the order of its uses.
CREATE INDEX connection_use_at ON connection_use (at, use_id) WHERE at IS NOT NULL;
CREATE INDEX connection_use_owner ON connection_use (owner, at, use_id) WHERE owner IS NOT NULL;
CREATE INDEX connection_use_grantee ON connection_use (owner, grantee, at, use_id) WHERE grantee IS NOT NULL;
CREATE INDEX connection_use_token ON connection_use (token_id, at, use_id) WHERE token_id IS NOT NULL;
CREATE INDEX connection_use_connection ON connection_use (connection_id, at, use_id) WHERE connection_id IS NOT NULL;
CREATE INDEX connection_use_rule ON connection_use (owner, rule, at, use_id) WHERE rule IS NOT NULL;
CREATE INDEX connection_use_outcome ON connection_use (owner, outcome, at, use_id) WHERE outcome IS NOT NULL;

-- Profiles ------------------------------------------------------------------------------------------------------------

-- A row is a profile: a separate identity of a local tool, with a label and a directory. The content of the directory
-- belongs to the tool, and none of it is stored here.
CREATE TABLE connection_profile (
    id          UUID    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    -- Absolute and normalized.
    directory   TEXT    NOT NULL,
    -- The profile to use where no slot names another one.
    is_default  BOOLEAN NOT NULL DEFAULT FALSE,
    -- The directory was the one that the tool uses by itself when the row was written.
    is_implicit BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    mark        BYTEA   NOT NULL,
    UNIQUE (owner, kind, label),
    UNIQUE (owner, kind, directory),
    -- A slot names a profile of its own owner and kind.
    UNIQUE (owner, kind, id)
);

-- The default of a kind, and the tool's own profile. There is at most one of each.
CREATE UNIQUE INDEX connection_profile_default ON connection_profile (owner, kind) WHERE is_default;
CREATE UNIQUE INDEX connection_profile_implicit ON connection_profile (owner, kind) WHERE is_implicit;

-- A row is a place of the host, such as a workspace, with a default profile of its own.
CREATE TABLE connection_profile_slot (
    owner      TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    slot       TEXT   NOT NULL,
    -- A profile that a slot names cannot be deleted: the slot would silently use another identity.
    profile_id UUID   NOT NULL,
    updated_at BIGINT NOT NULL,
    mark       BYTEA  NOT NULL,
    PRIMARY KEY (owner, kind, slot),
    FOREIGN KEY (owner, kind, profile_id) REFERENCES connection_profile (owner, kind, id)
);

-- The slots that name a profile.
CREATE INDEX connection_profile_slot_profile ON connection_profile_slot (profile_id);

-- Access tokens -------------------------------------------------------------------------------------------------------

-- A row is a token with which a page or a program uses the API, or a code that a page exchanges for a token once.
CREATE TABLE connection_access_token (
    id           UUID   NOT NULL PRIMARY KEY,
    -- The only owner for whom the token acts. Empty for a token that acts for all owners.
    owner        TEXT   NOT NULL,
    -- The variants of TokenPurpose in src/store/rows/access_token.rs.
    purpose      TEXT   NOT NULL CHECK (purpose IN ('code', 'page', 'program')),
    -- A MAC of the token, which is stored nowhere.
    token_hash   BYTEA  NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    -- The name that a person knows it by.
    name         TEXT   NOT NULL,
    -- The variants of Role in src/access_token/record.rs.
    role         TEXT   NOT NULL,
    -- The extension for which alone the token is. NULL for the others.
    extension    TEXT,
    -- The permission of the visitor of a setup link, as JSON. NULL for the others.
    link         TEXT,
    -- The only setup that the visitor of a setup link may continue. NULL until it was begun.
    setup_id     UUID,
    created_at   BIGINT NOT NULL,
    -- The end. NULL for a token that ends when nobody uses it.
    expires_at   BIGINT,
    -- The time in seconds after which a token ends that nobody uses.
    idle         BIGINT CHECK (idle > 0),
    -- The last use, at most a minute early. The mark does not cover it.
    last_used_at BIGINT,
    -- The time at which it was revoked, or at which the code was exchanged.
    revoked_at   BIGINT,
    mark         BYTEA  NOT NULL,
    -- The agent for which alone the token is. NULL for the tokens of others.
    agent_id     UUID,
    -- The use of the token of an agent: the variants of Audience in src/access_token/record.rs. NULL for the tokens of
    -- others.
    audience     TEXT,
    -- The client that got the token of an agent for a code, or that may exchange the code, as JSON: ClientOfRow in
    -- src/access_token/client.rs. NULL for the tokens that a person made.
    client       TEXT,
    CHECK (expires_at IS NOT NULL OR idle IS NOT NULL),
    CHECK (setup_id IS NULL OR link IS NOT NULL)
);

-- The tokens of an owner, page by page.
CREATE INDEX connection_access_token_owner ON connection_access_token (owner, id);
-- The tokens of an agent.
CREATE INDEX connection_access_token_agent ON connection_access_token (agent_id, id) WHERE agent_id IS NOT NULL;

-- A row is a request of a token with a key of the caller, which is carried out at most once. Rows are deleted after a
-- day.
CREATE TABLE connection_access_token_request (
    -- A MAC of the token and the key, which is stored nowhere.
    key         BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(key) = 32),
    -- A MAC of the route and the body, by which another request under the same key is recognized.
    request     BYTEA   NOT NULL CHECK (octet_length(request) = 32),
    -- The ids of what the request has made, separated by commas. NULL before it has made something.
    made        TEXT,
    created_at  BIGINT  NOT NULL,
    -- The attempt that carries the request out, and until when. NULL if no process does.
    lease_owner TEXT,
    lease_until BIGINT,
    -- The request has made everything.
    is_whole    BOOLEAN NOT NULL DEFAULT FALSE
);

-- The rows to delete.
CREATE INDEX connection_access_token_request_created ON connection_access_token_request (created_at);

-- Usage ---------------------------------------------------------------------------------------------------------------

-- A row is the last number that a metric of an account had in a period. The rows of an account that the connection no
-- longer has stay until they are old, and are not read.
CREATE TABLE connection_usage (
    connection_id UUID             NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The beginning of the period.
    at            BIGINT           NOT NULL,
    metric        TEXT             NOT NULL,
    -- The id of the account at the provider.
    account       TEXT             NOT NULL,
    value         DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (connection_id, at, metric)
);

-- Finds the usage that was fetched last.
CREATE INDEX connection_usage_by_time ON connection_usage (at);

CREATE TRIGGER connection_notify_change AFTER INSERT OR UPDATE ON connection_usage
    FOR EACH ROW EXECUTE FUNCTION connection_notify_usage();

-- A row is the usage of an account that any process fetched last, so that each process can show it. The row of an
-- account that the connection no longer has stays until the next fetch, and is not read.
CREATE TABLE connection_usage_snapshot (
    connection_id UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The id of the account at the provider.
    account       TEXT   NOT NULL,
    fetched_at    BIGINT NOT NULL,
    -- The metrics and the time at which the provider measured them, in the JSON of docs/spec/usage.md. The provider's
    -- raw answer is left out.
    snapshot      TEXT   NOT NULL
);

CREATE TRIGGER connection_notify_change AFTER INSERT OR UPDATE ON connection_usage_snapshot
    FOR EACH ROW EXECUTE FUNCTION connection_notify_usage();

-- A row is a time window that a running session of a local tool reported of its account, until the window ends or a
-- fetch measures it. The rows of an account that the connection no longer has are not read.
CREATE TABLE connection_usage_window (
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    metric        TEXT   NOT NULL,
    -- The id of the account at the provider.
    account       TEXT   NOT NULL,
    reported_at   BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    -- The metric, in the JSON of docs/spec/usage.md.
    body          TEXT   NOT NULL,
    PRIMARY KEY (connection_id, metric)
);

CREATE TRIGGER connection_notify_change AFTER INSERT OR UPDATE ON connection_usage_window
    FOR EACH ROW EXECUTE FUNCTION connection_notify_usage();

-- Values of plugins ---------------------------------------------------------------------------------------------------

-- A row is a small value that a plugin stores, either public or sealed.
CREATE TABLE connection_kv (
    owner     TEXT  NOT NULL,
    -- The part of the program that the value belongs to. Each part sees only its own values.
    namespace TEXT  NOT NULL,
    key       TEXT  NOT NULL,
    value     TEXT,
    sealed    BYTEA,
    PRIMARY KEY (owner, namespace, key),
    CHECK ((value IS NULL) <> (sealed IS NULL))
);
