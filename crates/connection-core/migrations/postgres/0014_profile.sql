-- Keeps the isolated identities of local tools: a label and a directory each, and which of them is meant where.
--
-- What is in a directory is the tool's alone; nothing of it is here.

CREATE TABLE connection_profile (
    id          UUID    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    -- Absolute and normalised.
    directory   TEXT    NOT NULL,
    is_default  BOOLEAN NOT NULL DEFAULT FALSE,
    -- Whether the directory was the one that the tool uses by itself, when it was written.
    is_implicit BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    UNIQUE (owner, kind, label),
    UNIQUE (owner, kind, directory),
    -- What a slot names is of its owner and kind.
    UNIQUE (owner, kind, id)
);

CREATE UNIQUE INDEX connection_profile_default ON connection_profile (owner, kind) WHERE is_default;
CREATE UNIQUE INDEX connection_profile_implicit ON connection_profile (owner, kind) WHERE is_implicit;

-- The host's places with a default of their own, such as a workspace.
CREATE TABLE connection_profile_slot (
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    slot       TEXT    NOT NULL,
    -- It cannot go while a place names it: another identity would be used there without a word.
    profile_id UUID    NOT NULL,
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (owner, kind, slot),
    FOREIGN KEY (owner, kind, profile_id) REFERENCES connection_profile (owner, kind, id)
);

CREATE INDEX connection_profile_slot_profile ON connection_profile_slot (profile_id);
CREATE INDEX connection_account_profile ON connection_account (owner, kind, profile_id) WHERE profile_id IS NOT NULL;
