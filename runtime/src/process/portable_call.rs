//! Calls as data.

use std::any::type_name;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::call::{Call, Options, not_encoded, place};
use super::environment::Changes;
use super::launched::{LaunchOptions, distance};
use super::start_method::StartMethod;
use super::stdio::OutputOptions;
use crate::codec::{Output, Written};
use crate::dispatch::{Argument, Entry, PortableCallee, ResultCodec};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::payload::Payload;
use crate::sys::function::Distance;
use crate::sys::image;

/// A call as data: its worker or function, its arguments, and what it says about its process.
///
/// Made by [`Call::portable`], and turned into a [`Call`] again by [`call`](PortableCall::call). In between it
/// can be an argument or result, an item of a channel, or in a file: serde takes it, in any format. So a
/// task can be made in one process and be submitted in another.
///
/// It means something to the same build of the program only, on any machine. To read it in another build
/// is an error of the deserializer, which says so.
///
/// # Examples
///
/// A worker that submits to a pool of its own what it is given:
///
/// ```
/// use multiproc::{Pool, PortableCall, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[worker]
/// fn run_all(calls: Vec<PortableCall<u64>>) -> u64 {
///     let pool = Pool::builder().workers(2).build().unwrap();
///     let results = pool.map(PortableCall::call, calls);
///     results.sum::<multiproc::Result<u64>>().unwrap()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let calls = vec![
///     square::call(7).portable()?,
///     multiproc::call((3, 4), |(a, b)| a + b).portable()?,
/// ];
/// assert_eq!(run_all::run(calls)?, 56);
/// # Ok(())
/// # }
/// ```
///
/// One that is stored:
///
/// ```
/// use multiproc::{PortableCall, worker};
///
/// #[worker]
/// fn length(text: &str) -> usize {
///     text.len()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stored: String = serde_json::to_string(&length::call("four").portable()?)?;
/// let call: PortableCall<usize> = serde_json::from_str(&stored)?;
/// assert_eq!(call.call().run()?, 4);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// It is as good as a program: it says which function of the program is called, and with what. It is
/// checked that the build is the same, that nothing was damaged on the way, and that the result has the
/// type that is expected. That keeps mistakes out and not malice: a sender that knows the program can make
/// up a call that has any of its code run. Read only what comes from where you would take a program
/// from.
#[must_use = "a call does nothing until it is started"]
pub struct PortableCall<R> {
    data: Arc<Data>,
    entry: &'static Entry,
    result: PhantomData<fn() -> R>,
}

/// What there is of a call that is data.
#[derive(Debug, Clone, Hash, serde::Serialize, serde::Deserialize)]
pub(super) struct Data {
    /// Which build of the program knows the rest.
    build: Vec<u8>,
    callee: PortableCallee,
    /// The name of the result's type.
    result: String,
    options: PortableOptions,
    arguments: Written,
}

/// What a call says about its process, as data.
#[derive(Debug, Clone, Hash, serde::Serialize, serde::Deserialize)]
struct PortableOptions {
    name: Option<String>,
    is_executed: Option<bool>,
    environment: Changes,
    current_dir: Option<PathBuf>,
    timeout: Option<Duration>,
    limits: Limits,
    before_worker: Option<Distance<fn()>>,
    kill_descendants: bool,
    grace: Option<Duration>,
    kill_on_drop: bool,
    ignore_interrupts: bool,
    retries: Option<u32>,
    priority: Option<i32>,
    output: OutputOptions,
}

/// The data as it is written, with a number to see by that it arrives as it was.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename = "PortableCall")]
pub(super) struct Checked<D> {
    call: D,
    check: u64,
}

/// A call as data that has arrived, and may be any.
pub(super) type CallData = Checked<Data>;

impl CallData {
    /// The worker here, whatever its result is.
    pub(super) fn find_any(&self) -> Result<&'static Entry, String> {
        self.call.find_any(self.check)
    }

    /// The call of the worker that was found.
    pub(super) fn into_call<R>(
        self,
        entry: &'static Entry,
        result: ResultCodec<R>,
    ) -> Call<'static, R> {
        into_call(Arc::new(self.call), entry, result)
    }
}

impl<R: Payload> Call<'_, R> {
    /// Turns the call into data, which can be sent and stored. The arguments are encoded now.
    ///
    /// All options of the call are kept but the standard streams.
    ///
    /// # Errors
    ///
    /// * [`Unsupported`](ErrorKind::Unsupported): an argument holds a handle, such as a lock, a channel or an
    ///   open file, which is no data: pass it by itself, as an argument of the worker that is to start the
    ///   call. Or the call sets a standard stream, or cannot run in any process. A
    ///   [`Function`](crate::Function) can be held.
    /// * [`Encode`](ErrorKind::Encode): an argument cannot be encoded.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Mutex;
    /// use multiproc::{ErrorKind, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let call = square::call(7).timeout(Duration::from_secs(10)).portable()?;
    /// assert_eq!(multiproc::run(call, |call| call.call().run().unwrap())?, 49);
    ///
    /// let call = multiproc::call(Mutex::new(7_u64)?, |number| *number.lock().unwrap());
    /// assert_eq!(call.portable().unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok(())
    /// # }
    /// ```
    pub fn portable(self) -> Result<PortableCall<R>> {
        let entry = self.entry;
        self.into_data()
            .map_err(|error| error.with_worker(entry.name()))
            .map(|data| PortableCall {
                data: Arc::new(data),
                entry,
                result: PhantomData,
            })
    }
}

impl<R> Call<'_, R> {
    pub(super) fn into_data(self) -> Result<Data> {
        let Call {
            entry,
            arguments,
            result: _,
            timeout,
            options,
        } = self;
        let options = *options.unwrap_or_default();
        options.check_possible(entry.name())?;
        let place = place(entry)?;
        let Some(build) = image::build() else {
            return Err(not_portable(
                entry,
                "it cannot be told which build of the program this is",
            ));
        };
        let mut output = Output::default();
        for (number, argument) in (1..).zip(arguments.iter()) {
            argument
                .write(&mut output)
                .map_err(|error| not_encoded(entry, &error))?;
            if output.has_handles() {
                let number = number - usize::from(entry.site().is_some());
                let text = format!(
                    "argument {number} holds a handle (a lock, a channel, an open file or the like), which is no data: pass it by itself to who starts the call"
                );
                return Err(not_portable(entry, &text));
            }
        }
        Ok(Data {
            build: build.to_vec(),
            callee: PortableCallee::new(entry, &place),
            result: type_name::<R>().to_owned(),
            options: PortableOptions::new(options, timeout, entry)?,
            arguments: Written::new(output).map_err(|error| not_encoded(entry, &error))?,
        })
    }
}

fn not_portable(entry: &Entry, reason: &str) -> Error {
    let text = format!(
        "the call of worker `{}` cannot be made portable: {reason}",
        entry.name()
    );
    Error::new(ErrorKind::Unsupported, text)
}

impl PortableOptions {
    fn new(options: Options, timeout: Option<Duration>, entry: &Entry) -> Result<PortableOptions> {
        let Options {
            name,
            start_method,
            launch,
            limits,
            before_worker,
            kill_descendants,
            grace,
            kill_on_drop,
            ignore_interrupts,
            retries,
            priority,
            output,
            impossible: _,
        } = options;
        let LaunchOptions {
            environment,
            current_dir,
            streams,
            timeout: _,
        } = launch;
        if !streams.are_inherited() {
            return Err(not_portable(
                entry,
                "it sets standard streams, which are those of this process",
            ));
        }
        Ok(PortableOptions {
            name,
            is_executed: start_method.map(|method| method == StartMethod::Spawn),
            environment,
            current_dir,
            timeout,
            limits,
            before_worker: before_worker.map(distance).transpose()?,
            kill_descendants,
            grace,
            kill_on_drop,
            ignore_interrupts,
            retries,
            priority,
            output,
        })
    }

    /// What the call says. Nothing of the hook's, where it is not found.
    fn options(&self) -> Options {
        let start_method = |is_executed| {
            if is_executed {
                StartMethod::Spawn
            } else {
                StartMethod::ForkServer
            }
        };
        Options {
            name: self.name.clone(),
            start_method: self.is_executed.map(start_method),
            launch: LaunchOptions {
                environment: self.environment.clone(),
                current_dir: self.current_dir.clone(),
                ..LaunchOptions::default()
            },
            limits: self.limits.clone(),
            before_worker: self.before_worker.and_then(Distance::find),
            kill_descendants: self.kill_descendants,
            grace: self.grace,
            kill_on_drop: self.kill_on_drop,
            ignore_interrupts: self.ignore_interrupts,
            retries: self.retries,
            priority: self.priority,
            output: self.output,
            impossible: None,
        }
    }
}

impl Data {
    /// A number that differs where anything does.
    fn check(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// With the number to see by that it arrives as it was.
    pub(super) fn checked(self) -> Checked<Data> {
        let check = self.check();
        Checked { call: self, check }
    }

    /// The worker here, if all is as it was when it was written by the same build, and its result of the
    /// type `R`.
    fn find<R>(&self, check: u64) -> Result<&'static Entry, String> {
        let entry = self.find_any(check)?;
        let result = type_name::<R>();
        if self.result != result {
            return Err(format!(
                "the call of worker `{}` has results of the type `{}`, and not `{result}`",
                self.callee.name(),
                self.result
            ));
        }
        Ok(entry)
    }

    fn find_any(&self, check: u64) -> Result<&'static Entry, String> {
        let name = self.callee.name();
        if image::build().is_none_or(|build| build != self.build) {
            return Err(format!(
                "the call of worker `{name}` is one of another build of this program, or of another program"
            ));
        }
        let hook = self.options.before_worker;
        let entry = if check == self.check() {
            self.callee.find()
        } else {
            None
        };
        let Some(entry) = entry.filter(|_| hook.is_none_or(|hook| hook.find().is_some())) else {
            return Err(format!(
                "the call of worker `{name}` was damaged on its way"
            ));
        };
        Ok(entry)
    }
}

/// Makes a call of data again.
fn into_call<R>(
    data: Arc<Data>,
    entry: &'static Entry,
    result: ResultCodec<R>,
) -> Call<'static, R> {
    Call {
        entry,
        result,
        timeout: data.options.timeout,
        options: Some(Box::new(data.options.options())),
        arguments: [Argument::written(data)].into(),
    }
}

impl<R: Payload> PortableCall<R> {
    /// Makes a call of it again, with all the options that it had.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let portable = square::call(7).portable()?;
    /// assert_eq!(portable.clone().call().run()?, 49);
    /// assert_eq!(portable.call().name("again").run()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(self) -> Call<'static, R> {
        into_call(self.data, self.entry, R::result())
    }
}

impl AsRef<Written> for Data {
    fn as_ref(&self) -> &Written {
        &self.arguments
    }
}

impl<R> Serialize for PortableCall<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let checked = Checked {
            call: &*self.data,
            check: self.data.check(),
        };
        checked.serialize(serializer)
    }
}

impl<'de, R> Deserialize<'de> for PortableCall<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Checked::<Data> { call, check } = Checked::deserialize(deserializer)?;
        let entry = call.find::<R>(check).map_err(de::Error::custom)?;
        Ok(PortableCall {
            data: Arc::new(call),
            entry,
            result: PhantomData,
        })
    }
}

impl<R> Clone for PortableCall<R> {
    fn clone(&self) -> Self {
        PortableCall {
            data: Arc::clone(&self.data),
            ..*self
        }
    }
}

impl<R> fmt::Debug for PortableCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortableCall")
            .field("worker", &self.entry.name())
            .finish_non_exhaustive()
    }
}
