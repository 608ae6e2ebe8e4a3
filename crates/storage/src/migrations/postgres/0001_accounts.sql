-- Times are milliseconds since the Unix epoch.

CREATE TABLE leeward_accounts (
    id                 TEXT    NOT NULL PRIMARY KEY,
    provider           TEXT    NOT NULL,
    origin             TEXT    NOT NULL CHECK (origin IN ('file', 'api')),
    -- Grows by one with each change of what is sealed.
    version            BIGINT NOT NULL,
    status             TEXT    NOT NULL CHECK (status IN ('active', 'needs_reauth', 'disabled')),
    reason             TEXT,
    since              BIGINT NOT NULL,
    -- Of a disabled account: what enabling it returns to.
    status_before      TEXT    CHECK (status_before IN ('active', 'needs_reauth')),
    reason_before      TEXT,
    renewable          BOOLEAN NOT NULL,
    expires_at         BIGINT,
    refresh_at         BIGINT,
    refreshed_at       BIGINT,
    refresh_expires_at BIGINT,
    retry_at           BIGINT,
    failures           BIGINT NOT NULL,
    sent_at            BIGINT,
    lease_owner        TEXT,
    lease_until        BIGINT,
    -- Only grows, over all leases and replacements.
    fence              BIGINT NOT NULL,
    -- Which encryption key sealed it.
    key_id             TEXT    NOT NULL,
    sealed             BYTEA   NOT NULL,
    -- When the schedule should look at it.
    due_at             BIGINT  GENERATED ALWAYS AS (
        CASE
            WHEN NOT renewable THEN NULL
            WHEN status = 'active' AND retry_at > refresh_at THEN retry_at
            WHEN status = 'active' THEN refresh_at
            WHEN status = 'needs_reauth' THEN retry_at
        END
    ) STORED,
    -- The position of its last change that others should know of.
    changed            BIGINT NOT NULL,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK ((status = 'disabled') = (status_before IS NOT NULL))
);

CREATE INDEX leeward_accounts_due ON leeward_accounts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX leeward_accounts_retry ON leeward_accounts (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX leeward_accounts_lease ON leeward_accounts (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX leeward_accounts_changed ON leeward_accounts (changed);
CREATE INDEX leeward_accounts_provider ON leeward_accounts (provider, status, expires_at);

-- What was deleted a while ago, so that other processes notice, and a name that comes again goes on
-- counting where it stopped.
CREATE TABLE leeward_deleted_accounts (
    id         TEXT    NOT NULL PRIMARY KEY,
    provider   TEXT    NOT NULL,
    version    BIGINT NOT NULL,
    fence      BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    changed    BIGINT NOT NULL
);

CREATE INDEX leeward_deleted_accounts_changed ON leeward_deleted_accounts (changed);
CREATE INDEX leeward_deleted_accounts_age ON leeward_deleted_accounts (deleted_at);

-- One row: the last position given out, and the one up to which deletions are forgotten. Its row lock,
-- held to the end of a transaction, makes positions become visible in their order.
CREATE TABLE leeward_changes (
    id        SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    head      BIGINT NOT NULL,
    forgotten BIGINT NOT NULL
);

INSERT INTO leeward_changes (id, head, forgotten) VALUES (1, 0, 0);

-- A known text sealed with each encryption key in use.
CREATE TABLE leeward_keys (
    key_id TEXT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);
