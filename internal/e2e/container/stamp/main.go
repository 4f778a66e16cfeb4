//go:build container

// Command stamp prints the time, in nanoseconds, and becomes another program:
//
//	stamp PROGRAM [ARGUMENT]...
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: stamp PROGRAM [ARGUMENT]...")
		os.Exit(2)
	}
	fmt.Println(time.Now().UnixNano())
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ()) //nolint:gosec // that is what it is for
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
