package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/workspace"
)

// The file of ca-cert is looked for where path would be.
func TestReadCA(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "ca.pem"), []byte("certificates"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_REPOSITORY": "octo/app", "HOME": home,
		"RUNNER_WORKSPACE": "/home/runner/work/app", "RUNNER_TEMP": "/home/runner/work/_temp",
	}
	places := workspace.RunnerLayout(func(name string) string { return vars[name] })
	read := func(name string) (string, error) {
		pem, err := readCA(&config.Config{CACert: name}, places)
		return string(pem), err
	}
	for _, name := range []string{"~/ca.pem", "/__w/_temp/_github_home/ca.pem", "/home/runner/work/_temp/_github_home/ca.pem"} {
		if got, err := read(name); got != "certificates" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"ca.pem":                         "open /github/workspace/ca.pem",
		"/__w/app/app/ca.pem":            "open /github/workspace/ca.pem",
		"/home/runner/work/_temp/ca.pem": "runner 2.329.0 or later mounts it",
	} {
		if _, err := read(name); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "ca-cert: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
