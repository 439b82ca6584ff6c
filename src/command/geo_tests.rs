//! GEOADD, GEOPOS, GEODIST and GEOHASH, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn geoadd_keeps_places_as_scores() {
    check(
        r#"
        > geoadd Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania  (integer) 2
        > zrange Sicily 0 -1 withscores
            1) "Palermo"
            2) "3479099956230698"
            3) "Catania"
            4) "3479447370796909"
        > geoadd Sicily nx 1 1 Palermo 2 2 c        (integer) 1
        > geoadd Sicily xx ch 1 1 c 3 3 d           (integer) 1
        > geoadd Sicily ch 1 1 c 2 2 e              (integer) 1
        > geopos Sicily c d
            1) 1) "0.99999994039535522"
               2) "0.99999945914297683"
            2) (nil)
        > geoadd s nx xx 1 1 a                      (error) ERR syntax error
        > geoadd s 181 1 a                          (error) ERR invalid longitude,latitude pair 181.000000,1.000000
        > geoadd s x 1 a                            (error) ERR value is not a valid float
        > geoadd s 1 1                              (error) ERR wrong number of arguments for 'geoadd' command
        > geoadd s 1 86.5 a 1                       (error) ERR syntax error
        > geoadd s 1 86.5 a                         (error) ERR invalid longitude,latitude pair 1.000000,86.500000
        > geoadd s 1 1 b 1 -85.06 a                 (error) ERR invalid longitude,latitude pair 1.000000,-85.060000
        > geoadd s foo 1 1 a                        (error) ERR syntax error
        > geoadd s nan 1 a                          (error) ERR value is not a valid float
        > geoadd s inf 1 a                          (error) ERR invalid longitude,latitude pair inf,1.000000
        > exists s                                  (integer) 0
        > geoadd s 180 85.05112878 a -180 -85.05112878 b 0 0 c -0.0000001 0 d  (integer) 4
        > geopos s a b c d
            1) 1) "180"
               2) "85.0511287799999991"
            2) 1) "-179.99999731779098511"
               2) "-85.05112751263942528"
            3) 1) "0.00000268220901489"
               2) "0.00000126736058093"
            4) 1) "-0.00000268220901489"
               2) "0.00000126736058093"
        > zrange s 0 -1 withscores
            1) "b"
            2) "0"
            3) "d"
            4) "1876499844737706"
            5) "c"
            6) "3377699720527872"
            7) "a"
            8) "13510798882111488"
        > set w v                                   OK
        > geoadd w 1 1 a                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > geoadd w 181 1 a                          (error) ERR invalid longitude,latitude pair 181.000000,1.000000
        "#,
    );
}

#[test]
fn geodist_measures_over_a_sphere() {
    check(
        r#"
        > geoadd Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania  (integer) 2
        > geodist Sicily Palermo Catania            "166274.1516"
        > geodist Sicily Palermo Catania km         "166.2742"
        > geodist Sicily Palermo Catania MI         "103.3182"
        > geodist Sicily Palermo Catania ft         "545518.8700"
        > geodist Sicily Palermo Palermo            "0.0000"
        > geodist Sicily Palermo Catania xx         (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > geodist Sicily Palermo Catania km x       (error) ERR syntax error
        > geodist Sicily Palermo nosuch             (nil)
        > geodist missing a b                       (nil)
        > geodist missing a b xx                    (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > set s v                                   OK
        > geodist s a b                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hello 3                                   *
        > geodist Sicily Palermo Catania            "166274.1516"
        "#,
    );
}

#[test]
fn geopos_and_geohash_answer_null_for_who_is_not_there() {
    check(
        r#"
        > geoadd Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania  (integer) 2
        > geopos Sicily Palermo x Catania
            1) 1) "13.36138933897018433"
               2) "38.11555639549629859"
            2) (nil)
            3) 1) "15.08726745843887329"
               2) "37.50266842333162032"
        > geopos missing a b
            1) (nil)
            2) (nil)
        > geopos missing                            (empty array)
        > geohash Sicily Palermo x Catania
            1) "sqc8b49rny0"
            2) (nil)
            3) "sqdtr74hyu0"
        > geohash missing a                         1) (nil)
        > geohash Sicily                            (empty array)
        > set s v                                   OK
        > geopos s a                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > geohash s a                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn a_score_that_is_no_place_s_has_a_place_all_the_same() {
    // The score 2^64 ended the process once.
    check(
        r#"
        > zadd k -1 a 18446744073709551615 b -9223372036854775809 c 4503599627370496 d 9223372036854775808 e inf f  (integer) 6
        > geopos k a b c d e f
            1) 1) "180"
               2) "85.0511287799999991"
            2) 1) "-179.99999731779098511"
               2) "-85.05112751263942528"
            3) 1) "180"
               2) "-85.05112751263942528"
            4) 1) "-179.99999731779098511"
               2) "85.0511287799999991"
            5) 1) "180"
               2) "-85.05112751263942528"
            6) 1) "-179.99999731779098511"
               2) "-85.05112751263942528"
        > geohash k a b c d e f
            1) "bp05b5048p0"
            2) "00bh0hbj200"
            3) "00bh0hbj200"
            4) "bp05b5048p0"
            5) "00bh0hbj200"
            6) "00bh0hbj200"
        > geodist k a b                             "18919844.5891"
        > geosearch k frommember a byradius 1000 km  (empty array)
        "#,
    );
}
