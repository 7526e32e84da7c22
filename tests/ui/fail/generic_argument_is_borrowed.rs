use multiproc::worker;

#[worker]
fn count<T: AsRef<str>>(words: Vec<T>) -> usize {
    words.len()
}

fn main() {
    let text = String::from("text");
    let _: usize = count::run(vec![text.as_str()]).unwrap();
}
