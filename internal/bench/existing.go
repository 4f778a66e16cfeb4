package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// runnerUser owns the workspace if this program runs as root, as on GitHub's machines.
const runnerUser = 1001

// publishing are cases in which the destination matters.
var publishing = []struct {
	name, what string
	world
}{
	{"N", "20,000 files of 10 KiB in one directory", world{artifacts: 1, files: 20_000, size: 10 << 10, names: flat}},
	{"O", "20,000 files of 10 KiB, ten in a directory", world{artifacts: 1, files: 20_000, size: 10 << 10, names: tens}},
	{"P", "200,000 files of 2 KB in one directory", world{artifacts: 1, files: 200_000, size: 2000, names: flat}},
	{"Q", "1,000,000 tiny files in one directory", world{artifacts: 1, files: 1_000_000, names: flat}},
	{"QN", "Q, with names of 250 bytes", world{artifacts: 1, files: 1_000_000, names: flat250}},
	{"QP", "1,000,000 tiny files, a thousand in a directory, with paths of 1,000 bytes", world{artifacts: 1, files: 1_000_000, names: deep1000}},
	{"QD", "1,000,000 tiny files, four in a directory, with paths of 500 bytes", world{artifacts: 1, files: 1_000_000, names: fours500}},
	{"QT", "QN in a tar, which is expanded", world{artifacts: 1, files: 999_999, names: flat250, tar: true}}, // the tar is an entry, too
}

func flat(i int) string { return fmt.Sprintf("f%d.bin", i) }
func tens(i int) string { return fmt.Sprintf("d%d/f%d.bin", i/10, i) }
func flat250(i int) string {
	return fmt.Sprintf("%x-%0185d", sha256.Sum256([]byte(strconv.Itoa(i))), i)
}
func deep1000(i int) string { return strings.Repeat(flat250(i / 1000)[:249]+"/", 3) + flat250(i) }
func fours500(i int) string { return flat250(i / 4)[:249] + "/" + flat250(i) }

// state is how much of the destination exists before a program starts.
type state int

const (
	absent state = iota
	// present: all directories are there, and a file that the archive does not have.
	present
	// complete: a run before put all files there.
	complete

	states = iota
)

func (s state) String() string {
	return [...]string{"new directory", "existing directory", "second run"}[s]
}

// existing prints how long a step takes that extracts one artifact, for each state of its
// destination. The step runs as this process's user, in a workspace of runnerUser.
func (b *bencher) existing(ctx context.Context, runs int, only []string) (err error) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer func() { err = errors.Join(err, table.Flush()) }()
	fmt.Fprintln(table, b.head("case\twhat\tinto\tartifetch\tprocessor\tpeak RSS"))
	for _, c := range publishing {
		if !slices.Contains(only, c.name) {
			continue
		}
		m, err := b.eachState(ctx, runs, c.world)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		for at := range m {
			ours := summary(m[at][0])
			fmt.Fprintf(table, "%s\t%s\t%s\t%s", c.name, c.what, state(at), ours)
			for _, p := range m[at][1:] {
				c := summary(p)
				fmt.Fprintf(table, "\t%s\t%.2f", c, ours.ratio(c))
			}
			fmt.Fprintln(table)
		}
	}
	return nil
}

// eachState measures artifetch and the peers in turns, in each of the states.
func (b *bencher) eachState(ctx context.Context, runs int, w world) (m [states][][]cost, err error) {
	s := newScene(w)
	defer s.close()
	ws := filepath.Join(b.dir, "workspace")
	programs := append([]program{{name: "artifetch", exe: b.exe, env: s.step(ws)}}, b.peers...)
	for at := range m {
		m[at] = make([][]cost, len(programs))
	}
	for range runs {
		for i, p := range programs {
			for at := range m {
				c, err := b.publish(ctx, s, p, ws, state(at))
				if err != nil {
					return m, fmt.Errorf("%s, %s: %w", p.name, state(at), err)
				}
				m[at][i] = append(m[at][i], c)
			}
		}
	}
	return m, os.RemoveAll(ws)
}

// publish runs a program, which extracts to a directory of the workspace that has the
// artifact's id as its name. A call for complete follows one for present.
func (b *bencher) publish(ctx context.Context, s *scene, p program, ws string, before state) (c cost, err error) {
	out := filepath.Join(ws, fmt.Sprint(s.ids[0]))
	if before != complete {
		err = errors.Join(os.RemoveAll(ws), os.Mkdir(ws, 0o755))
	}
	if before == present {
		err = errors.Join(err, s.makeDirs(out), os.WriteFile(filepath.Join(out, "mine"), nil, 0o600))
	}
	if err = errors.Join(err, giveAway(ws)); err != nil {
		return c, err
	}
	want := s.world.files
	if before != absent {
		want++
	}
	if c, err = p.run(ctx, s, ws); err != nil {
		return c, err
	}
	files, err := count(out)
	if err == nil && files != want {
		err = fmt.Errorf("there are %d files", files)
	}
	return c, err
}

// makeDirs makes the directories of the archive.
func (s *scene) makeDirs(out string) error {
	made := ""
	for i := range s.world.files {
		dir := filepath.Dir(filepath.Join(out, s.world.names(i)))
		if dir == made {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		made = dir
	}
	return nil
}

// giveAway gives a tree to the runner's user, if this process is root.
func giveAway(tree string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return filepath.WalkDir(tree, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, runnerUser, runnerUser))
	})
}

// count counts the files of a tree.
func count(tree string) (files int, err error) {
	err = filepath.WalkDir(tree, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
		}
		return err
	})
	return files, err
}

// step returns the environment of a step that extracts the artifact.
func (s *scene) step(ws string) []string {
	id := fmt.Sprint(s.ids[0])
	return []string{
		fmt.Sprintf("INPUT_UNPACK=%v", s.world.tar),
		"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + ws, "GITHUB_RUN_ID=1", "GITHUB_OUTPUT=" + ws + ".out", "INPUT_SUMMARY=false",
		"INPUT_GITHUB-TOKEN=" + token, "INPUT_REPOSITORY=octo/app", "INPUT_ARTIFACT-IDS=" + id, "INPUT_PATH=" + id,
	}
}
