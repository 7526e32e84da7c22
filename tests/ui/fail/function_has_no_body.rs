use multiproc::worker;

trait Job {
    #[worker]
    fn work(input: u8) -> u8;
}

fn main() {}
