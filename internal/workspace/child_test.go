//go:build unix

package workspace

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/testdir"
)

// runChild runs a child process of a test, and returns its exit code.
func runChild(how string) int {
	words := strings.Split(how, " ")
	var err error
	switch words[0] {
	case "kill", "kill-many":
		tree, batch := childTree("1"), defaultBatch
		if words[0] == "kill-many" {
			tree, _ = manyLines("1", smallBatch)
			batch = smallBatch
		}
		var n int
		if n, err = strconv.Atoi(words[1]); err == nil {
			err = childKilled(words[2], n, tree, batch)
		}
	case "remove":
		err = childRemoves(words[1])
	case "rounds":
		err = childRounds(words[1], words[2], IfExists(words[3]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childRemoves removes stages that hold deep trees, with few descriptors.
func childRemoves(ws string) error {
	const limit = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	d, err := Layout{Workspace: ws}.Resolve("out")
	if err != nil {
		return err
	}
	for _, levels := range []int{limit - 1, 600} {
		s, err := NewStage(d, StageOptions{})
		if err != nil {
			return err
		}
		root, err := s.Mkdir("tree")
		if err != nil {
			return err
		}
		for _, end := range []string{"a/b/c", "d/e"} {
			if err := root.MkdirAll(strings.Repeat("x/", levels/2)+strings.Repeat("y/", levels/2)+end, 0o777); err != nil {
				return err
			}
		}
		half := strings.TrimSuffix(strings.Repeat("x/", levels/2), "/")
		if err := errors.Join(root.Chmod(half, 0o500), root.Chmod(half[:len(half)-2], 0o500), root.Close(), s.Close()); err != nil {
			return fmt.Errorf("%d levels: %w", levels, err)
		}
	}
	return nil
}

// childTree is the tree that children publish.
func childTree(body string) []string {
	return []string{"a=" + body, "b=" + body, "c/d=" + body, "c/e=" + body, "new/f=" + body, "new/g/h=" + body, "l -> " + body, "z=" + body}
}

// childStage stages a tree without a *testing.T.
func childStage(ws, dest string, lines []string) (*Stage, []Tree, error) {
	d, err := Layout{Workspace: ws}.Resolve(dest)
	if err != nil {
		return nil, nil, err
	}
	if _, err := Recover(context.Background(), d); err != nil {
		return nil, nil, err
	}
	s, err := NewStage(d, StageOptions{})
	if err != nil {
		return nil, nil, err
	}
	r, err := s.Mkdir("art0")
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	for _, l := range lines {
		name, target, isLink := strings.Cut(l, " -> ")
		if isLink {
			err = errors.Join(err, r.Symlink(target, name))
			continue
		}
		name, body, _ := strings.Cut(l, "=")
		err = errors.Join(err, r.MkdirAll(filepath.Dir(name), 0o755), r.WriteFile(name, []byte(body), 0o644))
	}
	return s, []Tree{{Dir: "art0", Label: "art0"}}, errors.Join(err, r.Close())
}

// childKilled publishes a tree and kills itself before the n-th change.
func childKilled(ws string, n int, tree []string, batch int) error {
	s, trees, err := childStage(ws, ".", tree)
	if err != nil {
		return err
	}
	s.batch = batch
	s.at.before = func() {
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	_, err = s.Publish(context.Background(), trees, Overwrite)
	return errors.Join(err, s.Close())
}

// childCmd starts this test again, as a child.
func childCmd(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self) // its cleanup waits for it
	cmd.Env = append(os.Environ(), childVar+"="+strings.Join(words, " "))
	return cmd
}

// A stage is removed however deep its trees are, and however few descriptors there are.
func TestRemovesDeepTrees(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	if out, err := childCmd(t, "remove", ws).CombinedOutput(); err != nil {
		t.Errorf("%v: %.500s", err, out)
	}
	if now := snapshot(t, ws); len(now) != 0 {
		t.Errorf("left: %.300q", now)
	}
}

// TestKilled, which covers many worlds, only pretends to kill; here SIGKILL really ends a
// process, at every change.
func TestSIGKILL(t *testing.T) {
	t.Parallel()
	before := []string{"a=0", "b=0", "c/d=0", "l -> 0", "mine=0"}
	after := append(childTree("1"), "mine=0")
	for n := 1; ; n++ {
		ws := testdir.InMemory(t)
		write(t, ws, before...)
		want := exact(t, ws)
		out, err := childCmd(t, "kill", strconv.Itoa(n), ws).CombinedOutput()
		now := snapshot(t, ws)
		if err == nil {
			const least = 10
			if n < least || strings.Contains(strings.Join(now, "\n"), stagePrefix) {
				t.Errorf("%d changes, left: %q", n, now)
			}
			return
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != -1 {
			t.Fatalf("%v: %s", err, out)
		}
		oldOrNew(t, before, now, after)
		for _, r := range recoverIn(t, ws, ".") {
			if len(r.Left) > 0 || r.Err != nil {
				t.Errorf("killed before change %d: %+v", n, r)
			}
		}
		if diff := gocmp.Diff(want, exact(t, ws)); diff != "" {
			t.Errorf("killed before change %d: %s", n, diff)
		}
	}
}

// sideBySide is how many processes publish side by side.
const sideBySide = 8

// childRounds publishes once for each destination that it reads from stdin.
func childRounds(ws, body string, ie IfExists) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		s, trees, err := childStage(ws, in.Text(), childTree(body))
		if err == nil {
			_, err = s.Publish(context.Background(), trees, ie)
			err = errors.Join(err, s.Close())
		}
		if err != nil {
			return fmt.Errorf("into %s: %w", in.Text(), err)
		}
		fmt.Println("done")
	}
	return in.Err()
}

// If processes publish into one place at the same time, fresh or not, all succeed, lose
// nothing and leave nothing.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ie     IfExists
		rounds int
		world  uint64
	}{
		"overwrite":              {Overwrite, 40, 1},
		"skip":                   {Skip, 40, 1},
		"overwrite, on the disk": {Overwrite, 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := worldDir(t, tt.world)
			type proc struct {
				in  *os.File
				out *bufio.Scanner
			}
			var procs []proc
			for i := range sideBySide {
				cmd := childCmd(t, "rounds", ws, strconv.Itoa(i), string(tt.ie))
				in, inW, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd.Stdin, cmd.Stderr = in, os.Stderr
				if tt.world > 0 { // eight processes keep all processors busy with one thread each
					cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
				}
				out, err := cmd.StdoutPipe()
				if err := errors.Join(err, cmd.Start(), in.Close()); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := errors.Join(inW.Close(), cmd.Wait()); err != nil {
						t.Error(err)
					}
				})
				procs = append(procs, proc{inW, bufio.NewScanner(out)})
			}
			for round := range tt.rounds {
				dest := "shared"
				if round%4 != 3 {
					dest = fmt.Sprintf("fresh%d/out", round)
				}
				for _, p := range procs {
					if _, err := fmt.Fprintln(p.in, dest); err != nil {
						t.Fatal(err)
					}
				}
				for i, p := range procs {
					if !p.out.Scan() {
						t.Fatalf("round %d: process %d failed", round, i)
					}
				}
				checkRound(t, filepath.Join(ws, dest))
			}
			for _, l := range snapshot(t, ws) {
				if strings.Contains(l, stagePrefix) {
					t.Errorf("left: %s", l)
				}
			}
		})
	}
}

// checkRound checks that each file is there, whole, and of one of the processes.
func checkRound(t *testing.T, dir string) {
	t.Helper()
	got := snapshot(t, dir)
	if len(got) != len(childTree("")) {
		t.Fatalf("got %q", got)
	}
	for _, l := range got {
		_, body, _ := strings.Cut(strings.ReplaceAll(l, " -> ", "="), "=")
		if n, err := strconv.Atoi(body); err != nil || n < 0 || n >= sideBySide {
			t.Errorf("%s: %s", dir, cmp.Or(l, "nothing"))
		}
	}
}
