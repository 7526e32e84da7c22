//! Values of special kinds, there and back.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use multiproc::ErrorKind::Encode;
use multiproc::{Fd, RemoteError, StartMethod, worker};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_getfd};
use serde::{Deserialize, Serialize};

use crate::support::{cases, check, fails, returns};

cases! {
    types_of_every_kind
    borrowed_arguments
    patterns_and_methods
    errors_that_serde_cannot_carry
    results_of_the_workers_own
    files_as_arguments_and_results
    sockets_as_arguments_and_results
    descriptors_inside_of_other_types
    many_descriptors
    a_descriptor_of_another_type
    paths_that_are_no_text
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: (u8, i128, f64, char),
    text: Option<String>,
    map: HashMap<String, Vec<u16>>,
    address: IpAddr,
    path: PathBuf,
    when: SystemTime,
    how_long: Duration,
    nested: Option<Box<Everything>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Choice>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Choice {
    Address(IpAddr),
    Number(i64),
    Text(String),
    List(Vec<Choice>),
}

fn everything() -> Everything {
    Everything {
        numbers: (1, i128::MIN, 0.1, '€'),
        text: Some("text".to_owned()),
        map: HashMap::from([("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![])]),
        address: [127, 0, 0, 1].into(),
        path: "/a/b".into(),
        when: SystemTime::UNIX_EPOCH + Duration::from_nanos(1),
        how_long: Duration::MAX,
        nested: None,
        rest: BTreeMap::from([
            ("text of its own".to_owned(), Choice::Text("x".to_owned())),
            (
                "more".to_owned(),
                Choice::List(vec![
                    Choice::Address([1, 2, 3, 4].into()),
                    Choice::Number(-1),
                ]),
            ),
        ]),
    }
}

#[worker]
fn nest(inner: Everything) -> Everything {
    Everything {
        nested: Some(Box::new(inner.clone())),
        ..inner
    }
}

fn types_of_every_kind(method: StartMethod) {
    let value = everything();
    check(method, nest::call(value.clone()), returns(nest(value)));
}

#[worker]
fn describe(
    text: &str,
    bytes: &[u8],
    numbers: &[f64],
    path: &Path,
    texts: &[String],
    everything: &Everything,
    number: &u32,
) -> String {
    format!(
        "{text} {bytes:?} {numbers:?} {path:?} {texts:?} {:?} {number}",
        everything.text
    )
}

fn borrowed_arguments(method: StartMethod) {
    let (texts, everything) = (["x".to_owned(), String::new()], everything());
    check(
        method,
        describe::call("a", &[1], &[1.5], Path::new("/p"), &texts, &everything, &7),
        returns("a [1] [1.5] \"/p\" [\"x\", \"\"] Some(\"text\") 7".to_owned()),
    );
}

#[worker]
fn take_apart((a, b): (u32, u32), [first, .., last]: [u32; 4], mut list: Vec<u32>) -> Vec<u32> {
    list.extend([a, b, first, last]);
    list
}

/// A worker inside of a function, a module and a generic function.
fn patterns_and_methods(method: StartMethod) {
    #[worker]
    fn inside(number: u32) -> u32 {
        number + 1
    }
    fn generic<T>(method: StartMethod, value: T) -> T {
        #[worker]
        fn inside(number: u32) -> u32 {
            number + 2
        }
        check(method, inside::call(1), returns(3));
        value
    }
    check(
        method,
        take_apart::call((1, 2), [3, 0, 0, 4], vec![0]),
        returns(vec![0, 1, 2, 3, 4]),
    );
    check(method, inside::call(1), returns(2));
    generic(method, 1);
    generic(method, "x");
}

#[worker]
fn read_to_number(path: &Path) -> Result<u32, RemoteError> {
    let text = std::fs::read_to_string(path)?;
    let number = text.trim().parse()?;
    if number == 0 {
        return Err(RemoteError::msg("nothing"));
    }
    Ok(number)
}

fn errors_that_serde_cannot_carry(method: StartMethod) {
    let run = |text: &str| {
        let mut file = File::from(memfd_create("test", MemfdFlags::empty()).unwrap());
        file.write_all(text.as_bytes()).unwrap();
        let id = std::process::id();
        let place = format!("/proc/{id}/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let call = read_to_number::call(Path::new(&place));
        call.start_method(method).run().unwrap()
    };
    assert_eq!(run("7\n").unwrap(), 7);
    assert_eq!(
        run("x").unwrap_err().to_string(),
        "invalid digit found in string"
    );
    assert_eq!(
        format!("{:?}", run("").unwrap_err()),
        "ParseIntError { kind: Empty }"
    );
    assert_eq!(run("0").unwrap_err().to_string(), "nothing");
    let call = read_to_number::call(Path::new("/no/such/file")).start_method(method);
    let error = call.run().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "No such file or directory (os error 2)");
    // It goes where errors go.
    let boxed: Box<dyn std::error::Error> = error.into();
    assert_eq!(boxed.to_string(), "No such file or directory (os error 2)");
}

#[worker]
fn check_number(number: u32) -> Result<u32, String> {
    match number {
        0 => Err("nothing".to_owned()),
        _ => Ok(number),
    }
}

fn results_of_the_workers_own(method: StartMethod) {
    check(method, check_number::call(1), returns(Ok(1)));
    check(
        method,
        check_number::call(0),
        returns(Err("nothing".to_owned())),
    );
}

#[worker]
fn append(mut file: Fd<File>, text: &str) -> Fd<File> {
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn files_as_arguments_and_results(method: StartMethod) {
    let file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap());
    let copy = Fd::new(file.try_clone().unwrap());
    let mut back = append::call(copy, "one ")
        .start_method(method)
        .run()
        .unwrap();
    assert!(fcntl_getfd(&*back).unwrap().contains(FdFlags::CLOEXEC));
    back.write_all(b"two").unwrap();
    let mut text = String::new();
    let mut file = file;
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two");
    let call = append::call(back, " three").start_method(method);
    let mut file = call.run().unwrap().into_inner();
    file.rewind().unwrap();
    text.clear();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two three");
}

#[worker]
fn accept_one(listener: Fd<TcpListener>) -> io_result::Text {
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The name of a type as a user has it.
mod io_result {
    pub(super) type Text = String;
}

#[worker]
#[allow(clippy::type_complexity, reason = "each kind of socket once")]
fn ends(
    stream: Fd<UnixStream>,
    listener: Fd<UnixListener>,
    udp: Fd<UdpSocket>,
    tcp: Fd<TcpStream>,
    any: Fd<OwnedFd>,
) -> (
    Fd<UnixStream>,
    Fd<UnixListener>,
    Fd<UdpSocket>,
    Fd<TcpStream>,
    Fd<OwnedFd>,
) {
    (stream, listener, udp, tcp, any)
}

fn sockets_as_arguments_and_results(method: StartMethod) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let copy = Fd::new(listener.try_clone().unwrap());
    let process = accept_one::call(copy).start_method(method).spawn().unwrap();
    TcpStream::connect(address)
        .unwrap()
        .write_all(b"hello")
        .unwrap();
    assert_eq!(process.join().unwrap(), "hello");

    let place = std::env::temp_dir().join(format!("it-{}", std::process::id()));
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let returned = ends::call(
        theirs.into(),
        UnixListener::bind(&place).unwrap().into(),
        UdpSocket::bind("127.0.0.1:0").unwrap().into(),
        TcpStream::connect(address).unwrap().into(),
        OwnedFd::from(File::open("/dev/zero").unwrap()).into(),
    )
    .start_method(method)
    .run();
    std::fs::remove_file(&place).unwrap();
    let (mut stream, listener, udp, tcp, any) = returned.unwrap();
    stream.write_all(b"through").unwrap();
    let mut bytes = [0; 7];
    ours.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"through");
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*place));
    assert!(udp.local_addr().unwrap().port() > 0);
    assert_eq!(tcp.peer_addr().unwrap(), address);
    File::from(any.into_inner()).read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [0; 7]);
}

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    name: String,
    pipes: Vec<Fd<io::PipeWriter>>,
    more: HashMap<String, Option<Fd<File>>>,
    long: Vec<u8>,
}

#[worker]
fn fill(job: Job) -> usize {
    for (number, mut pipe) in (0_u8..).zip(job.pipes) {
        pipe.write_all(&[number; 10]).unwrap();
    }
    job.more.values().flatten().count() + job.long.len()
}

fn descriptors_inside_of_other_types(method: StartMethod) {
    let (readers, writers): (Vec<_>, Vec<_>) = (0..5).map(|_| io::pipe().unwrap()).unzip();
    let file = || Fd::new(File::open("/dev/null").unwrap());
    let job = Job {
        name: "fill".to_owned(),
        pipes: writers.into_iter().map(Fd::new).collect(),
        more: HashMap::from([
            ("a".to_owned(), Some(file())),
            ("b".to_owned(), None),
            ("c".to_owned(), Some(file())),
        ]),
        long: vec![1; 1_000_000],
    };
    check(method, fill::call(job), returns(1_000_002));
    for (number, mut reader) in (0_u8..).zip(readers) {
        let mut bytes = Vec::new();
        // The end comes because nobody else holds the other end.
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [number; 10]);
    }
}

#[worker]
fn reversed(files: Vec<Fd<File>>) -> Vec<Fd<File>> {
    files.into_iter().rev().collect()
}

fn many_descriptors(method: StartMethod) {
    let files = (0..300).map(|length| {
        let file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap());
        file.set_len(length).unwrap();
        Fd::new(file)
    });
    let call = reversed::call(files.collect()).start_method(method);
    let lengths: Vec<_> = call
        .run()
        .unwrap()
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .collect();
    assert_eq!(lengths, (0..300).rev().collect::<Vec<_>>());
}

#[worker]
fn gives_a_pipe() -> Fd<io::PipeReader> {
    Fd::new(io::pipe().unwrap().0)
}

/// A descriptor is of the type that its receiver makes of it.
fn a_descriptor_of_another_type(method: StartMethod) {
    let mut pipe = gives_a_pipe::call().start_method(method).run().unwrap();
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, []);
}

#[worker]
fn path_length(path: &Path) -> usize {
    path.as_os_str().len()
}

#[worker]
fn a_path_that_is_no_text() -> PathBuf {
    no_text()
}

fn no_text() -> PathBuf {
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![b'/', 0xff]);
    name.into()
}

/// serde cannot write them, and says so.
fn paths_that_are_no_text(method: StartMethod) {
    let call = path_length::call(Path::new("/abc")).start_method(method);
    assert_eq!(call.run().unwrap(), 4);
    let path = no_text();
    let call = path_length::call(&path).start_method(method);
    assert_eq!(call.spawn().unwrap_err().kind(), Encode);
    check(
        method,
        a_path_that_is_no_text::call(),
        fails(
            Encode,
            "worker `a_path_that_is_no_text`: its result cannot be encoded: path contains invalid UTF-8 characters",
        ),
    );
}
