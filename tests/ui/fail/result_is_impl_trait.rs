use multiproc::worker;

#[worker]
fn count_down(from: u32) -> impl Iterator<Item = u32> {
    (0..from).rev()
}

fn main() {
    let process = count_down::spawn(3).unwrap();
    for number in process.join().unwrap() {
        println!("{number}");
    }
    assert_eq!(count_down(3).count(), 3);
}
