//! No name that users choose is taken by generated code.
#![deny(warnings)]

use multiproc::worker;

#[worker]
fn parameters(entry: u8, result: u8, job: u8, codec0: u8, value: u8, spawn: u8, call: u8) -> u8 {
    entry + result + job + codec0 + value + spawn + call
}

#[worker]
fn more_parameters(argument0: &str, argument1: &str, private: u8, runtime: u8, run: u8) -> usize {
    argument0.len() + argument1.len() + usize::from(private + runtime + run)
}

#[worker]
fn same(same: u8) -> u8 {
    same
}

#[worker]
fn r#match(r#type: u8, r#fn: &str) -> usize {
    usize::from(r#type) + r#fn.len()
}

macro_rules! functions_named {
    ($($name:ident)*) => {
        $(
            #[worker]
            fn $name(first: u8, second: &str) -> usize {
                usize::from(first) + second.len()
            }
        )*
        fn test_all() {
            $(
                assert_eq!($name::run(1, "text").unwrap(), 5);
                assert_eq!($name::spawn(2, "text").unwrap().join().unwrap(), 6);
                assert_eq!($name(3, "text"), 7);
            )*
        }
    };
}

functions_named!(job value result entry codec0 codec1 argument0 argument1 bind spawn call run core std);

#[allow(non_snake_case)]
#[worker]
fn ENTRY(ENTRY: u8) -> u8 {
    ENTRY
}

// Generic parameters, named like other things.
#[allow(non_camel_case_types, non_upper_case_globals)]
#[worker]
fn generics<job, Entry, const ENTRY: usize, const Result: usize>(
    job: job,
    entry: Entry,
    values: [u8; ENTRY],
) -> (job, Entry, usize) {
    (job, entry, values.len() + Result)
}

#[allow(dead_code)]
struct COUNT;

// There is a type of the same name.
#[worker]
fn counts<const COUNT: usize>() -> usize {
    COUNT
}

#[allow(non_snake_case)]
#[worker]
fn T<T>(T: T) -> T {
    T
}

#[worker]
fn lifetimes<T>(left: &T, right: &T) -> T
where
    for<'call> &'call T: ::std::ops::Add<&'call T, Output = T>,
    T: Clone,
{
    left + right
}

#[test]
fn it_runs() {
    assert_eq!(
        generics::run::<_, _, 2, 3>('x', 1.5, [1, 2]).unwrap(),
        ('x', 1.5, 5)
    );
    assert_eq!(counts::run::<4>().unwrap(), 4);
    assert_eq!(T::run('x').unwrap(), 'x');
    assert_eq!(lifetimes::run(&1, &2).unwrap(), 3);
    assert_eq!(parameters::run(1, 2, 3, 4, 5, 6, 7).unwrap(), 28);
    assert_eq!(more_parameters::run("a", "b", 1, 2, 3).unwrap(), 8);
    assert_eq!(same::run(1).unwrap(), 1);
    let process = r#match::spawn(1, "text").unwrap();
    assert_eq!(process.name(), "match");
    assert_eq!(process.join().unwrap(), 5);
    assert_eq!(r#match(1, "text"), 5);
    assert_eq!(ENTRY::run(1).unwrap(), 1);
    test_all();
}
