package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/actions"
)

// Outputs and summary are written, each as far as its file lets them.
func TestHandOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		outputs, summary bool // whether the files can be written
		wanted           bool // the summary
		fails            int  // how many causes the error has
		warns            bool
	}{
		"both":                {true, true, true, 0, false},
		"no summary wanted":   {true, false, false, 0, false},
		"no summary":          {true, false, true, 0, true},
		"no outputs":          {false, true, true, 1, false},
		"neither":             {false, false, true, 2, false},
		"neither, one wanted": {false, false, false, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			vars := map[string]string{"GITHUB_OUTPUT": filepath.Join(dir, "out"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "sum")}
			for file, writable := range map[string]bool{"out": tt.outputs, "sum": tt.summary} {
				if !writable { // whoever runs the tests: a directory cannot be written
					if err := os.Mkdir(filepath.Join(dir, file), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			var log strings.Builder
			l := &Log{Out: actions.New(actions.Options{Out: &log, Getenv: func(name string) string { return vars[name] }})}
			result := many(1, 1, 3)
			result.Published = true
			for what, err := range map[string]error{"CheckHandOn": l.CheckHandOn(tt.wanted), "HandOn": l.HandOn(result, tt.wanted)} {
				var got int
				failed, ok := errors.AsType[*HandOnError](err)
				if ok {
					got = len(failed.Errs)
				}
				if got != tt.fails || (err != nil) != ok || ok && failed.Published != (what == "HandOn") {
					t.Errorf("%s: %v", what, err)
				}
			}
			if warned := strings.Contains(log.String(), "::warning::"); warned != tt.warns {
				t.Errorf("log: %s", &log)
			}
			for file, is := range map[string]struct {
				written bool
				text    string
			}{"out": {tt.outputs, "found="}, "sum": {tt.summary && tt.wanted, "### artifetch"}} {
				if b, _ := os.ReadFile(filepath.Join(dir, file)); strings.Contains(string(b), is.text) != is.written {
					t.Errorf("%s: %q", file, b)
				}
			}
		})
	}
}

// What failed before the run because of the outputs is not tried again.
func TestHandOnAfterCheckFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // which cannot be written as a file
	l := &Log{Out: actions.New(actions.Options{Getenv: func(string) string { return dir }})}
	failed := l.CheckHandOn(false)
	if failed == nil {
		t.Fatal("a directory counts as a file")
	}
	if err := l.HandOn(&Result{Err: failed}, false); err != nil {
		t.Error(err)
	}
}
