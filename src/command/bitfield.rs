//! Bit fields: integers of any width inside strings, read, set and counted up.
//!
//! A command is a list of steps that share one look at the key. All are read before the first is done, so
//! a mistake in the last leaves the string as it was.

use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::bitmap::bit_offset;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::bitmap::{Field, Overflow};
use crate::resp::Reply;
use crate::shard::{Edit, Keyspace, Text};
use smallvec::SmallVec;

const COST: &str = "O(1) for each subcommand specified";

/// BITFIELD may read only, and says so to clients.
const BITFIELD_ACCESS: Access = Access(&["RW", "access", "update", "variable_flags"]);

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("bitfield", bitfield)
        .arity(-2)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["bitmap"])
        .keys(Keys::at(1, BITFIELD_ACCESS))
        .usage(
            "key [GET <encoding offset>|[OVERFLOW <WRAP|SAT|FAIL>] <SET <encoding offset value:integer>|\
             INCRBY <encoding offset increment>> ...]:operation",
        )
        .doc(Group::Bitmap, "3.2.0", COST, "Reads and changes integers of any width in the string at a key."),
    Spec::owner("bitfield_ro", bitfield_ro)
        .arity(-2)
        .flags(Flags::READ.and(Flags::FAST))
        .categories(&["bitmap"])
        .keys(Keys::at(1, Access::READ))
        .usage("key [GET <encoding offset> [GET <encoding offset> ...]]")
        .doc(Group::Bitmap, "6.0.0", COST, "Reads integers of any width in the string at a key."),
];

/// What one step does to its field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

#[derive(Clone, Copy)]
struct Step {
    field: Field,
    offset: usize,
    action: Action,
    overflow: Overflow,
}

type Steps = SmallVec<[Step; 4]>;

/// The steps from word 2 on. Errors: a bad option, encoding, offset or value, whichever comes first.
fn parse(args: Args<'_>, limit_bytes: usize) -> Result<Steps, CommandError> {
    let mut steps = Steps::new();
    let (mut at, mut overflow) = (2, Overflow::Wrap);
    while at < args.len() {
        let left = args.len() - at - 1;
        let takes_value = match () {
            () if args.is(at, "get") && left >= 2 => false,
            () if (args.is(at, "set") || args.is(at, "incrby")) && left >= 3 => true,
            () if args.is(at, "overflow") && left >= 1 => {
                overflow = overflow_named(args, at + 1)?;
                at += 2;
                continue;
            }
            () => return Err(CommandError::Syntax),
        };
        let field = field(args.at(at + 1))?;
        let offset = bit_offset(args.at(at + 2), Some(field.bits), limit_bytes)?;
        let action = match takes_value {
            false => Action::Get,
            true if args.is(at, "set") => Action::Set(integer(args.at(at + 3))?),
            true => Action::Add(integer(args.at(at + 3))?),
        };
        steps.push(Step { field, offset, action, overflow });
        at += 3 + usize::from(takes_value);
    }
    Ok(steps)
}

fn overflow_named(args: Args<'_>, at: usize) -> Result<Overflow, CommandError> {
    match () {
        () if args.is(at, "wrap") => Ok(Overflow::Wrap),
        () if args.is(at, "sat") => Ok(Overflow::Saturate),
        () if args.is(at, "fail") => Ok(Overflow::Fail),
        () => Err(CommandError::Text("ERR Invalid OVERFLOW type specified")),
    }
}

/// `u8`, `i64`: the shape of a field.
fn field(word: &[u8]) -> Result<Field, CommandError> {
    const REFUSED: CommandError = CommandError::Text(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    );
    let (signed, bits) = match word {
        [b'i', bits @ ..] => (true, bits),
        [b'u', bits @ ..] => (false, bits),
        _ => return Err(REFUSED),
    };
    let bits_max = if signed { 64 } else { 63 };
    match parse_i64(bits) {
        Some(bits) if (1..=bits_max).contains(&bits) => Ok(Field { signed, bits: bits as u32 }),
        _ => Err(REFUSED),
    }
}

/// `BITFIELD key [GET encoding offset | [OVERFLOW how] SET|INCRBY encoding offset value ...]`: what each step
/// answers, null where a value does not fit and may not. Errors: a bad step, WRONGTYPE.
fn bitfield(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let steps = parse(args, keys.settings().bulk_bytes_max)?;
    let writes = steps.iter().filter(|step| step.action != Action::Get);
    let Some(end) = writes.map(|step| step.offset + step.field.bits as usize).max() else {
        return read(keys, args.at(1), &steps, reply);
    };
    Ok(keys.edit_bytes(args.at(1), end.div_ceil(8), |bytes| {
        reply.array(steps.len());
        let changed = steps.iter().filter(|step| step.run(bytes, reply)).count() > 0;
        ((), Edit::when(changed))
    })?)
}

/// `BITFIELD_RO key [GET encoding offset ...]`. Errors: a bad step, one that writes, WRONGTYPE.
fn bitfield_ro(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let steps = parse(args, keys.settings().bulk_bytes_max)?;
    if steps.iter().any(|step| step.action != Action::Get) {
        return Err(CommandError::Text("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(keys, args.at(1), &steps, reply)
}

fn read(keys: &mut Keyspace<'_>, key: &[u8], steps: &[Step], reply: &mut Reply<'_>) -> CommandResult {
    let text = keys.read_string(key)?.unwrap_or(Text::Bytes(b""));
    let mut digits = itoa::Buffer::new();
    let bytes = text.bytes(&mut digits);
    reply.array(steps.len());
    for step in steps {
        reply.integer(step.field.get(bytes, step.offset));
    }
    Ok(())
}

impl Step {
    /// Does the step on a string that is long enough, and answers; true if the string has changed.
    fn run(self, bytes: &mut [u8], reply: &mut Reply<'_>) -> bool {
        let old = self.field.get(bytes, self.offset);
        let wanted = match self.action {
            Action::Get => {
                reply.integer(old);
                return false;
            }
            // How far a value lies below the largest one, the reference asks in 64 bits, which the least of
            // all values exceed: those end at the top.
            Action::Set(value)
                if self.overflow == Overflow::Saturate
                    && self.field.signed
                    && self.field.bits < 64
                    && value < i64::MIN + (1 << (self.field.bits - 1)) =>
            {
                i128::MAX
            }
            Action::Set(value) if self.field.signed => i128::from(value),
            Action::Set(value) => i128::from(value as u64),
            Action::Add(value) => i128::from(old) + i128::from(value),
        };
        let Some(new) = self.field.fit(wanted, self.overflow) else {
            reply.null();
            return false;
        };
        reply.integer(if matches!(self.action, Action::Set(_)) { old } else { new });
        self.field.set(bytes, self.offset, new);
        old != new
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn fields_are_read_set_and_counted_up() {
        check(
            r#"
        > bitfield k set u8 0 255 get u8 0 get i8 0 get u4 2
            1) (integer) 0
            2) (integer) 255
            3) (integer) -1
            4) (integer) 15
        > bitfield k incrby u4 4 1 get u8 0
            1) (integer) 0
            2) (integer) 240
        > bitfield k set i8 #1 -2 incrby i8 #1 -127
            1) (integer) 0
            2) (integer) 127
        > bitfield k overflow sat incrby u8 #0 1000 incrby i5 100 -17 overflow wrap incrby i5 100 -17
            1) (integer) 255
            2) (integer) -16
            3) (integer) -1
        > bitfield k overflow fail set u8 0 256 incrby u8 0 1 set u8 0 1
            1) (nil)
            2) (nil)
            3) (integer) 255
        > get k                                       "\x01\x7f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\x80"
        > bitfield k get u63 500 get i64 500
            1) (integer) 0
            2) (integer) 0
        > strlen k                                    (integer) 14
        > bitfield m overflow fail set u8 16 300      1) (nil)
        > get m                                       "\x00\x00\x00"
        > bitfield m set u8 0 -1 set u8 0 0 overflow sat set u8 0 -1 set u8 0 0
            1) (integer) 0
            2) (integer) 255
            3) (integer) 0
            4) (integer) 255
        > bitfield k set i64 0 9223372036854775807 incrby i64 0 1 overflow sat incrby i64 0 -2 overflow fail incrby i64 0 -1
            1) (integer) 107804916080181248
            2) (integer) -9223372036854775808
            3) (integer) -9223372036854775808
            4) (nil)
        > bitfield k set u63 0 -1 overflow sat set u63 0 -1 incrby u63 0 1
            1) (integer) 4611686018427387904
            2) (integer) 9223372036854775807
            3) (integer) 9223372036854775807
        > bitfield s overflow sat set i8 0 -9223372036854775808 set i8 0 -9223372036854775681 set i8 0 -9223372036854775680 get i8 0
            1) (integer) 0
            2) (integer) 127
            3) (integer) 127
            4) (integer) -128
        > bitfield s overflow sat set i63 0 -4611686018427387905 get i63 0 set i64 0 -9223372036854775808 get i64 0
            1) (integer) -4611686018427387904
            2) (integer) 4611686018427387903
            3) (integer) 9223372036854775806
            4) (integer) -9223372036854775808
        > set int 12                                  OK
        > bitfield int get u8 0 set u8 8 51
            1) (integer) 49
            2) (integer) 50
        > get int                                     "13"
        > object encoding int                         "raw"
            "#,
        );
    }

    #[test]
    fn reading_creates_nothing() {
        check(
            r#"
        > bitfield n                                  (empty array)
        > exists n                                    (integer) 0
        > bitfield n get u8 0                         1) (integer) 0
        > exists n                                    (integer) 0
        > bitfield n overflow sat                     (empty array)
        > bitfield_ro missing get i8 3                1) (integer) 0
        > bitfield_ro k                               (empty array)
        > set k "\xff\x01"                            OK
        > bitfield_ro k get u8 0 get u8 #1 overflow sat
            1) (integer) 255
            2) (integer) 1
            "#,
        );
    }

    #[test]
    fn a_bad_step_undoes_the_good_ones_before_it() {
        check(
            r#"
        > set k a                                     OK
        > bitfield k get u64 0
            (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > bitfield k get i65 0
            (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > bitfield k get u0 0
            (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > bitfield k get f8 0
            (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > bitfield k get u8                           (error) ERR syntax error
        > bitfield k get u8 -1                        (error) ERR bit offset is not an integer or out of range
        > bitfield k get u8 #-1                       (error) ERR bit offset is not an integer or out of range
        > bitfield k get u8 4294967296                (error) ERR bit offset is not an integer or out of range
        > bitfield k get u8 #536870912                (error) ERR bit offset is not an integer or out of range
        > bitfield k get u8 #2305843009213693953      1) (integer) 0
        > bitfield k set u8 0                         (error) ERR syntax error
        > bitfield k set u8 0 x                       (error) ERR value is not an integer or out of range
        > bitfield k incrby u8 0 1.5                  (error) ERR value is not an integer or out of range
        > bitfield k overflow maybe                   (error) ERR Invalid OVERFLOW type specified
        > bitfield k overflow                         (error) ERR syntax error
        > bitfield k put u8 0 1                       (error) ERR syntax error
        > bitfield k set u8 0 1 get u8 x              (error) ERR bit offset is not an integer or out of range
        > bitfield_ro k incrby u8 0 1                 (error) ERR BITFIELD_RO only supports the GET subcommand
        > bitfield                                    (error) ERR wrong number of arguments for 'bitfield' command
        > get k                                       "a"
            "#,
        );
    }
}
