#!/usr/bin/env bash
# A cluster on one machine: a server, two agents, and a submitter. Ends all of it.
#
#   examples/cluster/up.sh [PATH...]                counts the words of files
#   examples/cluster/up.sh --thumbnails DIR OUT     makes thumbnails of pictures
#
# PROFILE=dev builds it without optimization.
set -euo pipefail

name=cluster_word_count
if [ "${1:-}" = --thumbnails ]; then
    name=cluster_thumbnails
    shift
elif [[ "${1:-}" = -* ]]; then
    echo "usage: up.sh [PATH...] | --thumbnails DIR OUT" >&2
    exit 2
elif [ $# = 0 ]; then
    set -- .
fi
repository="$(cd "$(dirname "$0")/../.." && pwd)"
server="$("$repository/.ci/nats-server")"
profile="${PROFILE:-release}"
target="${CARGO_TARGET_DIR:-$repository/target}"
cargo build --manifest-path "$repository/Cargo.toml" --profile "$profile" -p multiproc-examples-cluster --example "$name"
program="$target/${profile/#dev/debug}/examples/$name"

store="$(mktemp -d)"
submitter=
agents=()
queue=
end() {
    # Each by its id. The agents finish what they run, and need the server for that.
    for id in $submitter "${agents[@]}" $queue; do
        kill "$id" 2>/dev/null && wait "$id" || true
    done
    rm -r "$store"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# At any port that is free, which it says in a file.
"$server" --addr 127.0.0.1 --port -1 --jetstream --store_dir "$store/store" --log "$store/log" \
    --ports_file_dir "$store" &
queue=$!
url=
for _ in $(seq 300); do
    url="$(grep -o 'nats://[0-9.:]*' "$store/nats-server_$queue.ports" 2>/dev/null || true)"
    if [ -n "$url" ] || ! kill -0 "$queue" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ -z "$url" ]; then
    echo "up.sh: the server does not start:" >&2
    cat "$store/log" >&2
    exit 1
fi
for number in 1 2; do
    "$program" --agent "$url" 2>"$store/agent$number" &
    agents+=($!)
done
"$program" --cluster "$url" "$@" &
submitter=$!
code=0
wait "$submitter" || code=$?
submitter=

# What the agents say in the end.
for id in "${agents[@]}"; do
    kill "$id"
    wait "$id" || true
done
agents=()
tail -qn 1 "$store"/agent* >&2
exit "$code"
