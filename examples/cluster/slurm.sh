#!/usr/bin/env bash
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=02:00:00
#SBATCH --signal=B:TERM@120
#
# A server on the first machine, an agent on each, and a submitter beside the server; all end with the submitter:
#
#   sbatch slurm.sh ./cluster_word_count data
#
# The program and the data are in a directory that all machines see. Others can reach the server, and who may submit
# tasks runs code as you: so it has a token, which the program takes from the environment. What crosses the network
# is not encrypted: if it has to be, see the guide.
set -euo pipefail

program="$1"
shift
store="$(mktemp -d)"
submitter=
agents=
server=
end() {
    stop "$submitter"
    # Agents that are told to stop finish what they run, and need the server for that. (`kill` has srun kill them.)
    if [ -n "$agents" ]; then
        scancel --signal=TERM "$SLURM_JOB_ID.0" || true
        wait "$agents" || true
    fi
    stop "$server"
    rm -r "$store"
}
stop() {
    if [ -n "$1" ] && kill "$1" 2>/dev/null; then wait "$1" || true; fi
}
trap end EXIT
# Before the time is up, as said above.
trap 'exit 143' TERM

# A letter first: the server would take digits alone for a number.
NATS_TOKEN="t$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
export NATS_TOKEN
cat >"$store/server.conf" <<END
# A port that is free: another job may have its server here.
port: -1
ports_file_dir: "$store"
jetstream { store_dir: "$store/queue" }
authorization { token: \$NATS_TOKEN }
END
nats-server --config "$store/server.conf" --log "$store/log" &
server=$!
port=
for _ in $(seq 300); do
    port="$(grep -o 'nats://[^"]*' "$store/nats-server_$server.ports" 2>/dev/null | grep -om 1 '[0-9]*$' || true)"
    if [ -n "$port" ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ -z "$port" ]; then
    cat "$store/log" >&2
    exit 1
fi
url="nats://$(hostname):$port"

srun --overlap --kill-on-bad-exit=0 "$program" --agent "$url" &
agents=$!
"$program" --cluster "$url" "$@" &
submitter=$!
code=0
wait "$submitter" || code=$?
submitter=
exit "$code"
