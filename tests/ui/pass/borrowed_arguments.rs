#![allow(unused_parens)]

use std::ffi::{CStr, OsStr};
use std::path::{Path, PathBuf};

use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Image {
    pixels: Vec<u8>,
}

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[worker]
fn sum(numbers: &[f64], scale: f64) -> f64 {
    numbers.iter().sum::<f64>() * scale
}

#[worker]
fn brightness(image: &Image) -> u32 {
    image.pixels.iter().map(|&pixel| u32::from(pixel)).sum()
}

#[worker]
fn join(directory: &Path, file: &'_ Path) -> PathBuf {
    directory.join(file)
}

#[worker]
fn system(name: &OsStr, other: &CStr) -> usize {
    name.len() + other.to_bytes().len()
}

#[worker]
fn containers(vec: &Vec<String>, option: &Option<u8>, pair: &(u8, u8), array: &[u8; 2]) -> usize {
    vec.len() + usize::from(option.unwrap_or(0)) + usize::from(pair.1) + array.len()
}

#[worker]
fn parenthesized(text: (&str)) -> usize {
    text.len()
}

#[test]
fn it_runs() {
    // Borrows end with the call, not with the process.
    let process = {
        let text = String::from("borrowed");
        length::spawn(&text).unwrap()
    };
    assert_eq!(process.join().unwrap(), 8);

    assert_eq!(sum::run(&[1.0, 2.0], 2.0).unwrap(), 6.0);
    assert_eq!(sum::run(&vec![1.0; 10][3..5], 1.0).unwrap(), 2.0);

    let image = Image {
        pixels: vec![1, 2, 3],
    };
    assert_eq!(brightness::run(&image).unwrap(), 6);
    assert_eq!(brightness(&image), 6);

    let joined = join::run(Path::new("/tmp"), Path::new("file")).unwrap();
    assert_eq!(joined, Path::new("/tmp/file"));

    assert_eq!(system::run(OsStr::new("os"), c"c").unwrap(), 3);
    assert_eq!(
        containers::run(&vec![String::new()], &Some(2), &(3, 4), &[5, 6]).unwrap(),
        9
    );
    assert_eq!(parenthesized::run("text").unwrap(), 4);

    // A call borrows its arguments until it is started.
    let text = String::from("call");
    let call = length::call(&text);
    assert_eq!(call.run().unwrap(), 4);
}
