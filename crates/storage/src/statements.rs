//! The SQL of renewals: the same for both databases.

use crate::account::columns;

/// Writes status `$3`, reason `$4` at `$5`. A disabled account stays disabled; what is written becomes
/// what enabling it returns to.
macro_rules! write_status {
    () => {
        "status = CASE WHEN status = 'disabled' THEN status ELSE $3 END, \
         reason = CASE WHEN status = 'disabled' AND $3 <> 'disabled' THEN reason ELSE $4 END, \
         since = CASE WHEN status = 'disabled' OR status = $3 THEN since ELSE $5 END, \
         status_before = CASE WHEN status <> 'disabled' AND $3 <> 'disabled' THEN NULL \
             WHEN status <> 'disabled' THEN status \
             WHEN $3 <> 'disabled' THEN $3 \
             ELSE status_before END, \
         reason_before = CASE WHEN status <> 'disabled' AND $3 <> 'disabled' THEN NULL \
             WHEN status <> 'disabled' THEN reason \
             WHEN $3 <> 'disabled' THEN $4 \
             ELSE reason_before END"
    };
}
pub(crate) use write_status;

pub(crate) const READ: &str = concat!(
    "SELECT ",
    columns!(),
    ", sealed FROM leeward_accounts WHERE id = $1"
);

pub(crate) const ACQUIRE: &str = concat!(
    "UPDATE leeward_accounts SET lease_owner = $3, lease_until = $4, fence = fence + 1 \
     WHERE id = $1 AND version = $2 \
     AND (lease_until IS NULL OR lease_until <= $5 OR lease_until > $6) RETURNING ",
    columns!(),
    ", sealed"
);

pub(crate) const COMMIT: &str = concat!(
    "UPDATE leeward_accounts SET version = version + 1, \
     status = CASE WHEN status = 'disabled' THEN status ELSE 'active' END, \
     reason = CASE WHEN status = 'needs_reauth' THEN NULL ELSE reason END, \
     since = CASE WHEN status = 'needs_reauth' THEN $4 ELSE since END, \
     status_before = CASE WHEN status = 'disabled' THEN 'active' END, \
     reason_before = NULL, \
     expires_at = $5, refresh_at = $6, refreshed_at = $4, refresh_expires_at = $7, \
     retry_at = NULL, failures = 0, sent_at = NULL, lease_owner = NULL, lease_until = NULL, \
     key_id = $8, sealed = $9, changed = $10 \
     WHERE id = $1 AND fence = $2 AND lease_owner = $3 RETURNING ",
    columns!()
);

pub(crate) const GIVE_BACK: &str = concat!(
    "UPDATE leeward_accounts SET retry_at = $4, failures = $5, sent_at = $6, \
     refresh_at = COALESCE($7, refresh_at), lease_owner = NULL, lease_until = NULL \
     WHERE id = $1 AND fence = $2 AND lease_owner = $3 RETURNING ",
    columns!(),
    ", sealed"
);

pub(crate) const SET_STATUS: &str = concat!(
    "UPDATE leeward_accounts SET ",
    write_status!(),
    ", changed = $6 WHERE id = $1 AND ($2 IS NULL OR version = $2) RETURNING ",
    columns!(),
    ", sealed"
);

pub(crate) const DUE: &str = "SELECT id, due_at FROM leeward_accounts \
     WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1 OR lease_until > $2) \
     UNION ALL \
     SELECT id, CASE WHEN status = 'active' THEN refresh_at ELSE $1 END AS due_at \
     FROM leeward_accounts WHERE renewable AND retry_at > $1 \
     AND (lease_until IS NULL OR lease_until <= $1 OR lease_until > $2) \
     AND ((status = 'active' AND refresh_at <= $1 AND retry_at > $3) \
       OR (status = 'needs_reauth' AND retry_at > $4)) \
     ORDER BY due_at LIMIT $5";

/// The first that nobody holds, and the first end of a lease on one that waits for it.
pub(crate) const SOONEST: &str = "SELECT MIN(soonest) AS soonest FROM ( \
     SELECT soonest FROM ( \
       SELECT due_at AS soonest FROM leeward_accounts \
       WHERE due_at IS NOT NULL AND (lease_until IS NULL OR lease_until <= due_at) \
       ORDER BY due_at LIMIT 1) AS free \
     UNION ALL \
     SELECT MIN(lease_until) AS soonest FROM leeward_accounts \
     WHERE due_at IS NOT NULL AND lease_until > due_at) AS both_kinds";
