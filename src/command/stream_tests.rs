//! Transcripts of the commands on entries, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn entries_get_ids_that_go_up() {
    check(
        r#"
    > xadd s nomkstream * a b                     (nil)
    > xadd s nomkstream 1-1 a b                   (nil)
    > exists s                                    (integer) 0
    > xadd s 1-1 a b                              "1-1"
    > type s                                      stream
    > object encoding s                           "stream"
    > xadd s 1-1 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
    > xadd s 0-5 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
    > xadd s 1-* a b                              "1-2"
    > xadd s 0-* a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
    > xadd s 5 a b c d                            "5-0"
    > xadd s 5-18446744073709551615 a b           "5-18446744073709551615"
    > xadd s 5-* a b                              (error) ERR Elements are too large to be stored
    > xadd s 6-* a b                              "6-0"
    > xlen s                                      (integer) 5
    > xrange s - +
        1) 1) "1-1"
           2) 1) "a"
              2) "b"
        2) 1) "1-2"
           2) 1) "a"
              2) "b"
        3) 1) "5-0"
           2) 1) "a"
              2) "b"
              3) "c"
              4) "d"
        4) 1) "5-18446744073709551615"
           2) 1) "a"
              2) "b"
        5) 1) "6-0"
           2) 1) "a"
              2) "b"
    > xadd z 0-* a b                              "0-1"
    > xadd z2 0-0 a b                             (error) ERR The ID specified in XADD must be greater than 0-0
    > exists z2                                   (integer) 0
    > xadd s 18446744073709551615-18446744073709551615 a b  "18446744073709551615-18446744073709551615"
    > xadd s * a b                                (error) ERR The stream has exhausted the last possible ID, unable to add more items
    > xadd s 1-1 a b
        (error) ERR The stream has exhausted the last possible ID, unable to add more items
        "#,
    );
}

#[test]
fn ids_are_read_as_c_reads_numbers() {
    check(
        r#"
    > xadd t 01-007 a b                           "1-7"
    > xadd t " 2-3" a b                           "2-3"
    > xadd t +3-+3 a b                            "3-3"
    > xadd t 3--05 a b                            "3-18446744073709551611"
    > xadd t "5-1\x00x" a b                       "5-1"
    > xadd t 3--5 a b                             (error) ERR Invalid stream ID specified as stream command argument
    > xadd t 5-x a b                              (error) ERR Invalid stream ID specified as stream command argument
    > xadd t foo a b                              (error) ERR Invalid stream ID specified as stream command argument
    > xadd t - a b                                (error) ERR Invalid stream ID specified as stream command argument
    > xadd t + a b                                (error) ERR Invalid stream ID specified as stream command argument
    > xadd t 9- a b                               (error) ERR Invalid stream ID specified as stream command argument
    > xadd t 9-** a b                             (error) ERR Invalid stream ID specified as stream command argument
    > xadd t (9-1 a b                             (error) ERR Invalid stream ID specified as stream command argument
    > xadd t 18446744073709551616-1 a b
        (error) ERR Invalid stream ID specified as stream command argument
    > xadd t 1-18446744073709551616 a b
        (error) ERR Invalid stream ID specified as stream command argument
    > xlen t                                      (integer) 5
        "#,
    );
}

#[test]
fn xadd_may_trim() {
    check(
        r#"
    > xadd s 1-1 a 1                              "1-1"
    > xadd s maxlen 2 2-1 a 2                     "2-1"
    > xadd s maxlen = 2 3-1 a 3                   "3-1"
    > xrange s - +
        1) 1) "2-1"
           2) 1) "a"
              2) "2"
        2) 1) "3-1"
           2) 1) "a"
              2) "3"
    > xadd s maxlen ~ 1 limit 5 4-1 a 4           "4-1"
    > xlen s                                      (integer) 3
    > xadd s minid 4 5-1 a 5                      "5-1"
    > xadd s minid = 5-1 6-1 a 6                  "6-1"
    > xadd s minid ~ 6 7-1 a 7                    "7-1"
    > xrange s - +
        1) 1) "5-1"
           2) 1) "a"
              2) "5"
        2) 1) "6-1"
           2) 1) "a"
              2) "6"
        3) 1) "7-1"
           2) 1) "a"
              2) "7"
    > xadd s maxlen 0 8-1 a 8                     "8-1"
    > xlen s                                      (integer) 0
    > exists s                                    (integer) 1
    > xadd s maxlen x 9-1 a b                     (error) ERR value is not an integer or out of range
    > xadd s maxlen -1 9-1 a b                    (error) ERR The MAXLEN argument must be >= 0.
    > xadd s maxlen 1 limit 5 9-1 a b
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
    > xadd s limit 5 9-1 a b
        (error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
    > xadd s limit 0 9-1 a b
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
    > xadd s maxlen ~ 1 limit -5 9-1 a b          (error) ERR The LIMIT argument must be >= 0.
    > xadd s maxlen 1 minid 1 9-1 a b
        (error) ERR syntax error, MAXLEN and MINID options at the same time are not compatible
    > xadd s maxlen 1 maxlen 1 9-1 a b
        (error) ERR syntax error, MAXLEN and MINID options at the same time are not compatible
    > xadd s minid 9-x 9-1 a b                    (error) ERR Invalid stream ID specified as stream command argument
    > xadd s minid ~ 9 limit x 9-1 a b            (error) ERR value is not an integer or out of range
    > xadd s 9-1 nomkstream a b                   (error) ERR wrong number of arguments for 'xadd' command
    > xadd s maxlen 1 9-1 a                       (error) ERR wrong number of arguments for 'xadd' command
    > xadd s * a                                  (error) ERR wrong number of arguments for 'xadd' command
    > xadd s * a b c                              (error) ERR wrong number of arguments for 'xadd' command
    > xadd s                                      (error) ERR wrong number of arguments for 'xadd' command
    > xadd s maxlen 2                             (error) ERR wrong number of arguments for 'xadd' command
        "#,
    );
}

#[test]
fn xtrim_takes_entries_off_the_front() {
    check(
        r#"
    > xadd s 1-1 a 1                              "1-1"
    > xadd s 2-1 a 2                              "2-1"
    > xadd s 3-1 a 3                              "3-1"
    > xtrim s maxlen ~ 1                          (integer) 0
    > xtrim s maxlen 2                            (integer) 1
    > xtrim s minid 3                             (integer) 1
    > xinfo stream s
         1) "length"
         2) (integer) 1
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "3-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 3
        13) "recorded-first-entry-id"
        14) "3-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "3-1"
            2) 1) "a"
               2) "3"
        19) "last-entry"
        20) 1) "3-1"
            2) 1) "a"
               2) "3"
    > xtrim s maxlen = 0                          (integer) 1
    > xtrim s maxlen 0                            (integer) 0
    > exists s                                    (integer) 1
    > xtrim missing maxlen 1                      (integer) 0
    > exists missing                              (integer) 0
    > set k v                                     OK
    > xtrim k maxlen 1                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xtrim s foo 1                               (error) ERR syntax error
    > xtrim s limit 1
        (error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
    > xtrim s limit 0                             (error) ERR syntax error, XTRIM must be called with a trimming strategy
    > xtrim s maxlen 0 foo                        (error) ERR syntax error
    > xtrim s maxlen 0 nomkstream                 (error) ERR syntax error
    > xtrim s maxlen 1 limit 1
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
    > xtrim s maxlen                              (error) ERR wrong number of arguments for 'xtrim' command
    > xtrim s                                     (error) ERR wrong number of arguments for 'xtrim' command
        "#,
    );
}

#[test]
fn a_range_may_leave_out_its_ends() {
    check(
        r#"
    > xadd s 1-1 a 1 b -5                         "1-1"
    > xadd s 1-2 a 2 b x                          "1-2"
    > xadd s 2-0 c 3                              "2-0"
    > xadd s 3-7 a 4 b ""                         "3-7"
    > xrange s - +
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        3) 1) "2-0"
           2) 1) "c"
              2) "3"
        4) 1) "3-7"
           2) 1) "a"
              2) "4"
              3) "b"
              4) ""
    > xrange s 1 1
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
    > xrange s 1-2 2
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        2) 1) "2-0"
           2) 1) "c"
              2) "3"
    > xrange s (1-1 (3-7
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        2) 1) "2-0"
           2) 1) "c"
              2) "3"
    > xrange s (1 +
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        3) 1) "2-0"
           2) 1) "c"
              2) "3"
        4) 1) "3-7"
           2) 1) "a"
              2) "4"
              3) "b"
              4) ""
    > xrange s 3-8 +                              (empty array)
    > xrange s + -                                (empty array)
    > xrange s - + count 2
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
    > xrange s - + count 0                        (nil)
    > xrange s - + count -5                       (nil)
    > xrange s - + count 1 count 3
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        3) 1) "2-0"
           2) 1) "c"
              2) "3"
    > xrevrange s + -
        1) 1) "3-7"
           2) 1) "a"
              2) "4"
              3) "b"
              4) ""
        2) 1) "2-0"
           2) 1) "c"
              2) "3"
        3) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
        4) 1) "1-1"
           2) 1) "a"
              2) "1"
              3) "b"
              4) "-5"
    > xrevrange s + - count 1
        1) 1) "3-7"
           2) 1) "a"
              2) "4"
              3) "b"
              4) ""
    > xrevrange s 2 1-2
        1) 1) "2-0"
           2) 1) "c"
              2) "3"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
    > xrevrange s (2 (1-1
        1) 1) "2-0"
           2) 1) "c"
              2) "3"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
              3) "b"
              4) "x"
    > xrevrange s - +                             (empty array)
    > xrange missing - +                          (empty array)
    > xrange missing - + count 0                  (empty array)
    > xrange s - + count x                        (error) ERR value is not an integer or out of range
    > xrange s - + count                          (error) ERR syntax error
    > xrange s - + foo 1                          (error) ERR syntax error
    > xrange s ( +                                (error) ERR Invalid stream ID specified as stream command argument
    > xrange s (- +                               (error) ERR Invalid stream ID specified as stream command argument
    > xrange s (18446744073709551615-18446744073709551615 +
        (error) ERR invalid start ID for the interval
    > xrange s - (0-0                             (error) ERR invalid end ID for the interval
    > xrange s - (0                               (empty array)
    > xrange s foo +                              (error) ERR Invalid stream ID specified as stream command argument
    > xrange missing foo +                        (error) ERR Invalid stream ID specified as stream command argument
    > set k v                                     OK
    > xrange k - +                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xrange k - + count 0                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xlen k                                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xadd k * a b                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xlen missing                                (integer) 0
        "#,
    );
}

#[test]
fn entries_are_deleted_by_their_ids() {
    check(
        r#"
    > xadd s 1-1 a 1                              "1-1"
    > xadd s 2-1 a 2                              "2-1"
    > xadd s 3-1 a 3                              "3-1"
    > xadd s 4-1 a 4                              "4-1"
    > xdel s 1-1 1-1 9-9                          (integer) 1
    > xdel s 3                                    (integer) 0
    > xdel s 3-1                                  (integer) 1
    > xrange s - +
        1) 1) "2-1"
           2) 1) "a"
              2) "2"
        2) 1) "4-1"
           2) 1) "a"
              2) "4"
    > xinfo stream s
         1) "length"
         2) (integer) 2
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "4-1"
         9) "max-deleted-entry-id"
        10) "3-1"
        11) "entries-added"
        12) (integer) 4
        13) "recorded-first-entry-id"
        14) "2-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "2-1"
            2) 1) "a"
               2) "2"
        19) "last-entry"
        20) 1) "4-1"
            2) 1) "a"
               2) "4"
    > xdel s 4-1 2-1                              (integer) 2
    > xlen s                                      (integer) 0
    > xinfo stream s
         1) "length"
         2) (integer) 0
         3) "radix-tree-keys"
         4) (integer) 0
         5) "radix-tree-nodes"
         6) (integer) 1
         7) "last-generated-id"
         8) "4-1"
         9) "max-deleted-entry-id"
        10) "4-1"
        11) "entries-added"
        12) (integer) 4
        13) "recorded-first-entry-id"
        14) "0-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) (nil)
        19) "last-entry"
        20) (nil)
    > xadd s 4-0 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
    > xadd s 4-2 a b                              "4-2"
    > xdel missing foo                            (integer) 0
    > xdel s foo                                  (error) ERR Invalid stream ID specified as stream command argument
    > xdel s 4-2 foo                              (error) ERR Invalid stream ID specified as stream command argument
    > xlen s                                      (integer) 1
    > set k v                                     OK
    > xdel k foo                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn the_last_id_may_be_set() {
    check(
        r#"
    > xadd s 5-1 a b                              "5-1"
    > xsetid s 6-0                                OK
    > xsetid s 5-0                                (error) ERR The ID specified in XSETID is smaller than the target stream top item
    > xsetid s 7-0 entriesadded 9                 OK
    > xinfo stream s
         1) "length"
         2) (integer) 1
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "7-0"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 9
        13) "recorded-first-entry-id"
        14) "5-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "5-1"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "5-1"
            2) 1) "a"
               2) "b"
    > xsetid s 7-0 entriesadded 0
        (error) ERR The entries_added specified in XSETID is smaller than the target stream length
    > xsetid s 7-0 entriesadded -1                (error) ERR entries_added must be positive
    > xsetid s 7-0 entriesadded x                 (error) ERR value is not an integer or out of range
    > xsetid s 7-0 maxdeletedid 3-0               OK
    > xsetid s 7-0 maxdeletedid 8-0
        (error) ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
    > xsetid s 7-0 maxdeletedid x                 (error) ERR Invalid stream ID specified as stream command argument
    > xsetid s 7-0 maxdeletedid 0-0               OK
    > xdel s 5-1                                  (integer) 1
    > xsetid s 4-0                                OK
    > xsetid s 5-2 entriesadded 0                 OK
    > xsetid s foo                                (error) ERR Invalid stream ID specified as stream command argument
    > xsetid s 7-0 foo                            (error) ERR syntax error
    > xsetid s 7-0 foo 1                          (error) ERR syntax error
    > xsetid missing 1-1                          (error) ERR no such key
    > set k v                                     OK
    > xsetid k 1-1                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn only_entries_that_come_or_go_end_a_transaction_that_watches_the_stream() {
    check(
        r#"
        > xadd y 1-1 a b                            "1-1"
        > watch y                                   OK
        > xgroup create y g $                       OK
        > xgroup setid y g 0                        OK
        > xgroup createconsumer y g c               (integer) 1
        > xgroup delconsumer y g c                  (integer) 0
        > xclaim y g c 0 1-1 force justid
            1) "1-1"
        > xack y g 1-1                              (integer) 1
        > xgroup destroy y g                        (integer) 1
        > xsetid y 9-9                              OK
        > multi                                     OK
        > ping                                      QUEUED
        > exec
            1) PONG
        > watch new                                 OK
        > xgroup create new g 0 mkstream            OK
        > multi                                     OK
        > ping                                      QUEUED
        > exec                                      (nil)
        > watch y                                   OK
        > xdel y 1-1                                (integer) 1
        > multi                                     OK
        > ping                                      QUEUED
        > exec                                      (nil)
    "#,
    );
}
