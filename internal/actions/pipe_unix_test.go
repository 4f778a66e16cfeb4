//go:build unix

package actions

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe without a reader would block for ever.
func TestFilesThatArePipes(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	log, _ := newLog(false, "GITHUB_OUTPUT", pipe, "GITHUB_STEP_SUMMARY", pipe)
	for variable, errs := range map[string][]error{
		"GITHUB_OUTPUT":       {log.CheckOutputs(), log.SetOutputs(Output{"a", "b"})},
		"GITHUB_STEP_SUMMARY": {log.CheckSummary(), log.Summary("x\n")},
	} {
		for _, err := range errs {
			e, ok := errors.AsType[*FileError](err)
			if !ok || e.Variable != variable || !errors.Is(err, errPipe) {
				t.Errorf("%s: got %v", variable, err)
			}
		}
	}
}
