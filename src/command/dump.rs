//! DUMP and RESTORE: a whole value as bytes, and back.

use crate::base::args::Args;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::resp::Reply;
use crate::shard::{BadPayload, Keyspace, Use};

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("dump", dump)
        .arity(2)
        .flags(Flags::READ)
        .categories(&["keyspace"])
        .keys(Keys::at(1, Access::READ))
        .usage("key")
        .tips(&["nondeterministic_output"])
        .doc(
            Group::Generic,
            "2.6.0",
            "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
            "Returns the value at a key as bytes that RESTORE takes.",
        ),
    Spec::owner("restore", restore)
        .arity(-4)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["keyspace", "dangerous"])
        .keys(Keys::at(1, Access::OVERWRITE))
        .usage(
            "key ttl:integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds:integer] \
             [FREQ frequency:integer]",
        )
        .doc(
            Group::Generic,
            "2.6.0",
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
            "Makes a key of the bytes that DUMP returned.",
        ),
];

/// `DUMP key`: the payload, or null.
fn dump(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    match keys.dump(args.at(1)) {
        Some(payload) => reply.bulk(&payload),
        None => reply.null(),
    }
    Ok(())
}

/// What RESTORE may be told behind the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    used: Use,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 4;
        while at < args.len() {
            let has_value = at + 1 < args.len();
            match () {
                () if args.is(at, "replace") => options.replace = true,
                () if args.is(at, "absttl") => options.absolute = true,
                () if args.is(at, "idletime") && has_value && options.used.frequency.is_none() => {
                    at += 1;
                    let idle = u64::try_from(integer(args.at(at))?)
                        .map_err(|_| CommandError::Text("ERR Invalid IDLETIME value, must be >= 0"))?;
                    options.used.idle_seconds = Some(idle);
                }
                () if args.is(at, "freq") && has_value && options.used.idle_seconds.is_none() => {
                    at += 1;
                    let frequency = u8::try_from(integer(args.at(at))?)
                        .map_err(|_| CommandError::Text("ERR Invalid FREQ value, must be >= 0 and <= 255"))?;
                    options.used.frequency = Some(frequency);
                }
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        Ok(options)
    }
}

/// `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`: OK. A deadline that
/// has passed already leaves no key. Errors: the key exists, a negative number, a payload that is none.
fn restore(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let options = Options::parse(args)?;
    let key = args.at(1);
    if !options.replace && keys.holds(key) {
        return Err(CommandError::Text("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(integer(args.at(2))?)
        .map_err(|_| CommandError::Text("ERR Invalid TTL value, must be >= 0"))?;
    let value = keys.value_of_payload(args.at(3)).map_err(|bad| {
        CommandError::Text(match bad {
            BadPayload::Footer => "ERR DUMP payload version or checksum are wrong",
            BadPayload::Data => "ERR Bad data format",
        })
    })?;
    let now = keys.now().unix_ms();
    // Redis adds without a look at overflow: a relative time that ends beyond all time has passed.
    let at = if options.absolute { Some(ttl) } else { ttl.checked_add(now) };
    let at = at.filter(|&at| i64::try_from(at).is_ok()).unwrap_or(0);
    match ttl {
        0 => keys.restore(key, value, None, options.used),
        _ if at > now => keys.restore(key, value, Some(at), options.used),
        _ => _ = keys.remove(key),
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_payload_of_redis_is_restored_and_dumped_again_to_the_byte() {
        check(
            r#"
        > restore k 0 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" replace   OK
        > dump k                                    "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce"
        > restore k 0 "\x00\xc1,\x01\n\x00\x95Ba\xf2e\x82\\\x10" replace   OK
        > dump k                                    "\x00\xc1,\x01\n\x00\x95Ba\xf2e\x82\\\x10"
        > restore k 0 "\x00\xc1\x7f\xff\n\x00\x17`\x82(T\x80\x84\x80" replace   OK
        > dump k                                    "\x00\xc1\x7f\xff\n\x00\x17`\x82(T\x80\x84\x80"
        > restore k 0 "\x00\x0b12345678901\n\x000NR\xd7'\x17e\x10" replace   OK
        > dump k                                    "\x00\x0b12345678901\n\x000NR\xd7'\x17e\x10"
        > restore k 0 "\x00\xc2p\x11\x01\x00\n\x00\x01\xa4\b\xfe\x950\x95\xa5" replace   OK
        > dump k                                    "\x00\xc2p\x11\x01\x00\n\x00\x01\xa4\b\xfe\x950\x95\xa5"
        > restore k 0 "\x00\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda" replace   OK
        > dump k                                    "\x00\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda"
        > restore k 0 "\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81a\x02\x81b\x02\x03\x01\xff\n\x00\xdc\xa1\xe6}P\x05PH" replace   OK
        > dump k                                    "\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81a\x02\x81b\x02\x03\x01\xff\n\x00\xdc\xa1\xe6}P\x05PH"
        > restore k 0 "\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00p\x11\x01\x00\n\x00\x85\xd5\xc1\x06[\x1d\xd0U" replace   OK
        > dump k                                    "\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00p\x11\x01\x00\n\x00\x85\xd5\xc1\x06[\x1d\xd0U"
        > restore k 0 "\x10\x12\x12\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81b\x02\x81c\x02\xff\n\x00\x9c\x7f\xd3\x11\x06\xc1\xd3\xee" replace   OK
        > dump k                                    "\x10\x12\x12\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81b\x02\x81c\x02\xff\n\x00\x9c\x7f\xd3\x11\x06\xc1\xd3\xee"
        > restore k 0 "\x00\x040012\n\x00\xcb7\xf6\x0b\xcb\x11\b]" replace   OK
        > dump k                                    "\x00\x040012\n\x00\xcb7\xf6\x0b\xcb\x11\b]"
            "#,
        );
    }

    #[test]
    fn payloads_of_older_versions_are_read() {
        check(
            r#"
        > restore k 0 "\x01\x02\x01a\xc0\x05\n\x00G\xa3w\x89\xf0\xcf\xbb\x97" replace   OK
        > dump k                                    "\x12\x01\x02\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x05\x01\xff\n\x00\xec\xe2\xb0M\x82\x81\xb9Q"
        > restore k 0 "\n\x10\x10\x00\x00\x00\r\x00\x00\x00\x02\x00\x00\x01a\x03\xf6\xff\n\x00g\x82\x9e\x1ewV\xf8Q" replace   OK
        > dump k                                    "\x12\x01\x02\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x05\x01\xff\n\x00\xec\xe2\xb0M\x82\x81\xb9Q"
        > restore k 0 "\x0e\x02\x0e\x0e\x00\x00\x00\n\x00\x00\x00\x01\x00\x00\x01a\xff\x13\x13\x00\x00\x00\r\x00\x00\x00\x02\x00\x00\xfe\x80\x03\xf0\x00\x00\x80\xff\n\x00r\x83\xe0\xf8\xe9&J~" replace   OK
        > dump k                                    "\x12\x02\x02\n\n\x00\x00\x00\x01\x00\x81a\x02\xff\x02\x0f\x0f\x00\x00\x00\x02\x00\xdf\x80\x02\xf2\x00\x00\x80\x04\xff\n\x00{=\x95b\xb6\xb9q\xfe"
        > restore k 0 "\x02\x01\xc0\x05\n\x00\xbeGY\x83H\xcb\xd4\x88" replace   OK
        > dump k                                    "\x0b\n\x02\x00\x00\x00\x01\x00\x00\x00\x05\x00\n\x00\xcb\xc5\xab\xa9$\xa42Q"
        > restore k 0 "\x04\x01\x01a\xc0\x05\n\x00\x05\xc6\xa2@\x99))\xe8" replace   OK
        > dump k                                    "\x10\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x05\x01\xff\n\x00\xfc\xd2\b\x86\x84\x81\xf7\x0f"
        > restore k 0 "\t\t\x01\x01a\x02\x0112?\xff\n\x00\x1f1\xc2s\x93l\x9c\xe9" replace   OK
        > dump k                                    "\x10\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x0c\x01\xff\n\x00yt\x0f\x98\x00n\x8d\xb9"
        > restore k 0 "\r\x10\x10\x00\x00\x00\r\x00\x00\x00\x02\x00\x00\x01a\x03\xf6\xff\n\x00\xfe\xf0\xbf\x13Am\xe9[" replace   OK
        > dump k                                    "\x10\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\x05\x01\xff\n\x00\xfc\xd2\b\x86\x84\x81\xf7\x0f"
        > restore k 0 "\x03\x02\x01a\x032.5\x01b\xfe\n\x00\xc9!\xb64\xda\xd5/\xa2" replace   OK
        > dump k                                    "\x11\x17\x17\x00\x00\x00\x04\x00\x81a\x02\x832.5\x04\x81b\x02\x83inf\x04\xff\n\x00\x85\x829\x04R\xe8\x00\xc9"
        > restore k 0 "\x05\x02\x01a\x00\x00\x00\x00\x00\x00\x04@\x01b\x00\x00\x00\x00\x00\x00\xf0\xff\n\x00\r>*\xf1VO\xc3\xa5" replace   OK
        > dump k                                    "\x11\x18\x18\x00\x00\x00\x04\x00\x81b\x02\x84-inf\x05\x81a\x02\x832.5\x04\xff\n\x00t\xb3\xbbGP/\xbc&"
        > restore k 0 "\x0c\x17\x17\x00\x00\x00\x12\x00\x00\x00\x04\x00\x00\x01a\x03\xf6\x02\x01b\x03\x0212\xff\n\x00\x19\x9a1\xf2\x16\x95\xcd\xbc" replace   OK
        > dump k                                    "\x11\x11\x11\x00\x00\x00\x04\x00\x81a\x02\x05\x01\x81b\x02\x0c\x01\xff\n\x00\x83\x8f\xaf\xe7\x06\x012\x80"
            "#,
        );
    }

    #[test]
    fn compressed_payloads_are_read() {
        check(
            r#"
        > restore k 0 "\x00\xc3\t8\x01aa\xe0+\x00\x01aa\n\x00\xf1f\xd3\xae\x13\xa6bb"   OK
        > get k                                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        > dump k                                  "\x008aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\x00H'\xa3Oy\xc7R^"
        > restore l 0 "\x12\x01\x02\xc3\x16@w\tw\x00\x00\x00\b\x00\x8cabc\xe0\x00\x02\x00\r\xe0X\r\x01\r\xff\n\x00'\xc5\x8e\xd8E:z\x85"   OK
        > lrange l 6 -1                           
            1) "abcabcabcabc"
            2) "abcabcabcabc"
        > llen l                                  (integer) 8
            "#,
        );
    }

    #[test]
    fn a_restored_string_is_held_as_if_it_was_set() {
        check(
            r#"
        > restore i 0 "\x00\xc1,\x01\n\x00\x95Ba\xf2e\x82\\\x10"   OK
        > object encoding i                       "int"
        > object refcount i                       (integer) 2147483647
        > incr i                                  (integer) 301
        > restore k 0 "\x00\xc3\t8\x01aa\xe0+\x00\x01aa\n\x00\xf1f\xd3\xae\x13\xa6bb"   OK
        > object encoding k                       "raw"
        > restore s 0 "\x00\x01v\t\x00A\xfa\x9f~M\xbe\xe9\x7f"   OK
        > object encoding s                       "embstr"
        > get s                                   "v"
            "#,
        );
    }

    #[test]
    fn what_is_no_value_is_refused() {
        check(
            r#"
        > restore b 0 "\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda"   (error) ERR Bad data format
        > restore b 0 "\x06\x01\n\x00J\\\xb3N\x9a5\x1cy"   (error) ERR Bad data format
        > restore b 0 "\a\x01\n\x00L?\xca\xc2\xf9]\xfd\xf5"   (error) ERR Bad data format
        > restore b 0 "\b\n\x00\xbc\xa6\xbb\xb9\xf9\x05\xbf\xaa"   (error) ERR Bad data format
        > restore b 0 "\x14\n\x00\xda\xb7*c\xb0\xa4:\x97"   (error) ERR Bad data format
        > restore b 0 "\xff\n\x00\xc9H\x85\x1cr'<\x17"   (error) ERR Bad data format
        > restore b 0 "\x01\x00\n\x00[\xf8%\xccl\x17CV"   (error) ERR Bad data format
        > restore b 0 "\x02\x00\n\x00:\xce9\x00\x9b\x899\xe8"   (error) ERR Bad data format
        > restore b 0 "\x04\x00\n\x00\x931\x96\xc0'\x92\x95\xbf"   (error) ERR Bad data format
        > restore b 0 "\x12\x00\n\x00i\xf6\x84[j\x1b\xbfW"   (error) ERR Bad data format
        > restore b 0 "\x02\x02\x01a\x01a\n\x00W\xbev/\xc2\xd6R:"   (error) ERR Bad data format
        > restore b 0 "\x12\x01\x03\x01a\n\x00wAE\x81\xd2\xbb\xfc\x1c"   (error) ERR Bad data format
        > restore b 0 "\x12\x01\x02\x01a\n\x00i\x9c\xe3\x1aY^\xf8)"   (error) ERR Bad data format
        > restore b 0 "\x10\a\a\x00\x00\x00\x00\x00\xff\n\x00\xda\x12\x96\x88t\x99Z8"   (error) ERR Bad data format
        > restore b 0 "\x00\xc3\x02\x04\x00a\n\x00kA\xe1\x8f\x8f\xe2>\xee"   (error) ERR Bad data format
        > restore b 0 "\x0b\x03abc\n\x00\xe2V\x98\xe9\xa8\x11\xf8-"   (error) ERR Bad data format
        > exists b                                (integer) 0
        > restore b 0 "\x00\x01v\x0b\x00\xf8\xd7s\xc1\xe4\xa7cG"   (error) ERR DUMP payload version or checksum are wrong
        > restore b 0 ""                          (error) ERR DUMP payload version or checksum are wrong
        > restore b 0 "\x00\x01w\n\x00\x91\b\xce\xb2\x198\x8a\xce"   (error) ERR DUMP payload version or checksum are wrong
            "#,
        );
    }

    #[test]
    fn restore_sets_a_deadline_or_finds_it_passed() {
        check(
            r#"
        > restore k 100000 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce"   OK
        > ttl k                                   (integer) 100
        > restore k 0 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" replace   OK
        > ttl k                                   (integer) -1
        > restore k 99999999999999 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" replace absttl   OK
        > pexpiretime k                           (integer) 99999999999999
        > restore k 1 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" absttl replace   OK
        > exists k                                (integer) 0
        > restore k 0 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" absttl   OK
        > ttl k                                   (integer) -1
        > restore k 9223372036854775807 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" replace   OK
        > exists k                                (integer) 0
        > restore k 1000 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce"   OK
        ! 1001 ms
        > exists k                                (integer) 0
            "#,
        );
    }

    #[test]
    fn restore_checks_its_words_in_order() {
        check(
            r#"
        > set k v                                 OK
        > restore k x x                           (error) BUSYKEY Target key name already exists.
        > restore k x x foo                       (error) ERR syntax error
        > restore k x x replace                   (error) ERR value is not an integer or out of range
        > restore k -1 x replace                  (error) ERR Invalid TTL value, must be >= 0
        > restore k 0 x replace                   (error) ERR DUMP payload version or checksum are wrong
        > restore k 0 x idletime                  (error) ERR syntax error
        > restore k 0 x idletime x                (error) ERR value is not an integer or out of range
        > restore k 0 x idletime -1               (error) ERR Invalid IDLETIME value, must be >= 0
        > restore k 0 x freq -1                   (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > restore k 0 x freq 256                  (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > restore k 0 x freq 1 idletime 1         (error) ERR syntax error
        > restore k 0 x idletime 1 freq 1         (error) ERR syntax error
        > restore k 0                             (error) ERR wrong number of arguments for 'restore' command
        > restore k 0 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" replace idletime 1000   OK
        > object idletime k                       (integer) 1000
        > restore k 0 "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce" freq 7 replace   OK
        > object idletime k                       (integer) 0
            "#,
        );
    }

    #[test]
    fn streams_take_their_groups_along() {
        check(
            r#"
        > restore k 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01@EE\x00\x00\x00\x1d\x00\x02\x01\x02\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x03\x01\x00\x01\x01\x01\x02\x01\x04\x01\x00\x01\x04\x01\xdf\xff\x02\x01\x01\x81b\x02\x02\x01\x06\x01\x01\x01\b\x01\b\x01\x01\x01\x81b\x02\x02\x01\x06\x01\xff\x02\t\t\x01\x01\t\t\x04\x02\x01g\x01\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x9c^\xb2\x0e\xa2\x01\x00\x00\x01\x01\x01c\x9c^\xb2\x0e\xa2\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01h\x05\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01\xc0\x0c\x9c^\xb2\x0e\xa2\x01\x00\x00\x00\n\x00\x84\xc9\xaa\x85Lv\x9ag"   OK
        > dump k                                    "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01@EE\x00\x00\x00\x1d\x00\x02\x01\x02\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x03\x01\x00\x01\x01\x01\x02\x01\x04\x01\x00\x01\x04\x01\xdf\xff\x02\x01\x01\x81b\x02\x02\x01\x06\x01\x01\x01\b\x01\b\x01\x01\x01\x81b\x02\x02\x01\x06\x01\xff\x02\t\t\x01\x01\t\t\x04\x02\x01g\x01\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x9c^\xb2\x0e\xa2\x01\x00\x00\x01\x01\x01c\x9c^\xb2\x0e\xa2\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01h\x05\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01\xc0\x0c\x9c^\xb2\x0e\xa2\x01\x00\x00\x00\n\x00\x84\xc9\xaa\x85Lv\x9ag"
        > object encoding k                       "stream"
        > restore k 0 "\x0f\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01g\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x87\xd6\x12\x00\x00\x00\x00\x00\x03\x01\x01c\xb1\xcbt\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\n\x00\xe0\xdb\xf9\x94\xe1|\x9e\xb2" replace   OK
        > dump k                                    "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01\x00\x00\x02\x01\x01g\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x87\xd6\x12\x00\x00\x00\x00\x00\x03\x01\x01c\xb1\xcbt\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\n\x00\x92\x99\x02\xeb\x06\xd3x\xdd"
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01\x00\x00\x02\n\x00\xf4\x16\xe0\\\xec\x9e^\xc2"   (error) ERR Bad data format
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x03\x01\x02\x01\x01\x00\x00\x02\x00\n\x00\rk\xcdom\xa8\x9eE"   (error) ERR Bad data format
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x01\x01\x01\x00\x00\x02\x00\n\x00\x87[}^\x9f\x15yE"   (error) ERR Bad data format
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01\x00\x00\x02\x01\x01g\x01\x01\x00\x00\x01\x01c\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\n\x00\xb7!\xaa\xf6Uk\xaa\xf6"   (error) ERR Bad data format
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01\x00\x00\x02\x01\x01g\x01\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\n\x00\x15\x80i\xb1\xed\xa6\xd9|"   (error) ERR Bad data format
        > restore b 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01\x04\x01\x02\x01\x00\x01\x01\x01\x02\x01\x04\x01\xff\x02\x01\x02\x01\x01\x00\x00\x02\x02\x01g\x01\x01\x00\x00\x00\x01g\x01\x01\x00\x00\x00\n\x00H\xc4Y\xfb\xcdW\x96\xfb"   (error) ERR Bad data format
            "#,
        );
    }

    #[test]
    fn a_node_without_entries_and_a_zero_below_zero_survive() {
        check(
            r#"
        > restore s 0 "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01((\x00\x00\x00\x0f\x00\x00\x01\x02\x01\x01\x01\x81f\x02\x00\x01\x03\x01\x00\x01\x00\x01\x81v\x02\x04\x01\x03\x01\x00\x01\x01\x01\x81v\x02\x04\x01\xff\x00\x01\x02\x00\x00\x01\x02\x02\x00\n\x00\xcc\xfa\x06ZE\x9b\xb4\xbf"   OK
        > dump s                                    "\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01((\x00\x00\x00\x0f\x00\x00\x01\x02\x01\x01\x01\x81f\x02\x00\x01\x03\x01\x00\x01\x00\x01\x81v\x02\x04\x01\x03\x01\x00\x01\x01\x01\x81v\x02\x04\x01\xff\x00\x01\x02\x00\x00\x01\x02\x02\x00\n\x00\xcc\xfa\x06ZE\x9b\xb4\xbf"
        > xadd s 2-0 f v                            "2-0"
        > xrange s - +
            1) 1) "2-0"
               2) 1) "f"
                  2) "v"
        > config set zset-max-listpack-entries 0    OK
        > restore z 0 "\x05\x03\x01c\x00\x00\x00\x00\x00\x00\xf0?\x01b\x00\x00\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x80\n\x00\xf5[\xed\xfa\xe8\xd0\xfe\xfb"   OK
        > zrange z 0 -1 withscores
            1) "a"
            2) "-0"
            3) "b"
            4) "0"
            5) "c"
            6) "1"
            "#,
        );
    }

    #[test]
    fn many_elements_of_a_payload_make_a_table_and_long_ones_in_a_zipmap_only() {
        check(
            r#"
        > config set hash-max-listpack-entries 2    OK
        > config set hash-max-listpack-value 10     OK
        > config set zset-max-listpack-value 10     OK
        > restore h 0 "\x10  \x00\x00\x00\x02\x00\x81f\x02\x94mmmmmmmmmmmmmmmmmmmm\x15\xff\x0a\x00\xfd\xe0\x18\x98\x0b7\xc3\xb8"   OK
        > object encoding h                         "listpack"
        > restore z 0 "\x11  \x00\x00\x00\x02\x00\x94mmmmmmmmmmmmmmmmmmmm\x15\x811\x02\xff\x0a\x00\x9b\x07\x0d>\xfd4}\x0f"   OK
        > object encoding z                         "listpack"
        > restore m 0 "\x09\x1a\x01\x01f\x14\x00mmmmmmmmmmmmmmmmmmmm\xff\x0a\x00Z7\x0c[r\xd4Z\x22"   OK
        > object encoding m                         "hashtable"
        > restore g 0 "\x10\x1a\x1a\x00\x00\x00\x06\x00\x81f\x02\x821v\x03\x81g\x02\x81v\x02\x81h\x02\x81v\x02\xff\x0a\x00\xdbR\xc8\xd6\x9f*\x05\xe7"   OK
        > object encoding g                         "hashtable"
            "#,
        );
    }
}
