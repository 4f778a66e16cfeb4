//go:build unix

package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
	"github.com/artifetch/artifetch/internal/testmain"
)

// umaskVar gives a test that runs in a process of its own its umask: it is
// one for the whole process.
const umaskVar = "WORKSPACE_TEST_UMASK"

// childVar makes the process a child: one that tests kill, or run side by side.
const childVar = "WORKSPACE_TEST_CHILD"

func TestMain(m *testing.M) {
	if umask, err := strconv.ParseInt(os.Getenv(umaskVar), 8, 0); err == nil {
		syscall.Umask(int(umask))
	}
	if child := os.Getenv(childVar); child != "" {
		os.Exit(runChild(child))
	}
	if err := ownMounts(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testmain.Run(m)
}

// share returns how many of n worlds a test makes up: all of them, or half of
// them if the test runs again as another user.
func share(n int) int {
	if os.Getenv(umaskVar) != "" {
		return n / 2
	}
	return n
}

// rerun runs tests of this package in a process of its own.
func rerun(t *testing.T, tests, umask string, as *syscall.Credential) {
	t.Helper()
	dir, err := os.MkdirTemp("", "workspace-test-") // t.TempDir would be root's alone
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := testdir.MkdirInMemory()
	t.Cleanup(func() { _ = errors.Join(os.RemoveAll(dir), os.RemoveAll(tmp)) })
	self := filepath.Join(dir, "test")
	if err := errors.Join(err, os.Chmod(dir, 0o755), os.Chmod(tmp, 0o777), copySelf(self)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", tests, "-test.v")
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, umaskVar+"="+umask)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("cannot run as another user here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// copySelf copies this program, to where other users may start it.
func copySelf(to string) error {
	name, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(testdir.WriteProgram(to, from), from.Close())
}

// Root may write anywhere and would not notice a lack of permission, so tests that
// depend on permissions run as the user nobody, too.
func TestAsNobody(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("it is not root who runs the tests, so all of them run so anyway")
	}
	rerun(t, "^(TestPublishUndoes|TestCloseReadOnly|TestPublishReadOnly|TestPublishInReadOnly|TestOwner.*|TestRecover.*|TestKilled|TestCopyTree)$", "022",
		&syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: false})
}

func TestUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"022", "027", "077", "002"} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			rerun(t, "^(TestModes|TestPublishReadOnly|TestCloseReadOnly)$", umask, nil)
		})
	}
}

// Published files have the modes that plain creation gives; only the stage is closed to
// other users.
func TestModes(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	s, trees, err := stage(t, ws, "new/out", StageOptions{}, staged{"n/m", nil}, staged{"o", nil})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Create("spool")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), s.Move("spool", "art0/file")); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, filepath.Join(ws, s.dir)); got != 0o700 {
		t.Errorf("the stage is %v", got)
	}
	if _, err := s.Publish(t.Context(), trees, Fail); err != nil {
		t.Fatal(err)
	}
	plain := t.TempDir()
	if err := errors.Join(os.Mkdir(plain+"/dir", 0o777), os.WriteFile(plain+"/file", nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for name, like := range map[string]string{
		"new": "dir", "new/out": "dir", "new/out/n": "dir", "new/out/n/m": "dir", "new/out/o": "dir", "new/out/n/m/file": "file",
	} {
		if got, want := mode(t, filepath.Join(ws, name)), mode(t, filepath.Join(plain, like)); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if umask := os.Getenv(umaskVar); umask != "" {
		bits, err := strconv.ParseUint(umask, 8, 32)
		if got, want := mode(t, ws+"/new"), 0o777&^fs.FileMode(bits); err != nil || got != want {
			t.Errorf("under umask %s it is %v, want %v", umask, got, want)
		}
	}
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestStageIsWhereItCanBeRenamedFrom(t *testing.T) {
	t.Parallel()
	for dest, in := range map[string]string{
		".": ".", "a": "a", "a/b": "a/b", "a/b/c/d": "a/b", "x/y": ".", "l/z": "a/b",
	} {
		ws := t.TempDir()
		write(t, ws, "a/b/", "l -> a/b")
		s, _, err := stage(t, ws, dest, StageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(ws, in, ".artifetch-*"))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: not in %s (%v)", dest, in, err)
		}
		if free, err := s.Free(); err != nil || free <= 0 {
			t.Errorf("free: %d, %v", free, err)
		}
	}
}

// The longest path that is accepted works as often as one likes.
func TestStageInLongPath(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	makeRemovable(t, ws)
	room := maxPath - stageExtra - len(ws) - 1
	dest := strings.Repeat(strings.Repeat("d", 199)+"/", room/200) + strings.Repeat("e", room%200)
	for i := range 3 {
		s, trees, err := stage(t, ws, dest, StageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if free, err := s.Free(); err != nil || free <= 0 {
			t.Errorf("free: %d, %v", free, err)
		}
		root, err := s.Mkdir("art")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.WriteFile(fmt.Sprint(i), nil, 0o600), root.Close()); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, Tree{Dir: "art", Label: "art"})
		if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(ws, dest, "2")); err != nil {
		t.Error(err)
	}
}

func TestStageFiles(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	s, _, err := stage(t, ws, "a/b/c", StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Create("spool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create("spool"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	r, err := s.Mkdir("tree")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mkdir(replacedDir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name of its own was given away: %v", err)
	}
	if err := errors.Join(f.Close(), s.Move("spool", "tree/file"), s.Remove("tree/file"), r.Close()); err != nil {
		t.Error(err)
	}
	write(t, r.Name(), "d/x=1", "0500 d/")
	if err := errors.Join(s.RemoveAll("tree"), s.RemoveAll("tree")); err != nil {
		t.Error(err)
	}
	if r, err = s.Mkdir("tree"); err != nil {
		t.Errorf("its name is not free again: %v", err)
	}
	if err := errors.Join(r.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if got := snapshot(t, ws); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// Closing needs neither the context nor permissions of what was staged.
func TestCloseReadOnly(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	makeRemovable(t, ws)
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"d/e/f=1", "0 d/e/", "0555 d/", "0444 g=1", "0 h/"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Publish(ctx, trees, Overwrite); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if got := snapshot(t, ws); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// Read-only directories are published. New ones keep their mode, and existing
// directories keep theirs.
func TestPublishReadOnly(t *testing.T) {
	t.Parallel()
	ro := []string{"d/e/f=1", "0555 d/e/", "0555 d/"}
	open := []string{"d/e/g=1", "0755 d/e/", "0755 d/"} // whatever the umask
	made := filepath.Join(t.TempDir(), "made")
	if err := os.Mkdir(made, 0o777); err != nil {
		t.Fatal(err)
	}
	plain := mode(t, made)
	tests := map[string]struct {
		before []string
		dest   string
		trees  []staged
		want   map[string]fs.FileMode
	}{
		"new":            {nil, ".", []staged{{"", ro}}, map[string]fs.FileMode{"d": 0o555, "d/e": 0o555}},
		"merged":         {nil, "out", []staged{{"", ro}, {"", []string{"d/e/g=1", "d/h/i=1", "0500 d/h/"}}}, map[string]fs.FileMode{"out/d": 0o555, "out/d/e": 0o555, "out/d/h": 0o500}},
		"older, merged":  {nil, "out", []staged{{"", open}, {"", ro}}, map[string]fs.FileMode{"out/d": 0o755, "out/d/e": 0o755}},
		"into there":     {open, ".", []staged{{"", ro}}, map[string]fs.FileMode{"d": 0o755, "d/e": 0o755}},
		"tree in a tree": {nil, "out", []staged{{"d", []string{"e/g=1", "0555 e/"}}, {"", ro}}, map[string]fs.FileMode{"out/d": plain, "out/d/e": 0o555}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			makeRemovable(t, ws)
			write(t, ws, tt.before...)
			if _, err := publish(t.Context(), t, ws, tt.dest, tt.trees, Overwrite, nil); err != nil {
				t.Fatal(err)
			}
			for p, want := range tt.want {
				if got := mode(t, filepath.Join(ws, p)); got != want {
					t.Errorf("%s is %v, want %v", p, got, want)
				}
			}
		})
	}
}

// A directory of the destination that this process may not enter is an error, and
// the changes are undone as after any other.
func TestPublishInReadOnly(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere; TestAsNobody runs this")
	}
	ws := t.TempDir()
	makeRemovable(t, ws)
	write(t, ws, "a=0", "d/e=0", "0555 d/")
	before := exact(t, ws)
	_, err := publish(t.Context(), t, ws, ".", []staged{{"", []string{"a=1", "d/e=1"}}}, Overwrite, nil)
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if diff := gocmp.Diff(before, exact(t, ws)); diff != "" {
		t.Error(diff)
	}
}

func TestIsStage(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		stagePrefix + rand.Text():                        true,
		stagePrefix + "ABCDEFGHIJKLMNOPQRSTUVWXY2":       true,
		stagePrefix + "ABCDEFGHIJKLMNOPQRSTUVWX2":        false, // too short
		stagePrefix + "ABCDEFGHIJKLMNOPQRSTUVWXYZ2":      false, // too long
		stagePrefix + "ABCDEFGHIJKLMaOPQRSTUVWXY2":       false,
		stagePrefix + "ABCDEFGHIJKLM1OPQRSTUVWXY2":       false,
		stagePrefix + "ABCDEFGHIJKLMNOPQRSTUVWX\n2":      false,
		".artifact-" + "ABCDEFGHIJKLMNOPQRSTUVWXY2":      false,
		"x" + stagePrefix + "ABCDEFGHIJKLMNOPQRSTUVWXY2": false,
		stagePrefix: false,
		"":          false,
	} {
		if got := isStage(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
