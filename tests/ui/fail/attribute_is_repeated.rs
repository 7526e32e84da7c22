use multiproc::worker;

#[worker]
#[multiproc::worker]
fn work(number: u8) -> u8 {
    number
}

fn main() {
    let _: u8 = work::run(1).unwrap();
}
