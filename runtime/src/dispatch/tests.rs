//! Calls that make the whole round in one process.

#![expect(
    unsafe_code,
    reason = "outside of this crate, link sections are not the user's"
)]

use std::borrow::Cow;
use std::io;
use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::sync::Once;

use serde::{Deserialize, Serialize, Serializer};

use super::registry::workers;
use super::{
    Argument, Ended, Entry, EntryId, Failure, Job, ReplyBuffer, borrowed, catch,
    install_panic_hook, message, owned, result, run,
};
use crate::codec::{Message, Output};
use crate::error::PanicInfo;
use crate::protocol::Reply;
use crate::sys::function::Function;

/// What a call came to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Returned(String),
    Panicked(String),
    NotDecoded(String),
    NotEncoded(String),
}

/// As generated code has it, for `fn repeat(text: &str, times: usize) -> String`.
fn repeat(job: &mut Job<'_>) -> Result<(), Failure> {
    let (codec0, codec1, result) = (borrowed::<str>(), owned::<usize>(), result::<String>());
    let text = job.argument(&codec0)?;
    let times = job.argument(&codec1)?;
    job.begin()?;
    let value = text.repeat(times);
    job.reply(&result, &value)
}

// SAFETY: it is an entry.
#[unsafe(link_section = "multiproc_workers")]
static FIRST: Entry = Entry::new("repeat", module_path!(), file!(), line!(), repeat);

// SAFETY: it is an entry.
#[unsafe(link_section = "multiproc_workers")]
static SECOND: Entry = Entry::new("repeat", module_path!(), file!(), line!(), repeat);

/// An entry that takes nothing and does this.
fn entry(dispatch: fn(&mut Job<'_>) -> Result<(), Failure>) -> Entry {
    Entry::new("test", module_path!(), file!(), line!(), dispatch)
}

fn request(arguments: &[Argument<'_>]) -> Message {
    let mut out = Output::new(0);
    for argument in arguments {
        argument.write(&mut out).unwrap();
    }
    sent(out)
}

fn sent(out: Output<'_>) -> Message {
    Message {
        head: out.head,
        splices: out.splices.into_iter().map(Cow::into_owned).collect(),
        ..Message::default()
    }
}

/// Runs the entry with a connection on which the first `refused` messages cannot be sent.
fn round(entry: &Entry, mut request: Message, refused: usize) -> (Vec<Outcome>, Ended) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| install_panic_hook(|_| unreachable!("panics unwind here")));
    let mut outcomes = Vec::new();
    let mut tries = 0;
    let mut send = |out: &mut Output<'_>| {
        tries += 1;
        if tries <= refused {
            return Err(io::Error::other("no descriptors left"));
        }
        outcomes.push(outcome(&mut sent(std::mem::take(out))));
        Ok(())
    };
    let ended = run(entry, || request.open(), &ReplyBuffer::default(), &mut send);
    (outcomes, ended)
}

fn outcome(reply: &mut Message) -> Outcome {
    let kind = reply.kind().and_then(Reply::from_wire).unwrap();
    let mut input = reply.open();
    let outcome = match kind {
        Reply::Returned => Outcome::Returned(input.read().unwrap()),
        Reply::Panicked => Outcome::Panicked(place_free(&input.read().unwrap())),
        Reply::NotDecoded => Outcome::NotDecoded(input.read().unwrap()),
        Reply::NotEncoded => Outcome::NotEncoded(input.read().unwrap()),
        other => panic!("{other:?} is no outcome of a call"),
    };
    input.finish().unwrap();
    outcome
}

/// The panic with `here` for a place in this file.
fn place_free(panic: &PanicInfo) -> String {
    match panic.location() {
        Some(location) if location.file() == file!() => format!("{}, here", panic.message()),
        Some(location) => format!("{}, {location}", panic.message()),
        None => panic.message().to_owned(),
    }
}

#[track_caller]
fn check(entry: &Entry, arguments: &[Argument<'_>], expected: Outcome, ended: Ended) {
    let got = round(entry, request(arguments), 0);
    assert_eq!(got, (vec![expected], ended));
}

fn text(text: &str) -> Outcome {
    Outcome::Returned(text.to_owned())
}

#[test]
fn a_call_returns() {
    let arguments = [borrowed::<str>().lend("ab"), owned::<usize>().own(3)];
    check(&FIRST, &arguments, text("ababab"), Ended::Well);
}

#[test]
fn long_arguments_and_results_are_borrowed() {
    let long = "x".repeat(1 << 20);
    let arguments = [borrowed::<str>().lend(&long), owned::<usize>().own(2)];
    check(
        &FIRST,
        &arguments,
        Outcome::Returned(long.repeat(2)),
        Ended::Well,
    );
}

#[test]
fn arguments_that_are_not_the_workers_are_refused() {
    let not_decoded = |reason: &str| Outcome::NotDecoded(reason.to_owned());
    check(
        &FIRST,
        &[],
        not_decoded(
            "the message ends too early: a `Deserialize` read more than its `Serialize` wrote",
        ),
        Ended::Well,
    );
    check(
        &FIRST,
        &[owned::<usize>().own(1)],
        not_decoded("invalid type: integer `1`, expected a string"),
        Ended::Well,
    );
    check(
        &FIRST,
        &[
            borrowed::<str>().lend("a"),
            owned::<usize>().own(1),
            owned::<u8>().own(200),
        ],
        not_decoded("2 bytes are left over: a `Deserialize` read less than its `Serialize` wrote"),
        Ended::Well,
    );
}

#[derive(Debug, Deserialize)]
struct Secret;

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it is a secret"))
    }
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let entry = entry(|job| job.reply(&result::<Vec<Secret>>(), &vec![Secret]));
    let expected = Outcome::NotEncoded("it is a secret".to_owned());
    check(&entry, &[], expected, Ended::Well);
}

#[test]
fn a_result_that_cannot_be_sent_is_told() {
    let entry = entry(|job| job.reply(&result::<u8>(), &1));
    let got = round(&entry, request(&[]), 1);
    let expected = Outcome::NotEncoded("no descriptors left".to_owned());
    assert_eq!(got, (vec![expected], Ended::Well));
    assert_eq!(round(&entry, request(&[]), 2), (vec![], Ended::Well));
}

#[test]
fn nothing_is_told_to_a_parent_that_is_gone() {
    let entry = entry(|job| job.reply(&result::<u8>(), &1));
    let mut arguments = request(&[]);
    let mut tries = 0;
    let ended = run(
        &entry,
        || arguments.open(),
        &ReplyBuffer::default(),
        &mut |_: &mut Output<'_>| {
            tries += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        },
    );
    assert_eq!((tries, ended), (1, Ended::Well));
}

#[test]
fn a_panic_has_its_message_and_place() {
    let panicked = |text: &str| Outcome::Panicked(text.to_owned());
    let check = |dispatch, text| {
        check(&entry(dispatch), &[], panicked(text), Ended::Panicking);
    };
    check(|_| panic!("boom"), "boom, here");
    check(|_| panic!("boom {}", 7), "boom 7, here");
    check(|_| panic_any("static"), "static, here");
    check(
        |_| panic_any(7),
        "a panic whose payload is not a string, here",
    );
    check(|_| panic!("two\nlines"), "two\nlines, here");
    check(
        |_| {
            let opened = std::fs::File::open("").map_err(|error| error.kind());
            drop(opened.unwrap());
            Ok(())
        },
        "called `Result::unwrap()` on an `Err` value: NotFound, here",
    );
}

#[test]
fn a_panic_that_went_past_the_hook_has_no_place() {
    let entry = entry(|_| {
        let _ = catch_unwind(|| panic!("caught"));
        resume_unwind(Box::new("resumed"));
    });
    check(
        &entry,
        &[],
        Outcome::Panicked("resumed".to_owned()),
        Ended::Panicking,
    );
}

#[test]
fn a_panic_that_the_worker_caught_is_not_told() {
    let entry = entry(|job| {
        let _ = catch_unwind(|| panic!("caught"));
        job.reply(&result::<String>(), &"fine".to_owned())
    });
    check(&entry, &[], text("fine"), Ended::Well);
}

#[test]
fn a_payload_that_panics_when_dropped_is_not_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    check(
        &entry(|_| panic_any(Bomb)),
        &[],
        Outcome::Panicked("a panic whose payload is not a string, here".to_owned()),
        Ended::Panicking,
    );
}

#[test]
fn what_happens_after_the_reply_does_not_take_it_back() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let entry = entry(|job| {
        let _bomb = Bomb;
        job.reply(&result::<String>(), &"fine".to_owned())
    });
    check(&entry, &[], text("fine"), Ended::Panicking);
}

#[test]
fn a_panic_while_arguments_are_read_or_results_written_is_a_panic() {
    #[derive(Debug)]
    struct Rude;
    impl Serialize for Rude {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("written")
        }
    }
    impl<'de> Deserialize<'de> for Rude {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Rude, D::Error> {
            panic!("read")
        }
    }
    let reading = entry(|job| job.argument(&owned::<Rude>()).map(|_| ()));
    let writing = entry(|job| job.reply(&result::<Rude>(), &Rude));
    let panicked = |text: &str| Outcome::Panicked(text.to_owned());
    check(&reading, &[], panicked("read, here"), Ended::Panicking);
    check(&writing, &[], panicked("written, here"), Ended::Panicking);
}

#[test]
fn an_entry_is_found_by_its_place_and_its_path() {
    for entry in [&FIRST, &SECOND] {
        let place = entry.place().expect("it is in the registry");
        let found = Entry::find(&place, &entry.path()).expect("it is at its place");
        assert!(std::ptr::eq(found, entry));
    }
    let (first, second) = (FIRST.place().unwrap(), SECOND.place().unwrap());
    assert_ne!(first, second);
    assert!(Entry::find(&first, &SECOND.path()).is_none());
    assert!(Entry::find(&second, "other::worker (src/lib.rs:1)").is_none());
    assert!(Entry::find(&EntryId::Slice(workers().len()), &FIRST.path()).is_none());
    assert!(Entry::find(&EntryId::Slice(usize::MAX), &FIRST.path()).is_none());
}

#[test]
fn a_constant_entry_is_found_by_its_distance_in_the_same_image() {
    fn instance<T: Default + 'static>() -> &'static Entry {
        const {
            &Entry::new("instance", "here", "this.rs", 1, |_| {
                drop(T::default());
                Ok(())
            })
        }
    }
    let entry = instance::<u8>();
    let place = entry.place().unwrap();
    let EntryId::Image(identity, distance) = place.clone() else {
        panic!("{place:?}");
    };
    assert!(std::ptr::eq(
        Entry::find(&place, &entry.path()).unwrap(),
        entry
    ));
    assert!(Entry::find(&EntryId::Image(identity, distance | 1), &entry.path()).is_none());
}

#[test]
fn an_entry_outside_of_the_program_has_no_place() {
    assert_eq!(Box::leak(Box::new(entry(repeat))).place(), None);
}

#[test]
fn a_function_is_found_by_its_distance_in_the_same_image() {
    fn nothing() {}
    let function = Function::new(nothing).unwrap();
    assert_eq!(
        function.find().unwrap() as usize,
        nothing as *const () as usize
    );
}

#[test]
fn an_entry_tells_where_its_worker_is() {
    static ENTRY: Entry = Entry::new("resize", "gallery::images", "src/images.rs", 7, repeat);
    assert_eq!(ENTRY.name(), "resize");
    assert_eq!(ENTRY.path(), "gallery::images::resize (src/images.rs:7)");
}

#[test]
fn catching_leaves_nothing_for_the_next() {
    let first = catch(|| panic!("first")).map(|()| 0);
    assert_eq!(first.unwrap_err().message(), "first");
    assert_eq!(catch(|| 7), Ok(7));
    let past_the_hook = catch(|| resume_unwind(Box::new("first"))).map(|()| 0);
    assert_eq!(past_the_hook.unwrap_err().location(), None);
    let nested = catch(|| {
        let inner = catch(|| panic!("inner"));
        assert_eq!(inner.map(|()| 0).unwrap_err().message(), "inner");
        panic!("outer");
    });
    assert_eq!(nested.map(|()| 0).unwrap_err().message(), "outer");
}

#[test]
fn a_message_of_our_own_can_always_be_written() {
    let mut reply = sent(message(Reply::Refused, "why"));
    assert_eq!(reply.kind(), Some(Reply::Refused as u8));
    assert_eq!(reply.open().read::<String>().unwrap(), "why");
}
