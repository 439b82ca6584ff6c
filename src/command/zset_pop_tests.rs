//! ZPOPMIN, ZPOPMAX and ZMPOP, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn zpopmin_and_zpopmax_take_from_the_ends() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c 4 d 5 e                (integer) 5
        > zpopmin k
            1) "a"
            2) "1"
        > zpopmax k
            1) "e"
            2) "5"
        > zpopmin k 0                               (empty array)
        > zpopmax k 2
            1) "d"
            2) "4"
            3) "c"
            4) "3"
        > zpopmin k 10
            1) "b"
            2) "2"
        > exists k                                  (integer) 0
        > zpopmin k                                 (empty array)
        > zpopmax k 3                               (empty array)
        > zpopmin k x                               (error) ERR value is out of range, must be positive
        > zpopmin k -1                              (error) ERR value is out of range, must be positive
        > zpopmin k 1 2                             (error) ERR syntax error
        > set s v                                   OK
        > zpopmin s                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zpopmin s 0                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zpopmax s -1                              (error) ERR value is out of range, must be positive
        > zadd k 1 a 2 b 3.5 c                      (integer) 3
        > hello 3                                   *
        > zpopmin k 2
            1) 1) "a"
               2) (double) 1
            2) 1) "b"
               2) (double) 2
        > zpopmin k
            1) "c"
            2) (double) 3.5
        > zpopmax k 2                               (empty array)
        "#,
    );
}

#[test]
fn zmpop_takes_from_the_first_that_has_any() {
    check(
        r#"
        > zadd b 1 x 2 y 3 z 4 w                    (integer) 4
        > zmpop 3 a b c min
            1) "b"
            2) 1) 1) "x"
                  2) "1"
        > zmpop 2 a b max count 2
            1) "b"
            2) 1) 1) "w"
                  2) "4"
               2) 1) "z"
                  2) "3"
        > zadd a 7 q                                (integer) 1
        > zmpop 2 a b min count 10
            1) "a"
            2) 1) 1) "q"
                  2) "7"
        > exists a                                  (integer) 0
        > set s v                                   OK
        > zmpop 2 s b min                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zmpop 2 b s max
            1) "b"
            2) 1) 1) "y"
                  2) "2"
        > zmpop 2 a b min                           (nil)
        > exists b                                  (integer) 0
        > zadd a 1.5 m                              (integer) 1
        > hello 3                                   *
        > zmpop 1 a max
            1) "a"
            2) 1) 1) "m"
                  2) (double) 1.5
        > zmpop 1 a max                             (nil)
        "#,
    );
}

#[test]
fn zmpop_checks_its_words_first() {
    check(
        r#"
        > set k v                                   OK
        > zmpop 0 k min                             (error) ERR numkeys should be greater than 0
        > zmpop -1 k min                            (error) ERR numkeys should be greater than 0
        > zmpop x k min                             (error) ERR numkeys should be greater than 0
        > zmpop 1 k                                 (error) ERR wrong number of arguments for 'zmpop' command
        > zmpop 2 k min                             (error) ERR syntax error
        > zmpop 3 k min                             (error) ERR syntax error
        > zmpop 9223372036854775807 k min           (error) ERR syntax error
        > zmpop 1 k middle                          (error) ERR syntax error
        > zmpop 1 k min count                       (error) ERR syntax error
        > zmpop 1 k min count 0                     (error) ERR count should be greater than 0
        > zmpop 1 k min count x                     (error) ERR count should be greater than 0
        > zmpop 1 k min count 1 count 1             (error) ERR syntax error
        > zmpop 1 k min limit 1                     (error) ERR syntax error
        > zmpop 1 k min count 0 more                (error) ERR count should be greater than 0
        > zmpop 1 k min count 1 more                (error) ERR syntax error
        > zmpop 1 k min                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}
