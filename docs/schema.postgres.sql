-- The tables of a database of this version: what PostgreSQL says after all migrations, checked by a test.

CREATE TABLE connection_account (
    id uuid NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    profile_id text,
    label text NOT NULL,
    account_id text NOT NULL,
    account_label text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    config text NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    generation bigint NOT NULL DEFAULT 0,
    next_generation bigint NOT NULL DEFAULT 1,
    state text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    config_revision bigint NOT NULL DEFAULT 0,
    usable_at bigint NOT NULL DEFAULT 0,
    CONSTRAINT connection_account_pkey PRIMARY KEY (id),
    CONSTRAINT connection_account_owner_kind_label_key UNIQUE (owner, kind, label),
    CONSTRAINT connection_account_check CHECK ((next_generation > generation)),
    CONSTRAINT connection_account_config_revision_check CHECK ((config_revision >= 0)),
    CONSTRAINT connection_account_generation_check CHECK ((generation >= 0)),
    CONSTRAINT connection_account_revision_check CHECK ((revision >= 1)),
    CONSTRAINT connection_account_state_check CHECK ((state = ANY (ARRAY['active'::text, 'removing'::text])))
);

CREATE TABLE connection_credential (
    connection_id uuid NOT NULL,
    generation bigint NOT NULL,
    state text NOT NULL,
    sealed bytea NOT NULL,
    key_id bytea NOT NULL,
    secret_names text NOT NULL,
    granted_scopes text,
    valid_until bigint,
    created_at bigint NOT NULL,
    replaced_at bigint,
    account_id text,
    account_label text,
    config text,
    renew_at bigint,
    authorized_until bigint,
    refreshed_at bigint,
    refresh_at bigint,
    refresh_failures bigint NOT NULL DEFAULT 0,
    refresh_reason text,
    announced_at bigint,
    mark bytea,
    CONSTRAINT connection_credential_pkey PRIMARY KEY (connection_id, generation),
    CONSTRAINT connection_credential_generation_check CHECK ((generation >= 1)),
    CONSTRAINT connection_credential_key_id_check CHECK ((length(key_id) = 8)),
    CONSTRAINT connection_credential_refresh_failures_check CHECK ((refresh_failures >= 0)),
    CONSTRAINT connection_credential_state_check CHECK ((state = ANY (ARRAY['candidate'::text, 'current'::text, 'previous'::text]))),
    CONSTRAINT connection_credential_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE TABLE connection_endpoint (
    token_hash bytea NOT NULL,
    owner text NOT NULL,
    session_id uuid NOT NULL,
    used_at bigint,
    expires_at bigint NOT NULL,
    CONSTRAINT connection_endpoint_pkey PRIMARY KEY (token_hash),
    CONSTRAINT connection_endpoint_token_hash_check CHECK ((length(token_hash) = 32)),
    CONSTRAINT connection_endpoint_session_id_fkey FOREIGN KEY (session_id) REFERENCES connection_setup(id) ON DELETE CASCADE
);

CREATE TABLE connection_event (
    id uuid NOT NULL,
    owner text NOT NULL,
    connection_id uuid NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    chain bytea NOT NULL,
    generation bigint,
    facts bytea,
    CONSTRAINT connection_event_pkey PRIMARY KEY (id),
    CONSTRAINT connection_event_connection_id_seq_key UNIQUE (connection_id, seq),
    CONSTRAINT connection_event_chain_check CHECK ((length(chain) = 32)),
    CONSTRAINT connection_event_seq_check CHECK ((seq >= 1))
);

CREATE TABLE connection_exchange (
    key bytea NOT NULL,
    connection_id uuid,
    session_id uuid,
    node_id text,
    process_id text NOT NULL,
    sent_at bigint NOT NULL,
    concluded_at bigint,
    state text NOT NULL,
    replays bigint NOT NULL DEFAULT 0,
    sealed bytea,
    begun_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    retry_after bigint NOT NULL DEFAULT 0,
    CONSTRAINT connection_exchange_pkey PRIMARY KEY (key),
    CONSTRAINT connection_exchange_check CHECK (((connection_id IS NULL) <> (session_id IS NULL))),
    CONSTRAINT connection_exchange_check1 CHECK (((state = 'answered'::text) = (sealed IS NOT NULL))),
    CONSTRAINT connection_exchange_key_check CHECK ((octet_length(key) = 32)),
    CONSTRAINT connection_exchange_replays_check CHECK ((replays >= 0)),
    CONSTRAINT connection_exchange_retry_after_check CHECK ((retry_after >= 0)),
    CONSTRAINT connection_exchange_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'answered'::text]))),
    CONSTRAINT connection_exchange_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE,
    CONSTRAINT connection_exchange_session_id_fkey FOREIGN KEY (session_id) REFERENCES connection_setup(id) ON DELETE CASCADE
);

CREATE TABLE connection_exchange_look (
    key bytea NOT NULL,
    attempt bigint NOT NULL,
    boot_id text NOT NULL,
    boot_seconds bigint NOT NULL,
    CONSTRAINT connection_exchange_look_pkey PRIMARY KEY (key, attempt, boot_id),
    CONSTRAINT connection_exchange_look_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT connection_exchange_look_boot_seconds_check CHECK ((boot_seconds >= 0)),
    CONSTRAINT connection_exchange_look_key_fkey FOREIGN KEY (key) REFERENCES connection_exchange(key) ON DELETE CASCADE
);

CREATE TABLE connection_extension (
    owner text NOT NULL,
    name text NOT NULL,
    provider text NOT NULL,
    source text NOT NULL,
    fingerprint bytea NOT NULL,
    added_at bigint NOT NULL,
    mark bytea,
    CONSTRAINT connection_extension_pkey PRIMARY KEY (owner, name),
    CONSTRAINT connection_extension_fingerprint_check CHECK ((length(fingerprint) = 32))
);

CREATE TABLE connection_extension_choice (
    owner text NOT NULL,
    extension text NOT NULL,
    connection_id uuid NOT NULL,
    mark bytea NOT NULL,
    CONSTRAINT connection_extension_choice_pkey PRIMARY KEY (owner, extension),
    CONSTRAINT connection_extension_choice_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE TABLE connection_extension_grant (
    owner text NOT NULL,
    extension text NOT NULL,
    connection_id uuid NOT NULL,
    names text NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint,
    mark bytea,
    CONSTRAINT connection_extension_grant_pkey PRIMARY KEY (owner, extension, connection_id),
    CONSTRAINT connection_extension_grant_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE TABLE connection_extension_preference (
    owner text NOT NULL,
    extension text NOT NULL,
    command text NOT NULL,
    body text NOT NULL,
    revision bigint NOT NULL,
    public_revision bigint NOT NULL DEFAULT 0,
    mark bytea,
    CONSTRAINT connection_extension_preference_pkey PRIMARY KEY (owner, extension, command),
    CONSTRAINT connection_extension_preference_public_revision_check CHECK ((public_revision >= 0)),
    CONSTRAINT connection_extension_preference_revision_check CHECK ((revision >= 1))
);

CREATE TABLE connection_extension_state (
    owner text NOT NULL,
    name text NOT NULL,
    fingerprint bytea,
    provider text,
    public text,
    public_revision bigint NOT NULL DEFAULT 0,
    mark bytea,
    CONSTRAINT connection_extension_state_pkey PRIMARY KEY (owner, name),
    CONSTRAINT connection_extension_state_fingerprint_check CHECK ((length(fingerprint) = 32)),
    CONSTRAINT connection_extension_state_public_revision_check CHECK ((public_revision >= 0))
);

CREATE TABLE connection_extension_ticket (
    id uuid NOT NULL,
    owner text NOT NULL,
    extension text NOT NULL,
    command text NOT NULL,
    session_id uuid,
    created_at bigint NOT NULL,
    CONSTRAINT connection_extension_ticket_pkey PRIMARY KEY (id)
);

CREATE TABLE connection_keyset (
    only_row bigint NOT NULL,
    store_id uuid NOT NULL,
    revision bigint NOT NULL,
    slot_a bytea,
    slot_b bytea,
    keys_revision bigint NOT NULL DEFAULT 1,
    CONSTRAINT connection_keyset_pkey PRIMARY KEY (only_row),
    CONSTRAINT connection_keyset_check CHECK (((slot_a IS NOT NULL) OR (slot_b IS NOT NULL))),
    CONSTRAINT connection_keyset_keys_revision_check CHECK ((keys_revision >= 1)),
    CONSTRAINT connection_keyset_only_row_check CHECK ((only_row = 1)),
    CONSTRAINT connection_keyset_revision_check CHECK ((revision >= 1))
);

CREATE TABLE connection_kv (
    owner text NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    value text,
    sealed bytea,
    CONSTRAINT connection_kv_pkey PRIMARY KEY (owner, namespace, key),
    CONSTRAINT connection_kv_check CHECK (((value IS NULL) <> (sealed IS NULL)))
);

CREATE TABLE connection_liveness (
    connection_id uuid NOT NULL,
    liveness text NOT NULL,
    reason text,
    generation bigint NOT NULL,
    checked_at bigint,
    next_check_at bigint,
    failures bigint NOT NULL DEFAULT 0,
    lease_owner text,
    lease_until bigint,
    fence bigint NOT NULL DEFAULT 0,
    CONSTRAINT connection_liveness_pkey PRIMARY KEY (connection_id),
    CONSTRAINT connection_liveness_failures_check CHECK ((failures >= 0)),
    CONSTRAINT connection_liveness_generation_check CHECK ((generation >= 0)),
    CONSTRAINT connection_liveness_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE TABLE connection_profile (
    id uuid NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    directory text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    is_implicit boolean NOT NULL DEFAULT false,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    mark bytea,
    CONSTRAINT connection_profile_pkey PRIMARY KEY (id),
    CONSTRAINT connection_profile_owner_kind_directory_key UNIQUE (owner, kind, directory),
    CONSTRAINT connection_profile_owner_kind_id_key UNIQUE (owner, kind, id),
    CONSTRAINT connection_profile_owner_kind_label_key UNIQUE (owner, kind, label)
);

CREATE TABLE connection_profile_slot (
    owner text NOT NULL,
    kind text NOT NULL,
    slot text NOT NULL,
    profile_id uuid NOT NULL,
    updated_at bigint NOT NULL,
    mark bytea,
    CONSTRAINT connection_profile_slot_pkey PRIMARY KEY (owner, kind, slot),
    CONSTRAINT connection_profile_slot_owner_kind_profile_id_fkey FOREIGN KEY (owner, kind, profile_id) REFERENCES connection_profile(owner, kind, id)
);

CREATE TABLE connection_row_event (
    owner text NOT NULL,
    seq bigint NOT NULL,
    subject bytea NOT NULL,
    at bigint NOT NULL,
    chain bytea NOT NULL,
    CONSTRAINT connection_row_event_pkey PRIMARY KEY (owner, seq),
    CONSTRAINT connection_row_event_chain_check CHECK ((length(chain) = 32)),
    CONSTRAINT connection_row_event_seq_check CHECK ((seq >= 1)),
    CONSTRAINT connection_row_event_subject_check CHECK ((length(subject) = 32))
);

CREATE TABLE connection_setup (
    id uuid NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    connection_id uuid NOT NULL,
    state text NOT NULL,
    step_seq bigint NOT NULL DEFAULT 0,
    sealed_header bytea,
    sealed_step bytea,
    lease_owner text,
    lease_until bigint,
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT connection_setup_pkey PRIMARY KEY (id),
    CONSTRAINT connection_setup_state_check CHECK ((state = ANY (ARRAY['running'::text, 'waiting'::text, 'done'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT connection_setup_step_seq_check CHECK ((step_seq >= 0))
);

CREATE TABLE connection_setup_effect (
    session_id uuid NOT NULL,
    seq bigint NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT connection_setup_effect_pkey PRIMARY KEY (session_id, seq),
    CONSTRAINT connection_setup_effect_seq_check CHECK ((seq >= 0)),
    CONSTRAINT connection_setup_effect_session_id_fkey FOREIGN KEY (session_id) REFERENCES connection_setup(id) ON DELETE CASCADE
);

CREATE TABLE connection_setup_input (
    session_id uuid NOT NULL,
    id uuid NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT connection_setup_input_pkey PRIMARY KEY (session_id, id),
    CONSTRAINT connection_setup_input_session_id_fkey FOREIGN KEY (session_id) REFERENCES connection_setup(id) ON DELETE CASCADE
);

CREATE TABLE connection_webhook (
    id uuid NOT NULL,
    connection_id uuid NOT NULL,
    number bigint NOT NULL,
    digest bytea NOT NULL,
    received_at bigint NOT NULL,
    claimed_until bigint,
    acknowledged_at bigint,
    sealed bytea,
    CONSTRAINT connection_webhook_pkey PRIMARY KEY (id),
    CONSTRAINT connection_webhook_connection_id_digest_key UNIQUE (connection_id, digest),
    CONSTRAINT connection_webhook_connection_id_number_key UNIQUE (connection_id, number),
    CONSTRAINT connection_webhook_check CHECK (((acknowledged_at IS NULL) = (sealed IS NOT NULL))),
    CONSTRAINT connection_webhook_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT connection_webhook_number_check CHECK ((number >= 1)),
    CONSTRAINT connection_webhook_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE TABLE connection_webhook_address (
    connection_id uuid NOT NULL,
    token_hash bytea,
    sealed bytea,
    revision bigint NOT NULL,
    next_number bigint NOT NULL DEFAULT 1,
    waiting bigint NOT NULL DEFAULT 0,
    tested_at bigint,
    tested_url text,
    tested_generation bigint,
    test_failure text,
    waiting_bytes bigint NOT NULL DEFAULT 0,
    CONSTRAINT connection_webhook_address_pkey PRIMARY KEY (connection_id),
    CONSTRAINT connection_webhook_address_token_hash_key UNIQUE (token_hash),
    CONSTRAINT connection_webhook_address_check CHECK (((token_hash IS NULL) = (sealed IS NULL))),
    CONSTRAINT connection_webhook_address_check1 CHECK (((tested_url IS NULL) = (tested_at IS NULL))),
    CONSTRAINT connection_webhook_address_check2 CHECK (((tested_generation IS NULL) OR (tested_at IS NOT NULL))),
    CONSTRAINT connection_webhook_address_check3 CHECK (((test_failure IS NULL) OR (tested_at IS NOT NULL))),
    CONSTRAINT connection_webhook_address_next_number_check CHECK ((next_number >= 1)),
    CONSTRAINT connection_webhook_address_revision_check CHECK ((revision >= 1)),
    CONSTRAINT connection_webhook_address_token_hash_check CHECK ((length(token_hash) = 32)),
    CONSTRAINT connection_webhook_address_waiting_bytes_check CHECK ((waiting_bytes >= 0)),
    CONSTRAINT connection_webhook_address_waiting_check CHECK ((waiting >= 0)),
    CONSTRAINT connection_webhook_address_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connection_account(id) ON DELETE CASCADE
);

CREATE INDEX connection_account_default ON public.connection_account USING btree (owner) WHERE is_default;

CREATE INDEX connection_account_identity ON public.connection_account USING btree (owner, kind, account_id, id);

CREATE INDEX connection_account_kind ON public.connection_account USING btree (owner, kind, id);

CREATE INDEX connection_account_of_kind ON public.connection_account USING btree (kind, id);

CREATE INDEX connection_account_owner ON public.connection_account USING btree (owner, id);

CREATE INDEX connection_account_profile ON public.connection_account USING btree (owner, kind, profile_id, id);

CREATE INDEX connection_account_usable ON public.connection_account USING btree (usable_at, id);

CREATE INDEX connection_account_usable_kind ON public.connection_account USING btree (owner, kind, usable_at, id);

CREATE INDEX connection_account_usable_owner ON public.connection_account USING btree (owner, usable_at, id);

CREATE INDEX connection_credential_authorized ON public.connection_credential USING btree (authorized_until) WHERE ((state = 'current'::text) AND (announced_at IS NULL) AND (authorized_until IS NOT NULL));

CREATE INDEX connection_credential_key ON public.connection_credential USING btree (key_id);

CREATE INDEX connection_credential_refresh ON public.connection_credential USING btree (refresh_at) WHERE ((state = 'current'::text) AND (refresh_at IS NOT NULL));

CREATE INDEX connection_credential_valid ON public.connection_credential USING btree (valid_until) WHERE ((state = 'current'::text) AND (announced_at IS NULL) AND (valid_until IS NOT NULL));

CREATE INDEX connection_endpoint_session ON public.connection_endpoint USING btree (session_id);

CREATE INDEX connection_event_owner ON public.connection_event USING btree (owner, id);

CREATE INDEX connection_exchange_connection ON public.connection_exchange USING btree (connection_id) WHERE (connection_id IS NOT NULL);

CREATE INDEX connection_exchange_open ON public.connection_exchange USING btree (node_id) WHERE ((state = 'intent'::text) AND (concluded_at IS NULL));

CREATE INDEX connection_exchange_session ON public.connection_exchange USING btree (session_id) WHERE (session_id IS NOT NULL);

CREATE INDEX connection_extension_choice_connection ON public.connection_extension_choice USING btree (connection_id);

CREATE INDEX connection_extension_grant_connection ON public.connection_extension_grant USING btree (connection_id);

CREATE INDEX connection_extension_ticket_age ON public.connection_extension_ticket USING btree (created_at);

CREATE INDEX connection_extension_ticket_extension ON public.connection_extension_ticket USING btree (owner, extension);

CREATE INDEX connection_liveness_due ON public.connection_liveness USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);

CREATE INDEX connection_profile_slot_profile ON public.connection_profile_slot USING btree (profile_id);

CREATE INDEX connection_row_event_subject ON public.connection_row_event USING btree (owner, subject, seq);

CREATE INDEX connection_setup_connection ON public.connection_setup USING btree (connection_id) WHERE (state = ANY (ARRAY['running'::text, 'waiting'::text]));

CREATE INDEX connection_setup_expiry ON public.connection_setup USING btree (expires_at);

CREATE INDEX connection_setup_lease ON public.connection_setup USING btree (lease_owner) WHERE (lease_owner IS NOT NULL);

CREATE INDEX connection_setup_open ON public.connection_setup USING btree (owner, id) WHERE (state = ANY (ARRAY['running'::text, 'waiting'::text]));

CREATE INDEX connection_setup_unended ON public.connection_setup USING btree (id) WHERE (state = ANY (ARRAY['running'::text, 'waiting'::text]));

CREATE INDEX connection_webhook_address_waiting ON public.connection_webhook_address USING btree (connection_id) WHERE (waiting > 0);

CREATE INDEX connection_webhook_done ON public.connection_webhook USING btree (connection_id, acknowledged_at) WHERE (acknowledged_at IS NOT NULL);

CREATE INDEX connection_webhook_waiting ON public.connection_webhook USING btree (connection_id, number) WHERE (acknowledged_at IS NULL);

CREATE UNIQUE INDEX connection_credential_candidate ON public.connection_credential USING btree (connection_id) WHERE (state = 'candidate'::text);

CREATE UNIQUE INDEX connection_credential_current ON public.connection_credential USING btree (connection_id) WHERE (state = 'current'::text);

CREATE UNIQUE INDEX connection_credential_previous ON public.connection_credential USING btree (connection_id) WHERE (state = 'previous'::text);

CREATE UNIQUE INDEX connection_profile_default ON public.connection_profile USING btree (owner, kind) WHERE is_default;

CREATE UNIQUE INDEX connection_profile_implicit ON public.connection_profile USING btree (owner, kind) WHERE is_implicit;

CREATE OR REPLACE FUNCTION public.connection_event_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'connection_event is append-only';
END
$function$
;

CREATE OR REPLACE FUNCTION public.connection_notify()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.connection_notify_webhook()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_notify('connection_changed', 'webhook:' || NEW.connection_id);
    RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION public.connection_row_event_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'connection_row_event is append-only';
END
$function$
;

CREATE OR REPLACE FUNCTION public.connection_setup_end()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    DELETE FROM connection_setup_effect WHERE session_id = NEW.id;
    DELETE FROM connection_setup_input WHERE session_id = NEW.id;
    DELETE FROM connection_exchange WHERE session_id = NEW.id;
    RETURN NULL;
END
$function$
;

CREATE TRIGGER connection_event_no_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.connection_event FOR EACH STATEMENT EXECUTE FUNCTION connection_event_is_append_only();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_account FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_credential FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_keyset FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_liveness FOR EACH ROW WHEN (((old.liveness IS DISTINCT FROM new.liveness) OR (old.reason IS DISTINCT FROM new.reason))) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_setup FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_change AFTER UPDATE ON public.connection_webhook FOR EACH ROW WHEN (((old.acknowledged_at IS NULL) AND (new.acknowledged_at IS NOT NULL))) EXECUTE FUNCTION connection_notify_webhook();

CREATE TRIGGER connection_notify_row AFTER INSERT ON public.connection_webhook FOR EACH ROW EXECUTE FUNCTION connection_notify_webhook();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_account FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_credential FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_keyset FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_liveness FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_setup FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON public.connection_setup_input FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_row_event_no_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.connection_row_event FOR EACH STATEMENT EXECUTE FUNCTION connection_row_event_is_append_only();

CREATE TRIGGER connection_setup_end AFTER UPDATE OF state ON public.connection_setup FOR EACH ROW WHEN ((new.state = ANY (ARRAY['done'::text, 'failed'::text, 'cancelled'::text]))) EXECUTE FUNCTION connection_setup_end();
