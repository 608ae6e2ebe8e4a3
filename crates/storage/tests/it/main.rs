//! One suite, over SQLite files and over a real PostgreSQL server of the tests' own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod changes;
mod keys;
mod leases;
mod open;
mod place;
mod pooler;
mod postgres;
mod processes;
mod records;
mod schedule;
mod server;
mod sqlite;

/// Every check that holds for both databases, by name.
macro_rules! for_each_check {
    ($with:ident) => {
        $with! {
            records::comes_back_as_it_was_put,
            records::a_name_is_taken_once,
            records::replacing_needs_the_version_and_fences,
            records::amending_respects_a_lease,
            records::disabling_and_enabling,
            records::deleting_and_putting_again,
            records::pages_and_filters,
            records::counts,
            leases::every_answer_of_acquire,
            leases::one_of_eight_wins,
            leases::a_late_holder_writes_nothing,
            leases::a_late_holder_whom_nobody_replaced_commits,
            leases::commit,
            leases::give_back,
            leases::set_status,
            schedule::due,
            schedule::soonest,
            changes::told_once_and_in_order,
            changes::old_deletions_are_forgotten,
            changes::none_is_missed_among_writers,
            keys::a_wrong_key_is_said_at_open,
            keys::rotation,
            keys::moved_ciphertext_does_not_open,
            keys::no_secret_in_clear,
            open::eight_at_once,
            open::different_keys_at_once,
            open::a_newer_schema,
            processes::eight_processes_share_the_accounts,
            processes::killed_while_writing,
        }
    };
}
pub(crate) use for_each_check;
