//! Transcripts of XREAD and XREADGROUP, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn streams_are_read_behind_ids() {
    check(
        r#"
    > xadd s 1-1 a b                              "1-1"
    > xadd s 2-1 c d                              "2-1"
    > xadd t 1-1 e 1                              "1-1"
    > xread streams s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread count 1 streams s t 0 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        2) 1) "t"
           2) 1) 1) "1-1"
                 2) 1) "e"
                    2) "1"
    > xread streams s t 1-1 1-1
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread streams t missing s 1-1 0 1-5
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread streams s $                           (nil)
    > xread streams s t $ 0
        1) 1) "t"
           2) 1) 1) "1-1"
                 2) 1) "e"
                    2) "1"
    > xread streams missing 0                     (nil)
    > xread count 0 streams s 1-1
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread count -1 streams s 1-1
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread block 0 streams s 1-1
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread count 1 count 2 streams s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xread streams s 18446744073709551615-18446744073709551615  (nil)
    > hello 3  *
    > xread streams s t 1-1 0
        1# "s" => 1) 1) "2-1"
              2) 1) "c"
                 2) "d"
        2# "t" => 1) 1) "1-1"
              2) 1) "e"
                 2) "1"
    > xread streams s $                           (nil)
        "#,
    );
}

#[test]
fn what_cannot_be_read_is_said_before_anything_is() {
    check(
        r#"
    > xadd s 1-1 a b                              "1-1"
    > xread streams s t 0
        (error) ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.
    > xread streams s >
        (error) ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
    > xread streams s +                           (error) ERR Invalid stream ID specified as stream command argument
    > xread streams s -                           (error) ERR Invalid stream ID specified as stream command argument
    > xread count x streams s 0                   (error) ERR value is not an integer or out of range
    > xread block x streams s 0                   (error) ERR timeout is not an integer or out of range
    > xread block -1 streams s 0                  (error) ERR timeout is negative
    > xread block 1.5 streams s 0                 (error) ERR timeout is not an integer or out of range
    > xread group g c streams s 0
        (error) ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
    > xread noack streams s 0
        (error) ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
    > xread foo streams s 0                       (error) ERR syntax error
    > xread count 1                               (error) ERR wrong number of arguments for 'xread' command
    > xread count 1 count 1                       (error) ERR syntax error
    > xread streams missing s foo 0               (error) ERR Invalid stream ID specified as stream command argument
    > xread streams s missing 0 foo               (error) ERR Invalid stream ID specified as stream command argument
    > set k v                                     OK
    > xread streams k 0                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xread streams k foo                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xread streams s k foo 0                     (error) ERR Invalid stream ID specified as stream command argument
    > xreadgroup group g c streams s >
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
    > xreadgroup group g c streams missing >
        (error) NOGROUP No such key 'missing' or consumer group 'g' in XREADGROUP with GROUP option
    > xreadgroup group g c streams k >
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xreadgroup group g c streams s foo
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
    > xreadgroup count 1 block 0 streams s >      (error) ERR Missing GROUP option for XREADGROUP
    > xreadgroup noack noack noack streams s >    (error) ERR Missing GROUP option for XREADGROUP
    > xgroup create s g 0                         OK
    > xreadgroup group g c streams s foo
        (error) ERR Invalid stream ID specified as stream command argument
    > xreadgroup group g c streams s $
        (error) ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.
    > xreadgroup group g c streams s t > >
        (error) NOGROUP No such key 't' or consumer group 'g' in XREADGROUP with GROUP option
    > xreadgroup group g c streams s k > >
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    > xreadgroup group g c streams s              (error) ERR wrong number of arguments for 'xreadgroup' command
    > xreadgroup group g streams s >              (error) ERR wrong number of arguments for 'xreadgroup' command
    > xpending s g
        1) (integer) 0
        2) (nil)
        3) (nil)
        4) (nil)
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
        "#,
    );
}

#[test]
fn a_group_gives_every_entry_to_one_consumer() {
    check(
        r#"
    > xadd s 1-1 a b                              "1-1"
    > xadd s 2-1 c d                              "2-1"
    > xadd s 3-1 e f                              "3-1"
    > xadd t 1-1 a b                              "1-1"
    > xgroup create s g 0                         OK
    > xgroup create t g $                         OK
    > xreadgroup group g c count 1 streams s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
    > xreadgroup group g d streams s t > >
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
              2) 1) "3-1"
                 2) 1) "e"
                    2) "f"
    > xreadgroup group g d streams s >            (nil)
    > xreadgroup group g c streams s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
    > xreadgroup group g d streams s t 0 0
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
              2) 1) "3-1"
                 2) 1) "e"
                    2) "f"
        2) 1) "t"
           2) (empty array)
    > xreadgroup group g d count 1 streams s 0
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
    > xreadgroup group g d streams s 2-1
        1) 1) "s"
           2) 1) 1) "3-1"
                 2) 1) "e"
                    2) "f"
    > xreadgroup group g e streams s 0
        1) 1) "s"
           2) (empty array)
    > xpending s g
        1) (integer) 3
        2) "1-1"
        3) "3-1"
        4) 1) 1) "c"
              2) "1"
           2) 1) "d"
              2) "2"
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 3
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "3-1"
            9) "entries-read"
           10) (integer) 3
           11) "lag"
           12) (integer) 0
    > xdel s 2-1                                  (integer) 1
    > xreadgroup group g d streams s 0
        1) 1) "s"
           2) 1) 1) "2-1"
                 2) (nil)
              2) 1) "3-1"
                 2) 1) "e"
                    2) "f"
    > hello 3  *
    > xreadgroup group g d streams s 0
        1# "s" => 1) 1) "2-1"
              2) (nil)
           2) 1) "3-1"
              2) 1) "e"
                 2) "f"
    > hello 2  *
    > xadd s 4-1 g h                              "4-1"
    > xreadgroup group g c noack streams s >
        1) 1) "s"
           2) 1) 1) "4-1"
                 2) 1) "g"
                    2) "h"
    > xreadgroup group g c noack streams s 1-1
        1) 1) "s"
           2) (empty array)
    > xpending s g
        1) (integer) 3
        2) "1-1"
        3) "3-1"
        4) 1) 1) "c"
              2) "1"
           2) 1) "d"
              2) "2"
    > xreadgroup group g c streams s 18446744073709551615-18446744073709551615  (nil)
    > xadd t 2-1 c d                              "2-1"
    > xreadgroup group g c streams t s > 0
        1) 1) "t"
           2) 1) 1) "2-1"
                 2) 1) "c"
                    2) "d"
        2) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
    > xadd s 5-1 a b                              "5-1"
    > xreadgroup group g new streams s 0
        1) 1) "s"
           2) (empty array)
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 4
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "4-1"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 1
        "#,
    );
}

#[test]
fn the_lag_is_known_until_a_gap_lies_ahead() {
    check(
        r#"
    > xadd s 1-0 a b                              "1-0"
    > xadd s 2-0 a b                              "2-0"
    > xadd s 3-0 a b                              "3-0"
    > xadd s 4-0 a b                              "4-0"
    > xgroup create s g 0                         OK
    > xgroup create s h $                         OK
    > xgroup create s i 2-0                       OK
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 4
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
    > xreadgroup group g c count 1 streams s >
        1) 1) "s"
           2) 1) 1) "1-0"
                 2) 1) "a"
                    2) "b"
    > xdel s 3-0                                  (integer) 1
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-0"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (nil)
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
    > xreadgroup group g c count 1 streams s >
        1) 1) "s"
           2) 1) 1) "2-0"
                 2) 1) "a"
                    2) "b"
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 2
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
    > xreadgroup group g c streams s >
        1) 1) "s"
           2) 1) 1) "4-0"
                 2) 1) "a"
                    2) "b"
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
    > xtrim s maxlen 1                            (integer) 2
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
    > xgroup setid s g 0                          OK
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
    > xgroup setid s g 1-0 entriesread 1          OK
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "1-0"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (integer) 3
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
    > xdel s 4-0                                  (integer) 1
    > xinfo groups s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "1-0"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (integer) 3
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "4-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "i"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "2-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        "#,
    );
}

#[test]
fn who_finds_nothing_new_becomes_no_consumer() {
    check(
        r#"
    > xadd s 1-1 f v                              "1-1"
    > xgroup create s g $                         OK
    > xreadgroup group g c streams s >            (nil)
    > xinfo consumers s g                         (empty array)
    2> xreadgroup group g c noack block 1 streams s >
        *
    ! 10 ms
    > xinfo consumers s g                         (empty array)
    > xreadgroup group g c streams s 0
        1) 1) "s"
           2) (empty array)
    > xinfo consumers s g
        1) 1) "name"
           2) "c"
           3) "pending"
           4) (integer) 0
           5) "idle"
           6) (integer) 0
    ! 5 ms
    > xreadgroup group g c streams s >            (nil)
    > xinfo consumers s g
        1) 1) "name"
           2) "c"
           3) "pending"
           4) (integer) 0
           5) "idle"
           6) (integer) 5
        "#,
    );
}
