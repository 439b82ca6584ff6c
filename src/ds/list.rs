//! A list: one listpack while it is small, then a deque of them.
//!
//! ```text
//! small   [a b c d]
//! large   [a b c ..] [.. ..] [one big element] [.. .. y z]     at most a node's limit each
//! ```
//!
//! Both ends take and give elements in constant time. An index is found by adding up the nodes' counts,
//! which lie side by side, then by walking through one node; an edit in the middle moves the bytes of one
//! node. An element that is larger than a node may be has a node of its own, so that its neighbours' edits
//! never move it. Neighbours that fit into one node are joined after an edit, so nodes stay well filled.
//! Not here: what indexes of commands mean, replies.

use crate::ds::Shapes;
use crate::ds::block::size_class;
use crate::ds::list_nodes::{Body, Limit, Node, NodeItems, Nodes};
use crate::ds::packed::{Item, Needle, Packed};
use std::collections::vec_deque;

/// A large list whose last node is no larger than this becomes a small one again: half of the smallest
/// node, so that a list does not go back and forth.
const SMALL_AGAIN_BYTES: usize = 2 << 10;

/// A list of byte strings.
#[derive(Clone, Debug)]
pub struct List {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Small(Packed),
    Large(Box<Nodes>),
}

/// A node as it is stored, for payloads.
#[derive(Clone, Copy, Debug)]
pub enum NodeRef<'a> {
    /// Some elements.
    Packed(&'a Packed),
    /// One large element.
    Plain(&'a [u8]),
}

impl Default for List {
    fn default() -> List {
        List { form: Form::Small(Packed::new()) }
    }
}

impl List {
    /// Number of elements. O(1).
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Small(packed) => packed.len(),
            Form::Large(nodes) => nodes.len,
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Small(packed) => packed.is_empty(),
            Form::Large(nodes) => nodes.len == 0,
        }
    }

    /// Heap bytes. O(1).
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Small(packed) => packed.bytes(),
            Form::Large(nodes) => {
                let deque = size_class(nodes.nodes.capacity() * size_of::<Node>());
                size_class(size_of::<Nodes>()) + deque + nodes.bytes
            }
        }
    }

    /// `OBJECT ENCODING`.
    pub fn encoding(&self) -> &'static str {
        "quicklist"
    }

    /// Gives back about `bytes` of a list that is being freed; true: there is more.
    pub fn free_part(&mut self, bytes: usize) -> bool {
        if let Form::Large(nodes) = &mut self.form {
            let mut freed = 0;
            while let Some(node) = nodes.nodes.pop_back() {
                freed += node.bytes();
                nodes.bytes -= node.bytes();
                nodes.len -= node.count;
                if freed >= bytes && !nodes.nodes.is_empty() {
                    return true;
                }
            }
        }
        *self = List::default();
        false
    }

    /// Adds an element behind the last. O(1).
    pub fn push_back(&mut self, text: &[u8], shapes: &Shapes) {
        let limit = Limit::of(shapes);
        match &mut self.form {
            Form::Small(packed) if allows(packed, text, limit) => packed.push_back(text),
            _ => {
                let nodes = self.enlarge();
                let last = nodes.nodes.len().wrapping_sub(1);
                match nodes.nodes.back() {
                    Some(node) if node.allows(text, limit) => {
                        nodes.change(last, |node| node.insert(node.count, text));
                    }
                    _ => nodes.put(nodes.nodes.len(), Node::new(text, limit)),
                }
            }
        }
    }

    /// Adds an element before the first. O(1).
    pub fn push_front(&mut self, text: &[u8], shapes: &Shapes) {
        let limit = Limit::of(shapes);
        match &mut self.form {
            Form::Small(packed) if allows(packed, text, limit) => packed.push_front(text),
            _ => {
                let nodes = self.enlarge();
                match nodes.nodes.front() {
                    Some(node) if node.allows(text, limit) => nodes.change(0, |node| node.insert(0, text)),
                    _ => nodes.put(0, Node::new(text, limit)),
                }
            }
        }
    }

    /// Adds a whole listpack behind the last element: as a node if it is no larger than one may be,
    /// else element by element.
    pub fn push_packed(&mut self, packed: Packed, shapes: &Shapes) {
        let limit = Limit::of(shapes);
        let fits = packed.as_bytes().len() <= limit.bytes && packed.len() <= limit.count;
        if packed.is_empty() {
            return;
        }
        if !fits {
            let mut digits = itoa::Buffer::new();
            packed.iter().for_each(|(_, item)| self.push_back(item.bytes(&mut digits), shapes));
        } else if self.is_empty() {
            self.form = Form::Small(packed);
        } else {
            let nodes = self.enlarge();
            nodes.put(nodes.nodes.len(), Node::of(packed));
        }
    }

    /// The first element.
    pub fn front(&self) -> Option<Item<'_>> {
        self.iter().next()
    }

    /// The last element.
    pub fn back(&self) -> Option<Item<'_>> {
        self.iter().next_back()
    }

    /// Removes the first element. O(1).
    pub fn pop_front(&mut self) {
        match &mut self.form {
            Form::Small(packed) => {
                if let Some(first) = packed.first() {
                    packed.remove(first, 1);
                }
            }
            Form::Large(nodes) => {
                nodes.take(0, 0, 1);
                self.settle();
            }
        }
    }

    /// Removes the last element. O(1).
    pub fn pop_back(&mut self) {
        match &mut self.form {
            Form::Small(packed) => {
                if let Some(last) = packed.last() {
                    packed.remove(last, 1);
                }
            }
            Form::Large(nodes) => {
                if let Some(node) = nodes.nodes.back() {
                    let place = node.count - 1;
                    nodes.take(nodes.nodes.len() - 1, place, 1);
                }
                self.settle();
            }
        }
    }

    /// The element at `index`, which counts from 0. O(nodes), from the nearer end.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        self.iter_from(index).next()
    }

    /// Puts `text` in the place of the element at `index`; false: there is none.
    pub fn set(&mut self, index: usize, text: &[u8], shapes: &Shapes) -> bool {
        let limit = Limit::of(shapes);
        match &mut self.form {
            Form::Small(packed) => {
                let Some(offset) = packed.at(index as i64) else { return false };
                if limit.allows(packed.as_bytes().len(), 0, text) {
                    packed.replace(offset, text);
                    return true;
                }
            }
            Form::Large(nodes) => {
                if index >= nodes.len {
                    return false;
                }
                let (at, place) = nodes.locate(index);
                if nodes.nodes[at].count > 1 && limit.is_large(text) {
                    // Falls through: the node is cut in two around the new element.
                } else if nodes.replace(at, place, text, limit) {
                    return true;
                }
            }
        }
        // The new one first: an emptied list would forget its nodes.
        self.insert(index, text, shapes);
        self.remove_range(index + 1, 1, shapes);
        true
    }

    /// Puts `text` before the element at `index`, or behind the last one if that is the length.
    pub fn insert(&mut self, index: usize, text: &[u8], shapes: &Shapes) {
        let limit = Limit::of(shapes);
        if let Form::Small(packed) = &mut self.form
            && allows(packed, text, limit)
        {
            let offset = packed.at(index as i64).unwrap_or(packed.end());
            packed.insert_before(offset, text);
            return;
        }
        let nodes = self.enlarge();
        let (at, place) = nodes.locate(index);
        nodes.insert(at, place, text, limit);
    }

    /// The index of the first element that is `text`. O(n).
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        let needle = Needle::new(text);
        self.iter().position(|item| needle.is(item))
    }

    /// Removes `count` elements from `start` on, or as many as there are. O(nodes + removed).
    pub fn remove_range(&mut self, start: usize, count: usize, shapes: &Shapes) {
        match &mut self.form {
            Form::Small(packed) => {
                if let Some(offset) = packed.at(start as i64) {
                    packed.remove(offset, count);
                }
            }
            Form::Large(nodes) => {
                let count = count.min(nodes.len.saturating_sub(start));
                if count > 0 {
                    nodes.remove_range(start, count, Limit::of(shapes));
                }
                self.settle();
            }
        }
    }

    /// Removes up to `count` elements that are `text`, the first ones or the last ones; returns how
    /// many. O(n).
    pub fn remove_equal(&mut self, text: &[u8], count: usize, from_back: bool, shapes: &Shapes) -> usize {
        let needle = Needle::new(text);
        // Which of the equal ones go is known once it is known how many there are.
        let mut spared = match from_back {
            true if count < usize::MAX => {
                self.iter().filter(|&item| needle.is(item)).count().saturating_sub(count)
            }
            _ => 0,
        };
        let mut left = count;
        let mut keep = |item: Item<'_>| {
            if left == 0 || !needle.is(item) {
                return true;
            }
            if spared > 0 {
                spared -= 1;
                return true;
            }
            left -= 1;
            false
        };
        match &mut self.form {
            Form::Small(packed) => packed.retain(keep),
            Form::Large(nodes) => {
                let removed = nodes.retain(&mut keep, Limit::of(shapes));
                self.settle();
                removed
            }
        }
    }

    /// All elements, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        match &self.form {
            Form::Small(packed) => Iter::of(NodeItems::Packed(packed.iter()), None),
            Form::Large(nodes) => Iter::of(NodeItems::NONE, Some(nodes.nodes.iter())),
        }
    }

    /// The elements from `index` on. O(nodes) to begin.
    pub fn iter_from(&self, index: usize) -> Iter<'_> {
        match &self.form {
            Form::Small(packed) => {
                let offset = packed.at(index as i64).unwrap_or(packed.end());
                Iter::of(NodeItems::Packed(packed.iter_from(offset)), None)
            }
            Form::Large(nodes) if index < nodes.len => {
                let (at, place) = nodes.locate(index);
                Iter::of(nodes.nodes[at].items_from(place), Some(nodes.nodes.range(at + 1..)))
            }
            Form::Large(_) => Iter::of(NodeItems::NONE, None),
        }
    }

    /// The nodes as they are stored; a small list is one.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeRef<'_>> {
        let len = match &self.form {
            Form::Small(packed) => usize::from(!packed.is_empty()),
            Form::Large(nodes) => nodes.nodes.len(),
        };
        (0..len).map(|at| match &self.form {
            Form::Small(packed) => NodeRef::Packed(packed),
            Form::Large(nodes) => match &nodes.nodes[at].body {
                Body::Packed(packed) => NodeRef::Packed(packed),
                Body::Plain(text) => NodeRef::Plain(text),
            },
        })
    }

    /// Makes the list a large one, if it is not.
    fn enlarge(&mut self) -> &mut Nodes {
        if let Form::Small(packed) = &mut self.form {
            let packed = std::mem::take(packed);
            let mut nodes = Box::<Nodes>::default();
            if !packed.is_empty() {
                nodes.put(0, Node::of(packed));
            }
            self.form = Form::Large(nodes);
        }
        match &mut self.form {
            Form::Large(nodes) => nodes,
            Form::Small(_) => unreachable!("made large above"),
        }
    }

    /// Makes the list a small one again, if little is left.
    fn settle(&mut self) {
        let Form::Large(nodes) = &mut self.form else { return };
        match nodes.nodes.front_mut() {
            None => self.form = Form::Small(Packed::new()),
            Some(Node { body: Body::Packed(packed), .. })
                if nodes.len == packed.len() && packed.as_bytes().len() <= SMALL_AGAIN_BYTES =>
            {
                let packed = std::mem::take(packed);
                self.form = Form::Small(packed);
            }
            Some(_) => {}
        }
    }
}

/// Whether a small list may take `text` and stay one.
fn allows(packed: &Packed, text: &[u8], limit: Limit) -> bool {
    limit.allows(packed.as_bytes().len(), packed.len(), text)
}

/// Elements of a list.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    front: NodeItems<'a>,
    /// Nodes of which nothing was read yet.
    nodes: Option<vec_deque::Iter<'a, Node>>,
    back: NodeItems<'a>,
}

impl<'a> Iter<'a> {
    fn of(front: NodeItems<'a>, nodes: Option<vec_deque::Iter<'a, Node>>) -> Iter<'a> {
        Iter { front, nodes, back: NodeItems::NONE }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            if let Some(item) = self.front.next() {
                return Some(item);
            }
            match self.nodes.as_mut().and_then(Iterator::next) {
                Some(node) => self.front = node.items(),
                None => return self.back.next(),
            }
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.back.next_back() {
                return Some(item);
            }
            match self.nodes.as_mut().and_then(DoubleEndedIterator::next_back) {
                Some(node) => self.back = node.items(),
                None => return self.front.next_back(),
            }
        }
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
