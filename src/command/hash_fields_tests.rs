//! What redis-server 8.2.3 answers about fields that expire, recorded from it: its replies are the expectations.

use crate::testing::check;

/// Whether a command on the hash `h` or the missing key `m` counts as a change for who watches them.
#[rustfmt::skip]
const WATCHED: &[(&str, bool)] = &[
    ("hexpire h 100 fields 1 a", true),
    ("hpexpireat h 33177117420000 fields 1 s", true),
    ("hexpire h 0 fields 1 a", true),
    ("hexpire h 100 xx fields 1 a", false),
    ("hexpire h 100 nx fields 1 t", false),
    ("hexpire h 100 fields 1 x", false),
    ("hexpire m 100 fields 1 a", false),
    ("hpersist h fields 1 t", true),
    ("hpersist h fields 1 a", false),
    ("httl h fields 1 t", false),
    ("hgetex h fields 1 t", false),
    ("hgetex h ex 100 fields 1 a", true),
    ("hgetex h pxat 33177117420000 fields 1 s", true),
    ("hgetex h persist fields 1 t", true),
    ("hgetex h persist fields 1 a", false),
    ("hgetex h exat 1 fields 1 a", true),
    ("hgetex h ex 100 fields 1 x", false),
    ("hgetex m ex 100 fields 1 a", false),
    ("hsetex h fields 1 a 1", true),
    ("hsetex h fnx fields 1 a 1", false),
    ("hsetex h fxx fields 1 x 1", false),
    ("hsetex h exat 1 fields 1 x 1", true),
    ("hsetex m exat 1 fields 1 a 1", true),
    ("hsetex m fxx exat 1 fields 1 a 1", false),
    ("hgetdel h fields 1 a", true),
    ("hgetdel h fields 1 x", false),
    ("hgetdel m fields 1 a", false),
];

#[test]
fn a_watched_hash_has_changed_or_not() {
    for (command, changes) in WATCHED {
        let exec = if *changes { "(nil)" } else { "1) PONG" };
        check(&format!(
            r#"
        > hset h a 1 t 2 s 3                          (integer) 3
        > hexpire h 1000 fields 1 t                   1) (integer) 1
        > hpexpireat h 33177117420000 fields 1 s      1) (integer) 1
        > watch h m                                   OK
        > {command}
            *
        > multi                                       OK
        > ping                                        QUEUED
        > exec                                        {exec}
            "#
        ));
    }
}

#[test]
fn fields_that_are_due_are_not_there_for_any_command() {
    check(
        r#"
        > hset h a 1 b 2 c 3                          (integer) 3
        > hpexpire h 50 fields 2 a b
            1) (integer) 1
            2) (integer) 1
        2> watch h                                    OK
        ! 60 ms
        > hexists h a                                 (integer) 0
        > hget h a                                    (nil)
        > hstrlen h a                                 (integer) 0
        > hmget h a c
            1) (nil)
            2) "3"
        > hgetall h
            1) "c"
            2) "3"
        > hrandfield h 5 withvalues
            1) "c"
            2) "3"
        > hscan h 0
            1) "0"
            2) 1) "c"
               2) "3"
        > hkeys h                                     1) "c"
        > hvals h                                     1) "3"
        > hlen h                                      (integer) 1
        > hdel h a                                    (integer) 0
        > hexpire h 10 fields 2 a c
            1) (integer) -2
            2) (integer) 1
        > httl h fields 2 a c
            1) (integer) -2
            2) (integer) 10
        > hpersist h fields 2 a b
            1) (integer) -2
            2) (integer) -2
        2> multi                                      OK
        2> ping                                       QUEUED
        2> exec                                       (nil)
        > hsetnx h a 4                                (integer) 1
        > httl h fields 1 a                           1) (integer) -1
        > hpexpire h 50 fields 1 a                    1) (integer) 1
        ! 60 ms
        > hincrby h a 5                               (integer) 5
        > hpexpire h 50 fields 1 a                    1) (integer) 1
        ! 60 ms
        > hincrbyfloat h a 1.5                        "1.5"
        > hpexpire h 50 fields 1 a                    1) (integer) 1
        ! 60 ms
        > hsetex h fxx fields 1 a 1                   (integer) 0
        > hsetex h fnx keepttl fields 1 a 1           (integer) 1
        > httl h fields 1 a                           1) (integer) -1
        > hpexpire h 50 fields 1 a                    1) (integer) 1
        ! 60 ms
        > hgetdel h fields 2 a c
            1) (nil)
            2) "3"
        > exists h                                    (integer) 0
        > type h                                      none
        > hsetex o:1 px 50 fields 1 w 5               (integer) 1
        > hset o:2 w 3                                (integer) 1
        > rpush l 1 2                                 (integer) 2
        > sort l by o:*->w get # get o:*->w
            1) "2"
            2) "3"
            3) "1"
            4) "5"
        ! 60 ms
        > sort l by o:*->w get # get o:*->w
            1) "1"
            2) (nil)
            3) "2"
            4) "3"
        "#,
    );
}

#[test]
fn other_commands_keep_or_clear_deadlines() {
    check(
        r#"
        > hset h a 1 b 2 c 3                          (integer) 3
        > hpexpireat h 33177117420123 fields 2 a b
            1) (integer) 1
            2) (integer) 1
        > hset h a 5 b 6                              (integer) 0
        > hpexpiretime h fields 3 a b c
            1) (integer) -1
            2) (integer) -1
            3) (integer) -1
        > hpexpireat h 33177117420123 fields 2 a b
            1) (integer) 1
            2) (integer) 1
        > hmset h a 1                                 OK
        > hincrby h b 1                               (integer) 7
        > hsetnx h b 1                                (integer) 0
        > hpexpiretime h fields 2 a b
            1) (integer) -1
            2) (integer) 33177117420123
        > hdel h b                                    (integer) 1
        > hset h b 1                                  (integer) 1
        > hpexpiretime h fields 1 b                   1) (integer) -1
        > hpexpireat h 33177117420123 fields 2 a b
            1) (integer) 1
            2) (integer) 1
        > copy h h2                                   (integer) 1
        > rename h2 h3                                OK
        > move h3 1                                   (integer) 1
        > select 1                                    OK
        > hpexpiretime h3 fields 3 a b c
            1) (integer) 33177117420123
            2) (integer) 33177117420123
            3) (integer) -1
        > ttl h3                                      (integer) -1
        > set h3 v keepttl                            OK
        > ttl h3                                      (integer) -1
        > select 0                                    OK
        > hgetdel h fields 2 a c
            1) "1"
            2) "3"
        > hpexpiretime h fields 3 a b c
            1) (integer) -2
            2) (integer) 33177117420123
            3) (integer) -2
        > hsetex h keepttl fields 2 a 1 b 2           (integer) 1
        > hpexpiretime h fields 3 a b c
            1) (integer) -1
            2) (integer) 33177117420123
            3) (integer) -2
        > hsetex h fields 1 b 2                       (integer) 1
        > hpexpiretime h fields 2 a b
            1) (integer) -1
            2) (integer) -1
        > hincrbyfloat h b 0.5                        "2.5"
        > hpexpireat h 33177117420123 fields 1 b      1) (integer) 1
        > hincrbyfloat h b 0.5                        "3"
        > hpexpiretime h fields 1 b                   1) (integer) 33177117420123
        > hexpire h 100 lt fields 1 a                 1) (integer) 1
        > httl h fields 1 a                           1) (integer) 100
        > hexpire h 100 gt fields 1 a                 1) (integer) 0
        > hexpire h 0 gt fields 1 a                   1) (integer) 0
        > hexpire h 0 nx fields 1 a                   1) (integer) 0
        > hexpire h 0 lt fields 2 a a
            1) (integer) 2
            2) (integer) -2
        > hexpire h 0 xx fields 1 b                   1) (integer) 2
        > exists h                                    (integer) 0
        "#,
    );
}

#[test]
fn hexpire_in_every_form() {
    check(
        r#"
        > hset h a 1 b 2                              (integer) 2
        > set s v                                     OK
        > hexpire h 100 fields 2 a x
            1) (integer) 1
            2) (integer) -2
        > hexpire h 100 fields 2 a a
            1) (integer) 1
            2) (integer) 1
        > hexpire h 100 fields 0 a                    (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields -1 a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields x a                    (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields '' a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields 1.5 a                  (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields +1 a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields 01 a                   (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields 2 a                    (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 fields 1 a b                  (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 fields 9223372036854775807 a  (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 fields 9223372036854775808 a  (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields 4611686018427387905 a  (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 foo 1 a                       (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 1 a b                         (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 fields a b                    (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 fields 1 a nx                 (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 fields 2 a nx
            1) (integer) 1
            2) (integer) -2
        > hexpire h 100 fields 1 a fields 1 b         (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 nx                            (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h 100 fields 1                      (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h 100 fields                        (error) ERR wrong number of arguments for 'hexpire' command
        > hexpire h 100 nx fields 1 a                 1) (integer) 0
        > hexpire h 100 NX nx fields 1 a              (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 nx gt fields 1 a              (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 foo fields 1 a                (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 fnx fields 1 a                (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 100 gt fields x a                 (error) ERR Parameter `numFields` should be greater than 0
        > hexpire h 100 gt fields 2 a                 (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire h 100 lt 1 fields a                 (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire h 0 fields 1 x                      1) (integer) -2
        > hpexpireat h 0 fields 1 x                   1) (integer) -2
        > hexpire h 1 fields 1 x                      1) (integer) -2
        > hpexpireat h 1 fields 1 x                   1) (integer) -2
        > hexpire h x fields 1 x                      (error) ERR value is not an integer or out of range
        > hpexpireat h x fields 1 x                   (error) ERR value is not an integer or out of range
        > hexpire h 1.5 fields 1 x                    (error) ERR value is not an integer or out of range
        > hpexpireat h 1.5 fields 1 x                 (error) ERR value is not an integer or out of range
        > hexpire h +1 fields 1 x                     (error) ERR value is not an integer or out of range
        > hpexpireat h +1 fields 1 x                  (error) ERR value is not an integer or out of range
        > hexpire h 01 fields 1 x                     (error) ERR value is not an integer or out of range
        > hpexpireat h 01 fields 1 x                  (error) ERR value is not an integer or out of range
        > hexpire h -1 fields 1 x                     (error) ERR invalid expire time, must be >= 0
        > hpexpireat h -1 fields 1 x                  (error) ERR invalid expire time, must be >= 0
        > hexpire h '' fields 1 x                     (error) ERR value is not an integer or out of range
        > hpexpireat h '' fields 1 x                  (error) ERR value is not an integer or out of range
        > hexpire h 9223372036854775808 fields 1 x    (error) ERR value is not an integer or out of range
        > hpexpireat h 9223372036854775808 fields 1 x  (error) ERR value is not an integer or out of range
        > hexpire h -9223372036854775808 fields 1 x   (error) ERR invalid expire time, must be >= 0
        > hpexpireat h -9223372036854775808 fields 1 x  (error) ERR invalid expire time, must be >= 0
        > hexpire h 9223372036854775807 fields 1 x    (error) ERR invalid expire time in 'hexpire' command
        > hpexpireat h 9223372036854775807 fields 1 x  (error) ERR invalid expire time in 'hpexpireat' command
        > hexpire missing x foo 1 a                   (error) ERR value is not an integer or out of range
        > hexpire s x foo 1 a                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire missing -1 foo 1 a                  (error) ERR invalid expire time, must be >= 0
        > hexpire s -1 foo 1 a                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire missing 9223372036854775807 foo 1 a  (error) ERR invalid expire time in 'hexpire' command
        > hexpire s 9223372036854775807 foo 1 a       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire missing 10 foo 1 a                  (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire s 10 foo 1 a                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire missing 10 fields 0 a               (error) ERR Parameter `numFields` should be greater than 0
        > hexpire missing 10 fields 2 a               (error) ERR The `numfields` parameter must match the number of arguments
        > hexpire missing -1 fields 1 a               (error) ERR invalid expire time, must be >= 0
        > hexpire missing 10 nx xx fields 1 a         (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hexpire s 10 fields 0 a                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire s 10 fields 2 a                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire s -1 fields 1 a                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpire s 10 nx xx fields 1 a               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexpireat h 70368744177 fields 1 x          1) (integer) -2
        > hexpireat h 70368744178 fields 1 x          (error) ERR invalid expire time in 'hexpireat' command
        > hpexpireat h 70368744177663 fields 1 x      1) (integer) -2
        > hpexpireat h 70368744177664 fields 1 x      (error) ERR invalid expire time in 'hpexpireat' command
        > hexpire h 70368744177 fields 1 x            (error) ERR invalid expire time in 'hexpire' command
        > hpexpire h 70368744177663 fields 1 x        (error) ERR invalid expire time in 'hpexpire' command
        "#,
    );
}

#[test]
fn httl_and_hpersist_in_every_form() {
    check(
        r#"
        > hset h a 1 b 2                              (integer) 2
        > set s v                                     OK
        > httl h fields 2 a x
            1) (integer) -1
            2) (integer) -2
        > httl h fields 2 a a
            1) (integer) -1
            2) (integer) -1
        > httl h fields 0 a                           (error) ERR Number of fields must be a positive integer
        > httl h fields -1 a                          (error) ERR Number of fields must be a positive integer
        > httl h fields x a                           (error) ERR Number of fields must be a positive integer
        > httl h fields '' a                          (error) ERR Number of fields must be a positive integer
        > httl h fields 1.5 a                         (error) ERR Number of fields must be a positive integer
        > httl h fields +1 a                          (error) ERR Number of fields must be a positive integer
        > httl h fields 01 a                          (error) ERR Number of fields must be a positive integer
        > httl h fields 2 a                           (error) ERR The `numfields` parameter must match the number of arguments
        > httl h fields 1 a b                         (error) ERR The `numfields` parameter must match the number of arguments
        > httl h fields 9223372036854775807 a         (error) ERR The `numfields` parameter must match the number of arguments
        > httl h fields 9223372036854775808 a         (error) ERR Number of fields must be a positive integer
        > httl h fields 4611686018427387905 a         (error) ERR The `numfields` parameter must match the number of arguments
        > httl h foo 1 a                              (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > httl h 1 a b                                (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > httl h fields a b                           (error) ERR Number of fields must be a positive integer
        > httl h fields 1 a nx                        (error) ERR The `numfields` parameter must match the number of arguments
        > httl h fields 2 a nx
            1) (integer) -1
            2) (integer) -2
        > httl h fields 1 a fields 1 b                (error) ERR The `numfields` parameter must match the number of arguments
        > httl h nx                                   (error) ERR wrong number of arguments for 'httl' command
        > httl h fields 1                             (error) ERR wrong number of arguments for 'httl' command
        > httl missing fields 2 a x
            1) (integer) -2
            2) (integer) -2
        > httl missing fields 0 a                     (error) ERR Number of fields must be a positive integer
        > httl missing fields 2 a                     (error) ERR The `numfields` parameter must match the number of arguments
        > httl s fields 2 a x                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > httl s fields 0 a                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > httl s fields 2 a                           (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hpersist h fields 2 a x
            1) (integer) -1
            2) (integer) -2
        > hpersist h fields 2 a a
            1) (integer) -1
            2) (integer) -1
        > hpersist h fields 0 a                       (error) ERR Number of fields must be a positive integer
        > hpersist h fields -1 a                      (error) ERR Number of fields must be a positive integer
        > hpersist h fields x a                       (error) ERR Number of fields must be a positive integer
        > hpersist h fields '' a                      (error) ERR Number of fields must be a positive integer
        > hpersist h fields 1.5 a                     (error) ERR Number of fields must be a positive integer
        > hpersist h fields +1 a                      (error) ERR Number of fields must be a positive integer
        > hpersist h fields 01 a                      (error) ERR Number of fields must be a positive integer
        > hpersist h fields 2 a                       (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h fields 1 a b                     (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h fields 9223372036854775807 a     (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h fields 9223372036854775808 a     (error) ERR Number of fields must be a positive integer
        > hpersist h fields 4611686018427387905 a     (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h foo 1 a                          (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hpersist h 1 a b                            (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hpersist h fields a b                       (error) ERR Number of fields must be a positive integer
        > hpersist h fields 1 a nx                    (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h fields 2 a nx
            1) (integer) -1
            2) (integer) -2
        > hpersist h fields 1 a fields 1 b            (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist h nx                               (error) ERR wrong number of arguments for 'hpersist' command
        > hpersist h fields 1                         (error) ERR wrong number of arguments for 'hpersist' command
        > hpersist missing fields 2 a x
            1) (integer) -2
            2) (integer) -2
        > hpersist missing fields 0 a                 (error) ERR Number of fields must be a positive integer
        > hpersist missing fields 2 a                 (error) ERR The `numfields` parameter must match the number of arguments
        > hpersist s fields 2 a x                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hpersist s fields 0 a                       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hpersist s fields 2 a                       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn hgetex_and_hgetdel_in_every_form() {
    check(
        r#"
        > hset h a 1 b 2                              (integer) 2
        > set s v                                     OK
        > hgetex h fields 2 a x
            1) "1"
            2) (nil)
        > hgetex h fields 2 a a
            1) "1"
            2) "1"
        > hgetex h fields 0 a                         (error) ERR Number of fields must be a positive integer
        > hgetex h fields -1 a                        (error) ERR Number of fields must be a positive integer
        > hgetex h fields x a                         (error) ERR Number of fields must be a positive integer
        > hgetex h fields '' a                        (error) ERR Number of fields must be a positive integer
        > hgetex h fields 1.5 a                       (error) ERR Number of fields must be a positive integer
        > hgetex h fields +1 a                        (error) ERR Number of fields must be a positive integer
        > hgetex h fields 01 a                        (error) ERR Number of fields must be a positive integer
        > hgetex h fields 2 a                         (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 1 a b                       (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 9223372036854775807 a       (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 9223372036854775808 a       (error) ERR Number of fields must be a positive integer
        > hgetex h fields 4611686018427387905 a       (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h foo 1 a                            (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h 1 a b                              (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields a b                         (error) ERR Number of fields must be a positive integer
        > hgetex h fields 1 a nx                      (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h fields 2 a nx
            1) "1"
            2) (nil)
        > hgetex h fields 1 a fields 1 b              (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h nx                                 (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h fields 1                           (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h fields                             (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex h ex 100 fields 1 x                  1) (nil)
        > hgetex h fields 1 x ex 100                  (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h px x fields 1 x                    (error) ERR value is not an integer or out of range
        > hgetex h fields 1 x px x                    (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex fields 1 x                      (error) ERR value is not an integer or out of range
        > hgetex h fields 1 x ex                      (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex -1 fields 1 x                   (error) ERR invalid expire time, must be >= 0
        > hgetex h fields 1 x ex -1                   (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h exat fields 1 x                    (error) ERR value is not an integer or out of range
        > hgetex h fields 1 x exat                    (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h persist fields 1 x                 1) (nil)
        > hgetex h fields 1 x persist                 (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h PERSIST persist fields 1 x         (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x PERSIST persist         (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h persist ex 10 fields 1 x           (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x persist ex 10           (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 10 ex 10 fields 1 x             (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x ex 10 ex 10             (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 10 px 10 fields 1 x             (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x ex 10 px 10             (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h keepttl fields 1 x                 (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x keepttl                 (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h nx fields 1 x                      (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hgetex h fields 1 x nx                      (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 9223372036854775807 fields 1 x  (error) ERR invalid expire time in 'hgetex' command
        > hgetex h fields 1 x ex 9223372036854775807  (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h exat 70368744178 fields 1 x        (error) ERR invalid expire time in 'hgetex' command
        > hgetex h fields 1 x exat 70368744178        (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h pxat 70368744177664 fields 1 x     (error) ERR invalid expire time in 'hgetex' command
        > hgetex h fields 1 x pxat 70368744177664     (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex '' fields 1 x                   (error) ERR value is not an integer or out of range
        > hgetex h fields 1 x ex ''                   (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex h ex 1.5 fields 1 x                  (error) ERR value is not an integer or out of range
        > hgetex h fields 1 x ex 1.5                  (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex missing ex 10 fields 2 a x
            1) (nil)
            2) (nil)
        > hgetex missing ex -1 fields 2 a x           (error) ERR invalid expire time, must be >= 0
        > hgetex missing ex x fields 0 a              (error) ERR value is not an integer or out of range
        > hgetex missing fields 2 a                   (error) ERR The `numfields` parameter must match the number of arguments
        > hgetex missing persist foo                  (error) ERR wrong number of arguments for 'hgetex' command
        > hgetex s ex 10 fields 2 a x                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex s ex -1 fields 2 a x                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex s ex x fields 0 a                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex s fields 2 a                         (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetex s persist foo                        (error) ERR wrong number of arguments for 'hgetex' command
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 2 a x
            1) "1"
            2) (nil)
        > hset h a 1                                  (integer) 1
        > hgetdel h fields 2 a a
            1) "1"
            2) (nil)
        > hset h a 1                                  (integer) 1
        > hgetdel h fields 0 a                        (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields -1 a                       (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields x a                        (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields '' a                       (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 1.5 a                      (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields +1 a                       (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 01 a                       (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 2 a                        (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 1 a b                      (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 9223372036854775807 a      (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 9223372036854775808 a      (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 4611686018427387905 a      (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h foo 1 a                           (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hset h a 1                                  (integer) 0
        > hgetdel h 1 a b                             (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > hset h a 1                                  (integer) 0
        > hgetdel h fields a b                        (error) ERR Number of fields must be a positive integer
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 1 a nx                     (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 2 a nx
            1) "1"
            2) (nil)
        > hset h a 1                                  (integer) 1
        > hgetdel h fields 1 a fields 1 b             (error) ERR The `numfields` parameter must match the number of arguments
        > hset h a 1                                  (integer) 0
        > hgetdel h nx                                (error) ERR wrong number of arguments for 'hgetdel' command
        > hset h a 1                                  (integer) 0
        > hgetdel h fields 1                          (error) ERR wrong number of arguments for 'hgetdel' command
        > hset h a 1                                  (integer) 0
        > hgetdel h fields                            (error) ERR wrong number of arguments for 'hgetdel' command
        > hgetdel missing fields 2 a x
            1) (nil)
            2) (nil)
        > hgetdel missing fields 0 a                  (error) ERR Number of fields must be a positive integer
        > hgetdel missing fields 2 a                  (error) ERR The `numfields` parameter must match the number of arguments
        > hgetdel s fields 2 a x                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetdel s fields 0 a                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetdel s fields 2 a                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn hsetex_in_every_form() {
    check(
        r#"
        > hset h a 1 b 2                              (integer) 2
        > set s v                                     OK
        > hsetex h fields 1 a 9                       (integer) 1
        > hsetex h fields 2 a 9                       (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 2 a 9 b                     (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 9 b                     (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a                         (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 0 a 9                       (error) ERR invalid number of fields
        > hsetex h fields -1 a 9                      (error) ERR invalid number of fields
        > hsetex h fields x a 9                       (error) ERR invalid number of fields
        > hsetex h fields 1.5 a 9                     (error) ERR invalid number of fields
        > hsetex h fields 2147483647 a 9              (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 2147483648 a 9              (error) ERR invalid number of fields
        > hsetex h fields 1073741825 a 9              (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 9223372036854775807 a 9     (error) ERR invalid number of fields
        > hsetex h foo 1 a 9                          (error) ERR unknown argument: foo
        > hsetex h fields 1 a 9 fnx                   (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 9 ex 10                 (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 1 a 9 ex                    (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fields 2 a 7 a 8                   (integer) 1
        > hsetex h fields 1 a 1 fields 1 b 2          (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex h fnx fields 1 a 9                   (integer) 0
        > hsetex h fxx fields 1 a 9                   (integer) 1
        > hsetex h FNX fnx fields 1 a 9               (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h fnx fxx fields 1 a 9               (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h fxx ex 10 fields 1 a 9             (integer) 1
        > hsetex h ex 10 fxx fields 1 a 9             (integer) 1
        > hsetex h ex 10 fnx px 10 fields 1 a 9       (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h ex 10 ex 10 fields 1 a 9           (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h keepttl fields 1 a 9               (integer) 1
        > hsetex h keepttl keepttl fields 1 a 9       (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h keepttl ex 10 fields 1 a 9         (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h exat 10 keepttl fields 1 a 9       (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex h persist fields 1 a 9               (error) ERR unknown argument: persist
        > hsetex h nx fields 1 a 9                    (error) ERR unknown argument: nx
        > hsetex h ex fields 1 a 9                    (error) ERR value is not an integer or out of range
        > hsetex h ex x fields 1 a 9                  (error) ERR value is not an integer or out of range
        > hsetex h ex -1 fields 1 a 9                 (error) ERR invalid expire time, must be >= 0
        > hsetex h ex '' fields 1 a 9                 (error) ERR value is not an integer or out of range
        > hsetex h px 9223372036854775807 fields 1 a 9  (error) ERR invalid expire time in 'hsetex' command
        > hsetex h exat 70368744178 fields 1 a 9      (error) ERR invalid expire time in 'hsetex' command
        > hsetex h pxat 70368744177664 fields 1 a 9   (error) ERR invalid expire time in 'hsetex' command
        > hsetex h ex x fnx fxx fields 1 a 9          (error) ERR value is not an integer or out of range
        > hsetex h fnx fxx ex x fields 1 a 9          (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h foo ex x fields 1 a 9              (error) ERR unknown argument: foo
        > hsetex h ex x foo fields 1 a 9              (error) ERR value is not an integer or out of range
        > hsetex h fnx fxx fields 0 a 9               (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex s fnx fxx fields 1 a 9               (error) ERR Only one of FXX or FNX arguments can be specified
        > hsetex h ex -1 fields 0 a 9                 (error) ERR invalid expire time, must be >= 0
        > hsetex s ex -1 fields 1 a 9                 (error) ERR invalid expire time, must be >= 0
        > hsetex h foo fields 0 a 9                   (error) ERR unknown argument: foo
        > hsetex s foo fields 1 a 9                   (error) ERR unknown argument: foo
        > hsetex h ex 10 keepttl fields 0 a 9         (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex s ex 10 keepttl fields 1 a 9         (error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > hsetex missing fields 0 a 1                 (error) ERR invalid number of fields
        > hsetex missing fields 2 a 1                 (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex missing fxx fields 1 a 1             (integer) 0
        > hsetex missing exat 1 fields 1 a 1          (integer) 1
        > hsetex missing fields 1 a 1                 (integer) 1
        > hsetex s fields 0 a 1                       (error) ERR invalid number of fields
        > hsetex s fields 2 a 1                       (error) ERR wrong number of arguments for 'hsetex' command
        > hsetex s fxx fields 1 a 1                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hsetex s exat 1 fields 1 a 1                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hsetex s fields 1 a 1                       (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}
