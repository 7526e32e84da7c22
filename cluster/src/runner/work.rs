//! Running the calls of a task in the pool.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use multiproc::__private::cluster::{self as core, Carried, Ran};

use super::permits::Permit;
use super::{Runner, Settled};
use crate::engine::{Engine, First, Topic};
use crate::id::TaskId;
use crate::submitter::lock;
use crate::wire::{self, Body, Packed, ResultMessage, Results, Said, Stretch, Work};

/// A call that takes no longer than this is waited for by the agent's thread itself.
const SHORT: Duration = Duration::from_micros(200);

/// How many results may be on their way, beside one for each worker, before no task is taken until they are noted.
const BEING_NOTED: usize = 4;

/// For how long it is not told that a task runs: it may have ended by then.
const TELL: Duration = Duration::from_millis(100);

/// What this agent has begun.
pub(super) struct Mine {
    pub(super) calls: Vec<Packed>,
    /// For the time with this number.
    pub(super) attempt: u32,
    pub(super) retries: u32,
    pub(super) is_traced: bool,
    pub(super) permit: Permit,
}

/// One call, what has become of it, and where it ran, if it was answered.
type Ended = (usize, multiproc::Result<Carried>, Option<Ran>);

impl<E: Engine> Runner<E> {
    /// Runs what was begun, and notes the results.
    pub(super) async fn work(self: &Arc<Self>, id: &TaskId, mine: Mine) -> Settled {
        let Mine {
            calls,
            attempt: first,
            retries,
            is_traced,
            permit,
        } = mine;
        let begin = Instant::now();
        let count = calls.len();
        let mut running = FuturesUnordered::new();
        let mut results: Vec<Option<Packed>> = calls.iter().map(|_| None).collect();
        let mut attempts = vec![first; count];
        let mut stretches = Vec::new();
        // The attempt that was noted last: one for all calls of the message.
        let mut noted = first;
        // To be woken takes as long as a short call: if no other task wants this thread, it waits itself.
        let waits = count == 1
            && !is_traced
            && self.was_short.load(Ordering::Relaxed)
            && lock(&self.running).len() == 1;
        for (index, call) in calls.iter().enumerate() {
            running.push(self.submit(id, index, call, waits));
        }
        let mut late = pin!(tokio::time::sleep(TELL));
        let mut told = None;
        loop {
            let ended = tokio::select! {
                biased;
                ended = running.next() => ended,
                () = &mut late, if told != Some(noted) => {
                    told = Some(noted);
                    self.tell_runs(id, noted).await;
                    continue;
                }
            };
            let Some((index, result, ran)) = ended else {
                break;
            };
            let is_lost = result.as_ref().is_err_and(core::is_worker_lost);
            if is_lost && attempts[index] < retries && !self.is_cancelled(id) {
                attempts[index] += 1;
                let is_ours = if attempts[index] <= noted {
                    true
                } else {
                    self.begin_again(id, attempts[index]).await
                };
                if is_ours {
                    noted = noted.max(attempts[index]);
                    running.push(self.submit(id, index, &calls[index], false));
                    continue;
                }
            }
            if is_traced && let Some(ran) = ran {
                stretches.push(ran);
            }
            results[index] = Some(pack(result));
        }
        let took = begin.elapsed();
        self.was_short
            .store(count == 1 && took < SHORT, Ordering::Relaxed);
        self.count_done(count);
        let results = results
            .into_iter()
            .map(|it| it.unwrap_or(Packed(Vec::new())));
        let results = results.collect();
        let work = is_traced.then(|| Work {
            stretches: joined(stretches),
            now: core::clock(),
        });
        self.note(id, results, took, work, noted, permit).await
    }

    /// Has the pool run a call, and waits for its end, whatever it is; here, for a moment, if that is wanted.
    fn submit(
        &self,
        id: &TaskId,
        index: usize,
        Packed(call): &Packed,
        waits: bool,
    ) -> impl Future<Output = Ended> + use<E> {
        // It is tried again here, where that is noted.
        let submitted = core::unpack(call).map(|call| self.pool.submit(call.retries(0)));
        let submitted = submitted.map(|task| {
            let task = Arc::new(Mutex::new(task));
            let mut running = lock(&self.running);
            if let Some(running) = running.get_mut(id) {
                if running.is_cancelled {
                    lock(&task).cancel();
                }
                running.tasks.push(Arc::clone(&task));
            }
            task
        });
        let at_once = match &submitted {
            Ok(task) if waits => lock(task).wait_timeout(SHORT).transpose(),
            _ => None,
        };
        async move {
            if let Some(result) = at_once {
                return (index, result, None);
            }
            let (result, ran) = match submitted {
                Ok(task) => poll_fn(|context| core::poll_with_ran(&mut lock(&task), context)).await,
                Err(error) => (Err(error), None),
            };
            (index, result, ran)
        }
    }

    /// Tells the submitter that this agent runs it.
    async fn tell_runs(&self, id: &TaskId, attempt: u32) {
        let runs = Said::Runs {
            id: id.to_string(),
            agent: self.name.clone(),
            attempt,
        };
        let topic = Topic::ToSubmitter(&id.run);
        let _ = self.engine.tell(&topic, wire::write(&runs)).await;
    }

    pub(super) fn is_cancelled(&self, id: &TaskId) -> bool {
        let running = lock(&self.running);
        running.get(id).is_none_or(|running| running.is_cancelled)
    }

    /// Cancels tasks that run here.
    pub(super) fn cancel(&self, mut which: impl FnMut(&TaskId) -> bool) {
        let tasks: Vec<_> = {
            let mut running = lock(&self.running);
            let running = running.iter_mut().filter(|(id, _)| which(id));
            let tasks = running.flat_map(|(_, it)| {
                it.is_cancelled = true;
                it.tasks.clone()
            });
            tasks.collect()
        };
        for task in tasks {
            lock(&task).cancel();
        }
    }

    async fn note(
        &self,
        id: &TaskId,
        results: Vec<Packed>,
        ran: Duration,
        work: Option<Work>,
        attempt: u32,
        permit: Permit,
    ) -> Settled {
        let length: usize = results.iter().map(|Packed(result)| result.len()).sum();
        let mut blob = None;
        let results = if length + 64 * results.len() <= self.engine.message_limit() {
            // The worker is free, so the next task is asked for on the way of the result, and not after it. But
            // results that the engine does not take are not to be ever more.
            if lock(&self.running).len() < 2 * self.pool.workers() + BEING_NOTED {
                drop(permit);
            }
            Body::Inline(results)
        } else {
            // Each attempt has its own.
            let name = id.blob(&format!("r{attempt}"));
            let bytes = wire::write(&results);
            while let Err(error) = self
                .engine
                .put_blob(&id.run.owner, &name, bytes.clone())
                .await
            {
                if error.cause == crate::engine::Cause::Refused || self.is_cancelled(id) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            blob = Some(name.clone());
            Body::Blob(name)
        };
        let message = ResultMessage {
            agent: self.name.clone(),
            ran,
            results: Results::Each(results),
            work,
        };
        match self.note_result(id, wire::write(&message)).await {
            Some(First::Yes) => Settled::Done,
            Some(First::No) => {
                // Another result counts. Unless that is this one, whose answer was lost.
                if let Some(name) = blob
                    && !self.is_noted(id, &name).await
                {
                    let _ = self.engine.remove_blob(&id.run.owner, &name).await;
                }
                Settled::Done
            }
            None => Settled::Back(Duration::from_secs(1)),
        }
    }

    /// Whether the result that counts is this one.
    async fn is_noted(&self, id: &TaskId, blob: &str) -> bool {
        let noted = self.engine.recorded(id, crate::engine::Note::Result).await;
        let noted = noted
            .ok()
            .flatten()
            .and_then(|it| wire::read::<ResultMessage>(&it));
        let Some(ResultMessage {
            results: Results::Each(Body::Blob(name)),
            ..
        }) = noted
        else {
            return false;
        };
        name == blob
    }
}

fn pack(result: multiproc::Result<Carried>) -> Packed {
    let packed = core::pack_result(result).or_else(|error| core::pack_result(Err(error)));
    Packed(packed.unwrap_or_default())
}

/// How long a worker may pause between two calls that are shown as one stretch, in nanoseconds.
const PAUSE: u64 = 20_000;

/// Joins what each worker ran without a pause.
fn joined(mut ran: Vec<Ran>) -> Vec<Stretch> {
    ran.sort_by_key(|it| (it.process, it.since));
    let mut stretches: Vec<Stretch> = Vec::new();
    for Ran {
        process,
        since,
        until,
    } in ran
    {
        match stretches.last_mut() {
            Some(last) if last.process == process && since <= last.until.saturating_add(PAUSE) => {
                last.until = last.until.max(until);
                last.calls += 1;
            }
            _ => stretches.push(Stretch {
                process,
                calls: 1,
                since,
                until,
            }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_a_pause_are_one_stretch_of_their_worker() {
        let ran = |process, since, until| Ran {
            process,
            since,
            until,
        };
        let stretches = joined(vec![
            ran(2, 1_000_000, 2_000_000),
            ran(1, 2_000_100, 3_000_000),
            ran(1, 1_000_000, 2_000_000),
            ran(1, 9_000_000, 9_000_001),
        ]);
        let stretch = |process, calls, since, until| Stretch {
            process,
            calls,
            since,
            until,
        };
        assert_eq!(
            stretches,
            [
                stretch(1, 2, 1_000_000, 3_000_000),
                stretch(1, 1, 9_000_000, 9_000_001),
                stretch(2, 1, 1_000_000, 2_000_000),
            ]
        );
    }
}
