//! Searches around a place, as redis-server 7.0.15 answers.

use crate::testing::check;

#[test]
fn geosearch_looks_inside_a_circle_or_a_box() {
    check(
        r#"
        > geoadd Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2  (integer) 4
        > geosearch Sicily frommember Palermo byradius 200 km
            1) "Palermo"
            2) "edge1"
            3) "Catania"
        > geosearch Sicily fromlonlat 15 37 byradius 200 km asc
            1) "Catania"
            2) "Palermo"
        > geosearch Sicily fromlonlat 15 37 bybox 400 400 km asc withdist
            1) 1) "Catania"
               2) "56.4413"
            2) 1) "Palermo"
               2) "190.4424"
            3) 1) "edge2"
               2) "279.7403"
            4) 1) "edge1"
               2) "279.7405"
        > geosearch Sicily fromlonlat 15 37 bybox 400 400 km desc withcoord withdist withhash
            1) 1) "edge1"
               2) "279.7405"
               3) (integer) 3479273021651468
               4) 1) "12.7584877610206604"
                  2) "38.78813451624225195"
            2) 1) "edge2"
               2) "279.7403"
               3) (integer) 3481342659049484
               4) 1) "17.24151045083999634"
                  2) "38.78813451624225195"
            3) 1) "Palermo"
               2) "190.4424"
               3) (integer) 3479099956230698
               4) 1) "13.36138933897018433"
                  2) "38.11555639549629859"
            4) 1) "Catania"
               2) "56.4413"
               3) (integer) 3479447370796909
               4) 1) "15.08726745843887329"
                  2) "37.50266842333162032"
        > geosearch Sicily fromlonlat 15 37 bybox 400 400 km count 2 withdist
            1) 1) "Catania"
               2) "56.4413"
            2) 1) "Palermo"
               2) "190.4424"
        > geosearch Sicily fromlonlat 15 37 bybox 400 400 km count 3 any asc
            1) "Catania"
            2) "Palermo"
            3) "edge1"
        > geosearch Sicily fromlonlat 15 37 byradius 6000 km
            1) "Palermo"
            2) "edge1"
            3) "Catania"
            4) "edge2"
        > geosearch Sicily fromlonlat 15 37 byradius 30000 km
            1) "Palermo"
            2) "edge1"
            3) "Catania"
            4) "edge2"
        > geosearch Sicily fromlonlat 15 37 byradius 0 m  (empty array)
        > geosearch Sicily frommember Palermo byradius 0 m  1) "Palermo"
        > geosearch Sicily frommember Palermo frommember Catania byradius 1 mi  1) "Catania"
        > geosearch Sicily frommember Palermo byradius 1 mi byradius 1000 ft  1) "Palermo"
        > geosearch missing frommember x byradius 1 km  (empty array)
        > geosearch missing fromlonlat 1 1 bybox 1 1 km  (empty array)
        "#,
    );
}

#[test]
fn geosearch_checks_its_words() {
    check(
        r#"
        > geoadd k 1 1 a                            (integer) 1
        > geosearch k frommember a byradius 1 km foo  (error) ERR syntax error
        > geosearch k frommember a fromlonlat 1 1 byradius 1 km  (error) ERR syntax error
        > geosearch k fromlonlat 1 1 frommember a byradius 1 km  (error) ERR syntax error
        > geosearch k fromlonlat 1 1 byradius 1 km bybox 1 1 km  (error) ERR syntax error
        > geosearch k fromlonlat 1 1 bybox 1 1 km byradius 1 km  (error) ERR syntax error
        > GeoSearch k byradius 1 km asc withdist    (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GeoSearch
        > geosearch k fromlonlat 1 1 asc withdist   (error) ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch
        > geosearch k frommember nosuch byradius 1 km  (error) ERR could not decode requested zset member
        > geosearch k fromlonlat 181 1 byradius 1 km  (error) ERR invalid longitude,latitude pair 181.000000,1.000000
        > geosearch k fromlonlat x 1 byradius 1 km  (error) ERR value is not a valid float
        > geosearch k frommember a byradius x km    (error) ERR need numeric radius
        > geosearch k frommember a byradius -1 km   (error) ERR radius cannot be negative
        > geosearch k frommember a byradius 1 parsec  (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > geosearch k frommember a bybox x 1 km     (error) ERR need numeric width
        > geosearch k frommember a bybox 1 x km     (error) ERR need numeric height
        > geosearch k frommember a bybox -1 1 km    (error) ERR height or width cannot be negative
        > geosearch k frommember a bybox 1 -1 km    (error) ERR height or width cannot be negative
        > geosearch k frommember a bybox 1 1 xx     (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > geosearch k frommember a byradius 1 km any  (error) ERR the ANY argument requires COUNT argument
        > geosearch k frommember a byradius 1 km count 0  (error) ERR COUNT must be > 0
        > geosearch k frommember a byradius 1 km count -1  (error) ERR COUNT must be > 0
        > geosearch k frommember a byradius 1 km count x  (error) ERR value is not an integer or out of range
        > geosearch k frommember a byradius 1 km count  (error) ERR syntax error
        > geosearch k frommember a byradius 1 km storedist  (error) ERR syntax error
        > geosearch k frommember a byradius 1 km store d  (error) ERR syntax error
        > set s v                                   OK
        > geosearch s frommember a byradius x km    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn geosearchstore_stores_scores_or_distances() {
    check(
        r#"
        > geoadd k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania  (integer) 2
        > geosearchstore d k fromlonlat 15 37 byradius 200 km  (integer) 2
        > zrange d 0 -1 withscores
            1) "Palermo"
            2) "3479099956230698"
            3) "Catania"
            4) "3479447370796909"
        > geosearchstore d k fromlonlat 15 37 byradius 200 km storedist  (integer) 2
        > zrange d 0 -1 withscores
            1) "Catania"
            2) "56.441257870158204"
            3) "Palermo"
            4) "190.44242984775784"
        > geosearchstore d k fromlonlat 15 37 byradius 200 km count 1  (integer) 1
        > zrange d 0 -1                             1) "Catania"
        > geosearchstore d k fromlonlat 0 0 byradius 1 km  (integer) 0
        > exists d                                  (integer) 0
        > set d v                                   OK
        > geosearchstore d missing fromlonlat 0 0 byradius 1 km  (integer) 0
        > exists d                                  (integer) 0
        > geosearchstore d k frommember Palermo byradius 1 km withdist  (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > geosearchstore d k byradius 1 km asc asc  (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearchstore
        > geosearchstore d k fromlonlat 181 0 byradius 1 km  (error) ERR invalid longitude,latitude pair 181.000000,0.000000
        > geosearchstore d k frommember nosuch byradius 1 km  (error) ERR could not decode requested zset member
        > set s v                                   OK
        > geosearchstore d s frommember a byradius 1 km  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > geosearchstore k k frommember Palermo byradius 1 km  (integer) 1
        > zrange k 0 -1                             1) "Palermo"
        "#,
    );
}

#[test]
fn georadius_asks_the_same() {
    check(
        r#"
        > geoadd k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania  (integer) 2
        > georadius k 15 37 200 km withdist withcoord withhash asc
            1) 1) "Catania"
               2) "56.4413"
               3) (integer) 3479447370796909
               4) 1) "15.08726745843887329"
                  2) "37.50266842333162032"
            2) 1) "Palermo"
               2) "190.4424"
               3) (integer) 3479099956230698
               4) 1) "13.36138933897018433"
                  2) "38.11555639549629859"
        > georadius k 15 37 200 km desc
            1) "Palermo"
            2) "Catania"
        > georadius k 15 37 200 km count 1          1) "Catania"
        > georadius k 15 37 100 km                  1) "Catania"
        > georadius_ro k 15 37 200 km asc withdist
            1) 1) "Catania"
               2) "56.4413"
            2) 1) "Palermo"
               2) "190.4424"
        > georadiusbymember k Palermo 200 km asc
            1) "Palermo"
            2) "Catania"
        > georadiusbymember_ro k Palermo 100 mi asc withdist
            1) 1) "Palermo"
               2) "0.0000"
        > georadius k 15 37 200 km store d          (integer) 2
        > zrange d 0 -1 withscores
            1) "Palermo"
            2) "3479099956230698"
            3) "Catania"
            4) "3479447370796909"
        > georadius k 15 37 200 km storedist d      (integer) 2
        > zrange d 0 -1 withscores
            1) "Catania"
            2) "56.441257870158204"
            3) "Palermo"
            4) "190.44242984775784"
        > georadiusbymember k Palermo 10 km store d  (integer) 1
        > zrange d 0 -1                             1) "Palermo"
        > georadius k 0 0 10 km store d             (integer) 0
        > exists d                                  (integer) 0
        > georadius k 15 37 200 km store d withdist  (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > georadius_ro k 15 37 200 km store d       (error) ERR syntax error
        > georadiusbymember_ro k Palermo 200 km store d  (error) ERR syntax error
        > georadius k 15 37 200 km store            (error) ERR syntax error
        > georadius k 15 37 200 km any              (error) ERR the ANY argument requires COUNT argument
        > georadius k 15 37 x km                    (error) ERR need numeric radius
        > georadius k 181 37 1 km                   (error) ERR invalid longitude,latitude pair 181.000000,37.000000
        > georadius k 15 37 1 xx                    (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > georadiusbymember k nosuch 200 km         (error) ERR could not decode requested zset member
        > georadiusbymember missing nosuch 200 km   (empty array)
        > georadiusbymember missing nosuch x km     (empty array)
        > georadiusbymember missing nosuch x km foo  (error) ERR syntax error
        > georadiusbymember missing x 1 km store d  (integer) 0
        > georadius missing 1 1 1 km                (empty array)
        > georadius missing 1 1 x km                (error) ERR need numeric radius
        > set s v                                   OK
        > georadius s 1 1 1 km                      (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > georadiusbymember s a 1 km                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}
