//! Places on the globe as sortable numbers: 26 bits of latitude and 26 of longitude, interleaved, so that what
//! is near has mostly the same leading bits. A cell is all places that share the first bits.
//!
//! Formulas and constants are the reference's, in its order of operations: clients see the last digit.
//! Longitude comes before latitude everywhere, in degrees; lengths are in meters.

/// Bits of each coordinate in a score.
pub const STEPS: u32 = 26;

/// Largest longitude.
pub const LONGITUDE_MAX: f64 = 180.0;

/// Largest latitude, where a square map of the world ends.
pub const LATITUDE_MAX: f64 = 85.05112878;

const EARTH_RADIUS: f64 = 6372797.560856;

/// Half of the equator on that map.
const MERCATOR_MAX: f64 = 20037726.37;

/// A place: longitude, latitude.
pub type Place = (f64, f64);

/// Cells of one size, `steps` bits a side, by column and row from the south-west.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    column: u32,
    row: u32,
    steps: u32,
}

/// West, south, east, north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// What is searched around a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// All within a radius.
    Circle(f64),
    /// All within a box of this width and height.
    Box(f64, f64),
}

/// Moves the low 32 bits apart, to the even places.
fn spread(bits: u32) -> u64 {
    let mut wide = u64::from(bits);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        wide = (wide | wide << shift) & mask;
    }
    wide
}

/// Takes the even places together.
fn squeeze(bits: u64) -> u32 {
    let mut wide = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        wide = (wide | wide >> shift) & mask;
    }
    wide as u32
}

/// Where a coordinate lies between `-max` and `max`, in `steps` bits.
fn offset(coordinate: f64, max: f64, steps: u32) -> u32 {
    ((coordinate + max) / (2.0 * max) * (1_u64 << steps) as f64) as u32
}

/// Whether a place can be stored.
pub fn is_place((longitude, latitude): Place) -> bool {
    (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&longitude)
        && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&latitude)
}

impl Cell {
    fn of((longitude, latitude): Place, latitude_max: f64, steps: u32) -> Cell {
        let column = offset(longitude, LONGITUDE_MAX, steps);
        Cell { column, row: offset(latitude, latitude_max, steps), steps }
    }

    fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    fn bounds(self) -> Bounds {
        let side = (1_u64 << self.steps) as f64;
        let edge = |at: u32, max: f64| -max + (f64::from(at) / side) * (2.0 * max);
        Bounds {
            west: edge(self.column, LONGITUDE_MAX),
            south: edge(self.row, LATITUDE_MAX),
            // Only a score that is no place's has a last column or row; the one behind it is the first, as in Redis.
            east: edge(self.column.wrapping_add(1), LONGITUDE_MAX),
            north: edge(self.row.wrapping_add(1), LATITUDE_MAX),
        }
    }

    /// The cell so many columns and rows away, around the globe.
    fn moved(self, columns: i32, rows: i32) -> Cell {
        let mask = (1_u32 << self.steps) - 1;
        let step = |at: u32, by: i32| at.wrapping_add_signed(by) & mask;
        Cell { column: step(self.column, columns), row: step(self.row, rows), ..self }
    }

    /// The scores of its places: from the first up to, but without, the second.
    pub fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.steps);
        ((self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64)
    }
}

/// The score of a place.
pub fn encode(place: Place) -> f64 {
    Cell::of(place, LATITUDE_MAX, STEPS).bits() as f64
}

/// A score as 64 bits, as the reference's compiler casts it: what is negative in two's complement, what is too
/// small the least integer, what is too large zero.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1_u64 << 63) as f64;
    match score {
        _ if score < -HALF => 1 << 63,
        _ if score < HALF => score as i64 as u64,
        _ if score < 2.0 * HALF => score as u64,
        _ => 0,
    }
}

/// The middle of the smallest cell with this score. Any score has one, of a place or not.
pub fn decode(score: f64) -> Place {
    let bits = bits_of(score);
    let cell = Cell { column: squeeze(bits >> 1), row: squeeze(bits), steps: STEPS };
    let bounds = cell.bounds();
    let middle = |low: f64, high: f64, max: f64| ((low + high) / 2.0).clamp(-max, max);
    (middle(bounds.west, bounds.east, LONGITUDE_MAX), middle(bounds.south, bounds.north, LATITUDE_MAX))
}

/// The eleven letters that other programs know the place by; the last is always 0.
pub fn letters(score: f64) -> [u8; 11] {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let bits = Cell::of(decode(score), 90.0, STEPS).bits();
    let mut letters = [b'0'; 11];
    for (at, letter) in letters.iter_mut().take(10).enumerate() {
        *letter = ALPHABET[(bits >> (52 - (at + 1) * 5) & 31) as usize];
    }
    letters
}

/// The way between two places over the surface of a sphere.
pub fn distance(from: Place, to: Place) -> f64 {
    let [longitude1, latitude1, longitude2, latitude2] = [from.0, from.1, to.0, to.1].map(radians);
    let u = ((latitude2 - latitude1) / 2.0).sin();
    let v = ((longitude2 - longitude1) / 2.0).sin();
    2.0 * EARTH_RADIUS * (u * u + latitude1.cos() * latitude2.cos() * v * v).sqrt().asin()
}

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

impl Shape {
    /// How far a place is from the middle, if it is inside.
    pub fn distance(self, middle: Place, place: Place) -> Option<f64> {
        let distance_to = distance(middle, place);
        match self {
            Shape::Circle(radius) => (distance_to <= radius).then_some(distance_to),
            Shape::Box(width, height) => {
                let rise = EARTH_RADIUS * (radians(place.1) - radians(middle.1)).abs();
                let inside = rise <= height / 2.0 && distance(place, (middle.0, place.1)) <= width / 2.0;
                inside.then_some(distance_to)
            }
        }
    }

    /// Half of its width and of its height.
    fn halves(self) -> (f64, f64) {
        match self {
            Shape::Circle(radius) => (radius, radius),
            Shape::Box(width, height) => (width / 2.0, height / 2.0),
        }
    }

    fn bounds(self, (longitude, latitude): Place) -> Bounds {
        let (width, height) = self.halves();
        let rise = degrees(height / EARTH_RADIUS);
        // The side towards the pole is the wider one in degrees.
        let edge = if latitude < 0.0 { latitude - rise } else { latitude + rise };
        let reach = degrees(width / EARTH_RADIUS / radians(edge).cos());
        Bounds {
            west: longitude - reach,
            south: latitude - rise,
            east: longitude + reach,
            north: latitude + rise,
        }
    }

    /// How many bits a side the cells may have of which nine cover the shape.
    fn steps(self, latitude: f64) -> u32 {
        let (width, height) = self.halves();
        let mut reach = match self {
            Shape::Circle(radius) => radius,
            Shape::Box(..) => (width * width + height * height).sqrt(),
        };
        if reach == 0.0 {
            return STEPS;
        }
        let mut steps: i32 = 1;
        while reach < MERCATOR_MAX {
            reach *= 2.0;
            steps += 1;
        }
        steps -= 2 + i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
        steps.clamp(1, STEPS as i32) as u32
    }

    /// The cells to look through for what is inside the shape around a place: the one in the middle and those
    /// of its eight neighbours that the shape reaches; none twice. The order is the reference's.
    pub fn cells(self, middle: Place) -> impl Iterator<Item = Cell> {
        let bounds = self.bounds(middle);
        let mut steps = self.steps(middle.1);
        let mut cell = Cell::of(middle, LATITUDE_MAX, steps);
        let too_small = cell.moved(0, 1).bounds().north < bounds.north
            || cell.moved(0, -1).bounds().south > bounds.south
            || cell.moved(1, 0).bounds().east < bounds.east
            || cell.moved(-1, 0).bounds().west > bounds.west;
        if steps > 1 && too_small {
            steps -= 1;
            cell = Cell::of(middle, LATITUDE_MAX, steps);
        }
        let own = cell.bounds();
        let wanted = move |columns: i32, rows: i32| {
            steps < 2
                || !(rows < 0 && own.south < bounds.south
                    || rows > 0 && own.north > bounds.north
                    || columns < 0 && own.west < bounds.west
                    || columns > 0 && own.east > bounds.east)
        };
        const AROUND: [(i32, i32); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let mut last = None;
        AROUND.into_iter().filter(move |&(columns, rows)| wanted(columns, rows)).filter_map(
            move |(columns, rows)| {
                // Of large cells there are so few that neighbours on two sides are one.
                let next = cell.moved(columns, rows);
                (last.replace(next) != Some(next)).then_some(next)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    fn place(prng: &mut Prng) -> Place {
        let unit = |prng: &mut Prng| prng.below(1 << 53) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0;
        (unit(prng) * LONGITUDE_MAX, unit(prng) * LATITUDE_MAX)
    }

    #[test]
    fn a_place_comes_back_to_within_a_meter() {
        let mut prng = Prng::new(1);
        for _ in 0..10_000 {
            let place = place(&mut prng);
            assert!(distance(place, decode(encode(place))) < 1.0, "{place:?}");
            assert_eq!(encode(decode(encode(place))), encode(place), "{place:?}");
        }
    }

    #[test]
    fn what_is_inside_a_shape_is_inside_its_cells() {
        for seed in 0..200 {
            let mut prng = Prng::new(seed);
            let middle = place(&mut prng);
            let middle = (middle.0, middle.1 * 0.8);
            let reach = 10_f64.powi(1 + prng.below(6) as i32);
            let shape = if prng.one_in(2) { Shape::Circle(reach) } else { Shape::Box(reach, reach * 2.0) };
            let cells: Vec<(f64, f64)> = shape.cells(middle).map(Cell::scores).collect();
            for _ in 0..200 {
                let spread = reach / 111_000.0 * 1.5;
                let near = |prng: &mut Prng| (prng.below(2001) as f64 / 1000.0 - 1.0) * spread;
                let place = (middle.0 + near(&mut prng), middle.1 + near(&mut prng));
                if is_place(place) && shape.distance(middle, decode(encode(place))).is_some() {
                    let score = encode(place);
                    let found = cells.iter().filter(|(from, to)| (*from..*to).contains(&score)).count();
                    assert_eq!(found, 1, "seed {seed}: {place:?} around {middle:?} in {shape:?}");
                }
            }
        }
    }
}
