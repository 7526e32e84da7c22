use multiproc::Process;

fn square(number: u64) -> u64 {
    number * number
}

fn main() {
    let process = Process::new(square, (3,));
    let _ = process.join();

    let greeting = String::from("Hello");
    let _ = Process::new(move |name: &str| println!("{greeting}, {name}!"), "Alice").join();
}
