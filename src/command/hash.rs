//! Fields of hashes, written and counted: HSET and its kin, HDEL, HINCRBY. Reading them is next door, in
//! `hash_read.rs`.

use crate::base::args::Args;
use crate::base::extended::Extended;
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::ds::hash::Hash;
use crate::ds::packed::Item;
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace};
use smallvec::SmallVec;

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    writer("hset", hset)
        .arity(-4)
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key field value [field value ...]")
        .doc(Group::Hash, "2.0.0", "O(N) with N being the number of fields.", "Sets fields of a hash."),
    writer("hsetnx", hsetnx).arity(4).keys(Keys::at(1, Access::INSERT)).usage("key field value").doc(
        Group::Hash,
        "2.0.0",
        "O(1)",
        "Sets a field of a hash that is not there yet.",
    ),
    writer("hmset", hmset)
        .arity(-4)
        .keys(Keys::at(1, Access::UPDATE))
        .usage("key field value [field value ...]")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .doc(Group::Hash, "2.0.0", "O(N) with N being the number of fields.", "Sets fields of a hash."),
    Spec::owner("hdel", hdel)
        .arity(-3)
        .flags(Flags::WRITE.and(Flags::FAST))
        .categories(&["hash"])
        .keys(Keys::at(1, Access::DELETE_PART))
        .usage("key field [field ...]")
        .doc(Group::Hash, "2.0.0", "O(N) with N being the number of fields.", "Removes fields of a hash."),
    writer("hincrby", hincrby)
        .arity(4)
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key field increment")
        .doc(Group::Hash, "2.0.0", "O(1)", "Adds a number to the integer in a field of a hash."),
    writer("hincrbyfloat", hincrbyfloat)
        .arity(4)
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage("key field increment:double")
        .doc(Group::Hash, "2.6.0", "O(1)", "Adds a number to the float in a field of a hash."),
];

const fn writer(name: &'static str, run: ShardFn) -> Spec {
    Spec::owner(name, run).flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST)).categories(&["hash"])
}

/// Sets all fields of the command; returns how many were not there.
fn set_all(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    name: &str,
    reply: &mut Reply<'_>,
) -> Result<i64, CommandError> {
    if args.len() % 2 == 1 {
        return Err(CommandError::say(reply, &CommandError::arity_text(name)));
    }
    let added = keys.edit_or_create(args.at(1), |hash: &mut Hash, shapes| {
        let mut words = args.from(2);
        let mut added = 0;
        while let Some((field, value)) = words.next().zip(words.next()) {
            added += i64::from(hash.set(field, value, shapes));
        }
        (added, Edit::Changed)
    })?;
    Ok(added)
}

/// `HSET key field value [field value ...]`: how many were not there. Errors: WRONGTYPE, a field without a
/// value.
fn hset(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let added = set_all(keys, args, "hset", reply)?;
    reply.integer(added);
    Ok(())
}

/// `HMSET key field value [field value ...]`: OK. Errors as HSET's.
fn hmset(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    set_all(keys, args, "hmset", reply)?;
    reply.ok();
    Ok(())
}

/// `HSETNX key field value`: 1, or 0 if the field is there. Errors: WRONGTYPE.
fn hsetnx(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let set = keys.edit_or_create(args.at(1), |hash: &mut Hash, shapes| {
        let set = hash.set_new(args.at(2), args.at(3), shapes);
        (set, Edit::when(set))
    })?;
    reply.integer(i64::from(set));
    Ok(())
}

/// `HDEL key field [field ...]`: how many there were. Errors: WRONGTYPE.
fn hdel(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let removed = keys.edit(args.at(1), |hash: &mut Hash, _| {
        let removed = args.from(2).filter(|field| hash.remove(field)).count();
        (removed, Edit::when(removed > 0))
    })?;
    reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

/// The digits of a number that a field shall hold.
type Digits = SmallVec<[u8; 24]>;

/// Puts what `next` makes of a field's value in its place. An error changes nothing.
fn update(
    keys: &mut Keyspace<'_>,
    args: Args<'_>,
    next: impl FnOnce(Option<Item<'_>>) -> Result<Digits, CommandError>,
) -> Result<Digits, CommandError> {
    keys.edit_or_create(args.at(1), |hash: &mut Hash, shapes| {
        let digits = hash.update(args.at(2), shapes, next);
        let edit = Edit::when(digits.is_ok());
        (digits, edit)
    })?
}

/// `HINCRBY key field increment`: the sum; a missing field is 0. Errors: WRONGTYPE, no integer, overflow; none
/// of them changes anything.
fn hincrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let increment = integer(args.at(3))?;
    update(keys, args, |old| {
        let old = match old {
            None => 0,
            Some(Item::Int(int)) => int,
            Some(Item::Bytes(bytes)) => {
                parse_i64(bytes).ok_or(CommandError::Text("ERR hash value is not an integer"))?
            }
        };
        let sum = old.checked_add(increment).ok_or(CommandError::Overflow)?;
        reply.integer(sum);
        Ok(Digits::from_slice(itoa::Buffer::new().format(sum).as_bytes()))
    })?;
    Ok(())
}

/// `HINCRBYFLOAT key field increment`: the sum; a missing field is 0. Errors: WRONGTYPE, no float, a sum that is
/// not finite; none of them changes anything.
fn hincrbyfloat(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let increment = Extended::parse(args.at(3)).ok_or(CommandError::NotFloat)?;
    if increment.is_infinite() {
        return Err(CommandError::Text("ERR value is NaN or Infinity"));
    }
    let sum = update(keys, args, |old| {
        let old = match old {
            None => Extended::from_i64(0),
            Some(Item::Int(int)) => Extended::from_i64(int),
            Some(Item::Bytes(bytes)) => {
                Extended::parse(bytes).ok_or(CommandError::Text("ERR hash value is not a float"))?
            }
        };
        let sum =
            old.plus(increment).ok_or(CommandError::Text("ERR increment would produce NaN or Infinity"))?;
        let mut digits = Vec::new();
        sum.write_to(&mut digits);
        Ok(Digits::from_vec(digits))
    })?;
    reply.bulk(&sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn fields_are_set_and_read_back() {
        check(
            r#"
        > hset h f v                                (integer) 1
        > hset h f w g 12 g 13                      (integer) 1
        > hget h f                                  "w"
        > hget h g                                  "13"
        > hget h missing                            (nil)
        > hget missing f                            (nil)
        > hset h i 0012 j -7 k 9223372036854775808  (integer) 3
        > hmget h f i j k missing f
            1) "w"
            2) "0012"
            3) "-7"
            4) "9223372036854775808"
            5) (nil)
            6) "w"
        > hmget missing a b
            1) (nil)
            2) (nil)
        > hgetall h
             1) "f"
             2) "w"
             3) "g"
             4) "13"
             5) "i"
             6) "0012"
             7) "j"
             8) "-7"
             9) "k"
            10) "9223372036854775808"
        > hlen h                                    (integer) 5
        > hstrlen h i                               (integer) 4
        > hstrlen h j                               (integer) 2
        > hstrlen h missing                         (integer) 0
        > hstrlen missing f                         (integer) 0
        > hexists h f                               (integer) 1
        > hexists h missing                         (integer) 0
        > hexists missing f                         (integer) 0
        > hkeys h
            1) "f"
            2) "g"
            3) "i"
            4) "j"
            5) "k"
        > hvals h
            1) "w"
            2) "13"
            3) "0012"
            4) "-7"
            5) "9223372036854775808"
        > hgetall missing                           (empty array)
        > hkeys missing                             (empty array)
        > hvals missing                             (empty array)
        > hlen missing                              (integer) 0
        > object encoding h                         "listpack"
        > type h                                    hash
        > hmset h f x y z                           OK
        > hget h f                                  "x"
        > hsetnx h f changed                        (integer) 0
        > hsetnx h new v                            (integer) 1
        > hsetnx other f v                          (integer) 1
        > hget h f                                  "x"
        > hset h "" "" "\x00\xff" "\r\n"            (integer) 2
        > hget h ""                                 ""
        > hget h "\x00\xff"                         "\r\n"
        > hset h f                                  (error) ERR wrong number of arguments for 'hset' command
        > hset h                                    (error) ERR wrong number of arguments for 'hset' command
        > hset h f v g                              (error) ERR wrong number of arguments for 'hset' command
        > hmset h f v g                             (error) ERR wrong number of arguments for 'hmset' command
        > hsetnx h f                                (error) ERR wrong number of arguments for 'hsetnx' command
        > hget h                                    (error) ERR wrong number of arguments for 'hget' command
        > hmget h                                   (error) ERR wrong number of arguments for 'hmget' command
            "#,
        );
    }

    #[test]
    fn a_hash_without_fields_is_no_key() {
        check(
            r#"
        > hset h a 1 b 2 c 3                        (integer) 3
        > hdel h a missing a                        (integer) 1
        > hdel h missing                            (integer) 0
        > hdel missing a                            (integer) 0
        > hlen h                                    (integer) 2
        > hdel h b c d                              (integer) 2
        > exists h                                  (integer) 0
        > hdel h                                    (error) ERR wrong number of arguments for 'hdel' command
            "#,
        );
    }

    #[test]
    fn a_hash_leaves_the_listpack_and_never_comes_back() {
        check(
            r#"
        > hset h f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (integer) 1
        > object encoding h                         "listpack"
        > hset h f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (integer) 0
        > object encoding h                         "hashtable"
        > hset h f v                                (integer) 0
        > object encoding h                         "hashtable"
        > hset k xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx v  (integer) 1
        > object encoding k                         "hashtable"
        > hset n f v                                (integer) 1
        > hsetnx n f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (integer) 0
        > object encoding n                         "listpack"
        > hincrbyfloat n g 1e70                     "10000000000000000000222479489586148259025995410601157579323600873193472"
        > object encoding n                         "hashtable"
            "#,
        );
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        check(
            r#"
        > set s v                                   OK
        > hset s f v                                (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hmset s f v                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hsetnx s f v                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hget s f                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hmget s f                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hgetall s                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hlen s                                    (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hstrlen s f                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hexists s f                               (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hkeys s                                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hvals s                                   (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hdel s f                                  (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hincrby s f 1                             (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hincrbyfloat s f 1                        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hrandfield s                              (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hrandfield s 1                            (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hscan s 0                                 (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > hset h f v                                (integer) 1
        > get h                                     (error) WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn fields_count_in_64_bits() {
        check(
            r#"
        > hincrby h n 5                             (integer) 5
        > hincrby h n -7                            (integer) -2
        > hget h n                                  "-2"
        > hincrby h n 9223372036854775807           (integer) 9223372036854775805
        > hincrby h n 3                             (error) ERR increment or decrement would overflow
        > hget h n                                  "9223372036854775805"
        > hset h text abc max 9223372036854775807 min -9223372036854775808 sp " 1" zero 007  (integer) 5
        > hincrby h text 1                          (error) ERR hash value is not an integer
        > hincrby h max 1                           (error) ERR increment or decrement would overflow
        > hincrby h min -1                          (error) ERR increment or decrement would overflow
        > hincrby h sp 1                            (error) ERR hash value is not an integer
        > hincrby h zero 1                          (error) ERR hash value is not an integer
        > hincrby h n x                             (error) ERR value is not an integer or out of range
        > hincrby h n 1.5                           (error) ERR value is not an integer or out of range
        > hincrby h n 9223372036854775808           (error) ERR value is not an integer or out of range
        > hincrby h n                               (error) ERR wrong number of arguments for 'hincrby' command
        > hincrby s f x                             (error) ERR value is not an integer or out of range
        > exists s                                  (integer) 0
        > hset t n 1 f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (integer) 2
        > object encoding t                         "hashtable"
        > hincrby t n 41                            (integer) 42
        > hincrby t new -1                          (integer) -1
        > hget t n                                  "42"
            "#,
        );
    }

    #[test]
    fn fields_add_floats_as_strings_do() {
        check(
            r#"
        > hincrbyfloat h n 10.50                    "10.5"
        > hincrbyfloat h n 0.1                      "10.6"
        > hincrbyfloat h n -5                       "5.6"
        > hincrbyfloat h n 5.0e3                    "5005.60000000000000009"
        > hget h n                                  "5005.60000000000000009"
        > hincrbyfloat h e 0                        "0"
        > hincrbyfloat h e 1e17                     "100000000000000000"
        > hset h text abc int 5 inf inf third 0.1   (integer) 4
        > hincrbyfloat h text 1                     (error) ERR hash value is not a float
        > hincrbyfloat h int 1.5                    "6.5"
        > hincrbyfloat h third 0.2                  "0.3"
        > hincrbyfloat h inf 1                      (error) ERR increment would produce NaN or Infinity
        > hincrbyfloat h n inf                      (error) ERR value is NaN or Infinity
        > hincrbyfloat h n -inf                     (error) ERR value is NaN or Infinity
        > hincrbyfloat h n nan                      (error) ERR value is not a valid float
        > hincrbyfloat h n x                        (error) ERR value is not a valid float
        > hincrbyfloat h n " 1"                     (error) ERR value is not a valid float
        > hincrbyfloat h n 1e5000                   (error) ERR value is not a valid float
        > hincrbyfloat h n                          (error) ERR wrong number of arguments for 'hincrbyfloat' command
        > hincrbyfloat missing f x                  (error) ERR value is not a valid float
        > exists missing                            (integer) 0
            "#,
        );
    }

    #[test]
    fn a_lower_threshold_counts_from_the_next_write_on() {
        check(
            r#"
        > hset h a 1 b 2                            (integer) 2
        > hset g a 1 b 2                            (integer) 2
        > config set hash-max-listpack-entries 1    OK
        > hdel h x                                  (integer) 0
        > object encoding h                         "listpack"
        > hset h a 3                                (integer) 0
        > object encoding h                         "hashtable"
        > hincrby g a 1                             (integer) 2
        > object encoding g                         "hashtable"
            "#,
        );
    }
}
