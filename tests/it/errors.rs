//! Errors of other crates that a worker returns, and what `?` makes of them on both sides.

use std::error::Error;
use std::fs;

use anyhow::Context;
use multiproc::{ErrorKind, RemoteError, worker};

const MISSING: &str = "No such file or directory (os error 2)";

#[worker]
fn std_errors(step: u32) -> Result<u32, RemoteError> {
    match step {
        0 => Ok("7".parse()?),
        1 => Ok("seven".parse()?),
        2 => Ok(String::from_utf8(vec![0xff])?.parse()?),
        _ => Ok(fs::read_to_string("/no/such/file")?.parse()?),
    }
}

#[worker]
fn texts(owned: bool) -> Result<u32, RemoteError> {
    if owned {
        let what = "header";
        return Err(format!("no {what}").into());
    }
    Err("no header")?
}

fn read_number(path: &str) -> anyhow::Result<u32> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    Ok(text.parse()?)
}

#[worker]
fn with_anyhow(path: &str) -> Result<u32, RemoteError> {
    Ok(read_number(path)?)
}

fn shareable(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

fn boxed(text: &str) -> Result<u32, Box<dyn Error>> {
    Ok(text.parse()?)
}

#[worker]
fn with_boxes(text: &str) -> Result<u32, RemoteError> {
    let number = shareable(text)?;
    Ok(number + boxed(text).map_err(|error| RemoteError::new(&*error))?)
}

/// A worker calls another one, in this process and in another.
#[worker]
fn through_others(path: &str) -> Result<u32, RemoteError> {
    Ok(std_errors(0)? + with_anyhow::run(path)??)
}

#[test]
fn any_error_is_returned() {
    assert_eq!(std_errors::run(0).unwrap().unwrap(), 7);
    let messages = [1, 2, 3].map(|step| std_errors::run(step).unwrap().unwrap_err().to_string());
    assert_eq!(messages[0], "invalid digit found in string");
    assert!(messages[1].starts_with("invalid utf-8"), "{}", messages[1]);
    assert_eq!(messages[2], MISSING);
}

#[test]
fn texts_are_returned() {
    for owned in [false, true] {
        let error = texts::run(owned).unwrap().unwrap_err();
        assert_eq!(error, RemoteError::from("no header"));
    }
}

#[test]
fn context_is_returned() {
    let error = with_anyhow::run("/no/such/file").unwrap().unwrap_err();
    assert_eq!(error.to_string(), "cannot read /no/such/file");
    assert_eq!(error.source().unwrap().to_string(), MISSING);
    assert!(format!("{error:?}").contains("Caused by"), "{error:?}");
}

#[test]
fn boxes_are_returned() {
    assert_eq!(with_boxes::run("21").unwrap().unwrap(), 42);
    let error = with_boxes::run("many").unwrap().unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
}

#[test]
fn errors_pass_through_several_workers() {
    let error = through_others::run("/no/such/file").unwrap().unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        format!("cannot read /no/such/file: {MISSING}")
    );
}

#[test]
fn both_results_are_taken_by_anyhow() {
    fn main(path: &str) -> anyhow::Result<u32> {
        Ok(with_anyhow::run(path)??)
    }

    let error = main("/no/such/file").unwrap_err();
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    assert_eq!(chain, ["cannot read /no/such/file", MISSING]);
}

#[test]
fn both_results_are_taken_by_a_box() {
    fn main(path: &str) -> Result<u32, Box<dyn Error>> {
        Ok(with_anyhow::run(path)??)
    }

    let error = main("/no/such/file").unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), MISSING);
}

#[test]
fn both_results_are_taken_by_a_shareable_box() {
    fn main(path: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
        Ok(with_anyhow::run(path)?.map_err(RemoteError::into_error)?)
    }

    let error = main("/no/such/file").unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), MISSING);
}

#[test]
fn both_results_are_taken_by_a_result_of_the_crate() {
    fn main(path: &str) -> multiproc::Result<u32> {
        Ok(with_anyhow::run(path)??)
    }

    let error = main("/no/such/file").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Returned);
    assert_eq!(
        error.to_string(),
        format!("the worker returned an error: cannot read /no/such/file: {MISSING}")
    );
    assert_eq!(format!("{error:?}"), error.to_string());
}
