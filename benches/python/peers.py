"""CPython's counterparts of the groups: answers requests on standard input.

A request is a line `NAME COUNT SIZE`; the answer is a line: nanoseconds (or bytes) for each of
COUNT items, or why there is none.
"""

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

FORK = multiprocessing.get_context("fork")
FORKSERVER = multiprocessing.get_context("forkserver")
CORES = len(os.sched_getaffinity(0))

# Pools, queues and children that outlive a request.
KEPT = {}


def kept(key, make):
    if key not in KEPT:
        KEPT[key] = make()
    return KEPT[key]


def timed(count, work):
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / count


# --- spawn, arguments, memory


def nothing():
    pass


def look_at(data):
    return sum(data[::4096])


def idle():
    time.sleep(1000)


def start_and_join(context, count, target=nothing, args=()):
    def work():
        for _ in range(count):
            process = context.Process(target=target, args=args)
            process.start()
            process.join()

    return timed(count, work)


def spawn_fork(count, _size):
    return start_and_join(FORK, count)


def spawn_forkserver(count, _size):
    return start_and_join(FORKSERVER, count)


def argument_forkserver(count, size):
    data = kept(("data", size), lambda: bytes(size))
    return start_and_join(FORKSERVER, count, look_at, (data,))


def proportional_set_size(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024


def memory(context, count):
    processes = [context.Process(target=idle, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    time.sleep(0.3)
    sizes = [proportional_set_size(process.pid) for process in processes]
    for process in processes:
        process.kill()
        process.join()
    return sizes


def each_of(context, count):
    """All sizes are taken at once, and given out one by one."""
    sizes = kept(("sizes", context, count), list)
    if not sizes:
        sizes.extend(memory(context, count))
    return sizes.pop()


def memory_fork(count, _size):
    return each_of(FORK, count)


def memory_forkserver(count, _size):
    return each_of(FORKSERVER, count)


# --- tasks


def identity(number):
    return number


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def spin_1ms(_number):
    spin(0.001)


def spin_unevenly(number):
    spin(0.004 if number % 16 == 0 else 0.0001)


def pool(workers):
    return kept(("pool", workers), lambda: FORK.Pool(workers))


def executor(workers):
    def make():
        return ProcessPoolExecutor(workers, mp_context=FORK)

    return kept(("executor", workers), make)


def pool_call(count, _size):
    one = pool(1)
    return timed(count, lambda: [one.apply(identity, (n,)) for n in range(count)])


def manager_get(count, _size):
    value = kept("manager", FORK.Manager).Value("q", 1)
    return timed(count, lambda: [value.get() for _ in range(count)])


def executor_call(count, _size):
    one = executor(1)
    return timed(count, lambda: [one.submit(identity, n).result() for n in range(count)])


def pool_map(function):
    return lambda count, _size: timed(count, lambda: pool(CORES).map(function, range(count)))


def pool_one_by_one(count, _size):
    return timed(count, lambda: pool(CORES).map(identity, range(count), 1))


def executor_submit(count, _size):
    def work():
        futures = [executor(CORES).submit(identity, n) for n in range(count)]
        for future in futures:
            future.result()

    return timed(count, work)


def executor_map(function):
    def run(count, _size):
        return timed(count, lambda: list(executor(CORES).map(function, range(count))))

    return run


# --- locks and queues


def lock(count, _size):
    mutex = kept("lock", FORK.Lock)

    def work():
        for _ in range(count):
            with mutex:
                pass

    return timed(count, work)


def semaphore(count, _size):
    permits = kept("semaphore", lambda: FORK.Semaphore(4))

    def work():
        for _ in range(count):
            with permits:
                pass

    return timed(count, work)


def event(count, _size):
    flag = kept("event", FORK.Event)

    def work():
        for _ in range(count):
            flag.set()
            flag.clear()

    return timed(count, work)


def hold(mutex, count):
    for _ in range(count):
        with mutex:
            pass


def contended_lock(count, workers):
    """As many turns for each of the workers."""
    mutex = FORK.Lock()
    processes = [FORK.Process(target=hold, args=(mutex, count)) for _ in range(workers)]

    def work():
        for process in processes:
            process.start()
        for process in processes:
            process.join()

    return timed(count * workers, work)


def drain(queue, done):
    while True:
        item = queue.get()
        if item is None:
            done.put(None)


def queue_throughput(make):
    def run(count, size):
        def start():
            queue, done = make(), FORK.SimpleQueue()
            FORK.Process(target=drain, args=(queue, done), daemon=True).start()
            return queue, done

        queue, done = kept((make, "throughput"), start)
        item = bytes(size)

        def work():
            for _ in range(count):
                queue.put(item)
            queue.put(None)
            done.get()

        return timed(count, work)

    return run


def echo(connection):
    while True:
        connection.send_bytes(connection.recv_bytes())


def pipe_round_trip(count, size):
    def start():
        ours, theirs = FORK.Pipe()
        FORK.Process(target=echo, args=(theirs,), daemon=True).start()
        return ours

    connection = kept("echo", start)
    item = bytes(size)

    def work():
        for _ in range(count):
            connection.send_bytes(item)
            connection.recv_bytes()

    return timed(count, work)


MEASUREMENTS = {
    "spawn_fork": spawn_fork,
    "spawn_forkserver": spawn_forkserver,
    "argument_forkserver": argument_forkserver,
    "memory_fork": memory_fork,
    "memory_forkserver": memory_forkserver,
    "pool_call": pool_call,
    "executor_call": executor_call,
    "manager_get": manager_get,
    "pool_tiny": pool_map(identity),
    "pool_1ms": pool_map(spin_1ms),
    "pool_uneven": pool_map(spin_unevenly),
    "pool_one_by_one": pool_one_by_one,
    "executor_submit": executor_submit,
    "executor_tiny": executor_map(identity),
    "executor_1ms": executor_map(spin_1ms),
    "executor_uneven": executor_map(spin_unevenly),
    "lock": lock,
    "semaphore": semaphore,
    "event": event,
    "contended_lock": contended_lock,
    "queue": queue_throughput(lambda: FORK.Queue(1024)),
    "simple_queue": queue_throughput(FORK.SimpleQueue),
    "pipe_round_trip": pipe_round_trip,
}


def main():
    for line in sys.stdin:
        name, count, size = line.split()
        try:
            answer = MEASUREMENTS[name](int(count), int(size))
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
