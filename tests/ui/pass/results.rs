use std::borrow::Cow;
use std::path::Path;

use multiproc::{RemoteError, worker};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Mistake {
    Odd(u32),
}

#[worker]
fn nothing() {}

#[worker]
fn unit() -> () {}

#[worker]
fn half(number: u32) -> Result<u32, Mistake> {
    if number % 2 == 0 {
        Ok(number / 2)
    } else {
        Err(Mistake::Odd(number))
    }
}

#[worker]
fn size(path: &Path) -> Result<u64, RemoteError> {
    Ok(std::fs::metadata(path)?.len())
}

#[worker]
fn owned_cow(text: Cow<'static, str>) -> Cow<'static, str> {
    text + "!"
}

#[worker]
fn optional(text: Option<String>) -> Option<(String, usize)> {
    text.map(|text| (text.clone(), text.len()))
}

#[test]
fn it_runs() -> Result<(), Box<dyn std::error::Error>> {
    nothing::run()?;
    unit::spawn()?.join()?;
    assert_eq!(half::run(4)?, Ok(2));
    assert_eq!(half::spawn(3)?.join()?, Err(Mistake::Odd(3)));
    size::run(Path::new("/"))?.unwrap();
    let error = size::run(Path::new("/nowhere"))?.unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");
    assert_eq!(owned_cow::run("text".into())?, "text!");
    assert_eq!(
        optional::run(Some("text".to_owned()))?,
        Some(("text".to_owned(), 4))
    );
    assert_eq!(optional::run(None)?, None);
    Ok(())
}
