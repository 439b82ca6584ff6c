//! Ranges of sorted sets, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn zrange_by_rank() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c 4 d                    (integer) 4
        > zrange k 0 -1
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > zrange k 1 2 withscores
            1) "b"
            2) "2"
            3) "c"
            4) "3"
        > zrange k -2 -1
            1) "c"
            2) "d"
        > zrange k 0 -1 rev
            1) "d"
            2) "c"
            3) "b"
            4) "a"
        > zrange k 0 0 rev withscores
            1) "d"
            2) "4"
        > zrange k 5 10                             (empty array)
        > zrange k 3 1                              (empty array)
        > zrange k -100 1
            1) "a"
            2) "b"
        > zrange k -9223372036854775808 9223372036854775807
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > zrevrange k 0 1 withscores
            1) "d"
            2) "4"
            3) "c"
            4) "3"
        > zrevrange k -2 -1
            1) "b"
            2) "a"
        > zrange missing 0 -1                       (empty array)
        > zrange k x 1                              (error) ERR value is not an integer or out of range
        > zrange k 0 x                              (error) ERR value is not an integer or out of range
        > zrange missing x 1                        (error) ERR value is not an integer or out of range
        > zrange k 0 -1 limit 0 1                   (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > zrange k 0 -1 limit 7 -1
            1) "a"
            2) "b"
            3) "c"
            4) "d"
        > zrange k 0 -1 foo                         (error) ERR syntax error
        > zrange k 0 -1 byscore bylex               (error) ERR syntax error
        > zrevrange k 0 -1 rev                      (error) ERR syntax error
        > zrevrange k 0 -1 limit 0 1                (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > set s v                                   OK
        > zrange s 0 -1                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrange s x -1                             (error) ERR value is not an integer or out of range
        > hello 3                                   *
        > zrange k 0 1 withscores
            1) 1) "a"
               2) (double) 1
            2) 1) "b"
               2) (double) 2
        > zrange k 0 1
            1) "a"
            2) "b"
        "#,
    );
}

#[test]
fn zrange_by_score() {
    check(
        r#"
        > zadd k -inf a 1 b 1 c 2.5 d inf e         (integer) 5
        > zrange k -inf +inf byscore
            1) "a"
            2) "b"
            3) "c"
            4) "d"
            5) "e"
        > zrange k 1 2.5 byscore withscores
            1) "b"
            2) "1"
            3) "c"
            4) "1"
            5) "d"
            6) "2.5"
        > zrange k (1 (inf byscore                  1) "d"
        > zrange k 2.5 1 byscore rev
            1) "d"
            2) "c"
            3) "b"
        > zrange k (inf -inf byscore rev limit 1 2
            1) "c"
            2) "b"
        > zrange k 1 2.5 byscore rev                (empty array)
        > zrangebyscore k 1 inf limit 1 1           1) "c"
        > zrangebyscore k 1 inf limit 1 -2 withscores
            1) "c"
            2) "1"
            3) "d"
            4) "2.5"
            5) "e"
            6) "inf"
        > zrangebyscore k 1 inf limit -1 2          (empty array)
        > zrangebyscore k 1 inf limit 0 0           (empty array)
        > zrangebyscore k 1 inf limit 9 1           (empty array)
        > zrevrangebyscore k inf 1 withscores limit 0 2
            1) "e"
            2) "inf"
            3) "d"
            4) "2.5"
        > zrangebyscore k 1 inf limit 0             (error) ERR syntax error
        > zrangebyscore k 1 inf limit x 1           (error) ERR value is not an integer or out of range
        > zrangebyscore k 1 inf limit 0 x           (error) ERR value is not an integer or out of range
        > zrangebyscore k x 1                       (error) ERR min or max is not a float
        > zrangebyscore k 1 x                       (error) ERR min or max is not a float
        > zrangebyscore k 1 nan                     (error) ERR min or max is not a float
        > zrangebyscore k 1 2 rev                   (error) ERR syntax error
        > zrangebyscore k "" (                      (empty array)
        > zrangebyscore k " 1" "1\x00x"
            1) "b"
            2) "c"
        > zrangebyscore k "1 " 2                    (error) ERR min or max is not a float
        > zrangebyscore k 1e400 0x1p9999            1) "e"
        > zrangebyscore k 0x1p-9999 1e-400          (empty array)
        > zrangebyscore missing 1 x                 (error) ERR min or max is not a float
        "#,
    );
}

#[test]
fn zrange_by_name() {
    check(
        r#"
        > zadd k 0 a 0 b 0 c 0 d 0 12 0 ""          (integer) 6
        > zrange k - + bylex
            1) ""
            2) "12"
            3) "a"
            4) "b"
            5) "c"
            6) "d"
        > zrange k [a (c bylex
            1) "a"
            2) "b"
        > zrange k (a [c bylex limit 1 5            1) "c"
        > zrange k + [b bylex rev
            1) "d"
            2) "c"
            3) "b"
        > zrange k [c - bylex rev limit 1 2
            1) "b"
            2) "a"
        > zrangebylex k [ [1                        1) ""
        > zrangebylex k ( +
            1) "12"
            2) "a"
            3) "b"
            4) "c"
            5) "d"
        > zrangebylex k + -                         (empty array)
        > zrangebylex k - -                         (empty array)
        > zrangebylex k + +                         (empty array)
        > zrangebylex k [c [a                       (empty array)
        > zrangebylex k (a (a                       (empty array)
        > zrevrangebylex k (c [a
            1) "b"
            2) "a"
        > zrevrangebylex k + - limit 0 2
            1) "d"
            2) "c"
        > zrangebylex k a c                         (error) ERR min or max not valid string range item
        > zrangebylex k "" c                        (error) ERR min or max not valid string range item
        > zrangebylex k - "+\x00"
            1) ""
            2) "12"
            3) "a"
            4) "b"
            5) "c"
            6) "d"
        > zrangebylex k - + withscores              (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > zrange k - + bylex withscores             (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > zrangebylex k - + limit 0 0               (empty array)
        "#,
    );
}

#[test]
fn zcount_and_zlexcount() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c                        (integer) 3
        > zcount k -inf +inf                        (integer) 3
        > zcount k (1 3                             (integer) 2
        > zcount k (1 (3                            (integer) 1
        > zcount k 3 1                              (integer) 0
        > zcount k x 1                              (error) ERR min or max is not a float
        > zcount missing 1 2                        (integer) 0
        > zlexcount k - +                           (integer) 3
        > zlexcount k [b +                          (integer) 2
        > zlexcount k (b [c                         (integer) 1
        > zlexcount k a b                           (error) ERR min or max not valid string range item
        > zlexcount missing - +                     (integer) 0
        > set s v                                   OK
        > zcount s 1 2                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zcount s x 2                              (error) ERR min or max is not a float
        > zlexcount s - +                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zcount k 1                                (error) ERR wrong number of arguments for 'zcount' command
        "#,
    );
}

#[test]
fn zrangestore_stores_a_part() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c                        (integer) 3
        > zrangestore d k 0 1                       (integer) 2
        > zrange d 0 -1 withscores
            1) "a"
            2) "1"
            3) "b"
            4) "2"
        > zrangestore d k 3 2 byscore rev limit 0 1  (integer) 1
        > zrange d 0 -1 withscores
            1) "c"
            2) "3"
        > zrangestore d k - + bylex                 (integer) 3
        > zrangestore k k 1 -1                      (integer) 2
        > zrange k 0 -1 withscores
            1) "b"
            2) "2"
            3) "c"
            4) "3"
        > zrangestore d missing 0 -1                (integer) 0
        > exists d                                  (integer) 0
        > set d v                                   OK
        > zrangestore d k 0 0                       (integer) 1
        > type d                                    zset
        > zrangestore d k 7 9                       (integer) 0
        > exists d                                  (integer) 0
        > zrangestore d k 0 -1 withscores           (error) ERR syntax error
        > zrangestore d k x -1                      (error) ERR value is not an integer or out of range
        > zrangestore d k 0 -1 limit 0 1            (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > set s v                                   OK
        > zrangestore d s 0 -1                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zrangestore d s x -1                      (error) ERR value is not an integer or out of range
        > zrangestore s k 0 -1                      (integer) 2
        > type s                                    zset
        > zrangestore d k 0                         (error) ERR wrong number of arguments for 'zrangestore' command
        "#,
    );
}

#[test]
fn zremrange_removes_a_part() {
    check(
        r#"
        > zadd k 1 a 2 b 3 c 4 d 5 e 6 f            (integer) 6
        > zremrangebyrank k 0 0                     (integer) 1
        > zremrangebyrank k -1 -1                   (integer) 1
        > zremrangebyrank k 3 1                     (integer) 0
        > zremrangebyscore k (2 3                   (integer) 1
        > zremrangebyscore k 9 10                   (integer) 0
        > zremrangebylex k [d (e                    (integer) 1
        > zrange k 0 -1
            1) "b"
            2) "e"
        > zremrangebyrank k 0 -1                    (integer) 2
        > exists k                                  (integer) 0
        > zremrangebyrank k 0 -1                    (integer) 0
        > zremrangebyscore k 1 2                    (integer) 0
        > zremrangebylex k - +                      (integer) 0
        > zremrangebyrank k x 1                     (error) ERR value is not an integer or out of range
        > zremrangebyscore k x 1                    (error) ERR min or max is not a float
        > zremrangebylex k x 1                      (error) ERR min or max not valid string range item
        > set s v                                   OK
        > zremrangebyrank s 0 1                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zremrangebyscore s 0 1                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zremrangebylex s - +                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > zremrangebylex s x +                      (error) ERR min or max not valid string range item
        "#,
    );
}
