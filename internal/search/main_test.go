package search

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the heap grow more before it is collected: the tests make thousands of
// small worlds, and collecting took a fifth of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
