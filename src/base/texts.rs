//! Many byte strings in few allocations, some of them perhaps absent: what a command on many elements sorts,
//! looks up and sends to another core.

/// Byte strings in order, each of them there or absent.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where a text lies among the bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    len: usize,
}

/// The length of what is absent: no allocation is that long.
const ABSENT: usize = usize::MAX;

impl Texts {
    /// How many there are, the absent ones included.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a text.
    pub fn push(&mut self, text: &[u8]) {
        self.push_parts(&[text]);
    }

    /// Adds a text that is made of these parts.
    pub fn push_parts(&mut self, parts: &[&[u8]]) {
        let start = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.places.push(Place { start, len: self.bytes.len() - start });
    }

    /// Adds one that is absent.
    pub fn push_absent(&mut self) {
        self.places.push(Place { start: 0, len: ABSENT });
    }

    /// The text at `index`, unless it is absent; panics beyond the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.at(self.places[index])
    }

    /// All of them in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Option<&[u8]>> + ExactSizeIterator {
        self.places.iter().map(|&place| self.at(place))
    }

    fn at(&self, place: Place) -> Option<&[u8]> {
        (place.len != ABSENT).then(|| &self.bytes[place.start..place.start + place.len])
    }

    /// Turns their order around.
    pub fn reverse(&mut self) {
        self.places.reverse();
    }

    /// Those at these indexes, in this order. All of them stay where they lie; a part is copied, so that the
    /// rest is not kept.
    pub fn arranged(mut self, order: &[usize]) -> Texts {
        if order.len() == self.len() {
            self.places = order.iter().map(|&index| self.places[index]).collect();
            return self;
        }
        let mut picked = Texts::default();
        for &index in order {
            match self.get(index) {
                Some(text) => picked.push(text),
                None => picked.push_absent(),
            }
        }
        picked
    }

    /// One of several, taken from the front of each in the order that `routes` names them; each has as many as
    /// it is named.
    pub fn woven(shares: Vec<Texts>, routes: &[u16]) -> Texts {
        let mut woven = Texts::default();
        let mut fronts = Vec::with_capacity(shares.len());
        woven.places.reserve_exact(routes.len());
        woven.bytes.reserve_exact(shares.iter().map(|share| share.bytes.len()).sum());
        for share in shares {
            fronts.push((woven.bytes.len(), share.places.into_iter()));
            woven.bytes.extend_from_slice(&share.bytes);
        }
        for &route in routes {
            let (offset, front) = &mut fronts[usize::from(route)];
            let place = front.next().expect("a share has as many as it is named");
            woven.places.push(Place { start: place.start + *offset, ..place });
        }
        woven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[Option<&str>]) -> Texts {
        let mut texts = Texts::default();
        for word in words {
            match word {
                Some(word) => texts.push(word.as_bytes()),
                None => texts.push_absent(),
            }
        }
        texts
    }

    fn shown(texts: &Texts) -> Vec<Option<&str>> {
        texts.iter().map(|text| text.map(|text| std::str::from_utf8(text).expect("text"))).collect()
    }

    #[test]
    fn texts_are_arranged_reversed_and_made_of_parts() {
        let mut all = texts(&[Some("a"), None, Some(""), Some("bcd")]);
        all.push_parts(&[b"e", b"", b"f"]);
        assert_eq!(all.len(), 5);
        assert_eq!(shown(&all), [Some("a"), None, Some(""), Some("bcd"), Some("ef")]);
        assert_eq!(shown(&all.clone().arranged(&[3, 1])), [Some("bcd"), None]);
        assert_eq!(
            shown(&all.clone().arranged(&[4, 3, 2, 1, 0])),
            [Some("ef"), Some("bcd"), Some(""), None, Some("a")]
        );
        all.reverse();
        assert_eq!(all.get(0), Some(&b"ef"[..]));
        assert!(all.arranged(&[]).is_empty());
    }

    #[test]
    fn shares_are_woven_in_the_order_they_are_named() {
        let shares = vec![texts(&[Some("a"), None]), texts(&[]), texts(&[Some("x"), Some("yz")])];
        let woven = Texts::woven(shares, &[2, 0, 2, 0]);
        assert_eq!(shown(&woven), [Some("x"), Some("a"), Some("yz"), None]);
    }
}
