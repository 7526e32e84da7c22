//! Names that a later edition reserves: this is compiled in each of the earlier ones.

#![allow(keyword_idents_2024, reason = "they are what is tested")]
#![cfg_attr(
    test,
    allow(
        non_camel_case_types,
        non_upper_case_globals,
        reason = "types and constants may have such names"
    )
)]

#[cfg(test)]
mod tests {
    use multiproc::shm::Shared;
    use multiproc::{startup, worker, Shareable};
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    static STARTED: AtomicBool = AtomicBool::new(false);

    /// A worker of such a name, with parameters that have one, owned and lent.
    #[worker]
    fn gen(gen: u32, r#async: &str, r#dyn: Vec<u8>) -> usize {
        gen as usize + r#async.len() + r#dyn.len()
    }

    #[worker(before_worker = before::gen, timeout = "1min")]
    fn r#async(r#await: u32) -> u32 {
        r#await + 1
    }

    /// The name is that of a type parameter, and of one that is no type.
    #[worker]
    fn r#try<gen: Clone, const r#async: usize>(gen: gen, r#await: [gen; r#async]) -> usize {
        let gens = [&r#await[..], &[gen]].concat();
        gens.len()
    }

    #[worker(runtime = block_on::gen)]
    async fn r#await(gen: &str) -> bool {
        gen.is_empty()
    }

    /// Types and paths of such names.
    #[worker]
    fn share(gen: Shared<shared::gen>) -> u32 {
        gen.gen.fetch_add(1, Ordering::Relaxed)
    }

    mod shared {
        use super::*;

        #[derive(Shareable)]
        pub(super) struct gen {
            pub(super) gen: AtomicU32,
            pub(super) r#async: r#dyn<u8>,
        }

        #[derive(Shareable, Clone, Copy)]
        pub(super) struct r#dyn<gen>(pub(super) gen);
    }

    #[derive(Shareable, Clone, Copy)]
    enum r#await_or {
        gen,
        r#async { gen: u8 },
    }

    mod served {
        use super::block_on;

        pub(super) struct r#async<r#try>(r#try);

        /// Methods, parameters and a client of such names.
        #[multiproc::service(client = gen, runtime = block_on::gen)]
        impl<r#try: Clone> r#async<r#try> {
            pub(super) fn r#dyn(gen: r#try) -> Self {
                r#async(gen)
            }

            pub(super) async fn r#async(&self, r#dyn: &str) -> usize {
                r#dyn.len()
            }

            pub(super) fn r#await(&mut self, gen: r#try) -> r#try {
                std::mem::replace(&mut self.0, gen)
            }
        }
    }

    mod before {
        pub(super) fn gen() {}
    }

    mod block_on {
        use std::future::Future;
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        pub(super) fn gen<F: Future>(gen: F) -> F::Output {
            match pin!(gen).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(output) => output,
                Poll::Pending => unreachable!("it waits for nothing"),
            }
        }
    }

    mod start {
        use super::*;

        #[startup]
        fn gen() {
            STARTED.store(true, Ordering::Relaxed);
        }
    }

    #[worker]
    fn has_started() -> bool {
        STARTED.load(Ordering::Relaxed)
    }

    #[test]
    fn workers_and_parameters_have_any_name() {
        assert_eq!(gen::run(1, "two", vec![3; 3]).unwrap(), 7);
        assert_eq!(gen(1, "two", vec![3; 3]), 7);
        let process = gen::call(1, "", Vec::new()).spawn().unwrap();
        assert_eq!(process.name(), "gen");
        assert_eq!(process.join().unwrap(), 1);
        assert_eq!(r#async::run(6).unwrap(), 7);
        assert_eq!(r#try::run('a', ['b', 'c']).unwrap(), 3);
        assert!(r#await::run("").unwrap());
        assert!(has_started::run().unwrap());
    }

    #[test]
    fn services_have_any_name() {
        let service = served::gen::r#dyn(1).spawn().unwrap();
        assert_eq!(service.r#async("two").run().unwrap(), 3);
        assert_eq!(service.r#await(2).run().unwrap(), 1);
    }

    #[test]
    fn shared_types_have_any_name() {
        let gen = shared::gen {
            gen: AtomicU32::new(6),
            r#async: shared::r#dyn(1),
        };
        let sharing = Shared::new(gen).unwrap();
        assert_eq!(share::run(sharing.clone()).unwrap(), 6);
        assert_eq!(sharing.gen.load(Ordering::Relaxed), 7);
        assert_eq!(sharing.r#async.0, 1);
        let cases = [r#await_or::gen, r#await_or::r#async { gen: 1 }];
        assert_eq!(Shared::from_slice(&cases).unwrap().len(), 2);
    }
}
