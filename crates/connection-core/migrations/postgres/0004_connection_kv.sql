-- Keeps small values of plugins, each namespace apart: in the clear, or sealed.

CREATE TABLE connection_kv (
    owner     TEXT  NOT NULL,
    namespace TEXT  NOT NULL,
    key       TEXT  NOT NULL,
    value     TEXT,
    sealed    BYTEA,
    PRIMARY KEY (owner, namespace, key),
    CHECK ((value IS NULL) <> (sealed IS NULL))
);
