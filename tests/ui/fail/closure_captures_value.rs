fn main() {
    let words = vec![String::from("one")];
    let process = multiproc::spawn(7, move |x| words.len() + x);
    process.unwrap().join().unwrap();
}
