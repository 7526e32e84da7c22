use multiproc::worker;

struct Service;

impl Service {
    fn start(&self) -> u8 {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Local(u8);

        #[worker]
        fn work(local: Local) -> Local {
            Local(local.0 + 1)
        }

        work::run(Local(1)).unwrap().0
    }
}

fn generic<T: Into<u8>>(value: T) -> u8 {
    #[worker]
    fn work(value: u8) -> u8 {
        value * 2
    }

    work::run(value.into()).unwrap()
}

#[test]
fn it_runs() {
    assert_eq!(Service.start(), 2);
    assert_eq!(generic(4), 8);

    #[worker]
    fn work(text: &str) -> usize {
        text.len()
    }

    assert_eq!(work::run("text").unwrap(), 4);
    assert_eq!(work("text"), 4);

    let closure = || {
        #[worker]
        fn work() -> u8 {
            7
        }

        work::run().unwrap()
    };
    assert_eq!(closure(), 7);

    {
        #[worker]
        fn work() -> u8 {
            8
        }

        assert_eq!(work::run().unwrap(), 8);
    }
}
