//! The nodes of a large list: a deque of listpacks, and of elements too large to lie in one.
//!
//! An element is named by its node and its place in it. Sums of lengths and bytes are kept by every change
//! of a node, which goes through [`Nodes::change`], [`Nodes::put`] or [`Nodes::drop_node`].
//! Not here: when a list has nodes at all.

use crate::ds::Shapes;
use crate::ds::block::size_class;
use crate::ds::packed::{Item, Items, Packed};
use std::collections::VecDeque;

/// Bytes of a node under `list-max-listpack-size` -1 to -5.
const NODE_BYTES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

/// Bytes of a node when `list-max-listpack-size` counts elements.
const COUNTED_NODE_BYTES: usize = 8 << 10;

/// Most that an entry takes beyond its text, the listpack's own bytes included.
const OVERHEAD_MAX: usize = 17;

/// A large list.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub(super) nodes: VecDeque<Node>,
    pub(super) len: usize,
    /// Heap bytes of the nodes, without the deque.
    pub(super) bytes: usize,
}

/// Some neighbours, at least one.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) count: usize,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Packed(Packed),
    /// One element that is too large to lie among others.
    Plain(Box<[u8]>),
}

/// How large a node may be.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) bytes: usize,
    pub(super) count: usize,
}

impl Limit {
    pub(super) fn of(shapes: &Shapes) -> Limit {
        match usize::try_from(shapes.list_max_listpack_size) {
            Ok(count) => Limit { bytes: COUNTED_NODE_BYTES, count: count.max(1) },
            Err(_) => {
                let level = (shapes.list_max_listpack_size.unsigned_abs() as usize).min(NODE_BYTES.len());
                Limit { bytes: NODE_BYTES[level - 1], count: usize::MAX }
            }
        }
    }

    /// Whether `text` needs a node of its own.
    pub(super) fn is_large(self, text: &[u8]) -> bool {
        text.len() + OVERHEAD_MAX > self.bytes
    }

    /// Whether a node of `bytes` and `count` may take `text` as well.
    pub(super) fn allows(self, bytes: usize, count: usize, text: &[u8]) -> bool {
        bytes + text.len() + OVERHEAD_MAX <= self.bytes && count < self.count
    }
}

impl Node {
    pub(super) fn new(text: &[u8], limit: Limit) -> Node {
        if limit.is_large(text) {
            return Node { count: 1, body: Body::Plain(text.into()) };
        }
        let mut packed = Packed::with_room(Packed::would_grow_by(text));
        packed.push_back(text);
        Node { count: 1, body: Body::Packed(packed) }
    }

    pub(super) fn of(packed: Packed) -> Node {
        Node { count: packed.len(), body: Body::Packed(packed) }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.body {
            Body::Packed(packed) => packed.bytes(),
            Body::Plain(text) => size_class(text.len()),
        }
    }

    pub(super) fn allows(&self, text: &[u8], limit: Limit) -> bool {
        match &self.body {
            Body::Packed(packed) => limit.allows(packed.as_bytes().len(), self.count, text),
            Body::Plain(_) => false,
        }
    }

    pub(super) fn items(&self) -> NodeItems<'_> {
        match &self.body {
            Body::Packed(packed) => NodeItems::Packed(packed.iter()),
            Body::Plain(text) => NodeItems::Plain(Some(text)),
        }
    }

    pub(super) fn items_from(&self, place: usize) -> NodeItems<'_> {
        match &self.body {
            Body::Packed(packed) => {
                NodeItems::Packed(packed.iter_from(packed.at(place as i64).unwrap_or(packed.end())))
            }
            Body::Plain(text) => NodeItems::Plain((place == 0).then_some(text)),
        }
    }

    /// Puts `text` before the element at `place`; only if the node allows it.
    pub(super) fn insert(&mut self, place: usize, text: &[u8]) {
        if let Body::Packed(packed) = &mut self.body {
            if place == 0 {
                packed.push_front(text);
            } else {
                let offset = packed.at(place as i64).unwrap_or(packed.end());
                packed.insert_before(offset, text);
            }
            self.count += 1;
        }
    }

    /// Takes the elements from `place` on off; a plain node has none to give.
    pub(super) fn split_off(&mut self, place: usize) -> Node {
        match &mut self.body {
            Body::Packed(packed) => {
                let offset = packed.at(place as i64).unwrap_or(packed.end());
                let tail = packed.split_off(offset);
                let count = self.count - place;
                self.count = place;
                Node { count, body: Body::Packed(tail) }
            }
            Body::Plain(_) => Node::of(Packed::new()),
        }
    }

    /// Removes `count` elements from `place` on; the node may be empty then.
    pub(super) fn remove(&mut self, place: usize, count: usize) {
        if let Body::Packed(packed) = &mut self.body
            && let Some(offset) = packed.at(place as i64)
        {
            packed.remove(offset, count);
        }
        self.count -= count;
    }
}

impl Nodes {
    /// Changes one node and keeps the sums right.
    pub(super) fn change<R>(&mut self, at: usize, f: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[at];
        let (count, bytes) = (node.count, node.bytes());
        let result = f(node);
        self.len = self.len - count + node.count;
        self.bytes = self.bytes - bytes + node.bytes();
        result
    }

    /// Puts a node before the one at `at`.
    pub(super) fn put(&mut self, at: usize, node: Node) {
        self.len += node.count;
        self.bytes += node.bytes();
        self.nodes.insert(at, node);
    }

    /// Takes a node out.
    pub(super) fn drop_node(&mut self, at: usize) -> Option<Node> {
        let node = self.nodes.remove(at)?;
        self.len -= node.count;
        self.bytes -= node.bytes();
        self.settle_room();
        Some(node)
    }

    /// Gives the deque's memory back once three quarters of it are unused.
    pub(super) fn settle_room(&mut self) {
        let len = self.nodes.len();
        if self.nodes.capacity() > 16 && len < self.nodes.capacity() / 4 {
            self.nodes.shrink_to(2 * len);
        }
    }

    /// The node of the element at `index` and its place there; behind the last element of the last node
    /// for the length.
    pub(super) fn locate(&self, index: usize) -> (usize, usize) {
        if index <= self.len / 2 {
            let mut before = 0;
            for (at, node) in self.nodes.iter().enumerate() {
                if index < before + node.count {
                    return (at, index - before);
                }
                before += node.count;
            }
            return (0, 0);
        }
        let mut start = self.len;
        for (at, node) in self.nodes.iter().enumerate().rev() {
            start -= node.count;
            if index >= start {
                return (at, index - start);
            }
        }
        (0, 0)
    }

    /// Removes `count` elements of one node, and the node if it is empty then.
    pub(super) fn take(&mut self, at: usize, place: usize, count: usize) {
        if self.nodes[at].count == count {
            self.drop_node(at);
        } else {
            self.change(at, |node| node.remove(place, count));
        }
    }

    /// Puts `text` in the place of an element of the node at `at`, if the node stays within the limit.
    pub(super) fn replace(&mut self, at: usize, place: usize, text: &[u8], limit: Limit) -> bool {
        let node = &self.nodes[at];
        if node.count == 1 {
            self.change(at, |node| *node = Node::new(text, limit));
            return true;
        }
        match &node.body {
            Body::Packed(packed) if limit.allows(packed.as_bytes().len(), 0, text) => {}
            _ => return false,
        }
        self.change(at, |node| {
            if let Body::Packed(packed) = &mut node.body
                && let Some(offset) = packed.at(place as i64)
            {
                packed.replace(offset, text);
            }
        });
        true
    }

    pub(super) fn insert(&mut self, at: usize, place: usize, text: &[u8], limit: Limit) {
        let allows = |at: usize| self.nodes.get(at).is_some_and(|node| node.allows(text, limit));
        let count = self.nodes.get(at).map_or(0, |node| node.count);
        if allows(at) {
            self.change(at, |node| node.insert(place, text));
        } else if place == 0 && at > 0 && allows(at - 1) {
            self.change(at - 1, |node| node.insert(node.count, text));
        } else if place == count && allows(at + 1) {
            self.change(at + 1, |node| node.insert(0, text));
        } else if place == 0 || place == count {
            self.put(at + usize::from(place > 0), Node::new(text, limit));
        } else {
            let tail = self.change(at, |node| node.split_off(place));
            self.put(at + 1, tail);
            // Each part has room now, unless the text is large or the limit is of elements.
            self.insert(at, place, text, limit);
            self.join_around(at, limit);
        }
    }

    pub(super) fn remove_range(&mut self, start: usize, count: usize, limit: Limit) {
        let (at, place) = self.locate(start);
        let here = count.min(self.nodes[at].count - place);
        // The first node keeps what is before the range, the last one what is behind it; those between
        // go whole, all at once.
        let (first_whole, mut left) = if place == 0 && here == self.nodes[at].count {
            (at, count)
        } else {
            self.change(at, |node| node.remove(place, here));
            (at + 1, count - here)
        };
        let mut whole = first_whole;
        while whole < self.nodes.len() && self.nodes[whole].count <= left && left > 0 {
            let node = &self.nodes[whole];
            left -= node.count;
            self.len -= node.count;
            self.bytes -= node.bytes();
            whole += 1;
        }
        self.nodes.drain(first_whole..whole);
        if left > 0 {
            self.change(first_whole, |node| node.remove(0, left));
        }
        self.settle_room();
        self.join_around(first_whole.saturating_sub(1), limit);
    }

    /// Removes elements that `keep` says no to; returns how many.
    pub(super) fn retain(&mut self, keep: &mut impl FnMut(Item<'_>) -> bool, limit: Limit) -> usize {
        let (mut len, mut bytes) = (0, 0);
        let before = self.len;
        self.nodes.retain_mut(|node| {
            match &mut node.body {
                Body::Packed(packed) => node.count -= packed.retain(&mut *keep),
                Body::Plain(text) => node.count = usize::from(keep(Item::Bytes(text))),
            }
            if node.count > 0 {
                len += node.count;
                bytes += node.bytes();
            }
            node.count > 0
        });
        (self.len, self.bytes) = (len, bytes);
        if len < before {
            self.settle_room();
            let nodes = std::mem::take(&mut self.nodes);
            self.nodes.reserve(nodes.len());
            for node in nodes {
                self.nodes.push_back(node);
                self.join_last(limit);
            }
        }
        before - len
    }

    /// Joins the last two nodes if one may hold both.
    pub(super) fn join_last(&mut self, limit: Limit) {
        if let Some(at) = self.nodes.len().checked_sub(2) {
            self.join(at, limit);
        }
    }

    /// Joins the node at `at` with its neighbours where one node may hold both.
    pub(super) fn join_around(&mut self, at: usize, limit: Limit) {
        // From the right, so that what joins on the left has its place still.
        for at in (at.saturating_sub(1)..=at + 1).rev() {
            self.join(at, limit);
        }
    }

    /// Joins the nodes at `at` and behind it if one may hold both with some room to spare.
    pub(super) fn join(&mut self, at: usize, limit: Limit) {
        let (Some(left), Some(right)) = (self.nodes.get(at), self.nodes.get(at + 1)) else { return };
        let (Body::Packed(a), Body::Packed(b)) = (&left.body, &right.body) else { return };
        let bytes = a.as_bytes().len() + b.as_bytes().len();
        if bytes > limit.bytes - limit.bytes / 4 || left.count + right.count > limit.count {
            return;
        }
        let right = self.nodes.remove(at + 1);
        let Some(Node { count, body: Body::Packed(packed) }) = right else { return };
        self.bytes -= packed.bytes();
        self.len -= count;
        self.change(at, |node| {
            if let Body::Packed(left) = &mut node.body {
                left.append(&packed);
                node.count += count;
            }
        });
    }
}

/// What is left to read of a node.
#[derive(Clone, Debug)]
pub(super) enum NodeItems<'a> {
    Packed(Items<'a>),
    Plain(Option<&'a [u8]>),
}

impl<'a> NodeItems<'a> {
    pub(super) const NONE: NodeItems<'a> = NodeItems::Plain(None);
}

impl<'a> Iterator for NodeItems<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        match self {
            NodeItems::Packed(items) => items.next().map(|(_, item)| item),
            NodeItems::Plain(text) => text.take().map(Item::Bytes),
        }
    }
}

impl DoubleEndedIterator for NodeItems<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            NodeItems::Packed(items) => items.next_back().map(|(_, item)| item),
            NodeItems::Plain(text) => text.take().map(Item::Bytes),
        }
    }
}
