//! The options in `#[multiproc::test(..)]`: those of a worker, and how the process has to end.

use proc_macro2::{Ident, TokenStream};
use syn::{LitInt, LitStr};

use crate::errors::Errors;
use crate::options::{Known, Options};
use crate::wording;
use crate::worker::args::{Args as WorkerArgs, KNOWN};

const DIES: Known = Known {
    key: "dies",
    value: "the name of a signal",
    example: "\"SIGABRT\"",
};

const EXITS: Known = Known {
    key: "exits",
    value: "an exit code",
    example: "3",
};

/// The signals that end a process unless it has a handler for them, on Linux.
const SIGNALS: [&str; 23] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// What the options say. An option that was refused is `None`.
pub(super) struct Args {
    pub(super) worker: WorkerArgs,
    pub(super) end: Option<End>,
}

/// How the process has to end.
pub(super) struct End {
    /// The option that says so.
    pub(super) key: Ident,
    pub(super) how: How,
}

pub(super) enum How {
    Dies(String),
    Exits(u8),
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let known: Vec<Known> = KNOWN.into_iter().chain([DIES, EXITS]).collect();
        let options = Options::parse(tokens, &known, errors);
        let worker = WorkerArgs::from_options("multiproc::test", &options, errors);
        let dies = End::new(&options, &DIES, signal, errors);
        let exits = End::new(&options, &EXITS, code, errors);
        if let (Some(_), Some(key)) = (options.key(&DIES), options.key(&EXITS)) {
            errors.refuse(
                key,
                "cannot have both of the options `dies` and `exits`: its process ends once",
                "remove one of the two",
            );
        }
        Args {
            worker,
            end: dies.or(exits),
        }
    }
}

impl End {
    fn new(
        options: &Options,
        option: &Known,
        read: fn(&Options, &mut Errors) -> Option<How>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let how = read(options, errors)?;
        let key = options.key(option)?.clone();
        Some(End { key, how })
    }
}

fn signal(options: &Options, errors: &mut Errors) -> Option<How> {
    let text: LitStr = options.value(&DIES, errors).ok()??;
    let name = text.value();
    if SIGNALS.contains(&&*name) {
        return Some(How::Dies(name));
    }
    let upper = name.to_uppercase();
    let is_it = |known: &&str| *known == upper || known.strip_prefix("SIG") == Some(&upper);
    let meant = SIGNALS.into_iter().find(is_it);
    let help = match meant.or_else(|| wording::closest(&upper, SIGNALS.into_iter())) {
        Some(meant) => format!("did you mean `dies = \"{meant}\"`?"),
        None => format!("known signals: {}", SIGNALS.join(", ")),
    };
    errors.refuse(
        text,
        format_args!("cannot die of `{name}`: no signal of this name ends a process"),
        help,
    );
    None
}

fn code(options: &Options, errors: &mut Errors) -> Option<How> {
    let digits: LitInt = options.value(&EXITS, errors).ok()??;
    match digits.base10_parse() {
        Ok(code) if digits.suffix().is_empty() => Some(How::Exits(code)),
        _ => {
            errors.refuse(
                &digits,
                format_args!("cannot exit with {digits}: an exit code is a number from 0 to 255"),
                "write the code that the process is to exit with, as in `exits = 3`",
            );
            None
        }
    }
}
