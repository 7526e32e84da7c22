//! Statistics as people look at them.

use std::fmt;
use std::time::Duration;

use super::{Distribution, PoolStats, WorkerStats};

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool `{}`", self.name)?;
        let (running, workers) = (self.elapsed, self.workers.len());
        writeln!(
            f,
            " for {}, {}",
            short(running),
            counted(workers as u64, "worker")
        )?;
        write!(
            f,
            "{} of {} done",
            self.finished,
            counted(self.submitted, "task")
        )?;
        let more = [
            (self.failed, "failed"),
            (self.retried, "tried again"),
            (self.restarts, "restarted"),
        ];
        for (count, what) in more {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        writeln!(f)?;
        self.durations(f)?;
        self.processes(f)?;
        self.slow_tasks(f)
    }
}

impl PoolStats {
    fn durations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("wait", &self.wait),
            ("run", &self.run),
            ("start-up", &self.startup),
        ];
        if rows.iter().all(|(_, row)| row.count() == 0) {
            return Ok(());
        }
        let head = ["count", "median", "90 %", "99 %", "longest"];
        write!(f, "\n{:<8}", "")?;
        head.iter().try_for_each(|it| write!(f, "{it:>10}"))?;
        writeln!(f)?;
        for (name, row) in rows {
            write!(f, "{name:<8}{:>10}", row.count())?;
            for duration in [50.0, 90.0, 99.0, 100.0].map(|percent| at(row, percent)) {
                write!(f, "{:>10}", duration.map_or("-".to_owned(), short))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn processes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.workers.is_empty() {
            return Ok(());
        }
        let head = ["tasks", "busy", "idle", "", "memory", "peak", "CPU"];
        write!(f, "\n{:<8}", "worker")?;
        head.iter().try_for_each(|it| write!(f, "{it:>10}"))?;
        writeln!(f)?;
        self.workers.iter().try_for_each(|worker| row(worker, f))
    }

    fn slow_tasks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.slowest.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nslowest")?;
        for task in &self.slowest {
            let (time, worker, process) = (short(task.time), task.worker, task.process);
            writeln!(f, "{process:<8}{time:>10}  {worker}")?;
        }
        Ok(())
    }
}

fn row(worker: &WorkerStats, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let total = worker.busy + worker.idle;
    let share = worker.busy.as_nanos() * 100;
    let share = share.checked_div(total.as_nanos()).unwrap_or(0);
    let bytes = |bytes: Option<u64>| bytes.map_or("-".to_owned(), short_bytes);
    let processor = worker
        .usage
        .map(|usage| usage.user_time + usage.system_time);
    let cells = [
        worker.tasks.to_string(),
        short(worker.busy),
        short(worker.idle),
        format!("{share} % busy"),
        bytes(worker.memory),
        bytes(worker.usage.map(|usage| usage.max_resident_memory)),
        processor.map_or("-".to_owned(), short),
    ];
    write!(f, "{:<8}", worker.id)?;
    cells.iter().try_for_each(|it| write!(f, "{it:>10}"))?;
    writeln!(f)
}

fn at(distribution: &Distribution, percent: f64) -> Option<Duration> {
    match percent {
        100.0 => distribution.max(),
        percent => distribution.percentile(percent),
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("{count} {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// A duration in three digits, such as `1.25 ms`.
fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (number, unit) = match duration.as_nanos() {
        0..1_000 => return format!("{} ns", duration.as_nanos()),
        1_000..1_000_000 => (seconds * 1e6, "µs"),
        1_000_000..1_000_000_000 => (seconds * 1e3, "ms"),
        1_000_000_000..100_000_000_000 => (seconds, "s"),
        _ => return format!("{} min", (seconds / 60.0).round()),
    };
    three_digits(number, unit)
}

/// A number of bytes in three digits, such as `1.25 MiB`.
fn short_bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut number = bytes as f64;
    let mut units = ["KiB", "MiB", "GiB"].into_iter();
    let mut unit = "B";
    while number >= 1000.0
        && let Some(next) = units.next()
    {
        (number, unit) = (number / 1024.0, next);
    }
    three_digits(number, unit)
}

fn three_digits(number: f64, unit: &str) -> String {
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::super::SlowTask;
    use super::*;
    use crate::usage::Usage;

    #[test]
    fn three_digits_are_shown() {
        let texts = [
            0,
            999,
            1_000,
            9_996,
            123_456,
            1_234_567,
            98_765_432_100,
            600_000_000_000,
        ]
        .map(|nanoseconds| short(Duration::from_nanos(nanoseconds)));
        let expected = [
            "0 ns", "999 ns", "1.00 µs", "10.0 µs", "123 µs", "1.23 ms", "98.8 s", "10 min",
        ];
        assert_eq!(texts, expected);
        let texts = [0, 1000, 1 << 20, 150 << 20, 5 << 40].map(short_bytes);
        assert_eq!(
            texts,
            ["0.00 B", "0.98 KiB", "1.00 MiB", "150 MiB", "5120 GiB"]
        );
    }

    #[test]
    fn it_is_a_table() {
        let mut run = Distribution::default();
        run.add(Duration::from_millis(5), 98);
        run.add(Duration::from_millis(80), 2);
        let mut startup = Distribution::default();
        startup.add(Duration::from_micros(700), 1);
        let usage = Usage {
            max_resident_memory: 20 << 20,
            user_time: Duration::from_millis(400),
            system_time: Duration::from_millis(50),
        };
        let worker = WorkerStats {
            id: 4711,
            tasks: 100,
            busy: Duration::from_millis(650),
            idle: Duration::from_millis(350),
            memory: Some(12 << 20),
            usage: Some(usage),
        };
        let slow = SlowTask {
            worker: "decode",
            process: 4711,
            time: Duration::from_millis(80),
        };
        let stats = PoolStats {
            name: "oven".to_owned(),
            elapsed: Duration::from_secs(2),
            submitted: 101,
            finished: 100,
            failed: 2,
            restarts: 1,
            wait: run.clone(),
            run,
            startup,
            slowest: vec![slow],
            workers: vec![worker],
            ..PoolStats::default()
        };
        let expected = "\
pool `oven` for 2.00 s, 1 worker
100 of 101 tasks done, 2 failed, 1 restarted

             count    median      90 %      99 %   longest
wait           100   5.24 ms   5.24 ms   80.0 ms   80.0 ms
run            100   5.24 ms   5.24 ms   80.0 ms   80.0 ms
start-up         1    700 µs    700 µs    700 µs    700 µs

worker       tasks      busy      idle              memory      peak       CPU
4711           100    650 ms    350 ms 65 % busy  12.0 MiB  20.0 MiB    450 ms

slowest
4711       80.0 ms  decode
";
        assert_eq!(stats.to_string(), expected);
        let empty = PoolStats::default().to_string();
        assert_eq!(empty, "pool `` for 0 ns, 0 workers\n0 of 0 tasks done\n");
    }
}
