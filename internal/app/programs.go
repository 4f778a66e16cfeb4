package app

import (
	"context"
	"os/exec"
)

// Programs returns the machine.Run of a process: programs run in dir, which is the
// process's own directory if it is empty, with these variables.
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
