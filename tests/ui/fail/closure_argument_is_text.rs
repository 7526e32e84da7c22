// Whether a reference lives long enough rustc sees too late to ask for our words.
fn main() {
    multiproc::run("text", |text| text.len()).unwrap();
    multiproc::run(("text", 3), |(text, times)| text.len() * times).unwrap();
}
