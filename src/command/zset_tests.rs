//! ZADD and its kin, scores, ranks, ZRANDMEMBER and ZSCAN, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn zadd_adds_and_moves_members() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c                        (integer) 3
        > zadd k 1 a 5 b 4 d                        (integer) 1
        > zadd k ch 1 a 6 b 9 e                     (integer) 2
        > zrange k 0 -1 withscores
             1) "a"
             2) "1"
             3) "c"
             4) "3"
             5) "d"
             6) "4"
             7) "b"
             8) "6"
             9) "e"
            10) "9"
        > zadd k 1 a 2 a 3 a                        (integer) 0
        > zscore k a                                "3"
        > zadd k nx ch 5 a 6 f                      (integer) 1
        > zadd k xx ch gt 7 a 3 c 1 z               (integer) 1
        > zadd k xx ch lt 8 a 2 c                   (integer) 1
        > zadd k gt 1 new                           (integer) 1
        > zadd k xx 1 z                             (integer) 0
        > zadd missing xx 1 a                       (integer) 0
        > exists missing                            (integer) 0
        > zadd k incr 1.5 a                         "8.5"
        > zadd k nx incr 1 a                        (nil)
        > zadd k xx incr 1 z                        (nil)
        > zadd k gt incr -1 a                       (nil)
        > zadd k lt incr 1 a                        (nil)
        > zadd k lt incr -1 a                       "7.5"
        > zadd k incr 0 a                           "7.5"
        > zadd n incr 3 a                           "3"
        > zcard k                                   (integer) 7
        > object encoding k                         "listpack"
        "#,
    );
}

#[test]
fn zadd_checks_its_words_before_the_key() {
    check(
        r#"
        > set s v                                   OK
        > zadd s 1 a                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zadd s x a                                (error) ERR value is not a valid float
        > zadd s nx xx 1 a                          (error) ERR XX and NX options at the same time are not compatible
        > zadd s nx nx ch xx 1 1                    (error) ERR XX and NX options at the same time are not compatible
        > zadd k nx xx 1 a 2                        (error) ERR syntax error
        > zadd k gt lt 1 a                          (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > zadd k nx gt 1 a                          (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > zadd k nx lt 1 a                          (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > zadd k incr 1 a 2 b                       (error) ERR INCR option supports a single increment-element pair
        > zadd k incr 1                             (error) ERR syntax error
        > zadd k incr                               (error) ERR wrong number of arguments for 'zadd' command
        > zadd k 1                                  (error) ERR wrong number of arguments for 'zadd' command
        > zadd k nan a                              (error) ERR value is not a valid float
        > zadd k 1 a nan b                          (error) ERR value is not a valid float
        > exists k                                  (integer) 0
        > zadd k "" a                               (error) ERR value is not a valid float
        > zadd k 1e400 a                            (error) ERR value is not a valid float
        > zadd k inf a -inf b                       (integer) 2
        > zadd k incr -inf a                        (error) ERR resulting score is not a number (NaN)
        > zadd k 0x10 hex                           (integer) 1
        > zscore k hex                              "16"
        > zadd                                      (error) ERR wrong number of arguments for 'zadd' command
        "#,
    );
}

#[test]
fn scores_print_in_17_digits() {
    check(
        r#"
        > zadd k 0.1 a 3.0 b 1e20 c -1e-9 d 12345678901234567890 e -inf f +inf g 1.7976931348623157e308 h 5e-324 i  (integer) 9
        > zrange k 0 -1 withscores
             1) "f"
             2) "-inf"
             3) "d"
             4) "-1.0000000000000001e-09"
             5) "i"
             6) "4.9406564584124654e-324"
             7) "a"
             8) "0.10000000000000001"
             9) "b"
            10) "3"
            11) "e"
            12) "1.2345678901234567e+19"
            13) "c"
            14) "1e+20"
            15) "h"
            16) "1.7976931348623157e+308"
            17) "g"
            18) "inf"
        > zadd z -0 a                               (integer) 1
        > zscore z a                                "0"
        > hello 3                                   *
        > zrange k 0 -1 withscores
            1) 1) "f"
               2) (double) -inf
            2) 1) "d"
               2) (double) -1.0000000000000001e-09
            3) 1) "i"
               2) (double) 4.9406564584124654e-324
            4) 1) "a"
               2) (double) 0.10000000000000001
            5) 1) "b"
               2) (double) 3
            6) 1) "e"
               2) (double) 1.2345678901234567e+19
            7) 1) "c"
               2) (double) 1e+20
            8) 1) "h"
               2) (double) 1.7976931348623157e+308
            9) 1) "g"
               2) (double) inf
        > zmscore k a f nosuch
            1) (double) 0.10000000000000001
            2) (double) -inf
            3) (nil)
        > zscore k g                                (double) inf
        > zadd k incr 1 a                           (double) 1.1000000000000001
        > zadd k nx incr 1 a                        (nil)
        > zincrby k 1 b                             (double) 4
        "#,
    );
}

#[test]
fn zincrby_makes_what_is_missing() {
    check(
        r#"
        > zincrby k 2.5 a                           "2.5"
        > zincrby k -4 a                            "-1.5"
        > zincrby k 1e3 b                           "1000"
        > zincrby k x b                             (error) ERR value is not a valid float
        > zincrby k nan b                           (error) ERR value is not a valid float
        > zincrby k inf b                           "inf"
        > zincrby k -inf b                          (error) ERR resulting score is not a number (NaN)
        > zincrby k 1 b                             "inf"
        > set s v                                   OK
        > zincrby s 1 a                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zincrby s x a                             (error) ERR value is not a valid float
        > zincrby s XX a                            (error) ERR syntax error
        > zincrby k incr lt                         (error) ERR syntax error
        > zincrby k 1                               (error) ERR wrong number of arguments for 'zincrby' command
        "#,
    );
}

#[test]
fn zrem_takes_the_key_along_with_the_last_member() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c                        (integer) 3
        > zrem k a x a                              (integer) 1
        > zrem k b c                                (integer) 2
        > exists k                                  (integer) 0
        > zrem k a                                  (integer) 0
        > set s v                                   OK
        > zrem s a                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zcard s                                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zcard k                                   (integer) 0
        > zrem k                                    (error) ERR wrong number of arguments for 'zrem' command
        "#,
    );
}

#[test]
fn scores_and_ranks_of_members() {
    check(
        r#"
        > zadd k 1 a 2 b 2 c                        (integer) 3
        > zscore k b                                "2"
        > zscore k x                                (nil)
        > zscore missing x                          (nil)
        > zmscore k a x c
            1) "1"
            2) (nil)
            3) "2"
        > zmscore missing a b
            1) (nil)
            2) (nil)
        > zrank k a                                 (integer) 0
        > zrank k c                                 (integer) 2
        > zrank k x                                 (nil)
        > zrevrank k a                              (integer) 2
        > zrevrank k c                              (integer) 0
        > zrevrank k x                              (nil)
        > zrank missing a                           (nil)
        > set s v                                   OK
        > zscore s a                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zmscore s a                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrank s a                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrevrank s a                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrank k                                   (error) ERR wrong number of arguments for 'zrank' command
        > zmscore k                                 (error) ERR wrong number of arguments for 'zmscore' command
        "#,
    );
}

#[test]
fn zrandmember_with_a_count() {
    check(
        r#"
        > zadd k 1 a                                (integer) 1
        > zrandmember k                             "a"
        > zrandmember k 3                           1) "a"
        > zrandmember k 3 withscores
            1) "a"
            2) "1"
        > zrandmember k -3
            1) "a"
            2) "a"
            3) "a"
        > zrandmember k -2 withscores
            1) "a"
            2) "1"
            3) "a"
            4) "1"
        > zrandmember k 0                           (empty array)
        > zrandmember missing                       (nil)
        > zrandmember missing 2                     (empty array)
        > zrandmember k x                           (error) ERR value is not an integer or out of range
        > zrandmember k 1 foo                       (error) ERR syntax error
        > zrandmember k 1 withscores foo            (error) ERR syntax error
        > zrandmember k -9223372036854775808        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > zrandmember k 4611686018427387904 withscores  (error) ERR value is out of range
        > zrandmember k -4611686018427387905 withscores  (error) ERR value is out of range
        > zrandmember k 9223372036854775807         1) "a"
        > set s v                                   OK
        > zrandmember s                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrandmember s 1                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrandmember s x                           (error) ERR value is not an integer or out of range
        > hello 3                                   *
        > zrandmember k 2 withscores
            1) 1) "a"
               2) (double) 1
        > zrandmember k -2 withscores
            1) 1) "a"
               2) (double) 1
            2) 1) "a"
               2) (double) 1
        > zrandmember k -2
            1) "a"
            2) "a"
        "#,
    );
}

#[test]
fn zscan_shows_a_small_set_whole() {
    check(
        r#"
        > zadd k 1 a 2.5 b 1e17 c -0 d              (integer) 4
        > zscan k 0
            1) "0"
            2) 1) "d"
               2) "0"
               3) "a"
               4) "1"
               5) "b"
               6) "2.5"
               7) "c"
               8) "100000000000000000"
        > zscan k 0 match a*
            1) "0"
            2) 1) "a"
               2) "1"
        > zscan k 55 count 1
            1) "0"
            2) 1) "d"
               2) "0"
               3) "a"
               4) "1"
               5) "b"
               6) "2.5"
               7) "c"
               8) "100000000000000000"
        > zscan k 0 count 0                         (error) ERR syntax error
        > zscan k 0 count x                         (error) ERR value is not an integer or out of range
        > zscan k x                                 (error) ERR invalid cursor
        > zscan missing x                           (error) ERR invalid cursor
        > zscan missing 0 foo
            1) "0"
            2) (empty array)
        > zscan k 0 foo                             (error) ERR syntax error
        > zscan k 0 match a type zset               (error) ERR syntax error
        > set s v                                   OK
        > zscan s 0                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zscan s x                                 (error) ERR invalid cursor
        > hello 3                                   *
        > zscan k 0 match b
            1) "0"
            2) 1) "b"
               2) "2.5"
        "#,
    );
}

#[test]
fn long_and_many_members_make_it_large() {
    check(
        r#"
        > zadd k 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  (integer) 1
        > object encoding k                         "listpack"
        > zadd k 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  (integer) 1
        > object encoding k                         "skiplist"
        > zadd k -0 a 0 b                           (integer) 2
        > zscore k a                                "-0"
        > zrange k 0 -1 withscores
            1) "a"
            2) "-0"
            3) "b"
            4) "0"
            5) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            6) "1"
            7) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            8) "1"
        > zrem k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  (integer) 1
        > object encoding k                         "skiplist"
        > zrank k b                                 (integer) 1
        > copy k k2                                 (integer) 1
        > zrange k2 0 -1
            1) "a"
            2) "b"
            3) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "#,
    );
}
