//! SORT and SORT_RO as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn numbers_are_sorted_by_value_and_equal_ones_by_bytes() {
    check(
        r#"
        > rpush l 3 1 2 10 -5 1.0 1 "" inf -inf 0x10 1e2 "\t7" +4   (integer) 14
        > sort l
             1) "-inf"
             2) "-5"
             3) ""
             4) "1"
             5) "1"
             6) "1.0"
             7) "2"
             8) "3"
             9) "+4"
            10) "\t7"
            11) "10"
            12) "0x10"
            13) "1e2"
            14) "inf"
        > sort l desc
             1) "inf"
             2) "1e2"
             3) "0x10"
             4) "10"
             5) "\t7"
             6) "+4"
             7) "3"
             8) "2"
             9) "1.0"
            10) "1"
            11) "1"
            12) ""
            13) "-5"
            14) "-inf"
        > sort l asc limit 2 3
            1) ""
            2) "1"
            3) "1"
        > sort l desc asc desc limit 10 100
            1) "1"
            2) ""
            3) "-5"
            4) "-inf"
        > sort_ro l limit 0 1
            1) "-inf"
        > rpush big 9223372036854775807 9223372036854775806 9007199254740993 0x1p-1074 "5\x00x" "5\x00a"  (integer) 6
        > sort big
            1) "0x1p-1074"
            2) "5\x00a"
            3) "5\x00x"
            4) "9007199254740993"
            5) "9223372036854775806"
            6) "9223372036854775807"
        > sort big desc limit 1 3
            1) "9223372036854775806"
            2) "9007199254740993"
            3) "5\x00x"
        "#,
    );
}

#[test]
fn what_is_no_number_is_an_error_that_changes_nothing() {
    check(
        r#"
        > rpush a x 1                                               (integer) 2
        > sort a                                                    (error) ERR One or more scores can't be converted into double
        > sort a limit 0 0                                          (error) ERR One or more scores can't be converted into double
        > sort_ro a                                                 (error) ERR One or more scores can't be converted into double
        > rpush b nan                                               (integer) 1
        > sort b                                                    (error) ERR One or more scores can't be converted into double
        > rpush c 1e400                                             (integer) 1
        > sort c                                                    (error) ERR One or more scores can't be converted into double
        > rpush d 1e-310                                            (integer) 1
        > sort d                                                    (error) ERR One or more scores can't be converted into double
        > rpush e "3 "                                              (integer) 1
        > sort e                                                    (error) ERR One or more scores can't be converted into double
        > rpush f " "                                               (integer) 1
        > sort f                                                    (error) ERR One or more scores can't be converted into double
        > rpush g 0x1.8p-1074                                       (integer) 1
        > sort g                                                    (error) ERR One or more scores can't be converted into double
        > set keep 1                                                OK
        > sort a store keep                                         (error) ERR One or more scores can't be converted into double
        > get keep                                                  "1"
        > set w_x heavy                                             OK
        > sort a by w_*                                             (error) ERR One or more scores can't be converted into double
        > sort a by w_* limit 5 5                                   (error) ERR One or more scores can't be converted into double
        > sort a by w_* alpha
            1) "1"
            2) "x"
        "#,
    );
}

#[test]
fn texts_are_sorted_by_bytes() {
    check(
        r#"
        > rpush l b a "" B ab a 10 9 "\xff" "\xc3\xa9"              (integer) 10
        > sort l alpha
             1) ""
             2) "10"
             3) "9"
             4) "B"
             5) "a"
             6) "a"
             7) "ab"
             8) "b"
             9) "\xc3\xa9"
            10) "\xff"
        > sort l alpha desc
             1) "\xff"
             2) "\xc3\xa9"
             3) "b"
             4) "ab"
             5) "a"
             6) "a"
             7) "B"
             8) "9"
             9) "10"
            10) ""
        > sort l alpha desc limit 1 4
            1) "\xc3\xa9"
            2) "b"
            3) "ab"
            4) "a"
        > sort l limit 2 2 alpha
            1) "9"
            2) "B"
        > rpush n "a\x00b" "a\x00a" a                               (integer) 3
        > sort n alpha
            1) "a\x00b"
            2) "a\x00a"
            3) "a"
        > sort n alpha desc
            1) "a\x00b"
            2) "a\x00a"
            3) "a"
        > sort n alpha limit 1 2
            1) "a\x00a"
            2) "a"
        > sort n alpha store d                                      (integer) 3
        > lrange d 0 -1
            1) "a"
            2) "a\x00a"
            3) "a\x00b"
        "#,
    );
}

#[test]
fn limits_count_from_zero_and_are_cut_to_what_is_there() {
    check(
        r#"
        > rpush l 3 1 2                                             (integer) 3
        > sort l limit 0 2
            1) "1"
            2) "2"
        > sort l limit 1 5
            1) "2"
            2) "3"
        > sort l limit -1 2
            1) "1"
            2) "2"
        > sort l limit 0 -5
            1) "1"
            2) "2"
            3) "3"
        > sort l limit 0 0                                          (empty array)
        > sort l limit 3 1                                          (empty array)
        > sort l limit 10 5                                         (empty array)
        > sort l limit 9223372036854775807 9223372036854775807      (empty array)
        > sort l limit 1 9223372036854775807
            1) "2"
            2) "3"
        > sort l limit -9223372036854775808 2
            1) "1"
            2) "2"
        > sort l by nosort limit 1 1
            1) "1"
        > sort l by nosort limit -3 2
            1) "3"
            2) "1"
        > sort l by nosort desc
            1) "2"
            2) "1"
            3) "3"
        > sort l by nosort desc limit 0 2
            1) "2"
            2) "1"
        > sort l by nosort desc limit 1 5
            1) "1"
            2) "3"
        > sort l by nosort desc limit 4 5                           (empty array)
        > sort missing limit 1 1                                    (empty array)
        "#,
    );
}

#[test]
fn words_that_are_wrong() {
    check(
        r#"
        > rpush l 1                                                 (integer) 1
        > set s v                                                   OK
        > sort l limit 1 x                                          (error) ERR value is not an integer or out of range
        > sort l limit 1.5 1                                        (error) ERR value is not an integer or out of range
        > sort l limit 1                                            (error) ERR syntax error
        > sort l by                                                 (error) ERR syntax error
        > sort l get                                                (error) ERR syntax error
        > sort l store                                              (error) ERR syntax error
        > sort l badopt                                             (error) ERR syntax error
        > sort_ro l store d                                         (error) ERR syntax error
        > sort_ro l by w_* store d                                  (error) ERR syntax error
        > sort s                                                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sort s by w_* get o_*                                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sort s limit x y                                          (error) ERR value is not an integer or out of range
        > sort s by w_* badopt                                      (error) ERR syntax error
        > sort s store d                                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sort_ro s                                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > sort                                                      (error) ERR wrong number of arguments for 'sort' command
        > sort_ro                                                   (error) ERR wrong number of arguments for 'sort_ro' command
        > hset h f v                                                (integer) 1
        > sort h                                                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn weights_come_from_other_keys() {
    check(
        r#"
        > rpush l a b c d                                           (integer) 4
        > mset w_a 3 w_b 1 w_c 2                                    OK
        > sort l by w_*
            1) "d"
            2) "b"
            3) "c"
            4) "a"
        > sort l by w_* desc
            1) "a"
            2) "c"
            3) "b"
            4) "d"
        > sort l by w_* limit 1 2
            1) "b"
            2) "c"
        > sort l by w_* alpha
            1) "d"
            2) "b"
            3) "c"
            4) "a"
        > sort l by w_* alpha desc
            1) "a"
            2) "c"
            3) "b"
            4) "d"
        > sort l by missing_*
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > sort l by missing_* desc
            1) "d"
            2) "c"
            3) "b"
            4) "a"
        > sort l by missing_* alpha desc
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > hset o_a n 5                                              (integer) 1
        > hset o_b n 7                                              (integer) 1
        > hset o_c m 1                                              (integer) 1
        > sadd w_d x                                                (integer) 1
        > sort l by o_*->n
            1) "c"
            2) "d"
            3) "a"
            4) "b"
        > sort l by o_*->n desc get # get o_*->n get w_* get o_*->m
             1) "b"
             2) "7"
             3) "1"
             4) (nil)
             5) "a"
             6) "5"
             7) "3"
             8) (nil)
             9) "d"
            10) (nil)
            11) (nil)
            12) (nil)
            13) "c"
            14) (nil)
            15) "2"
            16) "1"
        > sort l by o_*->n alpha desc limit 0 2 get #
            1) "b"
            2) "a"
        > sort l by w_*->n get o_*
            1) (nil)
            2) (nil)
            3) (nil)
            4) (nil)
        > sort_ro l by w_* get o_*->n
            1) (nil)
            2) "7"
            3) (nil)
            4) "5"
        > sort l by w_* get w_* limit 1 2 store d                   (integer) 2
        > lrange d 0 -1
            1) "1"
            2) "2"
        > sort l by w_* by o_*->n
            1) "c"
            2) "d"
            3) "a"
            4) "b"
        > sort l by w_* by nosort
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > sort l by nosort by w_*
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > sort l by #
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > set *d 1                                                  OK
        > rpush m *d                                                (integer) 1
        > sort m by * get * get **
            1) "1"
            2) (nil)
        "#,
    );
}

#[test]
fn patterns_are_read_to_the_letter() {
    check(
        r#"
        > rpush l 1 2                                               (integer) 2
        > mset k1 a k2 b k1->f x ->1 arrow 1-> behind               OK
        > hset h1 f hf                                              (integer) 1
        > hset h2 f hg -> arrow                                     (integer) 2
        > sort l get k* get k get # get "\x23\x00x" get k*->f get h*->f get h*-> get *-> get ->* get h*->-> get "h*->f\x00" get k*-> get "k\x00*"
             1) "a"
             2) (nil)
             3) "1"
             4) "1"
             5) (nil)
             6) "hf"
             7) (nil)
             8) "behind"
             9) "arrow"
            10) (nil)
            11) (nil)
            12) (nil)
            13) (nil)
            14) "b"
            15) (nil)
            16) "2"
            17) "2"
            18) (nil)
            19) "hg"
            20) (nil)
            21) (nil)
            22) (nil)
            23) "arrow"
            24) (nil)
            25) (nil)
            26) (nil)
        > sort l by k*                                              (error) ERR One or more scores can't be converted into double
        > sort l by h*->f alpha desc
            1) "2"
            2) "1"
        > sort l by "nosort\x00*" desc
            1) "2"
            2) "1"
        > sort l get k*->f->g get **
            1) (nil)
            2) (nil)
            3) (nil)
            4) (nil)
        "#,
    );
}

#[test]
fn sets_are_sorted_when_they_are_stored() {
    check(
        r#"
        > sadd s c b a                                              (integer) 3
        > sort s by nosort store d                                  (integer) 3
        > lrange d 0 -1
            1) "a"
            2) "b"
            3) "c"
        > sort s by nosort desc get # get # limit 1 1 store d       (integer) 2
        > lrange d 0 -1
            1) "b"
            2) "b"
        > sort s                                                    (error) ERR One or more scores can't be converted into double
        > sort s alpha desc
            1) "c"
            2) "b"
            3) "a"
        > sadd i 3 1 2                                              (integer) 3
        > sort i by nosort
            1) "1"
            2) "2"
            3) "3"
        > sort i by nosort desc limit 1 5
            1) "2"
            2) "3"
        > sort i desc
            1) "3"
            2) "2"
            3) "1"
        > sort i by nosort desc store d                             (integer) 3
        > lrange d 0 -1
            1) "3"
            2) "2"
            3) "1"
        > mset w_1 5 w_2 4 w_3 3                                    OK
        > sort i by w_* get # get w_*
            1) "3"
            2) "3"
            3) "2"
            4) "4"
            5) "1"
            6) "5"
        "#,
    );
}

#[test]
fn sorted_sets_keep_their_order_without_sorting() {
    check(
        r#"
        > zadd z 1 c 2 b 3 a                                        (integer) 3
        > object encoding z                                         "listpack"
        > sort z by nosort
            1) "c"
            2) "b"
            3) "a"
        > object encoding z                                         "skiplist"
        > sort z by nosort desc
            1) "a"
            2) "b"
            3) "c"
        > sort z by nosort limit 1 1
            1) "b"
        > sort z by nosort desc limit 1 2
            1) "b"
            2) "c"
        > sort z by nosort desc limit 5 2                           (empty array)
        > sort z by nosort limit -1 2
            1) "c"
            2) "b"
        > sort z alpha
            1) "a"
            2) "b"
            3) "c"
        > sort z                                                    (error) ERR One or more scores can't be converted into double
        > sort z by nosort get # get w_* store d                    (integer) 6
        > lrange d 0 -1
            1) "c"
            2) ""
            3) "b"
            4) ""
            5) "a"
            6) ""
        > mset w_a 1 w_b 3 w_c 2                                    OK
        > sort z by w_* desc
            1) "b"
            2) "c"
            3) "a"
        > zrange z 0 -1 withscores
            1) "c"
            2) "1"
            3) "b"
            4) "2"
            5) "a"
            6) "3"
        > zadd y 1 5                                                (integer) 1
        > sort_ro y
            1) "5"
        > object encoding y                                         "skiplist"
        "#,
    );
}

#[test]
fn a_result_is_stored_in_place_of_anything() {
    check(
        r#"
        > rpush l 3 1 2                                             (integer) 3
        > set d v ex 100                                            OK
        > sort l store d                                            (integer) 3
        > lrange d 0 -1
            1) "1"
            2) "2"
            3) "3"
        > ttl d                                                     (integer) -1
        > object encoding d                                         "quicklist"
        > sort l limit 1 1 store d                                  (integer) 1
        > lrange d 0 -1
            1) "2"
        > sort l get w_* get # store d                              (integer) 6
        > lrange d 0 -1
            1) ""
            2) "1"
            3) ""
            4) "2"
            5) ""
            6) "3"
        > sort l store a store b                                    (integer) 3
        > exists a b                                                (integer) 1
        > sort l limit 0 0 store b                                  (integer) 0
        > exists b                                                  (integer) 0
        > set e v                                                   OK
        > sort missing store e                                      (integer) 0
        > exists e                                                  (integer) 0
        > sort missing by w_* get w_* store e                       (integer) 0
        > sort l desc store l                                       (integer) 3
        > lrange l 0 -1
            1) "3"
            2) "2"
            3) "1"
        > sort l get # get missing_* store l                        (integer) 6
        > lrange l 0 -1
            1) "1"
            2) ""
            3) "2"
            4) ""
            5) "3"
            6) ""
        > sort l alpha desc asc limit 3 2 limit 0 1 store {t}x      (integer) 1
        > lrange {t}x 0 -1
            1) ""
        "#,
    );
}

#[test]
fn a_transaction_sorts_as_well() {
    check(
        r#"
        > rpush l a b c                                             (integer) 3
        > mset w_a 2 w_b 3 w_c 1                                    OK
        > multi                                                     OK
        > sort l by w_*                                             QUEUED
        > set w_a 9                                                 QUEUED
        > sort l by w_* get # get w_* store d                       QUEUED
        > lrange d 0 -1                                             QUEUED
        > sort l alpha desc                                         QUEUED
        > sort l by w_* get x_* desc limit 0 1                      QUEUED
        > sort w_a by w_*                                           QUEUED
        > sort_ro d alpha by nosort                                 QUEUED
        > sort missing by w_* store d                               QUEUED
        > exists d                                                  QUEUED
        > exec
             1) 1) "c"
                2) "a"
                3) "b"
             2) OK
             3) (integer) 6
             4) 1) "c"
                2) "1"
                3) "b"
                4) "3"
                5) "a"
                6) "9"
             5) 1) "c"
                2) "b"
                3) "a"
             6) 1) (nil)
             7) (error) WRONGTYPE Operation against a key holding the wrong kind of value
             8) 1) "c"
                2) "1"
                3) "b"
                4) "3"
                5) "a"
                6) "9"
             9) (integer) 0
            10) (integer) 0
        "#,
    );
}

#[test]
fn a_stored_list_is_heard_of_by_those_who_wait_or_watch() {
    check(
        r#"
        > rpush l 2 1 3                                          (integer) 3
        > mset w_1 1 w_2 2 w_3 3                                 OK
        2> blpop d {t}d 0
        > sort l by w_* desc get # store d                       (integer) 3
        2> watch w_1 d                                           1) "d"
            2) "3"
            OK
        > sort l by w_* get w_*                                  1) "1"
            2) "2"
            3) "3"
        > sort_ro d                                              1) "1"
            2) "2"
        2> multi                                                 OK
        2> lrange d 0 -1                                         QUEUED
        2> exec                                                  1) 1) "2"
            2) "1"
        2> watch d                                               OK
        > sort l by w_* limit 0 0 store d                        (integer) 0
        2> multi                                                 OK
        2> ping                                                  QUEUED
        2> exec                                                  (nil)
        "#,
    );
}
