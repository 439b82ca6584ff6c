//! Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. What they do to a connection is the coordinator's.

use crate::command::spec::{Access, Flags, Group, Keys, Spec, Step};

const BASE: Flags = Flags::NO_SCRIPT.and(Flags::LOADING).and(Flags::STALE);
const LIGHT: Flags = BASE.and(Flags::FAST).and(Flags::ALLOW_BUSY);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::transaction("multi", Step::Multi).flags(LIGHT).categories(&["transaction"]).doc(
        Group::Transactions,
        "1.2.0",
        "O(1)",
        "Begins a transaction: commands from here to EXEC are queued.",
    ),
    Spec::transaction("exec", Step::Exec)
        .flags(BASE.and(Flags::SKIP_SLOWLOG))
        .categories(&["transaction"])
        .doc(
            Group::Transactions,
            "1.2.0",
            "Depends on commands in the transaction",
            "Runs the queued commands, with nothing of anybody else between them.",
        ),
    Spec::transaction("discard", Step::Discard).flags(LIGHT).categories(&["transaction"]).doc(
        Group::Transactions,
        "2.0.0",
        "O(N), when N is the number of queued commands",
        "Forgets the queued commands and ends the transaction.",
    ),
    Spec::transaction("watch", Step::Watch)
        .arity(-2)
        .flags(LIGHT)
        .categories(&["transaction"])
        .keys(Keys::range(1, -1, 1, Access::READ_META))
        .usage("key [key ...]")
        .doc(
            Group::Transactions,
            "2.2.0",
            "O(1) for every key.",
            "Lets the next EXEC do nothing if one of these keys has changed by then.",
        ),
    Spec::transaction("unwatch", Step::Unwatch).flags(LIGHT).categories(&["transaction"]).doc(
        Group::Transactions,
        "2.2.0",
        "O(1)",
        "Forgets all watched keys.",
    ),
];

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn queued_commands_run_together_at_exec() {
        check(
            r#"
            > MULTI  OK
            > SET a 1  QUEUED
            > INCR b  QUEUED
            > GET a  QUEUED
            > MGET a b c  QUEUED
            > PING  QUEUED
            > SELECT 3  QUEUED
            > GET a  QUEUED
            > SELECT 0  QUEUED
            > DEL a b c  QUEUED
            > EXEC
                1) OK
                2) (integer) 1
                3) "1"
                4) 1) "1"
                   2) "1"
                   3) (nil)
                5) PONG
                6) OK
                7) (nil)
                8) OK
                9) (integer) 2
            > EXEC  (error) ERR EXEC without MULTI
            > DISCARD  (error) ERR DISCARD without MULTI
            > MULTI  OK
            > EXEC  (empty array)
            "#,
        );
    }

    #[test]
    fn an_error_while_queueing_aborts_and_an_error_while_running_does_not() {
        check(
            r#"
            > MULTI  OK
            > MULTI  (error) ERR MULTI calls can not be nested
            > WATCH a  (error) ERR WATCH inside MULTI is not allowed
            > SET a x  QUEUED
            > INCR a  QUEUED
            > RENAME nosuch b  QUEUED
            > SET b y  QUEUED
            > EXEC
                1) OK
                2) (error) ERR value is not an integer or out of range
                3) (error) ERR no such key
                4) OK
            > MULTI  OK
            > GET  (error) ERR wrong number of arguments for 'get' command
            > SET a z  QUEUED
            > EXEC  (error) EXECABORT Transaction discarded because of previous errors.
            > GET a  "x"
            > MULTI  OK
            > NOSUCH  (error) ERR unknown command 'NOSUCH', with args beginning with: 
            > EXEC  (error) EXECABORT Transaction discarded because of previous errors.
            > MULTI  OK
            > SET a z  QUEUED
            > DISCARD  OK
            > GET a  "x"
            > MULTI  OK
            > DISCARD x  (error) ERR wrong number of arguments for 'discard' command
            > EXEC  (error) EXECABORT Transaction discarded because of previous errors.
            > EXEC x  (error) EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
            > WATCH a  OK
            > MULTI  OK
            > SET a z  QUEUED
            > EXEC x y  (error) EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
            > EXEC  (error) ERR EXEC without MULTI
            > SET a x  OK
            > MULTI  OK
            > SLOWLOG RESET  QUEUED
            > LATENCY RESET  QUEUED
            > GET a  QUEUED
            > EXEC
                1) OK
                2) (integer) 0
                3) "x"
            > MULTI  OK
            > DBSIZE  QUEUED
            > FLUSHALL  QUEUED
            > DBSIZE  QUEUED
            > EXEC
                1) (integer) 2
                2) OK
                3) (integer) 0
            "#,
        );
    }

    #[test]
    fn a_watched_key_that_changes_makes_exec_do_nothing() {
        check(
            r#"
            > WATCH a b c  OK
            > SET b 1  OK
            > MULTI  OK
            > SET d 1  QUEUED
            > EXEC  (nil)
            > EXISTS d  (integer) 0
            > MULTI  OK
            > SET d 1  QUEUED
            > EXEC
                1) OK
            > WATCH a  OK
            > SET a 1  OK
            > UNWATCH  OK
            > MULTI  OK
            > GET a  QUEUED
            > EXEC
                1) "1"
            > WATCH nosuch  OK
            > FLUSHALL  OK
            > MULTI  OK
            > GET a  QUEUED
            > EXEC
                1) (nil)
            > SET a 1  OK
            > WATCH a  OK
            > FLUSHALL  OK
            > MULTI  OK
            > EXEC  (nil)
            > WATCH a b  OK
            > SWAPDB 0 1  OK
            > MULTI  OK
            > EXEC  (empty array)
            "#,
        );
    }
}
