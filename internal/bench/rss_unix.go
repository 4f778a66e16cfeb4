//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakRSS is the peak resident memory of a process that has ended, in bytes.
// Linux counts in KiB, macOS in bytes: getrusage(2).
func peakRSS(p *os.ProcessState) uint64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	rss := uint64(max(usage.Maxrss, 0))
	if runtime.GOOS == "darwin" {
		return rss
	}
	return rss << 10
}
