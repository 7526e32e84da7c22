#!/usr/bin/env bash
# A cluster on one machine: a server, two agents, and a submitter that counts the words of PATH. Ends all of it.
#
#   examples/cluster/up.sh [PATH...]
set -euo pipefail
cd "$(dirname "$0")/../.."

server="$(.ci/nats-server)"
cargo build --release -p multiproc-cluster --example cluster_word_count
program=target/release/examples/cluster_word_count

store="$(mktemp -d)"
started=()
end() {
    # By their ids, each: the agents finish what they run.
    for id in "${started[@]}"; do
        kill "$id" 2>/dev/null || true
    done
    wait
    rm -r "$store"
}
trap end EXIT

"$server" --addr 127.0.0.1 --port 4222 --jetstream --store_dir "$store" --log "$store/log" &
started+=($!)
for _ in $(seq 100); do
    if (exec 3<>/dev/tcp/127.0.0.1/4222) 2>/dev/null; then break; fi
    sleep 0.1
done
for number in 1 2; do
    "$program" --agent nats://127.0.0.1:4222 2>"$store/agent$number" &
    started+=($!)
done
"$program" --cluster nats://127.0.0.1:4222 "${@:-.}"
tail -qn 1 "$store"/agent*
