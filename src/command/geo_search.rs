//! What lies near a place: GEOSEARCH, GEOSEARCHSTORE, and GEORADIUS with its kin, which are older spellings of
//! the same question.
//!
//! Nine cells cover the shape; each is a range of scores, whose members are measured one by one.

use crate::base::args::Args;
use crate::base::number::parse_f64;
use crate::command::args::integer;
use crate::command::error::{CommandError, CommandResult, c_text};
use crate::command::gather::{Gather, Outcome, Sources, Tools};
use crate::command::geo::{coordinates, length, place, unit};
use crate::command::spec::{Access, Flags, Group, Keys, Spec};
use crate::ds::geohash::{self, Place, Shape};
use crate::ds::zset::Zset;
use crate::resp::Reply;
use crate::shard::{Keyspace, Owned, Source};

const COST: &str =
    "O(N+log(M)) where N is the number of members in the cells around the shape and M of all members.";
const SEARCH_USAGE: &str = "key <FROMMEMBER member|FROMLONLAT <longitude:double latitude:double>>:from \
    <<BYRADIUS radius:double <M|KM|FT|MI>:unit>:circle|<BYBOX width:double height:double <M|KM|FT|MI>:unit>:box>:by \
    [ASC|DESC]:order [COUNT count [ANY]]:count [WITHCOORD] [WITHDIST] [WITHHASH]";
const SEARCHSTORE_USAGE: &str = "destination source <FROMMEMBER member|FROMLONLAT <longitude:double latitude:double>>:from \
    <<BYRADIUS radius:double <M|KM|FT|MI>:unit>:circle|<BYBOX width:double height:double <M|KM|FT|MI>:unit>:box>:by \
    [ASC|DESC]:order [COUNT count [ANY]]:count [STOREDIST]";
const RADIUS_USAGE: &str = "key longitude:double latitude:double radius:double <M|KM|FT|MI>:unit [WITHCOORD] [WITHDIST] \
    [WITHHASH] [COUNT count [ANY]]:count [ASC|DESC]:order [STORE key] [STOREDIST key]";
const RADIUS_RO_USAGE: &str = "key longitude:double latitude:double radius:double <M|KM|FT|MI>:unit [WITHCOORD] \
    [WITHDIST] [WITHHASH] [COUNT count [ANY]]:count [ASC|DESC]:order";
const MEMBER_USAGE: &str = "key member radius:double <M|KM|FT|MI>:unit [WITHCOORD] [WITHDIST] [WITHHASH] \
    [COUNT count [ANY]]:count [ASC|DESC]:order [STORE key] [STOREDIST key]";
const MEMBER_RO_USAGE: &str = "key member radius:double <M|KM|FT|MI>:unit [WITHCOORD] [WITHDIST] [WITHHASH] \
    [COUNT count [ANY]]:count [ASC|DESC]:order";

/// The rows of this family.
pub const ROWS: &[Spec] = &[
    reading("geosearch", geosearch, -7).usage(SEARCH_USAGE).doc(
        Group::Geo,
        "6.2.0",
        COST,
        "Returns the members inside a circle or a box.",
    ),
    Spec::gather("geosearchstore", Gather { plan: plan_searchstore, compute: geosearchstore })
        .arity(-8)
        .flags(Flags::WRITE.and(Flags::DENY_OOM))
        .categories(&["geo"])
        .keys(Keys::range(1, 2, 1, Access::READ).after(Access::OVERWRITE))
        .usage(SEARCHSTORE_USAGE)
        .doc(Group::Geo, "6.2.0", COST, "Stores the members inside a circle or a box."),
    storing("georadius", Gather { plan: plan_radius, compute: georadius }, -6, 6)
        .usage(RADIUS_USAGE)
        .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
        .doc(Group::Geo, "3.2.0", COST, "Returns or stores the members within a radius of a place."),
    reading("georadius_ro", georadius_ro, -6)
        .usage(RADIUS_RO_USAGE)
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
        .doc(Group::Geo, "3.2.10", COST, "Returns the members within a radius of a place."),
    storing("georadiusbymember", Gather { plan: plan_radiusbymember, compute: georadiusbymember }, -5, 5)
        .usage(MEMBER_USAGE)
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        )
        .doc(Group::Geo, "3.2.0", COST, "Returns or stores the members within a radius of one of them."),
    reading("georadiusbymember_ro", georadiusbymember_ro, -5)
        .usage(MEMBER_RO_USAGE)
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
        .doc(Group::Geo, "3.2.10", COST, "Returns the members within a radius of one of them."),
];

const fn reading(name: &'static str, run: crate::command::spec::ShardFn, arity: i16) -> Spec {
    Spec::owner(name, run)
        .arity(arity)
        .flags(Flags::READ)
        .categories(&["geo"])
        .keys(Keys::at(1, Access::READ))
}

const fn storing(name: &'static str, gather: Gather, arity: i16, options: i16) -> Spec {
    Spec::gather(name, gather)
        .arity(arity)
        .flags(Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS))
        .categories(&["geo"])
        .keys(Keys::geo_store(options))
}

/// Which command asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Search,
    SearchStore,
    /// GEORADIUS; whether it may store.
    Radius(bool),
    /// GEORADIUSBYMEMBER; whether it may store.
    RadiusByMember(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Any,
    Nearest,
    Farthest,
}

/// A question for what is near.
#[derive(Clone, Copy, Debug)]
struct Query {
    /// `None`: it is a member's of a key that is not there.
    middle: Option<Place>,
    shape: Option<Shape>,
    /// Meters in the unit of lengths.
    unit: f64,
    order: Order,
    /// 0: all.
    count: usize,
    any: bool,
    with_distance: bool,
    with_hash: bool,
    with_place: bool,
    stores: bool,
    stores_distance: bool,
}

/// A length and its unit at two words, in meters, and the unit.
fn radius(args: Args<'_>, at: usize) -> Result<(f64, f64), CommandError> {
    let radius = parse_f64(args.at(at)).ok_or(CommandError::Text("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(CommandError::Text("ERR radius cannot be negative"));
    }
    Ok((radius, unit(args, at + 1)?))
}

fn place_of(zset: &Zset, member: &[u8]) -> Result<Place, CommandError> {
    let score = zset.score(member).ok_or(CommandError::Text("ERR could not decode requested zset member"))?;
    Ok(geohash::decode(score))
}

impl Query {
    fn parse(
        args: Args<'_>,
        kind: Kind,
        zset: Option<&Zset>,
        reply: &mut Reply<'_>,
    ) -> Result<Query, CommandError> {
        let mut query = Query {
            middle: None,
            shape: None,
            unit: 1.0,
            order: Order::Any,
            count: 0,
            any: false,
            with_distance: false,
            with_hash: false,
            with_place: false,
            stores: kind == Kind::SearchStore,
            stores_distance: false,
        };
        let searches = matches!(kind, Kind::Search | Kind::SearchStore);
        let may_store = matches!(kind, Kind::Radius(true) | Kind::RadiusByMember(true));
        let mut at = match kind {
            Kind::Search => 2,
            Kind::SearchStore => 3,
            Kind::Radius(_) => {
                query.middle = Some(place(args, 2, reply)?);
                query.set_circle(args, 4)?;
                6
            }
            Kind::RadiusByMember(_) => {
                // Without a key there is nobody to measure from, and the radius is not looked at.
                if let Some(zset) = zset {
                    query.middle = Some(place_of(zset, args.at(2))?);
                    query.set_circle(args, 3)?;
                }
                5
            }
        };
        let (mut from_member, mut from_place, mut by_radius, mut by_box) = (false, false, false, false);
        while at < args.len() {
            let behind = args.len() - at - 1;
            match () {
                () if args.is(at, "withdist") => query.with_distance = true,
                () if args.is(at, "withhash") => query.with_hash = true,
                () if args.is(at, "withcoord") => query.with_place = true,
                () if args.is(at, "any") => query.any = true,
                () if args.is(at, "asc") => query.order = Order::Nearest,
                () if args.is(at, "desc") => query.order = Order::Farthest,
                () if behind >= 1 && args.is(at, "count") => {
                    let count = usize::try_from(integer(args.at(at + 1))?).unwrap_or(0);
                    if count == 0 {
                        return Err(CommandError::Text("ERR COUNT must be > 0"));
                    }
                    query.count = count;
                    at += 1;
                }
                () if may_store && behind >= 1 && (args.is(at, "store") || args.is(at, "storedist")) => {
                    query.stores = true;
                    query.stores_distance = args.is(at, "storedist");
                    at += 1;
                }
                () if searches && behind >= 1 && !from_place && args.is(at, "frommember") => {
                    if let Some(zset) = zset {
                        query.middle = Some(place_of(zset, args.at(at + 1))?);
                    }
                    from_member = true;
                    at += 1;
                }
                () if searches && behind >= 2 && !from_member && args.is(at, "fromlonlat") => {
                    query.middle = Some(place(args, at + 1, reply)?);
                    from_place = true;
                    at += 2;
                }
                () if searches && behind >= 2 && !by_box && args.is(at, "byradius") => {
                    query.set_circle(args, at + 1)?;
                    by_radius = true;
                    at += 2;
                }
                () if searches && behind >= 3 && !by_radius && args.is(at, "bybox") => {
                    query.set_box(args, at + 1)?;
                    by_box = true;
                    at += 3;
                }
                () if kind == Kind::SearchStore && args.is(at, "storedist") => query.stores_distance = true,
                () => return Err(CommandError::Syntax),
            }
            at += 1;
        }
        if query.stores && (query.with_distance || query.with_hash || query.with_place) {
            return Err(CommandError::Text(if kind == Kind::SearchStore {
                "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            } else {
                "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            }));
        }
        let one_of = |words: &str, reply: &mut Reply<'_>| {
            let name = c_text(args.at(0));
            reply.error_bytes(
                &[b"ERR exactly one of ", words.as_bytes(), b" can be specified for ", name].concat(),
            );
            CommandError::Replied
        };
        if searches && !from_member && !from_place {
            return Err(one_of("FROMMEMBER or FROMLONLAT", reply));
        }
        if searches && !by_radius && !by_box {
            return Err(one_of("BYRADIUS and BYBOX", reply));
        }
        if query.any && query.count == 0 {
            return Err(CommandError::Text("ERR the ANY argument requires COUNT argument"));
        }
        if query.count > 0 && !query.any && query.order == Order::Any {
            query.order = Order::Nearest;
        }
        Ok(query)
    }

    fn set_circle(&mut self, args: Args<'_>, at: usize) -> CommandResult {
        let (radius, unit) = radius(args, at)?;
        self.unit = unit;
        self.shape = Some(Shape::Circle(radius * unit));
        Ok(())
    }

    fn set_box(&mut self, args: Args<'_>, at: usize) -> CommandResult {
        let width = parse_f64(args.at(at)).ok_or(CommandError::Text("ERR need numeric width"))?;
        let height = parse_f64(args.at(at + 1)).ok_or(CommandError::Text("ERR need numeric height"))?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::Text("ERR height or width cannot be negative"));
        }
        self.unit = unit(args, at + 2)?;
        self.shape = Some(Shape::Box(width * self.unit, height * self.unit));
        Ok(())
    }
}

/// A member that was found.
#[derive(Clone, Copy, Debug)]
struct Near {
    distance: f64,
    score: f64,
    /// Where its name is among all names.
    name: (usize, usize),
}

/// What was found, in the order asked for.
#[derive(Debug, Default)]
struct Found {
    near: Vec<Near>,
    names: Vec<u8>,
}

impl Found {
    fn name(&self, near: &Near) -> &[u8] {
        &self.names[near.name.0..near.name.1]
    }

    fn search(zset: &Zset, query: &Query) -> Found {
        let mut found = Found::default();
        let (Some(middle), Some(shape)) = (query.middle, query.shape) else { return found };
        let enough = if query.any { query.count } else { usize::MAX };
        for cell in shape.cells(middle) {
            let (from, to) = cell.scores();
            let first = zset.scores_below(|score| score < from);
            let end = zset.scores_below(|score| score < to);
            let mut rank = first;
            while rank < end && found.near.len() < enough {
                let step = WALK.min(end - rank);
                zset.walk(rank, step, false, |name, score| {
                    if found.near.len() < enough
                        && let Some(distance) = shape.distance(middle, geohash::decode(score))
                    {
                        let start = found.names.len();
                        found.names.extend_from_slice(name);
                        found.near.push(Near { distance, score, name: (start, found.names.len()) });
                    }
                });
                rank += step;
            }
        }
        match query.order {
            Order::Any => {}
            Order::Nearest => found.near.sort_by(|left, right| left.distance.total_cmp(&right.distance)),
            Order::Farthest => found.near.sort_by(|left, right| right.distance.total_cmp(&left.distance)),
        }
        if query.count > 0 {
            found.near.truncate(query.count);
        }
        found
    }

    fn write(&self, query: &Query, reply: &mut Reply<'_>) {
        let extras =
            usize::from(query.with_distance) + usize::from(query.with_hash) + usize::from(query.with_place);
        reply.array(self.near.len());
        for near in &self.near {
            if extras > 0 {
                reply.array(1 + extras);
            }
            reply.bulk(self.name(near));
            if query.with_distance {
                length(reply, near.distance / query.unit);
            }
            if query.with_hash {
                reply.integer(near.score as i64);
            }
            if query.with_place {
                coordinates(reply, geohash::decode(near.score));
            }
        }
    }
}

/// Members measured between two looks whether there are enough.
const WALK: usize = 128;

fn read(keys: &mut Keyspace<'_>, args: Args<'_>, kind: Kind, reply: &mut Reply<'_>) -> CommandResult {
    let zset = keys.read_value::<Zset>(args.at(1))?;
    let query = Query::parse(args, kind, zset, reply)?;
    zset.map_or_else(Found::default, |zset| Found::search(zset, &query)).write(&query, reply);
    Ok(())
}

fn read_or_store(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    kind: Kind,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    let zset = sources.first().copied().flatten().map(Source::get::<Zset>).transpose()?;
    let query = Query::parse(args, kind, zset, reply)?;
    let found = zset.map_or_else(Found::default, |zset| Found::search(zset, &query));
    if !query.stores {
        found.write(&query, reply);
        return Ok(Outcome::Replied);
    }
    let shapes = tools.settings.shapes;
    let mut stored = Zset::default();
    for near in &found.near {
        let score = if query.stores_distance { near.distance / query.unit } else { near.score };
        stored.update(&shapes, found.name(near), |_| Some(score));
    }
    reply.integer(stored.len() as i64);
    Ok(Outcome::Store((!stored.is_empty()).then(|| Owned::of_collection(stored, tools.now))))
}

/// `GEOSEARCH key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius unit|BYBOX width height unit
/// [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`: the members inside. Errors: options that
/// do not go together, no number, no such member, WRONGTYPE.
fn geosearch(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    read(keys, args, Kind::Search, reply)
}

/// `GEORADIUS_RO key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]
/// [ASC|DESC]`.
fn georadius_ro(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    read(keys, args, Kind::Radius(false), reply)
}

/// `GEORADIUSBYMEMBER_RO key member radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]
/// [ASC|DESC]`.
fn georadiusbymember_ro(keys: &mut Keyspace<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    read(keys, args, Kind::RadiusByMember(false), reply)
}

fn plan_searchstore(_: Args<'_>) -> Result<Sources, CommandError> {
    Ok(Sources { keys: [2].into_iter().collect(), destination: Some(1) })
}

/// `GEOSEARCHSTORE destination source ... [STOREDIST]`: how many are stored. Errors: as GEOSEARCH's.
fn geosearchstore(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    read_or_store(tools, args, Kind::SearchStore, sources, reply)
}

/// The key, and the one of the option STORE: where the keys of the row are, so that both are locked.
fn plan_option(args: Args<'_>, options: i16) -> Result<Sources, CommandError> {
    Ok(Sources {
        keys: [1].into_iter().collect(),
        destination: Keys::geo_store(options).indexes(args).nth(1),
    })
}

fn plan_radius(args: Args<'_>) -> Result<Sources, CommandError> {
    plan_option(args, 6)
}

fn plan_radiusbymember(args: Args<'_>) -> Result<Sources, CommandError> {
    plan_option(args, 5)
}

/// `GEORADIUS key longitude latitude radius unit ... [STORE key] [STOREDIST key]`: the members within, or how
/// many are stored. Errors: as GEOSEARCH's.
fn georadius(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    read_or_store(tools, args, Kind::Radius(true), sources, reply)
}

/// `GEORADIUSBYMEMBER key member radius unit ... [STORE key] [STOREDIST key]`.
fn georadiusbymember(
    tools: &mut Tools<'_>,
    args: Args<'_>,
    sources: &[Option<Source<'_>>],
    reply: &mut Reply<'_>,
) -> Result<Outcome, CommandError> {
    read_or_store(tools, args, Kind::RadiusByMember(true), sources, reply)
}

#[cfg(test)]
#[path = "geo_search_tests.rs"]
mod tests;
