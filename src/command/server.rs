//! TIME, SHUTDOWN, LOLWUT.

use super::core::{AdminRequest, Core};
use super::error::{CommandError, CommandResult};
use super::introspect::REDIS_VERSION;
use super::spec::{Flags, Group, Spec};
use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::base::prng::Prng;
use crate::resp::reply::Reply;

/// The family's rows.
pub(super) const ROWS: &[Spec] = &[
    Spec::connection("time", time)
        .arity(1)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .tips(&["nondeterministic_output"])
        .doc(Group::Server, "2.6.0", "O(1)", "Answers the server's clock: seconds and microseconds."),
    Spec::connection("shutdown", shutdown)
        .arity(-1)
        .flags(
            Flags::ADMIN
                .and(Flags::NO_SCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::NO_MULTI)
                .and(Flags::ALLOW_BUSY),
        )
        .usage("[NOSAVE|SAVE] [NOW] [FORCE] [ABORT]")
        .doc(Group::Server, "1.0.0", "O(N) in the number of connections", "Ends the server in good order."),
    Spec::connection("lolwut", lolwut)
        .arity(-1)
        .flags(Flags::READ.and(Flags::FAST))
        .usage("[VERSION version:integer]")
        .doc(Group::Server, "5.0.0", "O(1)", "Draws a picture and tells the version."),
];

/// `TIME`.
fn time(core: &mut Core<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let unix_us = core.clock.now().unix_us;
    reply.array(2);
    reply.text(&(unix_us / 1_000_000).to_string());
    reply.text(&(unix_us % 1_000_000).to_string());
    Ok(())
}

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]`: no answer when it succeeds. Nothing can be saved, so
/// SAVE is refused, unless FORCE says to go on whatever fails.
fn shutdown(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    let (mut save, mut no_save, mut now, mut force, mut abort) = (false, false, false, false, false);
    for at in 1..args.len() {
        let options = [
            ("nosave", &mut no_save),
            ("save", &mut save),
            ("now", &mut now),
            ("force", &mut force),
            ("abort", &mut abort),
        ];
        let asked = options.into_iter().find(|(word, _)| args.is(at, word));
        *asked.ok_or(CommandError::Syntax)?.1 = true;
    }
    if (abort && (save || no_save || now || force)) || (save && no_save) {
        return Err(CommandError::Syntax);
    }
    if abort {
        return Err(CommandError::Text("ERR No shutdown in progress."));
    }
    if save && !force {
        let refusal = "ERR This version keeps data in memory only and cannot save. Use SHUTDOWN NOSAVE.";
        return Err(CommandError::say(reply, refusal));
    }
    core.requests.push(AdminRequest::Shutdown);
    Ok(())
}

/// `LOLWUT [VERSION n]`. Every version draws the same: there has been one.
fn lolwut(core: &mut Core<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> CommandResult {
    if args.is(1, "version") && args.len() > 2 {
        parse_i64(args.at(2)).ok_or(CommandError::NotInteger)?;
    }
    let mut picture = medusa(core.prng);
    picture.push_str(&format!(
        "\nMedusa ver. {} on {} core{}, speaks Redis ver. {REDIS_VERSION}\n",
        env!("CARGO_PKG_VERSION"),
        core.cores,
        if core.cores == 1 { "" } else { "s" }
    ));
    reply.verbatim("txt", picture.as_bytes());
    Ok(())
}

/// Width of the picture, in characters.
const WIDTH: usize = 48;
/// Lines the snakes may take.
const HEIGHT: usize = 11;

/// A head with snakes: each starts at the crown and wanders upwards, leaning away from the middle.
fn medusa(prng: &mut Prng) -> String {
    let mut canvas = vec![[b' '; WIDTH]; HEIGHT];
    for snake in 0..9 {
        let mut x = 16 + 2 * snake;
        let lean = snake as i64 - 4;
        let length = 5 + prng.below((HEIGHT - 5) as u64) as usize;
        for row in (HEIGHT - length..HEIGHT).rev() {
            let step = (prng.below(5) as i64 - 2 + lean).signum();
            let turn = if prng.one_in(3) { 0 } else { step };
            canvas[row][x] = match turn {
                -1 => b'\\',
                1 => b'/',
                _ => *prng.pick(b"(|)"),
            };
            x = (x as i64 + turn).clamp(1, WIDTH as i64 - 2) as usize;
        }
        canvas[HEIGHT - length][x] = b'@';
    }
    let mut picture = String::new();
    for row in canvas {
        picture.push_str(String::from_utf8_lossy(&row).trim_end());
        picture.push('\n');
    }
    for line in [
        "               .-----------------.",
        "              /    o         o    \\",
        "              |        ___        |",
    ] {
        picture.push_str(line);
        picture.push('\n');
    }
    picture.push_str("               \\      `---'      /\n                `---------------'\n");
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn words_of_shutdown_are_checked_as_in_redis() {
        check(
            r#"
            > SHUTDOWN x  (error) ERR syntax error
            > SHUTDOWN SAVE NOSAVE  (error) ERR syntax error
            > SHUTDOWN ABORT NOW  (error) ERR syntax error
            > SHUTDOWN NOW FORCE x  (error) ERR syntax error
            > SHUTDOWN ABORT  (error) ERR No shutdown in progress.
            > TIME x  (error) ERR wrong number of arguments for 'time' command
            > LOLWUT VERSION x  (error) ERR value is not an integer or out of range
            "#,
        );
    }

    #[test]
    fn the_picture_fits_a_terminal_whatever_is_drawn() {
        let mut prng = Prng::new(7);
        for _ in 0..200 {
            let picture = medusa(&mut prng);
            assert!(picture.lines().all(|line| line.len() <= WIDTH));
            assert!(picture.matches('@').count() >= 1);
        }
    }
}
