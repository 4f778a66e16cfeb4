//go:build unix

package process_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/process"
)

// The first signal ends the context, and each interrupt after it calls again. This test
// alone sends signals to the process of the tests.
func TestWithSignals(t *testing.T) {
	t.Parallel()
	again := make(chan struct{}, 1)
	ctx, stop := process.WithSignals(t.Context(), func() { again <- struct{}{} }, os.Interrupt, syscall.SIGUSR1)
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) || cause.Error() != syscall.SIGUSR1.String() {
		t.Errorf("the context ended: %v", cause)
	}
	for range 2 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-again
	}
}
