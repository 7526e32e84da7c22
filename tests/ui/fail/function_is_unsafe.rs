use multiproc::worker;

#[worker]
unsafe fn poke(address: usize) -> usize {
    address
}

fn main() {
    let _: usize = poke::run(1).unwrap();
}
