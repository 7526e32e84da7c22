#!/usr/bin/env bash
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=02:00:00
#
# A server on the first machine, an agent on each, and a submitter beside the server; all end with the submitter.
# The program and the data are in a directory that all machines see.
set -euo pipefail

program=./word_count
url="nats://$(hostname):4222"

nats-server --port 4222 --jetstream --store_dir "${TMPDIR:-/tmp}/queue-$SLURM_JOB_ID" &
server=$!
srun --overlap "$program" --agent "$url" &
agents=$!
trap 'kill $agents $server' EXIT

"$program" --cluster "$url" data
