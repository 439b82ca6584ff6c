//! Places on the globe, kept as the scores of a sorted set: GEOADD, GEOPOS, GEODIST, GEOHASH; and how places,
//! lengths and units are read and printed. Searching is in `geo_search`.

use crate::base::args::Args;
use crate::base::number::parse_f64;
use crate::command::error::{CommandError, CommandResult};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::command::zset::{Rules, put};
use crate::ds::geohash::{self, Place};
use crate::ds::zset::Zset;
use crate::resp::{Protocol, Reply};
use crate::shard::Keyspace;
use smallvec::SmallVec;

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    Spec::owner("geoadd", geoadd)
        .arity(-5)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["geo"])
        .keys(Keys::at(1, Access::UPDATE))
        .usage(
            "key [NX|XX]:condition [CH]:change longitude:double latitude:double member \
             [longitude:double latitude:double member ...]",
        )
        .doc(
            Group::Geo,
            "3.2.0",
            "O(log(N)) for each member, where N is the number of members.",
            "Adds members with their places, or gives them other places.",
        ),
    reading("geopos", geopos).usage("key member [member ...]").doc(
        Group::Geo,
        "3.2.0",
        "O(N) where N is the number of members asked for.",
        "Returns the longitudes and latitudes of members.",
    ),
    reading("geodist", geodist).arity(-4).usage("key member1 member2 [M|KM|FT|MI]:unit").doc(
        Group::Geo,
        "3.2.0",
        "O(1)",
        "Returns how far two members are apart.",
    ),
    reading("geohash", geohash).usage("key member [member ...]").doc(
        Group::Geo,
        "3.2.0",
        "O(N) where N is the number of members asked for.",
        "Returns the places of members as geohash strings.",
    ),
];

const fn reading(name: &'static str, run: crate::command::spec::ShardFn) -> Spec {
    Spec::owner(name, run).arity(-2).flags(Flags::READ).categories(&["geo"]).keys(Keys::at(1, Access::READ))
}

/// A longitude and a latitude at two words. Errors: no floats, no place on the map.
pub(super) fn place(args: Args<'_>, at: usize, reply: &mut Reply<'_>) -> Result<Place, CommandError> {
    let number = |at| parse_f64(args.at(at)).ok_or(CommandError::NotFloat);
    let place = (number(at)?, number(at + 1)?);
    if geohash::is_place(place) {
        return Ok(place);
    }
    let text = format!("ERR invalid longitude,latitude pair {:.6},{:.6}", place.0, place.1);
    Err(CommandError::say(reply, &text))
}

/// Meters in the unit at a word.
pub(super) fn unit(args: Args<'_>, at: usize) -> Result<f64, CommandError> {
    match () {
        () if args.is(at, "m") => Ok(1.0),
        () if args.is(at, "km") => Ok(1000.0),
        () if args.is(at, "ft") => Ok(0.3048),
        () if args.is(at, "mi") => Ok(1609.34),
        () => Err(CommandError::Text("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// A length, four digits behind the point.
pub(super) fn length(reply: &mut Reply<'_>, length: f64) {
    reply.text(&format!("{length:.4}"));
}

/// A longitude and a latitude, seventeen digits behind the point at most.
pub(super) fn coordinates(reply: &mut Reply<'_>, place: Place) {
    reply.array(2);
    for coordinate in [place.0, place.1] {
        let text = format!("{coordinate:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let text = if text == "-0" { "0" } else { text };
        match reply.protocol() {
            Protocol::Resp2 => reply.text(text),
            Protocol::Resp3 => reply.raw(format!(",{text}\r\n").as_bytes()),
        }
    }
}

/// `GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]`: how many are new (with
/// CH: or have moved). Errors: no place on the map, no float, WRONGTYPE.
fn geoadd(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (mut rules, mut first) = (Rules::default(), 2);
    while first < args.len() {
        match () {
            () if args.is(first, "nx") => rules.only_new = true,
            () if args.is(first, "xx") => rules.only_there = true,
            () if args.is(first, "ch") => rules.count_changed = true,
            () => break,
        }
        first += 1;
    }
    if !(args.len() - first).is_multiple_of(3) || (rules.only_new && rules.only_there) {
        return Err(CommandError::Syntax);
    }
    let mut members: SmallVec<[(f64, &[u8]); 4]> = SmallVec::new();
    for at in (first..args.len()).step_by(3) {
        members.push((geohash::encode(place(args, at, reply)?), args.at(at + 2)));
    }
    put(keys, args.at(1), rules, members.into_iter(), reply)
}

/// `GEOPOS key [member ...]`: longitude and latitude, or null, for each. Errors: WRONGTYPE.
fn geopos(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => coordinates(reply, geohash::decode(score)),
            None => reply.null_array(),
        }
    }
    Ok(())
}

/// `GEODIST key member1 member2 [M|KM|FT|MI]`: the distance, or null if one is missing. Errors: an unknown
/// unit, WRONGTYPE.
fn geodist(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let unit = match args.len() {
        4 => 1.0,
        5 => unit(args, 4)?,
        _ => return Err(CommandError::Syntax),
    };
    let zset = keys.read_value::<Zset>(args.at(1))?;
    let score = |at| zset.and_then(|zset| zset.score(args.at(at)));
    match (score(2), score(3)) {
        (Some(from), Some(to)) => {
            length(reply, geohash::distance(geohash::decode(from), geohash::decode(to)) / unit);
        }
        _ => reply.null(),
    }
    Ok(())
}

/// `GEOHASH key [member ...]`: eleven letters, or null, for each. Errors: WRONGTYPE.
fn geohash(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => reply.bulk(&geohash::letters(score)),
            None => reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "geo_tests.rs"]
mod tests;
