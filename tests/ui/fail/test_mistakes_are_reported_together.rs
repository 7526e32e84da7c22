#[multiproc::test(timeot = "1s", memory = "a lot", dies = "SIGFOO", exits = 300)]
#[should_panic]
#[test]
async unsafe extern "C" fn everything<T>(number: T) -> Option<T> {
    Some(number)
}

fn main() {}
