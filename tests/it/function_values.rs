//! Functions that are sent.

use std::collections::HashMap;
use std::time::Duration;

use multiproc::channel::{Queue, channel};
use multiproc::{ErrorKind, Function, StartMethod, worker};
use serde::{Deserialize, Serialize};

use crate::images::{check_output, library};
use crate::support::{cases, check, program, returns, with_method};

cases! {
    as_arguments_and_results
    as_fields_of_other_types
    as_items_of_channels_and_queues
    to_be_called_in_other_processes
    of_another_type
    of_a_library
}

fn double(x: u64) -> u64 {
    x * 2
}

#[worker]
fn apply(function: Function<u64, u64>, x: u64) -> u64 {
    function.call(x)
}

#[worker]
fn named(name: &str) -> Option<Function<u64, u64>> {
    match name {
        "double" => Some(Function::new(double)),
        "increment" => Some(Function::new(|x| x + 1)),
        _ => None,
    }
}

fn as_arguments_and_results(method: StartMethod) {
    check(method, apply::call(Function::new(double), 7), returns(14));
    check(method, apply::call(Function::new(|x| x + 1), 7), returns(8));
    let double = Function::new(double);
    check(method, named::call("double"), returns(Some(double)));
    check(method, named::call("triple"), returns(None));
    let call = named::call("increment").start_method(method);
    let increment = call.run().unwrap().unwrap();
    assert_eq!(increment.call(7), 8);
    assert_ne!(increment, double);
    // On to another process.
    check(method, apply::call(increment, 9), returns(10));
}

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
struct Plan {
    steps: Vec<Function<(f64, f64), f64>>,
    by_name: HashMap<String, Step>,
    #[serde(flatten)]
    rest: HashMap<String, Function<(), String>>,
}

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Step {
    Wait(Duration),
    Call(Function<f64, f64>),
}

fn as_fields_of_other_types(method: StartMethod) {
    let plan = Plan {
        steps: vec![
            Function::new(|(a, b)| a - b),
            Function::new(|(a, b)| a.max(b)),
        ],
        by_name: HashMap::from([
            ("root".to_owned(), Step::Call(Function::new(f64::sqrt))),
            ("wait".to_owned(), Step::Wait(Duration::from_millis(1))),
        ]),
        rest: HashMap::from([("text".to_owned(), Function::new(|()| "text".to_owned()))]),
    };
    let call = multiproc::call(plan.clone(), |plan| {
        let Step::Call(root) = plan.by_name["root"] else {
            panic!("not a function")
        };
        let value = plan.steps.iter().fold(4.0, |a, step| step.call((a, 3.0)));
        let text = plan.rest["text"].call(());
        (root.call(value * 3.0), text, plan)
    });
    check(method, call, returns((3.0, "text".to_owned(), plan)));
}

fn as_items_of_channels_and_queues(method: StartMethod) {
    let (sender, receiver) = channel().unwrap();
    let queue = Queue::bounded(4).unwrap();
    let call = multiproc::call((sender, queue.clone()), |(sender, queue)| {
        sender.send(Function::new(double)).unwrap();
        queue.push(Function::new(|x: u64| x * x)).unwrap();
    });
    check(method, call, returns(()));
    assert_eq!(receiver.recv().unwrap().call(7), 14);
    assert_eq!(queue.pop().unwrap().call(7), 49);
}

fn to_be_called_in_other_processes(method: StartMethod) {
    let line = line!() + 1;
    let call = Function::new(double).bind(7);
    let process = call.start_method(method).spawn().unwrap();
    assert_eq!(process.name(), format!("function_values.rs:{line}"));
    assert_eq!(process.join().unwrap(), 14);

    let fail = Function::new(|()| -> () { std::process::abort() });
    let error = fail.bind(()).start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signaled);
    assert!(error.worker().unwrap().contains("function_values.rs"));
}

/// It would be called with what it does not take.
fn of_another_type(method: StartMethod) {
    #[worker]
    fn give() -> Function<u64, u64> {
        Function::new(double)
    }
    let (sender, receiver) = channel::<Function<u64, u64>>().unwrap();
    sender
        .send(give::call().start_method(method).run().unwrap())
        .unwrap();
    assert_eq!(receiver.recv().unwrap().call(1), 2);

    #[derive(Serialize, Deserialize)]
    struct Given(Function<u64, u64>);

    /// Written as what it holds, and read as something else.
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Liar(Given);

    impl<'de> Deserialize<'de> for Liar {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let function = Function::<u64, i64>::deserialize(deserializer)?;
            panic!("it was read as {function:?}")
        }
    }
    let call = multiproc::call(Liar(Given(Function::new(double))), |_| ());
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("a function of another type"),
        "{error}"
    );
}

/// It can be called where it is, and nowhere else.
fn of_a_library(method: StartMethod) {
    let mut command = program("program");
    command.arg("send-function").arg(library());
    let output = with_method(&mut command, method).output().unwrap();
    let text = "8\nEncode\nUnsupported\n";
    check_output(&output, text);
}
