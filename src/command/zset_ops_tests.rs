//! Unions, intersections and differences of sorted sets, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn zunion_sums_scores_up() {
    check(
        r#"
        > zadd a 1 x 2 y 3 z                        (integer) 3
        > zadd b 10 y 20 z 30 w                     (integer) 3
        > zunion 2 a b
            1) "x"
            2) "y"
            3) "z"
            4) "w"
        > zunion 2 a b withscores
            1) "x"
            2) "1"
            3) "y"
            4) "12"
            5) "z"
            6) "23"
            7) "w"
            8) "30"
        > zunion 2 a b weights 2 0.5 withscores
            1) "x"
            2) "2"
            3) "y"
            4) "9"
            5) "w"
            6) "15"
            7) "z"
            8) "16"
        > zunion 2 a b aggregate min withscores
            1) "x"
            2) "1"
            3) "y"
            4) "2"
            5) "z"
            6) "3"
            7) "w"
            8) "30"
        > zunion 2 a b aggregate max weights 1 -1 withscores
            1) "w"
            2) "-30"
            3) "x"
            4) "1"
            5) "y"
            6) "2"
            7) "z"
            8) "3"
        > sadd s y q                                (integer) 2
        > zunion 3 a b s withscores
             1) "q"
             2) "1"
             3) "x"
             4) "1"
             5) "y"
             6) "13"
             7) "z"
             8) "23"
             9) "w"
            10) "30"
        > zunion 2 s missing withscores
            1) "q"
            2) "1"
            3) "y"
            4) "1"
        > zunion 1 missing                          (empty array)
        > zunion 2 a a withscores
            1) "x"
            2) "2"
            3) "y"
            4) "4"
            5) "z"
            6) "6"
        > zunionstore d 2 a b                       (integer) 4
        > zrange d 0 -1 withscores
            1) "x"
            2) "1"
            3) "y"
            4) "12"
            5) "z"
            6) "23"
            7) "w"
            8) "30"
        > zunionstore a 2 a b aggregate sum         (integer) 4
        > zrange a 0 -1 withscores
            1) "x"
            2) "1"
            3) "y"
            4) "12"
            5) "z"
            6) "23"
            7) "w"
            8) "30"
        > zunionstore d 1 missing                   (integer) 0
        > exists d                                  (integer) 0
        > object encoding a                         "listpack"
        > hello 3                                   *
        > zunion 2 a s withscores
            1) 1) "q"
               2) (double) 1
            2) 1) "x"
               2) (double) 1
            3) 1) "y"
               2) (double) 13
            4) 1) "z"
               2) (double) 23
            5) 1) "w"
               2) (double) 30
        > zunion 1 a
            1) "x"
            2) "y"
            3) "z"
            4) "w"
        "#,
    );
}

#[test]
fn zinter_keeps_what_all_have() {
    check(
        r#"
        > zadd a 1 x 2 y 3 z                        (integer) 3
        > zadd b 10 y 20 z 30 w                     (integer) 3
        > sadd s y q 7                              (integer) 3
        > zinter 2 a b withscores
            1) "y"
            2) "12"
            3) "z"
            4) "23"
        > zinter 3 a b s withscores
            1) "y"
            2) "13"
        > zinter 2 a b weights 2 3 aggregate max withscores
            1) "y"
            2) "30"
            3) "z"
            4) "60"
        > zinter 2 a missing                        (empty array)
        > zinterstore d 2 a b                       (integer) 2
        > zrange d 0 -1 withscores
            1) "y"
            2) "12"
            3) "z"
            4) "23"
        > zinterstore d 2 a missing                 (integer) 0
        > exists d                                  (integer) 0
        > zintercard 2 a b                          (integer) 2
        > zintercard 2 a b limit 1                  (integer) 1
        > zintercard 2 a b limit 0                  (integer) 2
        > zintercard 3 a b missing                  (integer) 0
        > zintercard 1 a limit -1                   (error) ERR LIMIT can't be negative
        > zintercard 1 a limit x                    (error) ERR LIMIT can't be negative
        > zintercard 1 a limit                      (error) ERR syntax error
        > zintercard 1 a limit 1 limit 2            (integer) 2
        > zintercard 1 a withscores                 (error) ERR syntax error
        > zintercard 0 a                            (error) ERR at least 1 input key is needed for 'zintercard' command
        "#,
    );
}

#[test]
fn zdiff_keeps_what_no_other_has() {
    check(
        r#"
        > zadd a 1 x 2 y 3 z                        (integer) 3
        > zadd b 10 y                               (integer) 1
        > sadd s z                                  (integer) 1
        > zdiff 2 a b withscores
            1) "x"
            2) "1"
            3) "z"
            4) "3"
        > zdiff 3 a b s                             1) "x"
        > zdiff 1 a
            1) "x"
            2) "y"
            3) "z"
        > zdiff 2 missing a                         (empty array)
        > zdiff 2 a a                               (empty array)
        > zdiff 6 a b s missing missing missing withscores
            1) "x"
            2) "1"
        > zdiffstore d 2 a b                        (integer) 2
        > zrange d 0 -1 withscores
            1) "x"
            2) "1"
            3) "z"
            4) "3"
        > zdiffstore d 2 a a                        (integer) 0
        > exists d                                  (integer) 0
        > zdiff 1 a weights 1                       (error) ERR syntax error
        > zdiff 1 a aggregate sum                   (error) ERR syntax error
        > zdiffstore d 1 a withscores               (error) ERR syntax error
        "#,
    );
}

#[test]
fn infinities_never_make_nan() {
    check(
        r#"
        > zadd inf inf a -inf b                     (integer) 2
        > zadd ninf -inf a                          (integer) 1
        > zunion 2 inf ninf withscores
            1) "b"
            2) "-inf"
            3) "a"
            4) "0"
        > zunion 1 inf weights 0 withscores
            1) "a"
            2) "0"
            3) "b"
            4) "0"
        > zunion 1 inf weights -inf withscores
            1) "a"
            2) "-inf"
            3) "b"
            4) "inf"
        > zinter 2 inf ninf withscores
            1) "a"
            2) "0"
        > zunion 2 inf ninf aggregate min withscores
            1) "a"
            2) "-inf"
            3) "b"
            4) "-inf"
        > zunion 2 inf ninf aggregate max withscores
            1) "b"
            2) "-inf"
            3) "a"
            4) "inf"
        "#,
    );
}

#[test]
fn types_are_checked_before_the_options() {
    check(
        r#"
        > set s v                                   OK
        > zadd k 1 a                                (integer) 1
        > zunion 0 k                                (error) ERR at least 1 input key is needed for 'zunion' command
        > zunion -1 k                               (error) ERR at least 1 input key is needed for 'zunion' command
        > zunion x k                                (error) ERR value is not an integer or out of range
        > zinter 0 k                                (error) ERR at least 1 input key is needed for 'zinter' command
        > zdiff 0 k                                 (error) ERR at least 1 input key is needed for 'zdiff' command
        > zunionstore d 0 k                         (error) ERR at least 1 input key is needed for 'zunionstore' command
        > zinterstore d 0 k                         (error) ERR at least 1 input key is needed for 'zinterstore' command
        > zdiffstore d 0 k                          (error) ERR at least 1 input key is needed for 'zdiffstore' command
        > zunion 2 k                                (error) ERR syntax error
        > zunion 9223372036854775807 k              (error) ERR syntax error
        > zunion 1 s weights x                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zunion 2 missing s                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zinter 2 missing s                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zdiff 2 missing s                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zintercard 2 k s                          (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zunion 1 k weights                        (error) ERR syntax error
        > zunion 1 k weights x                      (error) ERR weight value is not a float
        > zunion 1 k weights nan                    (error) ERR weight value is not a float
        > zunion 1 k weights 1e400                  (error) ERR weight value is not a float
        > zunion 1 k weights 1 2                    (error) ERR syntax error
        > zunion 1 k weights 1 weights 2 withscores
            1) "a"
            2) "2"
        > zunion 1 k aggregate                      (error) ERR syntax error
        > zunion 1 k aggregate foo                  (error) ERR syntax error
        > zunion 1 k withscores withscores
            1) "a"
            2) "1"
        > zunion 1 k foo                            (error) ERR syntax error
        > zunionstore d 1 k withscores              (error) ERR syntax error
        > zunion 1                                  (error) ERR wrong number of arguments for 'zunion' command
        > zunionstore d 1                           (error) ERR wrong number of arguments for 'zunionstore' command
        "#,
    );
}
