//! Every bound in the system, each with its reason and what happens at it.

/// Cores a process may use. More is a boot error: a shard id and a lock's participant set are small.
pub const CORES_MAX: usize = 128;

/// Databases (`SELECT 0..15`), as Redis's default. Above: `ERR DB index is out of range`.
pub const DATABASES: usize = 16;

/// Largest bulk string by default (`proto-max-bulk-len`): `Protocol error: invalid bulk length`.
pub const BULK_BYTES_MAX: usize = 512 << 20;

/// Most arguments of one command: `Protocol error: invalid multibulk length`.
pub const MULTIBULK_MAX: usize = i32::MAX as usize;

/// Longest inline command or length line: `Protocol error: too big inline request` and its kin.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// Input of one connection that waits, by default (`client-query-buffer-limit`): at it the connection
/// is read no further until commands have run; one frame larger than it closes the connection.
pub const QUERY_BYTES_MAX: usize = 1 << 30;

/// A connection whose unsent output is above this runs no further command: the requests wait in the
/// input, not the replies in memory. One command's reply may overshoot it.
pub const OUTPUT_HOLD_BYTES: usize = 128 << 10;

/// A request for locks that was refused comes again after this long, in nanoseconds, doubled each time up to
/// [`LOCK_RETRY_DOUBLINGS_MAX`] times (5 ms): many of them must not be more than their shards can answer.
pub const LOCK_RETRY_NS: u64 = 20_000;

/// See [`LOCK_RETRY_NS`].
pub const LOCK_RETRY_DOUBLINGS_MAX: u64 = 8;

/// Replies wait for those behind them that other shards still owe, to leave in one send: for so long at
/// most, in nanoseconds, and while they are fewer bytes than [`CORK_BYTES_MAX`].
pub const CORK_NS: u64 = 200_000;

/// Replies of so many bytes leave at once.
pub const CORK_BYTES_MAX: usize = 16 << 10;

/// Keys of the commands that span shards and go together (`coordinator::spanning::group`): the next begins
/// another group.
pub const GROUP_KEYS_MAX: usize = 512;

/// The same where they are locked against everybody else.
pub const GROUP_WRITE_KEYS_MAX: usize = 64;

/// Such groups of one connection that may be under way at once; at it the connection waits for what is under way.
pub const GROUPS_MAX: usize = 8;

/// Bytes of the words of such commands; one command may be larger.
pub const GROUP_BYTES_MAX: usize = 64 << 10;

/// Commands of one connection that may be on their way to other shards at once.
pub const WINDOW_MAX: usize = 1024;

/// The same before any reply has shown how large they are: the first burst may be of large values.
pub const WINDOW_START: usize = 32;

/// What is kept of a window that has grown once everything is answered: the next values may be larger.
pub const WINDOW_KEPT: usize = 128;

/// Single-shard commands one core may have under way at one peer; at it, connections that need that
/// peer wait and the core goes on with others.
pub const PEER_REQUESTS_MAX: usize = 16 << 10;

/// Bytes of requests one core may have under way at one peer; one request larger than it goes alone.
pub const PEER_REQUEST_BYTES_MAX: usize = 64 << 20;

/// Batches in the queue between two cores; a full queue keeps the next batch open and growing within
/// the two bounds above.
pub const LINK_BATCHES_MAX: usize = 256;

/// Bytes of the commands that one connection may queue in a transaction: the next is refused, and EXEC with it.
pub const TRANSACTION_BYTES_MAX: usize = 1 << 30;

/// Longest run of one connection in one turn before others get theirs, in nanoseconds; the command that is
/// running then still runs to its end.
pub const TURN_SLICE_NS: u64 = 150_000;

/// The same for what one peer has sent: well above the time of a full batch of small commands, which is better done
/// in one go.
pub const MAIL_SLICE_NS: u64 = 500_000;

/// Input of one connection above which it is read no further while something of it could run or is held: it waits in
/// the socket. Input without a whole frame is read on, and so is that of a client that waits for a key, lest nobody
/// notices that it hangs up; both up to `client-query-buffer-limit`.
pub const INPUT_HOLD_BYTES: usize = 1 << 20;

/// `proto-max-bulk-len` cannot be set below this.
pub const BULK_BYTES_FLOOR: usize = 1 << 20;

const _: () = assert!(OUTPUT_HOLD_BYTES < QUERY_BYTES_MAX);
const _: () = assert!(INPUT_HOLD_BYTES <= QUERY_BYTES_MAX);
const _: () = assert!(TURN_SLICE_NS <= MAIL_SLICE_NS);
const _: () = assert!(CORK_BYTES_MAX < OUTPUT_HOLD_BYTES);
const _: () = assert!(QUERY_BYTES_MAX < u32::MAX as usize);
const _: () = assert!(WINDOW_START <= WINDOW_KEPT && WINDOW_KEPT <= WINDOW_MAX);
const _: () = assert!(WINDOW_MAX <= PEER_REQUESTS_MAX);
const _: () = assert!(INLINE_BYTES_MAX < BULK_BYTES_FLOOR);
