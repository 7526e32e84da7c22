fn main() {
    let process = multiproc::spawn(|| println!("as std has it"));
    process.unwrap().join().unwrap();
}
