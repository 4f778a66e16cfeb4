package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/testdir"
)

// mount mounts something for the time of a test. Files that a test leaves open, as if it
// were killed, do not keep the mount.
func mount(t *testing.T, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// mounts of out/cache, which other directories of the workspace may serve for.
var mountKinds = map[string]func(t *testing.T, ws string){
	"tmpfs": func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/out/cache", "tmpfs", 0, "size=1m")
	},
	"bind, of the same device": func(t *testing.T, ws string) {
		t.Helper()
		mount(t, ws+"/other", ws+"/out/cache", "", unix.MS_BIND, "")
	},
	"in a mount": func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/out", "tmpfs", 0, "size=1m")
		write(t, ws, "out/cache/")
		mount(t, "tmpfs", ws+"/out/cache", "tmpfs", 0, "size=1m")
	},
	"of a mount below": func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/out/cache", "tmpfs", 0, "size=1m")
		write(t, ws, "out/cache/d/")
		mount(t, ws+"/other", ws+"/out/cache/d", "", unix.MS_BIND, "")
	},
	"by a symlink": func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/other", "tmpfs", 0, "size=1m")
		if err := errors.Join(os.Remove(ws+"/out/cache"), os.Symlink("../other", ws+"/out/cache")); err != nil {
			t.Fatal(err)
		}
	},
}

// mountWorld makes the directory ws a workspace with a mount at out/cache.
func mountWorld(t *testing.T, ws string, kind func(t *testing.T, ws string)) string {
	t.Helper()
	makeRemovable(t, ws)
	write(t, ws, "out/cache/", "other/")
	kind(t, ws)
	write(t, ws, "out/a=0", "out/b=0", "out/cache/x=0", "out/cache/d/y=0", "out/cache/l -> x", "out/cache/mine=0")
	return ws
}

var mountTrees = []staged{
	{"", []string{"a=1", "new/f=1", "cache/x=1", "0755 cache/run=1", "cache/new/f=1", "0555 cache/new/locked/", "cache/l -> d/y", "cache/k -> new/f"}},
	{"", []string{"b=2", "cache/x=2", "cache/d/y=2", "0444 cache/d/z=2", "cache/new/g=2", "cache/new/locked/h=2"}},
}

// A mount below the destination is no obstacle: the same files are published as without it.
func TestPublishIntoMounts(t *testing.T) {
	t.Parallel()
	plain := mountWorld(t, t.TempDir(), func(*testing.T, string) {})
	if _, err := publish(t.Context(), t, plain, "out", mountTrees, Overwrite, nil); err != nil {
		t.Fatal(err)
	}
	want := snapshot(t, plain+"/out/cache")
	for name, kind := range mountKinds {
		for way, how := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				ws := mountWorld(t, t.TempDir(), kind)
				s, trees, err := stage(t, ws, "out", StageOptions{}, mountTrees...)
				if err != nil {
					t.Fatal(err)
				}
				s.noSwap, s.noLinks = how.noSwap, how.noLinks
				if s.HasMounts() || s.CheckMount("cache/x") != nil {
					t.Errorf("refused: %+v", s.mounts)
				}
				if err := s.Foresee(t.Context(), []Tree{{To: "cache", Label: "art0"}}); err != nil {
					t.Error(err)
				}
				report, err := s.Publish(t.Context(), trees, Overwrite)
				if err := errors.Join(err, s.Close()); err != nil {
					t.Fatal(err)
				}
				if report.Replaced != 5 || report.Conflicting != 1 {
					t.Errorf("%+v", report)
				}
				dir, err := filepath.EvalSymlinks(ws + "/out/cache")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, snapshot(t, dir)); diff != "" {
					t.Error(diff)
				}
				for name, mode := range map[string]os.FileMode{"run": 0o755, "d/z": 0o444, "new/locked": 0o555 | os.ModeDir} {
					if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
						t.Errorf("%s: %v, %v", name, info, err)
					}
				}
				for _, l := range snapshot(t, ws) {
					if strings.Contains(l, stagePrefix) {
						t.Errorf("left: %s", l)
					}
				}
			})
		}
	}
}

// Times and owners are those of the stage.
func TestPublishIntoMountKeepsTimes(t *testing.T) {
	t.Parallel()
	ws := mountWorld(t, t.TempDir(), mountKinds["tmpfs"])
	s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"cache/new/f=1", "cache/new/l -> f", "cache/x=1"}})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"cache/x", "cache/new/f", "cache/new/l", "cache/new"}
	for i, name := range names {
		if err := errors.Join(s.at.setTime(s.dir+"/art0/"+name, int64(i+1)*1e18), os.Lchown(filepath.Join(s.path(), "art0", name), os.Getuid(), i)); err != nil {
			t.Skip(err) // not root
		}
	}
	if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		info, err := os.Lstat(filepath.Join(ws, "out", name))
		if err != nil {
			t.Fatal(err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if gid := uint32(i); !ok || info.ModTime().UnixNano() != int64(i+1)*1e18 || st.Gid != gid && name != "cache/new" {
			t.Errorf("%s: %v, %+v", name, info.ModTime(), st)
		}
	}
}

// A volume outlives the workspace: the next run that writes to it undoes what a killed run
// did there, even if nothing else is left of that run, and before it plans.
func TestKilledInVolume(t *testing.T) {
	t.Parallel()
	for _, ie := range []IfExists{Overwrite, Skip} {
		t.Run(string(ie), func(t *testing.T) {
			t.Parallel()
			ws := mountWorld(t, t.TempDir(), mountKinds["tmpfs"])
			s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"cache/n=1", "cache/x=1"}})
			if err != nil {
				t.Fatal(err)
			}
			s.before = func() error {
				if _, err := os.Lstat(ws + "/out/cache/n"); err == nil {
					runtime.Goexit()
				}
				return nil
			}
			if died, err := publishUntil(t.Context(), t, s, trees, Overwrite, -1); !died || err != nil {
				t.Fatal(died, err)
			}
			if err := os.RemoveAll(s.path()); err != nil {
				t.Fatal(err)
			}
			report, err := publish(t.Context(), t, ws, "out", []staged{{"", []string{"cache/n=2", "cache/x=2"}}}, ie, nil)
			if err != nil || len(report.Recovered) != 1 || report.Recovered[0].Undone == 0 || report.Recovered[0].Err != nil {
				t.Errorf("%+v, %v", report, err)
			}
			if want := map[IfExists]int{Skip: 1}[ie]; report.Skipped != want {
				t.Errorf("%d files skipped, want %d", report.Skipped, want)
			}
			want := map[string]string{"n": "2", "x": map[IfExists]string{Overwrite: "2", Skip: "0"}[ie]}
			for name, want := range want {
				if body, err := os.ReadFile(ws + "/out/cache/" + name); err != nil || string(body) != want {
					t.Errorf("%s: %q, %v", name, body, err)
				}
			}
			for _, l := range snapshot(t, ws) {
				if strings.Contains(l, stagePrefix) {
					t.Errorf("left: %s", l)
				}
			}
		})
	}
}

// The list of annexes only says where to look: nothing but stages in this root is touched,
// and no stage of a living process.
func TestAnnexListIsNotTrusted(t *testing.T) {
	t.Parallel()
	other, alive := strings.Replace(testStage, "X", "Y", 1), strings.Replace(testStage, "X", "Z", 1)
	tests := map[string]struct {
		list string
		want []string // what is left of the others
	}{
		"a stage":       {`"vol/` + other + `"` + "\n", []string{"vol/" + alive + "/f=1", "vol/" + alive + "/lock=", "vol/x=1"}},
		"by a way up":   {`"../ws/vol/` + other + `"` + "\n", nil},
		"absolute":      {`"/vol/` + other + `"` + "\n", nil},
		"no stage":      {`"vol"` + "\n", nil},
		"of the living": {`"vol/` + alive + `"` + "\n", nil},
		"itself":        {`"` + testStage + `"` + "\n", nil},
		"damaged":       {`vol/` + other + "\n", nil},
		"more":          {`"vol/` + other + `" x` + "\n", nil},
		"outside":       {`"../outside/` + other + `"` + "\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := testdir.InMemory(t)
			ws := filepath.Join(dir, "ws")
			rest := []string{"vol/" + other + "/f=1", "vol/" + other + "/lock=", "vol/" + alive + "/f=1", "vol/" + alive + "/lock=", "vol/x=1"}
			write(t, dir, "ws/", "outside/"+other+"/lock=", "outside/"+other+"/f=1")
			write(t, ws, append(rest, testStage+"/lock=", testStage+"/annexes="+tt.list)...)
			f, err := os.Open(filepath.Join(ws, "vol", alive, "lock"))
			if err == nil {
				err = tryLock(f)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			recoverIn(t, ws, ".")
			want := tt.want
			if want == nil {
				want = rest
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			if left := snapshot(t, filepath.Join(dir, "outside")); len(left) != 2 {
				t.Errorf("outside: %q", left)
			}
		})
	}
}

// Whichever change fails, in a mount or beside it, all are undone, down to the inodes.
func TestUndoneInMounts(t *testing.T) {
	t.Parallel()
	for name, kind := range mountKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := mountWorld(t, testdir.InMemory(t), kind)
			before, old := exact(t, ws), snapshot(t, ws)
			for n := 1; ; n++ {
				changes := 0
				_, err := publish(t.Context(), t, ws, "out", mountTrees, Overwrite, func() error {
					if changes++; changes == n {
						return errFault
					}
					return nil
				})
				if err == nil {
					if n < 15 {
						t.Errorf("only %d changes", n)
					}
					return
				}
				if diff := cmp.Diff(before, exact(t, ws)); diff != "" || !errors.Is(err, errFault) {
					t.Fatalf("change %d: %v: %s%s", n, err, diff, cmp.Diff(old, snapshot(t, ws)))
				}
			}
		})
	}
}

// Before whichever change the process is killed: each path has its old or its new file,
// and the next run undoes everything, in the mounts, too, unless all was done. The
// workspaces are in memory; the tests above have theirs on the disk.
func TestKilledInMounts(t *testing.T) {
	t.Parallel()
	for name, kind := range mountKinds {
		for way, how := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				full := mountWorld(t, worldDir(t, 1), kind)
				if _, err := publish(t.Context(), t, full, "out", mountTrees, Overwrite, nil); err != nil {
					t.Fatal(err)
				}
				w := killWorld{trees: mountTrees, dest: "out", ie: Overwrite, after: snapshot(t, full), noSwap: how.noSwap, noLinks: how.noLinks}
				at := killPlaceIn(t, mountWorld(t, worldDir(t, 1), kind))
				w.fault = 15 // undoing is killed, too
				before, n := 1, 1
				for died := true; died && !t.Failed(); n++ {
					var failed bool
					if died, failed = killOnce(t, w, at, n); !failed {
						before = n
					}
				}
				// Up to there, a process for which nothing fails does the same.
				done := false
				for n = before + 1; !t.Failed() && !done; n++ {
					done = killDone(t, w, at, n)
				}
				if n < 15 {
					t.Errorf("only %d changes", n)
				}
			})
		}
	}
}

// killDone kills before the n-th change, recovers, and reports whether all changes are made.
// If they are not, none may be.
func killDone(t *testing.T, w killWorld, at killPlace, n int) bool {
	t.Helper()
	ws := at.ws
	s, list, err := stage(t, ws, w.dest, StageOptions{}, w.trees...)
	if err != nil {
		t.Fatal(err)
	}
	s.noSwap, s.noLinks = w.noSwap, w.noLinks
	if _, err := publishUntil(t.Context(), t, s, list, w.ie, n); err != nil {
		t.Fatal(err)
	}
	oldOrNew(t, at.old, snapshot(t, ws), w.after)
	for _, r := range recoverIn(t, ws, w.dest) {
		if len(r.Left) > 0 || r.Err != nil {
			t.Errorf("killed before change %d: %+v", n, r)
		}
	}
	now := snapshot(t, ws)
	done := cmp.Equal(now, w.after)
	if diff := cmp.Diff(at.old, now); diff != "" && !done {
		t.Errorf("killed before change %d: %s", n, diff)
	}
	return done
}

// Files that a mount does not allow are refused before the first change.
func TestPublishRefusesMounts(t *testing.T) {
	t.Parallel()
	readOnly := func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/out/cache", "tmpfs", 0, "size=1m")
		write(t, ws, "out/cache/x=0")
		if err := unix.Mount("", ws+"/out/cache", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	file := func(t *testing.T, ws string) {
		t.Helper()
		write(t, ws, "conf=0", "out/cache/x=")
		mount(t, ws+"/conf", ws+"/out/cache/x", "", unix.MS_BIND, "")
	}
	small := func(t *testing.T, ws string) {
		t.Helper()
		mount(t, "tmpfs", ws+"/out/cache", "tmpfs", 0, "size=64k")
	}
	large := "cache/new/large=" + strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		make  func(t *testing.T, ws string)
		tree  []string
		ie    IfExists
		early bool // CheckMount refuses cache/x
		err   string
	}{
		"read-only":                {readOnly, []string{"a=1", "cache/x=1"}, Overwrite, true, `"cache" is a separate mount that is read-only`},
		"read-only, a directory":   {readOnly, []string{"a=1", "cache/d/x=1"}, Overwrite, true, `"cache" is a separate mount that is read-only`},
		"read-only, not needed":    {readOnly, []string{"a=1", "cache/"}, Overwrite, true, ""},
		"read-only, skipped":       {readOnly, []string{"a=1", "cache/x=1"}, Skip, true, ""},
		"a file":                   {file, []string{"a=1", "cache/x=1"}, Overwrite, true, `"cache/x" is a file that is a mount of its own`},
		"a file, skipped":          {file, []string{"a=1", "cache/x=1"}, Skip, true, ""},
		"a file, beside":           {file, []string{"a=1", "cache/y=1"}, Overwrite, true, ""},
		"too small":                {small, []string{"a=1", "cache/x=1", large}, Overwrite, false, "copy files to another mount: "},
		"too small, a file only":   {small, []string{"a=1", large[:len("cache/")] + large[len("cache/new/"):]}, Overwrite, false, "no space left on device"},
		"a mount, nothing for it":  {small, []string{"a=1", "cache/"}, Overwrite, false, ""},
		"a mount, and all at once": {small, []string{"a=1", "cache/x=1"}, Fail, false, `"a" is already there`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, "out/cache/", "out/a=0")
			tt.make(t, ws)
			before := snapshot(t, ws)
			s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", tt.tree})
			if err != nil {
				t.Fatal(err)
			}
			if refused := s.CheckMount("cache/x") != nil; refused != tt.early || s.HasMounts() != tt.early || s.CheckMount("other/x") != nil {
				t.Errorf("refused early: %v; mounts: %+v", refused, s.mounts)
			}
			_, err = s.Publish(t.Context(), trees, tt.ie)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if tt.err == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
