//! Calls for pools borrow, as calls for processes do, and their types are inferred.

use std::path::{Path, PathBuf};

use multiproc::{Call, Pool, Result, Task, worker};

#[worker]
fn double(number: u64) -> u64 {
    number * 2
}

#[worker]
fn length(path: &Path) -> usize {
    path.as_os_str().len()
}

#[worker]
fn join(path: &Path, name: &str, number: u64) -> String {
    format!("{}/{name}{number}", path.display())
}

#[worker]
fn parse<T: std::str::FromStr + serde::Serialize + serde::de::DeserializeOwned>(
    text: &str,
) -> Option<T> {
    text.parse().ok()
}

fn pool() -> Pool {
    Pool::builder().workers(2).build().unwrap()
}

#[test]
fn calls_borrow_from_the_inputs() {
    let pool = pool();
    let paths: Vec<PathBuf> = vec!["a".into(), "bc".into()];
    let collect = |lengths: &mut dyn Iterator<Item = Result<usize>>| {
        assert_eq!(lengths.collect::<Result<Vec<_>>>().unwrap(), [1, 2]);
    };
    collect(&mut pool.map(|path| length::call(path), &paths));
    collect(&mut pool.map(|path: &PathBuf| length::call(path), &paths));
    collect(&mut pool.map(|path| length::call(path), paths.iter()));
    collect(&mut pool.map(length::call, paths.iter().map(PathBuf::as_path)));
    collect(&mut pool.map(length::call, paths.iter().map(AsRef::as_ref)));
    collect(
        &mut pool
            .map_unordered(|path| length::call(path), &paths[..1])
            .chain([Ok(2)]),
    );
    let words = ["a", "bc"];
    collect(&mut pool.map(|word| length::call(Path::new(word)), words));
    collect(&mut pool.map(|(path, _)| length::call(path), paths.iter().zip(words)));
}

#[test]
fn calls_borrow_from_the_surroundings() {
    let pool = pool();
    let paths: Vec<PathBuf> = vec!["a".into()];
    let name = String::from("b");
    let mut number = 0;
    let mut joined = pool.map(
        |path| {
            number += 1;
            join::call(path, &name, number)
        },
        &paths,
    );
    assert_eq!(joined.next().unwrap().unwrap(), "a/b1");
    drop(joined);
    assert_eq!(number, 1);
    // What it borrows need not live as long as the task.
    let task = {
        let path = PathBuf::from("c");
        pool.submit(join::call(&path, &String::from("d"), 2))
    };
    assert_eq!(task.wait().unwrap(), "c/d2");
}

#[test]
fn types_are_inferred() {
    let pool = pool();
    let doubled: Vec<u64> = pool.map(double::call, [1, 2]).map(Result::unwrap).collect();
    assert_eq!(doubled, [2, 4]);
    assert_eq!(pool.map(double::call, []).count(), 0);
    assert_eq!(
        pool.map(double::call, 1..=3).sum::<Result<u64>>().unwrap(),
        12
    );
    let sums = pool.map(|(a, b)| double::call(a + b), [(1, 2)]);
    assert_eq!(sums.map(|sum| sum.unwrap()).sum::<u64>(), 6);
    // The type of a result, from where it goes.
    let parsed: Vec<Option<u8>> = pool
        .map(parse::call, ["7", "x"])
        .collect::<Result<_>>()
        .unwrap();
    assert_eq!(parsed, [Some(7), None]);
    let task: Task<Option<u8>> = pool.submit(parse::call("7"));
    assert_eq!(task.wait().unwrap(), Some(7));
    let parsed: Option<i8> = pool.submit(parse::call("-7")).wait().unwrap();
    assert_eq!(parsed, Some(-7));
    // Functions whose type is given.
    let function: fn(u64) -> Call<'static, u64> = double::call;
    assert_eq!(pool.map(function, [1]).sum::<Result<u64>>().unwrap(), 2);
    let boxed: Box<dyn FnMut(u64) -> Call<'static, u64>> = Box::new(double::call);
    assert_eq!(pool.map(boxed, [1]).sum::<Result<u64>>().unwrap(), 2);
    let with_options = |number| double::call(number).timeout(std::time::Duration::from_mins(1));
    assert_eq!(pool.map(with_options, [1]).sum::<Result<u64>>().unwrap(), 2);
}

/// Whatever the call borrows from.
fn map_all<'c, T, R, F>(pool: &Pool, call: F, inputs: impl IntoIterator<Item = T>) -> Result<Vec<R>>
where
    F: FnMut(T) -> Call<'c, R>,
{
    pool.map(call, inputs).collect()
}

/// A function for inputs of any lifetime.
fn map_borrowed<R>(
    pool: &Pool,
    call: impl for<'x> Fn(&'x PathBuf) -> Call<'x, R>,
    inputs: &[PathBuf],
) -> Result<Vec<R>> {
    let local: Vec<PathBuf> = inputs.to_vec();
    let mut results: Vec<R> = pool.map(&call, inputs).collect::<Result<_>>()?;
    results.extend(pool.map(&call, &local).collect::<Result<Vec<R>>>()?);
    Ok(results)
}

fn submit_one<R>(pool: &Pool, call: Call<'_, R>) -> Result<R> {
    pool.submit(call).wait()
}

fn doubled(pool: &Pool) -> impl Iterator<Item = Result<u64>> + '_ {
    pool.map(double::call, 0..10)
}

#[test]
fn generic_code_takes_them() {
    let pool = pool();
    let paths: Vec<PathBuf> = vec!["a".into(), "bc".into()];
    assert_eq!(map_all(&pool, double::call, [1, 2]).unwrap(), [2, 4]);
    assert_eq!(
        map_all(&pool, |path| length::call(path), &paths).unwrap(),
        [1, 2]
    );
    assert_eq!(
        map_borrowed(&pool, |path| length::call(path), &paths).unwrap(),
        [1, 2, 1, 2]
    );
    assert_eq!(submit_one(&pool, length::call(&paths[1])).unwrap(), 2);
    assert_eq!(doubled(&pool).count(), 10);
}
