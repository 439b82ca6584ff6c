//! A command and its arguments as ranges over bytes somebody else owns.
//!
//! The parser leaves a frame where it was read and notes where each argument lies. The same view
//! serves a local command (over the read buffer) and a forwarded one (over a batch's arena), so no
//! command is parsed twice and none knows where it came from.

/// Where one argument lies, relative to the start of its frame or arena. 4 GiB is out of reach:
/// `limits::QUERY_BYTES_MAX` bounds a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

/// A command with its arguments; index 0 is the command's name as it was typed. Copying is free.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// A view of `spans` over `bytes`. Every span must lie inside `bytes`.
    pub fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        debug_assert!(spans.iter().all(|span| (span.start as usize + span.len as usize) <= bytes.len()));
        Args { bytes, spans }
    }

    /// Number of arguments, the command's name included.
    #[expect(clippy::len_without_is_empty, reason = "a command always has a name")]
    pub fn len(self) -> usize {
        self.spans.len()
    }

    /// The argument at `index`; panics when there is none (arity was checked by the gate).
    pub fn at(self, index: usize) -> &'a [u8] {
        let span = self.spans[index];
        &self.bytes[span.start as usize..span.start as usize + span.len as usize]
    }

    /// The argument at `index`, if there is one.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        (index < self.spans.len()).then(|| self.at(index))
    }

    /// Arguments from `first` on, in order.
    pub fn from(self, first: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let bytes = self.bytes;
        self.spans[first.min(self.spans.len())..]
            .iter()
            .map(move |span| &bytes[span.start as usize..span.start as usize + span.len as usize])
    }

    /// The same command without its first `count` words: for subcommands.
    pub fn skip(self, count: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: &self.spans[count..] }
    }

    /// Whether the argument at `index` is `word`, in any case (`word` in lower case).
    pub fn is(self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|bytes| bytes.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The spans themselves: for the mesh, which copies a frame into an arena.
    pub fn spans(self) -> &'a [Span] {
        self.spans
    }

    /// Sum of the lengths of all arguments, in bytes.
    pub fn bytes_len(self) -> usize {
        self.spans.iter().map(|span| span.len as usize).sum()
    }
}

/// Arguments that own their bytes: for tests, parked commands and the slow log.
#[derive(Clone, Debug, Default)]
pub struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    /// Copies `args`.
    pub fn copy(args: Args<'_>) -> Self {
        let mut owned = Self::with_room(args.len(), args.bytes_len());
        args.from(0).for_each(|word| owned.push(word));
        owned
    }

    /// No words yet, with room for so many of `bytes` together.
    pub fn with_room(words: usize, bytes: usize) -> Self {
        OwnedArgs { bytes: Vec::with_capacity(bytes), spans: Vec::with_capacity(words) }
    }

    /// Copies the words of an iterator.
    pub fn collect<'w>(words: impl IntoIterator<Item = &'w [u8]>) -> Self {
        let mut owned = OwnedArgs::default();
        for word in words {
            owned.push(word);
        }
        owned
    }

    /// Adds one word.
    pub fn push(&mut self, word: &[u8]) {
        self.spans.push(Span { start: self.bytes.len() as u32, len: word.len() as u32 });
        self.bytes.extend_from_slice(word);
    }

    /// The view of these words.
    pub fn view(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }
}
