// Package testmain runs the tests of packages that allocate much.
package testmain

import (
	"os"
	"runtime/debug"
	"testing"
)

// Run runs the tests and exits. It lets the heap grow more before it is collected: such
// tests make thousands of small worlds or large blobs, and collecting took up to a third of
// their time.
func Run(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
