#!/usr/bin/env bash
# Draws docs/scaling.png: how time and memory grow with the size, with files,
# artifacts and cores. Needs gnuplot; installs it on Debian if it is not there.
#   internal/bench/scaling.sh [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v gnuplot >/dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends gnuplot-nox
fi
data=$(mktemp)
trap 'rm -f "$data"' EXIT
go run ./internal/bench -scaling size,files,artifacts,cores -runs "${1:-3}" | tee "$data"
gnuplot <<END
set terminal pngcairo size 1200,900 font "sans,11"
set output "docs/scaling.png"
set multiplot layout 2,2
set grid
set key top left
set logscale xy
set xlabel "MiB unpacked"; set ylabel "seconds"; set y2label "MiB resident"
set y2tics; set y2range [0:128]
set title "size"
plot "< grep ^size $data" using 2:3 with linespoints title "time", x/200 with lines dashtype 2 title "200 MiB/s", \
     "< grep ^size $data" using 2:4 axes x1y2 with linespoints title "peak memory"
set title "files in one artifact, 2 kB each"; set xlabel "files"
plot "< grep ^files $data" using 2:3 with linespoints title "time", x/20000 with lines dashtype 2 title "20,000/s", \
     "< grep ^files $data" using 2:4 axes x1y2 with linespoints title "peak memory"
set title "artifacts, 10 files of 24 kB each"; set xlabel "artifacts"
plot "< grep ^artifacts $data" using 2:3 with linespoints title "time", x/500 with lines dashtype 2 title "500/s", \
     "< grep ^artifacts $data" using 2:4 axes x1y2 with linespoints title "peak memory"
unset logscale; unset y2tics; unset y2label
set title "cores, 256 MiB in 64 files"; set xlabel "cores"; set xrange [0.5:2.5]; set yrange [0:*]; set xtics 1
plot "< grep ^cores $data" using 2:3 with linespoints title "time"
END
echo "docs/scaling.png"
