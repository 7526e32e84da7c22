use multiproc::worker;

#[worker]
fn total(numbers: impl Iterator<Item = u64>, label: &impl ToString) -> u64 {
    println!("{}", label.to_string());
    numbers.sum()
}

fn main() {
    let process = total::spawn([1, 2].into_iter(), &"label").unwrap();
    let _: u64 = process.join().unwrap();
}
