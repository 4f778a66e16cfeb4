package process

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Endings returns the signals that end a run: the runner's, and those of a terminal, except
// for those that the process was started to ignore, as nohup does with SIGHUP.
func Endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return signals
}

// WithSignals returns a context that ends with the first of the signals. After that, each
// os.Interrupt calls again, unless again is nil. The signals are caught until stop is called, or
// until the process ends.
func WithSignals(parent context.Context, again func(), signals ...os.Signal) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	got, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(got, signals...)
	go func() {
		for first := true; ; first = false {
			select {
			case <-done:
				return
			case s := <-got:
				switch {
				case first:
					cancel(signalError{s})
				case s == os.Interrupt && again != nil:
					again()
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(got)
		close(done)
		cancel(nil)
	}
}

// signalError counts as a cancelled context.
type signalError struct{ os.Signal }

func (e signalError) Error() string        { return e.String() }
func (e signalError) Is(target error) bool { return target == context.Canceled }
