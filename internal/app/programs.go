package app

import (
	"context"
	"os/exec"
)

// Programs returns a machine.Run that runs programs in dir, with the variables environ. An
// empty dir is the process's own directory, a nil environ its own environment.
func Programs(dir string, environ []string) func(ctx context.Context, program string, args ...string) ([]byte, error) {
	return func(ctx context.Context, program string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // package machine names the programs
		cmd.Dir, cmd.Env = dir, environ
		return cmd.Output()
	}
}

// noPrograms is a machine without programs.
func noPrograms(_ context.Context, program string, _ ...string) ([]byte, error) {
	return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
}
