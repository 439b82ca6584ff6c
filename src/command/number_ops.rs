//! Strings that are numbers: counters, and sums of 80-bit floats as the reference computes them.

use crate::base::args::Args;
use crate::base::extended::Extended;
use crate::base::number::parse_i64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, ShardFn, Spec};
use crate::resp::Reply;
use crate::shard::{Deadline, Keyspace, Text};

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    counter("incr", incr, 2, "key", "1.0.0", "Adds one to the integer at a key."),
    counter("decr", decr, 2, "key", "1.0.0", "Takes one from the integer at a key."),
    counter("incrby", incrby, 3, "key increment", "1.0.0", "Adds a number to the integer at a key."),
    counter("decrby", decrby, 3, "key decrement", "1.0.0", "Takes a number from the integer at a key."),
    counter(
        "incrbyfloat",
        incrbyfloat,
        3,
        "key increment:double",
        "2.6.0",
        "Adds a number to the float at a key.",
    ),
];

const fn counter(
    name: &'static str,
    run: ShardFn,
    arity: i16,
    usage: &'static str,
    since: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::owner(name, run)
        .arity(arity)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST))
        .categories(&["string"])
        .keys(Keys::at(1, Access::ACCESS_UPDATE))
        .usage(usage)
        .doc(Group::String, since, "O(1)", summary)
}

/// `INCR key`.
fn incr(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), 1, reply)
}

/// `DECR key`.
fn decr(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), -1, reply)
}

/// `INCRBY key increment`.
fn incrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    add(keys, args.at(1), integer(args.at(2))?, reply)
}

/// `DECRBY key decrement`.
fn decrby(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let decrement = integer(args.at(2))?;
    let increment = decrement.checked_neg().ok_or(CommandError::Text("ERR decrement would overflow"))?;
    add(keys, args.at(1), increment, reply)
}

/// Adds to the integer at `key`, 0 when missing, and answers the sum; the deadline stays. Errors:
/// WRONGTYPE, no integer, overflow; none of them changes anything.
fn add(keys: &mut Keyspace<'_>, key: &[u8], increment: i64, reply: &mut Reply<'_>) -> CommandResult {
    let sum = keys.update_integer(key, |old| {
        let old = match old {
            None => 0,
            Some(Text::Int(int)) => int,
            // Grown or summed strings are stored as bytes even where they spell an integer.
            Some(Text::Bytes(bytes)) => parse_i64(bytes).ok_or(CommandError::NotInteger)?,
        };
        old.checked_add(increment).ok_or(CommandError::Overflow)
    })?;
    reply.integer(sum);
    Ok(())
}

/// `INCRBYFLOAT key increment`: the sum. Errors: WRONGTYPE, no float, a sum that is not finite; none of
/// them changes anything.
fn incrbyfloat(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let key = args.at(1);
    let old = match keys.write_string(key)? {
        None => Extended::from_i64(0),
        Some(Text::Int(int)) => Extended::from_i64(int),
        Some(Text::Bytes(bytes)) => Extended::parse(bytes).ok_or(CommandError::NotFloat)?,
    };
    let increment = Extended::parse(args.at(2)).ok_or(CommandError::NotFloat)?;
    let sum = old.plus(increment).ok_or(CommandError::Text("ERR increment would produce NaN or Infinity"))?;
    let mut digits = Vec::new();
    sum.write_to(&mut digits);
    keys.set_bytes(key, &digits, Deadline::Keep);
    reply.bulk(&digits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn counters_count_in_64_bits() {
        check(
            r#"
        > incr n                                  (integer) 1
        > incr n                                  (integer) 2
        > decr n                                  (integer) 1
        > incrby n 41                             (integer) 42
        > decrby n 2                              (integer) 40
        > incrby n -50                            (integer) -10
        > get n                                   "-10"
        > object encoding n                       "int"
        > set n 9223372036854775806               OK
        > incr n                                  (integer) 9223372036854775807
        > incr n                                  (error) ERR increment or decrement would overflow
        > get n                                   "9223372036854775807"
        > set n -9223372036854775808              OK
        > decr n                                  (error) ERR increment or decrement would overflow
        > decrby n 9223372036854775807            (error) ERR increment or decrement would overflow
        > decrby n -9223372036854775808           (error) ERR decrement would overflow
        > incrby n x                              (error) ERR value is not an integer or out of range
        > incrby n 9223372036854775808            (error) ERR value is not an integer or out of range
        > incrby n " 1"                           (error) ERR value is not an integer or out of range
        > decrby n 1.5                            (error) ERR value is not an integer or out of range
        > decr n x                                (error) ERR wrong number of arguments for 'decr' command
            "#,
        );
    }

    #[test]
    fn only_the_plain_spelling_of_an_integer_counts() {
        check(
            r#"
        > mset a abc b " 1" c 01 d 1.0 e "" f +1 g 9223372036854775808  OK
        > incr a                                  (error) ERR value is not an integer or out of range
        > incr b                                  (error) ERR value is not an integer or out of range
        > incr c                                  (error) ERR value is not an integer or out of range
        > decr d                                  (error) ERR value is not an integer or out of range
        > incrby e 1                              (error) ERR value is not an integer or out of range
        > incr f                                  (error) ERR value is not an integer or out of range
        > incr g                                  (error) ERR value is not an integer or out of range
        > mget a b c d e f g
            1) "abc"
            2) " 1"
            3) "01"
            4) "1.0"
            5) ""
            6) "+1"
            7) "9223372036854775808"
        > append h 1                              (integer) 1
        > append h 2                              (integer) 2
        > incr h                                  (integer) 13
        > object encoding h                       "int"
            "#,
        );
    }

    #[test]
    fn counting_keeps_the_deadline() {
        check(
            r#"
        > set n 1 ex 100                          OK
        > incr n                                  (integer) 2
        > ttl n                                   (integer) 100
        > incrbyfloat n 0.5                       "2.5"
        > ttl n                                   (integer) 100
            "#,
        );
    }

    #[test]
    fn floats_are_summed_as_80_bit_numbers() {
        check(
            r#"
        > incrbyfloat k 0.1                       "0.1"
        > incrbyfloat k 0.2                       "0.3"
        > incrbyfloat k 5.0e3                     "5000.29999999999999982"
        > incrbyfloat k -5000.3                   "0"
        > object encoding k                       "embstr"
        > set k 3                                 OK
        > incrbyfloat k 0                         "3"
        > object encoding k                       "embstr"
        > incrbyfloat k 1e20                      "100000000000000000000"
        > incrbyfloat k -1e20                     "0"
        > set k 1.5                               OK
        > incrbyfloat k 0x10                      "17.5"
        > incrbyfloat k 1.23456789012345678       "18.73456789012345678"
        > set k 9223372036854775807               OK
        > incrbyfloat k 1                         "9223372036854775808"
        > incrbyfloat k 1e4932                    "1000000000000000000006018949387963891323837774254533114773785041352533019486608722407533327779433142773666525563666277682061860906440460336623416164931097542108653623739947237824273607755646282077337746770628281083461244709457643633409272844851420914666765408339856497738306756454137037618440476182982865954054046320908299555942321302503320602080070208203623921079151881460203745014774931620490030394998719312614654064081373493248877120892455186383753439197870978041502797716880193955403107721911638646256939484197293128160329482360996995779489224859264034146949087194820794222433687849284561987230134006305414553626323614864479565079390052761980633463640128979696615362545507608303960553830866145592644372289102918602696741767741297153998359263135897985849697638678310586803720024647593066044070323761747439375151949994191528876172274034561238465689530914002496208547488452249219821049217690359246594326188537200846025476936856707726986425804304053688317572380292690880454677852210458790733177421098965346383845533016192965653377533421097553773202105452559589360227732550843545717469715211293029277100649951579279463212875228768700827274629951331584994203243708412190948315614798641721054158397351395747758548328754270534225721361640356227816080094892433366902417454242382629232277544026609640255325557814321580325340352330660617642326696140257239552549121071985189443846777623334881929189773707008403466595204838733621633273383631944856989484138444978386656058755310848833689791896484998847550364264104800800578245511762594691161545730891319744107953897993101008217601269310629890308357893793344340072837782716410520818640099771094401772024731084835860689936533035726854175396195351768096519310944631445923638053214575993378468775292865871435742249777979822775014324475845899615096380079899099538453121043851821349178371736640702645304284254885437611441690360616466368202194307769462209963387690446576691969551571041941288302648912827345194286271122230347823246073498285153708579500062656222714954113329293953346495615947784091175883554988117167387650681525781361864450364992605079129770604793291076559668041153558254765774288831330658676910296506538343982699076824147706077401185501337053676875440863113630172067902223837838525802181406003942606507609826320015193807633035586661539150425605940691768637845815434184585255915074081317250319572700370579877977177644345205933505850374212779064837146242765034714569464306865784829936445754893825213995710137567750342556762329137973387913047300554841737506800154984198686923965286147079273203561004647365286049876790788288301130050437207489067798842078443360167772245834103629301041345252122743437501935254370757049878526838283810705343010153283985958550741661374001212323172562230037290597675029278865489570268803618001520280748588481858632332145422181524500970533738858652881625738158955840469334830106366243262210429210258173978186522208306814207038831590332622155464159216193005478809313772661406449321989529908990407599717265354887081027622412165764793106246309910984757869627982700885055259900973567128498437782671492610351088858271463387495833021819318548705558606395846070390500323204636339383655528123657438115225035433947543876805317781492691295772410403746456774175666884503175504415270824258750305653788473882671038340481278188648013647450190431469737277008003041204693859153544058059108384516541261521127088116402349679151317227395183628490922161336429757386698401928682323657056924758648793848799822907606679071280964393541325129231682456669123450140879120137931548652537601508656209183486928384515842973760163601756230697826779237275078471824258664382133759876151537532598429521999758431018087001817485300919479583171049967781322202936864648780744025361452947117776701129210049872555316467204668470989130203733391349501708713181244068921199587314823974568234174792429139799088587794666528769986602820375968045445209219875596678877912103336949894142378173648692130854177898020194629670311101994938157038765957014792056173739623614871557317714453597336202068774935086409386414223375141765601758268418764114651053088281009248246110195084364468926837572992870110411414878770616397817334529367403238061699632089293543118185299881280463481800696201966723511922556078483839325067415562633057448408746541808590342228476964416681055875561781810005936328191844815915658719683522845979901018335050006246392027657149580332319739660376707180429166280658258434773362764563277134220525779869893832824866422909928484939374964071386248088592408142723646533801882861736205992781965360090000802821408763787641023437653119263757280212773694655213507075717622521160227187157631635583682130089364682543007292042009976150135189415923413244100006421082817394988300265734422677548100741829682842668334472314928702968616204691717366798642916146473018363370523427203416579250811577900985980957404830019403600361860520985937973506956557739754741783354728589350876379371163141086538418113791886622720"
        > incrbyfloat k 1e4932                    (error) ERR increment would produce NaN or Infinity
        > incrbyfloat k inf                       (error) ERR increment would produce NaN or Infinity
        > incrbyfloat k nan                       (error) ERR value is not a valid float
        > incrbyfloat k x                         (error) ERR value is not a valid float
        > incrbyfloat k ""                        (error) ERR value is not a valid float
        > incrbyfloat k " 1"                      (error) ERR value is not a valid float
        > set k abc                               OK
        > incrbyfloat k 1                         (error) ERR value is not a valid float
        > get k                                   "abc"
            "#,
        );
    }
}
