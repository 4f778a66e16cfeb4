package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/app"
)

func TestStep(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"run 1009 (CI #2, main): it comes from a fork", "\nartifact-count=2\n", "| coverage |", "deploy/site/index.html"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"list -n site":           "1004\tsite\t",
		"ls -n site":             "bin/deploy.sh\t",
		"cat index.html -n site": "<h1>Shop, second attempt</h1>",
	} {
		dir := t.TempDir()
		var stdout, stderr bytes.Buffer
		code := command(t.Context(), app.Env{
			Args: strings.Fields(args), Stdout: &stdout, Stderr: &stderr, Getwd: func() (string, error) { return dir, nil }, TempDir: dir,
		})
		if code != 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
	}
}
