//go:build unix

package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// What a step that runs as root makes gets the workspace's owner, wherever it lies: below
// HOME and the runner's temporary directory, whose owner is another one, too.
func TestOwner(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	const uid, gid, others = 1001, 127, 2002
	w := newWorld(t, githubsim.Options{})
	for _, to := range []string{"out/x", "~/out/x", "temp"} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := in("name", "dist", "run-id", "1", "path", to)
			for variable, owner := range map[string][2]int{"GITHUB_WORKSPACE": {uid, gid}, "HOME": {others, others}, "RUNNER_TEMP": {others, others}} {
				env[variable] = filepath.Join(dir, variable)
				if err := errors.Join(os.Mkdir(env[variable], 0o755), os.Chown(env[variable], owner[0], owner[1])); err != nil {
					t.Fatal(err)
				}
			}
			if to == "temp" {
				env["INPUT_PATH"] = filepath.Join(env["RUNNER_TEMP"], "out", "x")
			}
			if f := w.step(t.Context(), t, env); f.code != exitOK {
				t.Fatalf("exit code %d: %s", f.code, f.log)
			}
			made := 0
			err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
				if err != nil || name == dir || name == env[d.Name()] {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				made++
				if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != uid || st.Gid != gid {
					t.Errorf("%s belongs to %d:%d", name, st.Uid, st.Gid)
				}
				return nil
			})
			if err != nil || made != 5 { // out, out/x, a.txt, d, d/b.txt
				t.Errorf("%d things were made: %v", made, err)
			}
		})
	}
}
