//! What is wrong with what a pool is given.

use multiproc::{ErrorKind, Pool, worker};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{check, square};

#[test]
fn a_pool_of_nobody_is_an_error() {
    let error = Pool::builder().workers(0).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "a pool needs at least one worker, not 0");
    let error = Pool::builder().max_tasks_per_worker(0).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_chunk_may_be_of_any_size() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for size in [0, 1, 3, u32::MAX as usize + 1, usize::MAX] {
            let results: Vec<_> = pool
                .map(square::call, 0..5)
                .chunk_size(size)
                .map(Result::unwrap)
                .collect();
            assert_eq!(results, [0, 1, 4, 9, 16]);
            // Nor does it take all of an endless input.
            let found = pool
                .map_unordered(square::call, 0..)
                .chunk_size(size)
                .any(|it| it.unwrap() == 100);
            assert!(found);
        }
    });
}

#[test]
fn a_name_with_a_nul_in_it_is_an_error() {
    let error = Pool::builder().name("a\0b").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("NUL"), "{error}");
}

#[test]
fn a_pool_that_is_shut_down_says_so() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        pool.shutdown().unwrap();
        let error = pool.submit(square::call(3)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(pool.map(square::call, 0..3).all(|it| it.is_err()));
        pool.shutdown().unwrap();
    });
}

/// Cannot be written, or cannot be read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Odd {
    Fine,
    Unwritable,
    Unreadable,
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Odd::Fine => serializer.serialize_u8(0),
            Odd::Unwritable => Err(serde::ser::Error::custom("not to be written")),
            Odd::Unreadable => serializer.serialize_u8(1),
        }
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Odd, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Ok(Odd::Fine),
            _ => Err(serde::de::Error::custom("not to be read")),
        }
    }
}

#[worker]
fn take(odd: Odd) -> bool {
    odd == Odd::Fine
}

#[worker]
fn give(number: u8) -> Odd {
    [Odd::Fine, Odd::Unwritable, Odd::Unreadable][usize::from(number)]
}

#[test]
fn what_cannot_be_sent_fails_alone() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let kind_of = |odd| pool.submit(take::call(odd)).wait().map_err(|it| it.kind());
        assert_eq!(kind_of(Odd::Unwritable), Err(ErrorKind::Encode));
        assert_eq!(kind_of(Odd::Unreadable), Err(ErrorKind::Decode));
        assert_eq!(kind_of(Odd::Fine), Ok(true));
        let kind_of = |number| {
            pool.submit(give::call(number))
                .wait()
                .map_err(|it| it.kind())
        };
        assert_eq!(kind_of(0), Ok(Odd::Fine));
        assert_eq!(kind_of(1), Err(ErrorKind::Encode));
        assert_eq!(kind_of(2), Err(ErrorKind::Decode));

        let odd = [
            Odd::Fine,
            Odd::Unwritable,
            Odd::Fine,
            Odd::Unreadable,
            Odd::Fine,
        ];
        let kinds: Vec<_> = pool
            .map(take::call, odd)
            .chunk_size(5)
            .map(|result| result.map_err(|error| error.kind()))
            .collect();
        let (encode, decode) = (Err(ErrorKind::Encode), Err(ErrorKind::Decode));
        assert_eq!(kinds, [Ok(true), encode, Ok(true), decode, Ok(true)]);
        let kinds: Vec<_> = pool
            .map(give::call, [0, 1, 2, 0])
            .chunk_size(4)
            .map(|result| result.map_err(|error| error.kind()))
            .collect();
        assert_eq!(
            kinds,
            [
                Ok(Odd::Fine),
                Err(ErrorKind::Encode),
                Err(ErrorKind::Decode),
                Ok(Odd::Fine)
            ]
        );
        assert_eq!(pool.stats().restarts(), 0);
    });
}

#[test]
fn a_process_of_its_own_is_not_to_be_had() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for call in [
            square::call(1).env("A", "b"),
            square::call(1).cpu_affinity([0]),
            square::call(1).current_dir("/"),
        ] {
            let error = pool.submit(call).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    });
}

#[test]
fn a_callback_that_panics_harms_nothing() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        for x in 0..4 {
            let task = pool.submit(square::call(x));
            task.on_done(|_| panic!("a callback"));
            let sender = sender.clone();
            task.on_done(move |result| sender.send(result.unwrap()).unwrap());
            assert_eq!(task.wait().unwrap(), x * x);
        }
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 4, 9]);
    });
}
